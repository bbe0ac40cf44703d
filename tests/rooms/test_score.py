"""Scores: directions that hold, reasons that add up, text that comes back, gaps that are said."""

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from wuxin.risk.score.features import Feature, check, clean, table
from wuxin.risk.score.fit import Fitted, fit, grow
from wuxin.risk.score.folds import onwards, shared_out
from wuxin.risk.score.model import Model, Settings, load
from wuxin.risk.score.reasons import explain, judge
from wuxin.terms.errors import BadInput, Tampered
from wuxin.terms.records import Words

Floats = NDArray[np.float64]
QUICK = Settings(trees=60, folds=3)


def feature(
    name: str, direction: str, *, levels: tuple[Words, ...] = (), unit: str = "1"
) -> Feature:
    return msgspec.convert(
        {
            "name": name,
            "unit": unit,
            "source": "bank",
            "direction": direction,
            "why": "because",
            "words": {"zh": f"特征{name}", "en": name},
            "levels": [{"zh": each.zh, "en": each.en} for each in levels],
        },
        Feature,
    )


TRADES = (Words("纺织", "textiles"), Words("机械", "machines"), Words("食品", "food"))
FEATURES = (
    feature("debt", "raises", unit="%"),
    feature("income", "lowers", unit="CNY"),
    feature("age", "free"),
    feature("trade", "free", levels=TRADES),
)
UP, DOWN = 0, 1


def book(n: int = 2000, *, seed: int = 0, wild: float = 0.0) -> tuple[Floats, Floats]:
    """Cases and their ends; `wild` is how far the truth goes against the directions."""
    rng = np.random.default_rng(seed)
    x = np.column_stack([rng.normal(size=(n, 3)), rng.integers(0, 3, n)])
    truth = 1.2 * x[:, 0] - x[:, 1] + 0.6 * (x[:, 3] == 1) - 1
    truth += wild * np.sin(4 * x[:, 0]) + wild * np.sin(4 * x[:, 1])
    bad = (rng.random(n) < 1 / (1 + np.exp(-truth))).astype(np.float64)
    x[rng.random(n) < 0.1, 1] = np.nan
    return x, bad


X, BAD = book()
FITTED: Fitted = fit(FEATURES, X, bad=BAD, settings=QUICK)
MODEL: Model = FITTED.model
WILD_X, WILD_BAD = book(3000, seed=5, wild=2.5)
WILD = fit(FEATURES, WILD_X, bad=WILD_BAD, settings=msgspec.structs.replace(QUICK, trees=150)).model

case = st.lists(st.floats(-4, 4), min_size=3, max_size=3)


def swept(model_raw: object, cases: Floats, *, column: int) -> Floats:
    """Raw scores of cases as one column goes from low to high, shape (cases, steps)."""
    steps = np.linspace(-4, 4, 41)
    grid = np.repeat(cases, len(steps), axis=0)
    grid[:, column] = np.tile(steps, len(cases))
    assert callable(model_raw)
    return np.asarray(model_raw(grid)).reshape(len(cases), len(steps))


@settings(max_examples=60, deadline=None)
@given(case, st.integers(0, 2), st.sampled_from(["known", "missing"]))
def test_a_declared_direction_holds_wherever_a_case_stands(
    values: list[float], trade: int, income: str
) -> None:
    cases = np.array([[*values, trade]], np.float64)
    if income == "missing":
        cases[0, DOWN] = np.nan
    for model in (MODEL, WILD):
        assert (np.diff(swept(model.raw, cases, column=UP)) >= 0).all()
        assert (np.diff(swept(model.probability, cases, column=UP)) >= 0).all()
        assert (np.diff(swept(model.raw, cases, column=DOWN)) <= 0).all()


def test_without_constraints_the_same_data_break_the_direction() -> None:
    settings_150 = msgspec.structs.replace(QUICK, trees=150)
    free = grow(FEATURES, WILD_X, bad=WILD_BAD, settings=settings_150, constrained=False)
    cases = WILD_X[:50]
    raw = swept(lambda x: free.predict(x, raw_score=True), cases, column=UP)
    assert (np.diff(raw) < -1e-6).any()


