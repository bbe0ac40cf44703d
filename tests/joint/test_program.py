"""A program is one function: plain, compiled the same everywhere, and on shares."""

import subprocess
import sys
from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest
import spu.experimental

from wuxin.joint.engine import simulate
from wuxin.joint.listing import Opening
from wuxin.joint.opening import reveal
from wuxin.joint.program import Program, find, joint
from wuxin.joint.schema import Column
from wuxin.terms.errors import BadInput

Arrays = dict[str, Any]

SCHEMA = {
    "bank": {"key": Column("integer", (4,)), "income": Column("real", (4,))},
    "shop": {"sales": Column("real", (4,))},
}
TABLES = {
    "bank": {"key": np.array([7, 2**60 + 1, 3, -(2**59)]), "income": np.array([1.5, 2, -3, 0.25])},
    "shop": {"sales": np.array([1.0, -1, 0.5, 12])},
}


@joint
def product(bank: Arrays, shop: Arrays, *, scale: float = 1.0) -> Arrays:
    """A weighted sum, the sorted keys, and how many incomes are positive."""
    positive = reveal(jnp.sum(bank["income"] > 0), name="positive")
    total = jnp.sum(bank["income"] * shop["sales"]) * scale
    return {"total": total, "keys": jnp.sort(bank["key"]), "share": positive / 4}


def test_a_program_gives_on_shares_what_it_gives_plain() -> None:
    plain, shared = product.plain(TABLES, scale=2.0), simulate(product, TABLES, scale=2.0)
    assert plain["total"] == pytest.approx(2.0)
    assert shared["total"] == pytest.approx(2.0, abs=1e-3)
    assert shared["keys"].tolist() == plain["keys"].tolist() == sorted(TABLES["bank"]["key"])
    assert shared["share"] == pytest.approx(0.75, abs=1e-3)


def test_openings_are_read_from_the_compiled_text_with_name_place_and_type() -> None:
    assert product.compile(SCHEMA).openings == (
        Opening("positive", "inside", "i64[]"),
        Opening("keys", "result", "i64[4]"),
        Opening("share", "public", "f64[]"),
        Opening("total", "result", "f32[]"),
    )


def test_an_opening_in_a_loop_is_said_to_be_many() -> None:
    @joint
    def looped(bank: Arrays) -> Arrays:
        import jax

        step = lambda _, total: total + reveal(jnp.max(bank["income"]), name="top")  # noqa: E731
        return {"total": jax.lax.fori_loop(0, 3, step, jnp.sum(bank["income"]))}

    found = looped.compile({"bank": {"income": Column("real", (4,))}}).openings
    assert Opening("top", "inside", "f32[]", many=True) in found
    assert simulate(looped, {"bank": {"income": [1.0, 2, 3, 4]}})["total"] == pytest.approx(22)


def opens_in_secret(bank: Arrays) -> Arrays:
    return {"out": spu.experimental.reveal(bank["income"]) * 2}


def opens_a_dead_value(bank: Arrays) -> Arrays:
    spu.experimental.reveal(bank["income"])
    return {"out": jnp.sum(bank["income"])}


@pytest.mark.parametrize("function", [opens_in_secret, opens_a_dead_value])
def test_an_opening_without_a_name_is_found_in_the_text(function: Any) -> None:
    compiled = Program(function).compile({"bank": {"income": Column("real", (4,))}})
    with pytest.raises(BadInput, match="without a name"):
        _ = compiled.openings


def test_a_branch_on_a_secret_is_found_in_the_text() -> None:
    @joint
    def branches(bank: Arrays) -> Arrays:
        import jax

        below = lambda x: jnp.sum(x) < 9  # noqa: E731
        return {"out": jax.lax.while_loop(below, lambda x: x * 2, bank["income"])}

    with pytest.raises(BadInput, match="branches on a secret"):
        _ = branches.compile({"bank": {"income": Column("real", (4,))}}).openings


def test_every_process_compiles_the_same_digest() -> None:
    run = (
        "from wuxin.joint.schema import Column\nfrom tests.joint.test_program import *\n"
        "print(product.compile(SCHEMA, scale=2.0).digest)"
    )
    said = {
        subprocess.run(
            [sys.executable, "-c", run], check=True, capture_output=True, text=True,
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": "."},
        ).stdout.split()[-1]
        for seed in ("1", "2")
    }  # fmt: skip
    assert len(said) == 1
    assert product.compile(SCHEMA, scale=3.0).digest not in said


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("os:system", "may run here"),
        ("wuxin.joint.nothing:at_all", "not installed"),
        ("wuxin.joint.program:find", "not a program"),
        ("wuxin.jointly.x:y", "may run here"),
    ],
)
def test_only_programs_of_allowed_packages_are_found(name: str, why: str) -> None:
    with pytest.raises(BadInput, match=why):
        find(name)
