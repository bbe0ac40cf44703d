"""Forged input is flagged, honest input is not: rates over many seeds, and the same on shares."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from wuxin.joint.algorithms import logistic
from wuxin.joint.engine import simulate
from wuxin.joint.guards import canary, influence, labels, meters, peers, ranges
from wuxin.joint.guards.simulator import Banks, banks
from wuxin.joint.program import Program
from wuxin.joint.programs.checks import COMMON
from wuxin.joint.schema import described

Arrays = dict[str, Any]
SEEDS = range(5000, 5060)  # limits were chosen on others
FORGER = 1


def by_labels(table: Arrays) -> Arrays:
    return {"flags": labels.flipped_labels(list(table["x"]), list(table["y"]))}


def by_meter(table: Arrays) -> Arrays:
    return {"flags": meters.forged_meters(list(table["reading"]), list(table["expected"]))}


def by_influence(table: Arrays) -> Arrays:
    rows = table["x"].reshape(-1, table["x"].shape[-1])
    common = logistic.train(rows, table["y"].reshape(-1), how=COMMON)
    found = influence.undue_influence(list(table["x"]), list(table["y"]), weights=common)
    return {"flags": found}


GUARDS = {
    by_labels: ("x", "y"),
    by_meter: ("reading", "expected"),
    by_influence: ("x", "y"),
}
HONEST: Callable[[Banks], object] = lambda _: None  # noqa: E731
FORGERIES = [
    (by_labels, lambda b: b.flip(FORGER, 0.3), 0.85),
    (by_labels, lambda b: b.flip(FORGER, 1.0), 1.0),
    (by_meter, lambda b: b.make_up(FORGER), 1.0),
    (by_meter, lambda b: b.calculate(FORGER), 1.0),
    (by_meter, lambda b: b.rescale(FORGER, 1.5), 1.0),
    (by_influence, lambda b: b.flip(FORGER, 0.5), 0.85),
    (by_influence, lambda b: b.poison(FORGER, 0.1), 0.6),
]


def rates(
    guard: Callable[[Arrays], Arrays], forge: Callable[[Banks], object], **made_as: Any
) -> Any:
    """The share of seeds with a flag, by bank."""
    with jax.enable_x64(new_val=True):
        run = jax.jit(guard)
        flags = []
        for seed in SEEDS:
            made = banks(seed, **made_as)
            forge(made)
            flags.append(run({name: getattr(made, name) for name in GUARDS[guard]})["flags"])
        return np.mean(flags, axis=0)


@pytest.mark.parametrize("guard", GUARDS)
def test_honest_banks_are_hardly_ever_flagged(guard: Callable[[Arrays], Arrays]) -> None:
    assert rates(guard, HONEST).mean() <= 0.01


@pytest.mark.parametrize(("guard", "forge", "least"), FORGERIES)
def test_a_forger_is_flagged_and_its_peers_are_not(
    guard: Callable[[Arrays], Arrays], forge: Callable[[Banks], object], least: float
) -> None:
    found = rates(guard, forge)
    assert found[FORGER] >= least
    assert np.delete(found, FORGER).mean() <= 0.01


@pytest.mark.parametrize(
    ("guard", "columns", "most"),
    [
        (by_labels, 8, 0.01),
        (by_labels, 30, 0.02),
        (by_influence, 8, 0.04),
        (by_influence, 30, 0.02),
    ],
)
def test_columns_that_correlate_do_not_blind_guards(
    guard: Callable[[Arrays], Arrays], columns: int, most: float
) -> None:
    made_as = {"columns": columns, "correlation": 0.8}
    assert rates(guard, HONEST, **made_as).mean() <= most
    found = rates(guard, lambda b: b.flip(FORGER, 1.0), **made_as)
    assert found[FORGER] >= 0.9
    assert np.delete(found, FORGER).mean() <= most


@pytest.mark.parametrize("guard", [by_labels, by_influence])
def test_columns_that_correlate_are_flagged_the_same_on_shares(
    guard: Callable[[Arrays], Arrays],
) -> None:
    made = banks(7, columns=30, correlation=0.8)
    made.flip(FORGER, 1.0)
    table = {"table": {name: getattr(made, name) for name in GUARDS[guard]}}
    found, plain = simulate(Program(guard), table), Program(guard).plain(table)
    assert found["flags"].tolist() == plain["flags"].tolist() == [False, True, False, False, False]


@pytest.mark.parametrize("guard", GUARDS)
def test_guards_flag_the_same_on_shares_and_open_flags_alone(
    guard: Callable[[Arrays], Arrays],
) -> None:
    made = banks(4, rows=250)
    made.flip(FORGER, 1.0)
    made.make_up(FORGER)
    table = {"table": {name: getattr(made, name) for name in GUARDS[guard]}}
    program = Program(guard)
    assert simulate(program, table)["flags"].tolist() == [False, True, False, False, False]
    opened = program.compile(described(table)).openings
    assert [(each.name, each.where, each.type) for each in opened] == [("flags", "result", "i1[5]")]


def test_impossible_values_are_tolerated_up_to_a_share() -> None:
    x = np.random.default_rng(2).uniform(0, 1, (1000, 3))
    x[:9, 0], x[:11, 1] = -1, 2

    def asked(table: Arrays) -> Arrays:
        return {"flags": ranges.out_of_range(table["x"], low=jnp.zeros(3), high=jnp.ones(3))}

    assert simulate(Program(asked), {"table": {"x": x}})["flags"].tolist() == [False, True, False]


def test_drift_is_the_population_stability_index_beyond_its_limit() -> None:
    chance = np.random.default_rng(3)
    shifts = np.array([0.0, 0.3, 0.45, 0.8])
    x = chance.normal(size=(3000, 4)) + shifts
    cuts = np.quantile(chance.normal(size=100_000), [0.2, 0.4, 0.6, 0.8])
    usual = np.full((5, 4), 0.2)
    share = np.stack([np.histogram(each, [-np.inf, *cuts, np.inf])[0] for each in x.T]).T / 3000
    index = ((share - usual) * np.log(share / usual)).sum(axis=0)

    def asked(table: Arrays) -> Arrays:
        agreed = {"cuts": jnp.asarray(np.tile(cuts[:, None], 4)), "usual": jnp.asarray(usual)}
        return {"flags": ranges.drifted(table["x"], **agreed)}

    flags = simulate(Program(asked), {"table": {"x": x}})["flags"]
    assert flags.tolist() == (index > 0.25).tolist() == [False, False, False, True]


@pytest.mark.parametrize(("error", "failed"), [(0.0, False), (0.05, True)])
def test_one_wrong_canary_is_seen(error: float, failed: bool) -> None:  # noqa: FBT001 - a case
    found, known = np.linspace(0, 1, 200), np.zeros(200)
    marked = np.isin(np.arange(200), [3, 77, 150]).astype(int)
    known[marked == 1] = found[marked == 1]
    found[77] += error

    def asked(table: Arrays) -> Arrays:
        said = canary.canaries_failed(
            table["found"], known=table["known"], canary=table["canary"], tolerance=0.01
        )
        return {"failed": said}

    table = {"found": found, "known": known, "canary": marked}
    assert bool(simulate(Program(asked), {"table": table})["failed"]) is failed


def test_two_owners_have_no_peers() -> None:
    with pytest.raises(TypeError, match="from 3 owners on, not 2"):
        peers.middle(jnp.zeros((2, 4)))


@pytest.mark.parametrize("owners", [3, 4, 5, 8])
def test_the_middle_is_the_lower_median_of_equals_too(owners: int) -> None:
    values = np.random.default_rng(owners).integers(-3, 4, (owners, 50)).astype(float)
    expected = np.sort(values, axis=0)[(owners - 1) // 2]
    with jax.enable_x64(new_val=True):
        assert (np.asarray(peers.middle(jnp.asarray(values))) == expected).all()
