"""OCPP: what a central system answers to the calls of a charging station.

Pure: no socket, no clock. Whether a card may charge is asked of a function that is passed in; the
number of a transaction of 1.6 follows from what opens it, so that a call that is sent again, even
after a restart, is given the same number.

Source: OCPP 1.6 §4 (operations initiated by a charge point), §6; OCPP 2.0.1 Part 2 §1.
"""

from collections import OrderedDict
from collections.abc import Callable, Mapping
from hashlib import blake2b
from typing import Any, Final, NamedTuple

import msgspec

Authorize = Callable[[str, str], str]
"""Station and card to a status of the standard: Accepted, Blocked, Expired, Invalid, …"""

OPEN: Final = 64
"""Open transactions of one station that are remembered; beyond that the oldest is forgotten."""

_EMPTY: Final = frozenset({
    "DiagnosticsStatusNotification", "FirmwareStatusNotification", "LogStatusNotification",
    "MeterValues", "NotifyChargingLimit", "NotifyCustomerInformation", "NotifyDisplayMessages",
    "NotifyEvent", "NotifyMonitoringReport", "NotifyReport", "ClearedChargingLimit",
    "PublishFirmwareStatusNotification", "ReportChargingProfiles", "ReservationStatusUpdate",
    "SecurityEventNotification", "SignedFirmwareStatusNotification", "StatusNotification",
})  # fmt: skip
"""Calls that are answered by an empty payload."""

_DECLINED: Final = {
    "DataTransfer": {"status": "UnknownVendorId"},
    "SignCertificate": {"status": "Rejected"},
    "NotifyEVChargingNeeds": {"status": "Rejected"},
    "NotifyEVChargingSchedule": {"status": "Rejected"},
    "GetCertificateStatus": {"status": "Failed"},
    "Get15118EVCertificate": {"status": "Failed", "exiResponse": ""},
}
"""Calls for services that this central system does not have."""

_OF_CARDS: Final = {"Authorize", "StartTransaction", "StopTransaction", "TransactionEvent"}
"""Calls in whose answer the card is decided about, if they name one."""


class Call(NamedTuple):
    """A call of a station whose payload fits the schema of its action."""

    station: str
    version: str
    action: str
    payload: dict[str, Any]


def transaction_id(station: str, payload: Mapping[str, Any]) -> int:
    """The number of the transaction that a StartTransaction of 1.6 opens: 1 to 2³¹ - 1."""
    said = [station, *(payload[name] for name in ("connectorId", "idTag", "meterStart"))]
    data = msgspec.json.encode([*map(str, said), payload["timestamp"]])
    return int.from_bytes(blake2b(data, digest_size=8).digest(), "big") % (2**31 - 1) + 1


def _small(**numbers: float) -> dict[str, float]:
    """Those of the numbers that every reader of JSON keeps as they are."""
    return {name: number for name, number in numbers.items() if abs(number) < 2**53}


class Sessions:
    """The open transactions of the stations, and the answers to their calls.

    Args:
        authorize: decides about a card; it is called in the thread that calls :meth:`answer`.
        heartbeat_s: how often a station shall be heard of (s).
    """

    def __init__(self, authorize: Authorize, *, heartbeat_s: int) -> None:
        self._authorize, self._heartbeat_s = authorize, heartbeat_s
        self._open: dict[str, OrderedDict[str, dict[str, Any]]] = {}

    def remember(self, station: str, transaction: Mapping[str, Any]) -> None:
        """Take note of an open transaction: ``id`` and what later messages are told of it."""
        known = self._open.setdefault(station, OrderedDict())
        known[str(transaction["id"])] = dict(transaction)
        if len(known) > OPEN:
            known.popitem(last=False)

    def context(self, call: Call) -> dict[str, Any] | None:
        """What is known of the transaction that a call belongs to; an opening call opens it.

        A closed transaction is still remembered, because its end may be sent again.
        """
        payload = call.payload
        if call.action == "StartTransaction":
            number = transaction_id(call.station, payload)
            begun = {
                "id": number, "id_tag": payload["idTag"],
                **_small(connector=payload["connectorId"], meter_start=payload["meterStart"]),
                "started": payload["timestamp"][:40],
            }  # fmt: skip
            self.remember(call.station, begun)
            return begun
        if call.action == "TransactionEvent":
            return self._event(call.station, payload)
        if "transactionId" in payload:
            return self._known(call.station, payload["transactionId"])
        return None

    def _known(self, station: str, number: Any) -> dict[str, Any] | None:
        known = self._open.get(station)
        return None if known is None else known.get(str(number))

    def _event(self, station: str, payload: Mapping[str, Any]) -> dict[str, Any]:
        """Gather what the events of a transaction of 2.x say once: its EVSE, its card."""
        number = payload["transactionInfo"]["transactionId"]
        known = self._known(station, number) or {"id": number}
        known = dict(known)
        if "evse" in payload:
            known |= _small(connector=payload["evse"]["id"])
        if "idToken" in payload:
            known["id_tag"] = payload["idToken"]["idToken"]
        if payload["eventType"] == "Started":
            known["started"] = payload["timestamp"][:40]
        self.remember(station, known)
        return known

    def answer(self, call: Call, *, now: str) -> dict[str, Any] | None:
        """The payload of the answer; none where the action is not for a central system.

        Args:
            call: what the station asks.
            now: the time (ISO 8601), which stations set their clocks by.
        """
        declined = _DECLINED.get(call.action)
        if call.action in _EMPTY or declined:
            return dict(declined or {})
        if call.action in {"BootNotification", "Heartbeat"}:
            boot = {"status": "Accepted", "interval": self._heartbeat_s}
            return {"currentTime": now, **(boot if call.action == "BootNotification" else {})}
        if call.action not in _OF_CARDS:
            return None
        answer: dict[str, Any] = {}
        if call.action == "StartTransaction":
            answer["transactionId"] = transaction_id(call.station, call.payload)
        if call.payload.keys() & {"idTag", "idToken"}:
            answer["idTagInfo" if call.version == "1.6" else "idTokenInfo"] = self._card(call)
        return answer

    def _card(self, call: Call) -> dict[str, str]:
        card = call.payload.get("idTag") or call.payload.get("idToken", {}).get("idToken", "")
        return {"status": self._authorize(call.station, card)}
