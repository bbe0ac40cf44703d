"""The dynamic haircut: what must move it, what must not, and prices that are not as they should."""

from decimal import Decimal
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from wuxin.risk import volatility
from wuxin.risk.haircut import EMIR_CUSHION, Haircut, Method, dynamic_haircut
from wuxin.terms.errors import BadInput

Floats = NDArray[np.float64]
QUICK = Method(paths=2000)
APRIL_2020 = (18.31, -36.98, 8.91, 13.64, 15.06)
"""WTI at Cushing, spot, dollars a barrel, 17 and 20 to 23 April 2020 (EIA)."""


def walk_of(daily: Floats | float, *, days: int = 1500, seed: int = 1, start: float = 50) -> Floats:
    """Prices of a random walk whose volatility is given, for all days or for each."""
    z = np.random.default_rng(seed).standard_normal(days)
    return np.asarray(start * np.exp(np.cumsum(daily * z)))


def cut(found: Haircut) -> float:
    assert found.fraction is not None, found.missing
    return float(found.fraction)


PRICES = walk_of(0.02)
KNOWN = dynamic_haircut(PRICES, method=QUICK).parts
assert KNOWN is not None
FIT = KNOWN.fit


@settings(max_examples=40, deadline=None)
@given(st.floats(0.5, 0.995), st.floats(0.5, 0.995))
def test_more_confidence_never_lowers_it(one: float, other: float) -> None:
    low, high = (
        cut(dynamic_haircut(PRICES, confidence=c, method=QUICK, fitted=FIT))
        for c in sorted((one, other))
    )
    assert low <= high


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 60), st.integers(1, 60))
def test_a_longer_horizon_never_lowers_it(one: int, other: int) -> None:
    low, high = (
        cut(dynamic_haircut(PRICES, horizon_days=h, method=QUICK, fitted=FIT))
        for h in sorted((one, other))
    )
    assert low <= high
    if other >= 2 * one:
        assert low < high


@pytest.mark.parametrize("factor", [2.0, 0.001, 6.2898, 1e6, 1e-9])
@pytest.mark.parametrize("fall_below_zero", [False, True])
def test_the_unit_of_the_price_does_not_matter(factor: float, *, fall_below_zero: bool) -> None:
    prices = np.append(PRICES, APRIL_2020) if fall_below_zero else PRICES
    prices = np.append(prices, walk_of(0.02, days=300, start=prices[-1]))
    as_given, scaled = (cut(dynamic_haircut(p, method=QUICK)) for p in (prices, prices * factor))
    assert 0.1 < as_given < 1
    assert scaled == pytest.approx(as_given, abs=2e-4)


def test_the_same_seed_gives_the_same_haircut_and_another_one_nearly() -> None:
    first, again, other = (dynamic_haircut(PRICES, method=Method(seed=seed)) for seed in (7, 7, 8))
    assert first.fraction == again.fraction
    assert first.reasons == again.reasons
    assert first.fraction != other.fraction
    assert cut(first) == pytest.approx(cut(other), rel=0.08)


def test_a_random_walk_gets_the_haircut_of_its_closed_form() -> None:
    # The lowest point of a continuous walk is −|N(0, σ²h)| (reflection); looking at it once a day
    # takes 0.5826 σ off. Broadie, Glasserman and Kou, Mathematical Finance 7 (1997) 325.
    sigma, days = 0.01, 20
    depth = sigma * (2.5758 * np.sqrt(days) - 0.5826)
    found = dynamic_haircut(walk_of(sigma, days=2500, seed=4))
    assert cut(found) == pytest.approx(1 - np.exp(-depth), rel=0.08)


def test_turmoil_raises_it_and_calm_lowers_it_again() -> None:
    daily = np.full(1400, 0.01)
    daily[1000:1060] = 0.05
    prices = walk_of(daily, days=1400)
    before, during, after = (
        cut(dynamic_haircut(prices[:end], method=QUICK)) for end in (1000, 1060, 1400)
    )
    assert during > 2 * before
    assert after < during / 2


def test_a_cushion_raises_it_in_calm_times_only() -> None:
    daily = np.full(1300, 0.03)
    daily[800:1200] = 0.008
    prices, soft = walk_of(daily, days=1300), Method(paths=2000, cushion=EMIR_CUSHION)
    for end, raised in ((1200, True), (1300, False)):
        plain, cushioned = (dynamic_haircut(prices[:end], method=m) for m in (QUICK, soft))
        assert cushioned.parts is not None
        assert (cushioned.parts.cushion > 0.005) == raised
        assert cut(cushioned) == pytest.approx(cut(plain) + cushioned.parts.cushion, abs=2e-4)
        assert any("cushion" in words.en for words in cushioned.reasons) == raised


def test_it_is_a_decimal_of_basis_points_rounded_up_with_its_parts() -> None:
    found = dynamic_haircut(PRICES, method=QUICK)
    assert found.fraction is not None
    assert found.parts is not None
    assert 0 <= float(found.fraction) - found.parts.fall < 1e-4
    assert found.fraction == round(found.fraction, 4)
    assert found.loan_to_value == Decimal(1) - found.fraction
    assert found.parts.now == pytest.approx(0.02, rel=0.3)
    assert found.parts.ahead == pytest.approx(0.02 * np.sqrt(20), rel=0.3)
    assert found.parts.changes == len(PRICES) - 1
    assert f"{found.fraction:%}" in found.reasons[-1].zh
    assert found.missing == ()
    record = found.words()
    assert record["haircut"] == str(found.fraction)
    assert all(Decimal(record[name]).is_finite() for name in ("fall", "volatility_now", "beta"))
    assert record["changes"] == "1499"


