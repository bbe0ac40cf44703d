"""OCPP: the transactions of charging stations, open and lately ended, and their numbers.

The number of a transaction of 1.6 follows from what opens it, so that a call that is sent again is
given the same one; docs/decisions/0009 has the reasons. Pure; what changes something is called in
one thread, the event loop's.
"""

from collections import OrderedDict
from collections.abc import Mapping
from hashlib import blake2b
from typing import Any, Final

import msgspec

from wuxin.terms.clock import HOUR, iso, moment
from wuxin.terms.errors import BadInput

REMEMBERED: Final = 64
"""Transactions of one station that are remembered, ended ones to be forgotten first."""

_ALONE_NS: Final = 24 * HOUR
"""How long a transaction whose end never came keeps its card from charging elsewhere."""

_FACTS: Final = ("connector", "id_tag", "meter_start", "started")

_Known = OrderedDict[str, dict[str, Any]]


def transaction_id(station: str, payload: Mapping[str, Any], *, attempt: int = 0) -> int:
    """The number of the transaction that a StartTransaction of 1.6 opens: 1 to 2³¹ - 1.

    Args:
        station: its id.
        payload: of the call; how its time is written, and its card in capitals or small letters,
            makes no difference.
        attempt: counts numbers that stand for another transaction of the station already.
    """
    said = [station, str(payload["connectorId"]), payload["idTag"].casefold()]
    said += [str(payload["meterStart"]), _plain(payload["timestamp"]), *["again"] * attempt]
    data = msgspec.json.encode(said)
    return int.from_bytes(blake2b(data, digest_size=8).digest(), "big") % (2**31 - 1) + 1


class Transactions:
    """What is known of the transactions of all stations."""

    def __init__(self) -> None:
        self._known: dict[str, _Known] = {}
        self._busy: dict[str, tuple[str, str]] = {}

    def remember(self, station: str, transaction: Mapping[str, Any]) -> None:
        """Take note of a transaction: ``id``, what later messages are told, whether it ``ended``.

        One that begins at a connector ends what is still open there, as its end was lost.
        """
        if transaction.get("unknown"):
            return
        known = self._known.setdefault(station, OrderedDict())
        number, said = str(transaction["id"]), dict(transaction)
        if number not in known and not said.get("ended"):
            for other, each in known.items():
                if each.get("connector") == said.get("connector") is not None:
                    self._end(station, other, said=each)
        known[number] = said
        if said.get("ended"):
            self._end(station, number, said=said)
        else:
            self._take(said.get("id_tag", "").casefold(), station=station, number=number)
        if len(known) > REMEMBERED:
            gone = next((key for key, each in known.items() if each.get("ended")), None)
            gone = next(iter(known)) if gone is None else gone
            self._end(station, gone, said=known.pop(gone))

    def begin(self, station: str, payload: Mapping[str, Any]) -> dict[str, Any]:
        """The transaction that a StartTransaction of 1.6 opens, or has opened before."""
        begun: dict[str, Any] = {
            "id_tag": payload["idTag"], "started": payload["timestamp"][:40],
            **_small(connector=payload["connectorId"], meter_start=payload["meterStart"]),
        }  # fmt: skip
        known = self._known.get(station, OrderedDict())
        for attempt in range(len(known) + 1):
            begun["id"] = transaction_id(station, payload, attempt=attempt)
            before = known.get(str(begun["id"]))
            if before is None:
                break
            if _facts(before) == _facts(begun):
                return before
        self.remember(station, begun)
        return begun

    def end(self, station: str, number: Any) -> dict[str, Any]:
        """A transaction that ends; of one that is ``unknown`` only its number is."""
        known = self.find(station, number)
        if known is None:
            return {**_small(id=number), "unknown": True}
        ended = {**known, "ended": True}
        self.remember(station, ended)
        return ended

    def find(self, station: str, number: Any) -> dict[str, Any] | None:
        """What is known of a transaction, if anything is."""
        return self._known.get(station, OrderedDict()).get(str(number))

    def event(self, station: str, payload: Mapping[str, Any]) -> dict[str, Any]:
        """Gather what the events of a transaction of 2.x say once: its EVSE, its card."""
        number = payload["transactionInfo"]["transactionId"]
        known = {"id": number, **(self.find(station, number) or {})}
        if "evse" in payload:
            known |= _small(connector=payload["evse"]["id"])
        if "idToken" in payload and payload["eventType"] != "Ended":
            known["id_tag"] = payload["idToken"]["idToken"]
        if payload["eventType"] == "Started":
            known["started"] = payload["timestamp"][:40]
        if payload["eventType"] == "Ended":
            known["ended"] = True
        self.remember(station, known)
        return known

    def elsewhere(self, card: str, *, station: str, number: Any, now: str) -> bool:
        """Whether a card has another transaction open than this one, begun within a day."""
        busy = self._busy.get(card.casefold())
        return busy not in (None, (station, str(number))) and self._lasts(busy, moment(now))

    def _take(self, card: str, *, station: str, number: str) -> None:
        """Note that a card is in use, unless it still is elsewhere."""
        begun = _begun(self._known[station][number])
        if card and not (card in self._busy and self._lasts(self._busy[card], begun or 0)):
            self._busy[card] = (station, number)

    def _lasts(self, busy: tuple[str, str] | None, now: int) -> bool:
        begun = _begun(self.find(*busy) or {}) if busy else None
        return begun is not None and now - begun < _ALONE_NS

    def _end(self, station: str, number: str, *, said: dict[str, Any]) -> None:
        said["ended"] = True
        card = said.get("id_tag", "").casefold()
        if self._busy.get(card) == (station, number):
            del self._busy[card]


def _facts(transaction: Mapping[str, Any]) -> list[Any]:
    """What tells one transaction of a station from another, however it was written."""
    said = [transaction.get(name) for name in _FACTS]
    return [said[0], str(said[1]).casefold(), said[2], _plain(str(said[3]))]


def _begun(transaction: Mapping[str, Any]) -> int | None:
    """When a transaction began (ns); None where nobody can say."""
    try:
        return moment(str(transaction.get("started", "")).upper())
    except BadInput:
        return None


def _plain(time: str) -> str:
    """A time in one spelling; one that is none as it stands there."""
    try:
        return iso(moment(time[:40].upper()))
    except BadInput:
        return time


def _small(**numbers: Any) -> dict[str, Any]:
    """Those of the numbers that every reader of JSON keeps as they are."""
    return {
        name: number
        for name, number in numbers.items()
        if not isinstance(number, int | float) or abs(number) < 2**53
    }
