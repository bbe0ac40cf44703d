"""What events tell about goods that are traded: what came, what went, what became something else.

    ObjectEvent  ADD, or OBSERVE with business step receiving     came in
    ObjectEvent  DELETE, or OBSERVE with business step shipping   went out
    TransformationEvent                                           inputs became outputs

The order is that of ``bizTransactionList``. A quantity without a unit, or pieces without a
quantity, are said to be missing.

Source: GS1 EPCIS 2.0 §7.4 (event types, actions); CBV 2.0 (business steps; transaction types po,
inv, desadv); GS1 Digital Link (lots).
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from typing import Any, Final, Literal
from urllib.parse import unquote

from wuxin.protocols.epcis.keys import canonical
from wuxin.protocols.epcis.readings import indicator
from wuxin.protocols.rec20 import UNITS
from wuxin.terms.clock import moment
from wuxin.terms.goods import GoodsPart, GoodsTold
from wuxin.terms.records import Words

_WAYS: Final[Mapping[tuple[str, str], Literal["in", "out"]]] = {
    ("OBSERVE", "receiving"): "in",
    ("OBSERVE", "shipping"): "out",
}
_ALONE: Final[Mapping[str, Literal["in", "out"]]] = {"ADD": "in", "DELETE": "out"}
_WEIGHTS: Final = ("mass", "net_weight")
_LAST: Final = re.compile(r"[/:#]")
_QUANTITY: Final = Words("未说明数量", "the quantity is not stated")
_UNIT: Final = Words("未说明计量单位", "the unit is not stated")
_UNIT_UNKNOWN: Final = Words("计量单位无法识别", "the unit is not known")


def goods(answer: Mapping[str, Any]) -> list[GoodsTold]:
    """What the events of a decoded document tell about goods, in the order of the document."""
    if not answer.get("ok"):
        return []
    fields = answer["fields"]
    told = zip(fields["events"], fields["hashes"], strict=True)
    return [found for event, name in told for found in _event(event, name)]


def _event(event: Mapping[str, Any], name: str) -> Iterator[GoodsTold]:
    missing: dict[Words, None] = {}
    common: dict[str, Any] = {
        "at": moment(event["eventTime"]), "reference": name, "void": "errorDeclaration" in event,
        **{of: _transactions(event, kind)
           for of, kind in (("orders", "po"), ("invoices", "inv"), ("advices", "desadv"))},
    }  # fmt: skip
    if event["type"] == "TransformationEvent":
        inputs = _parts(event, "inputEPCList", classes="inputQuantityList", missing=missing)
        outputs = _parts(event, "outputEPCList", classes="outputQuantityList", missing=missing)
        if not (inputs and outputs) and not missing:
            missing[_QUANTITY] = None
        yield GoodsTold(
            what="made", inputs=tuple(inputs), outputs=tuple(outputs), missing=tuple(missing),
            **common,
        )  # fmt: skip
        return
    way = _way(event)
    if event["type"] == "ObjectEvent" and way is not None:
        parts = _parts(event, "epcList", classes="quantityList", missing=missing)
        if len(parts) == 1 and not missing:
            parts = [_weighed(event, parts[0])]
        yield GoodsTold(
            what="moved", way=way, outputs=tuple(parts), missing=tuple(missing), **common
        )


def _way(event: Mapping[str, Any]) -> Literal["in", "out"] | None:
    action = event.get("action", "")
    step = _LAST.split(str(event.get("bizStep", "")))[-1].removeprefix("BizStep-")
    return _WAYS.get((action, step), _ALONE.get(action))


def _transactions(event: Mapping[str, Any], kind: str) -> tuple[str, ...]:
    """The numbers of the papers of a kind: the last part of their URIs."""
    found = [
        unquote(_LAST.split(one["bizTransaction"])[-1])
        for one in event.get("bizTransactionList", ())
        if _LAST.split(str(one.get("type", "")))[-1].removeprefix("BTT-") == kind
    ]
    return tuple(dict.fromkeys(filter(None, found)))


def _parts(
    event: Mapping[str, Any], pieces: str, *, classes: str, missing: dict[Words, None]
) -> list[GoodsPart]:
    """The lots of an event with their quantities; what is not stated is added to ``missing``."""
    found = [*_quantities(event.get(classes, ()), missing)]
    if event.get(pieces):
        missing[_QUANTITY] = None  # pieces by number alone: what they weigh is not known
    return found


def _quantities(
    said: Iterable[Mapping[str, Any]], missing: dict[Words, None]
) -> Iterator[GoodsPart]:
    for one in said:
        quantity, uom = one.get("quantity"), one.get("uom")
        unit = UNITS.get(uom or "", "")
        if quantity is None:
            missing[_QUANTITY] = None
        if not uom:
            missing[_UNIT] = None
        elif not unit:
            missing[_UNIT_UNKNOWN] = None
        if quantity is not None and unit:
            yield GoodsPart(canonical(one["epcClass"]), _written(quantity), unit)


def _weighed(event: Mapping[str, Any], part: GoodsPart) -> GoodsPart:
    """A lot with what a scale said of it, where a sensor of the event did in the lot's unit."""
    for element in event.get("sensorElementList", ()):
        for report in element["sensorReport"]:
            named = indicator(report) in _WEIGHTS and "value" in report
            if named and UNITS.get(report.get("uom", "")) == part.unit:
                said = _written(report["value"])
                return GoodsPart(part.lot, part.quantity, part.unit, said)
    return part


def _written(value: float) -> str:
    """The shortest decimal that a number of JSON or XML stands for."""
    return f"{Decimal(repr(value)):f}"