@pytest.mark.parametrize("last", range(2, 6))
def test_prices_below_zero_do_not_break_it(last: int) -> None:
    found = dynamic_haircut(np.append(PRICES, APRIL_2020[:last]), method=QUICK)
    assert found.fraction == 1
    assert found.parts is not None
    assert found.parts.form == "change"
    said = " ".join(words.en for words in found.reasons)
    assert "plain changes" in said
    assert ("nothing is lent" in said) == (last == 2)
    assert ("may fall below zero" in said) == (last > 2)


def test_a_fit_from_before_a_price_below_zero_is_not_used_after_it() -> None:
    prices = np.append(PRICES, [*APRIL_2020, 400.0])
    with_fit, without = (dynamic_haircut(prices, method=QUICK, fitted=f) for f in (FIT, None))
    assert with_fit.fraction == without.fraction


@pytest.mark.parametrize("prices", [[], [1.0], PRICES[:500], [float("nan")] * 900])
def test_too_short_a_series_is_refused_with_its_length(prices: list[float]) -> None:
    found = dynamic_haircut(prices)
    assert found.fraction is None
    assert found.loan_to_value is None
    assert found.words() == {}
    [why] = found.missing
    assert "at least" in why.en or "it takes 500" in why.en


def test_one_more_price_than_the_least_is_enough() -> None:
    assert dynamic_haircut(PRICES[:501], method=QUICK).fraction is not None


@pytest.mark.parametrize(
    ("prices", "why"),
    [
        (np.full(900, 7.0), "stands still on 100%"),
        (np.repeat(walk_of(0.02, days=300), 3), "stands still on 67%"),
        (np.exp(0.01 * np.arange(900)), "even steps"),
        (np.linspace(-100, 900, 1000), "even steps"),
        (np.tile([1e308, -1e308], 500), "beyond what can be computed"),
    ],
)
def test_a_price_without_volatility_is_refused_not_lent_on(prices: Floats, why: str) -> None:
    found = dynamic_haircut(prices)
    assert found.fraction is None
    assert why in found.missing[0].en


def test_what_is_not_a_number_is_left_out_and_counted() -> None:
    holes = np.insert(PRICES, [1100, 1300, 1300], [np.nan, np.inf, -np.inf])
    found = dynamic_haircut(holes, method=QUICK)
    assert found.fraction == dynamic_haircut(PRICES, method=QUICK).fraction
    assert found.parts is not None
    assert found.parts.omitted == 3
    assert any("3 prices were not numbers" in words.en for words in found.reasons)


ODD = st.sampled_from([0.0, -1.0, 1e-12, 1e12, -1e12, float("nan"), float("inf"), 50.0])


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 599), ODD), max_size=20), st.integers(0, 3))
def test_dirty_prices_give_a_haircut_or_a_reason_and_never_break(
    spoilt: list[tuple[int, float]], seed: int
) -> None:
    prices = walk_of(0.02, days=600, seed=seed)
    for at, value in spoilt:
        prices[at] = value
    found = dynamic_haircut(prices, method=Method(least=560, window=600, paths=1000))
    assert (found.fraction is None) == bool(found.missing)
    assert found.fraction is None or 0 <= found.fraction <= 1


def test_a_fit_that_does_not_converge_falls_back_and_says_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    lost = SimpleNamespace(params=[0.1, 0.1, 0.0, 0.8, 5.0], convergence_flag=9)
    model = SimpleNamespace(fit=lambda **_: lost)
    monkeypatch.setattr(volatility, "arch_model", lambda *_, **__: model)
    found = dynamic_haircut(PRICES, method=QUICK)
    assert found.parts is not None
    assert found.parts.fit.model == "ewma"
    assert any("did not converge" in words.en for words in found.reasons)
    assert 0.1 < cut(found) < 0.4


def test_a_price_fixed_for_years_and_then_freed_is_judged_by_its_plain_history() -> None:
    # Steps of a cent between stills, then a jump: a fitted variance vanishes before it.
    chance = np.random.default_rng(5)
    fixed = 50 + 0.01 * np.cumsum(chance.choice([-1, 0, 1], 700))
    prices = np.concatenate([fixed, 200 + 0.01 * np.cumsum(chance.choice([-1, 0, 1], 100))])
    found = dynamic_haircut(prices, method=QUICK)
    assert found.parts is not None
    assert found.parts.fit.model == "constant"
    assert float(np.abs(found.parts.fit.residuals).max()) <= np.sqrt(len(prices))
    assert any("plain history" in words.en for words in found.reasons)


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ({"horizon_days": 0}, "at least 1"),
        ({"confidence": 1.0}, "not in 0.5"),
        ({"confidence": 0.3}, "not in 0.5"),
        ({"confidence": 0.9999}, "takes 100"),
        ({"confidence": float("nan")}, "not in 0.5"),
        ({"method": Method(cushion=1.5)}, "not a weight"),
        ({"method": Method(least=50)}, "at least 100"),
        ({"method": Method(window=400)}, "longer window"),
    ],
)
def test_settings_that_mean_nothing_are_refused(wrong: dict[str, float], why: str) -> None:
    with pytest.raises(BadInput, match=why):
        dynamic_haircut(PRICES, **wrong)  # type: ignore[arg-type]