@settings(max_examples=60, deadline=None)
@given(case, st.sampled_from([0.0, 1.0, 2.0, 9.0, np.nan]))
def test_contributions_add_up_to_the_raw_score(values: list[float], trade: float) -> None:
    x = np.array([[*values, trade], [np.nan, *values[1:], trade], [np.inf, np.nan, 1, 0]])
    assert MODEL.contributions(x).sum(axis=1) == pytest.approx(MODEL.raw(x), abs=1e-9)


def test_start_reasons_and_rest_add_up_and_the_heaviest_comes_first() -> None:
    for one in explain(MODEL, X[:200], top=2):
        assert one.raw is not None
        told = one.start + sum(each.effect for each in one.reasons) + one.rest
        assert told == pytest.approx(one.raw, abs=1e-9)
        sizes = [abs(each.effect) for each in one.reasons]
        assert sizes == sorted(sizes, reverse=True)
        assert len(sizes) <= 2


def test_a_reason_has_the_case_s_value_and_direction_in_both_languages() -> None:
    scored = judge(MODEL, {"debt": 2.5, "income": -2, "age": 0, "trade": 1}, top=4)
    said = {each.feature: each for each in scored.reasons}
    assert said["debt"].words.en == "debt: 250.0 %, which raises the risk"
    assert said["debt"].words.zh == "特征debt为250.0 %，推高违约风险"
    assert said["income"].words.en == "income: -2 CNY, which raises the risk"
    assert said["trade"].words.zh.startswith("特征trade为机械")
    good = judge(MODEL, {"debt": -2.5, "income": 2, "age": 0, "trade": 0})
    assert good.reasons[0].words.en.endswith("which lowers the risk")
    assert good.probability is not None
    assert scored.probability is not None
    assert good.probability < 0.2
    assert scored.probability > 0.7


def test_a_value_that_is_missing_is_said_to_be_missing() -> None:
    seen = judge(MODEL, {"debt": 1, "income": None, "age": 0, "trade": 1})
    words = [each.words.en for each in seen.reasons if each.feature == "income"]
    assert [text.partition(", which")[0] for text in words] == ["income is not known"]
    assert seen.missing == ()
    assert not MODEL.head.gaps[0]
    unseen = judge(MODEL, {"income": 1, "age": 0, "trade": 1})
    assert [each.en for each in unseen.missing] == [
        f"debt is not known; the median, {np.median(X[:, 0]) * 100:.1f} %, was taken"
    ]
    at_median = judge(MODEL, {"debt": float(np.median(X[:, 0])), "income": 1, "age": 0, "trade": 1})
    assert unseen.raw == at_median.raw


def test_a_case_of_which_too_little_is_known_has_no_score() -> None:
    for known in ({}, {"debt": 1.0}, {"debt": np.inf, "trade": 7.0, "age": 1.0}):
        scored = judge(MODEL, known)
        assert scored.probability is None
        assert scored.reasons == ()
        assert "no score" in scored.missing[0].en
    assert judge(MODEL, {"debt": 1.0, "age": 1.0}).probability is not None


def test_a_level_without_a_name_counts_as_missing() -> None:
    cases = np.array([[0, 0, 0, 7], [0, 0, 0, 0.5], [0, 0, 0, -1], [0, 0, 0, np.nan]])
    assert np.isnan(clean(FEATURES, cases)[:, 3]).all()
    assert len(set(MODEL.raw(cases).tolist())) == 1


def test_a_model_comes_back_from_its_text_bit_for_bit() -> None:
    again = load(MODEL.text, digest=MODEL.digest)
    assert again.text == MODEL.text
    assert again.head == MODEL.head
    assert again.raw(X).tobytes() == MODEL.raw(X).tobytes()
    assert again.probability(X).tobytes() == MODEL.probability(X).tobytes()
    assert again.contributions(X).tobytes() == MODEL.contributions(X).tobytes()


def test_the_text_holds_what_the_library_had_in_memory() -> None:
    whole = np.where(np.isnan(X[:, :1]), 0, X)
    grown = grow(FEATURES, whole, bad=BAD, settings=QUICK)
    direct = np.asarray(grown.predict(whole, raw_score=True, num_threads=1))
    assert MODEL.raw(whole).tobytes() == direct.tobytes()


def test_one_changed_sign_in_the_text_is_found() -> None:
    at = MODEL.text.index("leaf_value=") + len("leaf_value=") + 3
    for changed in (
        MODEL.text[:at] + ("1" if MODEL.text[at] != "1" else "2") + MODEL.text[at + 1 :],
        MODEL.text.replace('"raises"', '"lowers"', 1),
        MODEL.text[:-3] + "0\n",
        MODEL.text + " ",
    ):
        assert changed != MODEL.text
        with pytest.raises(Tampered):
            load(changed)
    with pytest.raises(Tampered):
        load(WILD.text, digest=MODEL.digest)


