"""A live gate at night: the order goes out with the finding; a silent barrier is a red warning."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.homes import acts, findings
from wuxin.audit import audit
from wuxin.finance.interceptor import ANSWER
from wuxin.home import Home
from wuxin.stores.journal import Arrived
from wuxin.terms.clock import SECOND, Nanos, iso, moment
from wuxin.terms.ports import Trust
from wuxin.terms.records import Command
from wuxin.wire.packed import packed

NIGHT = moment("2026-01-05T18:00:00Z")


class Farm:
    """A home with a farm and its gate, and a clock that the test sets."""

    def __init__(self, folder: Path) -> None:
        self.now, self.sequence = NIGHT, 0
        self.home = Home(folder, clock=lambda: Nanos(self.now))
        things = [{"kind": "farm", "id": "F"}, {"kind": "gate", "id": "G", "parent": "farm:F"}]
        self.home.attend("farm", "agriculture", things=things)

    def says(self, **readings: float) -> None:
        self.sequence += 1
        said = {"device": "gate:G", "boot": "b", "seq": self.sequence, "time": iso(self.now),
                "readings": readings}  # fmt: skip
        frame = packed("farm", [json.dumps(said).encode()], stream=Trust.SIGNED)
        self.home.accept(Arrived("farm", self.now, (frame,)))

    def order(self, do: str, **body: Any) -> None:
        self.home.order(Command(do, self.now, "supervisor:su", "", body, "supervisor"))


@pytest.fixture
def farm(tmp_path: Path) -> Iterator[Farm]:
    made = Farm(tmp_path)
    made.says(animals_outbound=0, outbound_permitted=0, persons_after_hours=0)
    made.now += SECOND
    made.says(animals_outbound=5)
    yield made
    made.home.close()
    assert audit(tmp_path, made.home.tenant).faults == []


def test_the_order_goes_out_at_once_and_the_answer_ends_it(farm: Farm) -> None:
    [ordered] = acts(farm.home, kind="device_order")
    assert ordered["figures"]["delivery"] == "ordered"
    assert ordered["figures"]["do"] == "close_gates"
    farm.now += SECOND
    farm.order("answer_device_order", order=ordered["act"], outcome="done")
    farm.now += 2 * ANSWER
    farm.order("pass_time")
    assert findings(farm.home, rule="device_order_unanswered") == []


def test_a_barrier_that_does_not_answer_is_a_red_warning(farm: Farm) -> None:
    farm.now += ANSWER
    farm.order("pass_time")
    [late] = findings(farm.home, rule="device_order_unanswered")
    assert (late["thing"], late["level"]) == ("G", "red")
    assert "close_gates for gate:G" in late["reasons"][0]
