"""What breaks a run: each ends it at all three nodes, with a clear reason, and evidence of it."""

import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

from tests.joint.parties import TABLES, Circle, triple
from tests.joint.programs import endless, product
from wuxin.cli import main
from wuxin.joint.certificates import authority
from wuxin.joint.contract import Signed, plain
from wuxin.joint.owner import Member
from wuxin.joint.shares import Half, joined
from wuxin.terms.clock import system_clock
from wuxin.terms.errors import BadInput, Conflict, Forbidden, Tampered

TO = {"total": ["bank-a"], "keys": ["bank-a"], "share": ["bank-a"], "big": ["bank-a"]}
ALONE = {"total": ["bank-a"]}


@pytest.fixture
def circle(tmp_path: Path) -> Iterator[Circle]:
    with triple(tmp_path) as nodes:
        yield Circle(nodes)


def started(circle: Circle, *, run_s: int) -> Signed:
    """A run that takes minutes, begun at all three nodes."""
    signed = circle.signed(circle.contract(endless, to=ALONE, run_s=run_s))
    circle.bank.push(signed)
    circle.shop.push(signed)
    until = time.monotonic() + 30
    for node in circle.nodes.nodes:
        while circle.watch.ask(signed, node, do="status")["state"] != "running":
            assert time.monotonic() < until
            time.sleep(0.1)
    return signed


def ended(circle: Circle, signed: Signed, *, node: str, within_s: float = 40) -> str:
    """Why a node has ended a job."""
    until = time.monotonic() + within_s
    while (said := circle.watch.ask(signed, node, do="status"))["state"] != "failed":
        assert time.monotonic() < until, said
        time.sleep(0.2)
    return str(said["why"])


def verified(folder: Path) -> tuple[int, str]:
    answer = CliRunner().invoke(main, ["verify", str(folder)])
    return answer.exit_code, answer.output


def test_a_node_that_dies_is_named_and_ends_the_run_within_seconds(circle: Circle) -> None:
    signed = started(circle, run_s=120)
    os.killpg(circle.nodes.processes["node-c"].pid, signal.SIGKILL)
    for worker in workers(circle, "node-c"):
        os.kill(worker, signal.SIGKILL)
    begun = time.monotonic()
    reasons = [ended(circle, signed, node=node) for node in ("node-a", "node-b")]
    assert any("node-c does not answer" in why for why in reasons), reasons
    assert time.monotonic() - begun < 30
    code, said = verified(circle.nodes.folder)
    assert code == 0, said
    assert "failed: " in said
    with pytest.raises(Conflict):
        circle.bank.wait(signed)


def test_a_node_that_is_too_slow_ends_the_run_at_its_deadline(circle: Circle) -> None:
    signed = started(circle, run_s=6)
    for node in circle.nodes.nodes:
        assert "not over within 6 s" in ended(circle, signed, node=node)
    assert not workers(circle, "node-a")
    with pytest.raises(Conflict, match="has been run here before"):  # whatever became of it
        circle.bank.push(signed)


def test_an_owner_that_does_not_push_ends_the_job_at_its_deadline(circle: Circle) -> None:
    signed = circle.signed(circle.contract(product, to=TO, wait_s=2))
    circle.bank.push(signed)
    assert "shop did not come within 2 s" in ended(circle, signed, node="node-b")


def test_an_owner_that_lies_to_one_node_is_shown_to_have_lied(circle: Circle) -> None:
    signed = circle.signed(circle.contract(product, to=TO))
    circle.bank.push(signed)
    committed = signed.contract.input("shop")
    honest = circle.shop.message(signed.contract, committed, rank=0)
    other = circle.shop.commit("shop", {"sales": np.array([9.0, 9, 9, 9])})  # than was agreed
    with pytest.raises(BadInput, match="would look like a lie"):
        circle.shop.message(signed.contract, committed, rank=1)  # what nobody does by mistake
    head, body = circle.shop.message(signed.contract, other, rank=1)
    say(circle.shop, signed, node="node-a", message=(plain_contract(signed), b""))
    say(circle.shop, signed, node="node-a", message=honest)
    with pytest.raises(Forbidden, match="pushed other shares of shop than it committed to"):
        say(circle.shop, signed, node="node-b", message=(head, body))
    path = circle.nodes.folder / "node-b" / "evidence" / "records.jsonl"
    cheat = [
        line["said"] for line in map(json.loads, path.read_text().splitlines())
        if line["kind"] == "joint-cheat"
    ]  # fmt: skip
    assert cheat[0]["party"] == "shop-b"
    assert proves_cheating(signed, cheat[0])
    assert not proves_cheating(signed, {**cheat[0], "sent": cheat[0]["agreed"]})


