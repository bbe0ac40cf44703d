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


@pytest.mark.parametrize("rows", [5_000, 65_536, 70_000, 90_000, 1_500_000, 5_000_000_000])
def test_a_count_times_a_small_factor_keeps_what_is_after_the_point(rows: int) -> None:
    def asked(table: dict[str, jax.Array]) -> dict[str, jax.Array]:
        whole = jnp.sum(table["n"]).astype(jnp.float64)
        return {"one": fixed.times(whole, 1 / rows), "all": fixed.times(table["n"] * 1.0, 1 / rows)}

    n = np.array([rows // 3, rows // 7, 1])
    got = simulate(Program(asked), {"table": {"n": n}})
    assert got["one"] == pytest.approx(n.sum() / rows, abs=3e-5)
    assert got["all"] == pytest.approx(n / rows, abs=3e-5)


@pytest.mark.parametrize("whole", [40, 3_000, 200_000, 700_000_000, 8_000_000_000])
def test_a_ratio_of_large_counts_is_one_of_small_ones(whole: int) -> None:
    def asked(table: dict[str, jax.Array]) -> dict[str, jax.Array]:
        total = jnp.sum(table["n"])
        return {"share": fixed.ratio(table["n"], total)}

    n = np.array([whole // 2, whole // 4, whole - whole // 2 - whole // 4])
    got = simulate(Program(asked), {"table": {"n": n}})
    assert got["share"] == pytest.approx(n / whole, abs=2e-5)


def test_sums_run_on() -> None:
    values = CHANCE.integers(0, 9, 77)
    with jax.enable_x64(new_val=True):
        assert (np.asarray(fixed.running(jnp.asarray(values))) == np.cumsum(values)).all()


def test_two_small_factors_are_not_made_one() -> None:
    def asked(table: dict[str, jax.Array]) -> dict[str, jax.Array]:
        shares = [fixed.times(jnp.sum(table[name]).astype(jnp.float64), 1 / 216) for name in "ab"]
        return {"product": shares[0] * shares[1], "ratio": shares[0] / shares[1]}

    table = {"a": np.array([60, 2]), "b": np.array([40, 4])}
    got = simulate(Program(asked), {"table": table})
    assert got["product"] == pytest.approx(62 * 44 / 216**2, abs=2e-5)
    assert got["ratio"] == pytest.approx(62 / 44, abs=2e-4)
