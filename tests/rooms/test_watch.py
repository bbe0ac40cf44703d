"""The watch: silence and deadlines are noticed although nothing arrives."""

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy.engine import RowMapping

from tests.homes import Wall
from wuxin import frozen
from wuxin.home import Home
from wuxin.portal import views
from wuxin.stores.journal import Arrived, Told
from wuxin.terms.clock import DAY, HOUR, MINUTE, SECOND, iso, moment
from wuxin.terms.counter import BANK
from wuxin.watch import ALLOWANCE, Watch
from wuxin.wire.packed import packed

START = moment("2026-03-01T06:00:00Z")
LOTS = 4


@pytest.fixture
def wall() -> Wall:
    return Wall(START)


@pytest.fixture
def home(tmp_path: Path, wall: Wall) -> Iterator[Home]:
    parent = {"kind": "warehouse", "id": "WH"}
    lots = [{"kind": "lot", "id": f"L{n}", "parent": "warehouse:WH"} for n in range(LOTS)]
    with Home(tmp_path, clock=wall) as house:
        house.attend("scales", "logistics", things=[parent, *lots])
        yield house


def speak(home: Home) -> None:
    at = home.clock()
    told = [
        json.dumps({"device": f"lot:L{n}", "boot": "b", "seq": at // SECOND, "time": iso(at),
                    "readings": {"net_weight": 25_000, "authorised_weight": 25_000}}).encode()
        for n in range(LOTS)
    ]  # fmt: skip
    home.accept(Arrived("scales", at, (packed("scales", told),)))


def kinds(home: Home) -> list[str]:
    acts = [views.act(row) for row in reversed(home.book.acts(home.tenant))]
    return [act["kind"] for act in acts if act["figures"]["rule"] == "silence"]


def silences(home: Home) -> list[RowMapping]:
    return home.book.findings(home.tenant, {"rule": "silence"})


def silent_at(home: Home) -> int:
    line = home.flow.lines["logistics"]
    return line.twin.silent_after(line.registry.of("scales"))


def test_the_silence_of_a_dead_carrier_is_noticed_without_any_message(
    home: Home, wall: Wall
) -> None:
    watch = Watch(home)
    speak(home)
    due = silent_at(home)
    while wall.at < due + ALLOWANCE - SECOND:
        wall.at = min(wall.at + 6 * HOUR, due + ALLOWANCE - SECOND)
        watch.look()
    assert silences(home) == []
    last = home.journal.last
    wall.at = due + ALLOWANCE
    assert watch.look() == 1
    assert home.journal.last == last + 1
    found = silences(home)
    assert [(row["rule"], row["raised"]) for row in found] == [("silence", due)] * LOTS
    assert kinds(home) == ["warning_raised"]
    assert {row["warning"] for row in found} <= {*home.flow.bank.warnings.groups}
    assert watch.look() == 0


def test_an_unacknowledged_warning_is_escalated_without_any_message(home: Home, wall: Wall) -> None:
    watch = Watch(home)
    speak(home)
    wall.at = silent_at(home) + ALLOWANCE
    while "warning_raised" not in kinds(home):
        assert watch.look()
    due = home.flow.bank.due()
    wall.at = due - 1
    watch.look()  # the day of the scales ends
    assert kinds(home) == ["warning_raised"]
    wall.at = due
    watch.look()
    assert kinds(home) == ["warning_raised", "warning_escalated"]
    told = home.journal.entry(home.journal.last)
    assert isinstance(told, Told)
    assert (told.source, told.command.do, told.command.by) == (BANK, "pass_time", "clock")
    assert watch.look() == 0
    wall.at += HOUR
    assert watch.look() == 0


def test_one_entry_a_day_and_none_in_between_while_all_speak(home: Home, wall: Wall) -> None:
    watch, told = Watch(home), 0
    speak(home)
    for _ in range(48):
        wall.at += HOUR
        speak(home)
        told += watch.look()
    assert silences(home) == []
    assert told <= 2


def test_the_journal_with_the_watchs_entries_gives_the_same_again(
    home: Home, wall: Wall, tmp_path: Path
) -> None:
    watch = Watch(home)
    speak(home)
    for _ in range(5 * 24):
        wall.at += HOUR
        watch.look()
    assert kinds(home) == ["warning_raised", "warning_escalated"]
    before, root = frozen.digest(home.flow), home.log.head.root
    home.close()
    for state in (tmp_path / home.tenant / "state").iterdir():
        state.unlink()
    with Home(tmp_path, clock=wall) as again:
        assert frozen.digest(again.flow) == before
        assert again.log.head.root == root


def test_the_thread_looks_by_itself_and_ends_with_its_home(home: Home, wall: Wall) -> None:
    speak(home)
    wall.at += 3 * DAY
    with Watch(home, every_s=0.01):
        deadline = time.monotonic() + 20
        while "warning_raised" not in kinds(home):
            assert time.monotonic() < deadline
            time.sleep(0.02)


def test_what_stays_due_is_told_once(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(home.flow.bank, "due", lambda: START - MINUTE)
    watch = Watch(home)
    assert [watch.look(), watch.look(), watch.look()] == [1, 0, 0]
