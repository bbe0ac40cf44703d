"""The vehicles pack's models on a closed day: on what each reads, on nothing, on nonsense."""

from collections.abc import Mapping, Sequence
from datetime import UTC, tzinfo

import numpy as np
import pytest

from tests.packs.test_vehicles import ride
from wuxin.packs import schema
from wuxin.packs.vehicles.models import MODELS
from wuxin.terms.clock import DAY, HOUR, MINUTE, SECOND, moment
from wuxin.terms.names import ThingKey
from wuxin.terms.standards import Derived, Model, Series

START = moment("2026-03-02")
FLEET, CAR = ThingKey("fleet", "F"), ThingKey("vehicle", "V")
ORDER, CLAIM = ThingKey("order", "O"), ThingKey("claim", "C")
DEALER = ThingKey("dealer", "D")


class Road:
    """A closed day of one vehicle; ``tell`` adds values at times (ns) after its start."""

    start, end = START, START + DAY
    zone: tzinfo = UTC

    def __init__(self, root: ThingKey = FLEET) -> None:
        self.root = root
        self.asked: set[str] = set()
        self._members = [root, CAR, ORDER, CLAIM]
        self._series: dict[tuple[ThingKey, str], list[tuple[int, float]]] = {}
        self._facts: dict[ThingKey, Mapping[str, float]] = {CAR: {"number": 7.0}}

    def tell(
        self, name: str, rows: Sequence[tuple[float, float]], *, thing: ThingKey = CAR
    ) -> "Road":
        told = [(START + int(t), float(v)) for t, v in rows]
        self._series.setdefault((thing, name), []).extend(told)
        self._series[thing, name].sort()
        return self

    def join(self, thing: ThingKey) -> None:
        self._members.append(thing)

    def register(self, thing: ThingKey, **facts: float) -> "Road":
        self._facts[thing] = {**self._facts.get(thing, {}), **facts}
        return self

    def of(self, kind: str) -> Sequence[ThingKey]:
        return [thing for thing in self._members if thing.kind == kind]

    def facts(self, thing: ThingKey) -> Mapping[str, float]:
        return self._facts.get(thing, {})

    def period(self, _thing: ThingKey) -> int:
        return SECOND

    def series(self, thing: ThingKey, indicator: str, *, days: int = 1) -> Series:
        self.asked.add(indicator)
        since = self.end - days * DAY
        rows = [r for r in self._series.get((thing, indicator), []) if since <= r[0] < self.end]
        t, v = ([row[k] for row in rows] for k in (0, 1))
        return Series(np.array(t, np.int64), np.array(v, np.float64))


def model(name: str) -> Model:
    return next(m for m in MODELS if m.name == name)


def run(name: str, day: Road) -> dict[tuple[str, str], float]:
    """The last value of each indicator that a model derives, and that the pack declares each."""
    one = model(name)
    found: list[Derived] = one.run(day)
    for derived in found:
        assert derived.indicator in one.derives
        assert len(derived.t) == len(derived.v) > 0
    return {(d.thing.kind, d.indicator): float(d.v[-1]) for d in found}


@pytest.mark.parametrize("name", [m.name for m in MODELS])
@pytest.mark.parametrize("root", [FLEET, DEALER])
def test_nothing_said_is_nothing_derived(name: str, root: ThingKey) -> None:
    assert model(name).run(Road(root)) == []


@pytest.mark.parametrize("one", MODELS, ids=lambda m: m.name)
def test_one_value_of_everything_breaks_no_model_and_cards_say_what_is_read(one: Model) -> None:
    pack = schema.load("vehicles")
    for value in (0.0, 1.0, 50.0):
        day = Road().register(CAR, tank=0.05, metres_a_year=2e7)
        for name, indicator in pack.indicators.items():
            for thing in (CAR, ORDER, CLAIM):
                if thing.kind in indicator.of:
                    told = min(max(value, indicator.low), indicator.high)
                    day.tell(name, [(HOUR, told)], thing=thing)
        for derived in one.run(day):
            assert np.isfinite(derived.v).all(), derived.indicator
        # The twin keeps what cards say that models read, and no more.
        assert day.asked <= {*one.reads}, day.asked - {*one.reads}


