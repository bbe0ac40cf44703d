"""Whether what the nodes put on record is a run as the contract wanted it.

This is the second half of ``wuxin verify``: the first shows that the records are those that were
logged, this one that they say what they should, and that the three nodes say the same.
"""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from wuxin.joint.budget import Budgets
from wuxin.joint.contract import Contract, Signed, from_plain
from wuxin.joint.node import push_statement
from wuxin.joint.refusals import check_form, check_signatures
from wuxin.terms.errors import Refused


class Told(NamedTuple):
    """One record of one node: what kind, when (ns), and what it says."""

    node: str
    kind: str
    at: int
    said: Mapping[str, Any]


class Proved(NamedTuple):
    """One contract's run: how it ended, who did, and what is wrong with the records of it."""

    contract: str
    purpose: str
    outcome: str
    why: str
    nodes: tuple[str, ...]
    opened: tuple[str, ...]
    faults: tuple[str, ...]


def proved(records: Iterable[Told]) -> list[Proved]:
    """All runs in the records of one or several nodes, in the order they began."""
    by_contract: dict[str, list[Told]] = {}
    by_node: dict[str, list[Told]] = {}
    for each in records:
        if each.kind != "joint-refusal":
            by_contract.setdefault(str(each.said.get("contract")), []).append(each)
            by_node.setdefault(each.node, []).append(each)
    over = {node: _overspent(told) for node, told in by_node.items()}
    return [_one(contract, told, over=over) for contract, told in by_contract.items()]


def cheated(contract: Contract, said: Mapping[str, Any]) -> bool:
    """Whether a record of kind ``joint-cheat`` shows that a party broke its commitment.

    It does where the party's own signature stands under shares that are not those of the contract;
    no node can make such a record by itself.
    """
    table, rank = contract.input(str(said["table"])), int(said["rank"])
    agreed = [table.parts[rank], table.parts[(rank + 1) % 3]]
    stated = push_statement(
        contract.id, rank, table=table.table, commitments=[str(each) for each in said["sent"]]
    )
    try:
        key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(contract.party(table.party).key))
        key.verify(bytes.fromhex(str(said["signature"])), stated)
    except (InvalidSignature, ValueError):
        return False
    return list(said["sent"]) != agreed and said["party"] == table.party


def _overspent(told: list[Told]) -> dict[str, str]:
    """The contracts that a node started though a table's privacy budget was spent, with why."""
    found, budgets = dict[str, str](), Budgets()
    known: dict[str, Contract] = {}
    for each in told:
        try:
            if each.kind == "joint-contract":
                known[each.said["contract"]] = from_plain(each.said["signed"]).contract
            elif each.kind == "joint-start" and each.said["contract"] in known:
                budgets.check(known[each.said["contract"]])
                budgets.spend(known[each.said["contract"]])
        except Refused as wrong:
            found[str(each.said["contract"])] = str(wrong)
    return found


def _one(contract: str, told: list[Told], *, over: Mapping[str, Mapping[str, str]]) -> Proved:
    nodes = tuple(dict.fromkeys(each.node for each in told))
    faults = [f"{node}: {over[node][contract]}" for node in nodes if contract in over.get(node, {})]
    signed = _contract(contract, told, faults=faults)
    if signed is not None:
        for node in nodes:
            _node(signed, [each for each in told if each.node == node], node=node, faults=faults)
        _together(signed, told, faults=faults)
    ends = [each for each in told if each.kind == "joint-end"]
    failed = [each for each in ends if each.said["outcome"] != "done"]
    outcome = "failed" if failed else "done" if ends else "not ended"
    opened = sorted(
        f"{each.said['name']} → {each.said['to']}" for each in told if each.kind == "joint-opening"
    )
    return Proved(
        contract, signed.contract.purpose if signed else "", outcome,
        str(failed[0].said["why"]) if failed else "", nodes, tuple(dict.fromkeys(opened)),
        tuple(faults),
    )  # fmt: skip


