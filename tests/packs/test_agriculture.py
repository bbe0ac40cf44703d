"""The agriculture pack: heats, posture, milk and climate against what papers and hands say."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.homes import generator
from wuxin.packs import schema
from wuxin.packs.agriculture import costs
from wuxin.packs.agriculture.climate import humidity_index
from wuxin.packs.agriculture.heats import STEP, after_calving, filled, find_heats
from wuxin.packs.agriculture.lactation import (
    MilkBot,
    Wood,
    fit_milkbot,
    fit_wood,
    interval_yield,
    yield_305,
)
from wuxin.packs.agriculture.posture import GRAVITY, bouts
from wuxin.packs.checks import check
from wuxin.terms.clock import DAY, SECOND
from wuxin.terms.standards import Series

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "agriculture"
START = 20_000 * DAY


def every_two_hours(*values: float) -> Series:
    """A band's values from START on; NaN: none came."""
    v = np.array(values, np.float64)
    t = START + STEP * np.arange(len(v), dtype=np.int64)
    return Series(t[np.isfinite(v)], v[np.isfinite(v)])


def test_the_pack_keeps_all_four_standards() -> None:
    assert check(schema.load("agriculture")) == []


# ---- heats -------------------------------------------------------------------------------------


def test_two_heats_as_in_the_published_tools_own_example() -> None:
    said = [5, 11, 11, 36, 35, 11, 5, 25, 44, 66, 55, 44, 4, 2, 2]
    found = find_heats(every_two_hours(*(x * 0.01 for x in said)), START, stop=START + 15 * STEP)
    assert [((h.start - START) // STEP, (h.stop - START) // STEP) for h in found] == [
        (3, 4), (8, 11)
    ]  # fmt: skip
    assert [h.lasted // STEP for h in found] == [2, 4]
    assert [round(h.peak, 2) for h in found] == [0.36, 0.66]
    assert found[1].peak_at == START + 9 * STEP


def test_a_missing_value_is_filled_and_does_not_split_a_heat() -> None:
    nan = float("nan")
    whole = find_heats(every_two_hours(0, 0.5, nan, 0.6, 0), START, stop=START + 5 * STEP)
    split = find_heats(every_two_hours(0, 0.5, nan, 0.6, 0), START, stop=START + 5 * STEP, most=0)
    assert (len(whole), len(split)) == (1, 2)


def test_of_a_longer_gap_only_the_first_two_are_filled() -> None:
    nan = float("nan")
    found = filled(np.array([nan, 0.0, nan, nan, nan, 4.0, nan]))
    np.testing.assert_array_equal(found, [nan, 0.0, 1.0, 2.0, nan, 4.0, nan])


@given(st.lists(st.floats(-1, 1), min_size=1, max_size=60), st.floats(0.01, 0.9))
def test_heats_are_apart_and_hold_every_value_at_or_above_the_threshold(
    values: list[float], threshold: float
) -> None:
    stop = START + len(values) * STEP
    found = find_heats(every_two_hours(*values), START, stop=stop, threshold=threshold)
    inside = {(t - START) // STEP for h in found for t in range(h.start, h.stop + 1, STEP)}
    assert inside == {i for i, v in enumerate(values) if v >= threshold - 1e-9}
    assert all(b.start - a.stop > STEP for a, b in pairwise(found))


def test_the_window_begins_five_days_before_calving_and_is_none_without_days_in_milk() -> None:
    change = every_two_hours(*([0.0] * 24), 0.5, 0.0)
    told = Series(np.array([START + 2 * DAY]), np.array([3 * 86_400.0]))
    calved, found = after_calving(change, told) or (0, [])
    assert calved == START - DAY
    assert len(found) == 1
    assert after_calving(change, Series(told.t[:0], told.v[:0])) is None


# ---- posture -----------------------------------------------------------------------------------


def leg(*stretches: tuple[float, float]) -> tuple[np.ndarray, np.ndarray]:
    """Seconds and upward acceleration (g) of each stretch, at 5 Hz."""
    up = np.concatenate([np.full(round(5 * s), g * GRAVITY) for s, g in stretches])
    return np.arange(len(up), dtype=np.int64) * (SECOND // 5), up


def test_lying_is_told_from_standing_and_a_kick_is_neither() -> None:
    t, up = leg((600, 1.0), (1200, 0.05), (600, 0.98), (20, 0.1), (600, 1.0))
    up[100], up[4000] = -1.5 * GRAVITY, 1.4 * GRAVITY
    found = bouts(t, up)
    assert [bout.lying for bout in found] == [False, True, False]
    assert found[1].start == 600 * SECOND


def test_a_hole_in_the_data_ends_a_bout() -> None:
    t, up = leg((600, 0.0), (600, 0.0))
    t[3000:] += 3600 * SECOND
    assert [bout.lying for bout in bouts(t, up)] == [True, True]


# ---- milk --------------------------------------------------------------------------------------


def test_the_test_interval_method_by_hand() -> None:
    # 20 × 30 + 40 × (30 + 40)/2 + 245 × 40
    assert interval_yield(np.array([60.0, 20.0]), np.array([40.0, 30.0])) == 600 + 1400 + 9800
    assert interval_yield(np.array([60.0]), np.array([40.0])) is None


def test_test_days_after_the_standard_lactation_do_not_count() -> None:
    days, milk = np.array([20.0, 60.0, 350.0]), np.array([30.0, 40.0, 9.0])
    assert interval_yield(days, milk) == interval_yield(days[:2], milk[:2])


@given(st.floats(15, 40), st.floats(0.1, 0.3), st.floats(0.002, 0.005))
def test_woods_curve_is_found_again_from_its_own_test_days(a: float, b: float, c: float) -> None:
    days = np.arange(10.0, 300.0, 15.0)
    curve = fit_wood(days, Wood(a, b, c).at(days))
    assert curve is not None
    np.testing.assert_allclose(curve.at(days), Wood(a, b, c).at(days), rtol=0.04)


def test_milkbots_curve_is_found_again_and_its_peak_is_one_of_its_days() -> None:
    days = np.arange(10.0, 300.0, 15.0)
    true = MilkBot(45.0, 22.0, 0.0, 0.0021)
    curve = fit_milkbot(days, true.at(days))
    assert curve is not None
    np.testing.assert_allclose(curve.at(days), true.at(days), rtol=0.01)
    assert curve.peak() == pytest.approx(true.peak(), rel=0.01)


def test_a_lactation_that_goes_on_is_not_carried_on_level() -> None:
    days = np.arange(15.0, 121.0, 30.0)
    true = Wood(20.0, 0.2, 0.0035)
    whole = float(true.at(np.arange(1.0, 306.0)).sum())
    found = yield_305(days, true.at(days))
    level = interval_yield(days, true.at(days))
    assert found == pytest.approx(whole, rel=0.02)
    assert level is not None
    assert abs(level - whole) > 3 * abs((found or 0.0) - whole)


def test_a_young_lactation_says_nothing_yet() -> None:
    assert yield_305(np.array([10.0, 40.0]), np.array([30.0, 35.0])) is None


@given(st.lists(st.tuples(st.floats(1, 305), st.floats(1, 60)), min_size=2, max_size=12))
def test_a_yield_is_between_the_least_and_the_most_of_its_test_days(
    said: list[tuple[float, float]],
) -> None:
    days, milk = (np.array(x) for x in zip(*said, strict=True))
    found = interval_yield(days, milk)
    if found is not None:
        assert milk.min() * 305 - 1e-6 <= found <= milk.max() * 305 + 1e-6


# ---- climate -----------------------------------------------------------------------------------


@pytest.mark.parametrize(("celsius", "humidity", "index"), [(25, 0.5, 71.8), (32, 0.7, 84.39)])
def test_the_index_by_hand(celsius: float, humidity: float, index: float) -> None:
    found = humidity_index(np.array([celsius + 273.15]), np.array([humidity]))
    assert found[0] == pytest.approx(index, abs=0.1)


# ---- the example -------------------------------------------------------------------------------


def test_the_generator_writes_the_shipped_files_byte_for_byte(tmp_path: Path) -> None:
    module = generator("agriculture")
    module.main(tmp_path)
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted(module.FILES)
    for name in module.FILES:
        assert (tmp_path / name).read_bytes() == (EXAMPLE / name).read_bytes(), name


def test_savings_are_simulated_the_same_each_time_and_follow_their_assumptions() -> None:
    first = costs.simulate()
    assert first == costs.simulate()
    assert [s.what for s in first] != []
    assert all(s.low < s.middle < s.high for s in first)
    one = {name: np.array([low]) for name, (low, _, _) in costs.RANGES.items()}
    # 21 × (1/0.50 − 1/0.75) / 0.35
    assert costs.earlier(one)[0] == pytest.approx(40.0)
    assert costs.labour(one)[0] == pytest.approx((3.5 + 2.5 + 0.6 + 0.5) * 0.6 / 35)
