"""MTConnect: documents of an agent about machine tools, in XML (versions 1.0 to 2.x).

    <MTConnectStreams><Header nextSequence="…"/><Streams><DeviceStream name="VMC" uuid="000">
      <ComponentStream component="Linear" name="X"><Samples>
        <Position dataItemId="x1" timestamp="…" sequence="7" subType="ACTUAL">0.55</Position>

Units stand in another document (MTConnectDevices), so the line before a streams document may carry
them: `{"units": {"x1": "MILLIMETER"}}`; without them a reading has the unit of its indicator.

Source: ANSI/MTC1.4 Part 1 (documents, errors), Part 2 (devices), Part 3 (streams); namespaces
urn:mtconnect.org:MTConnectStreams:1.2 to 2.4. TimeSeries and Table stay fields.
"""

import math
import re
from collections.abc import Iterator
from typing import Any, Final

from lxml import etree  # type: ignore[import-untyped]

from wuxin.protocols.mtconnect_words import CONDITIONS, STATES, UNITS
from wuxin.protocols.octets import BadFrame
from wuxin.terms.clock import iso, moment
from wuxin.terms.envelope import HEADER_BYTES, unwrap
from wuxin.terms.errors import BadInput

DOCUMENT_BYTES: Final = 4 * 1024 * 1024
OBSERVATIONS: Final = 20_000
TEXT: Final = 1024
"""Characters of a value that are kept."""

KINDS: Final = {"MTConnectStreams", "MTConnectDevices", "MTConnectError", "MTConnectAssets"}
CATEGORIES: Final = {"Samples": "sample", "Events": "event", "Condition": "condition"}
UNAVAILABLE: Final = "UNAVAILABLE"

_NUMBER: Final = re.compile(r"[+-]?(\d{1,18}(\.\d{0,18})?|\.\d{1,18})([eE][+-]?\d{1,3})?", re.ASCII)
_VERSION: Final = re.compile(r":(\d{1,2}\.\d{1,2})$")
_AXES: Final = ("x", "y", "z")


def decode(frame: bytes) -> dict[str, Any]:
    """Decode one document, with or without a line before it; never raises, whatever the bytes.

    Args:
        frame: the document in XML, at most 4 MiB.

    Returns:
        ``ok`` true with ``message`` (the document's root), ``version``, ``device`` (uuid or name of
        the first device, else the sender), ``time`` (of its creation), ``fields`` (``header``, and
        ``observations``, ``data_items``, ``errors`` or ``assets``), ``readings`` in order of their
        sequence, and ``marks``; or ``ok`` false with ``error`` and ``at``. The indicator of a
        reading is its data item's id, which is unique in a device; ``thing`` is the device if it is
        not the first. A condition is 0 (normal), 1 (warning) or 2 (fault).
    """
    try:
        said, root = _document(frame)
        return _answer(said, root)
    except BadFrame as bad:
        return bad.answer()


def _document(frame: bytes) -> tuple[dict[str, Any], Any]:
    if len(frame) > DOCUMENT_BYTES + HEADER_BYTES:
        raise BadFrame(f"the document is longer than {DOCUMENT_BYTES} bytes", "byte 0")
    try:
        said, data = unwrap(frame)
        parser = etree.XMLParser(
            resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False,
            remove_comments=True, remove_pis=True,
        )  # fmt: skip
        root = etree.fromstring(data.strip(), parser)
    except BadInput as wrong:
        raise BadFrame(str(wrong), "byte 0") from None
    except etree.XMLSyntaxError as wrong:
        line, column = wrong.position
        raise BadFrame(
            "the document is not well-formed XML", f"line {line}, column {column}"
        ) from (None)
    if root.getroottree().docinfo.internalDTD is not None:
        raise BadFrame("a document with a DTD is not read", "DOCTYPE")
    if _local(root) not in KINDS:
        raise BadFrame(f"{_local(root)[:60]!a} is no document of MTConnect", "root")
    return said, root


def _answer(said: dict[str, Any], root: Any) -> dict[str, Any]:
    kind = _local(root)
    header = next((dict(each.attrib) for each in root if _local(each) == "Header"), {})
    found = _VERSION.search(etree.QName(root).namespace or "")
    answer: dict[str, Any] = {
        "ok": True,
        "message": kind,
        "version": found[1] if found else header.get("version", "")[:20],
        "device": header.get("sender", "")[:128],
        "fields": {"header": {name: value[:TEXT] for name, value in header.items()}},
        "readings": [],
    }
    created = _time(header.get("creationTime", ""))
    if created:
        answer["time"] = created
    if kind == "MTConnectStreams":
        units = said.get("units")
        _streams(answer, root, units=units if isinstance(units, dict) else {})
    elif kind == "MTConnectDevices":
        _devices(answer, root)
    elif kind == "MTConnectAssets":
        assets = [each for each in root if _local(each) == "Assets"]
        answer["fields"]["assets"] = [
            {"type": _local(each), **_attributes(each)} for group in assets for each in group
        ]
    else:
        errors = [each for each in root.iter() if each.get("errorCode") is not None]
        answer["fields"]["errors"] = [
            {"type": _local(each), **_attributes(each), "text": _text(each)} for each in errors
        ]
    return answer


def _devices(answer: dict[str, Any], root: Any) -> None:
    """Tell which data items there are, and in which units they report."""
    devices = [
        each for each in root.iter() if _local(each) in {"Device", "Agent"} and each.get("id")
    ]
    if devices:
        answer["device"] = _device(devices[0])
    items: list[dict[str, str]] = []
    for each in root.iter():
        if _local(each) == "DataItem" and each.get("id"):
            if len(items) == OBSERVATIONS:
                raise BadFrame(f"there are more than {OBSERVATIONS} data items", "Devices")
            items.append(_attributes(each))
    answer["fields"]["data_items"] = items


