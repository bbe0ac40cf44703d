"""Spare and short capacity of factories, matched: the counter at which both are registered.

    offer_capacity ─┐
                    ├─► match_capacity ─► capacity_matched, one act for each order placed or not
    seek_capacity ──┘

What :mod:`wuxin.finance.matching` decides is explained in figures, of each order and each offer.
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

import msgspec

from wuxin.finance.matching import OfferCapacity, Placed, SeekCapacity, Standing, fits, match
from wuxin.terms.clock import iso, moment
from wuxin.terms.counter import Now, Order, Said, Silent, told
from wuxin.terms.errors import BadInput, Conflict
from wuxin.terms.money import money
from wuxin.terms.names import Tenant
from wuxin.terms.records import Act, Cause, Command, Words

_CENT: Final = Decimal("0.01")
_MOST: Final = 500
_BANK: Final = ("relationship_manager", "core_system")
_BY: Final = (*_BANK, "borrower")


class WithdrawCapacity(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An offer or an order that stands no longer."""

    id: str


class MatchCapacity(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Match all that stands at this moment; what is placed is taken off both sides."""


class Capacity(Silent):
    """The counter of spare and short capacity of one bank's customers."""

    name = "capacity"

    def __init__(self, tenant: Tenant) -> None:
        self.tenant = tenant
        self._offers: dict[str, tuple[OfferCapacity, Cause]] = {}
        self._needs: dict[str, tuple[SeekCapacity, Cause]] = {}

    @property
    def orders(self) -> Mapping[str, Order]:
        """What it obeys."""
        return {
            "offer_capacity": Order(
                OfferCapacity, self.offer, _BY, Words("登记空余产能", "offer spare capacity"),
                of="bank"),
            "seek_capacity": Order(
                SeekCapacity, self.seek, _BY, Words("登记短缺产能", "seek capacity"), of="bank"),
            "withdraw_capacity": Order(
                WithdrawCapacity, self.withdraw, _BY, Words("撤回产能登记", "withdraw capacity"),
                of="bank"),
            "match_capacity": Order(
                MatchCapacity, self.match, _BANK,
                Words("撮合产能", "match capacity"), of="bank"),
        }  # fmt: skip

    @property
    def standing(self) -> Standing:
        """What is registered and not placed yet."""
        return Standing([o for o, _ in self._offers.values()], [n for n, _ in self._needs.values()])

    def factory_of(self, name: str) -> str:
        """Whose offer or order that is; empty where none of this id stands."""
        held = self._offers.get(name) or self._needs.get(name)
        return held[0].factory if held else ""

    def offer(self, command: Command, said: OfferCapacity, *, now: Now) -> list[Said]:
        """Register spare hours.

        Raises:
            BadInput: hours, price, times or reliability cannot be meant.
            Conflict: the id is taken, or too much stands.
        """
        _check(said, said.free_from, end=said.free_until)
        self._free(said.id)
        self._offers[said.id] = said, told(command)[0]
        return [
            self._act(
                "capacity_offered", now, command=command, figures=msgspec.structs.asdict(said)
            )
        ]

    def seek(self, command: Command, said: SeekCapacity, *, now: Now) -> list[Said]:
        """Register an order that waits; see :meth:`offer` for what is raised."""
        _check(said, said.begins, end=said.due)
        if not 1 <= said.parts <= 10:
            raise BadInput("parts are 1 to 10")
        self._free(said.id)
        self._needs[said.id] = said, told(command)[0]
        return [
            self._act("capacity_sought", now, command=command, figures=msgspec.structs.asdict(said))
        ]

    def withdraw(self, command: Command, said: WithdrawCapacity, *, now: Now) -> list[Said]:
        """Take off what stands.

        Raises:
            BadInput: nothing of this id stands.
        """
        if said.id not in self._offers and said.id not in self._needs:
            raise BadInput(f"no offer or order {said.id!r} stands")
        self._offers.pop(said.id, None)
        self._needs.pop(said.id, None)
        return [self._act("capacity_withdrawn", now, command=command, figures={"id": said.id})]

    def match(self, command: Command, said: MatchCapacity, *, now: Now) -> list[Said]:
        """Match what stands, and say of each order where it is placed or why it is not."""
        del said
        standing = self.standing
        placed = match(standing)
        left = [offer.hours for offer in standing.offers]
        for one in placed:
            left[one.offer] -= one.hours
        acts: list[Said] = []
        for n, need in enumerate(standing.needs):
            own = [p for p in placed if p.need == n]
            figures = (
                _placed(need, own, standing=standing)
                if own
                else _waiting(need, standing, left=left)
            )
            kind = "capacity_matched" if own else "capacity_waiting"
            causes = [self._needs[need.id][1]]
            causes += [self._offers[standing.offers[p.offer].id][1] for p in own]
            acts.append(self._act(kind, now, command=command, figures=figures, because=causes))
            if own:
                del self._needs[need.id]
        for o, offer in enumerate(standing.offers):
            cause = self._offers[offer.id][1]
            if left[o] == 0:
                del self._offers[offer.id]
            else:
                self._offers[offer.id] = msgspec.structs.replace(offer, hours=left[o]), cause
        return acts

    def freeze(self) -> Any:
        """What stands, as plain values."""
        return msgspec.to_builtins([[*self._offers.values()], [*self._needs.values()]])

    def thaw(self, kept: Any) -> None:
        """Take over what :meth:`freeze` gave."""
        offers = msgspec.convert(kept[0], list[tuple[OfferCapacity, Cause]])
        needs = msgspec.convert(kept[1], list[tuple[SeekCapacity, Cause]])
        self._offers = {o.id: (o, c) for o, c in offers}
        self._needs = {n.id: (n, c) for n, c in needs}

    def _free(self, name: str) -> None:
        if name in self._offers or name in self._needs:
            raise Conflict(f"{name!r} stands already")
        if max(len(self._offers), len(self._needs)) >= _MOST:
            raise Conflict(f"{_MOST} stand already; match or withdraw some first")

    def _act(
        self, kind: str, now: Now, *, command: Command, figures: Mapping[str, Any],
        because: Sequence[Cause] = (),
    ) -> Act:  # fmt: skip
        return Act(
            tenant=self.tenant, kind=kind, facility="", mandate=command.by, at=now.at,
            figures={name: str(value) for name, value in figures.items()},
            because=(*told(command), *because),
        )  # fmt: skip


def _check(said: OfferCapacity | SeekCapacity, start: str, *, end: str) -> None:
    """Refuse what cannot be meant."""
    if not (said.id and said.factory and said.skill):
        raise BadInput("id, factory and skill are not empty")
    if not 1 <= said.hours <= 100_000:
        raise BadInput("hours are 1 to 100,000")
    if not 0 <= said.reliability <= 100:
        raise BadInput("reliability is 0 to 100 %")
    if money(said.price, said.currency).amount <= 0:
        raise BadInput("a price is above zero")
    if moment(start) >= moment(end):
        raise BadInput(f"{iso(moment(start))} is not before {iso(moment(end))}")


def _placed(need: SeekCapacity, own: Sequence[Placed], *, standing: Standing) -> dict[str, str]:
    """Where an order is placed, at what cost, and what that saves."""
    figures = {"need": need.id, "factory": need.factory, "hours": str(need.hours)}
    total = Decimal(0)
    for k, one in enumerate(own, 1):
        offer = standing.offers[one.offer]
        cost = (Decimal(str(offer.price)) * one.hours).quantize(_CENT)
        total += cost
        figures[f"factory_{k}"] = offer.factory
        figures[f"part_{k}"] = (
            f"{one.hours} h × {offer.price} {offer.currency} = {cost} → {offer.factory} "
            f"({offer.id})"
        )
    saved = Decimal(str(need.price)) * need.hours - total
    zh = f"工艺、时间、价格、可靠性均合，比限价省 {saved.quantize(_CENT)} {need.currency}"
    en = f"skill, time, price and reliability fit; {saved.quantize(_CENT)} {need.currency} below"
    return {**figures, "cost": str(total), "zh": zh, "en": f"{en} the limit"}


def _waiting(
    need: SeekCapacity, standing: Standing, *, left: Sequence[int]
) -> dict[str, str]:  # fmt: skip
    """Why an order is not placed: what speaks against each offer, or that hours do not suffice."""
    figures = {"need": need.id, "factory": need.factory, "hours": str(need.hours)}
    open_hours = 0
    for k, offer in enumerate(standing.offers, 1):
        why = fits(need, offer)
        if not why:
            open_hours += left[k - 1]
            why = [Words(f"余{left[k - 1]}小时", f"{left[k - 1]} hours are left")]
        zh, en = "；".join(w.zh for w in why), "; ".join(w.en for w in why)
        figures[f"offer_{offer.id}"] = f"{zh} / {en}"
    zh = f"合适的空余只剩 {open_hours} 小时，须 {need.hours} 小时，至多分 {need.parts} 家"
    en = f"{open_hours} fitting hours are left of {need.hours}, in {need.parts} parts at most"
    return {**figures, "zh": zh, "en": en}
