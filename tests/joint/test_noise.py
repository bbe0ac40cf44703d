"""Noise is distributed as it should be, and what it costs is counted."""

from collections.abc import Iterator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import opendp.prelude as dp
import pytest

from tests.joint.parties import Circle, changed, triple
from tests.joint.programs import noisy, product
from tests.joint.test_refused import TO, propose
from wuxin.joint.algorithms.chance import chance
from wuxin.joint.algorithms.noise import tails, two_sided_geometric
from wuxin.joint.budget import Budgets
from wuxin.joint.contract import Contract, Signed, plain
from wuxin.joint.engine import simulate
from wuxin.joint.program import Program
from wuxin.joint.proof import Told, proved
from wuxin.terms.errors import BadInput, Forbidden

WORDS = 40_000


@pytest.fixture(scope="module")
def circle(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Circle]:
    with triple(tmp_path_factory.mktemp("nodes")) as nodes:
        yield Circle(nodes)


@pytest.mark.parametrize("epsilon", [0.1, 1.0, 4.0])
def test_noise_has_the_distribution_that_gives_epsilon(epsilon: float) -> None:
    with jax.enable_x64(new_val=True):
        drawn = two_sided_geometric(
            jnp.asarray(chance(WORDS)), jnp.asarray(chance(WORDS)), epsilon=epsilon
        )
    ratio = np.exp(-epsilon)
    expected = (1 - ratio) / (1 + ratio) * ratio ** np.abs(np.arange(-4, 5))
    counts = np.array([(np.asarray(drawn) == each).sum() for each in range(-4, 5)])
    spread = np.sqrt(WORDS * expected * (1 - expected))
    assert (np.abs(counts - WORDS * expected) < 5 * spread + 1).all()
    dp.enable_features("contrib")
    space = dp.atom_domain(T=int), dp.absolute_distance(T=int)
    theirs = dp.m.make_geometric(*space, scale=1 / epsilon)
    assert theirs.map(1) == pytest.approx(epsilon)
    sample = [theirs(0) for _ in range(4000)]
    assert np.mean(np.abs(sample)) == pytest.approx(np.abs(drawn).mean(), rel=0.15, abs=0.02)


def test_a_word_more_or_less_likely_by_epsilon_at_most() -> None:
    for epsilon in (0.05, 1.0):
        found = tails(epsilon)
        steps = -np.diff([float(each) for each in found])
        big = steps > 1e6  # beyond, whole words round the ratio, which delta allows for
        ratios = steps[:-1][big[:-1]] / steps[1:][big[:-1]]
        assert np.log(ratios) == pytest.approx(epsilon, rel=1e-4)


def test_noise_is_the_same_on_shares() -> None:
    one, two = chance(50), chance(50)

    def asked(table: dict[str, Any]) -> dict[str, Any]:
        return {"noise": two_sided_geometric(table["one"], table["two"], epsilon=0.3)}

    program = Program(asked)
    tables = {"table": {"one": one, "two": two}}
    assert (simulate(program, tables)["noise"] == program.plain(tables)["noise"]).all()


def test_an_epsilon_that_would_take_for_ever_is_refused() -> None:
    with pytest.raises(BadInput, match=r"at least 0\.01"):
        tails(0.001)


def with_budget(circle: Circle, *, epsilon: float, budget: float = 1.0, n: int = 0) -> Contract:
    made = circle.contract(noisy, to={"count": ["bank-a"]}, epsilon=epsilon)
    bank, shop = made.inputs
    return changed(
        made, inputs=(changed(bank, budget=budget), shop), purpose=f"a test of budgets {n}"
    )


def test_a_budget_is_spent_contract_by_contract_and_is_known_after_a_restart(
    circle: Circle,
) -> None:
    first = circle.signed(with_budget(circle, epsilon=0.6))
    circle.run(first)
    again = circle.signed(with_budget(circle, epsilon=0.6, n=1))
    circle.nodes.stop("node-b")
    circle.nodes.restart("node-b")
    for node in circle.nodes.nodes:
        with pytest.raises(Forbidden, match=r"budget 1 of bank-a on bank 0\.6 is spent"):
            propose(circle, again, node=node)
    less = circle.signed(with_budget(circle, epsilon=0.4, n=2))
    circle.run(less)
    assert int(circle.bank.fetch(less)["count"]) in range(-100, 100)


def test_a_table_with_a_budget_gives_no_results_without_noise(circle: Circle) -> None:
    made = circle.contract(product, to=TO)
    bank, shop = made.inputs
    exact = circle.signed(changed(made, inputs=(changed(bank, budget=1.0), shop)))
    with pytest.raises(Forbidden, match="asks for results without noise"):
        propose(circle, exact, node="node-a")


def test_a_node_that_overspends_is_found_by_its_own_records(circle: Circle) -> None:
    signed = [circle.signed(with_budget(circle, epsilon=0.6, n=10 + each)) for each in range(2)]
    told = [each for one in signed for each in started(one)]
    first, second = proved(told)
    assert not any("budget" in fault for fault in first.faults)
    assert any("of the privacy budget 1 of bank-a on bank" in fault for fault in second.faults)
    fresh = with_budget(circle, epsilon=0.6, n=12)
    with pytest.raises(Forbidden, match="is spent"):
        Budgets((one.kind, one.said) for one in told[:4]).check(fresh)
    with pytest.raises(Forbidden, match="has drawn noise before"):
        Budgets((one.kind, one.said) for one in told[:2]).check(signed[0].contract)


def started(signed: Signed) -> list[Told]:
    contract, at = signed.contract, signed.contract.not_before
    said = {"contract": contract.id, "signed": plain(signed)}
    run = {"contract": contract.id, "program": contract.digest, "rank": 0, "repeats": ""}
    return [Told("node-a", "joint-contract", at, said), Told("node-a", "joint-start", at, run)]