def drive(day: Road, *, metres: float = 20_000.0, hour: int = 8) -> Road:
    """Twenty minutes to the north at an even speed, a position every ten seconds."""
    n = 121
    t = hour * HOUR + np.arange(n) * 10 * SECOND
    lat = 30.0 + np.linspace(0, metres, n) / 111_195
    v = np.full(n, metres / 1200)
    day.tell("latitude", list(zip(t, lat, strict=True)))
    day.tell("longitude", [(x, 104.0) for x in t])
    day.tell("speed", list(zip(t, v, strict=True)))
    return day


def test_a_day_with_one_trip() -> None:
    day = drive(Road()).tell("mileage", [(HOUR, 1e7), (9 * HOUR, 1e7 + 20_500)])
    found = run("trips_day", day)
    assert found["vehicle", "distance_day"] == pytest.approx(20_000, rel=0.02)
    assert found["vehicle", "driving_time"] == pytest.approx(1200)
    assert found["vehicle", "odometer_gap"] == pytest.approx(0.024, abs=0.01)
    assert found["vehicle", "night_share"] == 0


def test_a_fleets_area_is_the_fence_of_what_has_no_place() -> None:
    day = drive(Road()).register(FLEET, latitude=30.0, longitude=104.0, radius=10_000.0)
    found = run("fence_day", day)
    assert found["vehicle", "outside"] == 1
    assert found["vehicle", "place_excess"] == pytest.approx(10_000, rel=0.01)


def test_a_mounted_phone_gives_the_days_events() -> None:
    t, a, g = ride(np.random.default_rng(1))
    day = Road()
    for k, axis in enumerate("xyz"):
        day.tell(f"acceleration_{axis}", list(zip(t, a[:, k], strict=True)))
        day.tell(f"rotation_{axis}", list(zip(t, g[:, k], strict=True)))
    found = run("inertial_day", day)
    assert found["vehicle", "harsh_brakings"] == 1
    assert found["vehicle", "harsh_lane_changes"] == 1
    assert found["vehicle", "harsh_turns"] == 1


def test_following_and_speeding_are_shares_of_the_drive() -> None:
    day = drive(Road()).tell("speed_limit", [(0, 13.9)])
    day.tell("front_gap", [(8 * HOUR + k * SECOND, 8.0) for k in range(300)])
    assert run("following_day", day)["vehicle", "close_following_share"] > 0.9
    assert run("speed_day", day)["vehicle", "speeding_share"] == 1


def test_litres_become_a_share_of_the_tank() -> None:
    day = Road().register(CAR, tank=0.05)
    day.tell("speed", [(k * SECOND, 0.0) for k in range(1200)])
    day.tell("fuel", [(k * SECOND, 0.030 if k < 600 else 0.025) for k in range(1200)])
    found = run("fuel_day", day)
    assert found["vehicle", "fuel_lost"] == pytest.approx(0.1)
    assert found["vehicle", "fuel_filled"] == 0


def test_a_towed_car_with_cut_cables_at_night_has_four_signs() -> None:
    day = drive(Road(), hour=2).tell("ignition", [(HOUR, 0.0)])
    day.tell("external_voltage", [(k * MINUTE, 12.4 if k < 100 else 0.1) for k in range(200)])
    for name, value in (("latitude", 30.0), ("longitude", 104.0), ("radius", 200.0)):
        day.tell(f"place_{name}", [(0, value)])
    found = run("guard_day", day)
    assert found["vehicle", "theft_signs"] == 4
    assert found["vehicle", "power_cut_time"] == pytest.approx(99 * 60)


def test_observations_of_jt808_count_and_of_a_camera_by_its_confidence() -> None:
    day = Road().tell("dsm_alarm", [(HOUR, 2), (2 * HOUR, 1), (3 * HOUR, 16)])
    found = run("driver_day", day)
    assert (found["vehicle", "phone_events"], found["vehicle", "fatigue_events"]) == (1, 1)
    day.tell("observation_confidence", [(HOUR, 0.4)])
    assert run("driver_day", day)["vehicle", "phone_events"] == 0


def test_a_score_looks_back_a_month() -> None:
    day = Road().tell("distance_day", [(-k * DAY - 1, 40_000) for k in range(20)])
    day.tell("hard_brakings", [(-k * DAY - 1, 4) for k in range(20)])
    day.tell("night_share", [(-k * DAY - 1, 0.5) for k in range(20)])
    worse = run("score_day", day)["vehicle", "driving_score"]
    quiet = Road().tell("distance_day", [(-k * DAY - 1, 40_000) for k in range(20)])
    quiet.tell("hard_brakings", [(-k * DAY - 1, 0) for k in range(20)])
    assert worse < run("score_day", quiet)["vehicle", "driving_score"] == 100


