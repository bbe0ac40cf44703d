"""The hidden join finds what is common, plain and on shares alike."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tests.joint.meeting import auc, overlapping, side
from wuxin.joint.algorithms import join, keys, logistic
from wuxin.joint.engine import simulate
from wuxin.joint.program import Program
from wuxin.joint.program import joint as program
from wuxin.joint.schema import described

Arrays = dict[str, Any]
BINS, ONE, TWO = overlapping(240, 90)


@program
def counted(bank: Arrays, shop: Arrays) -> Arrays:
    """How many customers two have in common."""
    return {"count": join.matched(bank["key"], shop["key"])}


@program
def carried(bank: Arrays, shop: Arrays) -> Arrays:
    """A shop's columns at the bank's rows."""
    found = join.join(bank["key"], shop["key"], columns=[shop["sales"], shop["debt"]])
    return {"member": found.member, "columns": found.carried}


@program
def trained(bank: Arrays, shop: Arrays) -> Arrays:
    """A model on the rows that two have in common."""
    found = join.join(bank["key"], shop["key"], columns=[shop["sales"], shop["late"]])
    columns, member = logistic.rows_of([bank["income"]], found)
    how = logistic.Training(rounds=60, batch=200, rate=1.0)
    return {"weights": logistic.train(columns, bank["bad"].reshape(-1), how=how, member=member)}


@pytest.fixture(scope="module")
def tables() -> dict[str, Arrays]:
    chance = np.random.default_rng(3)
    bank, shop = side(ONE, BINS, places=True), side(TWO, BINS, places=False, seed=2)
    income, sales, late = chance.normal(size=(3, 240))
    z = 1.5 * income - sales + 0.5 * late
    bad = (chance.random(240) < 1 / (1 + np.exp(-z))).astype(float)
    return {
        "bank": {
            "key": bank.key,
            "income": keys.values_at(income, bank.at),
            "bad": keys.values_at(bad, bank.at),
        },
        "shop": {
            "key": shop.key,
            "sales": keys.values_at(sales, shop.at),
            "late": keys.values_at(late, shop.at),
            "debt": keys.values_at(late * 1000, shop.at),
        },
    }


def _part(tables: dict[str, Arrays], *, bank: str = "", shop: str = "") -> Any:
    return {
        "bank": {name: tables["bank"][name] for name in ("key", *bank.split())},
        "shop": {name: tables["shop"][name] for name in ("key", *shop.split())},
    }


@pytest.mark.parametrize("run", [Program.plain, simulate])
def test_the_count_is_the_size_of_the_intersection(run: Any, tables: dict[str, Arrays]) -> None:
    assert run(counted, _part(tables))["count"] == len(set(ONE) & set(TWO)) == 90


@pytest.mark.parametrize("run", [Program.plain, simulate])
def test_columns_are_carried_to_the_rows_they_belong_to(
    run: Any, tables: dict[str, Arrays]
) -> None:
    found = run(carried, _part(tables, shop="sales debt"))
    bank, shop = side(ONE, BINS, places=True), side(TWO, BINS, places=False, seed=2)
    member = keys.rows_from(found["member"], bank.at, rows=240)
    assert member.tolist() == [int(name in TWO) for name in ONE]
    for at, name in enumerate(("sales", "debt")):
        by_name = dict(zip(np.array(TWO)[shop.at[shop.at >= 0]],
                           tables["shop"][name][shop.at >= 0], strict=True))  # fmt: skip
        expected = [by_name.get(each, 0.0) for each in ONE]
        got = keys.rows_from(found["columns"][at], bank.at, rows=240)
        assert got == pytest.approx(expected, rel=1e-6, abs=1e-5)


def test_nothing_but_the_result_is_opened(tables: dict[str, Arrays]) -> None:
    compiled = trained.compile(described(_part(tables, bank="income bad", shop="sales late")))
    assert [(each.name, each.where) for each in compiled.openings] == [("weights", "result")]


def test_a_model_of_the_hidden_rows_is_the_model_of_the_open_ones(
    tables: dict[str, Arrays],
) -> None:
    asked = _part(tables, bank="income bad", shop="sales late")
    on_shares, plain = simulate(trained, asked), trained.plain(asked)
    assert on_shares["weights"] == pytest.approx(plain["weights"], abs=0.01)
    found = carried.plain(_part(tables, shop="sales debt"))
    member = found["member"].reshape(-1) == 1
    columns = found["columns"].reshape(2, -1) / [[1], [1000]]
    x = np.stack([asked["bank"]["income"].reshape(-1), *columns], axis=1)
    how = logistic.Training(rounds=60, batch=90, rate=1.0)
    labels = asked["bank"]["bad"].reshape(-1)[member]
    opened = np.asarray(logistic.train(jnp.asarray(x[member]), jnp.asarray(labels), how=how))
    scores = [x[member] @ each[1:] for each in (on_shares["weights"], opened)]
    assert auc(labels, scores[0]) == pytest.approx(auc(labels, scores[1]), abs=0.02)


def test_a_receipt_pledged_at_several_banks_is_flagged_at_each() -> None:
    pledges = [["r1", "r2", "r3"], ["r3", "r4"], ["r3", "r5", "r1"], ["r6"]]
    bins = keys.geometry(3, 3)
    placed = [side(each, bins, places=True, seed=at) for at, each in enumerate(pledges)]
    listed = [side(each, bins, places=False, seed=9 + at) for at, each in enumerate(pledges)]

    def flags(bank: Arrays) -> Arrays:
        return {
            f"bank_{at}": join.members_of_any(
                bank[f"placed_{at}"], [bank[f"listed_{to}"] for to in range(4) if to != at]
            )
            for at in range(4)
        }

    columns = {f"placed_{at}": each.key for at, each in enumerate(placed)}
    columns |= {f"listed_{at}": each.key for at, each in enumerate(listed)}
    for found in (
        Program(flags).plain({"bank": columns}),
        simulate(Program(flags), {"bank": columns}),
    ):
        got = [
            keys.rows_from(found[f"bank_{at}"], placed[at].at, rows=len(pledges[at])).tolist()
            for at in range(4)
        ]
        assert got == [[1, 0, 1], [1, 0], [1, 0, 1], [0]]


def test_keys_cut_to_32_bits_are_refused() -> None:
    with jax.enable_x64(new_val=False), pytest.raises(TypeError, match="enable x64"):
        join.matched(jnp.zeros((2, 3), jnp.int32), jnp.zeros((4, 3), jnp.int32))
    with jax.enable_x64(new_val=True), pytest.raises(TypeError, match="groups of 4"):
        join.matched(jnp.zeros((2, 3), jnp.int64), jnp.zeros((5, 3), jnp.int64))
