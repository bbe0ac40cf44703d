"""The back-test of haircuts: no day knows the next, counts as by hand; and many goods at once."""

import msgspec
import numpy as np
import pytest
from arch.data import wti

from tests.rooms.test_haircut import APRIL_2020, FIT, PRICES, walk_of
from wuxin.risk import backtest, shelf, volatility
from wuxin.risk.haircut import EMIR_CUSHION, Method, dynamic_haircut

QUICK = Method(paths=1000)
NAN = float("nan")


def test_no_day_of_the_walk_knows_the_next() -> None:
    before, other = PRICES[:700], PRICES[:700].copy()
    other[650:] *= np.linspace(1, 0.1, 50)
    one, two = (backtest.walk(p, method=QUICK) for p in (before, other))
    assert np.isfinite(one[500:]).all()
    assert one[500:651].tolist() == two[500:651].tolist()
    assert one[660:].max() < two[660:].max()


def test_the_walk_is_the_haircut_of_each_day_with_the_fit_of_its_stretch() -> None:
    method = msgspec.structs.replace(QUICK, cushion=EMIR_CUSHION)
    walked = backtest.walk(PRICES[:560], method=method)
    fitted = volatility.fit(PRICES[:521])
    for day in (520, 533, 539):
        alone = dynamic_haircut(PRICES[: day + 1], method=method, fitted=fitted).parts
        assert alone is not None
        assert walked[day] == pytest.approx(alone.fall + alone.cushion, rel=1e-9)
    assert np.isnan(walked[:500]).all()
    assert not np.isnan(walked[500:]).any()


def test_the_walk_passes_prices_below_zero_and_fits_again_at_once() -> None:
    method = Method(paths=1000, least=200, window=400)
    prices = np.concatenate([PRICES[:305], APRIL_2020, walk_of(0.02, days=450, seed=9)])
    walked = backtest.walk(prices, method=method, refit=50)
    assert np.isfinite(walked[200:]).all()
    assert walked[305] < 1
    assert walked[306:310].tolist() == [1, 1, 1, 1]
    assert walked[-1] < 0.5


def test_a_series_that_is_too_short_is_walked_without_a_haircut() -> None:
    assert np.isnan(backtest.walk(PRICES[:400])).all()


def test_falls_are_to_the_worst_close_of_the_horizon_or_to_its_last() -> None:
    prices = [100.0, 90.0, 95.0, 120.0, -5.0, 3.0]
    worst = backtest.falls(prices, horizon_days=2)
    assert worst == pytest.approx([0.1, 0.0, 1.0, 1.0, NAN, NAN], nan_ok=True)
    last = backtest.falls(prices, horizon_days=2, at_end=True)
    assert last == pytest.approx([0.05, 0.0, 1.0, 0.975, NAN, NAN], nan_ok=True)
    assert np.isnan(backtest.falls([-1.0, 2.0, 2.0], horizon_days=1)[0])
    assert np.isnan(backtest.falls([1.0, 2.0], horizon_days=2)).all()


def test_the_best_static_haircut_is_the_smallest_that_holds() -> None:
    fallen = np.append(np.linspace(0, 0.999, 1000), NAN)
    best = backtest.best_static(fallen)
    assert np.count_nonzero(fallen > best) == 10
    assert np.count_nonzero(fallen > best - 1e-9) > 10


def test_breaches_are_counted_each_day_by_episode_and_apart() -> None:
    fallen, cuts = np.zeros(60), np.full(60, 0.2)
    fallen[[10, 11, 12, 20, 40]] = [0.3, 0.25, 0.2, 0.5, 0.3]
    fallen[-5:], cuts[:5] = NAN, NAN
    found = backtest.score("r", cuts, fallen=fallen, horizon_days=5)
    assert (found.days, found.breaches, found.episodes) == (50, 4, 3)
    assert found.mean_ltv == pytest.approx(0.8)
    assert found.breach_share == pytest.approx(0.08)
    assert (found.apart, found.apart_share) == (3, pytest.approx(0.3))  # days 10, 20, 40
    assert found.apart_p == pytest.approx(1.14e-4, rel=0.01)  # 1 − P(at most 2 of 10 at 1 %)
    assert found.worst == pytest.approx(0.3)
    assert found.shortfall == pytest.approx((0.1 + 0.05 + 0.3 + 0.1) / 50)


