"""Tags told moved from static, stock counts over rounds, and tables of reads as they come."""

import csv
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wuxin.packs.logistics import rfid, rounds
from wuxin.packs.logistics.rfid import Reads
from wuxin.packs.logistics.rfid_table import read_table
from wuxin.packs.logistics.tags import episodes
from wuxin.terms.clock import SECOND

WAVE = 0.3276
CORNERS = ((0.0, 0.0), (0.0, 4.0), (4.0, 4.0), (4.0, 0.0))


def passed(
    speed: float, *, seed: int = 1, rate: float = 10.0, seconds: float = 8.0, noise: float = 0.15
) -> Reads:
    """Reads of a tag that goes through a square of four antennas at a speed (m/s)."""
    draw = np.random.default_rng(seed)
    n = int(rate * seconds)
    t = np.arange(n) / rate
    antenna = np.arange(n) % 4
    x = 0.5 + speed * t
    far = np.array([np.hypot(a - CORNERS[k][0], 2.0 - CORNERS[k][1]) for a, k in zip(x, antenna,
                    strict=True)])  # fmt: skip
    phase = 4 * np.pi * far / WAVE + draw.normal(0, noise, n) + np.pi * draw.integers(0, 2, n)
    level = -45 - 25 * np.log10(far + 0.3) + draw.normal(0, 1, n)
    return Reads((t * 1e9).astype(np.int64), antenna + 1, level, phase % (2 * np.pi),
                 (t // 2).astype(np.int64))  # fmt: skip


@pytest.mark.parametrize("seed", range(8))
def test_a_carried_tag_turns_its_phase_and_a_lying_one_does_not(seed: int) -> None:
    assert rfid.judge(passed(0.4, seed=seed)).moved is True
    lying = rfid.judge(passed(0.0, seed=seed))
    assert (lying.moved, lying.by) == (False, "phase")
    assert "coherence" in lying.words.en


@given(st.permutations(list(range(80))))
def test_the_order_of_rows_makes_no_difference(order: list[int]) -> None:
    reads = passed(0.4)
    assert rfid.judge(reads.part(np.array(order))) == rfid.judge(reads)


def test_without_phases_a_steady_change_of_levels_is_a_move_and_a_turned_tag_is_none() -> None:
    far = passed(0.35, rate=40.0, seconds=10.0)
    bare = far._replace(phase=np.full(len(far.t), np.nan))
    assert (rfid.judge(bare).moved, rfid.judge(bare).by) == (True, "level")
    still = passed(0.0, rate=40.0, seconds=10.0)
    turned = 8 * np.sin(2 * np.pi * still.t / 1.7e9)
    spun = still._replace(phase=np.full(len(still.t), np.nan), rssi=still.rssi + turned)
    assert rfid.judge(spun).moved is False


@pytest.mark.parametrize("n", [0, 1, 3])
def test_too_few_reads_are_no_verdict(n: int) -> None:
    told = rfid.judge(passed(0.4).part(slice(0, n)))
    assert (told.moved, told.rests_on) == (None, 0)


def test_windows_have_no_gap_and_no_read_is_in_two() -> None:
    first, second = passed(0.0, seconds=25.0), passed(0.0, seconds=2.0)
    both = Reads(*(np.concatenate(pair) for pair in zip(
        first, second._replace(t=second.t + 40 * SECOND), strict=True
    )))  # fmt: skip
    found = list(rfid.windows(both))
    assert sum(len(w.t) for w in found) == len(first.t)
    assert all(np.diff(w.t).max() <= 2 * SECOND for w in found)


def test_a_long_silence_parts_the_day_into_episodes() -> None:
    one = passed(0.4)
    other = one._replace(t=one.t + 600 * SECOND)
    both = Reads(*(np.concatenate(pair) for pair in zip(one, other, strict=True)))
    assert [len(e.t) for e in episodes(both)] == [80, 80]
    assert episodes(one.part(slice(0, 0))) == []


LLRP = {
    "timestamp": "1747166391.767558", "reader": "r", "antenna": "1", "rssi": "-67",
    "epc": "b'303435fc8803d056d15b963f'", "phase_angle": "2048", "channel_index": "7",
}  # fmt: skip
IOT = {
    "antenna_port": "2", "epc": "303435FC8803D056D15B963F", "peak_rssi": "-55",
    "first_seen_timestamp": "1744912747926415", "timestamp": "2025-04-17 11:57:34",
}  # fmt: skip


def test_both_forms_of_a_reader_give_one_tag_in_the_same_units() -> None:
    table = read_table([LLRP, IOT])
    assert table.refused == ()
    [(name, reads)] = table.tags.items()
    assert name == "303435fc8803d056d15b963f"
    assert reads.t.tolist() == [1744912747926415000, 1747166391767558000]
    assert reads.phase[1] == pytest.approx(np.pi)
    assert np.isnan(reads.phase[0])
    assert reads.channel.tolist() == [-1, 7]


@pytest.mark.parametrize(
    ("change", "column"),
    [({"timestamp": "soon"}, "timestamp"), ({"rssi": "loud"}, "rssi"), ({"epc": ""}, "epc"),
     ({"timestamp": ""}, "first_seen_timestamp"), ({"rssi": "nan"}, "rssi")],
)  # fmt: skip
def test_a_row_that_cannot_be_read_is_told_and_the_rest_goes_on(
    change: dict[str, str], column: str
) -> None:
    table = read_table([{**LLRP, **change}, LLRP])
    assert [(r.row, r.column) for r in table.refused] == [(1, column)]
    assert sum(len(reads.t) for reads in table.tags.values()) == 1


@pytest.mark.parametrize(
    "text", ["1747166391", "1747166391000", "1747166391000000", "1747166391000000000",
             "2025-05-13T19:59:51Z", "2025-05-13 19:59:51"],
)  # fmt: skip
def test_a_time_is_read_in_whatever_unit_it_comes(text: str) -> None:
    [reads] = read_table([{**LLRP, "timestamp": text}]).tags.values()
    assert reads.t.tolist() == [1747166391 * SECOND]


def walk(order: list[str], *, start: int = 0, seed: int = 0) -> dict[str, Reads]:
    """A round past tags in an order, a second for each."""
    draw = np.random.default_rng(seed)
    found = {}
    for place, tag in enumerate(order):
        t = start + np.sort(draw.normal(place, 0.9, 24) + 5) * 1e9
        n = len(t)
        found[tag] = Reads(t.astype(np.int64), np.zeros(n, np.int64), draw.normal(-62, 3, n),
                           np.full(n, np.nan), np.full(n, -1))  # fmt: skip
    return found


def test_a_tag_that_lies_elsewhere_has_lost_its_company_whichever_way_the_round_went() -> None:
    names = [f"t{n:02}" for n in range(30)]
    moved = [*names[:4], *names[5:22], names[4], *names[22:]]
    kept = rounds.relocated(walk(names), walk(moved[::-1], seed=2))
    assert {tag for tag, share in kept.items() if share < rounds.SAME} == {"t04"}


def test_a_stock_count_names_what_lacks_and_estimates_what_nobody_saw() -> None:
    told = rounds.count_stock(
        [{"a", "b", "c"}, {"a", "b", "d"}], expected=frozenset({"a", "b", "c", "e"})
    )
    assert (told.missing, told.strange) == ({"e"}, {"d"})
    # Chao 1987: 4 seen, 2 once, 2 twice: 4 + 1/2 × 2 × 1 / (2 × 3)
    assert told.estimate == pytest.approx(4 + 0.5 * 2 * 1 / 6)
    assert rounds.count_stock([{"a"}]).estimate == 1
    assert rounds.count_stock([]).seen == frozenset()


def test_line_tests_and_turned_tags_of_a_real_reader_are_told_apart(shared: Path) -> None:
    folder = shared / "data/logistics/rfid_locate"
    wrong = []
    for carried, pattern in ((True, "MovementTesting/LineTests/*/MoveTest*.csv"),
                             (False, "Fingerprint1/*.csv")):  # fmt: skip
        for path in sorted(folder.glob(pattern)):
            with path.open(encoding="utf-8", newline="") as file:
                [reads] = read_table(csv.DictReader(file)).tags.values()
            if rfid.judge(reads).moved is not carried:
                wrong.append(path.name)
    assert len(wrong) <= 4, wrong  # of 80: 0.95
