"""Each claim of ``wuxin/joint/claims`` in a test of its name."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import wuxin.joint
from tests.house.tree import ROOT
from tests.joint import test_faults, test_refused
from tests.joint.parties import Circle, triple
from tests.joint.programs import leaks
from wuxin.joint import trial
from wuxin.joint.algorithms.chance import chance
from wuxin.joint.algorithms.keys import Geometry, geometry, rows_from
from wuxin.joint.catalogue import Terms, draft
from wuxin.joint.contract import Signed
from wuxin.joint.engine import simulate
from wuxin.joint.layout import listed, placed, salt_of
from wuxin.joint.local import Local
from wuxin.joint.program import Compiled
from wuxin.joint.programs.checks import contributions, screened_3
from wuxin.joint.programs.credit import GRADES, default_model, graded_customers, hidden_model
from wuxin.joint.programs.figures import group_sums, noisy_rates
from wuxin.joint.programs.matching import common, duplicates_3, intersection
from wuxin.joint.schema import Column, described
from wuxin.joint.shares import FRACTION, data_commitment, split
from wuxin.terms.clock import system_clock
from wuxin.terms.errors import BadInput, Forbidden

CLAIMS = Path(wuxin.joint.__file__).parent / "claims"
SALT = salt_of("claims")
DATA = ROOT / "examples" / "joint"


@pytest.fixture
def circle(tmp_path: Path) -> Iterator[Circle]:
    with triple(tmp_path) as nodes:
        yield Circle(nodes)


OF_A_RUN = [
    path for path in sorted(CLAIMS.glob("*.md")) if "| test |" in path.read_text("utf-8")
]  # those of the registry and of the attacks have tests of their own


@pytest.mark.parametrize("claim", OF_A_RUN, ids=lambda path: path.stem)
def test_every_claim_names_a_test_that_is_there(claim: Path) -> None:
    text = claim.read_text("utf-8")
    for part in ("who learns what", "assumption", "where it ends"):
        assert f"| {part} |" in text
    file, test = re.findall(r"`(tests/\S+\.py)::(\w+)`", text)[0]
    assert test == f"test_claim_{claim.stem}"
    assert f"def {test}(" in (ROOT / file).read_text("utf-8")


def test_claim_shares() -> None:
    columns = {"x": Column("real", (4096,))}
    for values in (np.zeros(4096), np.linspace(-1000, 1000, 4096)):
        parts = split({"x": values}, columns)
        rings = [np.frombuffer(part.columns["x"], "<u8") for part in parts]
        for rank in range(3):  # what one node holds: two parts, and neither these nor their sum
            held = (rings[rank], rings[(rank + 1) % 3])
            for seen in (*held, held[0] + held[1]):
                counts = np.bincount(seen >> np.uint64(60), minlength=16)
                chi = float(((counts - 256) ** 2 / 256).sum())
                assert chi < 60  # 15 degrees of freedom; beyond with a chance of 2e-7
        whole = sum(rings[1:], rings[0]).view(np.int64) / FRACTION
        assert np.allclose(whole, values, atol=1 / FRACTION)  # two nodes together have all


def test_claim_commitments(circle: Circle) -> None:
    columns = {"x": Column("integer", (8,))}
    table = {"x": np.arange(8)}
    one, two = split(table, columns), split(table, columns)
    assert {part.commitment for part in one}.isdisjoint(part.commitment for part in two)
    other = one[0]._replace(columns={"x": one[1].columns["x"]})
    assert other.commitment != one[0].commitment
    known = data_commitment(table, columns, salt=b"s" * 32)
    assert known == data_commitment(table, columns, salt=b"s" * 32)
    assert known != data_commitment({"x": np.arange(8) + 1}, columns, salt=b"s" * 32)
    test_faults.test_an_owner_that_lies_to_one_node_is_shown_to_have_lied(circle)


def test_claim_openings(circle: Circle) -> None:
    schema = {
        "bank": {"income": Column("real", (4,)), "key": Column("integer", (4,))},
        "shop": {"sales": Column("real", (4,))},
    }
    with pytest.raises(BadInput, match="without a name"):
        _ = leaks.compile(schema).openings
    test_refused.test_an_unlisted_opening_is_refused(circle)


def test_claim_results() -> None:
    test_faults.test_a_node_that_lies_about_a_result_is_found_by_whoever_fetches_it()


def test_claim_hidden_join(tmp_path: Path) -> None:
    rows = 400
    bins = geometry(rows, rows)
    traffic, found = [], []
    with Local(tmp_path, clock=system_clock) as nodes:
        for apart in (0, rows):  # all meet, or none
            shared = pair(rows, apart=apart, bins=bins)
            assert common.compile(described(shared)).digest == counted(bins).digest
            results, figures = joint_run(nodes, shared)
            traffic.append((figures["bytes_sent"], figures["messages_sent"]))
            found.append(int(results["count"]))
    assert found == [rows, 0]
    assert traffic[0] == traffic[1]


def test_claim_count() -> None:
    assert outputs(counted(geometry(400, 400))) == {"count": "result"}


def test_claim_intersection() -> None:
    bins = geometry(200, 200)
    left = placed([str(each) for each in range(200)], {}, salt=SALT, bins=bins)
    right = listed([str(each) for each in range(150, 350)], {}, salt=SALT, bins=bins)
    shared = {"left": {"key": left.table["key"]}, "right": {"key": right.table["key"]}}
    compiled = intersection.compile(described(shared))
    assert outputs(compiled) == {"known": "result"}
    assert "spu.reveal" not in compiled.text
    flags = rows_from(simulate(intersection, shared)["known"], left.at, rows=200)
    assert flags.tolist() == [int(each >= 150) for each in range(200)]


def test_claim_duplicates() -> None:
    bins = geometry(300, 300)
    held = [[*range(300)], [*range(290, 590)], [*range(580, 879), 5]]
    laid = [placed([str(each) for each in own], {}, salt=SALT, bins=bins) for own in held]
    shared = {
        f"bank_{at + 1}": {
            "placed": laid[at].table["key"],
            "listed": listed([str(each) for each in own], {}, salt=SALT, bins=bins).table["key"],
        }
        for at, own in enumerate(held)
    }
    assert outputs(duplicates_3.compile(described(shared))) == {
        "flags_1": "result", "flags_2": "result", "flags_3": "result",
    }  # fmt: skip
    found = duplicates_3.plain(shared)
    for at, own in enumerate(held):
        others = {each for which, theirs in enumerate(held) if which != at for each in theirs}
        flags = rows_from(found[f"flags_{at + 1}"], laid[at].at, rows=len(own))
        assert flags.tolist() == [int(each in others) for each in own]


def test_claim_model() -> None:
    compiled = hidden_model.compile(described(model_tables()))
    assert outputs(compiled) == {"weights": "result"}
    assert "spu.reveal" not in compiled.text


def test_claim_scoring() -> None:
    shared = demo_tables()
    compiled = default_model.compile(described(shared), minimum_group=3)
    assert outputs(compiled) == {"auc": "result", "auc_bank": "result", "distribution": "result"}
    assert "spu.reveal" not in compiled.text
    all_shown = default_model.plain(shared)["distribution"]
    shown = default_model.plain(shared, minimum_group=12)["distribution"]
    assert ((shown == all_shown) | (shown == 0)).all()
    assert 0 < np.count_nonzero(shown) < np.count_nonzero(all_shown)
    few = default_model.plain(shared, minimum_group=10_000)
    assert (few["auc"], few["auc_bank"]) == (
        0,
        0,
    )  # of so few no figure, nor whether they are there


def test_claim_grades() -> None:
    found = trial.owners(DATA)
    laid = trial.laid(found, salt=SALT)
    grades = graded_customers.plain({name: each.table for name, each in laid.items()})["grades"]
    grades = rows_from(grades, laid["fresh"].at, rows=len(found.fresh.ids))
    odds = rows_from(laid["fresh"].table["own"], laid["fresh"].at, rows=len(found.fresh.ids))
    own = np.sum([odds > edge for edge in GRADES], axis=0)  # what the bank knows without anybody
    differs = grades != own
    known = np.isin(found.fresh.ids, found.partner.ids)
    assert not differs[~known].any()
    assert 0.15 < differs[known].mean() < 0.3


def test_claim_group_sums() -> None:
    shared = {
        "bank": {"group": np.array([0, 0, 1, 1, 2]), "value": np.array([1.0, 2, 3, 4, 5])},
        "other": {"group": np.array([0, 0, 1, 3, 3]), "value": np.array([6.0, 7, 8, 9, 10])},
    }
    compiled = group_sums.compile(described(shared), groups=4, minimum_group=2)
    assert outputs(compiled) == {"count": "result", "total": "result"}
    found = simulate(group_sums, shared, groups=4, minimum_group=2)
    # In group 1 the bank would take its own two off and have the other's one row.
    assert found["count"].tolist() == [4, 0, 0, 2]
    assert found["total"] == pytest.approx([16, 0, 0, 19], abs=1e-3)


def test_claim_guards() -> None:
    shared = forged(banks=3)
    compiled = screened_3.compile(described(shared))
    expected = {
        "labels": [0, 0, 1], "meters": [1, 0, 0], "influence": [0, 0, 1],
        "range": [0, 1, 0], "drift": [0, 0, 0],
    }  # fmt: skip
    assert outputs(compiled) == dict.fromkeys(expected, "result")
    assert "spu.reveal" not in compiled.text
    found = simulate(screened_3, shared)
    assert {name: flags.tolist() for name, flags in found.items()} == expected
    shared["bank_2"]["x"] = shared["bank_2"]["x"] + 0.6
    assert simulate(screened_3, shared)["drift"].tolist() == [0, 1, 0]


def test_claim_noise() -> None:
    ids, draw = [f"c{each}" for each in range(300)], np.random.default_rng(7)
    y, group = draw.integers(0, 2, 300), draw.integers(0, 3, 300)
    bins = geometry(300, 300)
    bank = placed(ids[:250], {"y": y[:250]}, salt=SALT, bins=bins).table
    partner = listed(ids[50:], {"group": group[50:] * 1.0}, salt=SALT, bins=bins).table
    shared = {
        "bank": {"key": bank["key"], "y": bank["y"], "chance": np.zeros((3, 2), np.int64)},
        "partner": {**partner, "chance": chance(3, 2)},
    }
    compiled = noisy_rates.compile(described(shared), groups=3, epsilon=0.5)
    assert outputs(compiled) == {"good": "result", "bad": "result"}
    assert "spu.reveal" not in compiled.text
    assert compiled.digest != noisy_rates.compile(described(shared), groups=3, epsilon=1.0).digest
    both = slice(50, 250)
    true = np.array([np.bincount(group[both][y[both] == side], minlength=3) for side in (0, 1)])
    assert (noisy_rates.plain(shared, groups=3, epsilon=50.0)["good"] == true[0]).all()
    found = simulate(noisy_rates, shared, groups=3, epsilon=0.5)
    assert np.abs(np.array([found["good"], found["bad"]]) - true).max() < 60  # 1e-12 beyond
    loud = {**shared, "bank": {**shared["bank"], "y": shared["bank"]["y"] * 1_000_000}}
    assert (noisy_rates.plain(loud, groups=3, epsilon=50.0)["bad"] == true[1]).all()
    one_word = {**shared, "bank": {**shared["bank"], "chance": chance(1, 1)}}
    with pytest.raises(BadInput, match="a word for each of 3 groups"):
        noisy_rates.compile(described(one_word), groups=3, epsilon=0.5)
    # One owner drew nothing but zeros, and the noise is what it should be all the same.
    added = []
    for _ in range(40):
        shared["partner"]["chance"] = chance(3, 2)
        told = noisy_rates.plain(shared, groups=3, epsilon=0.5)
        added += [*(told["good"] - true[0]), *(told["bad"] - true[1])]
    assert 4 < np.var(added) < 13  # 7.8 for epsilon 0.5; 240 draws


def test_claim_fairness() -> None:
    noise = np.random.default_rng(5)
    x, held = noise.standard_normal((400, 4)), noise.standard_normal((400, 4))
    shared = {
        "bank": {
            "x": x[:, :2], "held": held[:, :2],
            "y": (x[:, 0] > 0).astype(int), "held_y": (held[:, 0] > 0).astype(int),
        },
        "partner": {"x": x[:, 2:], "held": held[:, 2:]},
    }  # fmt: skip
    assert set(outputs(contributions.compile(described(shared)))) == {
        "leave_one_out", "shapley", "whole",
    }  # fmt: skip
    found = simulate(contributions, shared)
    assert found["shapley"][0] > 10 * abs(found["shapley"][1])  # the bank's columns say it all
    assert found["shapley"].sum() == pytest.approx(found["whole"], abs=1e-2)


def forged(*, banks: int) -> dict[str, dict[str, Any]]:
    """Banks of which one forges meters, the next has impossible values, the last turns labels."""
    noise, weights = np.random.default_rng(3), np.array([1.5, -1.0, 0.5])
    made = {}
    for at in range(banks):
        x, expected = noise.standard_normal((600, 3)), noise.uniform(1, 3, 600)
        y = (noise.random(600) < 1 / (1 + np.exp(-x @ weights))).astype(int)
        if at == 1:
            x[:20, 0] = 50.0
        meter = noise.uniform(1, 3, 600) if at == 0 else expected + noise.normal(0, 0.1, 600)
        made[f"bank_{at + 1}"] = {
            "x": x, "y": 1 - y if at == banks - 1 else y, "meter": meter, "expected": expected,
        }  # fmt: skip
    return made


def test_claim_deadlines(circle: Circle) -> None:
    test_faults.test_a_node_that_is_too_slow_ends_the_run_at_its_deadline(circle)


def pair(rows: int, *, apart: int, bins: Geometry) -> dict[str, dict[str, Any]]:
    left, right = range(rows), range(apart, rows + apart)
    made = {
        "left": placed([str(each) for each in left], {}, salt=SALT, bins=bins).table,
        "right": listed([str(each) for each in right], {}, salt=SALT, bins=bins).table,
    }
    return {name: {"key": table["key"]} for name, table in made.items()}


def counted(bins: Geometry) -> Compiled:
    return common.compile(described(pair(400, apart=0, bins=bins)))


def outputs(compiled: Compiled) -> dict[str, str]:
    return {each.name: each.where for each in compiled.openings}


def demo_tables() -> dict[str, dict[str, Any]]:
    found = trial.owners(DATA)
    return {name: each.table for name, each in trial.laid(found, salt=SALT).items()}


def model_tables() -> dict[str, dict[str, Any]]:
    tables = demo_tables()
    return {"bank": tables["bank"], "partner": tables["partner"]}


def joint_run(
    nodes: Local, shared: dict[str, dict[str, Any]]
) -> tuple[dict[str, Any], dict[str, float]]:
    left, right = nodes.member("left-a"), nodes.member("right-b")
    inputs = [left.commit("left", shared["left"]), right.commit("right", shared["right"])]
    contract = draft(
        common, inputs,
        parties=[left.party("data_owner", "user"), right.party("data_owner"),
                 *map(nodes.party, nodes.nodes)],
        nodes=nodes.nodes, terms=Terms(purpose="a count", to={"count": ["left-a"]}),
        now=system_clock(),
    )  # fmt: skip
    signed = right.sign(left.sign(Signed(contract)))
    for name in nodes.nodes:
        signed = signed.sign(name, nodes.key(name))
    left.push(signed)
    right.push(signed)
    figures = left.wait(signed)
    with pytest.raises(Forbidden):
        right.fetch(signed, "count")
    return left.fetch(signed), figures
