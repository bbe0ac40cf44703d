"""Breaks of trades as findings: raised, told anew where their figures change, and ended."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

import msgspec

from wuxin.finance.alert import early_warning
from wuxin.finance.trade_breaks import Break, Mended, Side
from wuxin.terms.counter import Now, Said, warn
from wuxin.terms.names import Tenant, ThingKey
from wuxin.terms.records import Cause, Cleared, Finding, Words

KIND: Final = "trade"
"""The kind of thing that a break is on; its id is the break's subject."""

SIDES: Final[Mapping[str, Words]] = {
    "order": Words("订单", "order"),
    "goods": Words("货物", "goods"),
    "invoice": Words("发票", "invoice"),
    "payment": Words("付款", "payment"),
    "financing": Words("融资", "financing"),
    "weight": Words("过磅", "weight"),
    "process": Words("加工", "process"),
}
"""The sides of a break in words."""

_FIGURES: Final[Mapping[str, Words]] = {
    "came": Words("入库", "came in"),
    "left": Words("结余", "left"),
    "out": Words("产出或出库", "out"),
    "in": Words("投入", "in"),
    "loss": Words("损耗", "loss"),
    "number": Words("号码", "number"),
    "kind": Words("类别", "kind"),
}
_NOTHING: Final = Words("无", "nothing")

_Key = tuple[str, tuple[str, str, str]]


class Says:
    """What is said of breaks, with the findings that are open.

    Args:
        tenant: whose.
        holders: the facilities that a break concerns.
    """

    def __init__(self, tenant: Tenant, holders: Callable[[Break, Now], Iterable[str]]) -> None:
        self.open: dict[_Key, Finding] = {}
        self._tenant, self._holders = tenant, holders
        self._times: dict[_Key, int] = {}

    def of(
        self, told: Iterable[Break | Mended], now: Now, *, because: tuple[Cause, ...]
    ) -> list[Said]:
        """What is said of what broke, changed or was mended; of several of one the last counts."""
        said: list[Said] = []
        for key, each in {(each.kind, each.about): each for each in told}.items():
            before = self.open.pop(key, None)
            if before is not None:
                said.append(Cleared(self._tenant, before.id, now.at, None, because))
            if isinstance(each, Break):
                said += self._found(each, now, key=key, because=because)
        return said

    def freeze(self) -> Any:
        """All that is remembered, as plain values."""
        kept = {"open": [*self.open.items()], "times": [*self._times.items()]}
        return msgspec.to_builtins(kept, str_keys=True)

    def thaw(self, kept: Mapping[str, Any]) -> None:
        """Take over what :meth:`freeze` gave."""
        self.open = dict(msgspec.convert(kept["open"], list[tuple[_Key, Finding]]))
        self._times = dict(msgspec.convert(kept["times"], list[tuple[_Key, int]]))

    def _found(
        self, broken: Break, now: Now, *, key: _Key, because: tuple[Cause, ...]
    ) -> list[Said]:
        # What is told again of one subject at one moment is told apart by nanoseconds.
        self._times[key] = times = self._times.get(key, 0) + 1
        grounds = dict.fromkeys([*because, *(c for side in broken.sides for c in side.because)])
        found = warn(
            now, self._tenant, rule=broken.kind, thing=ThingKey(KIND, broken.subject),
            reasons=reasons(broken), because=tuple(grounds), since=now.at - times,
        )  # fmt: skip
        self.open[key] = found
        if found.level == "info":
            return [found]
        concerned = sorted({*self._holders(broken, now)})
        warnings = [early_warning(found, tenant=self._tenant, facility=one) for one in concerned]
        return [found, *warnings]


def reasons(broken: Break) -> tuple[Words, ...]:
    """A break in words, then each side with its figures and with what is missing of it."""
    return (broken.words, *(side_words(side) for side in broken.sides if not _blank(side)))


def side_words(side: Side) -> Words:
    """A side with its figures and what is missing, in both languages."""
    name = SIDES[side.name]
    zh = "，".join([*(_figure(k, v).zh for k, v in side.figures.items()),
                    *(one.zh for one in side.missing)])  # fmt: skip
    en = ", ".join([*(_figure(k, v).en for k, v in side.figures.items()),
                    *(one.en for one in side.missing)])  # fmt: skip
    return Words(f"{name.zh}：{zh or _NOTHING.zh}", f"{name.en}: {en or _NOTHING.en}")


def _blank(side: Side) -> bool:
    return side.name == "process" and not side.figures and not side.missing


def _figure(name: str, value: str) -> Words:
    """A figure: ``came kg`` → "came in 100 kg"; a plain unit after its number."""
    head, _, unit = name.partition(" ")
    words = _FIGURES.get(head)
    if words is None:
        return Words(f"{value} {name}", f"{value} {name}")
    tail = f" {unit}" if unit else ""
    return Words(f"{words.zh} {value}{tail}", f"{words.en} {value}{tail}")
