"""Around a score: calibration, measures, stability, the card, reviews, features from months."""

import json

import msgspec
import numpy as np
import pytest
from numpy.typing import NDArray

from tests.rooms.test_score import BAD, FEATURES, FITTED, MODEL, QUICK, X, book
from wuxin.risk.score import series
from wuxin.risk.score.calibration import fit_calibrator
from wuxin.risk.score.card import About, as_json, card, readable
from wuxin.risk.score.fit import fit
from wuxin.risk.score.lending import FEATURES as LENDING
from wuxin.risk.score.lending import SERIES, case, derive
from wuxin.risk.score.measures import auc, calibration_error, ks, measure, reliability
from wuxin.risk.score.model import RAW
from wuxin.risk.score.reasons import judge
from wuxin.risk.score.review import Cutoffs, Outcome, outcome, overrides, review
from wuxin.risk.score.stability import baseline, stability
from wuxin.terms.clock import Nanos
from wuxin.terms.errors import BadInput
from wuxin.terms.records import Words

Floats = NDArray[np.float64]
NEW_X, NEW_BAD = book(4000, seed=11)


@pytest.mark.parametrize("kind", ["platt", "isotonic"])
def test_calibration_improves_brier_on_cases_never_seen(kind: str) -> None:
    # Deep trees, learned fast, are far too sure of themselves.
    hot = msgspec.convert(
        {"trees": 200, "leaves": 31, "rate": 0.2, "least": 5, "ridge": 0.0, "calibration": kind},
        type(QUICK),
    )
    model = fit(FEATURES, X, bad=BAD, settings=hot).model
    before = measure(1 / (1 + np.exp(-model.raw(NEW_X))), bad=NEW_BAD)
    after = measure(model.probability(NEW_X), bad=NEW_BAD)
    assert after.brier < before.brier * 0.95
    assert after.log_loss < before.log_loss
    assert after.auc == pytest.approx(before.auc, abs=0.01)
    table = reliability(model.probability(NEW_X), bad=NEW_BAD)
    assert calibration_error(table) < 0.04
    assert sum(row.n for row in table) == len(NEW_BAD)


@pytest.mark.parametrize("kind", ["platt", "isotonic"])
def test_a_calibrator_never_turns_and_is_never_certain(kind: str) -> None:
    rng = np.random.default_rng(0)
    raw = np.round(rng.normal(size=500), 1)
    for ends in (rng.random(500) < 0.3, raw < 0, raw > 0):
        fitted = fit_calibrator("platt" if kind == "platt" else "isotonic", raw, bad=ends * 1.0)
        p = fitted.probability(np.linspace(-3, 3, 400))
        assert (np.diff(p) >= 0).all()
        assert ((p > 0) & (p < 1)).all()


def test_platt_finds_the_line_that_the_cases_were_drawn_from() -> None:
    rng = np.random.default_rng(4)
    raw = rng.normal(size=40_000)
    ends = (rng.random(len(raw)) < 1 / (1 + np.exp(-(0.5 * raw - 1)))).astype(np.float64)
    found = fit_calibrator("platt", raw, bad=ends)
    assert (found.slope, found.intercept) == pytest.approx((0.5, -1.0), abs=0.05)


def test_measures_agree_with_counting_by_hand() -> None:
    score = np.array([0.1, 0.4, 0.4, 0.8])
    ends = np.array([0.0, 0, 1, 1])
    pairs = [(g, b) for g in score[ends == 0] for b in score[ends == 1]]
    assert auc(score, bad=ends) == sum((b > g) + 0.5 * (b == g) for g, b in pairs) / len(pairs)
    assert ks(score, bad=ends) == 0.5
    assert measure(score, bad=ends).brier == pytest.approx((0.01 + 0.16 + 0.36 + 0.04) / 4)
    assert auc(score, bad=np.zeros(4)) is None
    assert ks(np.full(4, 0.5), bad=ends) == 0


