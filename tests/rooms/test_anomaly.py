"""Faults of a signal itself: what must be found, and what must not, on made and real shapes."""

import numpy as np
import pytest
from numpy.typing import NDArray

from wuxin.risk import anomaly
from wuxin.terms.clock import DAY, MINUTE

Floats = NDArray[np.float64]
QUARTER = 15 * MINUTE


def times(n: int, step: int = QUARTER) -> NDArray[np.int64]:
    return np.arange(n, dtype=np.int64) * step


def sunny(days: int, *, cloud: float = 0.3, seed: int = 1) -> Floats:
    """Power of a 1000 W unit under a sky with clouds, 96 values a day; zero at night."""
    chance = np.random.default_rng(seed)
    hour = np.arange(days * 96) % 96 / 4
    clear = np.maximum(np.sin((hour - 6) / 12 * np.pi), 0.0)
    sky = 1 - cloud * np.abs(np.convolve(chance.normal(size=days * 96), np.ones(4) / 4, "same"))
    return np.asarray(1000 * clear * np.clip(sky, 0.05, 1))


def test_a_stuck_value_is_stale_from_its_first_sample_to_its_last() -> None:
    v = sunny(3)
    v[140:152] = v[140]
    mark = anomaly.stale(times(len(v)), v, floor=5)
    assert np.flatnonzero(mark).tolist() == list(range(140, 152))


def test_night_is_not_stale() -> None:
    v = sunny(3)
    assert not anomaly.stale(times(len(v)), v, floor=5).any()


def test_equal_neighbours_of_a_coarse_meter_are_not_stale() -> None:
    v = np.round(sunny(10), -2)
    assert (np.diff(v[v > 0]) == 0).sum() > 20
    assert not anomaly.stale(times(len(v)), v, floor=5).any()


def test_a_gap_ends_a_stale_run() -> None:
    v = sunny(2)
    v[40:43] = v[40]
    t = times(len(v))
    t[42:] += DAY
    assert not anomaly.stale(t, v, floor=5)[40:43].any()


def test_a_straight_line_is_interpolated_without_its_measured_ends() -> None:
    v = sunny(3)
    v[130:150] = np.interp(np.arange(130, 150), [130, 149], v[[130, 149]])
    mark = anomaly.interpolated(times(len(v)), v)
    assert np.flatnonzero(mark).tolist() == list(range(131, 149))


def test_a_line_that_was_rounded_is_still_a_line() -> None:
    v = sunny(3)
    v[130:160] = np.interp(np.arange(130, 160), [130, 159], v[[130, 159]])
    mark = anomaly.interpolated(times(len(v)), np.round(v, 1))
    assert mark[135:155].all()
    assert not mark[:125].any()


def test_measured_power_is_not_interpolated() -> None:
    v = sunny(30)
    assert not anomaly.interpolated(times(len(v)), v).any()
    assert not anomaly.interpolated(times(3), v[:3]).any()


@pytest.mark.parametrize("value", [1600.0, -300.0, 2000.0])
def test_an_impossible_value_is_a_spike(value: float) -> None:
    v = sunny(3, cloud=0.05)
    v[145] = value
    score = anomaly.spikes(times(len(v)), v, scale=1000)
    assert np.flatnonzero(score).tolist() == [145]


def test_a_negative_value_at_night_is_a_spike() -> None:
    v = sunny(2)
    v[90] = -400
    assert np.flatnonzero(anomaly.spikes(times(len(v)), v, scale=1000)).tolist() == [90]


def test_broken_clouds_are_no_spikes() -> None:
    v = sunny(30, cloud=1.2)
    assert np.abs(np.diff(v)).max() > 400
    assert np.count_nonzero(anomaly.spikes(times(len(v)), v, scale=1000)) <= 1


def test_earlier_values_are_neighbours_only() -> None:
    v = sunny(3, cloud=0.05)
    v[145] = 2000
    t = times(len(v))
    assert not anomaly.spikes(t, v, scale=1000, since=int(t[146])).any()