def _contract(contract: str, told: list[Told], *, faults: list[str]) -> Signed | None:
    """The contract on record, its digest and signatures checked."""
    for each in told:
        if each.kind == "joint-contract":
            try:
                signed = from_plain(each.said["signed"])
                check_form(signed.contract)
                check_signatures(signed)
            except Refused as wrong:
                faults.append(f"{each.node}: {wrong}")
                continue
            if signed.contract.id != contract:
                faults.append(f"{each.node}: the contract on record is not {contract[:12]}")
                continue
            return signed
    faults.append(f"no contract {contract[:12]} is on record with its signatures")
    return None


def _node(signed: Signed, told: list[Told], *, node: str, faults: list[str]) -> None:
    """One node's records: in order, within the contract's time, and nothing it does not say."""
    contract = signed.contract
    if node not in contract.nodes:
        faults.append(f"{node} is no node of {contract.id[:12]}")
        return
    done: dict[str, list[Told]] = {}
    checks = {
        "joint-input": _input, "joint-start": _start, "joint-opening": _opening, "joint-end": _end,
        "joint-cheat": _cheat,
    }  # fmt: skip
    for each in told:
        check = checks.get(each.kind)
        if wrong := check(contract, each, before=done) if check else "":
            faults.append(f"{node}: {wrong}")
        done.setdefault(each.kind, []).append(each)


_Before = Mapping[str, list[Told]]


def _input(contract: Contract, told: Told, *, before: _Before) -> str:
    del before
    table, rank = contract.input(told.said["table"]), contract.nodes.index(told.node)
    held = [table.parts[rank], table.parts[(rank + 1) % 3]]
    right = told.said["parts"] == held and told.said["party"] == table.party
    return "" if right else f"its shares of {table.table} are not those committed to"


def _start(contract: Contract, told: Told, *, before: _Before) -> str:
    inputs = {one.said["table"] for one in before.get("joint-input", ())}
    if inputs != {one.table for one in contract.inputs}:
        return "it started without all inputs"
    rank = contract.nodes.index(told.node)
    if told.said["program"] != contract.digest or told.said["rank"] != rank:
        return "it started another program, or in another place"
    if not contract.not_before <= told.at < contract.expires:
        return "it started outside of the contract's time"
    return "it started twice" if "joint-start" in before else ""


def _opening(contract: Contract, told: Told, *, before: _Before) -> str:
    name, receiver = told.said["name"], told.said["to"]
    to = {one.opening.name: one.to for one in contract.openings}
    if not any(one.said["outcome"] == "done" for one in before.get("joint-end", ())):
        return f"it opened {name} before the end"
    return "" if receiver in to.get(name, ()) else f"it gave {name} to {receiver}, unlisted"


def _cheat(contract: Contract, told: Told, *, before: _Before) -> str:
    del before
    known = cheated(contract, told.said)
    return "" if known else f"it accuses {told.said['party']} without that party's signature"


def _end(contract: Contract, told: Told, *, before: _Before) -> str:
    del contract
    if told.said["outcome"] == "done" and "joint-start" not in before:
        return "it ended a run that it did not start"
    return ""


def _parts(results: Any, name: str) -> list[Any]:
    """The digests of both parts of a result, none where it was public or the record is not one."""
    found = results.get(name) if isinstance(results, dict) else None
    return list(found) if isinstance(found, list) and len(found) in (0, 2) else ["?", name]


def _together(signed: Signed, told: list[Told], *, faults: list[str]) -> None:
    """What two nodes both held of a result must be the same on both records."""
    contract = signed.contract
    ends = {
        each.node: each.said["results"]
        for each in told
        if each.kind == "joint-end" and each.said["outcome"] == "done"
    }
    for rank, node in enumerate(contract.nodes):
        other = contract.nodes[(rank + 1) % 3]
        if node in ends and other in ends:
            faults += [
                f"{node} and {other} held different parts of {name}"
                for name in {**ends[node], **ends[other]}
                if _parts(ends[node], name)[-1:] != _parts(ends[other], name)[:1]
            ]
