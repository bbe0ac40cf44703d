"""Levels, references and remaining life: generic, and right in what they leave out."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wuxin.risk import levels, reference, remaining
from wuxin.terms.clock import DAY, HOUR


def load(seed: int, *, idle: float = 0.2) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Rest, idling and work of one machine."""
    rng = np.random.default_rng(seed)
    kind = rng.choice(3, 600, p=[0.4, 0.2, 0.4])
    drawn = np.choose(kind, [0.0, idle, 1.0]) * rng.normal(1, 0.05, 600)
    return np.asarray(np.maximum(drawn, 0.0), np.float64)


@given(st.integers(0, 500), st.floats(1e-3, 1e6))
def test_states_do_not_depend_on_the_unit(seed: int, factor: float) -> None:
    v = load(seed)
    one, other = levels.learn(v), levels.learn(v * factor)
    assert one is not None
    assert other is not None
    assert (levels.states(v, one) == levels.states(v * factor, other)).all()
    assert one.idle < 0.2 * 0.8 < one.working < 0.8


def test_a_machine_that_never_idles_works_whenever_it_draws() -> None:
    v = load(1, idle=1.0)
    found = levels.learn(v)
    assert found is not None
    assert found.working == found.idle


def test_a_meter_too_coarse_is_not_judged_by() -> None:
    assert levels.learn(np.round(load(2) * 0.6)) is None
    assert levels.learn(np.zeros(1000)) is None
    assert levels.learn(load(3)[:100]) is None


def test_a_load_that_no_work_explains_is_an_alarm() -> None:
    v = load(4)
    found = levels.learn(v)
    assert found is not None
    assert levels.states(np.array([0.0, 0.2, 1.0, 3.0]), found).tolist() == [0, 1, 2, 3]


def test_a_signal_that_drifts_in_the_reference_is_left_out() -> None:
    rng = np.random.default_rng(0)
    x = np.column_stack([rng.normal(size=500), np.linspace(0, 5, 500) + 0.1 * rng.normal(size=500)])
    found = reference.learn(x)
    assert found is not None
    assert found.kept.tolist() == [0]
    # it goes on warming up, and that is no anomaly; the steady signal's shift is
    later = np.column_stack([rng.normal(size=200), np.linspace(5, 7, 200)])
    assert (reference.distance(later, found) < 1).mean() > 0.97
    later[100:, 0] += 3
    assert (reference.distance(later, found)[115:] > 1).all()


def test_a_reference_never_lies_beyond_its_own_limit() -> None:
    x = np.random.default_rng(1).normal(size=(400, 3))
    found = reference.learn(x)
    assert found is not None
    assert reference.distance(x, found)[reference.WINDOW :].max() == pytest.approx(1 / 1.5)
    assert reference.learn(x[:50]) is None
    assert reference.learn(np.ones((400, 2))) is None


def test_a_deviation_is_said_in_robust_deviations_of_the_past() -> None:
    t = np.arange(0, 20 * DAY, HOUR, dtype=np.int64)
    v = 50.0 + np.arange(len(t)) % 5  # median 52, MAD 1
    v[-12:] += 10
    at = np.array([2 * DAY, 20 * DAY])
    found = reference.deviations(t, v, at=at, window=12 * HOUR, history=19 * DAY, least=5 * DAY)
    assert np.isnan(found[0])
    assert found[1] == pytest.approx(10 / 1.4826, abs=0.3)


@given(st.integers(5, 60), st.integers(0, 50))
def test_a_machines_features_come_from_its_own_past_alone(cut: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(100, 2))
    unit = np.repeat([1, 2], [60, 40])
    whole = remaining.features(remaining.Fleet(unit, x))
    part = remaining.features(remaining.Fleet(unit[:cut], x[:cut]))
    assert np.allclose(whole[:cut], part, atol=1e-9)


def test_slopes_and_means_are_those_of_the_line() -> None:
    x = 3.0 + 0.5 * np.arange(50.0)[:, None]
    found = remaining.features(remaining.Fleet(np.ones(50, np.int64), x))
    assert found[-1, 0] == pytest.approx(3 + 0.5 * 39.5)
    assert found[-1, 2] == pytest.approx(0.5)


def test_a_fleet_that_failed_teaches_what_wear_looks_like() -> None:
    rng = np.random.default_rng(2)
    lives = rng.integers(120, 200, 30)
    unit = np.repeat(np.arange(30), lives)
    left = remaining.life_left(unit)
    x = np.column_stack([np.exp(-left / 40), rng.normal(size=len(left))])
    x[:, 0] += 0.02 * rng.normal(size=len(left))
    held = remaining.cross_validated(remaining.Fleet(unit, x))
    assert np.sqrt(np.mean((held - left) ** 2)) < 15
    prophet = remaining.fit(remaining.Fleet(unit, x))
    assert prophet.predict(remaining.Fleet(unit, x)).max() <= remaining.CAP


def test_a_trend_is_drawn_on_only_where_it_is_certain() -> None:
    days = list(range(10))
    assert remaining.trend(days, [1 - 0.05 * d for d in days], threshold=0.2) == pytest.approx(7)
    assert remaining.trend(days, [0.1 - 0.01 * d for d in days], threshold=0.2) == 0
    assert remaining.trend(days, [1.0, 0.9] * 5, threshold=0.2) is None
    assert remaining.trend(days, [0.5 + 0.01 * d for d in days], threshold=0.2) is None
    assert remaining.trend(days[:5], [1, 0.8, 0.6, 0.4, 0.3], threshold=0.2) is None
