"""Revaluation of a book of 500,000 pledged things in columns beside a Decimal loop per loan.

Both value the same book in the same run, with missing, expired and negative prices, by the same
rounding rule; the run fails where one facility differs. Columns are timed as they are kept; making
them from Decimals is timed apart. Prints one JSON object.

    wuxin bench revaluation [--things 500000] [--loans 50000]
"""

import argparse
import json
import time
from decimal import ROUND_FLOOR, ROUND_HALF_EVEN, Decimal

import numpy as np

from wuxin.finance.revaluation import HAIRCUT, PRICE, QUANTITY, Holdings, Prices, revalue, scaled

GOODS, NOW = 40, 1_000
MINOR = Decimal("0.01")
Row = tuple[int, Decimal, Decimal]
Marked = tuple[Decimal | None, int]
Sums = tuple[int | None, int | None]


def main() -> None:
    """Measure and print."""
    options = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    options.add_argument("--things", type=int, default=500_000)
    options.add_argument("--loans", type=int, default=50_000)
    asked = options.parse_args()
    draw = np.random.default_rng(0)
    loan = draw.integers(0, asked.loans, asked.things).astype(np.int32)
    good = draw.integers(0, GOODS, asked.things).astype(np.int32)
    quantity = [Decimal(q) / 1000 for q in draw.integers(0, 10**8, asked.things).tolist()]
    haircut = [Decimal(h) / 10_000 for h in draw.integers(500, 6000, asked.things).tolist()]
    marks: list[Marked] = [
        (Decimal(p) / 10_000, 2_000) for p in draw.integers(1, 10**8, GOODS).tolist()
    ]
    marks[0], marks[1], marks[2] = (None, 2_000), (marks[1][0], NOW), (Decimal("-37.63"), 2_000)

    began = time.perf_counter()
    held = Holdings(loan, good, scaled(quantity, QUANTITY), scaled(haircut, HAIRCUT))
    made_s = time.perf_counter() - began
    prices = Prices(
        scaled([(price or Decimal(0)) * 100 for price, _ in marks], PRICE),
        np.zeros(GOODS, np.int64),
        np.array([until for _, until in marks], np.int64),
        np.array([price is not None for price, _ in marks]),
    )
    times = []
    for _ in range(5):
        began = time.perf_counter()
        ours = revalue(held, prices, facilities=asked.loans, at=NOW)
        times.append(time.perf_counter() - began)

    book: list[list[Row]] = [[] for _ in range(asked.loans)]
    for row in zip(loan.tolist(), good.tolist(), quantity, haircut, strict=True):
        book[row[0]].append(row[1:])
    began = time.perf_counter()
    plain = [one_loan(rows, marks) for rows in book]
    loop_s = time.perf_counter() - began
    same = sum(
        a == b for a, b in zip(zip(ours.values, ours.lendables, strict=True), plain, strict=True)
    )
    told = {
        "things": asked.things, "loans": asked.loans, "equal_loans": same,
        "unvalued_loans": sum(v is None for v in ours.values),
        "columns_median_s": round(sorted(times)[2], 4), "columns_worst_s": round(max(times), 4),
        "decimal_loop_s": round(loop_s, 3), "times_faster": round(loop_s / sorted(times)[2], 1),
        "times_faster_worst": round(loop_s / max(times), 1),
        "columns_from_decimals_s": round(made_s, 3),
    }  # fmt: skip
    print(json.dumps(told, indent=1))
    if same != asked.loans:
        raise SystemExit("columns and loop differ")


def one_loan(rows: list[Row], marks: list[Marked]) -> Sums:
    """The plain way: thing by thing in Decimal; minor units, None where a price is missing."""
    value = lendable = 0
    for good, quantity, haircut in rows:
        price, until = marks[good]
        if price is None or until <= NOW:
            return None, None
        worth = (quantity * price).quantize(MINOR, ROUND_HALF_EVEN)
        lent = worth if worth < 0 else (worth * (1 - haircut)).quantize(MINOR, ROUND_FLOOR)
        value += int(worth * 100)
        lendable += int(lent * 100)
    return value, max(0, lendable)


if __name__ == "__main__":
    main()
