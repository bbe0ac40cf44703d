"""OCPP-J: what charging stations say over a WebSocket (1.6, 2.0.1, 2.1).

    [2, "19223201", "BootNotification", {…}]      a call; action and payload
    [3, "19223201", {…}]                          the result of a call of ours
    [4, "19223201", "NotSupported", "…", {…}]     its refusal

Who speaks, and in which version, stands in the address of the connection, so the line before the
message says it: `{"station": "CS-1", "version": "1.6"}`. It may add `received` (when the message
came, for those without a time of their own), `transaction` (`id`, `connector`, `meter_start` in Wh,
`started`: what an earlier message opened) and, before a result, `action` and `request`.

Source: OCA, OCPP-J 1.6 §4 and OCPP 2.0.1 Part 4 §4 (frames); the schemas of each version.
"""

import re
from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from typing import Any, Final

import msgspec
from ocpp.messages import get_validator

from wuxin.protocols.ocpp_values import (
    CHARGING_STATES,
    CONNECTOR_STATES,
    ERRORS,
    sampled,
    when,
)
from wuxin.protocols.octets import BadFrame, enveloped

FRAME_BYTES: Final = 256 * 1024
SAMPLES: Final = 4096
VERSIONS: Final = {"1.6": "v16", "2.0.1": "v201", "2.1": "v21"}
KINDS: Final = {2: "call", 3: "result", 4: "error"}

_STATION: Final = re.compile(r"[A-Za-z0-9*_=:+|@.\-]{1,48}")
_DECODER: Final = msgspec.json.Decoder(list[Any])
_LONGEST: Final = 200
"""Characters of a schema's complaint that are passed on."""


def decode(frame: bytes) -> dict[str, Any]:
    """Decode one message with the line before it; never raises, whatever the bytes.

    Args:
        frame: the line and the JSON text in UTF-8, at most 256 KiB.

    Returns:
        ``ok`` true with ``message`` (the action; of a result ``…Response``), ``kind`` (call, result
        or error), ``id``, ``version``, ``device`` (the station), ``fields`` (the payload under the
        standard's names), ``time``, ``readings`` and, where there are any, ``marks``,
        ``transaction`` and ``late`` (it was kept while the station was offline); or ``ok`` false
        with ``error`` and ``at``. A reading's ``thing`` is ``evse:station-number``: the connector
        of 1.6, the EVSE of 2.x.
    """
    try:
        said, parts = _parts(frame)
        answer = _head(said, parts)
        if answer["kind"] != "error":
            _check(answer, said)
        if answer["kind"] == "call":
            _understand(answer, said)
    except BadFrame as bad:
        return bad.answer()
    return answer


def _parts(frame: bytes) -> tuple[dict[str, Any], list[Any]]:
    said, payload = enveloped(
        frame, FRAME_BYTES, longer="the message is longer than", at="station",
        bare="nothing before the message says which station sent it",
    )  # fmt: skip
    try:
        parts = _DECODER.decode(payload)
    except RecursionError:
        raise BadFrame("the message is nested too deeply", "$") from None
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise BadFrame("the message is not a list in JSON", "$") from None
    return said, parts


