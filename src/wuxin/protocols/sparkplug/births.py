"""What births say, kept for the messages after them, and the request to be told again.

Source: Eclipse Sparkplug 3.0.0 §6.4.6 (aliases), §5.14.2 (rebirth), §6.4.10 (bdSeq).
"""

from dataclasses import dataclass, field
from typing import Any, Final

from wuxin.protocols.sparkplug.message import BOOLEAN, PAYLOAD, text
from wuxin.protocols.sparkplug.values import meant, properties

REBIRTH: Final = "Node Control/Rebirth"
_MS: Final = 1_000_000


@dataclass(slots=True)
class Birth:
    """What a birth said: names by alias, and the datatype and unit of each name."""

    names: dict[int, str] = field(default_factory=dict)
    types: dict[str, int] = field(default_factory=dict)
    units: dict[str, str] = field(default_factory=dict)


def born(said: Any) -> tuple[Birth, str]:
    """What the payload of a birth tells, and what is wrong with it.

    Raises:
        BadFrame: a text is not UTF-8, or a property set is not whole.
    """
    birth, trouble = Birth(), ""
    for i, metric in enumerate(said.metrics):
        at = f"metrics[{i}]"
        name = text(metric.name, at)
        if not name or not metric.HasField("datatype"):
            trouble = f"{at} of a birth has no name or no datatype"
            continue
        birth.types[name] = metric.datatype
        if metric.HasField("alias") and birth.names.setdefault(metric.alias, name) != name:
            trouble = f"alias {metric.alias} stands for two metrics"
        unit = properties(metric.properties, at=at).get("engUnit")
        if isinstance(unit, str):
            birth.units[name] = unit
    return birth, trouble


def used(birth: Birth, said: Any) -> dict[str, Any]:
    """The part of a birth that a later payload needs, for the line before it."""
    names: dict[str, str] = {}
    types: dict[str, int] = {}
    units: dict[str, str] = {}
    for metric in said.metrics:
        name = metric.name.decode("utf-8", "replace") or birth.names.get(metric.alias, "")
        if not metric.name and name:
            names[str(metric.alias)] = name
        if name in birth.types and not metric.HasField("datatype"):
            types[name] = birth.types[name]
        if name in birth.units:
            units[name] = birth.units[name]
    told = {"names": names, "types": types, "units": units}
    return {key: table for key, table in told.items() if table}


def unknown(birth: Birth, said: Any) -> str:
    """Say which metric of a later payload the birth did not tell of, if there is one."""
    for metric in said.metrics:
        if metric.name:
            if metric.name.decode("utf-8", "replace") not in birth.types:
                return f"metric {metric.name!a:.70} was not in the birth"
        elif metric.alias not in birth.names:
            return f"alias {metric.alias} was not in the birth"
    return ""


def bd_seq(said: Any) -> int | None:
    """The number that a birth and the death of its session have in common."""
    for metric in said.metrics:
        if metric.name == b"bdSeq":
            number = meant(metric, metric.datatype, at="bdSeq").number
            return None if number is None else int(number)
    return None


def rebirth(now: int) -> bytes:
    """The payload of an NCMD that asks an edge node for its births.

    Args:
        now: the time, ns.
    """
    payload = PAYLOAD(timestamp=now // _MS)
    payload.metrics.add(
        name=REBIRTH.encode(), timestamp=now // _MS, datatype=BOOLEAN, boolean_value=True
    )
    data: bytes = payload.SerializeToString(deterministic=True)
    return data