def test_a_lease_idle_for_two_weeks_in_arrears() -> None:
    day = Road().register(CAR, metres_a_year=2e7)
    day.tell("distance_day", [(-k * DAY + HOUR, 0.0 if k < 15 else 60_000) for k in range(30)])
    day.tell("rent_due", [(0, 5000)]).tell("rent_paid", [(0, 4000)])
    found = run("fleet_day", day)
    assert (found["vehicle", "idle_days"], found["vehicle", "abandonment"]) == (15, 1)
    assert found["vehicle", "arrears_share"] == pytest.approx(0.2)
    assert found["fleet", "fleet_utilisation"] == 0


def test_rides_that_were_never_driven() -> None:
    day = Road().tell("distance_day", [(HOUR, 100_000)]).tell("order_distance", [(HOUR, 150_000)])
    found = run("fleet_day", day)
    assert found["vehicle", "claimed_excess"] == pytest.approx(0.5)
    assert found["vehicle", "empty_share"] == 0


def test_an_order_is_proved_by_its_vehicles_track() -> None:
    day = drive(Road())
    begin = START / SECOND
    for name, value in (
        ("carrier_number", 7), ("origin_latitude", 30.0), ("origin_longitude", 104.0),
        ("destination_latitude", 30.0 + 20_000 / 111_195), ("destination_longitude", 104.0),
        ("loads_from", begin), ("delivers_by", begin + 12 * 3600), ("freight", 900),
    ):  # fmt: skip
        day.tell(name, [(0, value)], thing=ORDER)
    found = run("order_day", day)
    assert (found["order", "order_verified"], found["order", "order_unproved"]) == (1, 0)
    day.tell("origin_latitude", [(1, 35.0)], thing=ORDER)
    assert run("order_day", day)["order", "order_unproved"] == 1


def test_a_claim_elsewhere_has_doubts() -> None:
    day = drive(Road())
    begin = START / SECOND
    for name, value in (
        ("carrier_number", 7), ("claim_time", begin + 8 * 3600 + 600), ("claim_latitude", 31.0),
        ("claim_longitude", 104.0), ("claim_moving", 1), ("claim_reported", begin + 10 * 3600),
        ("policy_from", begin - 100 * 86_400), ("claim_others", 0),
    ):  # fmt: skip
        day.tell(name, [(0, value)], thing=CLAIM)
    found = run("claim_day", day)
    # It was elsewhere; a speed in ten seconds shows no impact, were there one or not.
    assert found["claim", "claim_doubts"] == 1


@pytest.mark.parametrize(("shift", "supports"), [(0.0, 4), (0.1, 3)])
def test_another_vehicle_that_felt_it_there_bears_a_claim_out(shift: float, supports: int) -> None:
    day, other = Road(), ThingKey("vehicle", "W")
    day.join(other)
    seconds = np.arange(-300, 300)
    at = 8 * HOUR + seconds * SECOND
    v = np.where(seconds < 0, 15.0, 0.0)
    for thing, lat in ((CAR, 30.0), (other, 30.0 + shift)):
        day.tell("recorder_speed", list(zip(at, v, strict=True)), thing=thing)
        day.tell("latitude", [(t, lat) for t in at], thing=thing)
        day.tell("longitude", [(t, 104.0) for t in at], thing=thing)
    begin = START / SECOND
    for name, value in (
        ("carrier_number", 7), ("claim_time", begin + 8 * 3600), ("claim_latitude", 30.0),
        ("claim_longitude", 104.0), ("claim_moving", 1), ("claim_reported", begin + 9 * 3600),
        ("policy_from", begin - 100 * 86_400), ("claim_others", 1),
    ):  # fmt: skip
        day.tell(name, [(0, value)], thing=CLAIM)
    found = run("claim_day", day)
    # Elsewhere it proves nothing, and nobody is suspected for it.
    assert found["claim", "claim_doubts"] == 0
    assert found["claim", "claim_supports"] == supports


def test_pushes_are_not_counted_where_a_speed_comes_too_seldom_to_tell() -> None:
    for seconds, told in ((1, True), (2, False)):
        t = HOUR + np.arange(0, 600, seconds) * SECOND
        day = Road().tell("recorder_speed", [(x, 15.0) for x in t])
        assert (("vehicle", "hard_brakings") in run("speed_day", day)) is told