def test_the_index_finds_a_planted_shift_and_not_noise() -> None:
    clean = {each.name: each.verdict for each in MODEL.stability(NEW_X)}
    assert set(clean.values()) == {"stable"}
    assert RAW in clean
    moved = NEW_X.copy()
    moved[:, 0] += 1.0
    moved[:1500, 3] = 1
    found = {each.name: each for each in MODEL.stability(moved)}
    assert found["debt"].verdict == "shifted"
    assert found["trade"].verdict != "stable"
    assert found[RAW].verdict != "stable"
    assert found["age"].verdict == "stable"
    assert found["debt"].words(FEATURES[0].words).zh.startswith("特征debt明显偏移")


def test_few_cases_alone_are_no_shift_although_the_usual_limit_says_so() -> None:
    rng = np.random.default_rng(7)
    then = baseline("v", rng.normal(size=5000))
    seen = [stability(then, rng.normal(size=60)) for _ in range(400)]
    assert sum(one.index >= 0.10 for one in seen) > 40
    assert sum(one.verdict != "stable" for one in seen) <= 4
    far = [stability(then, rng.normal(1.5, size=60)) for _ in range(100)]
    assert sum(one.verdict == "shifted" for one in far) == 100


def test_values_that_stop_coming_are_a_shift_too() -> None:
    rng = np.random.default_rng(8)
    then = baseline("v", rng.normal(size=2000))
    now = rng.normal(size=2000)
    now[:600] = np.nan
    assert stability(then, now).verdict == "shifted"
    assert stability(baseline("c", np.ones(500)), np.ones(300)).verdict == "stable"
    assert stability(baseline("c", np.ones(500)), np.full(300, 9.0)).verdict == "shifted"
    assert stability(then, np.empty(0)).verdict == "stable"


ABOUT = About(
    name="test",
    purpose=Words("测试", "to test"),
    not_for=Words("其他", "anything else"),
    data=Words("模拟", "simulated"),
    period=Words("无", "none"),
    split=Words("随机", "at random"),
    limits=(Words("小", "small"),),
)


def test_the_card_has_its_figures_from_cases_held_out_and_names_an_unfair_group() -> None:
    side = np.where(X[:, 0] > 0, "far", "near")
    one = card(FITTED, ABOUT, bad=BAD, cutoff=0.3, groups={"side": side})
    assert one.held == measure(FITTED.held, bad=BAD)
    assert one.held != measure(MODEL.probability(X), bad=BAD)
    far, near = one.groups
    assert (far.group, far.in_doubt, near.in_doubt) == ("far", True, False)
    assert near.of_best == 1
    again = json.loads(as_json(one))
    assert again["digest"] == MODEL.digest
    assert {each["direction"] for each in again["features"]} == {"raises", "lowers", "free"}
    assert "only raises" in readable(one)
    assert "to be looked at" in readable(one)
    assert "只升" in readable(one, "zh")
    assert "没有可用的人群分组" in readable(card(FITTED, ABOUT, bad=BAD, cutoff=0.3), "zh")


def test_a_review_says_who_when_from_what_to_what_and_why() -> None:
    scored = judge(MODEL, {"debt": 2.5, "income": -2, "age": 0, "trade": 1})
    cutoffs = Cutoffs(0.1, 0.4)
    was = outcome(scored, cutoffs)
    assert was == "refuse"
    by = ("officer-7", Nanos(1_700_000_000_000_000_000))
    one = review(scored, case="L-1", was=was, now="grant", by=by, why="new order seen")
    assert one.overridden
    assert one.words()["model"] == MODEL.digest
    assert float(one.words()["probability"]) == scored.probability
    assert one.words()["at"] == "1700000000000000000"
    same = review(scored, case="L-2", was="refer", now="refer", by=by, why="need the books")
    harder = review(scored, case="L-3", was="grant", now="refuse", by=by, why="site is empty")
    found = overrides([one, same, harder])
    assert (found.reviews, found.confirmed, found.friendlier, found.harder) == (3, 1, 1, 1)