def _head(said: dict[str, Any], parts: list[Any]) -> dict[str, Any]:
    """Say who speaks and what kind of message it is; its payload is not looked at."""
    station, version = said.get("station"), said.get("version")
    if not isinstance(station, str) or not _STATION.fullmatch(station):
        raise BadFrame("nothing before the message says which station sent it", "station")
    if not isinstance(version, str) or version not in VERSIONS:
        raise BadFrame(f"OCPP {version!a:.40} is none of {', '.join(VERSIONS)}", "version")
    number = parts[0] if parts and type(parts[0]) is int else 0
    kind = KINDS.get(number)
    if kind is None:
        raise BadFrame("the message does not begin with 2, 3 or 4", "$[0]")
    if len(parts) != {"call": 4, "result": 3, "error": 5}[kind]:
        raise BadFrame(f"a {kind} cannot have {len(parts)} parts", "$")
    if not isinstance(parts[1], str) or not 1 <= len(parts[1]) <= 36:
        raise BadFrame("the message's id is not a text of 1 to 36 characters", "$[1]")
    fields = parts[-1]
    if not isinstance(fields, dict):
        raise BadFrame("the payload is not an object", f"$[{len(parts) - 1}]")
    action = said.get("action")
    name = f"{action}Response" if isinstance(action, str) else "Response"
    if kind == "call":
        name = parts[2]
    elif kind == "error":
        name = "CallError"
        fields = {"errorCode": parts[2], "errorDescription": parts[3], "errorDetails": fields}
    return {
        "ok": True, "message": name, "kind": kind, "id": parts[1], "version": version,
        "device": station, "fields": fields, "readings": [],
    }  # fmt: skip


@cache
def _schemas(version: str) -> frozenset[str]:
    """Names of the schemas of a version; an action that is none of them opens no file."""
    folder = files("ocpp") / VERSIONS[version] / "schemas"
    return frozenset(each.name.removesuffix(".json") for each in folder.iterdir())


def _check(answer: dict[str, Any], said: dict[str, Any]) -> None:
    """Hold the payload against the schema of its action."""
    version, is_call = answer["version"], answer["kind"] == "call"
    action = answer["message"] if is_call else said.get("action")
    if action is None:
        return  # a result says nothing about what it answers
    schema = f"{action}{'Request' if version != '1.6' else ''}" if is_call else f"{action}Response"
    odd = not isinstance(action, str) or action.endswith(("Response", "Request"))
    if odd or schema not in _schemas(version):
        raise BadFrame(f"OCPP {version} has no action {action!a:.60}", "$[2]")
    validator = get_validator(2 if is_call else 3, action, version)
    try:
        wrong = next(validator.iter_errors(answer["fields"]), None)
    except (RecursionError, ArithmeticError):
        raise BadFrame(f"{action} cannot be checked", "$") from None
    if wrong is not None:
        raise BadFrame(f"{action}: {_complaint(wrong)}", f"$[{3 if is_call else 2}]{_path(wrong)}")


def _complaint(wrong: Any) -> str:
    """What a schema finds wrong, without the whole of a large value."""
    if wrong.validator in {"type", "enum", "maxLength"}:
        wanted = ", ".join(map(str, wrong.validator_value)) if wrong.validator == "enum" else (
            wrong.validator_value
        )  # fmt: skip
        value = repr(wrong.instance)[:60]
        return f"{value} is against {wrong.validator} ({wanted})"[:_LONGEST]
    return " ".join(wrong.message.split())[:_LONGEST]


def _path(wrong: Any) -> str:
    return "".join(
        f"[{part}]" if isinstance(part, int) else f".{part}" for part in wrong.absolute_path
    )[:_LONGEST]


def _understand(answer: dict[str, Any], said: dict[str, Any]) -> None:
    """Add the times and readings of a call to its answer."""
    fields, context = answer["fields"], said.get("transaction")
    if isinstance(context, dict):
        answer["transaction"] = context
    else:
        context = {}
    received = said.get("received")
    if fields.get("offline") is True:
        answer["late"] = True
    for name in ("timestamp", "generatedAt"):
        if name in fields:
            answer["time"] = when(fields[name], f"$[3].{name}")
            break
    else:
        if isinstance(received, str):
            answer["time"] = when(received, "received")
    readings: list[dict[str, Any]] = []
    marks: list[dict[str, str]] = []
    for reading in _readings(answer, context):
        (marks if "mark" in reading else readings).append(reading)
    answer["readings"] = readings
    if marks:
        answer["marks"] = marks


