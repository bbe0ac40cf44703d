"""The vehicles pack: sensors, tracks, fences, fuel, drivers and trackers, each by itself."""

from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wuxin.packs import schema
from wuxin.packs.checks import check
from wuxin.packs.vehicles import assistance, behaviour, fences, following, fuel, guard
from wuxin.packs.vehicles.harsh import BRAKING, LANE_CHANGE, TURN, harsh_events
from wuxin.packs.vehicles.inertial import GRAVITY, is_filtered, motion, undone
from wuxin.packs.vehicles.motion import collisions, driven, marked, pushes
from wuxin.terms.clock import DAY, HOUR, MINUTE, SECOND
from wuxin.terms.errors import BadInput
from wuxin.twin.track import distance, stays, track, ways

START = 20_000 * DAY


def every(seconds: float, n: int) -> np.ndarray:
    """So many moments from START on."""
    return START + (np.arange(n) * seconds * SECOND).astype(np.int64)


def test_the_pack_keeps_all_four_standards() -> None:
    assert check(schema.load("vehicles")) == []


# ---- speed -------------------------------------------------------------------------------------


def cruise(n: int = 600) -> np.ndarray:
    """A minute of rows ten times a second, refreshed each second, whole km/h about 50."""
    k = np.arange(n) // 10
    return np.round(50 + 3 * np.sin(k / 5.0)) / 3.6


def test_a_jump_and_its_return_are_marked_and_not_scored() -> None:
    v = cruise()
    v[300:307] = 200 / 3.6
    found = marked(every(0.1, 600), v)
    assert np.flatnonzero(found.fault).tolist() == list(range(300, 307))
    assert pushes(found) == []
    assert collisions(found) == []


def test_a_drop_to_nothing_that_comes_back_is_the_sensor() -> None:
    v = cruise()
    v[200:260] = 0
    found = marked(every(0.1, 600), v)
    assert found.fault[200:260].all()
    assert collisions(found) == []


def test_hard_braking_is_no_fault_and_is_scored() -> None:
    t = every(0.1, 300)
    v = np.clip(20 - 8.0 * np.clip(np.arange(300) / 10 - 10, 0, None), 0, None)
    found = marked(t, np.round(v * 3.6) / 3.6)
    assert not found.fault.any()
    [push] = pushes(found)
    assert push.kind == "braking"
    assert 7 < push.peak < 9
    assert collisions(found) == []


def test_a_stop_that_no_tyres_can_do_is_a_collision() -> None:
    v = cruise()
    v[300:] = 0
    [hit] = collisions(marked(every(0.1, 600), v))
    assert hit.confirmed
    assert hit.at == START + 30 * SECOND


def test_a_wall_within_half_a_second_shows_on_the_way_down() -> None:
    v = cruise()
    v[300:305] = np.linspace(12, 2, 5)
    v[305:] = 0
    [hit] = collisions(marked(every(0.1, 600), v))
    assert hit.confirmed


def test_a_collision_is_none_where_positions_go_on() -> None:
    v = cruise()
    v[300:] = 0
    speed = marked(every(0.1, 600), v)
    assert collisions(speed, moved=np.array([START + 33 * SECOND])) == []


def test_a_collision_at_the_end_of_the_data_is_only_possible() -> None:
    v = cruise()
    v[580:] = 0
    [hit] = collisions(marked(every(0.1, 600), v))
    assert not hit.confirmed


def test_order_doubles_and_missing_values_do_not_matter() -> None:
    t, v = every(0.1, 600), cruise()
    v[100] = np.nan
    rng = np.random.default_rng(1)
    order = rng.permutation(600)
    plain, mixed = marked(t, v), marked(t[order], v[order])
    assert np.array_equal(plain.v, mixed.v)
    twice = marked(np.repeat(t, 2), np.repeat(v, 2))
    assert np.array_equal(twice.t, plain.t)


def test_distance_is_the_integral_and_gaps_count_for_nothing() -> None:
    t = np.concatenate([every(1, 101), every(1, 101) + HOUR])
    metres, seconds = driven(marked(t, np.full(202, 10.0)))
    assert (metres, seconds) == (2000.0, 200.0)


# ---- inertial sensors --------------------------------------------------------------------------