@pytest.mark.parametrize(
    ("name", "who", "now", "why"),
    [
        ("", "a", "grant", "b"),
        ("c", " ", "grant", "b"),
        ("c", "a", "grant", ""),
        ("c", "a", "?", "b"),
    ],
)
def test_a_review_without_its_parts_is_refused(name: str, who: str, now: Outcome, why: str) -> None:
    scored = judge(MODEL, {"debt": 1, "income": 1, "age": 0, "trade": 1})
    with pytest.raises(BadInput):
        review(scored, case=name, was="refer", now=now, by=(who, Nanos(0)), why=why)


def test_a_case_without_a_score_is_referred_and_cutoffs_have_an_order() -> None:
    assert outcome(judge(MODEL, {}), Cutoffs(0.1, 0.4)) == "refer"
    with pytest.raises(BadInput):
        outcome(judge(MODEL, {}), Cutoffs(0.5, 0.4))


MONTH = np.arange(60)
SEASON = 1 + 0.5 * np.sin(2 * np.pi * MONTH / 12)


def test_the_season_does_not_pass_for_a_trend_or_for_unevenness() -> None:
    level = 100 * SEASON
    assert abs(series.trend(level[:-3]).value or 0) > 0.02
    assert series.seasonless_trend(level[:-3]).value == pytest.approx(0, abs=1e-3)
    assert series.seasonless_stability(level).value == pytest.approx(0, abs=1e-3)
    rising = 100 * 1.02**MONTH * SEASON
    assert series.seasonless_trend(rising).value == pytest.approx(0.02, abs=0.003)
    assert series.over_the_year(rising).value == pytest.approx(1.02**12 - 1, rel=1e-6)


def test_two_years_are_too_few_to_take_a_season_out_and_it_is_said() -> None:
    found = series.seasonless_trend(100 * SEASON[:30])
    assert found.value is None
    assert found.missing is not None
    assert found.missing.en == "only 30 months are known, 36 are needed"


def test_months_that_are_not_known_are_left_out_and_not_zero() -> None:
    v = np.full(12, 50.0)
    v[[2, 7]] = np.nan
    assert series.stability(v) == series.Derived(0.0, 10)
    assert series.trend(v) == series.Derived(0.0, 10)
    whole = np.full(12, 100.0)
    assert series.used(v, whole) == series.Derived(0.5, 10)
    v[:8] = np.nan
    assert series.stability(v).value is None
    assert series.used(v, whole).missing == Words(
        "已知月份仅4个，至少需要6个", "only 4 months are known, 6 are needed"
    )


def test_a_share_of_nothing_is_missing_and_not_infinite() -> None:
    zero, some = np.zeros(12), np.full(12, 5.0)
    assert series.used(some, zero).value is None
    assert series.trend(zero).value is None
    assert series.stability(zero).value is None
    assert series.over_the_year(np.zeros(24)).value is None
    assert series.used(-some, some).value is None


def test_too_much_in_one_month_fills_no_other_month_s_orders() -> None:
    ordered = np.full(12, 10.0)
    delivered = np.tile([20.0, 0.0], 6)
    assert series.order_fill(ordered, delivered).value == 0.5


def test_a_borrower_s_months_become_features_and_what_lacks_is_named() -> None:
    rng = np.random.default_rng(0)
    months = {name: 100 + rng.random(48) for name in SERIES if name != "line_limit"}
    found = derive(months)
    assert list(found) == [each.name for each in LENDING]
    assert found["line_use"].missing is not None
    assert [name for name, one in found.items() if one.value is None] == ["line_use"]
    assert case(found)["line_use"] is None
    shorter = derive({**months, "delivered": months["delivered"][-20:]})
    assert shorter["order_fill"].value == found["order_fill"].value
