"""What is written for fixed point gives what the plain form gives."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from wuxin.joint.algorithms import fixed
from wuxin.joint.engine import simulate
from wuxin.joint.program import Program

CHANCE = np.random.default_rng(4)


@pytest.mark.parametrize(("rows", "p", "q"), [(700, 4, 30), (700, 30, 4), (900, 20, 20), (9, 1, 1)])
def test_products_in_parts_are_the_whole_products(rows: int, p: int, q: int) -> None:
    one, two = CHANCE.normal(size=(rows, p)), CHANCE.normal(size=(rows, q))
    weights = CHANCE.normal(size=(p, q))
    with jax.enable_x64(new_val=True):
        across = fixed.across(jnp.asarray(one), jnp.asarray(two))
        product = fixed.product(jnp.asarray(one), jnp.asarray(weights))
    assert np.asarray(across) == pytest.approx(one.T @ two)
    assert np.asarray(product) == pytest.approx(one @ weights)


def test_a_small_factor_keeps_its_digits_on_shares() -> None:
    def asked(table: dict[str, jax.Array]) -> dict[str, jax.Array]:
        return {"good": fixed.times(table["x"], 1 / 20_000), "poor": table["x"] * (1 / 20_000)}

    x = np.array([20_000.0, 123_456.0, -400_000.0])
    got = simulate(Program(asked), {"table": {"x": x}})
    assert got["good"] == pytest.approx(x / 20_000, rel=2e-5)
    assert got["poor"] != pytest.approx(x / 20_000, rel=2e-3)
