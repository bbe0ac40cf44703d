"""ICAR Animal Data Exchange (ADE) 1.x: milkings, weights, movements and health of farm animals.

A message is one resource, a collection (``member``) or a plain list of resources, in JSON. A
collection does not have to say what its members are; then the carrier may, as ``resource`` in the
line before it. Times without an offset are UTC, unless the carrier names a ``zone``.

Source: ICAR ADE 1.x (the ADE working group's JSON schemas).
"""

from datetime import UTC, tzinfo
from typing import Any, Final

from wuxin.protocols.icar.readings import Found
from wuxin.protocols.icar.values import identifier, resource
from wuxin.protocols.nested import read
from wuxin.protocols.octets import BadFrame
from wuxin.terms.clock import moment, zone
from wuxin.terms.envelope import unwrap
from wuxin.terms.errors import BadInput

FRAME_BYTES: Final = 4 * 1024 * 1024
MEMBERS: Final = 10_000

VERSION: Final = "1"

__all__ = ["decode"]


def decode(frame: bytes) -> dict[str, Any]:
    """Decode one message; never raises, whatever the bytes.

    Args:
        frame: JSON, with or without a line of what its carrier said before it.

    Returns:
        ``ok`` true with ``message`` (the type of the resources, "mixed" for several, "unnamed" for
        none), ``version``, ``device`` (the location of the first resource, as ``scheme/ID``),
        ``fields`` (``resources``, and the collection's ``view``), ``time`` (of the latest),
        ``readings`` of ``animal:scheme/ID``, each with its time, and ``marks`` where an amount
        gave none; or ``ok`` false with ``error`` and ``at``, such as
        ``$.member[3].weight.measurement``.
    """
    try:
        return _answer(frame)
    except BadFrame as bad:
        return bad.answer()


def _answer(frame: bytes) -> dict[str, Any]:
    if len(frame) > FRAME_BYTES:
        raise BadFrame(f"the message is longer than {FRAME_BYTES} bytes", f"byte {FRAME_BYTES}")
    try:
        carrier, data = unwrap(frame)
        where = zone(carrier["zone"]) if isinstance(carrier.get("zone"), str) else UTC
    except BadInput as wrong:
        raise BadFrame(str(wrong), "byte 0") from None
    said, pairs = _members(data)
    default = carrier.get("resource")
    kind = default if isinstance(default, str) else ""
    return _whole(said, _checked(pairs, kind=kind, where=where), carrier=carrier)


def _checked(
    pairs: list[tuple[Any, str]], *, kind: str, where: tzinfo
) -> list[tuple[dict[str, Any], str, str]]:
    found = []
    for one, at in pairs:
        checked = resource(one, at, kind=kind, zone=where)
        found.append((checked, str(checked.get("resourceType", kind)), at))
    return found


def _whole(
    said: dict[str, Any],
    resources: list[tuple[dict[str, Any], str, str]],
    *,
    carrier: dict[str, Any],
) -> dict[str, Any]:
    measured = Found()
    for one, kind, at in resources:
        measured.add(one, kind, at=at)
    kinds = {kind or "unnamed" for _, kind, _ in resources}
    answer: dict[str, Any] = {
        "ok": True,
        "message": kinds.pop() if len(kinds) == 1 else "mixed" if kinds else "empty",
        "version": VERSION,
        "device": _device([one for one, _, _ in resources], carrier),
        "fields": {**said, "resources": [one for one, _, _ in resources]},
        "readings": measured.readings,
    }
    if measured.times:
        answer["time"] = max(measured.times, key=moment)
    if measured.marks:
        answer["marks"] = measured.marks
    return answer


def _device(resources: list[dict[str, Any]], carrier: dict[str, Any]) -> str:
    """Who reports: the location; else as the carrier says; else the device or the source."""
    for one in resources:
        if "location" in one:
            return identifier(one["location"], "$.location")
    for known in ("device", "location"):
        if isinstance(carrier.get(known), str) and carrier[known]:
            return str(carrier[known])
    for one in resources:
        for said in (one.get("milkingDeviceId"), one.get("meta", {}).get("source")):
            if isinstance(said, str) and said:
                return said
    return "icar"


def _members(data: bytes) -> tuple[dict[str, Any], list[tuple[Any, str]]]:
    """What a collection says of itself, and its resources with their places."""
    told = read(data)
    if isinstance(told, list):
        said, members, at = {}, told, "$"
    elif isinstance(told, dict) and "member" in told and "resourceType" not in told:
        if not isinstance(told["member"], list):
            raise BadFrame("this is not a list", "$.member")
        said = {"view": told["view"]} if isinstance(told.get("view"), dict) else {}
        members, at = told["member"], "$.member"
    else:
        return {}, [(told, "$")]
    if len(members) > MEMBERS:
        raise BadFrame(f"a message has at most {MEMBERS} resources", f"{at}[{MEMBERS}]")
    return said, [(one, f"{at}[{i}]") for i, one in enumerate(members)]
