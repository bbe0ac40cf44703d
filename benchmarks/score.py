"""Credit scores on open sets beside logistic regression, free trees and the plain mean.

Every model sees the same columns, cases and splits; settings are the same for every set. Where a
set has dates, each part is judged by models of what came before it; elsewhere folds are at random,
and it is said. Figures are the mean over the parts and its standard deviation. What others have
published is quoted with its source and is not measured here. Reads the data folder beside the
project, or ``--data FOLDER``; without either only the German set, which is among the examples.
Prints one JSON object, with ``--table`` the tables of docs/rooms/score.md, with ``--card`` the
first set's model card.

    wuxin bench score [--table] [--card en|zh] [--sets german …] [--data FOLDER]
"""

import argparse
import json
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray
from scipy.special import expit
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, QuantileTransformer, StandardScaler

from credit_sets import SETS, Set, sba
from wuxin.risk.score.card import About, Card, card, readable
from wuxin.risk.score.features import Floats
from wuxin.risk.score.fit import fit, grow
from wuxin.risk.score.folds import onwards, shared_out
from wuxin.risk.score.measures import by_groups, calibration_error, measure, reliability
from wuxin.risk.score.model import Model, Settings
from wuxin.risk.score.reasons import explain, judge
from wuxin.terms.records import Words

DATA = Path(__file__).resolve().parents[2] / "shared/data/credit"
FOLDS, PARTS, SEED = 5, 4, 0
SETTINGS = Settings()
OURS = "Wuxin: directions kept, calibrated"
PLAIN = "logistic regression, standardised"
Numbers = NDArray[np.int64]
Told = Callable[[Floats], Floats]


def main() -> None:
    """Measure and print."""
    options = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    options.add_argument("--table", action="store_true", help="tables, not JSON")
    options.add_argument("--sets", nargs="*", choices=SETS, help="which sets")
    options.add_argument("--card", choices=("en", "zh"), help="the card of the first set")
    options.add_argument("--data", type=Path, default=DATA, help="folder of the credit sets")
    asked = options.parse_args()
    asked.sets = asked.sets or [*(SETS if asked.data.is_dir() else ("german",))]
    if asked.card:
        first = asked.sets[0]
        print(readable(its_card(first, SETS[first](asked.data)), asked.card))
        return
    warnings.filterwarnings("ignore", module="sklearn")
    found: dict[str, Any] = {"settings": msgspec.structs.asdict(SETTINGS), "sets": {}}
    for name in asked.sets:
        found["sets"][name] = judged(SETS[name](asked.data))
    if "sba" in asked.sets:
        leaking = models(sba(asked.data, leaking=True))
        found["sba_with_the_leaking_term"] = {
            model: rows["auc"] for model, rows in leaking.items() if model in {OURS, PLAIN}
        }
    if asked.table:
        show(found)
        return
    print(json.dumps(found, default=msgspec.to_builtins, indent=1))


def splits(data: Set) -> Iterator[tuple[Numbers, Numbers]]:
    """What to train on and what to judge: onwards in time where there are times."""
    if data.times is not None:
        yield from onwards(data.times, PARTS)
        return
    fold = shared_out(data.bad, FOLDS, seed=SEED, groups=data.same)
    for one in range(FOLDS):
        yield np.flatnonzero(fold != one), np.flatnonzero(fold == one)


def part(data: Set, rows: Numbers) -> Set:
    """Some cases of a set."""
    same = None if data.same is None else data.same[rows]
    return replace(data, x=data.x[rows], bad=data.bad[rows], same=same)


def mean_of_all(data: Set) -> Told:
    """The share of defaults for everybody."""
    return lambda x: np.full(len(x), data.bad.mean())


def logistic(data: Set) -> Told:
    """Scikit-learn's logistic regression on standardised features."""
    return regression(data, scaler=StandardScaler())


