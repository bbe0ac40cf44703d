"""Dynamic against static haircuts on real prices, walked forward, and what a haircut costs.

The daily series are those of the ``arch`` library: WTI crude oil 1986 to 2019 (FRED, DCOILWTICO),
S&P 500 and NASDAQ Composite 1999 to 2018. Every rule is judged on the same days. ``--goods FILE``
adds the goods of the World Bank's monthly prices (CSV, first column the month), with a horizon of
one month. Prints one JSON object, or with ``--table`` the tables of docs/rooms/haircut.md.

    .venv/bin/python benchmarks/haircut.py [--table] [--at-end] [--series wti …] [--goods FILE]
"""

import argparse
import csv
import importlib
import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from wuxin.risk import backtest, shelf, volatility
from wuxin.risk.backtest import Score
from wuxin.risk.haircut import EMIR_CUSHION, Method, dynamic_haircut

Floats = NDArray[np.float64]
DAILY = {"wti": "DCOILWTICO", "sp500": "Adj Close", "nasdaq": "Adj Close"}
FIXED = (0.20, 0.25, 0.30)
MONTHLY = Method(least=240)
YEAR = 12
GOODS = 100_000


def main() -> None:
    """Measure and print."""
    options = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    options.add_argument("--table", action="store_true", help="tables, not JSON")
    options.add_argument("--at-end", action="store_true", help="the last day of the horizon only")
    options.add_argument("--series", nargs="*", choices=DAILY, default=[*DAILY])
    options.add_argument("--goods", type=Path, help="the World Bank's monthly prices, CSV")
    options.add_argument("--paths", type=int, default=Method().paths)
    options.add_argument("--seed", type=int, default=0)
    asked = options.parse_args()
    method = Method(paths=asked.paths, seed=asked.seed, at_end=asked.at_end)
    found: dict[str, Any] = {"method": msgspec.structs.asdict(method), "refit": backtest.REFIT}
    found["series"] = {name: daily(series(name), method) for name in asked.series}
    found["cost"] = cost(series("wti"), method)
    if asked.goods:
        found["goods"] = list(goods(asked.goods, method))
    if asked.table:
        show(found)
        return
    print(json.dumps(found, default=msgspec.to_builtins, indent=1))


def series(name: str) -> Floats:
    """The prices of one of arch's series, without the days that have none."""
    held = importlib.import_module(f"arch.data.{name}").load()
    prices = held[DAILY[name]].to_numpy(np.float64)
    return np.asarray(prices[np.isfinite(prices)])


def daily(prices: Floats, method: Method) -> list[Score]:
    """Every rule on one daily series, over the days on which the dynamic one has a haircut."""
    fallen = backtest.falls(prices, at_end=method.at_end)
    ours = backtest.walk(prices, method=method)
    cushioned = msgspec.structs.replace(method, cushion=EMIR_CUSHION)
    simple = msgspec.structs.replace(method, model="ewma")
    rules = {
        "dynamic": ours,
        "dynamic, cushion 0.25": backtest.walk(prices, method=cushioned),
        "dynamic, EWMA": backtest.walk(prices, method=simple),
        "historical quantile": backtest.historical(fallen),
    }
    judged = np.isfinite(ours) & np.isfinite(fallen)
    fixed = {f"static {cut:.2f}": cut for cut in FIXED}
    best = backtest.best_static(fallen[judged])
    fixed[f"best static, in hindsight {best:.4f}"] = best
    share = backtest.score("", ours, fallen=fallen).breach_share
    same = backtest.best_static(fallen[judged], allowed=share)
    fixed[f"static of as many breaches {same:.4f}"] = same
    rules |= {name: np.where(judged, cut, np.nan) for name, cut in fixed.items()}
    return [backtest.score(name, cuts, fallen=fallen) for name, cuts in rules.items()]


def goods(path: Path, method: Method) -> Iterator[dict[str, Any]]:
    """The dynamic rule and the best static one on each monthly series, the horizon a month."""
    monthly = msgspec.structs.replace(MONTHLY, paths=method.paths, seed=method.seed)
    with path.open(newline="") as file:
        head, *rows = csv.reader(file)
    for k, name in enumerate(head[1:], start=1):
        prices = np.array([float(row[k]) for row in rows if k < len(row) and number(row[k])])
        fallen = backtest.falls(prices, horizon_days=1)
        cuts = backtest.walk(prices, horizon_days=1, method=monthly, refit=YEAR)
        judged = np.isfinite(cuts) & np.isfinite(fallen)
        if np.count_nonzero(judged) < 100:
            continue
        best = backtest.best_static(fallen[judged])
        ours = backtest.score(name, cuts, fallen=fallen, horizon_days=1)
        fixed = np.where(judged, best, np.nan)
        theirs = backtest.score(name, fixed, fallen=fallen, horizon_days=1)
        past = backtest.historical(fallen, horizon_days=1, method=monthly)
        past[~judged] = np.nan
        known = backtest.score(name, past, fallen=fallen, horizon_days=1)
        yield {"good": name, "dynamic": ours, "historical": known, "best_static": theirs}


def number(text: str) -> bool:
    """Whether a cell holds a price."""
    return text.replace(".", "", 1).isdigit()


