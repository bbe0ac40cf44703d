"""Sparkplug B 3.0: what industrial edge nodes and the devices behind them publish over MQTT.

Names travel once, in a birth; later messages have numbers (aliases) in their place. So a message
stands behind a line that says its topic and what the births said of the aliases it uses:

    {"topic": "spBv1.0/plant/NDATA/edge-1", "names": {"7": "Boiler/Temperature"},
     "types": {"Boiler/Temperature": 9}, "units": {"Boiler/Temperature": "degC"},
     "received": "2022-01-02T12:00:00Z"}

:class:`Host` keeps the births and writes that line; ``decode`` needs no other message.

Source: Eclipse Sparkplug 3.0.0 §4 (topics), §6 (payloads).
"""

import json
from typing import Any, Final

from wuxin.protocols.octets import BadFrame, enveloped
from wuxin.protocols.sparkplug.host import Decision, Host, Offline
from wuxin.protocols.sparkplug.message import FRAME_BYTES, TYPES, parse, text
from wuxin.protocols.sparkplug.topic import BIRTHS, COMMANDS, NAMESPACE, Topic, topic
from wuxin.protocols.sparkplug.values import Meant, meant, moment, properties

__all__ = ["Decision", "Host", "Offline", "decode"]

_CONTROL: Final = ("bdSeq", "Node Control/", "Device Control/", "Properties/")
_QUALITY: Final = {0: "bad_quality", 500: "stale"}
"""Qualities that are not good (192). Source: §6.4.14 (the property Quality)."""


def decode(frame: bytes) -> dict[str, Any]:
    """Decode one message with the line before it; never raises, whatever the bytes.

    Args:
        frame: the line, and the payload in protobuf (of a STATE message in JSON), at most 256 KiB.

    Returns:
        ``ok`` true with ``message`` (NDATA …), ``version``, ``device`` (``group/node`` or
        ``group/node/device``), ``fields`` (``metrics`` in their order, ``seq``, ``bdSeq``),
        ``time``, ``readings`` of metrics that are numbers or truths, ``marks`` of those that
        cannot be, and ``late`` if any was kept back (historical; such readings say it too); or
        ``ok`` false with ``error`` and ``at``.
    """
    try:
        said, payload = _parts(frame)
        where = topic(said["topic"])
        if where.kind == "STATE":
            return _state(where, payload)
        return _Message(said, payload, where=where).answer()
    except BadFrame as bad:
        return bad.answer()


def _parts(frame: bytes) -> tuple[dict[str, Any], bytes]:
    said, payload = enveloped(
        frame, FRAME_BYTES, longer="the message is longer than", at="topic",
        bare="nothing before the message says its topic",
    )  # fmt: skip
    if not isinstance(said.get("topic"), str):
        raise BadFrame("nothing before the message says its topic", "topic")
    return said, payload


def _state(where: Topic, payload: bytes) -> dict[str, Any]:
    """A host's own birth or death, in JSON; it is about no device."""
    try:
        said = json.loads(payload)
    except (ValueError, RecursionError):
        raise BadFrame("the state of a host is no JSON", "payload") from None
    if not isinstance(said, dict) or not isinstance(said.get("online"), bool):
        raise BadFrame("the state of a host does not say whether it is online", "online")
    stamp = said.get("timestamp")
    time = moment(stamp) if type(stamp) is int else None
    if time is None:
        raise BadFrame("the state of a host has no time in milliseconds since 1970", "timestamp")
    return {
        "ok": True, "message": "STATE", "version": NAMESPACE, "device": where.who,
        "fields": {"online": said["online"], "timestamp": stamp}, "time": time, "readings": [],
    }  # fmt: skip