def proves_cheating(signed: Signed, said: dict[str, Any]) -> bool:
    """Whether the owner's own signature stands under commitments that are not the contract's."""
    from wuxin.joint.proof import cheated

    return cheated(signed.contract, said)


def test_shares_under_somebody_elses_signature_are_refused(circle: Circle) -> None:
    signed = circle.signed(circle.contract(product, to=TO))
    circle.bank.push(signed)
    head, body = circle.shop.message(signed.contract, signed.contract.input("shop"), rank=0)
    with pytest.raises(Forbidden, match="bank-a does not bring the table shop"):
        say(circle.bank, signed, node="node-a", message=(head, body))
    with pytest.raises(Forbidden, match="not signed by its owner"):
        say(circle.shop, signed, node="node-a", message=({**head, "signature": bytes(64)}, body))


def test_a_foreign_certificate_on_the_line_between_the_nodes_ends_the_run(tmp_path: Path) -> None:
    with triple(tmp_path) as nodes:
        circle = Circle(nodes)
        nodes.stop("node-b")
        nodes.start("node-b", link_issued_by=authority("elsewhere", now=system_clock()))
        nodes.wait_for("node-b")
        signed = circle.signed(circle.contract(product, to=TO, run_s=60))
        circle.bank.push(signed)
        circle.shop.push(signed)
        for node in nodes.nodes:
            assert "line between the nodes did not come about" in ended(circle, signed, node=node)


def test_a_node_that_lies_about_a_result_is_found_by_whoever_fetches_it() -> None:
    parts = [np.arange(4, dtype=np.uint64) * (at + 1) for at in range(3)]
    pairs = [np.stack([parts[at], parts[(at + 1) % 3]], -1) for at in range(3)]
    halves = [Half("aby3.AShr<FM64>", "i64", (4,), pair.tobytes()) for pair in pairs]
    names = ["node-a", "node-b", "node-c"]
    assert joined(halves, name="x", nodes=names).tolist() == [0, 6, 12, 18]
    other = halves[1]._replace(content=bytes(len(halves[1].content)))
    with pytest.raises(Tampered, match="node-b is at odds with both others"):
        joined([halves[0], other, halves[2]], name="x", nodes=names)


def test_evidence_of_a_run_that_was_changed_is_found(circle: Circle) -> None:
    circle.run(circle.signed(circle.contract(product, to=TO)))
    assert verified(circle.nodes.folder)[0] == 0
    for node in circle.nodes.nodes:
        circle.nodes.stop(node)
    path = circle.nodes.folder / "node-a" / "evidence" / "records.jsonl"
    kept = path.read_bytes()
    path.write_bytes(kept.replace(b'"outcome": "done"', b'"outcome": "lost"'))
    code, said = verified(circle.nodes.folder)
    assert code == 1
    assert "is not what was logged" in said
    path.write_bytes(b"".join(kept.splitlines(keepends=True)[:-1]))
    assert verified(circle.nodes.folder)[0] == 1


def test_the_same_contract_on_another_triple_gives_the_same_and_shows_a_lie(
    circle: Circle, tmp_path: Path
) -> None:
    first = circle.signed(circle.contract(product, to=TO))
    circle.run(first)
    found = circle.bank.fetch(first)
    for node in circle.nodes.nodes:
        circle.nodes.stop(node)
    with triple(tmp_path / "other", nodes=("node-d", "node-e", "node-f")) as nodes:
        again = Circle(nodes)
        for mine, theirs in ((again.bank, circle.bank), (again.shop, circle.shop)):
            mine._key = theirs._key
        second = again.signed(again.contract(product, to=TO, repeats=first.contract.id))
        for table in TABLES:
            assert second.contract.input(table).data == first.contract.input(table).data
            assert second.contract.input(table).parts != first.contract.input(table).parts
        again.run(second)
        repeated = again.bank.fetch(second)
    assert repeated["total"] == pytest.approx(found["total"], abs=1e-3)
    assert np.array_equal(repeated["keys"], found["keys"])
    assert verified(tmp_path)[0] == 0


def say(
    member: Member, signed: Signed, *, node: str, message: tuple[dict[str, Any], bytes]
) -> None:
    with member._line(signed.contract, node, patience_s=60) as line:
        line.ask(*message)


def plain_contract(signed: Signed) -> dict[str, Any]:
    return {"do": "propose", "contract": plain(signed)}


def workers(circle: Circle, node: str) -> list[int]:
    """The processes that a node has started."""
    parent = circle.nodes.processes[node].pid
    found = subprocess.run(
        ["ps", "-o", "pid=", "--ppid", str(parent)], capture_output=True, text=True, check=False
    )
    return [int(word) for word in found.stdout.split()]
