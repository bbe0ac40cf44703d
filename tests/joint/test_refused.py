"""What a node refuses before anything starts, each with its reason, and puts in evidence."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.joint.parties import Circle, changed, triple
from tests.joint.programs import changing, grouped, leaks, product
from wuxin.joint.certificates import authority
from wuxin.joint.channel import Line
from wuxin.joint.contract import Allowed, Contract, Signed, from_plain, plain, read
from wuxin.joint.folder import keep
from wuxin.joint.listing import Opening
from wuxin.joint.plan import Brought
from wuxin.joint.refusals import check_form, check_openings
from wuxin.portal.joint_evidence import checked
from wuxin.terms.clock import HOUR, system_clock
from wuxin.terms.errors import BadInput, Conflict, Forbidden, Refused

TO = {"total": ["bank-a"], "keys": ["bank-a"], "share": ["bank-a"], "big": ["bank-a"]}


@pytest.fixture(scope="module")
def circle(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Circle]:
    with triple(tmp_path_factory.mktemp("nodes")) as nodes:
        yield Circle(nodes)


def refused(circle: Circle, signed: Signed, *, why: str) -> None:
    """All three nodes refuse, for this reason, and have it on record."""
    for node in circle.nodes.nodes:
        with pytest.raises(Refused, match=why):
            propose(circle, signed, node=node)
        faults: list[str] = []
        told = checked(circle.nodes.folder / node, faults)
        assert not faults
        assert told[-1].kind == "joint-refusal"
        assert told[-1].said["by"] == "bank-a"


def propose(circle: Circle, signed: Signed, *, node: str) -> None:
    address = circle.nodes.party(node).control
    with Line(node, address, papers=circle.bank.papers, patience_s=60) as line:
        line.ask({"do": "propose", "contract": plain(signed)})


def test_a_missing_signature_is_refused(circle: Circle) -> None:
    contract = circle.contract(product, to=TO)
    for party in contract.parties:
        signed = circle.signed(contract, without=party.name)
        refused(circle, signed, why=f"signature of {party.name} is missing")


def test_a_contract_changed_after_it_was_signed_is_refused(circle: Circle) -> None:
    signed = circle.signed(circle.contract(product, to=TO))
    more = changed(signed.contract, purpose="another purpose")
    refused(circle, Signed(more, signed.signatures), why="does not hold")


def test_a_changed_program_is_refused(circle: Circle) -> None:
    contract = changed(circle.contract(product, to=TO), settings={"scale": 3.0})
    refused(circle, circle.signed(contract), why="compiles here to")


def test_an_unlisted_opening_is_refused(circle: Circle) -> None:
    contract = circle.contract(product, to=TO)
    fewer = tuple(each for each in contract.openings if each.opening.name != "positive")
    refused(circle, circle.signed(changed(contract, openings=fewer)), why="opens positive")


def test_a_listed_opening_that_the_program_has_not_is_refused(circle: Circle) -> None:
    contract = circle.contract(product, to=TO)
    more = (*contract.openings, Allowed(Opening("other", "result", "f32[]"), ("bank-a",)))
    refused(circle, circle.signed(changed(contract, openings=more)), why="lists the opening other")


def test_an_opening_without_a_name_is_refused(circle: Circle) -> None:
    with pytest.raises(BadInput, match="without a name"):
        circle.contract(leaks, to=TO)
    contract = changed(circle.contract(product, to=TO), program=leaks.name, settings={})
    refused(circle, circle.signed(contract), why="without a name|compiles here to")


def test_an_expired_contract_and_one_not_yet_in_force_are_refused(circle: Circle) -> None:
    contract, now = circle.contract(product, to=TO), system_clock()
    old = changed(contract, not_before=now - 2 * HOUR, expires=now - HOUR)
    refused(circle, circle.signed(old), why="expired at")
    early = changed(contract, not_before=now + HOUR, expires=now + 2 * HOUR)
    refused(circle, circle.signed(early), why="begins at")


def test_a_program_from_elsewhere_is_refused(circle: Circle) -> None:
    contract = changed(circle.contract(product, to=TO), program="os:system")
    refused(circle, circle.signed(contract), why="may run here")


def test_a_minimum_group_is_set_by_the_contract_and_kept_by_the_program(circle: Circle) -> None:
    to = {"total": ["bank-a"]}
    with pytest.raises(BadInput, match="no setting minimum_group"):
        circle.contract(product, to=TO, minimum_group=5)
    contract = circle.contract(grouped, to=to, minimum_group=3)
    refused(circle, circle.signed(changed(contract, minimum_group=0)), why="does not set it")
    lower = changed(contract, minimum_group=0, settings={"minimum_group": 3})
    refused(circle, circle.signed(lower), why="a term of the contract")
    refused(circle, circle.signed(changed(contract, minimum_group=2)), why="compiles here to")


def test_a_signed_contract_runs_once(circle: Circle) -> None:
    signed = circle.signed(circle.contract(product, to=TO))
    circle.run(signed)
    for node in circle.nodes.nodes:
        circle.nodes.stop(node)
        circle.nodes.restart(node)
    with pytest.raises(Conflict, match="has been run here before"):
        circle.bank.push(signed)


def test_a_stranger_of_the_same_authority_is_refused(circle: Circle) -> None:
    signed = circle.signed(circle.contract(product, to=TO))
    stranger = circle.nodes.member("stranger")
    with pytest.raises(BadInput, match="stranger is no party"):
        stranger.push(signed)


def test_a_foreign_certificate_is_refused_on_the_control_plane(circle: Circle) -> None:
    foreign = circle.nodes.member("bank-x", issued_by=authority("elsewhere", now=system_clock()))
    signed = circle.signed(circle.contract(product, to=TO))
    ours = circle.bank.papers.authority  # it believes ours, but has no papers of it
    foreign.papers = foreign.papers._replace(authority=ours)
    with pytest.raises(Refused, match=r"does not accept our certificate|does not answer"):
        foreign.push(signed)


@pytest.mark.parametrize(
    ("field", "value", "why"),
    [
        ("expires", 1, "expires before it begins"),
        ("nodes", ("node-a", "node-a", "node-b"), "three different nodes"),
        ("nodes", ("node-a", "node-b", "shop-b"), "role or addresses"),
        ("inputs", (), "at least one table"),
    ],
)
def test_a_contract_that_does_not_fit_together_is_refused(
    circle: Circle, field: str, value: Any, why: str
) -> None:
    with pytest.raises(BadInput, match=why):
        check_form(changed(circle.contract(product, to=TO), **{field: value}))


def test_what_nodes_see_anyway_must_be_said(circle: Circle) -> None:
    contract = circle.contract(product, to=TO)
    hidden = tuple(
        changed_opening(each, ("bank-a",)) if each.opening.where != "result" else each
        for each in contract.openings
    )
    with pytest.raises(BadInput, match="node-a, node-b, node-c will see it"):
        check_form(changed(contract, openings=hidden))


def changed_opening(allowed: Allowed, to: tuple[str, ...]) -> Allowed:
    return msgspec.structs.replace(allowed, to=to)


def test_a_draft_without_recipients_is_refused(circle: Circle) -> None:
    with pytest.raises(BadInput, match="who receives big"):
        circle.contract(product, to={"total": ["bank-a"]})


def test_a_contract_file_is_read_back_as_it_was(circle: Circle) -> None:
    signed = circle.signed(circle.contract(product, to=TO, settings={"scale": 2.0}))
    assert read(signed.json) == signed == from_plain(plain(signed))
    with pytest.raises(BadInput, match="not a computation contract"):
        read(signed.json.replace(b'"purpose"', b'"porpoise"'))


def test_every_party_compiles_what_the_draft_names(circle: Circle, tmp_path: Path) -> None:
    from click.testing import CliRunner

    from wuxin.cli import main

    file = tmp_path / "contract.json"
    contract = circle.contract(product, to=TO)
    file.write_bytes(circle.signed(contract, without="bank-a").json)
    folder = str(circle.nodes.folder / "bank-a")
    brought = Brought({}, ["1", "2", "3", "4"], None)
    own_table = contract.input("bank")
    keep(Path(folder), own_table, parts=circle.bank.shares("bank"), brought=brought, by_row=())
    run = CliRunner().invoke
    own = ["--package", "tests.joint"]
    said = run(main, ["joint", "check", str(file), *own])
    assert said.exit_code == 0, said.output
    assert "opens  positive i64[] (inside) to node-a, node-b, node-c" in said.output
    assert "bank-a (data_owner, user): has not signed" in said.output
    made = run(main, ["joint", "sign", str(file), "--party", "bank-a", "--folder", folder, *own])
    assert made.exit_code == 0, made.output
    assert read(file.read_bytes()).holds("bank-a")
    other = msgspec.structs.replace(own_table, budget=1.0)
    file.write_bytes(Signed(changed(contract, inputs=(other, *contract.inputs[1:]))).json)
    made = run(main, ["joint", "sign", str(file), "--party", "bank-a", "--folder", folder, *own])
    assert made.exit_code == 2
    assert "does not say of bank what was committed to here" in made.output
    foreign = run(main, ["joint", "check", str(file)])
    assert foreign.exit_code == 2
    assert "may run here" in foreign.output


def test_a_program_that_differs_on_one_node_is_refused_there(
    tmp_path: Path,
) -> None:
    with triple(tmp_path) as nodes:
        mixed = Circle(nodes)
        nodes.stop("node-b")
        nodes.restart("node-b", environment={"WUXIN_TEST_FACTOR": "2"})
        signed = mixed.signed(mixed.contract(changing, to={"total": ["bank-a"]}))
        propose(mixed, signed, node="node-a")
        with pytest.raises(Forbidden, match="compiles here to"):
            propose(mixed, signed, node="node-b")


def test_openings_are_compared_in_name_place_type_and_number() -> None:
    inside = Opening("flag", "inside", "i1[5]")
    contract = draft_with(inside)
    check_openings(contract, [inside])
    for other in (
        Opening("flag", "inside", "i1[6]"),
        Opening("flag", "inside", "i1[5]", many=True),
        Opening("flag", "result", "i1[5]"),
    ):
        with pytest.raises(Forbidden, match="opens flag"):
            check_openings(contract, [other])


def draft_with(opening: Opening) -> Contract:
    return Contract(
        purpose="x", parties=(), nodes=("a", "b", "c"), program="p:q", settings={},
        digest="0" * 64, inputs=(), openings=(Allowed(opening, ("a", "b", "c")),),
        not_before=0, expires=1,
    )  # fmt: skip


def test_a_stranger_can_write_nothing_into_evidence_that_nobody_reads_again(
    circle: Circle,
) -> None:
    node = circle.nodes.nodes[0]
    address = circle.nodes.party(node).control
    for asked in (
        {"do": "propose", "contract": "\u2028" * 9_000},
        {"do": "push", "contract": "f" * 64, "table": "bank"},
    ):
        with (
            Line(node, address, papers=circle.watch.papers, patience_s=60) as line,
            pytest.raises(Refused),
        ):
            line.ask(asked)
    faults: list[str] = []
    told = checked(circle.nodes.folder / node, faults)
    assert not faults
    assert told[-1].said["contract"] == "\u2028" * 64


def test_words_that_would_move_a_cursor_and_waits_of_nothing_are_no_contract(
    circle: Circle,
) -> None:
    contract = circle.contract(product, to=TO)
    for field, value in (("purpose", "a\x1b[2J"), ("purpose", "a\nopens  nothing"), ("wait_s", 0)):
        with pytest.raises(BadInput, match="not a computation contract"):
            read(Signed(changed(contract, **{field: value})).json)