def ranked(data: Set) -> Told:
    """The same on features brought to a normal shape, so that no odd value pulls."""
    shape = QuantileTransformer(output_distribution="normal", n_quantiles=100, random_state=SEED)
    return regression(data, scaler=shape)


def regression(data: Set, *, scaler: Any) -> Told:
    """Logistic regression; medians for gaps with a column that says so, levels one by one."""
    levels = [k for k, each in enumerate(data.features) if each.levels]
    numbers = [k for k in range(len(data.features)) if k not in levels]
    filled = make_pipeline(SimpleImputer(strategy="median", add_indicator=True), scaler)
    parts = [("n", filled, numbers), ("l", OneHotEncoder(handle_unknown="ignore"), levels)]
    line = make_pipeline(ColumnTransformer(parts), LogisticRegression(max_iter=2000))
    line.fit(data.x, data.bad)
    return lambda new: np.asarray(line.predict_proba(new)[:, 1])


def free(data: Set) -> Told:
    """The same trees without directions and without calibration."""
    trees = grow(data.features, data.x, bad=data.bad, settings=SETTINGS, constrained=False)
    return lambda new: expit(trees.predict(new, raw_score=True, num_threads=1))


def kept(data: Set) -> Told:
    """The same trees with directions, not calibrated."""
    trees = grow(data.features, data.x, bad=data.bad, settings=SETTINGS)
    return lambda new: expit(trees.predict(new, raw_score=True, num_threads=1))


def ours(data: Set) -> Told:
    """The score as a user has it."""
    fitted = fit(data.features, data.x, bad=data.bad, settings=SETTINGS, groups=data.same)
    return fitted.model.probability


MODELS: dict[str, Callable[[Set], Told]] = {
    "mean of all": mean_of_all,
    PLAIN: logistic,
    "logistic regression, normal shape": ranked,
    "lightgbm, free": free,
    "lightgbm, directions kept": kept,
    OURS: ours,
}


def judged(data: Set) -> dict[str, Any]:
    """Every model on one set, the groups of people, and what it costs."""
    rows = models(data)
    for row in rows.values():
        row["auc_over_logistic"] = spread(np.subtract(row["parts"], rows[PLAIN]["parts"]).tolist())
    fitted = fit(data.features, data.x, bad=data.bad, settings=SETTINGS, groups=data.same)
    table = reliability(fitted.held, bad=data.bad)
    cutoff = float(np.quantile(fitted.held, 0.5))
    return {
        "cases": len(data.bad),
        "bad": int(data.bad.sum()),
        "features": len(data.features),
        "with_direction": sum(each.direction != "free" for each in data.features),
        "split": data.split,
        "left_out": data.left_out,
        "measured": rows,
        "published": data.published,
        "people_half_granted": by_groups(
            fitted.held, bad=data.bad, groups=data.people, cutoff=cutoff
        ),
        "held_out_calibration_error": calibration_error(table),
        "cost": cost(fitted.model, data),
    }


def its_card(name: str, data: Set) -> Card:
    """The card of a score of one open set, which is made to be measured and not to lend by."""
    about = About(
        name=name,
        purpose=Words("测试评分程序", "to measure the scoring of Wuxin"),
        not_for=Words("任何真实贷款决定", "deciding about anybody's loan"),
        data=Words(f"公开数据集 {name}", str(SETS[name].__doc__)),
        period=Words("见数据说明", "as the data say"),
        split=Words(
            f"{SETTINGS.folds}折随机留出，相同行不拆分",
            f"{SETTINGS.folds} folds at random, equal rows together",
        ),
        limits=(
            Words("拒绝的申请不在数据中", "applications that were refused are not in the data"),
            Words(f"未使用：{data.left_out}", f"left out: {data.left_out}"),
        ),
    )
    fitted = fit(data.features, data.x, bad=data.bad, settings=SETTINGS, groups=data.same)
    cutoff = float(np.quantile(fitted.held, 0.5))
    return card(fitted, about, bad=data.bad, cutoff=cutoff, groups=data.people)