def ride(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Two minutes at 50 Hz: forward is x. A brake at 40 s, a lane at 70 s, a turn at 100 s."""
    t = np.arange(0, 130, 0.02)
    a = rng.normal(0, 0.3, (len(t), 3))
    g = rng.normal(0, 0.003, (len(t), 3))
    a[:, 0] += 0.8 * np.sin(t / 9.0)
    a[:, 0] -= 5.0 * ((t > 40) & (t < 43))
    swing = 0.25 * np.sin(2 * np.pi * (t - 70) / 2.4) * ((t > 70) & (t < 72.4))
    g[:, 2] += swing
    a[:, 1] += 20 * swing
    bend = 0.4 * ((t > 100) & (t < 103))
    g[:, 2] += bend
    a[:, 1] += 10 * bend
    return (t * SECOND).astype(np.int64), a, g


def turned(rng: np.random.Generator) -> np.ndarray:
    """Any rotation."""
    q, _ = np.linalg.qr(rng.normal(size=(3, 3)))
    return np.asarray(q * np.sign(np.linalg.det(q)))


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("gravity", [0.0, GRAVITY])
@pytest.mark.parametrize("thin", [1, 3])
def test_events_are_found_in_any_mounting_with_gravity_or_without(
    seed: int, gravity: float, thin: int
) -> None:
    rng = np.random.default_rng(seed)
    t, a, g = ride(rng)
    q = turned(rng)
    a = (a + np.array([0, 0, gravity])) @ q.T
    g = g @ q.T
    trip = motion(t[::thin], a[::thin], gyro_t=t[::thin], gyro=g[::thin])
    assert trip is not None
    assert trip.sided == (gravity > 0)
    found = harsh_events(trip)
    assert [e.kind for e in found] == [BRAKING, LANE_CHANGE, TURN]
    if gravity:
        assert [e.side for e in found] == [0, 1, 1]


def test_quiet_driving_has_no_events() -> None:
    rng = np.random.default_rng(5)
    t = (np.arange(0, 120, 0.02) * SECOND).astype(np.int64)
    trip = motion(
        t, rng.normal(0, 0.4, (len(t), 3)), gyro_t=t, gyro=rng.normal(0, 0.01, (len(t), 3))
    )
    assert trip is not None
    assert harsh_events(trip) == []


def test_a_filter_is_recognised_and_undone() -> None:
    rng = np.random.default_rng(2)
    slow, noise = np.zeros(3000), rng.normal(0, 0.3, 3000)
    for k in range(1, 3000):
        slow[k] = 0.97 * slow[k - 1] + noise[k]
    true = np.column_stack([slow + rng.normal(0, 0.1, 3000), np.zeros((3000, 2))])
    filtered, mean = np.empty_like(true), np.zeros(3)
    for k, value in enumerate(true):
        mean = mean + (value - mean) * 0.1 / 1.6
        filtered[k] = value - mean
    assert is_filtered(filtered)
    assert not is_filtered(true)
    back = undone(filtered)
    alike = [np.corrcoef(x[:, 0], true[:, 0])[0, 1] for x in (filtered, back)]
    assert alike[1] > max(0.85, alike[0] + 0.05)


def test_too_little_is_no_trip() -> None:
    assert motion(every(0.1, 20), np.zeros((20, 3))) is None


# ---- tracks and fences -------------------------------------------------------------------------


def north(metres: np.ndarray) -> np.ndarray:
    """Latitudes north of 30 degrees."""
    return np.asarray(30.0 + metres / 111_195.0)


def test_an_outlier_does_not_lengthen_a_trip() -> None:
    metres = np.concatenate([np.zeros(30), np.arange(0, 6000, 100.0), np.full(30, 6000.0)])
    lat = north(metres)
    lat[50] = 31.0
    seen = track(every(10, len(lat)), lat, longitude=np.full(len(lat), 104.0))
    assert seen.refused == 1
    stopped = stays(seen)
    assert len(stopped) == 2
    [way] = ways(seen, stopped)
    assert way.metres == pytest.approx(5900, rel=0.03)


def test_a_wrong_first_position_does_not_lock_the_track_out() -> None:
    lat = north(np.arange(0, 1000, 100.0))
    lat[0] = 45.0
    seen = track(every(10, 10), lat, longitude=np.full(10, 104.0))
    assert len(seen.t) >= 9
    assert seen.latitude[-1] == lat[-1]


def test_no_fix_and_nonsense_are_refused_and_counted() -> None:
    lat = np.array([30.0, 0.0, np.nan, 95.0, 30.0])
    lon = np.array([104.0, 0.0, 104.0, 104.0, 104.0])
    seen = track(every(60, 5), lat, longitude=lon)
    assert (len(seen.t), seen.refused) == (2, 3)


def test_a_degree_of_latitude_is_111_195_metres() -> None:
    assert float(distance(31.0, 104.0, to=(30.0, 104.0))) == pytest.approx(111_195, rel=1e-4)


LOT = fences.Circle(30.0, 104.0, 200.0)


def test_first_seen_outside_is_outside() -> None:
    seen = track(every(60, 3), north(np.full(3, 230.0)), longitude=np.full(3, 104.0))
    assert fences.states(seen, LOT).tolist() == [fences.OUTSIDE] * 3


def test_scatter_at_the_border_does_not_leave() -> None:
    seen = track(every(60, 4), north(np.array([0.0, 230, 190, 245])), longitude=np.full(4, 104.0))
    assert fences.states(seen, LOT).tolist() == [fences.INSIDE] * 4


def test_silence_of_more_than_a_day_is_unknown() -> None:
    seen = track(every(60, 2), north(np.zeros(2)), longitude=np.full(2, 104.0))
    found = fences.spans(seen, LOT, until=START + 3 * DAY)
    assert [s.state for s in found] == [fences.INSIDE, fences.UNKNOWN]
    assert fences.dwell(found) == MINUTE + DAY


@given(st.lists(st.floats(-2000, 2000), min_size=1, max_size=30))
def test_a_square_and_its_circle_agree_far_from_the_border(metres: list[float]) -> None:
    lat = north(np.array(metres))
    lon = np.full(len(metres), 104.0)
    half, east = 200 / 111_195.0, 200 / 111_195.0 / np.cos(np.radians(30))
    square = fences.Polygon((
        (30 - half, 104 - east), (30 - half, 104 + east), (30 + half, 104 + east),
        (30 + half, 104 - east),
    ))  # fmt: skip
    a, b = fences.beyond(LOT, lat, longitude=lon), fences.beyond(square, lat, longitude=lon)
    far = np.abs(np.abs(metres) - 200) > 5
    assert ((a > 0) == (b > 0))[far].all()


def test_a_fence_without_area_is_refused() -> None:
    with pytest.raises(BadInput):
        fences.beyond(fences.Circle(30, 104, 0), np.array([30.0]), longitude=np.array([104.0]))
    with pytest.raises(BadInput):
        fences.beyond(
            fences.Polygon(((30, 104), (31, 104))), np.array([30.0]), longitude=np.array([104.0])
        )


# ---- following ---------------------------------------------------------------------------------


def test_the_distance_is_that_of_article_80() -> None:
    kmh = np.array([120.0, 101.0, 100.0, 60.0])
    need = following.required(kmh / 3.6, expressway=True)
    assert need.round(1).tolist() == [100.0, 100.0, 55.6, 50.0]
    assert float(following.required(50 / 3.6)) == pytest.approx(27.8, abs=0.1)


def test_somebody_who_cuts_in_is_not_the_drivers_doing() -> None:
    t = every(1, 60)
    gap = np.full(60, 60.0)
    gap[20:22] = 8
    speed = (t, np.full(60, 80 / 3.6))
    assert following.follow(t, gap, speed=speed).spells == 0
    gap[20:30] = 8
    found = following.follow(t, gap, speed=speed)
    assert (found.spells, found.close) == (1, 10.0)


# ---- fuel --------------------------------------------------------------------------------------


def tank(n: int, rng: np.random.Generator) -> np.ndarray:
    """A level that sloshes by 3 % and is burnt slowly, once a second."""
    return np.asarray(0.6 - np.arange(n) * 1e-5 + rng.normal(0, 0.03, n))


def test_driving_alone_burns_and_nothing_is_stolen() -> None:
    rng = np.random.default_rng(3)
    t = every(1, 3600)
    assert fuel.fuel_events(t, tank(3600, rng), speed=(t, np.full(3600, 12.0))) == []


@pytest.mark.parametrize(("change", "kind"), [(-0.08, "siphon"), (0.3, "refuel")])
def test_what_happens_in_a_standstill_is_found_there(change: float, kind: str) -> None:
    rng = np.random.default_rng(4)
    t = every(1, 3600)
    v = np.full(3600, 12.0)
    v[1500:2100] = 0
    level = tank(3600, rng)
    level[1500:2100] = level[1500] + rng.normal(0, 0.002, 600)
    level[1800:] += change
    [event] = fuel.fuel_events(t, np.clip(level, 0, 1), speed=(t, v))
    assert (event.kind, event.standing) == (kind, True)
    assert event.change == pytest.approx(change, abs=0.02)


def test_fuel_stolen_overnight_is_found_between_two_drives() -> None:
    rng = np.random.default_rng(6)
    t = np.concatenate([every(1, 1200), every(1, 1200) + 10 * HOUR])
    level = np.concatenate([0.7 + rng.normal(0, 0.02, 1200), 0.6 + rng.normal(0, 0.02, 1200)])
    [event] = fuel.fuel_events(t, level, speed=(t, np.full(2400, 10.0)))
    assert event.kind == "siphon"
    assert event.change == pytest.approx(-0.1, abs=0.02)


@pytest.mark.parametrize(("change", "kinds"), [(-0.06, []), (-0.2, ["siphon"])])
def test_a_value_a_minute_tells_large_changes_alone(change: float, kinds: list[str]) -> None:
    rng = np.random.default_rng(8)
    t = every(60, 60)
    level = 0.7 + rng.normal(0, 0.03, 60) + np.where(np.arange(60) >= 30, change, 0)
    found = fuel.fuel_events(t, level, speed=(t, np.full(60, 10.0)))
    assert [event.kind for event in found] == kinds


def test_an_even_level_leaves_out_what_cannot_be() -> None:
    t = every(1, 120)
    level = np.full(120, 0.5)
    level[::7] = np.nan
    level[3] = 1.7
    assert fuel.smoothed(t, level).level.tolist() == [0.5, 0.5]


# ---- tracker and theft -------------------------------------------------------------------------


def test_a_flat_battery_is_no_power_cut() -> None:
    t = every(30, 20)
    assert guard.power_cuts(t, np.full(20, 10.2)) == []
    volts = np.full(20, 12.5)
    volts[8:] = 0.1
    [cut] = guard.power_cuts(t, volts)
    assert cut.start == START + 240 * SECOND


def test_a_tunnel_shelters_and_half_an_hour_of_driving_is_jammed() -> None:
    t = every(30, 200)
    seen = np.full(200, 11.0)
    seen[50:60] = 0
    wheels = (t, np.full(200, 15.0))
    assert [b.kind for b in guard.blindness(t, seen, speed=wheels)] == ["sheltered"]
    seen[50:120] = 0
    assert [b.kind for b in guard.blindness(t, seen, speed=wheels)] == ["gnss_jammed"]
    parked = (t, np.zeros(200))
    assert [b.kind for b in guard.blindness(t, seen, speed=parked)] == ["sheltered"]
    bars = np.full(200, 20.0)
    bars[50:120] = 0
    [spell] = guard.blindness(t, seen, network=(t, bars), speed=parked)
    assert spell.kind == "all_jammed"


def test_where_to_look_grows_with_time() -> None:
    area = guard.search_area((START, 30.0, 104.0), at=START + 30 * MINUTE, heading=90.0)
    assert area.radius == pytest.approx(46_150, rel=0.01)
    assert area.heading == 90.0
    late = guard.search_area((START, 30.0, 104.0), at=START + 2 * HOUR, heading=90.0)
    assert late.heading is None


# ---- drivers and assistance --------------------------------------------------------------------

CLIP = "ab" * 32


def saw(at: int, kind: str, *, sure: float, clip: str = CLIP) -> behaviour.Observation:
    return behaviour.observation(at, kind, confidence=sure, digest=clip)


def test_observations_count_once_and_only_if_sure() -> None:
    seen = [
        saw(START, "phone", sure=0.95), saw(START + 20 * SECOND, "phone", sure=0.9, clip="cd" * 32),
        saw(START + HOUR, "phone", sure=0.9, clip="ef" * 32),
        saw(START + 2 * HOUR, "fatigue", sure=0.5, clip="01" * 32),
        saw(START + 3 * HOUR, "smoking", sure=0.9),
    ]  # fmt: skip
    told = behaviour.tell(seen)
    assert [e.at - START for e in told.events] == [0, HOUR]
    assert [why for _, why in told.kept] == ["the same event", "not confident", "the same clip"]


@pytest.mark.parametrize(
    ("code", "sure", "clip"), [(9, 0.9, CLIP), (1, 1.2, CLIP), (1, 0.9, "not a digest")]
)
def test_an_observation_that_cannot_be_is_refused(code: int, sure: float, clip: str) -> None:
    with pytest.raises(BadInput):
        behaviour.observation(START, code, confidence=sure, digest=clip)


def test_ten_minutes_are_no_rest_and_twenty_are() -> None:
    drives = [(0, 3 * HOUR), (3 * HOUR + 10 * MINUTE, 5 * HOUR)]
    assert behaviour.longest_drive(drives) == 5 * HOUR
    drives[1] = (3 * HOUR + 20 * MINUTE, 5 * HOUR)
    assert behaviour.longest_drive(drives) == 3 * HOUR


def test_a_discount_is_only_for_what_is_certain() -> None:
    assert assistance.effect((3, 500), (1, 500)).discount == 0
    found = assistance.effect((300, 5_000), (150, 5_000))
    assert found.ratio == pytest.approx(0.5, abs=0.01)
    assert 0.1 < found.discount <= assistance.MOST
    with pytest.raises(BadInput):
        assistance.effect((1, 0), (1, 10))


def test_the_clips_prefix_is_exact_as_a_number() -> None:
    number = behaviour.prefix("ff" * 32)
    assert int(float(number)) == number == 2**48 - 1
    assert Decimal(number) == Decimal(281474976710655)
