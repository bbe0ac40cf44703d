"""On real tables that two parties hold, the joint model is as good as the plain one."""

import csv
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from tests.joint.meeting import SALT, auc
from wuxin.joint.algorithms import join, keys, logistic
from wuxin.joint.engine import simulate
from wuxin.joint.program import joint as program

Arrays = dict[str, Any]
RIDGE = 0.001
HOW = logistic.Training(
    rounds=300, batch=1 << 20, rate=0.5, ridge=RIDGE, form="clipped", momentum=0.9
)


@program
def hidden_model(guest: Arrays, host: Arrays) -> Arrays:
    """Train on the hidden intersection."""
    sides = [[table[name] for name in sorted(table) if name[0] == "x"] for table in (guest, host)]
    found = join.join(guest["key"], host["key"], columns=sides[1])
    columns, member = logistic.rows_of(sides[0], found)
    return {"weights": logistic.train(columns, guest["y"].reshape(-1), how=HOW, member=member)}


def read(path: Path) -> dict[str, list[str]]:
    """Columns of a file by name."""
    with path.open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    return {name: [row[name] for row in rows] for name in rows[0]}


@pytest.mark.parametrize(
    ("name", "good"), [("breast", "1"), ("vehicle_scale", "1"), ("vehicle_scale", "3")]
)
def test_the_joint_model_equals_the_plain_one(shared: Path, name: str, good: str) -> None:
    folder = shared / "data" / "privacy" / "fate_splits"
    guest, host = (read(folder / f"{name}_hetero_{side}.csv") for side in ("guest", "host"))
    labels = np.array([float(each == good) for each in guest.pop("y")])
    names = [table.pop("id") for table in (guest, host)]
    names[0] = [each if int(each) % 9 else f"only-guest-{each}" for each in names[0]]
    values = [
        {column: _even(np.array(each, float)) for column, each in table.items()}
        for table in (guest, host)
    ]
    bins = keys.geometry(len(labels), len(labels))
    rows = [keys.hashed(each, salt=SALT, bins=bins) for each in names]
    at = keys.place(rows[0], bins), keys.enlist(rows[1], bins)
    noise = np.random.default_rng(6)
    tables = {
        side: {"key": keys.keys_at(rows[which], at[which], noise=noise)}
        | {column: keys.values_at(each, at[which]) for column, each in values[which].items()}
        for which, side in enumerate(("guest", "host"))
    }
    tables["guest"]["y"] = keys.values_at(labels, at[0])
    weights = simulate(hidden_model, tables)["weights"]

    where = {each: row for row, each in enumerate(names[1])}
    both = [row for row, each in enumerate(names[0]) if each in where]
    theirs = [where[names[0][row]] for row in both]
    assert 0.85 < len(both) / len(labels) < 0.95
    x = np.stack(
        [values[0][c][both] for c in sorted(guest)] + [values[1][c][theirs] for c in sorted(host)],
        axis=1,
    )
    plain = LogisticRegression(C=1 / (RIDGE * len(both)), max_iter=5000).fit(x, labels[both])
    joint = auc(labels[both], x @ weights[1:])
    assert joint == pytest.approx(auc(labels[both], plain.decision_function(x)), abs=0.002)
    lone = LogisticRegression(max_iter=5000).fit(x[:, : len(guest)], labels[both])
    assert joint > auc(labels[both], lone.decision_function(x[:, : len(guest)])) + 0.002


def _even(column: np.ndarray) -> np.ndarray:
    return (column - column.mean()) / column.std()
