"""A score of real loans: better than the mean, honest about its odds, true to its directions."""

import csv
from pathlib import Path

import numpy as np
import pytest

from tests.rooms.test_score import feature
from wuxin.risk.score.fit import Fitted, fit
from wuxin.risk.score.measures import calibration_error, measure, reliability
from wuxin.risk.score.reasons import explain
from wuxin.terms.records import Words

FILE = Path(__file__).parents[2] / "examples/credit/german.csv"
with FILE.open(newline="", encoding="utf-8") as opened:
    ROWS = list(csv.DictReader(opened))
BAD = np.array([row["creditability"] == "bad" for row in ROWS], np.float64)
NUMBERS = {"duration_in_month": "raises", "credit_amount": "free"}
LEVELS = ("status_of_existing_checking_account", "savings_account_and_bonds", "purpose")


@pytest.fixture(scope="module")
def fitted() -> Fitted:
    features, columns = [], []
    for name, direction in NUMBERS.items():
        features.append(feature(name, direction))
        columns.append([float(row[name]) for row in ROWS])
    for name in LEVELS:
        known = sorted({row[name] for row in ROWS})
        features.append(feature(name, "free", levels=tuple(Words(one, one) for one in known)))
        columns.append([float(known.index(row[name])) for row in ROWS])
    return fit(tuple(features), np.array(columns).T, bad=BAD)


def test_loans_it_has_not_seen_are_ranked_and_their_odds_hold(fitted: Fitted) -> None:
    held = measure(fitted.held, bad=BAD)
    assert (held.n, held.bad) == (1000, 300)
    assert held.auc is not None
    assert 0.72 < held.auc < 0.85
    assert held.brier < held.brier_of_mean - 0.03
    assert calibration_error(reliability(fitted.held, bad=BAD)) < 0.06


def test_a_longer_loan_is_never_safer(fitted: Fitted) -> None:
    x = np.array([[months, 3000.0, level, 0, 2] for level in range(4) for months in range(4, 73)])
    assert (np.diff(fitted.model.raw(x).reshape(4, -1), axis=1) >= 0).all()


def test_every_loan_has_reasons_that_name_its_own_values(fitted: Fitted) -> None:
    x = np.array([[48.0, 12000.0, 0, 0, 2]])
    [one] = explain(fitted.model, x)
    assert one.probability is not None
    assert one.probability > 0.5
    assert any("duration_in_month: 48, which raises the risk" in r.words.en for r in one.reasons)
