"""The things that stand behind a facility: kept in the register, released, and exchanged.

What lies below a pool's root is pledged when the facility is opened and as it comes; a thing that
is pledged elsewhere is none of the pool. Equal things cannot stand behind two facilities of one
rank, whatever comes first.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from wuxin.finance.account import Account
from wuxin.finance.identity import Identity
from wuxin.finance.pledges import Contest, Place, Pledge, Register
from wuxin.terms.errors import Conflict
from wuxin.terms.names import ThingKey
from wuxin.terms.records import Cause, Measured
from wuxin.terms.standards import TwinReader, Witness
from wuxin.terms.written import canonical_text

AUTOMATIC: Final = "WUXIN:"
"""Issuer of the identity of a thing that is known by its name in Wuxin alone."""


class Pool:
    """The twin as a valuer sees it: of the pool only what is pledged for it."""

    def __init__(self, twin: TwinReader, account: Account, *, members: Iterable[ThingKey]) -> None:
        self._twin, self._members = twin, set(members)
        self._pool = (account.terms.root, account.terms.kind)

    def within(self, root: ThingKey, kind: str) -> Sequence[ThingKey]:
        """The things of one kind at or below a root."""
        found = self._twin.within(root, kind)
        if (root, kind) != self._pool:
            return found
        beside = sorted(self._members.difference(found))
        return [*(thing for thing in found if thing in self._members), *beside]

    def latest(self, thing: ThingKey, indicator: str) -> Measured | None:
        """The latest usable value of an indicator."""
        return self._twin.latest(thing, indicator)

    def facts(self, thing: ThingKey) -> Mapping[str, float]:
        """The registered facts of a thing."""
        return self._twin.facts(thing)

    def causes(self, measured: Measured) -> tuple[Cause, ...]:
        """The frames and lines behind a value."""
        return self._twin.causes(measured)

    def above(self, thing: ThingKey) -> Sequence[ThingKey]:
        """The things that a thing stands within."""
        return self._twin.above(thing)

    def witnesses(self, thing: ThingKey) -> Sequence[Witness]:
        """The devices that speak for a thing."""
        return self._twin.witnesses(thing)


def held(account: Account, at: int) -> dict[ThingKey, Pledge]:
    """What is pledged for a facility at a moment (ns), by thing."""
    found = account.books.register.in_force(at=at, facility=account.terms.id)
    return {pledge.thing: pledge for pledge in found}


def admit(
    account: Account, twin: TwinReader, *, at: int, known: int
) -> dict[ThingKey, tuple[Contest, ...]]:
    """Pledge what has come into the pool, and return what is pledged elsewhere, by whom.

    Things that were once released from this facility do not come back by themselves.
    """
    register, terms = account.books.register, account.terms
    there = twin.within(terms.root, terms.kind)
    was = account.members
    contested: dict[ThingKey, tuple[Contest, ...]] = {}
    if was.issuperset(there):
        return contested
    now = held(account, at)
    released = {e.pledge.thing for e in register.of(terms.id) if e.do == "release"}
    for thing in there:
        if thing in now or (thing in released and thing not in was):
            continue
        above = twin.above(thing)
        pledge = automatic(account, thing, at=at, place=str(above[0]) if above else str(terms.root))
        if contests := register.contests(pledge):
            contested[thing] = contests
            continue
        register.claim(pledge, known=known)
        now[thing] = pledge
    account.members = frozenset(now)
    return contested


def automatic(account: Account, thing: ThingKey, *, at: int, place: str) -> Pledge:
    """The entry of a thing of which nothing more is known than that it is in the pool."""
    terms = account.terms
    number = Identity("serial", f"{AUTOMATIC}{thing.kind}", canonical_text(thing.id) or thing.id)
    name = stem = f"{terms.id}/{thing}"
    again = 1
    while name in account.books.register:
        again += 1
        name = f"{stem}/{again}"
    return Pledge(
        id=name, facility=terms.id, thing=thing,
        identities=(number,), owner=terms.obligor, custodian="", begins=at, place=Place(place),
        lien=terms.lien, junior=terms.junior,
    )  # fmt: skip


def is_automatic(pledge: Pledge) -> bool:
    """Whether nothing more is known of a pledged thing than that it is in the pool."""
    return all(number.issuer.startswith(AUTOMATIC) for number in pledge.identities)


def release(
    account: Account, things: Iterable[ThingKey], *, at: int, known: int, why: str
) -> list[str]:
    """Release things from a facility; returns the ids of their entries.

    Raises:
        Conflict: one of them is not pledged for it.
    """
    now, released = held(account, at), []
    for thing in things:
        if thing not in now:
            raise Conflict(f"{thing} is not pledged for facility {account.terms.id!r}")
        pledge = now[thing]
        account.books.register.release(pledge.id, at=max(at, pledge.begins), known=known, why=why)
        released.append(pledge.id)
    account.members = account.members.difference(things)
    return released


def seniors(account: Account, register: Register, *, at: int) -> set[str]:
    """The facilities of a better rank on any of the things of this one."""
    found: set[str] = set()
    if account.terms.lien > 1:
        for pledge in held(account, at).values():
            for number in pledge.identities:
                holders = register.holders(number, at=at)
                found |= {one.facility for one in holders if one.lien < pledge.lien}
    return found


def plain_contest(contests: Iterable[Contest]) -> dict[str, Any]:
    """Who holds a contested thing, as it stands in an act."""
    return {"held_by": ", ".join(sorted({one.earlier.facility for one in contests}))}
