"""The haircut of one thing: by its kind, and by how good the evidence is that it is there.

A base is taken (the kind's haircut or the dynamic one of its price, whichever is larger) and
add-ons of one table are laid on it, capped at 1. The add-ons are a policy, not a measurement: no
standard gives them, and a bank is expected to set its own.
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from types import MappingProxyType
from typing import Final

import msgspec

from wuxin.terms.errors import BadInput
from wuxin.terms.ports import Trust
from wuxin.terms.records import Words

ONE: Final = Decimal(1)


class AddOn(msgspec.Struct, frozen=True):
    """What one weakness of the evidence adds to the haircut, and why."""

    add: Decimal
    why: Words


class Sensor(msgspec.Struct, frozen=True):
    """One device that speaks for a thing: trust of its sender, silence and allowed silence (ns).

    ``silence`` None: it has never spoken. ``contradicted`` names what contradicts it.
    """

    name: str
    trust: Trust
    silence: int | None
    allowed: int
    contradicted: tuple[Words, ...] = ()


class Added(msgspec.Struct, frozen=True):
    """An add-on as it was laid on: which, of which sensor, how much, why."""

    code: str
    sensor: str
    add: Decimal
    why: Words


class Cut(msgspec.Struct, frozen=True):
    """The haircut with all its parts; ``capped`` where they come to more than 1."""

    haircut: Decimal
    base: Decimal
    base_from: Words
    added: tuple[Added, ...]
    capped: bool


TABLE: Final[Mapping[str, AddOn]] = MappingProxyType({
    "unseen": AddOn(Decimal("0.50"), Words("没有设备证明其存在", "no device speaks for it")),
    "silent": AddOn(Decimal("0.30"), Words(
        "设备沉默超过允许时长三倍", "silent for more than three times what is allowed")),
    "stale": AddOn(Decimal("0.10"), Words(
        "设备沉默超过允许时长", "silent for longer than is allowed")),
    "unproven": AddOn(Decimal("0.20"), Words(
        "发送方未经证实，任何人都可冒充", "the sender is not proven; anybody could have said it")),
    "code": AddOn(Decimal("0.10"), Words(
        "仅凭明文鉴权码识别", "known by a code sent in the clear only")),
    "certificate": AddOn(Decimal("0.02"), Words(
        "证书识别设备，但消息未签名", "a certificate names the device; messages are not signed")),
    "signed": AddOn(Decimal(0), Words("设备签名", "signed by the device")),
    "contradicted": AddOn(Decimal("0.40"), Words(
        "与其他证据矛盾", "other evidence contradicts it")),
})  # fmt: skip
"""The house's default add-ons."""


def evidence_haircut(
    kind: Decimal,
    sensors: Sequence[Sensor],
    *,
    dynamic: Decimal | None = None,
    table: Mapping[str, AddOn] = TABLE,
) -> Cut:
    """The haircut of a thing.

    The sensor with the smallest add-ons stands for the thing, since one good witness is enough; a
    contradiction counts whichever sensor it is about.

    Args:
        kind: the fixed haircut of the thing's kind, 0 to 1.
        sensors: the devices that speak for it; none is the weakest evidence of all.
        dynamic: the haircut of its price (:mod:`wuxin.risk.haircut`), None where there is none.
        table: the add-ons by code.

    Raises:
        BadInput: a haircut is not between 0 and 1, an add-on is below 0, or the table lacks a code.
    """
    _checked(kind, dynamic, table=table)
    base, source = kind, Words("品类折扣", "haircut of the kind")
    if dynamic is not None and dynamic > kind:
        base, source = dynamic, Words("价格动态折扣", "dynamic haircut of the price")
    witnesses = [_weaknesses(one, table) for one in sensors]
    added = min(witnesses, key=lambda w: sum(a.add for a in w), default=None)
    if added is None:
        added = [_added("unseen", "", table=table)]
    against = [(one, words) for one in sensors for words in one.contradicted]
    if against:
        zh = "；".join(f"{one.name}：{words.zh}" for one, words in against)
        en = "; ".join(f"{one.name}: {words.en}" for one, words in against)
        rule = table["contradicted"]
        why = Words(f"{rule.why.zh}（{zh}）", f"{rule.why.en} ({en})")
        added.append(Added("contradicted", against[0][0].name, rule.add, why))
    total = sum((one.add for one in added), base)
    return Cut(min(ONE, total), base, source, tuple(added), total > 1)


def _weaknesses(one: Sensor, table: Mapping[str, AddOn]) -> list[Added]:
    if one.silence is None:
        return [_added("unseen", one.name, table=table)]
    found = [_added(Trust(one.trust).name.lower(), one.name, table=table)]
    if one.silence > 3 * one.allowed:
        found.append(_added("silent", one.name, table=table))
    elif one.silence > one.allowed:
        found.append(_added("stale", one.name, table=table))
    return found


def _added(code: str, sensor: str, *, table: Mapping[str, AddOn]) -> Added:
    return Added(code, sensor, table[code].add, table[code].why)


def _checked(kind: Decimal, dynamic: Decimal | None, *, table: Mapping[str, AddOn]) -> None:
    for cut in (kind, dynamic):
        if cut is not None and not (cut.is_finite() and 0 <= cut <= 1):
            raise BadInput(f"a haircut lies between 0 and 1, and {cut} does not")
    if lacking := sorted(set(TABLE) - set(table)):
        raise BadInput(f"the table of add-ons has no {lacking[0]!r}")
    if below := sorted(code for code, one in table.items() if not one.add >= 0):
        raise BadInput(f"the add-on {below[0]!r} is below zero")
