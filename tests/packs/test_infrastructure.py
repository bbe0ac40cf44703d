"""The infrastructure pack: what its models derive of a day, what a site is worth, what is shown."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.packs.hours import HourlyDay
from wuxin.packs.infrastructure import board, limits, models
from wuxin.packs.infrastructure.attendance import LONGEST, attend
from wuxin.packs.infrastructure.cranes import crane_day, steady
from wuxin.packs.infrastructure.environment import environment_day
from wuxin.packs.infrastructure.progress import progress_day
from wuxin.packs.infrastructure.spray import (
    EFFICIENCY,
    Seen,
    State,
    settings,
    simulate,
    spray_day,
    step,
)
from wuxin.packs.schema import read
from wuxin.terms.clock import DAY, HOUR, MINUTE, SECOND, moment, zone
from wuxin.terms.errors import BadInput
from wuxin.terms.names import Digest, ThingKey
from wuxin.terms.records import Cause, Measured
from wuxin.terms.standards import Derived, Pack, Series, Valuation

LOCAL = zone("Asia/Shanghai")
AT = moment("2016-04-11", LOCAL)
SITE = ThingKey("site", "S-1")
STATION, SPRAYER = ThingKey("station", "ES-1"), ThingKey("sprayer", "SP-1")
CRANE, ZONE = ThingKey("tower_crane", "TC-1"), ThingKey("zone", "Z-1")
A, B = ThingKey("work_package", "WP-1"), ThingKey("work_package", "WP-2")
W1, W2 = ThingKey("worker", "W-01"), ThingKey("worker", "W-02")
UG = limits.MICROGRAM


class Day(HourlyDay):
    """One closed local day of a site."""

    root, zone = SITE, LOCAL
    start, end = AT, AT + DAY


def last(found: list[Derived]) -> dict[tuple[str, str], float]:
    """Return the last value of each figure; all of them are dated within the day."""
    assert all(AT <= t < AT + DAY for one in found for t in one.t)
    return {(one.thing.id, one.indicator): float(one.v[-1]) for one in found}


@pytest.fixture(scope="module")
def pack() -> Pack:
    return read("infrastructure", "wuxin.packs.infrastructure")


def test_every_red_and_amber_rule_tells_what_to_do_in_both_languages(pack: Pack) -> None:
    own = [r for r in pack.rules.values() if r.when and {r.kind} <= {*pack.kinds} - {"facility"}]
    assert len(own) == 34
    for rule in own:
        if rule.level != "info":
            assert rule.runbook is not None, rule.name
            assert rule.runbook.zh.strip(), rule.name
            assert rule.runbook.en.strip(), rule.name


def test_rules_and_models_share_their_limits(pack: Pack) -> None:
    assert pack.rules["crane_lifting_in_wind"].limit == limits.STOP_WIND
    assert pack.rules["heat_stop"].limit == limits.STOP_HEAT
    assert pack.rules["noise_loud"].limit == limits.BOUNDARY.day
    assert pack.rules["dust_prewarning"].limit == pytest.approx(0.8 * limits.dust_limit("pm10", 2))
    assert pack.rules["dust_unmeasured"].limit == 24 - limits.VALID_HOURS


@pytest.mark.parametrize(
    ("hour", "area", "limit"),
    [(5, None, 55), (6, None, 70), (21, None, 70), (22, None, 55), (12, 1, 55), (23, 0, 40),
     (12, 9, 70)],
)  # fmt: skip
def test_noise_limits_follow_the_clock_and_the_class(
    hour: int, area: float | None, limit: float
) -> None:
    assert limits.noise_limit(hour, area) == limit


def test_the_limit_itself_is_not_over_and_a_missing_hour_is_neither() -> None:
    dust = [150.0, 150.5, 149.0, *[80.0] * 18]
    day = Day({(STATION, "pm10"): [(n, v * UG) for n, v in enumerate(dust)]})
    found = last(environment_day(day))
    assert found["ES-1", "pm10_hours_over"] == 1
    assert found["ES-1", "pm10_hours_missing"] == 3
    assert found["ES-1", "pm10_day_share"] == pytest.approx(sum(dust) / 21 / 150)


def test_a_day_with_fewer_than_twenty_hours_has_no_mean() -> None:
    day = Day({(STATION, "pm10"): [(n, 400 * UG) for n in range(19)]})
    found = last(environment_day(day))
    assert ("ES-1", "pm10_day_share") not in found
    assert found["ES-1", "pm10_hours_over"] == 19


def test_the_class_of_the_area_sets_the_limit() -> None:
    rows = {(STATION, "pm10"): [(n, 60 * UG) for n in range(24)]}
    assert last(environment_day(Day(rows)))["ES-1", "pm10_hours_over"] == 0
    first = Day(rows, facts={SITE: {"air_class": 1}})
    assert last(environment_day(first))["ES-1", "pm10_hours_over"] == 24


def test_an_hour_of_minutes_needs_forty_five_of_them_and_levels_average_by_energy() -> None:
    loud = [(m / 60, 80.0 if m % 2 else 60.0) for m in range(60)]
    short = [(1 + m / 60, 90.0) for m in range(44)]
    day = Day({(STATION, "noise"): [*loud, *short]}, period=MINUTE)
    found = {one.indicator: one for one in environment_day(day)}
    mean = 10 * np.log10((10**8 + 10**6) / 2)
    assert found["noise_excess"].v.tolist() == [pytest.approx(mean - 55, abs=1e-8)]
    assert found["noise_hours_missing"].v.tolist() == [23.0]


def test_a_sudden_noise_counts_at_night_only() -> None:
    day = Day({(STATION, "noise_max"): [(3, 76.0), (12, 99.0)]})
    found = [one for one in environment_day(day) if one.indicator == "noise_peak_excess"]
    assert [one.v.tolist() for one in found] == [[21.0]]


def test_wind_and_heat_stop_an_hour_once() -> None:
    day = Day({
        (STATION, "wind_speed"): [(9, 11.0), (10, 12.0)],
        (STATION, "air_temperature"): [(10, 314.0), (11, 300.0)],
    })  # fmt: skip
    assert last(environment_day(day))["ES-1", "weather_stop_hours"] == 2


GATES = {SITE: {"planned_workers": 4.0}, ZONE: {"number": 1.0}}


def test_real_names_by_zone_explain_the_heads_or_do_not() -> None:
    day = Day(
        {
            (W1, "zone_entered"): [(7, 1), (12, 0), (13, 1), (18, 0)],
            (W2, "zone_entered"): [(8, 1), (9, 2), (17, 0)],
            (ZONE, "head_count"): [(7.5, 1), (8.5, 2), (10, 7), (19, 0)],
        },
        facts=GATES,
    )
    found = last(attend(day))
    assert found["Z-1", "real_name_peak"] == 2
    assert found["Z-1", "unregistered_heads"] == 6
    assert found["S-1", "attendance"] == 2
    assert found["S-1", "attendance_share"] == 0.5
    assert found["S-1", "work_time"] == (5 + 5 + 9) * 3600


def test_a_night_shift_is_carried_over_midnight_and_a_forgotten_exit_ends() -> None:
    day = Day(
        {(W1, "zone_entered"): [(-2, 1), (6, 0)], (W2, "zone_entered"): [(-20, 1)]}, facts=GATES
    )
    found = last(attend(day))
    assert found["S-1", "attendance"] == 1
    assert found["S-1", "work_time"] == 6 * 3600


@given(
    st.lists(
        st.lists(st.tuples(st.integers(0, 23 * 60), st.integers(0, 2)), max_size=6,
                 unique_by=lambda passage: passage[0]),
        min_size=1, max_size=4,
    )
)  # fmt: skip
def test_heads_of_a_zone_are_those_counted_minute_by_minute(
    told: list[list[tuple[int, int]]],
) -> None:
    rows = {
        (ThingKey("worker", f"W-{n}"), "zone_entered"): [(m / 60, z) for m, z in sorted(one)]
        for n, one in enumerate(told)
    }

    def inside(one: list[tuple[int, int]], minute: int) -> bool:
        before = [p for p in sorted(one) if p[0] <= minute]
        return bool(before) and before[-1][1] == 1 and minute - before[-1][0] < LONGEST // MINUTE

    counted = [sum(inside(one, minute) for one in told) for minute in range(24 * 60)]
    found = last(attend(Day(rows, facts=GATES)))
    assert found["Z-1", "real_name_peak"] == max(counted)


RATED = {CRANE: {"rated_moment": 800_000.0, "rated_load": 6000.0}}


def test_the_moment_is_computed_anew_and_compared_with_what_was_reported() -> None:
    day = Day(
        {
            (CRANE, "load"): [(8, 2000), (8.1, 0), (9, 2500)],
            (CRANE, "radius"): [(8, 30), (8.1, 30), (9, 40)],
            (CRANE, "moment_share"): [(8, 0.74), (9, 0.80)],
        },
        facts=RATED,
    )
    found = last(crane_day(day))
    assert found["TC-1", "peak_moment_share"] == pytest.approx(2500 * 9.80665 * 40 / 800_000)
    assert found["TC-1", "moment_disagreement"] == pytest.approx(0.4258, abs=1e-4)
    assert found["TC-1", "lifts"] == 2


def test_a_crane_without_a_registered_rating_counts_with_what_its_monitor_says() -> None:
    day = Day({(CRANE, "moment_share"): [(8, 0.7), (9, 0.95)]})
    assert last(crane_day(day)) == {("TC-1", "peak_moment_share"): 0.95}


def test_noise_between_two_lifts_is_no_lift_and_no_peak() -> None:
    # one reading a second: empty, a lift, empty; each with one reading that the noise has spoilt
    empty, lift = [200.0] * 20, [3000.0] * 20
    loads = [*empty, *lift, *empty, *lift]
    for spoilt, reading in ((10, 900.0), (30, 4500.0), (35, 100.0), (50, 900.0)):
        loads[spoilt] = reading
    at = [8 + n / 3600 for n in range(len(loads))]
    radii = [(t, 20.0) for t in at]
    rows = {(CRANE, "load"): [*zip(at, loads, strict=True)], (CRANE, "radius"): radii}
    found = last(crane_day(Day(rows, facts=RATED)))
    assert found["TC-1", "lifts"] == 2
    assert found["TC-1", "peak_moment_share"] == pytest.approx(3000 * 9.80665 * 20 / 800_000)


@given(
    st.lists(
        st.tuples(st.integers(0, 20 * SECOND), st.floats(0, 1e4)),
        max_size=60, unique_by=lambda reading: reading[0],
    ),
    st.integers(0, 9 * SECOND),
)  # fmt: skip
def test_a_steadied_value_is_the_median_of_its_window(
    said: list[tuple[int, float]], window: int
) -> None:
    said = sorted(said)
    series = Series(np.array([t for t, _ in said], np.int64), np.array([v for _, v in said], float))
    found = steady(series, window=window)
    assert found.t.tolist() == series.t.tolist()
    for (t, value), got in zip(said, found.v.tolist(), strict=True):
        near = [v for at, v in said if abs(at - t) <= window // 2]
        assert got == (np.median(near) if len(near) >= 5 else value)


BY = settings(150 * UG, hourly=0.5, budget=2.0)


def test_the_spray_starts_high_stops_low_and_keeps_between() -> None:
    state, seen = State(), []
    for dust in (100, 119, 121, 100, 91, 89, 100):
        state = step(state, Seen(dust * UG), by=BY)
        seen.append(state.on)
    assert seen == [False, False, True, True, True, False, False]


@pytest.mark.parametrize(
    "seen",
    [
        Seen(300 * UG, rain=0.002),
        Seen(300 * UG, air=273.0),
        Seen(float("nan")),
        Seen(300 * UG, hour=3),
    ],
)
def test_rain_frost_night_and_a_dust_meter_that_was_never_heard_keep_it_off(seen: Seen) -> None:
    assert not step(State(), seen, by=BY._replace(first=7, last=17)).on


def test_one_missing_value_changes_nothing_and_a_second_stops_it() -> None:
    state = step(State(), Seen(300 * UG), by=BY)
    state = step(state, Seen(float("nan")), by=BY)
    assert state.on
    assert not step(state, Seen(float("nan")), by=BY).on


@given(st.lists(st.floats(0, 500), min_size=1, max_size=96), st.floats(0, 8))
def test_no_day_takes_more_water_than_its_budget(dust: list[float], budget: float) -> None:
    state, by = State(), settings(150 * UG, hourly=0.5, budget=budget)
    for value in dust:
        state = step(state, Seen(value * UG), by=by)
        assert state.used <= budget + 1e-9


def test_the_simulation_removes_only_what_is_the_sites_own() -> None:
    air, own = np.array([200.0, 100.0, 100.0, 100.0]) * UG, np.array([0.0, 80, 80, 0]) * UG
    dry = [(290.0, 0.0)] * 4
    found = simulate(air, own, weather=dry, limit=150 * UG, by=BY)
    # the first hour is the city's; the second and third are wetted to 100 + 80 × (1 − 0.49)
    assert 100 + 80 * (1 - EFFICIENCY) < 150
    assert (found.before, found.after, found.beyond, found.removed) == (3, 1, 1, 2)
    assert found.water == found.hours * 0.5
    unwatered = simulate(air, own, weather=dry, limit=150 * UG, by=BY._replace(budget=0.0))
    assert (unwatered.removed, unwatered.water) == (0, 0)


def test_spraying_that_was_asked_for_and_left_out_is_told_with_the_water_used() -> None:
    facts = {SPRAYER: {"water_rate": 0.5 / 3600, "water_budget": 6.0}}
    rows = {
        (STATION, "pm10"): [(n, (200 if 8 <= n < 12 else 50) * UG) for n in range(24)],
        (SPRAYER, "spraying"): [(n, float(n in {9, 10})) for n in range(24)],
        (SPRAYER, "water_total"): [(-1, 10.0), (9, 10.5), (10, 11.0), (20, 0.2), (21, 0.3)],
    }
    found = last(spray_day(Day(rows, facts=facts)))
    assert found["SP-1", "spray_missed"] == 2 * 3600
    assert found["SP-1", "water_used"] == pytest.approx(1.1)  # the meter was changed on the way
    assert found["SP-1", "water_share"] == pytest.approx(1.1 / 6)


WEIGHTS = {A: {"weight": 0.6}, B: {"weight": 0.4}}


def test_progress_is_weighted_and_stands_against_plan_claim_and_money() -> None:
    rows = {
        (A, "progress_planned"): [(10, 1.0)], (A, "progress_measured"): [(-200, 0.9)],
        (A, "progress_claimed"): [(10, 1.0)], (B, "progress_planned"): [(10, 0.0)],
        (SITE, "drawn_share"): [(12, 0.6)],
    }  # fmt: skip
    found = last(progress_day(Day(rows, facts=WEIGHTS)))
    assert found["S-1", "earned_share"] == pytest.approx(0.54)
    assert found["S-1", "schedule_performance"] == pytest.approx(0.9)
    assert found["S-1", "drawdown_gap"] == pytest.approx(0.06)
    assert found["WP-1", "claim_gap"] == pytest.approx(0.1)


def test_a_package_that_is_due_and_not_surveyed_leaves_no_progress() -> None:
    rows = {
        (A, "progress_planned"): [(10, 0.5)], (A, "progress_measured"): [(10, 0.5)],
        (B, "progress_planned"): [(10, 0.2)],
    }  # fmt: skip
    found = last(progress_day(Day(rows, facts=WEIGHTS)))
    assert found == {("S-1", "packages_unmeasured"): 1.0}


class Twin:
    """A twin in a dictionary."""

    def __init__(self) -> None:
        self.values: dict[tuple[ThingKey, str], Measured] = {}
        self.tell(A, progress_planned=1.0, progress_measured=0.9, progress_claimed=1.0)
        self.tell(B, progress_planned=0.3, progress_measured=0.25, progress_claimed=0.2)

    def tell(self, thing: ThingKey, age: int = 0, **values: float) -> None:
        for indicator, value in values.items():
            line = len(self.values) + 1
            self.values[thing, indicator] = Measured(value, AT - age, line, line)

    def within(self, _root: ThingKey, kind: str) -> Sequence[ThingKey]:
        return [t for t in dict.fromkeys(thing for thing, _ in self.values) if t.kind == kind]

    def latest(self, thing: ThingKey, indicator: str) -> Measured | None:
        return self.values.get((thing, indicator))

    def facts(self, _thing: ThingKey) -> Mapping[str, float]:
        return {}

    def causes(self, measured: Measured) -> tuple[Cause, ...]:
        return (Cause("frame", Digest(f"{measured.first:064x}")),)

    def above(self, _thing: ThingKey) -> Sequence[ThingKey]:
        return []

    def witnesses(self, _thing: ThingKey) -> Sequence[Any]:
        return []


TERMS: dict[str, Any] = {
    "pool": {"root": "site:S-1", "kind": "work_package"}, "currency": "CNY",
    "packages": {"WP-1": "1000000.00", "WP-2": "500000.00"},
}  # fmt: skip


def valued(twin: Twin, **terms: Any) -> Valuation:
    return models.value({**TERMS, **terms}, twin, AT)


def test_work_counts_with_the_smaller_of_survey_and_claim_less_the_retention() -> None:
    found = valued(Twin())
    # 0.9 × 1,000,000 × 0.95 + 0.2 × 500,000 × 0.95
    assert [str(line.value) for line in found.lines] == ["855,000.00 CNY", "95,000.00 CNY"]
    assert found.value is not None
    assert found.value.amount == Decimal("950000.00")
    assert len(found.because) == 4


def test_what_was_never_or_long_ago_surveyed_leaves_the_site_without_value() -> None:
    twin = Twin()
    del twin.values[B, "progress_measured"]
    assert [m.en for m in valued(twin).missing] == ["WP-2 was never surveyed"]
    twin.tell(B, 46 * DAY, progress_measured=0.25)
    assert valued(twin).value is None
    assert "no longer valid" in valued(twin).missing[0].en
    assert valued(twin, survey_valid_for="60 d").value is not None


def test_what_is_not_yet_due_counts_as_not_begun() -> None:
    twin = Twin()
    del twin.values[B, "progress_measured"]
    twin.tell(B, progress_planned=0.0)
    found = valued(twin).value
    assert found is not None
    assert found.amount == Decimal("855000.00")


@pytest.mark.parametrize(
    ("terms", "text"),
    [({"packages": {}}, "no contract sums"), ({"packages": {"WP-1": "much"}}, "is no number"),
     ({"retention": "1"}, "below 1"), ({"retention": "-0.1"}, "below zero")],
)  # fmt: skip
def test_terms_that_cannot_be_meant_are_refused(terms: dict[str, Any], text: str) -> None:
    with pytest.raises(BadInput, match=text):
        valued(Twin(), **terms)


def test_absent_terms_are_named_and_so_is_a_package_without_a_sum() -> None:
    with pytest.raises(BadInput, match="no packages"):
        models.value({k: v for k, v in TERMS.items() if k != "packages"}, Twin(), AT)
    found = valued(Twin(), packages={"WP-1": "1"})
    assert [m.en for m in found.missing] == ["WP-2 has no contract sum"]


def test_the_board_shows_what_is_fresh_in_the_units_of_people_and_nothing_else() -> None:
    twin = Twin()
    twin.tell(STATION, pm10=151.4 * UG, air_temperature=295.25, humidity=0.44)
    twin.tell(STATION, 3 * HOUR, noise=64.0)
    twin.tell(ZONE, HOUR, head_count=17)
    shown = board.lines(twin, SITE, at=AT)
    assert shown[1] == "PM10 151 µg/m³"
    assert shown[2] == "噪声 -- dB(A)"
    assert shown[3] == "温度 22.1 ℃"
    assert shown[-1] == "在场人数 17"
    rows = {row["en"]: row for row in board.feed(twin, SITE, at=AT)["rows"]}
    assert rows["Humidity"]["value"] == "44"
    assert rows["People on site"]["time"] == "2016-04-10T15:00:00Z"
    twin.tell(ThingKey("zone", "Z-2"), 3 * HOUR, head_count=5)
    assert board.lines(twin, SITE, at=AT, language="en")[-1] == "People on site --"
