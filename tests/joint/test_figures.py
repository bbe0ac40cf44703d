"""Figures, models and scores on shares are those of plain data."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from tests.joint.meeting import auc
from wuxin.joint.algorithms import logistic, statistics, stumps
from wuxin.joint.engine import simulate
from wuxin.joint.program import Program

Arrays = dict[str, Any]
CHANCE = np.random.default_rng(11)
ROWS = 1500
X = CHANCE.normal(size=(ROWS, 4)) * [1, 3, 0.5, 10] + [0, 5, -2, 30]
X[:, 3] += 4 * X[:, 0]
CODES = CHANCE.integers(0, 5, ROWS)
CODES[CODES == 4] = np.where(np.arange((CODES == 4).sum()) < 7, 4, 0)
MEMBER = (CHANCE.random(ROWS) < 0.4).astype(int)
EVEN = (X - X.mean(axis=0)) / X.std(axis=0)
BAD = (CHANCE.random(ROWS) < 1 / (1 + np.exp(1 - EVEN @ [1.0, -0.5, 0, 0.3]))).astype(float)
TABLE = {"x": X, "code": CODES, "member": MEMBER, "even": EVEN, "bad": BAD}


def on_shares(function: Callable[[Arrays], Arrays]) -> Arrays:
    """Run over the table, with the columns it asks for."""
    return simulate(Program(function), {"table": TABLE})


def test_columns_are_standardised_over_the_members() -> None:
    def asked(table: Arrays) -> Arrays:
        found = statistics.standardise(table["x"], member=table["member"])
        return {"mean": found.mean, "deviation": found.deviation, "columns": found.columns}

    got, kept = on_shares(asked), X[MEMBER == 1]
    assert got["mean"] == pytest.approx(kept.mean(axis=0), abs=2e-3)
    assert got["deviation"] == pytest.approx(kept.std(axis=0), rel=5e-3)
    even = (X - kept.mean(axis=0)) / kept.std(axis=0)
    assert np.abs(got["columns"] - even).max() < 0.02


@pytest.mark.parametrize("some", [False, True])
def test_correlation_is_pearsons(some: bool) -> None:  # noqa: FBT001 - a case
    def asked(table: Arrays) -> Arrays:
        member = table["member"] if some else None
        return {"found": statistics.correlation(table["x"], member=member)}

    expected = np.corrcoef(X[MEMBER == 1] if some else X, rowvar=False)
    assert on_shares(asked)["found"] == pytest.approx(expected, abs=5e-3)


def test_a_small_group_shows_neither_sum_nor_count() -> None:
    def asked(table: Arrays) -> Arrays:
        found = statistics.by_group(table["code"], table["x"], groups=5, minimum=10)
        return {"count": found.rows, "total": found.total}

    got = on_shares(asked)
    counts = np.bincount(CODES, minlength=5)
    assert counts[4] == 7
    assert got["count"].tolist() == [*counts[:4], 0]
    sums = np.stack([X[code == CODES].sum(axis=0) for code in range(4)])
    assert got["total"][:4] == pytest.approx(sums, rel=1e-3, abs=0.05)
    assert (got["total"][4] == 0).all()


def test_weight_of_evidence_of_large_bins_is_as_by_hand() -> None:
    def asked(table: Arrays) -> Arrays:
        found = statistics.evidence(table["code"], table["bad"], bins=5, minimum=10)
        return {"weight": found.weight, "value": found.value}

    got = on_shares(asked)
    count = np.stack([[((code == CODES) & (bad == BAD)).sum() for bad in (0, 1)]
                      for code in range(5)]) + 0.5  # fmt: skip
    share = count / count.sum(axis=0)
    weight = np.log(share[:, 0] / share[:, 1]) * [1, 1, 1, 1, 0]
    assert got["weight"] == pytest.approx(weight, abs=0.02)
    assert got["value"] == pytest.approx(((share[:, 0] - share[:, 1]) * weight).sum(), abs=5e-3)


def test_the_cubic_is_the_least_squares_one() -> None:
    z = np.linspace(-8, 8, 4001)
    odd = np.stack([z, z**3], axis=1)
    slope, bend = np.linalg.lstsq(odd, 1 / (1 + np.exp(-z)) - 0.5, rcond=None)[0]
    assert slope == pytest.approx(logistic.SLOPE, abs=2e-4)
    assert -bend == pytest.approx(logistic.BEND, abs=1e-5)


@pytest.mark.parametrize("form", ["cubic", "clipped", "exact"])
def test_a_model_ranks_on_shares_as_it_does_plain(form: logistic.Form) -> None:
    how = logistic.Training(rounds=40, batch=300, form=form, ridge=0.001)

    def asked(table: Arrays) -> Arrays:
        weights = logistic.train(table["even"], table["bad"], how=how)
        return {
            "odds": logistic.log_odds(table["even"], weights),
            "chance": logistic.probability(table["even"], weights),
        }

    got, plain = on_shares(asked), Program(asked).plain({"table": TABLE})
    assert auc(BAD, got["odds"]) == pytest.approx(auc(BAD, plain["odds"]), abs=0.001)
    assert auc(BAD, got["odds"]) > 0.7
    assert got["chance"] == pytest.approx(1 / (1 + np.exp(-got["odds"])), abs=0.01)


def test_boosted_stumps_rank_on_shares_as_they_do_plain() -> None:
    cuts = np.quantile(EVEN, [0.2, 0.4, 0.6, 0.8], axis=0).T
    below = (EVEN[:, :, None] <= cuts).reshape(ROWS, -1).astype(float)
    bent = (np.abs(EVEN[:, 0]) + CHANCE.normal(size=ROWS) * 0.5 > 1).astype(float)

    def asked(table: Arrays) -> Arrays:
        model = stumps.boost(table["below"], table["bad"], rounds=6)
        return {"odds": stumps.stump_odds(table["below"], model), "cut": model.cut}

    tables = {"table": {"below": below, "bad": bent}}
    got, plain = simulate(Program(asked), tables), Program(asked).plain(tables)
    assert got["cut"].sum(axis=1).tolist() == [1] * 6
    assert auc(bent, got["odds"]) == pytest.approx(auc(bent, plain["odds"]), abs=0.02)
    assert auc(bent, got["odds"]) > 0.75  # a straight line gives a half
