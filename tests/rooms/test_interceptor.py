"""Interception: a rule that does something orders the devices, and somebody must answer."""

from typing import Any

import msgspec
import pytest

from tests.rooms.test_finance import BANK, occasion
from tests.rooms.yard import Lots, Yard, kinds, rules
from wuxin.finance.interceptor import ANSWER, PRESENT, Interceptor
from wuxin.packs import schema
from wuxin.terms.clock import moment
from wuxin.terms.counter import NOT_DUE, Now, read
from wuxin.terms.errors import NotFound
from wuxin.terms.names import ThingKey
from wuxin.terms.records import Act, Cleared, Command, Finding, Words

NIGHT = moment("2008-08-01T02:00:00Z")
PACK = schema.load("agriculture")


class Post:
    """A gate with the counter that orders it, at times that the test sets."""

    def __init__(self) -> None:
        self.counter = Interceptor(BANK, Yard(Lots()).desk)

    def now(self, after: int = 0) -> Now:
        return occasion(Lots(), NIGHT)._replace(known=NIGHT + after, pack=PACK)

    def fires(self, rule: str = "intrusion", *, after: int = 0) -> list[Any]:
        found = Finding(
            tenant=BANK, thing=ThingKey("gate", "G-1"), rule=rule, level="red", since=NIGHT,
            raised=NIGHT, value=None, limit=None, unit="", reasons=(Words("有人", "somebody"),),
            because=(),
        )  # fmt: skip
        return self.counter.hear(found, self.now(after))

    def answer(self, order: str, outcome: str, *, after: int = 0, reason: str = "") -> list[Any]:
        body = {"order": order, "outcome": outcome, "reason": reason}
        command = Command("answer_device_order", NIGHT + after, "supervisor:su", "", body)
        order_ = self.counter.orders["answer_device_order"]
        said = read(body, order_.body, do=command.do)
        return order_.obey(command, said, now=self.now(after))


def test_an_order_goes_out_with_the_finding_and_an_answer_ends_it() -> None:
    post = Post()
    [act] = post.fires()
    assert isinstance(act, Act)
    assert (act.kind, act.mandate) == ("device_order", "rule:intrusion")
    assert (act.figures["do"], act.figures["delivery"]) == ("sound_alarm", "ordered")
    assert post.counter.due() == NIGHT + ANSWER
    assert kinds(post.answer(act.id, "done", after=10)) == ["device_order_answered"]
    assert post.counter.due() == NOT_DUE
    assert post.counter.tick(post.now(2 * ANSWER)) == []


def test_no_answer_in_time_is_a_warning_once_and_a_late_answer_ends_it() -> None:
    post = Post()
    [act] = post.fires()
    assert post.counter.tick(post.now(ANSWER - 1)) == []
    [warning] = post.counter.tick(post.now(ANSWER))
    assert rules([warning]) == ["device_order_unanswered"]
    assert warning.because[0].id == act.id
    assert post.counter.tick(post.now(2 * ANSWER)) == []
    [_, over] = post.answer(act.id, "done", after=3 * ANSWER)
    assert isinstance(over, Cleared)
    assert over.finding == warning.id


def test_what_the_device_could_not_do_is_warned_of_at_once() -> None:
    post = Post()
    [act] = post.fires()
    said = post.answer(act.id, "failed", reason="no power")
    assert rules(said) == ["device_order_unanswered"]
    assert "no power" in said[1].reasons[0].en
    assert post.counter.tick(post.now(2 * ANSWER)) == []


def test_what_comes_to_light_too_late_orders_nothing() -> None:
    post = Post()
    [act] = post.fires(after=PRESENT + 1)
    assert act.figures["delivery"] == "too late"
    assert post.counter.due() == NOT_DUE
    with pytest.raises(NotFound):
        post.answer(act.id, "done")


def test_a_rule_that_does_nothing_orders_nothing() -> None:
    assert Post().fires("animal_missing") == []


def test_a_fresh_counter_goes_on_from_what_was_frozen() -> None:
    post, other = Post(), Post()
    post.fires()
    kept = msgspec.json.decode(msgspec.json.encode(post.counter.freeze()))
    other.counter.thaw(kept)
    assert other.counter.freeze() == post.counter.freeze()
    assert rules(other.counter.tick(other.now(ANSWER))) == ["device_order_unanswered"]