def _streams(answer: dict[str, Any], root: Any, *, units: dict[str, Any]) -> None:
    streams = [each for each in root.iter() if _local(each) == "DeviceStream"]
    if streams:
        answer["device"] = _device(streams[0])
    observations: list[dict[str, Any]] = []
    for stream in streams:
        device = _device(stream)
        for each in _observations(stream):
            if len(observations) == OBSERVATIONS:
                raise BadFrame(f"there are more than {OBSERVATIONS} observations", "Streams")
            observations.append({**each, "device": device})
    # Components stand one behind the other; what happened is told in the order of its sequence.
    observations.sort(key=lambda each: each["sequence"])
    answer["fields"]["observations"] = observations
    readings, marks = answer["readings"], list[dict[str, Any]]()
    for each in observations:
        thing = {} if each["device"] == answer["device"] else {"thing": each["device"]}
        unit = units.get(each["id"])
        for reading in _readings(each, UNITS.get(unit, "") if isinstance(unit, str) else ""):
            (marks if "mark" in reading else readings).append({**reading, **thing})
    if marks:
        answer["marks"] = marks


def _observations(stream: Any) -> Iterator[dict[str, Any]]:
    for component in stream:
        for group in component:
            category = CATEGORIES.get(_local(group))
            for each in group if category else ():
                attributes = _attributes(each)
                item = attributes.pop("dataItemId", "")
                if not item.isprintable() or not 1 <= len(item) <= 128:
                    raise BadFrame(
                        f"a {_local(each)[:60]!a} has no dataItemId", f"line {each.sourceline}"
                    )
                sequence = attributes.pop("sequence", "")
                entries = {
                    entry.get("key", "")[:128]: _text(entry)
                    for entry in each if _local(entry) == "Entry"
                }  # fmt: skip
                if "type" in attributes:  # of a condition: what it is about
                    attributes["conditionType"] = attributes.pop("type")
                yield {
                    **attributes,
                    "id": item,
                    "category": category,
                    "type": _local(each),
                    "component": component.get("name") or component.get("component") or "",
                    "sequence": int(sequence) if sequence.isdigit() and len(sequence) < 20 else 0,
                    **({"entries": entries} if entries else {"value": _text(each)}),
                }


def _readings(said: dict[str, Any], unit: str) -> Iterator[dict[str, Any]]:
    """Give the readings of one observation, or the mark that says why there is none."""
    indicator, time = said["id"], _time(said.get("timestamp", ""))
    if time is None:
        yield {"indicator": indicator, "mark": "no_time"}
        return
    more = {"time": time}
    if said.get("statistic"):
        more["statistic"] = said["statistic"]
    if said["category"] == "condition":
        yield _condition(said, more)
        return
    if "entries" in said:
        for key, text in said["entries"].items():
            if (number := _number(text)) is not None:
                yield {"indicator": f"{indicator}_{key}", "value": number, "unit": unit, **more}
        return
    value = said["value"]
    if value == UNAVAILABLE or (not value and said["category"] == "sample"):
        yield {"indicator": indicator, "mark": "unavailable"}
    elif said["category"] == "event":
        yield from _event(said, value, more={"unit": unit, **more})
    elif "sampleCount" in said:
        yield {"indicator": indicator, "mark": "time_series"}
    else:
        yield from _sample(indicator, value, more={"unit": unit, **more})


def _condition(said: dict[str, Any], more: dict[str, str]) -> dict[str, Any]:
    level = CONDITIONS.get(said["type"])
    if level is None:
        return {"indicator": said["id"], "mark": "unavailable"}
    code = {"code": said["nativeCode"]} if said.get("nativeCode") else {}
    return {"indicator": said["id"], "value": level, "unit": "1", **code, **more}


def _event(said: dict[str, Any], value: str, *, more: dict[str, str]) -> Iterator[dict[str, Any]]:
    """Give an event that is a number, or a state that has one; other words stay fields."""
    states = STATES.get(said["type"], ())
    if value in states:
        yield {"indicator": said["id"], "value": float(states.index(value)), **more, "unit": "1"}
    elif (number := _number(value)) is not None:
        yield {"indicator": said["id"], "value": number, **more}


def _sample(indicator: str, value: str, *, more: dict[str, str]) -> Iterator[dict[str, Any]]:
    parts = [_number(part) for part in value.split()]
    if len(parts) == 1 and parts[0] is not None:
        yield {"indicator": indicator, "value": parts[0], **more}
    elif len(parts) == len(_AXES) and None not in parts:
        for axis, part in zip(_AXES, parts, strict=True):
            yield {"indicator": f"{indicator}_{axis}", "value": part, **more}
    else:
        yield {"indicator": indicator, "mark": "not_a_number"}


def _number(text: str) -> float | None:
    if not _NUMBER.fullmatch(text):
        return None
    number = float(text)
    return number if math.isfinite(number) else None


def _time(text: str) -> str | None:
    """A time as ISO 8601 in UTC; a duration behind it (``@100``) is not of interest here."""
    try:
        return iso(moment(text.partition("@")[0])) if len(text) < 60 and "T" in text else None
    except BadInput:
        return None


def _device(element: Any) -> str:
    return str(element.get("uuid") or element.get("name") or element.get("id") or "")[:128]


def _local(element: Any) -> str:
    return str(etree.QName(element).localname)


def _attributes(element: Any) -> dict[str, str]:
    """The attributes by their local names, each cut to a sensible length."""
    return {etree.QName(name).localname: value[:TEXT] for name, value in element.attrib.items()}


def _text(element: Any) -> str:
    return (element.text or "").strip()[:TEXT]