@pytest.mark.parametrize("text", ["", "sha256 ", "wuxin score 2\n{}\nx\nsha256 0\n", "\x80\x04K."])
def test_what_is_no_score_is_refused(text: str) -> None:
    with pytest.raises(BadInput):
        load(text)


def test_the_same_data_and_seed_give_the_same_text_and_another_seed_another() -> None:
    assert fit(FEATURES, X, bad=BAD, settings=QUICK).model.text == MODEL.text
    other = fit(FEATURES, X, bad=BAD, settings=msgspec.structs.replace(QUICK, seed=1))
    assert other.model.digest != MODEL.digest


def test_held_out_probabilities_do_not_know_the_end_of_their_own_case() -> None:
    rng = np.random.default_rng(3)
    noise, ends = rng.normal(size=(600, 4)), (rng.random(600) < 0.3).astype(np.float64)
    noise[:, 3] = rng.integers(0, 3, 600)
    found = fit(FEATURES, noise, bad=ends, settings=msgspec.structs.replace(QUICK, least=5))
    from wuxin.risk.score.measures import auc

    told, learned = auc(found.held, bad=ends), auc(found.model.raw(noise), bad=ends)
    assert told is not None
    assert learned is not None
    assert abs(told - 0.5) < 0.08
    assert learned > 0.7


@pytest.mark.parametrize(
    "features",
    [
        (),
        (feature("a", "free"), feature("a", "free")),
        (feature("A b", "free"),),
        (feature("t", "raises", levels=TRADES),),
        (msgspec.structs.replace(feature("a", "raises"), why=" "),),
    ],
)
def test_an_odd_table_of_features_is_refused(features: tuple[Feature, ...]) -> None:
    with pytest.raises(BadInput):
        check(features)


@pytest.mark.parametrize(
    ("x", "bad"),
    [
        (X[:, :3], BAD),
        (X, BAD[:-1]),
        (X, BAD * 2),
        (X, np.zeros(len(X))),
        (X, np.where(np.arange(len(X)) == 5, np.nan, BAD)),
        (X, (np.arange(len(X)) < 2).astype(np.float64)),
    ],
)
def test_ends_or_shapes_that_cannot_be_learned_from_are_refused(x: Floats, bad: Floats) -> None:
    with pytest.raises(BadInput):
        fit(FEATURES, x, bad=bad, settings=QUICK)


@pytest.mark.parametrize(
    "odd", [{"trees": 0}, {"leaves": 1}, {"folds": 1}, {"share": 0.0}, {"rate": 1.5}, {"ridge": -1}]
)
def test_settings_out_of_range_are_refused(odd: dict[str, float]) -> None:
    with pytest.raises(BadInput):
        fit(FEATURES, X, bad=BAD, settings=msgspec.structs.replace(QUICK, **odd))


def test_a_value_for_which_there_is_no_feature_is_refused() -> None:
    with pytest.raises(BadInput, match="shoe_size"):
        table(FEATURES, [{"shoe_size": 44.0}])


def test_no_group_is_parted_among_folds_and_defaults_are_shared_out() -> None:
    rng = np.random.default_rng(1)
    groups = rng.integers(0, 120, 1000)
    ends = (rng.random(1000) < 0.1 + 0.2 * (groups % 3 == 0)).astype(np.float64)
    fold = shared_out(ends, 5, seed=0, groups=groups)
    assert all(len(set(fold[groups == one].tolist())) == 1 for one in set(groups.tolist()))
    rates = [ends[fold == k].mean() for k in range(5)]
    assert max(rates) - min(rates) < 0.04
    plain = shared_out(ends, 5, seed=0)
    counts = [int(ends[plain == k].sum()) for k in range(5)]
    assert max(counts) - min(counts) <= 1


def test_training_never_sees_what_came_after() -> None:
    times = np.random.default_rng(2).integers(0, 50, 400)
    judged = []
    for past, ahead in onwards(times, 4):
        assert times[past].max() < times[ahead].min()
        judged += ahead.tolist()
    assert len(judged) == len(set(judged)) > 250
