"""The interceptor: orders devices on site to act the moment a rule that says so fires.

finding of a rule with ``does`` ─► device_order (an act, which subscribers and gateways hear)
answer_device_order ─► done, or a warning; no answer in time ─► the same warning

An order is about the present. A finding that comes to light more than an hour late (a recording, a
link that was down) is put on record without an order: closing a gate now stops nobody who left
yesterday.
"""

from collections.abc import Mapping
from typing import Any, Final, Literal

import msgspec

from wuxin.finance.marking import Marking
from wuxin.terms.clock import HOUR, MINUTE, iso
from wuxin.terms.counter import NOT_DUE, Now, Order, Said, Silent, told, warn
from wuxin.terms.errors import NotFound
from wuxin.terms.names import Digest, Tenant, ThingKey
from wuxin.terms.records import Act, Cause, Cleared, Command, Finding, Words

PRESENT: Final = HOUR
"""How long after what was found an order to a device still makes sense (ns)."""

ANSWER: Final = MINUTE
"""Within which time of arrival a device must say that it has obeyed (ns)."""

_UNANSWERED: Final = "device_order_unanswered"


class AnswerDeviceOrder(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What became of an order to a device: its id, and whether it was carried out."""

    order: str
    outcome: Literal["done", "failed"]
    reason: str = ""


class _Open(msgspec.Struct):
    """An order that waits for its answer, and the warning that stands because none came."""

    thing: ThingKey
    do: str
    facility: str
    until: int
    warning: Digest | None = None


class Interceptor(Silent):
    """The counter that orders devices.

    Args:
        tenant: whose.
        desk: the facilities, of which one may hold the thing concerned.
    """

    name = "interceptor"

    def __init__(self, tenant: Tenant, desk: Marking) -> None:
        self.tenant, self._desk = tenant, desk
        self._open: dict[Digest, _Open] = {}

    @property
    def orders(self) -> Mapping[str, Order]:
        """What can be ordered about orders to devices."""
        return {
            "answer_device_order": Order(
                AnswerDeviceOrder, self._answer, ("supervisor", "installer", "core_system"),
                Words("回复设备指令", "answer an order to a device"), of="bank",
            ),
        }  # fmt: skip

    def hear(self, said: Said, now: Now) -> list[Said]:
        """A finding whose rule does something is an order to the devices."""
        rule = now.pack.rules.get(said.rule) if isinstance(said, Finding) else None
        if rule is None or not rule.does or not isinstance(said, Finding):
            return []
        present = now.known - said.since <= PRESENT
        figures = {
            "do": rule.does, "thing": str(said.thing), "rule": rule.name,
            "delivery": "ordered" if present else "too late",
        }  # fmt: skip
        if present:
            figures["answer_by"] = iso(now.known + ANSWER)
        facility = self._facility(said.thing, now)
        act = Act(self.tenant, "device_order", facility, now.at, f"rule:{rule.name}", figures,
                  (Cause("finding", said.id),))  # fmt: skip
        if present:
            self._open[act.id] = _Open(said.thing, rule.does, facility, now.known + ANSWER)
        return [act]

    def tick(self, now: Now) -> list[Said]:
        """What was not answered in time is warned of, once."""
        late = [
            (id_, one)
            for id_, one in self._open.items()
            if one.warning is None and one.until <= now.known
        ]
        words = Words("设备没有按时回复", "the device did not answer in time")
        return [self._warned(id_, one, why=words, now=now) for id_, one in late]

    def due(self) -> int:
        """When the first answer is late."""
        waits = (one.until for one in self._open.values() if one.warning is None)
        return min(waits, default=NOT_DUE)

    def freeze(self) -> Any:
        """The orders that are open."""
        return [[id_, msgspec.to_builtins(one)] for id_, one in self._open.items()]

    def thaw(self, kept: Any) -> None:
        """Take over what :meth:`freeze` gave."""
        self._open = {Digest(id_): msgspec.convert(one, _Open) for id_, one in kept}

    def _answer(self, command: Command, said: AnswerDeviceOrder, *, now: Now) -> list[Said]:
        one = self._open.get(Digest(said.order))
        if one is None:
            raise NotFound(f"no order {said.order!r} waits for an answer")
        figures = {"order": said.order, "do": one.do, "thing": str(one.thing),
                   "outcome": said.outcome, "reason": said.reason}  # fmt: skip
        act = Act(self.tenant, "device_order_answered", one.facility, command.at, command.by,
                  {k: v for k, v in figures.items() if v}, told(command))  # fmt: skip
        if said.outcome == "failed":
            if one.warning is not None:
                return [act]
            why = Words(f"设备未能执行：{said.reason}", f"the device could not: {said.reason}")
            return [act, self._warned(Digest(said.order), one, why=why, now=now)]
        del self._open[Digest(said.order)]
        if one.warning is None:
            return [act]
        return [act, Cleared(self.tenant, one.warning, now.at, None, (Cause("act", act.id),))]

    def _warned(self, id_: Digest, one: _Open, *, why: Words, now: Now) -> Finding:
        words = Words(f"{one.do}（{one.thing}）：{why.zh}", f"{one.do} for {one.thing}: {why.en}")
        found = warn(now, self.tenant, rule=_UNANSWERED, thing=one.thing, reasons=(words,),
                     because=(Cause("act", id_),))  # fmt: skip
        one.warning = found.id
        return found

    def _facility(self, thing: ThingKey, now: Now) -> str:
        """The facility that has the thing in its pool, or whose pool stands around it."""
        around = {thing, *now.twin.above(thing)}
        for name, account in self._desk.accounts.items():
            if account.source == now.source and (
                thing in account.members or account.terms.root in around
            ):
                return name
        return ""
