"""A document of events, in JSON or XML, as one answer.

Source: EPCIS 2.0 §9.5 (XML) and §10 (JSON and JSON-LD).
"""

from typing import Any, Final

from wuxin.protocols.epcis import xml
from wuxin.protocols.epcis.events import event
from wuxin.protocols.epcis.hashing import event_hash
from wuxin.protocols.epcis.names import STANDARD, Context, context_of, extension
from wuxin.protocols.epcis.readings import Found
from wuxin.protocols.epcis.values import Where
from wuxin.protocols.nested import read
from wuxin.protocols.octets import BadFrame
from wuxin.terms.clock import moment
from wuxin.terms.envelope import unwrap
from wuxin.terms.errors import BadInput

FRAME_BYTES: Final = 4 * 1024 * 1024
EVENTS: Final = 10_000

VERSION: Final = "2.0"

_MARK: Final = b"\xef\xbb\xbf"
_BODIES: Final = {
    "EPCISDocument": ("epcisBody", "eventList"),
    "EPCISQueryDocument": ("epcisBody", "queryResults", "resultsBody", "eventList"),
}
_NEEDS: Final = {
    "EPCISDocument": ("@context", "schemaVersion", "creationDate"),
    "EPCISQueryDocument": ("@context",),
}
_TOLD: Final = ("schemaVersion", "creationDate", "instanceIdentifier", "sender", "receiver")


def answer(frame: bytes) -> dict[str, Any]:
    """The document's answer (see `wuxin.protocols.epcis.decode`).

    Raises:
        BadFrame: it is refused.
    """
    if len(frame) > FRAME_BYTES:
        raise BadFrame(f"the document is longer than {FRAME_BYTES} bytes", f"byte {FRAME_BYTES}")
    try:
        carrier, data = unwrap(frame)
    except BadInput as wrong:
        raise BadFrame(str(wrong), "byte 0") from None
    data = data.removeprefix(_MARK)
    if data.lstrip()[:1] == b"<":
        message, said, found = xml.document(data.lstrip())
        pairs: list[tuple[Any, Context]] = [(one, STANDARD | space) for one, space in found]
    else:
        message, said, pairs = _json(data)
    if len(pairs) > EVENTS:
        raise BadFrame(f"a document has at most {EVENTS} events", f"$.eventList[{EVENTS}]")
    alone = message not in _BODIES
    places = ["$"] if alone else [f"$.eventList[{i}]" for i in range(len(pairs))]
    events = [event(one, Where(at, space)) for (one, space), at in zip(pairs, places, strict=True)]
    return _answer(message, said, events=events, places=places, carrier=carrier)


def _answer(
    message: str,
    said: dict[str, Any],
    *,
    events: list[dict[str, Any]],
    places: list[str],
    carrier: dict[str, Any],
) -> dict[str, Any]:
    measured = Found()
    for one, at in zip(events, places, strict=True):
        measured.add(one, at)
    ignored = frozenset(said.get("ignoreFields", ()))
    hashes = [event_hash(one, ignored=ignored) for one in events]
    found: dict[str, Any] = {
        "ok": True,
        "message": message if message in _BODIES else events[0]["type"],
        "version": VERSION,
        "device": _device(said, events, carrier=carrier),
        "fields": {**said, "events": events, "hashes": hashes},
        "readings": measured.readings,
    }
    if events:
        found["time"] = max((one["eventTime"] for one in events), key=moment)
    if measured.marks:
        found["marks"] = measured.marks
    return found


def _device(said: dict[str, Any], events: list[dict[str, Any]], *, carrier: dict[str, Any]) -> str:
    """Who reports: as the carrier says; else the sender; else the first event's place."""
    for known in (carrier.get("device"), carrier.get("station"), said.get("sender")):
        if isinstance(known, str) and known:
            return known
    for one in events:
        for name in ("readPoint", "bizLocation"):
            if name in one:
                return str(one[name]["id"])
    return "epcis"


def _json(data: bytes) -> tuple[str, dict[str, Any], list[tuple[Any, Context]]]:
    told = read(data)
    if not isinstance(told, dict):
        raise BadFrame("a document is an object", "$")
    context = context_of(told.get("@context"))
    kind = told.get("type", told.get("isA"))
    if not isinstance(kind, str):
        raise BadFrame("a document or an event names its type", "$.type")
    if kind not in _BODIES:
        return kind, {}, [(told, context)]
    for name in _NEEDS[kind]:
        if name not in told:
            raise BadFrame(f"{name} is missing", f"$.{name}")
    body: Any = told
    place = "$"
    for name in _BODIES[kind]:
        place = f"{place}.{name}"
        body = body.get(name) if isinstance(body, dict) else None
        if name == "queryResults" and isinstance(body, dict) and "queryName" not in body:
            raise BadFrame("queryName is missing", f"{place}.queryName")
    if not isinstance(body, list):
        raise BadFrame("the list of events is missing", place)
    said = _told(told, context)
    return kind, said, [(one, _inner(one, context)) for one in body]


def _told(told: dict[str, Any], context: Context) -> dict[str, Any]:
    """What a document says of itself."""
    said: dict[str, Any] = {name: str(told[name])[:1000] for name in _TOLD if name in told}
    for name, value in told.items():
        full = extension(name, context)
        if full and full.endswith("}ignoreFields") and isinstance(value, list):
            names = [extension(one, context) for one in value if isinstance(one, str)]
            said["ignoreFields"] = [one for one in names if one]
    return said


def _inner(one: Any, outer: Context) -> Context:
    """The prefixes of an event that declares some of its own."""
    if isinstance(one, dict) and "@context" in one:
        own = context_of(one["@context"])
        return {**own, **outer, **{p: s for p, s in own.items() if STANDARD.get(p) != s}}
    return outer