def _readings(answer: dict[str, Any], context: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Give readings, and marks where a value is none, of one call."""
    fields, action = answer["fields"], answer["message"]
    if action == "StatusNotification":
        yield from _status(answer)
        return
    place = _place(fields, context)
    thing = {} if place == 0 else {"thing": f"evse:{answer['device']}-{place}"}
    meters = fields.get("meterValue") or fields.get("transactionData") or []
    if action in {"StartTransaction", "StopTransaction", "TransactionEvent"} or meters:
        if action == "StopTransaction" and context.get("meter_start") is None:
            # The energy has flowed all the same; how much of it, nobody can say.
            yield {"indicator": "session_energy", "mark": "of_unknown_transaction"}
        if place is None:
            yield {"indicator": "energy_active_import_register", "mark": "of_unknown_connector"}
            return
        yield from ({**each, **thing} for each in _transaction(answer, context))
    if sum(len(meter["sampledValue"]) for meter in meters) > SAMPLES:
        raise BadFrame(f"there are more than {SAMPLES} sampled values", "$[3].meterValue")
    for number, meter in enumerate(meters):
        time = when(meter["timestamp"], f"$[3].meterValue[{number}].timestamp")
        answer.setdefault("time", time)
        own = {} if time == answer["time"] else {"time": time}
        for value in meter["sampledValue"]:
            yield {**sampled(value, answer["version"]), **thing, **own}


def _place(fields: dict[str, Any], context: dict[str, Any]) -> int | None:
    """The number of the EVSE that a message is about; 0 is the station, None is not known."""
    evse = fields.get("evse")
    for found in (
        evse.get("id") if isinstance(evse, dict) else None,
        fields.get("evseId"),
        fields.get("connectorId"),
        context.get("connector"),
    ):
        if (place := _whole(found)) is not None:
            return place
    return None


def _whole(value: Any) -> int | None:
    """A number of a place; a schema takes 1.0 for a whole number as well."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return int(value) if 0 <= value < 2**31 and value == int(value) else None


def _status(answer: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Give the state of a connector, in numbers that hold for all versions."""
    fields = answer["fields"]
    connector = _whole(fields["connectorId"])
    place = connector if answer["version"] == "1.6" else _whole(fields["evseId"])
    if place is None or connector is None:
        raise BadFrame("the number of the connector is out of range", "$[3].connectorId")
    thing = {"thing": f"evse:{answer['device']}-{place}"} if place > 0 else {}
    # A second socket of one EVSE has a state of its own.
    suffix = f"_{connector}" if answer["version"] != "1.6" and connector > 1 else ""
    state = fields.get("status") or fields.get("connectorStatus")
    if state in CONNECTOR_STATES:
        value = float(CONNECTOR_STATES.index(state))
        yield {"indicator": f"connector_status{suffix}", "value": value, "unit": "1", **thing}
    if "errorCode" in fields:
        value = float(ERRORS.index(fields["errorCode"]))
        yield {"indicator": "connector_error", "value": value, "unit": "1", **thing}


def _transaction(answer: dict[str, Any], context: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Give what the beginning, the course and the end of a charging session say."""
    fields, action = answer["fields"], answer["message"]
    event = {"StartTransaction": "Started", "StopTransaction": "Ended"}.get(
        action, fields.get("eventType")
    )
    if event is None:
        return
    yield {"indicator": "session_active", "value": float(event != "Ended"), "unit": "1"}
    state = (fields.get("transactionInfo") or {}).get("chargingState")
    if state in CHARGING_STATES:
        value = float(CHARGING_STATES.index(state))
        yield {"indicator": "charging_state", "value": value, "unit": "1"}
    meter = fields.get("meterStart", fields.get("meterStop"))
    if meter is None:
        return
    if abs(meter) > 2**53:
        yield {"indicator": "energy_active_import_register", "mark": "out_of_range"}
        return
    yield {"indicator": "energy_active_import_register", "value": float(meter), "unit": "Wh"}
    begun = context.get("meter_start")
    if action == "StopTransaction" and type(begun) is int and abs(begun) < 2**53:
        yield {"indicator": "session_energy", "value": float(meter - begun), "unit": "Wh"}
