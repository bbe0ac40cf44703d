"""What a registry of several banks said of our pledges, and what is open because of it.

The registry is asked before an order enters the journal, and what it said stands in the order: the
journal alone gives the same refusals, findings and acts again.
"""

from collections.abc import Callable
from typing import Any, Final

import msgspec

from wuxin.finance.pledges import Pledge
from wuxin.terms.clock import iso
from wuxin.terms.counter import Now, Said, warn
from wuxin.terms.names import Tenant, ThingKey
from wuxin.terms.pledging import Elsewhere
from wuxin.terms.records import Cause, Cleared, Finding, Words

RULES: Final = {
    "held": "pledged_elsewhere", "alike": "alike_elsewhere", "unreached": "registry_unreached",
}  # fmt: skip
"""The rule behind each answer that is not good."""


class Answers:
    """The last answer about each pledge, and the finding that is open because of it."""

    def __init__(self, tenant: Tenant) -> None:
        self._tenant = tenant
        self._open: dict[str, Finding] = {}
        self._last: dict[str, Elsewhere] = {}

    def last(self, pledge: str) -> Elsewhere | None:
        """What the registry last said of a pledge; None where it was never asked."""
        return self._last.get(pledge)

    def take(
        self, pledge: Pledge, said: Elsewhere | None, *, because: tuple[Cause, ...], now: Now
    ) -> list[Said]:
        """Take an answer: what was open and is no longer so ends, what is new is a finding."""
        if said is None:
            return []
        self._last[pledge.id] = said
        rule, before = RULES.get(said.state), self._open.get(pledge.id)
        if before is not None and before.rule == rule:
            return []
        found: list[Said] = []
        if before is not None:
            del self._open[pledge.id]
            found.append(Cleared(self._tenant, before.id, now.at, None, because))
        if rule is not None:
            self._open[pledge.id] = opened = warn(
                now, self._tenant, rule=rule, thing=pledge.thing,
                reasons=[words(pledge.thing, said)], because=because,
            )  # fmt: skip
            found.append(opened)
        return found

    def ended(self, stands: Callable[..., bool], *, now: Now) -> list[Said]:
        """What concerned pledges that stand no more is over."""
        over = [id_ for id_ in self._last if not stands(id_, at=now.at)]
        for id_ in over:
            del self._last[id_]
        return [
            Cleared(self._tenant, self._open.pop(id_).id, now.at, None, ())
            for id_ in over if id_ in self._open
        ]  # fmt: skip

    def freeze(self) -> Any:
        """All of it as plain values."""
        return {"open": msgspec.to_builtins(self._open), "last": msgspec.to_builtins(self._last)}

    def thaw(self, kept: Any) -> None:
        """Take over what :meth:`freeze` gave; nothing from a state that knew of no registry."""
        if kept is not None:
            self._open = msgspec.convert(kept["open"], dict[str, Finding])
            self._last = msgspec.convert(kept["last"], dict[str, Elsewhere])


def words(thing: ThingKey, said: Elsewhere) -> Words:
    """An answer in words."""
    by, at = ", ".join(said.by), iso(said.at)
    if said.state == "unreached":
        return Words(
            f"跨行押品登记于 {at} 无法查询，{thing} 是否已在他行质押不明：{said.why}",
            f"the registry of banks could not be asked at {at} whether {thing} is pledged "
            f"elsewhere: {said.why}",
        )
    call = f"；可联系：{said.contact}" if said.contact else ""
    whom = f"; call {said.contact}" if said.contact else ""
    if said.state == "held":
        return Words(
            f"{thing} 的 {by} 已在他行质押（{at} 查询）{call}",
            f"{by} of {thing} is pledged at another bank (asked at {at}){whom}",
        )
    if said.state == "alike":
        return Words(
            f"同一地点、同等重量的货物已在他行质押（{thing}，{at} 查询）{call}",
            f"goods of that weight on the same spot as {thing} are pledged at another bank "
            f"(asked at {at}){whom}",
        )
    return Words(f"{thing} 未见他行质押（{at} 查询）", f"{thing} is free of other banks ({at})")