def models(data: Set) -> dict[str, Any]:
    """Every model judged on every part."""
    rows = {}
    for name, make in MODELS.items():
        parts, fits, scores, brier = [], [], [], []
        gaps = []
        for known, ahead in splits(data):
            past = part(data, known)
            began = time.perf_counter()
            told = make(past)
            fits.append(time.perf_counter() - began)
            began = time.perf_counter()
            p = told(data.x[ahead])
            scores.append((time.perf_counter() - began) / len(ahead) * 1e6)
            parts.append(measure(p, bad=data.bad[ahead]))
            brier.append(parts[-1].brier)
            gaps.append(float(p.mean() - data.bad[ahead].mean()))
        rows[name] = {
            "auc": spread([one.auc or 0.5 for one in parts]),
            "ks": spread([one.ks or 0.0 for one in parts]),
            "brier": spread(brier),
            "promised_less_came": spread(gaps),
            "fit_s": round(float(np.mean(fits)), 3),
            "score_us_per_case": round(float(np.mean(scores)), 2),
            "parts": [one.auc or 0.5 for one in parts],
        }
    return rows


def spread(values: list[float]) -> dict[str, float]:
    """The mean over the parts and the standard deviation among them."""
    return {"mean": round(float(np.mean(values)), 4), "sd": round(float(np.std(values, ddof=1)), 4)}


def cost(model: Model, data: Set) -> dict[str, float]:
    """Microseconds per case for reasons, many at once and one alone, and the text's size."""
    many = data.x[:2000]
    names = [each.name for each in data.features]
    one = dict(zip(names, (None if np.isnan(v) else float(v) for v in many[0]), strict=True))
    return {
        "reasons_us_per_case": round(least_us(lambda: explain(model, many)) / len(many), 1),
        "one_case_with_reasons_us": round(least_us(lambda: judge(model, one)), 1),
        "text_bytes": len(model.text.encode()),
    }


def least_us(work: Callable[[], object]) -> float:
    """The least time of five runs, microseconds."""
    times = []
    for _ in range(5):
        began = time.perf_counter()
        work()
        times.append(time.perf_counter() - began)
    return min(times) * 1e6


def show(found: dict[str, Any]) -> None:
    """Print the tables, in Markdown."""
    for name, one in found["sets"].items():
        print(
            f"\n### {name}: {one['cases']:,} cases, {one['bad']:,} bad, {one['features']} "
            f"features, {one['with_direction']} with a direction\n\n"
            f"Split {one['split']}. Left out: {one['left_out']}.\n"
        )
        print("| model | AUC | over logistic | KS | Brier | promised − came | fit s | µs |")
        print("|---|---|---|---|---|---|---|---|")
        for model, row in one["measured"].items():
            cells = [plain(row[what]) for what in ("auc", "auc_over_logistic", "ks", "brier")]
            print(
                f"| {model} | {' | '.join(cells)} | {row['promised_less_came']['mean']:+.3f} | "
                f"{row['fit_s']:.2f} | {row['score_us_per_case']:.1f} |"
            )
        for row in one["published"]:
            print(f"\nPublished, not measured here: {row['model']} {row['auc']} ({row['source']}).")
        for each in one["people_half_granted"]:
            print(
                f"* {each.by} {each.group}: n {each.measures.n}, defaulted "
                f"{each.measures.bad / each.measures.n:.1%}, gap {each.gap:+.1%}, granted "
                f"{each.granted:.1%}, of the best {each.of_best:.2f}"
            )
        print(f"\ncost: {one['cost']}")
    if leak := found.get("sba_with_the_leaking_term"):
        print(f"\nsba with the term that leaks: {leak}")


def plain(value: dict[str, float]) -> str:
    """A mean with its spread."""
    return f"{value['mean']:.4f} ± {value['sd']:.4f}"


if __name__ == "__main__":
    main()