def cost(prices: Floats, method: Method) -> dict[str, float]:
    """Milliseconds on one core, the least of several runs, and how far the table is from exact."""
    window = prices[-method.window :]
    fitted = volatility.fit(window)
    x = volatility.changes(window, fitted.form) / fitted.scale
    variances = volatility.variances(fitted, x)[200:]
    one = shelf.stock([fitted], variances[-1:], method=method)
    many = shelf.Shelf(
        (fitted,) * GOODS,
        np.resize(variances, GOODS),
        np.repeat(one.depth, GOODS, axis=0),
        method.cushion,
    )
    before = np.full(GOODS, 50.0)
    after = before * np.exp(fitted.scale * np.resize(x, GOODS))
    some = variances[:: len(variances) // 100]
    looked_up = shelf.haircuts(
        shelf.Shelf((fitted,) * len(some), some, np.repeat(one.depth, len(some), axis=0), 0.0),
        np.ones(len(some)),
    )
    drawn = volatility.shocks(fitted, days=20, paths=method.paths, seed=method.seed)
    at_risk = backtest.Risk(fitted, drawn, 0.99, at_end=method.at_end)
    exact = -np.expm1([-at_risk.depth(v)[0] for v in some.tolist()])
    return {
        "fit_and_haircut_ms": least_ms(lambda: dynamic_haircut(window, method=method)),
        "haircut_with_fit_ms": least_ms(
            lambda: dynamic_haircut(window, method=method, fitted=fitted)
        ),
        "table_of_one_good_ms": least_ms(lambda: shelf.stock([fitted], variances[-1:])),
        "mark_and_haircut_100k_goods_ms": least_ms(
            lambda: shelf.haircuts(shelf.mark(many, before, after=after), after)
        ),
        "table_least_error": float((looked_up - exact).min()),
        "table_largest_error": float((looked_up - exact).max()),
        "spread_over_10_seeds": spread(window, method),
    }


def spread(window: Floats, method: Method) -> float:
    """The standard deviation of the last haircut over ten seeds: what simulation leaves open."""
    fitted = volatility.fit(window)
    cuts = []
    for seed in range(10):
        other = msgspec.structs.replace(method, seed=seed)
        parts = dynamic_haircut(window, method=other, fitted=fitted).parts
        assert parts is not None
        cuts.append(parts.fall)
    return float(np.std(cuts))


def least_ms(work: Callable[[], object]) -> float:
    """The least time of seven runs, milliseconds."""
    times = []
    for _ in range(7):
        began = time.perf_counter()
        work()
        times.append(time.perf_counter() - began)
    return round(min(times) * 1000, 2)


def show(found: dict[str, Any]) -> None:
    """Print the tables, in Markdown."""
    for name, scores in found["series"].items():
        print(f"\n{name}, {scores[0].days:,} days\n")
        print("| rule | mean LTV | lowest LTV | breaches | episodes | apart | p | worst | short |")
        print("|---|---|---|---|---|---|---|---|---|")
        for one in scores:
            print(
                f"| {one.rule} | {one.mean_ltv:.4f} | {one.lowest_ltv:.3f} | "
                f"{one.breach_share:.2%} ({one.breaches}) | {one.episodes} | "
                f"{one.apart_share:.2%} ({one.apart}) | {one.apart_p:.2f} | {one.worst:.3f} | "
                f"{one.shortfall * 1e4:.2f} |"
            )
    if rows := found.get("goods"):
        show_goods(rows)
    print()
    for what, figure in found["cost"].items():
        print(f"{what:34}{figure:.5g}")


def show_goods(rows: list[dict[str, Any]]) -> None:
    """Print what the monthly goods come to, and each of them."""
    ours, best = [row["dynamic"] for row in rows], [row["best_static"] for row in rows]
    print(f"\n{len(rows)} monthly goods, {sum(one.days for one in ours):,} months\n")
    print("| rule | mean LTV | breaches | goods at most 1 % | worst | short |")
    print("|---|---|---|---|---|---|")
    for rule in ("dynamic", "historical", "best_static"):
        scores = [row[rule] for row in rows]
        days = np.array([one.days for one in scores])
        short = np.average([one.shortfall for one in scores], weights=days)
        print(
            f"| {rule} | {np.average([one.mean_ltv for one in scores], weights=days):.4f} | "
            f"{sum(one.breaches for one in scores) / days.sum():.2%} | "
            f"{sum(one.breach_share <= 0.01 for one in scores)} | "
            f"{max(one.worst for one in scores):.3f} | {short * 1e4:.2f} |"
        )
    pairs = list(zip(ours, best, strict=True))
    print(
        f"\nThe dynamic rule lends no less than the best static one on "
        f"{sum(a.mean_ltv >= b.mean_ltv for a, b in pairs)}, and holds 1 % as well on "
        f"{sum(a.breach_share <= 0.01 and a.mean_ltv >= b.mean_ltv for a, b in pairs)}.\n"
    )
    print("| good | months | breaches | mean LTV | best static | p | worst | worst, static |")
    print("|---|---|---|---|---|---|---|---|")
    for a, b in pairs:
        print(
            f"| {a.rule} | {a.days} | {a.breach_share:.2%} | {a.mean_ltv:.4f} | "
            f"{b.mean_ltv:.4f} | {a.apart_p:.3f} | {a.worst:.3f} | {b.worst:.3f} |"
        )


if __name__ == "__main__":
    main()