def test_a_flat_top_is_clipped_and_a_round_one_is_not() -> None:
    v = sunny(5, cloud=0.0)
    t = times(len(v))
    assert not anomaly.clipped(t, v, ceiling=1000).any()
    flat = np.minimum(v, 800.0)
    mark = anomaly.clipped(t, flat, ceiling=800)
    assert np.array_equal(mark, v >= 800 * 0.998)


def test_a_round_top_of_a_coarse_meter_is_not_clipped() -> None:
    v = np.round(sunny(5, cloud=0.0) / 1000 * 40) * 25
    assert not anomaly.clipped(times(len(v)), v, ceiling=1000).any()


def test_resolution_is_found_where_there_is_one() -> None:
    v = sunny(3)
    assert anomaly.resolution(v) == 0
    assert anomaly.resolution(np.round(v, 1)) == pytest.approx(0.1)
    assert anomaly.resolution(np.zeros(5)) == 0


def daily(n: int, *, seed: int = 3, spread: float = 0.35) -> Floats:
    """Daily energy with seasons and weather that lasts for some days."""
    chance = np.random.default_rng(seed)
    noise = np.convolve(chance.normal(size=n + 2), [0.5, 0.35, 0.15], "valid")[:n]
    season = 0.5 * np.cos(2 * np.pi * (np.arange(n) - 172) / 365.25)
    return np.asarray(np.exp(8 + season - spread * np.abs(noise)))


@pytest.mark.parametrize("factor", [0.35, 0.5, 2.0, 3.0])
@pytest.mark.parametrize("days", [120, 900])
def test_a_step_in_the_level_is_found_where_it_is(factor: float, days: int) -> None:
    v = daily(days)
    at = days // 2
    v[at:] *= factor
    where, step = anomaly.shifts(times(days, DAY), v)
    assert len(where) == 1
    assert abs(int(where[0]) - at) <= 3
    assert step[0] == pytest.approx(factor - 1, rel=0.3)


@pytest.mark.parametrize("days", [15, 60, 250, 1500])
def test_seasons_and_weather_are_no_step(days: int) -> None:
    assert len(anomaly.shifts(times(days, DAY), daily(days))[0]) == 0


def test_a_series_with_nothing_in_it_has_no_step() -> None:
    assert len(anomaly.shifts(times(60, DAY), np.zeros(60))[0]) == 0


def faulty(seed: int) -> Floats:
    chance = np.random.default_rng(seed)
    v = sunny(2, cloud=float(chance.uniform(0, 1.5)), seed=seed)
    if chance.random() < 0.3:
        v = np.round(v, int(chance.integers(-2, 2)))
    a, b = sorted(int(x) for x in chance.integers(20, 180, 2))
    kind = chance.integers(5)
    if kind == 0:
        v[a:b] = v[a]
    elif kind == 1 and b > a + 1:
        v[a:b] = np.linspace(v[a], v[b - 1], b - a)
    elif kind == 2:
        v[a] = chance.choice([-500.0, 1300.0, 0.0])
    elif kind == 3:
        v = np.minimum(v, chance.uniform(300, 900))
    return v


def test_what_is_not_suspected_would_not_have_been_found() -> None:
    signals = [(times(192), faulty(seed)) for seed in range(300)]
    scale = np.array([v.max() for _, v in signals])
    found = anomaly.screen(signals, floor=0.005 * scale, scale=scale, ceiling=scale)
    suspected = np.zeros(4)
    for i, (t, v) in enumerate(signals):
        marks = (
            anomaly.stale(t, v, floor=0.005 * scale[i]),
            anomaly.interpolated(t, v),
            anomaly.spikes(t, v, scale=float(scale[i])) > 0,
            anomaly.clipped(t, v, ceiling=float(scale[i])),
        )
        for k, mark in enumerate(marks):
            assert found[k][i] or not mark.any(), (i, k)
        suspected += [f[i] for f in found]
    assert (suspected[:2] < 250).all()


def test_runs_are_start_and_end() -> None:
    assert anomaly.runs(np.array([True, True, False, True])) == [(0, 2), (3, 4)]
    assert anomaly.runs(np.zeros(3, np.bool_)) == []
