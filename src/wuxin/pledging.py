"""Where the counter of pledges meets the registry of several banks.

    order "pledge" ─► asked at the registry ─► the answer stands in the order ─► journal
    released, repaid, sold ─► withdrawn there;   not reached, marked ─► asked again, put on record

The gate is of the joint wing and optional: without the setting ``pledge_registry`` nobody is asked.
"""

import logging
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

import msgspec
from msgspec.structs import replace

from wuxin.finance import pools
from wuxin.finance.keeper_bodies import PledgeThing, grams, identities
from wuxin.finance.pledges import Pledge
from wuxin.home import Home
from wuxin.terms.beside import Beside
from wuxin.terms.clock import SECOND, Clock
from wuxin.terms.counter import read
from wuxin.terms.errors import BadInput, Conflict, Refused
from wuxin.terms.names import thing_key
from wuxin.terms.pledging import Claim, Elsewhere, GoodsNumber, PledgeGate
from wuxin.terms.records import Command

PLEDGE: Final = "pledge"
ANSWER: Final = "registry_answer"
WHO: Final = "core_system:pledge-registry"
EVERY_S: Final = 60.0
"""How often releases are carried over."""

AGAIN: Final = 600 * SECOND
"""How often (ns) what is not clear is asked again."""

_LOG: Final = logging.getLogger("wuxin.pledging")


class Doorkeeper(Beside):
    """Stands at a home's counter of pledges; see :class:`wuxin.home.Doorkeeper`.

    Args:
        home: whose.
        gate: the way to the registry.
    """

    def __init__(self, home: Home, gate: PledgeGate) -> None:
        super().__init__("pledging")
        self._home, self._gate = home, gate
        self._asked_at = 0
        self._pending = set[str]()  # entered there, and on its way here
        home.doorkeeper = self

    def before(self, command: Command) -> Command:
        """A pledge, with what the registry says of it; any other order as it is."""
        if command.do != PLEDGE or not self._is_new(command):
            return command
        claim = _ordered(command)
        if claim is None:
            return command
        self._pending.add(claim.pledge)
        said = self._gate.lodge(claim)
        return replace(command, body={**command.body, "elsewhere": msgspec.to_builtins(said)})

    def after(self, command: Command, *, accepted: bool) -> None:
        """Take a pledge out of the registry that was not entered here."""
        if command.do == PLEDGE and "elsewhere" in command.body:
            name = _name(command.facility, str(command.body["thing"]))
            if not accepted:
                self._gate.withdraw(name)
            self._pending.discard(name)

    def carry(self) -> int:
        """Withdraw what stands behind no loan any more; returns how much was withdrawn."""
        with self._home.standing():
            standing = {name for name, _ in held(self._home)} | self._pending
        over = self._gate.lodged() - standing
        return sum(self._gate.withdraw(name) for name in sorted(over))

    def ask_again(self) -> int:
        """Ask about what was never asked or is not clear; returns how many answers are new."""
        lodged, asking = self._gate.lodged(), []
        with self._home.standing() as flow:
            answers = flow.bank.keeper.elsewhere
            for name, pledge in held(self._home):
                last = answers.last(pledge.id)
                if last is None or last.state != "clear" or name not in lodged:
                    asking.append((name, pledge, last))
        fresh = 0
        for name, pledge, last in asking:
            said = self._gate.lodge(_standing(name, pledge))
            if last is None or (said.state, said.by) != (last.state, last.by):
                _tell(self._home, pledge, said=said)
                fresh += 1
        return fresh

    def _run(self) -> None:
        while not self._end.wait(EVERY_S):
            try:
                self.carry()
                now = self._home.clock()
                if now >= self._asked_at + AGAIN:
                    self._asked_at = now
                    self.ask_again()
            except Refused as stopped:
                _LOG.error("pledges were not carried over to the registry: %s", stopped)

    def _is_new(self, command: Command) -> bool:
        """Whether the order has not been obeyed, and its thing is not entered already."""
        with self._home.standing() as flow:
            try:
                if flow.bank.done(command) is not None:
                    return False
            except Conflict:
                return False
            name = _name(command.facility, str(command.body.get("thing")))
            return name not in {standing for standing, _ in held(self._home)}


def held(home: Home) -> Iterator[tuple[str, Pledge]]:
    """The pledges in force that have numbers of their own, by their names at the registry."""
    for account in home.flow.bank.desk.accounts.values():
        source = home.flow.sources.get(account.source)
        at = max(source.watermark, source.told) if source else home.clock()
        for thing, pledge in pools.held(account, at).items():
            if not pools.is_automatic(pledge):
                yield _name(account.terms.id, str(thing)), pledge


def book(home: Home) -> list[Claim]:
    """All that stands behind loans, as other banks could know it: for the nightly check."""
    with home.standing():
        return [_standing(name, pledge) for name, pledge in held(home)]


def found_elsewhere(home: Home, by: Mapping[str, Sequence[str]], *, now: int) -> list[str]:
    """Put on record what the nightly check over several banks has found (夜间核对).

    Args:
        home: whose.
        by: what another bank has too, by the pledge's name.
        now: ns.

    Returns:
        The names of the pledges that still stand; each now has a finding that speaks against it.
    """
    with home.standing():
        standing = dict(held(home))
    told = [name for name in by if name in standing]
    for name in told:
        said = Elsewhere("held", "mark", now, tuple(by[name]))
        _tell(home, standing[name], said=said)
    return told


def gate_of(file: Path | None, clock: Clock) -> PledgeGate | None:
    """The gate that the settings name; None where they name none.

    Raises:
        BadInput: the optional extra is not installed, or the gate's settings are wrong.
    """
    if file is None:
        return None
    from wuxin.joint.extra import need  # noqa: PLC0415 - the extra is optional

    need("rbcl")
    from wuxin.joint.registry.gate import Gate  # noqa: PLC0415 - the same

    return Gate.of(file, clock=clock)


def _tell(home: Home, pledge: Pledge, *, said: Elsewhere) -> None:
    source = home.flow.sources[home.flow.bank.source_of(pledge.facility)]
    at = max(home.clock(), source.watermark, source.told + 1)
    if source.decoder is None:
        at = max(source.watermark, source.told + 1)
    body = {"thing": str(pledge.thing), "elsewhere": msgspec.to_builtins(said)}
    home.order(Command(ANSWER, at, WHO, pledge.facility, body, "core_system"))


def _name(facility: str, thing: str) -> str:
    return f"{facility}/{thing}"


def _ordered(command: Command) -> Claim | None:
    """The claim of an order; None where the order cannot be meant, which its counter will say."""
    try:
        said = read(command.body, PledgeThing, do=command.do)
        known = identities(said.identities)
        thing = str(thing_key(said.thing))
        weight = grams(said.weight, said.unit)
    except BadInput:
        return None
    numbers = tuple(GoodsNumber(one.scheme, one.value, one.issuer) for one in known)
    place = said.place
    return Claim(
        _name(command.facility, thing), numbers, tuple(said.documents), place.latitude,
        place.longitude, weight, said.lien or 1, bool(said.junior),
    )  # fmt: skip


def _standing(name: str, pledge: Pledge) -> Claim:
    """The claim of a pledge that stands."""
    numbers = tuple(GoodsNumber(one.scheme, one.value, one.issuer) for one in pledge.identities)
    place = pledge.place
    return Claim(
        name, numbers, tuple(pledge.documents), place.latitude_deg, place.longitude_deg,
        pledge.weight_g, pledge.lien, pledge.junior,
    )  # fmt: skip
