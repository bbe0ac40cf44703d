"""Whether an event answers a query, by the parameters of SimpleEventQuery.

All parameters must hold; of the values of one parameter, any. Identifiers that mean the same key
are the same, in whatever form they are written.

Source: EPCIS 2.0 §8.2.7.1 (SimpleEventQuery).
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, NamedTuple

from wuxin.protocols.epcis.keys import LINK, canonical
from wuxin.protocols.epcis.names import STANDARD, term
from wuxin.protocols.octets import BadFrame
from wuxin.terms.clock import moment
from wuxin.terms.errors import BadInput

Event = Mapping[str, Any]


class Asked(NamedTuple):
    """A parameter of a query and its value."""

    name: str
    value: Any


Judge = Callable[[Event, Asked], bool]
"""Judges an event by a parameter."""

_RUN_ON: Final = tuple(f"{LINK}{key}/" for key in ("253", "255", "8003"))
"""Keys whose serial follows their number, which has a fixed length, without anything between."""

_TRANSACTION: Final = "EQ_bizTransaction_"


def matches(event: Event, query: Mapping[str, Any]) -> bool:
    """Whether an event answers a query; one without parameters is answered by every event.

    Args:
        event: in the common form, as `decode` gives it.
        query: values by parameter: a list or one value; times as ISO 8601 texts.

    Raises:
        BadInput: a parameter is unknown, or its value cannot be meant.
    """
    judges = [(_judge(name), Asked(name, value)) for name, value in query.items()]
    # Every parameter is judged even when one has failed: a wrong query is told whatever the event.
    verdicts = [judge(event, asked) for judge, asked in judges]
    return all(verdicts)


def _judge(name: str) -> Judge:
    if name.startswith(_TRANSACTION):
        return _transaction
    if name not in _JUDGES:
        known = ", ".join((*_JUDGES, f"{_TRANSACTION}type"))
        raise BadInput(f"query parameter {name!r} is unknown; known are {known}")
    return _JUDGES[name]


def _values(asked: Asked) -> list[str]:
    name, value = asked
    values = value if isinstance(value, list | tuple) else [value]
    if not all(isinstance(one, str) and one for one in values) or not values:
        raise BadInput(f"query parameter {name!r} takes one text or a list of texts")
    return list(values)


def _plain(field: str) -> Judge:
    def judge(event: Event, asked: Asked) -> bool:
        return event.get(field) in _values(asked)

    return judge


def _time(field: str, *, least: bool) -> Judge:
    def judge(event: Event, asked: Asked) -> bool:
        edge = moment(_values(asked)[0])
        if field not in event:
            return False
        at = moment(event[field])
        return at >= edge if least else at < edge

    return judge


def _terms(asked: Asked, vocabulary: str) -> list[str]:
    try:
        return [term(one, vocabulary, at=asked.name, context=STANDARD) for one in _values(asked)]
    except BadFrame as wrong:
        raise BadInput(f"query parameter {asked.name!r}: {wrong}") from None


def _word(field: str) -> Judge:
    def judge(event: Event, asked: Asked) -> bool:
        return event.get(field) in _terms(asked, field)

    return judge


def _place(field: str) -> Judge:
    def judge(event: Event, asked: Asked) -> bool:
        wanted = {canonical(one) for one in _values(asked)}
        return field in event and canonical(event[field]["id"]) in wanted

    return judge


def _epcs(*fields: str) -> Judge:
    def judge(event: Event, asked: Asked) -> bool:
        found = {epc: canonical(epc) for epc in _told(event, fields)}
        return any(_hit(pattern, found) for pattern in _values(asked))

    return judge


def _told(event: Event, fields: Iterable[str]) -> Iterable[str]:
    for field in fields:
        said = event.get(field, ())
        yield from [said] if isinstance(said, str) else said


def _hit(pattern: str, found: Mapping[str, str]) -> bool:
    """Whether any key is the pattern's, or begins with it where the pattern leaves the serial.

    Args:
        pattern: an EPC, a pattern of EPCs or a Digital Link.
        found: the canonical form of each key as it is written.
    """
    link = canonical(pattern)
    if link in found.values():
        return True
    if not pattern.startswith("urn:epc:idpat:") or not pattern.endswith("*"):
        return False
    if link == pattern:  # it stops before a key is whole, such as urn:epc:idpat:giai:4012345.*
        start = pattern.removesuffix("*").replace(":idpat:", ":id:")
        company = canonical(start + "0").removesuffix("0")
        # A Digital Link does not say where the company prefix ends, a URN does.
        return any(e.startswith(start if e.startswith("urn:") else company) for e in found)
    end = "" if link.startswith(_RUN_ON) else "/"
    return any(epc.startswith(link + end) for epc in found.values())


def _transaction(event: Event, asked: Asked) -> bool:
    kind = _terms(asked._replace(value=asked.name.removeprefix(_TRANSACTION)), "transaction")[0]
    wanted = {canonical(one) for one in _values(asked)}
    return any(
        one.get("type") == kind and canonical(one["bizTransaction"]) in wanted
        for one in event.get("bizTransactionList", ())
    )


_JUDGES: Final[dict[str, Judge]] = {
    "eventType": _plain("type"),
    "EQ_eventID": _plain("eventID"),
    "EQ_action": _plain("action"),
    "GE_eventTime": _time("eventTime", least=True),
    "LT_eventTime": _time("eventTime", least=False),
    "GE_recordTime": _time("recordTime", least=True),
    "LT_recordTime": _time("recordTime", least=False),
    "EQ_bizStep": _word("bizStep"),
    "EQ_disposition": _word("disposition"),
    "EQ_readPoint": _place("readPoint"),
    "EQ_bizLocation": _place("bizLocation"),
    "MATCH_epc": _epcs("epcList", "childEPCs"),
    "MATCH_parentID": _epcs("parentID"),
    "MATCH_anyEPC": _epcs("epcList", "childEPCs", "parentID", "inputEPCList", "outputEPCList"),
}
