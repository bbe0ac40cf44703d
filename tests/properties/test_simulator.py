"""Days of devices, carriers and power cuts: nothing is lost, made up, or done twice.

``WUXIN_SEEDS=100`` runs as many seeds; a seed that fails says how to repeat it.
"""

import os
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from tests.field import Message
from tests.power import Fuse
from tests.simulator import SOURCE, Bank, simulate
from wuxin.home import Home
from wuxin.slices import Result
from wuxin.stores.journal import Arrived, Entry
from wuxin.wire.packed import packed

MADE_UP = (
    b'{"device":"lot:L1","boot":"run-1","seq":0,"time":"2024-10-04T00:00:01Z",'
    b'"readings":{"net_weight":24000}}'
)
SEEDS = range(1, 1 + int(os.environ.get("WUXIN_SEEDS", "3")))


@pytest.mark.parametrize("seed", SEEDS)
def test_what_was_acknowledged_is_there_once_whatever_happened(seed: int) -> None:
    trace = simulate(seed, days=2, devices=6)
    counts = trace.counts
    assert counts["crashes"] == len(trace.burnt) - counts.get("crashes while opening", 0) > 0
    assert min(counts[what] for what in ("lost", "doubled", "spoilt", "sent again")) > 0
    assert counts["acknowledged"] > counts["messages"] / 4
    assert counts["findings and acts"] > 50
    assert counts["repeats beyond memory"] < counts["sent again"] / 20


def test_a_seed_repeats_itself_to_the_last_bit() -> None:
    one, two, other = (simulate(seed, days=0.5, devices=5) for seed in (7, 7, 8))
    assert one == two
    assert one.digest != other.digest


def test_a_bank_that_acknowledges_before_the_disk_is_found_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    take = Bank._take

    def hasty(bank: Bank, home: Home, *, taken: list[Message]) -> None:
        for message in taken:
            bank._acknowledge(message)
        take(bank, home, taken=taken)

    def in_appending(fuse: Fuse, _points: Sequence[str]) -> None:
        fuse.point, fuse.how, fuse.left = "journal append", "before", 0

    monkeypatch.setattr(Bank, "_take", hasty)
    monkeypatch.setattr(Fuse, "arm", in_appending)
    with pytest.raises(AssertionError, match=r"--seed 1 --days 1 .*\n.*is not in the journal"):
        simulate(1, days=1, devices=5)


def test_a_house_that_forgets_history_when_it_is_opened_is_found_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    commit: Callable[[Home, Result], None] = Home._commit

    def only_fresh(home: Home, result: Result) -> None:
        fresh = [p for p in result.prepared if p.outcome.number > home._committed]
        commit(home, result._replace(prepared=fresh))

    monkeypatch.setattr(Home, "_commit", only_fresh)
    with pytest.raises(AssertionError, match=r"--seed 1 .*\n.*stands in history as \[\]"):
        simulate(1, days=1, devices=5)


def test_a_house_that_makes_a_message_up_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    append = Home.append

    def inventive(home: Home, entries: Sequence[Entry]) -> Any:
        first = entries[0]
        if isinstance(first, Arrived) and home.journal.last > 20:
            entries = [*entries, Arrived(SOURCE, first.arrival, (packed(SOURCE, [MADE_UP]),))]
        return append(home, entries)

    monkeypatch.setattr(Home, "append", inventive)
    with pytest.raises(AssertionError, match=r"--seed 1 .*\n.*no device has sent it"):
        simulate(1, days=1, devices=5)
