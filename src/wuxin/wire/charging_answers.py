"""OCPP: what a central system answers to the calls of a charging station.

Pure: no socket, no clock. Whether a card may charge is asked of a function that is passed in.

Source: OCPP 1.6 §4 (operations initiated by a charge point), §6; OCPP 2.0.1 Part 2 §1.
"""

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from wuxin.wire.charging_cards import ACCEPTED, Authorize, Verdict, card_of
from wuxin.wire.charging_transactions import Transactions

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


class Sessions:
    """The transactions of the stations, and the answers to their calls.

    Args:
        authorize: decides about a card; it is called in the thread that calls :meth:`answer`.
        heartbeat_s: how often a station shall be heard of (s).
    """

    def __init__(self, authorize: Authorize, *, heartbeat_s: int) -> None:
        self._authorize, self._heartbeat_s = authorize, heartbeat_s
        self._transactions = Transactions()

    def remember(self, station: str, transaction: Mapping[str, Any]) -> None:
        """Take note of a transaction: ``id``, and what later messages are told of it."""
        self._transactions.remember(station, transaction)

    def context(self, call: Call) -> dict[str, Any] | None:
        """What is known of the transaction that a call belongs to; an opening call opens it.

        A closed transaction is still remembered, because its end may be sent again.
        """
        payload = call.payload
        if call.action == "StartTransaction":
            return dict(self._transactions.begin(call.station, payload))
        if call.action == "StopTransaction":
            return dict(self._transactions.end(call.station, payload["transactionId"]))
        if call.action == "TransactionEvent":
            return dict(self._transactions.event(call.station, payload))
        if "transactionId" in payload:
            return self._transactions.find(call.station, payload["transactionId"])
        return None

    def answer(
        self, call: Call, *, transaction: Mapping[str, Any] | None, now: str
    ) -> dict[str, Any] | None:
        """The payload of the answer; none where the action is not for a central system.

        Args:
            call: what the station asks.
            transaction: what :meth:`context` gave for the call.
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
        number = (transaction or {}).get("id")
        if call.action == "StartTransaction":
            answer["transactionId"] = number
        if card := card_of(call.payload):
            name = "idTagInfo" if call.version == "1.6" else "idTokenInfo"
            answer[name] = self._card(call, card, number=number, now=now).info(call.version)
        return answer

    def _card(self, call: Call, card: str, *, number: Any, now: str) -> Verdict:
        found = self._authorize(card, now)
        begins = call.action == "StartTransaction" or call.payload.get("eventType") == "Started"
        if begins and found.alone and found.status == ACCEPTED:
            known = self._transactions
            if known.elsewhere(card, station=call.station, number=number, now=now):
                return found._replace(status="ConcurrentTx")
        return found