class _Message:
    """One message that is understood metric by metric."""

    def __init__(self, said: dict[str, Any], payload: bytes, *, where: Topic) -> None:
        self.where = where
        self.payload = parse(payload)
        self.names, self.types, self.units = (
            table if isinstance(table := said.get(key), dict) else {}
            for key in ("names", "types", "units")
        )
        self.received = said.get("received")
        self.readings: list[dict[str, Any]] = []
        self.marks: list[dict[str, Any]] = []

    def answer(self) -> dict[str, Any]:
        """The answer of the decoder."""
        payload, where = self.payload, self.where
        metrics = [self._metric(each, f"metrics[{i}]") for i, each in enumerate(payload.metrics)]
        fields = {"group": where.group, "node": where.node, "metrics": metrics}
        if where.device:
            fields["device"] = where.device
        if payload.HasField("seq"):
            fields["seq"] = payload.seq
        if payload.uuid or payload.body:
            fields |= {"uuid": text(payload.uuid, "uuid"), "body": payload.body.hex()}
        fields |= {m["name"]: m.get("value") for m in metrics if m.get("name") == "bdSeq"}
        answer = {
            "ok": True, "message": where.kind, "version": NAMESPACE, "device": where.who,
            "fields": fields, "readings": self.readings,
        }  # fmt: skip
        # A death of a node was written when the node connected: its time says nothing.
        stamp = moment(payload.timestamp) if payload.HasField("timestamp") else None
        time = stamp if stamp and where.kind != "NDEATH" else self.received
        if isinstance(time, str):
            answer["time"] = time
        if self.marks:
            answer["marks"] = self.marks
        if any("late" in reading for reading in self.readings):
            answer["late"] = True
        return answer

    def _metric(self, metric: Any, at: str) -> dict[str, Any]:
        name = self._name(metric, at)
        kind = metric.datatype if metric.HasField("datatype") else self.types.get(name)
        kind = kind if type(kind) is int else None
        found: dict[str, Any] = {"name": name}
        if metric.HasField("alias"):
            found["alias"] = metric.alias
        if kind is not None:
            found["type"] = TYPES[kind] if 0 <= kind < len(TYPES) else kind
        said = Meant(None, mark="null")
        if not metric.is_null:
            said = meant(metric, kind, at=at)
            found["value"] = said.value
        stamp = moment(metric.timestamp) if metric.HasField("timestamp") else None
        if stamp:
            found["time"] = stamp
        flags = ("is_historical", "is_transient", "is_null")
        found |= {flag: True for flag in flags if getattr(metric, flag)}
        props = properties(metric.properties, at=at) if metric.HasField("properties") else {}
        if props:
            found["properties"] = props
        if self.where.kind in COMMANDS or name.startswith(_CONTROL):
            return found
        if self.where.kind in BIRTHS and said.mark == "null":
            return found  # a birth lists what there is, whether it has a value or not
        self._judge(found, said, props=props)
        return found

    def _name(self, metric: Any, at: str) -> str:
        if metric.name:
            return text(metric.name, at)
        if not metric.HasField("alias"):
            raise BadFrame("a metric has neither a name nor an alias", at)
        name = self.names.get(str(metric.alias))
        return name if isinstance(name, str) and name else ""

    def _judge(self, found: dict[str, Any], said: Meant, *, props: dict[str, Any]) -> None:
        """Make a reading of a metric, or say why it is none."""
        name = found["name"]
        quality = props.get("Quality")
        mark = (_QUALITY.get(quality, "") if type(quality) is int else "") or said.mark
        if not name:
            name, mark = f"alias {found['alias']}", "unknown_alias"
        timed = {"time": found["time"]} if "time" in found else {}
        if mark:
            self.marks.append({"indicator": name, "mark": mark, **timed})
        elif said.number is not None:
            unit = props.get("engUnit", self.units.get(name))
            unit = unit if isinstance(unit, str) and len(unit) <= 64 else ""
            late = {"late": True} if "is_historical" in found else {}
            self.readings.append(
                {"indicator": name, "value": said.number, "unit": unit, **timed, **late}
            )
