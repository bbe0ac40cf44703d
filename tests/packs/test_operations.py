"""The operations pack: custody, zones, double recording, the living register, access."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.packs.hours import HourlyDay, Rows, at_hours
from wuxin.packs import checks, schema
from wuxin.packs.operations.access import access_day
from wuxin.packs.operations.custody import (
    GRACE,
    Sources,
    custody_day,
    gaps,
    held_together,
    serials_missing,
)
from wuxin.packs.operations.recordings import failed, recording_day
from wuxin.packs.operations.register import register_day, settled
from wuxin.packs.operations.spans import Span, during
from wuxin.packs.operations.zones import JOIN, Observed, unexplained, zones_day
from wuxin.terms.clock import DAY, HOUR, MINUTE, SECOND, moment, zone
from wuxin.terms.errors import BadInput
from wuxin.terms.names import ThingKey
from wuxin.terms.standards import Derived, Series

LOCAL = zone("Asia/Shanghai")
AT = moment("2024-03-05", LOCAL)
BRANCH = ThingKey("branch", "B-1")
SEAL, VOUCHER = ThingKey("seal", "SEAL-1"), ThingKey("voucher", "VB-1")
KEY = ThingKey("bank_key", "KEY-1")
ANN, BOB = ThingKey("staff", "S-1"), ThingKey("staff", "S-2")
LOBBY, VAULT = ThingKey("zone", "Z-1"), ThingKey("zone", "Z-3")
DESK, RECORDER = ThingKey("sales_desk", "D-1"), ThingKey("recorder", "R-1")
PC = ThingKey("asset", "A-1")
STAFF = {ANN: {"number": 1.0, "clearance": 1.0}, BOB: {"number": 2.0, "clearance": 2.0}}


def series(*rows: tuple[float, float]) -> Series:
    """Values at hours of the day."""
    return at_hours(AT, rows)


class Day(HourlyDay):
    """One closed local day of a branch."""

    root, zone = BRANCH, LOCAL
    start, end = AT, AT + DAY


def last(found: list[Derived]) -> dict[tuple[str, str], float]:
    """Return the value of each figure; all of them are dated within the day."""
    assert all(AT <= t < AT + DAY for one in found for t in one.t)
    return {(one.thing.id, one.indicator): float(one.v[-1]) for one in found}


def there(*out: tuple[float, float]) -> list[tuple[float, float]]:
    """Return hourly counts of a cabinet out of which a thing is from one hour to another."""
    gone = [(a, 0.0) for a, _ in out] + [(b, 1.0) for _, b in out]
    hours = [(h + 0.5, float(not any(a <= h + 0.5 < b for a, b in out))) for h in range(24)]
    return sorted([*hours, *gone])


def held(thing: ThingKey, out: tuple[float, float], *, by: float = 1.0, after: float = 0.0) -> Rows:
    """Return what cabinet and register say of a thing that is out once."""
    return {
        (thing, "in_cabinet"): there(out),
        (thing, "holder"): [(out[0], by), (out[1], 0)],
        (thing, "holder_confirmed"): [(out[0], 0), (out[0] + after, 1), (out[1], 0)],
    }


def test_a_thing_is_answered_for_by_its_cabinet_or_by_whoever_signed() -> None:
    found = last(custody_day(Day(held(SEAL, (9, 17), after=1 / 60))))
    assert found["SEAL-1", "custody_gap"] == 0
    assert found["SEAL-1", "time_out"] == 8 * 3600
    assert found["B-1", "custody_share"] == 1
    late = last(custody_day(Day(held(SEAL, (9, 17), after=0.75))))
    assert late["SEAL-1", "custody_gap"] == 45 * 60
    assert late["B-1", "items_with_gap"] == 1
    assert late["B-1", "custody_share"] == pytest.approx(1 - 45 / 1440)


def test_a_register_without_the_thing_gone_is_a_contradiction_and_no_gap() -> None:
    rows = {**held(SEAL, (9, 12)), (SEAL, "holder"): [(9, 1)], (SEAL, "holder_confirmed"): [(9, 1)]}
    found = last(custody_day(Day(rows)))
    assert found["SEAL-1", "custody_gap"] == 0
    assert found["SEAL-1", "register_conflict"] == 12 * 3600


def test_a_silent_cabinet_says_neither_gap_nor_custody() -> None:
    rows = {(SEAL, "in_cabinet"): [(1, 1), (2, 0)], (SEAL, "holder"): [(1, 0)]}
    assert last(custody_day(Day(rows)))["SEAL-1", "custody_gap"] == 4 * 3600
    assert custody_day(Day({(SEAL, "holder"): [(1, 0)]})) == []


@given(
    st.lists(st.tuples(st.integers(0, 239), st.sampled_from([0.0, 1.0])), max_size=9,
             unique_by=lambda row: row[0]),
    st.lists(st.tuples(st.integers(0, 239), st.sampled_from([0.0, 7.0])), max_size=9,
             unique_by=lambda row: row[0]),
)  # fmt: skip
def test_gaps_are_those_counted_minute_by_minute(
    counts: list[tuple[int, float]], signed: list[tuple[int, float]]
) -> None:
    def of(rows: list[tuple[int, float]]) -> Series:
        return series(*((m / 60, v) for m, v in sorted(rows)))

    said = Sources(of(counts), of(signed), of([(m, float(v > 0)) for m, v in signed]))

    def open_at(minute: int) -> bool:
        count = max((r for r in counts if r[0] <= minute), default=None)
        holder = max((r for r in signed if r[0] <= minute), default=(0, 0.0))
        return count is not None and count[1] < 1 and holder[1] < 1

    found = gaps(said, start=AT, end=AT + 4 * HOUR, grace=0)
    assert sum(s.length for s in found) == sum(open_at(m) for m in range(240)) * MINUTE
    long = gaps(said, start=AT, end=AT + 4 * HOUR)
    assert long == [s for s in found if s.length > GRACE]


def test_whoever_goes_home_with_a_key_is_told_unless_it_may_leave() -> None:
    rows = {**held(KEY, (9, 20)), (ANN, "zone_entered"): [(8, 2), (17, 0), (19, 2)]}
    assert last(custody_day(Day(rows, facts=STAFF)))["KEY-1", "outside_time"] == 2 * 3600
    free = Day(rows, facts={**STAFF, KEY: {"may_leave": 1.0}})
    assert last(custody_day(free))["KEY-1", "outside_time"] == 0


def test_seals_and_vouchers_in_one_hand_are_counted_and_two_seals_are_not() -> None:
    rows = {**held(SEAL, (9, 17)), **held(VOUCHER, (10, 12))}
    assert last(custody_day(Day(rows)))["B-1", "separation_breaches"] == 1
    apart = {**held(SEAL, (9, 17)), **held(VOUCHER, (10, 12), by=2.0)}
    assert last(custody_day(Day(apart)))["B-1", "separation_breaches"] == 0
    one = Sources(series((9, 0)), series((9, 1)), series((9, 1)))
    assert held_together([(1, one), (1, one)], start=AT, end=AT + DAY) == []
    assert len(held_together([(1, one), (3, one)], start=AT, end=AT + DAY)) == 1


def test_numbers_used_beyond_what_was_issued_are_missing_since_the_day_before() -> None:
    rows = {
        **held(VOUCHER, (9, 17)),
        (VOUCHER, "serial_next"): [(-7, 100), (17, 153)],
        (VOUCHER, "issued_count"): [(-7, 1000), (17, 1050)],
    }
    assert last(custody_day(Day(rows)))["VB-1", "serials_missing"] == 3
    assert serials_missing(series((1, 5)), series((1, 5), (2, 6))) is None
    assert serials_missing(series((1, 5), (2, 6)), series((1, 5), (2, 9))) == 0


def looks(*rows: tuple[float, float, float, float, float]) -> Observed:
    """Observations: minute, persons, confidence, served, badges."""
    t = np.array([round(row[0] * MINUTE) for row in rows], np.int64)
    return Observed(t, *(np.array([row[k] for row in rows], float) for k in (1, 2, 3, 4)))


def watched(minutes: float, *, persons: float = 1, sure: float = 0.9, served: float = 0,
            badges: float = 0) -> list[tuple[float, float, float, float, float]]:  # fmt: skip
    return [(k / 2, persons, sure, served, badges) for k in range(round(2 * minutes) + 1)]


def test_one_who_stays_is_found_though_the_camera_loses_him_and_others_come() -> None:
    rows = watched(20)
    rows[10] = (5, 0, 0.9, 0, 0)  # lost
    rows[20:24] = [(m, 2, 0.9, 1, 0) for m in (10, 10.5, 11, 11.5)]  # beside a customer
    assert [span.length for span in unexplained(looks(*rows))] == [20 * MINUTE]


@pytest.mark.parametrize(
    "rows", [watched(20, served=1), watched(20, badges=1), watched(20, sure=0.4)]
)
def test_the_served_the_guard_and_the_poster_do_not_loiter(
    rows: list[tuple[float, float, float, float, float]],
) -> None:
    assert unexplained(looks(*rows)) == []


def test_a_queue_says_nothing_while_every_place_is_taken() -> None:
    queue = looks(*watched(20, persons=4, served=2))
    assert unexplained(queue, places=2) == []
    assert len(unexplained(queue, places=3)) == 1


def test_a_longer_interruption_ends_a_presence() -> None:
    late = 1 + JOIN / MINUTE + 0.5
    rows = [*watched(1), (late, 1.0, 0.9, 0.0, 0.0)]
    assert len(unexplained(looks(*rows))) == 2


def test_alone_where_two_must_be_and_without_a_badge() -> None:
    rows: Rows = {
        (VAULT, "persons"): [(9, 1), (9.1, 2), (9.2, 0), (10, 3), (10.1, 0)],
        (VAULT, "badges"): [(9, 1), (9.1, 2), (9.2, 0), (10, 2), (10.1, 0)],
        (VAULT, "persons_required"): [(0, 2)],
    }
    found = last(zones_day(Day(rows, facts={VAULT: {"restricted": 1.0}})))
    assert found["Z-3", "alone_time"] == pytest.approx(360)
    assert found["Z-3", "unidentified_time"] == pytest.approx(360)
    assert found["B-1", "loitering_day"] == 0


def test_half_a_minute_until_the_second_comes_is_not_alone() -> None:
    rows: Rows = {(VAULT, "persons"): [(9, 1), (9 + 30 / 3600, 2), (9.2, 0)],
            (VAULT, "persons_required"): [(0, 2)]}  # fmt: skip
    assert last(zones_day(Day(rows)))["Z-3", "alone_time"] == 0


def test_a_zone_without_a_limit_has_no_loitering() -> None:
    rows = {(LOBBY, "persons"): [(9 + k / 120, 1) for k in range(40)]}
    found = last(zones_day(Day(rows)))
    assert ("Z-1", "loitering_stays") not in found
    assert found["Z-1", "longest_stay"] == pytest.approx(39 * 30)


GOOD = {
    "session_length": 500.0, "audio_share": 0.99, "video_share": 1.0, "faces_seen": 2.0,
    "prompts_read": 4.0, "prompts_required": 4.0, "customer_confirmed": 1.0, "clip_stored": 1.0,
}  # fmt: skip


@pytest.mark.parametrize(
    ("name", "value", "why"),
    [
        ("session_length", 20, "too_short"), ("audio_share", 0.5, "no_sound"),
        ("video_share", 0.9, "no_picture"), ("faces_seen", 1, "not_together"),
        ("prompts_read", 3, "prompt_missing"), ("customer_confirmed", 0, "not_confirmed"),
        ("clip_stored", 0, "not_stored"),
    ],
)  # fmt: skip
def test_each_fault_of_a_recording_is_named_and_what_is_missing_does_not_pass(
    name: str, value: float, why: str
) -> None:
    assert failed(GOOD) == ()
    assert failed({**GOOD, name: value}) == (why,)
    assert failed({k: v for k, v in GOOD.items() if k != name}) == (why,)


def desk(*bad: float, sold: float) -> Rows:
    times = (10.0, 11.0, 12.0)
    rows = {(DESK, k): [(t, v) for t in times] for k, v in GOOD.items()}
    rows[DESK, "audio_share"] = [(t, 0.1 if t in bad else 0.99) for t in times]
    return {**rows, (DESK, "sales_booked"): [(-6, 40), (18, 40 + sold)]}


def test_recordings_are_checked_and_sales_without_one_are_counted() -> None:
    found = last(recording_day(Day(desk(11.0, sold=4))))
    assert found["D-1", "recordings_checked"] == 3
    assert found["B-1", "recordings_failed"] == 1
    assert found["B-1", "recording_pass_share"] == pytest.approx(2 / 3)
    assert found["B-1", "sales_unrecorded"] == 1
    assert last(recording_day(Day(desk(sold=3))))["B-1", "sales_unrecorded"] == 0


def test_sales_are_unknown_where_the_book_said_nothing_before() -> None:
    rows = {k: v for k, v in desk(sold=9).items() if k[1] != "sales_booked"}
    found = last(recording_day(Day({**rows, (DESK, "sales_booked"): [(18, 49)]})))
    assert ("D-1", "sales_unrecorded") not in found


def test_a_recorder_that_stops_or_falls_silent_has_a_gap() -> None:
    on = [(float(h), float(h not in {10, 11})) for h in range(-1, 24)]
    assert last(recording_day(Day({(RECORDER, "recording"): on})))["R-1", "recording_gap"] == 7200
    silent = [(float(h), 1.0) for h in range(-1, 12)]
    found = last(recording_day(Day({(RECORDER, "recording"): silent})))
    assert found["R-1", "recording_gap"] == (24 - 11 - 3) * 3600


def test_one_stray_reading_moves_nothing_and_four_of_five_do() -> None:
    stray = series(*((h, 2 if h != 5 else 1) for h in range(10)))
    assert [p.zone for p in settled(stray)] == [2]
    moved = series(*((h, 2 if h < 5 else 1) for h in range(10)))
    assert [(p.zone, p.since) for p in settled(moved)] == [(2, AT), (1, AT + 8 * HOUR)]


def test_the_register_follows_and_tells_the_book_and_what_is_not_heard() -> None:
    rows: Rows = {
        (PC, "tag_zone"): [(h, 2 if h < 5 else 1) for h in range(12)],
        (PC, "booked_zone"): [(-100, 2)],
        (ThingKey("asset", "A-2"), "tag_zone"): [(-80, 2)],
    }
    found = last(register_day(Day(rows)))
    assert found["A-1", "register_zone"] == 1
    assert found["A-1", "asset_moved"] == 1
    assert found["A-2", "unseen_time"] == 104 * 3600
    assert found["B-1", "assets_seen_share"] == 0.5
    assert found["B-1", "assets_moved"] == 1


def test_a_passage_beyond_clearance_is_told_and_a_refusal_is_not() -> None:
    facts = {**STAFF, VAULT: {"number": 3.0, "clearance": 2.0}}
    rows = {
        (ANN, "zone_entered"): [(9, 3), (10, 3)], (ANN, "denied"): [(9, 1), (10, 0)],
        (BOB, "zone_entered"): [(9, 3)],
    }  # fmt: skip
    found = last(access_day(Day(rows, facts=facts)))
    assert found["S-1", "clearance_breaches"] == 1
    assert found["S-2", "clearance_breaches"] == 0
    assert found["B-1", "unauthorised_entries"] == 1
    nobody = Day({(ANN, "zone_entered"): [(9, 3)]}, facts={VAULT: facts[VAULT]})
    assert access_day(nobody) == []


def test_spans_touch_and_go_stale() -> None:
    one = series((1, 1), (2, 1), (3, 0))
    found = during(lambda v: v is not None and v > 0, one, start=AT, end=AT + DAY)
    assert found == [Span(AT + HOUR, AT + 3 * HOUR)]
    stale = during(lambda v: v == 1, series((1, 1)), start=AT, end=AT + DAY, stale=(SECOND,))
    assert stale == [Span(AT + HOUR, AT + HOUR + SECOND)]


def test_nothing_can_be_lent_against_it_and_the_pack_says_why() -> None:
    pack = schema.load("operations")
    assert checks.check(pack) == []
    with pytest.raises(BadInput, match="values nothing"):
        pack.value({"facility": "F-1"}, None, 0)  # type: ignore[arg-type]
    states = {row.file: row.state for row in checks.coverage(pack)}
    assert states["process.bpmn"].startswith("exempt: valuation: ")
    assert "disbursement: " in states["process.bpmn"]
    assert states["models.py"].startswith("exempt: value: ")
