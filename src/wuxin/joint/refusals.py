"""What a node holds against a contract before it takes part in anything.

Each check raises on the first thing that is wrong, in one sentence. Parties run the same checks
before they sign, except for those on signatures.
"""

from collections.abc import Iterable

from wuxin.joint.contract import Contract, Signed
from wuxin.joint.listing import Opening
from wuxin.joint.program import Compiled, Program
from wuxin.joint.schema import flat
from wuxin.terms.clock import iso
from wuxin.terms.errors import BadInput, Forbidden

_TERMS = ("minimum_group", "epsilon")


def check_signatures(signed: Signed) -> None:
    """Refuse a contract that not all of its parties, or others than they, have signed.

    Raises:
        Forbidden: a signature is missing, wrong or a stranger's.
    """
    contract = signed.contract
    names = {party.name for party in contract.parties}
    if strangers := sorted(set(signed.signatures) - names):
        raise Forbidden(f"{', '.join(strangers)} signed the contract and is no party to it")
    for party in contract.parties:
        if party.name not in signed.signatures:
            raise Forbidden(f"the signature of {party.name} is missing under {contract.id[:12]}")
        if not signed.holds(party.name):
            raise Forbidden(
                f"the signature of {party.name} does not hold: the contract was changed after it "
                "was signed, or another key was used"
            )


def check_time(contract: Contract, now: int) -> None:
    """Refuse a contract that is not yet, or no longer, in force at ``now`` (ns).

    Raises:
        Forbidden: it begins later, or has expired.
    """
    if now < contract.not_before:
        raise Forbidden(f"the contract {contract.id[:12]} begins at {iso(contract.not_before)}")
    if now >= contract.expires:
        raise Forbidden(f"the contract {contract.id[:12]} expired at {iso(contract.expires)}")


def check_form(contract: Contract) -> None:
    """Refuse a contract whose parts do not fit together.

    Raises:
        BadInput: the sentence says which.
    """
    names = [party.name for party in contract.parties]
    if len(set(names)) != len(names):
        raise BadInput("two parties of the contract have one name")
    if len({party.key for party in contract.parties}) != len(names):
        raise BadInput("two parties of the contract have one key")
    if contract.expires <= contract.not_before:
        raise BadInput("the contract expires before it begins")
    if len(set(contract.nodes)) != 3:
        raise BadInput("a contract has three different nodes")
    for name in contract.nodes:
        node = contract.party(name)
        if "node" not in node.roles or not node.control or not node.link:
            raise BadInput(f"{name} is to compute, but has not the role or addresses of a node")
    tables = [each.table for each in contract.inputs]
    if not tables or len(set(tables)) != len(tables):
        raise BadInput("a contract has at least one table, and each name once")
    for each in contract.inputs:
        if "data_owner" not in contract.party(each.party).roles:
            raise BadInput(f"{each.party} brings {each.table} and is no data owner")
    flat(contract.schema)
    _recipients(contract)


def check_program(contract: Contract, program: Program, *, compiled: Compiled) -> None:
    """Refuse a program that is not the one agreed on, or opens what was not.

    Args:
        contract: what all signed.
        program: what this party has under the program's name.
        compiled: what it has just compiled from it.

    Raises:
        Forbidden: the digest differs, or an opening is not listed, or a listed one is not there.
    """
    check_terms(contract, program)
    if compiled.digest != contract.digest:
        raise Forbidden(
            f"the program {contract.program} compiles here to {compiled.digest[:12]}, the contract "
            f"says {contract.digest[:12]}: it was changed, or another version is installed"
        )
    check_openings(contract, compiled.openings)


def check_terms(contract: Contract, program: Program) -> None:
    """Refuse terms that limit results and are not both of the contract and of the program.

    Raises:
        BadInput: a term is given as a setting.
        Forbidden: the program does not keep to a term, or the contract does not set it.
    """
    for term in _TERMS:
        if term in contract.settings:
            raise BadInput(f"{term} is a term of the contract and no setting of the program")
        asked, has = bool(getattr(contract, term)), term in program.settings
        if asked and not has:
            raise Forbidden(f"the contract sets {term}, which {program.name} does not keep to")
        if has and not asked:
            raise Forbidden(f"{program.name} has a {term}, and the contract does not set it")


def check_openings(contract: Contract, found: Iterable[Opening]) -> None:
    """Refuse openings that the contract does not list, and a list of others than there are.

    Raises:
        Forbidden: the sentence names the opening.
    """
    listed, there = {each.opening for each in contract.openings}, set(found)
    for opening in sorted(there - listed, key=lambda each: each.name):
        raise Forbidden(
            f"the program opens {opening.name} ({opening.type}, {opening.where}"
            f"{', in a loop' if opening.many else ''}), which the contract does not list"
        )
    for opening in sorted(listed - there, key=lambda each: each.name):
        raise Forbidden(f"the contract lists the opening {opening.name}, which the program has not")


def _recipients(contract: Contract) -> None:
    listed = [each.opening.name for each in contract.openings]
    if len(set(listed)) != len(listed):
        raise BadInput("the contract lists an opening twice")
    for each in contract.openings:
        for name in each.to:
            contract.party(name)
        unsaid = set(contract.nodes) - set(each.to)
        if each.opening.where != "result" and unsaid:
            raise BadInput(
                f"{each.opening.name} is opened to all nodes, and the contract does not say that "
                f"{', '.join(sorted(unsaid))} will see it"
            )
        if not each.to:
            raise BadInput(f"nobody is to receive {each.opening.name}")
