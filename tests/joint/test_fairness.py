"""Contributions add up, follow what data are worth, and are the same on shares."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from wuxin.joint import fairness
from wuxin.joint.algorithms.logistic import Training
from wuxin.joint.engine import simulate
from wuxin.joint.program import Program
from wuxin.joint.programs.checks import contributions
from wuxin.joint.schema import described

Arrays = dict[str, Any]
CHANCE = np.random.default_rng(8)
X = CHANCE.normal(size=(1200, 6))
X[:, 5] = X[:, 4] = X[:, 0]  # owner 2 has what owner 0 has, twice
Y = (CHANCE.random(1200) < 1 / (1 + np.exp(-X[:, :4] @ [2, 0.0, 0.7, 0]))).astype(float)
OWNERS = [0, 0, 1, 1, 2, 2]
HOW = Training(rounds=30, rate=1.0, form="clipped")


def _parts(table: Arrays) -> tuple[fairness.Rows, fairness.Rows]:
    x, y = table["x"], table["y"]
    return fairness.Rows(x[:800], y[:800]), fairness.Rows(x[800:], y[800:])


def columns(table: Arrays) -> Arrays:
    fit, held = _parts(table)
    return fairness.of_columns(fit, held, owners=OWNERS, how=HOW)._asdict()


def rows(table: Arrays) -> Arrays:
    fit, held = _parts(table)
    owners = [0] * 400 + [1] * 350 + [2] * 50
    return fairness.of_rows(fit, held, owners=owners, how=HOW)._asdict()


def test_a_known_game_has_its_known_values() -> None:
    sides = fairness.coalitions(3)
    glove = np.array([0, 0, 0, 0, 0, 1, 1, 1.0])  # one left glove (owner 2), two right ones
    assert [tuple(each) for each in sides[4:]] == [(1, 1, 0), (1, 0, 1), (0, 1, 1), (1, 1, 1)]
    found = fairness.contribution(jnp.asarray(glove), sides=sides)
    assert np.asarray(found.shapley) == pytest.approx([1 / 6, 1 / 6, 2 / 3])
    assert np.asarray(found.alone_missing).tolist() == [0, 0, 1]
    assert found.whole == 1


def test_owners_of_the_same_columns_share_what_neither_is_missed_for() -> None:
    found = Program(columns).plain({"table": {"x": X, "y": Y}})
    assert found["shapley"].sum() == pytest.approx(found["whole"])
    assert found["whole"] > 0.05
    assert found["shapley"][0] == pytest.approx(found["shapley"][2], rel=0.1)
    assert abs(found["alone_missing"][[0, 2]]).max() < 0.01
    assert found["shapley"][0] > found["shapley"][1] > 0.005


def test_an_owner_of_flipped_rows_takes_away() -> None:
    turned = np.where((np.arange(1200) >= 400) & (np.arange(1200) < 750), 1 - Y, Y)
    good = Program(rows).plain({"table": {"x": X, "y": Y}})
    bad = Program(rows).plain({"table": {"x": X, "y": turned}})
    assert bad["shapley"][1] < 0 < good["shapley"][1]


@pytest.mark.parametrize("game", [columns, rows])
def test_scores_on_shares_are_the_plain_ones_and_all_that_is_opened(game: Any) -> None:
    tables = {"table": {"x": X, "y": Y}}
    got, plain = simulate(Program(game), tables), Program(game).plain(tables)
    for name in ("shapley", "alone_missing", "whole"):
        assert got[name] == pytest.approx(plain[name], abs=2e-3)
    opened = Program(game).compile(described(tables)).openings
    assert [(each.name, each.where, each.type[3:]) for each in opened] == [
        ("alone_missing", "result", "[3]"),
        ("shapley", "result", "[3]"),
        ("whole", "result", "[]"),
    ]


@pytest.mark.parametrize(("columns", "correlation"), [(20, 0.0), (20, 0.8), (40, 0.9), (80, 0.95)])
def test_scores_are_those_of_models_trained_to_the_end(columns: int, correlation: float) -> None:
    chance = np.random.default_rng(columns)
    weights = chance.normal(size=columns)
    alike = (1 - correlation) * np.eye(columns) + correlation
    weights *= 2.5 / np.sqrt(weights @ alike @ weights)
    x = np.sqrt(1 - correlation) * chance.normal(size=(2000, columns))
    x += np.sqrt(correlation) * chance.normal(size=(2000, 1))
    y = (chance.random(2000) < 1 / (1 + np.exp(-x @ weights))).astype(float)
    half = columns // 2
    bank = {"x": x[:800, :half], "held": x[800:, :half], "y": y[:800], "held_y": y[800:]}
    partner = {"x": x[:800, half:], "held": x[800:, half:]}
    tables = {"bank": bank, "partner": partner}
    found, plain = simulate(contributions, tables), contributions.plain(tables)

    def brier(own: slice) -> float:
        model = LogisticRegression(max_iter=1000).fit(x[:800, own], y[:800])
        return float(np.mean((model.predict_proba(x[800:, own])[:, 1] - y[800:]) ** 2))

    nothing = float(np.mean((y[:800].mean() - y[800:]) ** 2))
    gains = [nothing - brier(own) for own in (slice(half), slice(half, None), slice(None))]
    without = (gains[0] + gains[1] - gains[2]) / 2
    assert found["whole"] == pytest.approx(gains[2], abs=0.015)
    assert found["whole"] > 0.05
    assert found["shapley"] == pytest.approx([gains[0] - without, gains[1] - without], abs=0.015)
    assert found["shapley"] == pytest.approx(plain["shapley"], abs=2e-3)


def test_too_many_owners_are_refused() -> None:
    with jax.enable_x64(new_val=True), pytest.raises(TypeError, match="2 to 8 owners, not 9"):
        fairness.coalitions(9)
