"""Who has the goods: an unbroken chain of handing over and taking over, with seals and weights."""

from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import Final, Literal, NamedTuple

import numpy as np

from wuxin.packs.logistics.figures import of_day
from wuxin.terms.clock import HOUR, SECOND, iso
from wuxin.terms.names import ThingKey
from wuxin.terms.records import Words
from wuxin.terms.standards import DayView, Derived

OPEN: Final = 24 * HOUR
"""How long (ns) goods may be handed over and not yet taken over."""

HISTORY: Final = 45


class Handover(NamedTuple):
    """One act of custody: when (ns), what, by whom, to whom (of a hand-over), seal, weight (kg)."""

    at: int
    what: Literal["gives", "takes"]
    party: str
    to: str = ""
    seal: str = ""
    weight: Decimal | None = None


class Gap(NamedTuple):
    """A break of the chain: when (ns), kind, who was meant and who came, in words."""

    at: int
    kind: str
    words: Words


class Chain(NamedTuple):
    """Who has the goods now (empty: nobody), since when (ns) they wait to be taken, the breaks."""

    holder: str
    waits_since: int | None
    gaps: tuple[Gap, ...]


def follow(
    acts: Iterable[Handover], *, first: str, at: int, tolerance: Decimal = Decimal("0.005"),
    patience: int = OPEN,
) -> Chain:  # fmt: skip
    """Follow the custody of goods from their first holder.

    Args:
        acts: in any order.
        first: who had them at first.
        at: the moment (ns) to which the chain is followed.
        tolerance: share by which the weight may differ between giving and taking.
        patience: how long (ns) they may be given and not taken.

    Returns:
        The holder, and each break: ``given_by_other`` (who gives does not have them),
        ``taken_by_other`` (who takes is not who was named), ``taken_unasked`` (nobody gave),
        ``seal_changed``, ``weight_lost``, ``not_taken`` (in time).

    Source: the particulars of a custody transfer: ISO 22095:2020, 4 (chain of custody); seals:
    ISO 17712:2013.
    """
    holder, given, gaps = first, None, list[Gap]()
    for act in sorted((a for a in acts if a.at <= at), key=lambda a: (a.at, a.what == "takes")):
        if act.what == "gives":
            if act.party != holder:
                gaps.append(_gap(act, "given_by_other", meant=holder, came=act.party))
            if given is not None:
                gaps.append(_gap(act, "not_taken", meant=given.to, came=act.to))
            given = act
            continue
        gaps += _taking(act, given, tolerance=tolerance)
        holder, given = act.party, None
    if given is not None and at - given.at > patience:
        gaps.append(_gap(given, "not_taken", meant=given.to, came=""))
    return Chain(holder, None if given is None else given.at, tuple(gaps))


def _taking(act: Handover, given: Handover | None, *, tolerance: Decimal) -> list[Gap]:
    """What is wrong with one taking over."""
    if given is None:
        return [_gap(act, "taken_unasked", meant="", came=act.party)]
    gaps = []
    if given.to and given.to != act.party:
        gaps.append(_gap(act, "taken_by_other", meant=given.to, came=act.party))
    if given.seal and act.seal != given.seal:
        gaps.append(_gap(act, "seal_changed", meant=given.seal, came=act.seal))
    weights = (given.weight, act.weight)
    if given.weight and act.weight is not None and act.weight < given.weight * (1 - tolerance):
        gaps.append(_gap(act, "weight_lost", meant=f"{weights[0]} kg", came=f"{weights[1]} kg"))
    return gaps


_SAYS: Final = {
    "given_by_other": ("交出者并非保管人", "given by who did not have it"),
    "taken_by_other": ("接收者并非指定人", "taken by another than named"),
    "taken_unasked": ("无人交出即被接收", "taken though nobody gave it"),
    "seal_changed": ("封签不符", "the seal is another"),
    "weight_lost": ("重量短少", "weight was lost"),
    "not_taken": ("交出后未被接收", "given and not taken"),
}


def _gap(act: Handover, kind: str, *, meant: str, came: str) -> Gap:
    zh, en = _SAYS[kind]
    when = iso(act.at)[:16]
    return Gap(act.at, kind, Words(f"{when} {zh}：应为 {meant or '无'}，实为 {came or '无'}",
                                   f"{when} {en}: {meant or 'nobody'} meant, {came or 'nobody'} "
                                   "came"))  # fmt: skip


def custody_day(view: DayView) -> list[Derived]:
    """Derive the breaks of each shipment's chain within 45 days, and how long it waits to be taken.

    Parties and seals are numbers of the register of parties and of seals.
    """
    found: list[Derived] = []
    for shipment in view.of("shipment"):
        acts = list(_acts(view, shipment))
        first = view.facts(shipment).get("first_holder")
        if not acts or first is None:
            continue
        chain = follow(acts, first=f"{first:g}", at=view.end - 1)
        waits = 0.0 if chain.waits_since is None else (view.end - chain.waits_since) / SECOND
        holder = float(chain.holder) if chain.holder else None
        found += of_day(
            view, shipment, custody_breaks=float(len(chain.gaps)),
            custody_open_time=waits, custodian=holder,
        )  # fmt: skip
    return found


def _acts(view: DayView, shipment: ThingKey) -> Iterator[Handover]:
    """What was told of the custody of a shipment; readings of one moment belong together."""
    told = {
        name: view.series(shipment, name, days=HISTORY)
        for name in ("given_by", "given_to", "taken_by", "seal_number", "custody_weight")
    }

    def at(name: str, when: int) -> str:
        rows = np.flatnonzero(told[name].t == when)
        return f"{told[name].v[rows[-1]]:g}" if len(rows) else ""

    for what, name in (("gives", "given_by"), ("takes", "taken_by")):
        for when, party in zip(told[name].t.tolist(), told[name].v.tolist(), strict=True):
            weight = at("custody_weight", when)
            yield Handover(
                when, "gives" if what == "gives" else "takes", f"{party:g}",
                at("given_to", when) if what == "gives" else "", at("seal_number", when),
                Decimal(weight) if weight else None,
            )  # fmt: skip