def test_the_historical_rule_knows_only_horizons_that_are_over() -> None:
    fallen = backtest.falls(PRICES)
    other = fallen.copy()
    other[681:] = 0.9
    one, two = (backtest.historical(f) for f in (fallen, other))
    assert one[500:701].tolist() == two[500:701].tolist()
    assert one[720] < two[720]


def test_wti_is_breached_on_at_most_one_day_in_a_hundred_and_lends_no_less_than_static() -> None:
    prices = wti.load()["DCOILWTICO"].dropna().to_numpy(np.float64)
    cuts = backtest.walk(prices, method=QUICK, refit=250)
    fallen = backtest.falls(prices)
    judged = np.isfinite(cuts) & np.isfinite(fallen)
    ours = backtest.score("dynamic", cuts, fallen=fallen)
    assert ours.days > 7500
    assert ours.breach_share <= 0.01
    assert ours.mean_ltv >= 1 - backtest.best_static(fallen[judged])


RESTLESS = walk_of(np.where(np.arange(1500) // 100 % 2, 0.03, 0.01))
FALLEN = np.append(walk_of(0.01, seed=3), [-5.0, 60.0])
PAIR = (volatility.fit(RESTLESS), volatility.fit(FALLEN))


@pytest.mark.parametrize("cushion", [0.0, EMIR_CUSHION])
def test_a_shelf_gives_the_haircuts_that_goods_get_alone(cushion: float) -> None:
    method = Method(paths=2000, cushion=cushion)
    variance = np.array([0.5, 1.7])
    prices = [RESTLESS, FALLEN]
    for p, fit, k in zip(prices, PAIR, range(2), strict=True):
        variance[k] = volatility.variances(fit, volatility.changes(p, fit.form) / fit.scale)[-1]
    stocked = shelf.stock(PAIR, variance, method=method)
    last = np.array([p[-1] for p in prices])
    many = shelf.haircuts(stocked, last)
    for k, p in enumerate(prices):
        alone = dynamic_haircut(p, method=method, fitted=PAIR[k]).parts
        assert alone is not None
        assert many[k] == pytest.approx(min(alone.fall + alone.cushion, 1), abs=1e-3)
    after = last * np.array([0.9, 1.1])
    moved = shelf.haircuts(shelf.mark(stocked, last, after=after), after)
    for k, p in enumerate(prices):
        alone = dynamic_haircut(np.append(p, after[k]), method=method, fitted=PAIR[k]).parts
        assert alone is not None
        assert moved[k] == pytest.approx(min(alone.fall + alone.cushion, 1), abs=1e-3)
    assert moved[0] > many[0]


def test_a_shelf_learns_nothing_from_a_price_that_is_missing_and_lends_nothing_on_it() -> None:
    stocked = shelf.stock([FIT, FIT, FIT], np.full(3, 0.8), method=QUICK)
    after = np.array([NAN, -2.0, 50.0])
    moved = shelf.mark(stocked, np.full(3, 50.0), after=after)
    assert moved.variance[:2].tolist() == [0.8, 0.8]
    assert moved.variance[2] != 0.8
    given = shelf.haircuts(moved, after)
    assert given[:2].tolist() == [1, 1]
    assert given[2] < 0.5


def test_volatility_beyond_the_ladder_still_raises_the_haircut() -> None:
    levels = np.array([0.01, 0.05, 0.2, 1, 5, 15, 17, 40]) ** 2
    stocked = shelf.stock([FIT] * len(levels), levels, method=QUICK)
    given = shelf.haircuts(stocked, np.ones(len(levels)))
    assert np.all(np.diff(given) >= 0)
    assert given[-1] > given[-3]
