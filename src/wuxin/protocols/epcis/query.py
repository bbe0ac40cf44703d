"""Whether an event answers a query, by the parameters of SimpleEventQuery.

All parameters must hold; of the values of one parameter, any. Identifiers that mean the same key
are the same, in whatever form they are written.

Source: EPCIS 2.0 §8.2.7.1 (SimpleEventQuery).
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from wuxin.protocols.epcis.keys import canonical
from wuxin.protocols.epcis.names import STANDARD, expanded, term
from wuxin.protocols.octets import BadFrame
from wuxin.terms.clock import moment
from wuxin.terms.errors import BadInput

Event = Mapping[str, Any]
Judge = Callable[[Event, Any, str], bool]
"""Judges an event by the value of a parameter, whose name comes last."""

_TRANSACTION: Final = "EQ_bizTransaction_"


def matches(event: Event, query: Mapping[str, Any]) -> bool:
    """Whether an event answers a query; one without parameters is answered by every event.

    Args:
        event: in the common form, as `decode` gives it.
        query: values by parameter: a list or one value; times as ISO 8601 texts.

    Raises:
        BadInput: a parameter is unknown, or its value cannot be meant.
    """
    judges = [(_judge(name), value, name) for name, value in query.items()]
    # Every parameter is judged even when one has failed: a wrong query is told whatever the event.
    verdicts = [judge(event, value, name) for judge, value, name in judges]
    return all(verdicts)


def _judge(name: str) -> Judge:
    if name.startswith(_TRANSACTION):
        return _transaction
    if name not in _JUDGES:
        known = ", ".join((*_JUDGES, f"{_TRANSACTION}type"))
        raise BadInput(f"query parameter {name!r} is unknown; known are {known}")
    return _JUDGES[name]


def _values(value: Any, name: str) -> list[str]:
    values = value if isinstance(value, list | tuple) else [value]
    if not all(isinstance(one, str) and one for one in values) or not values:
        raise BadInput(f"query parameter {name!r} takes one text or a list of texts")
    return list(values)


def _plain(field: str) -> Judge:
    def judge(event: Event, value: Any, name: str) -> bool:
        return event.get(field) in _values(value, name)

    return judge


def _time(field: str, *, least: bool) -> Judge:
    def judge(event: Event, value: Any, name: str) -> bool:
        edge = moment(_values(value, name)[0])
        if field not in event:
            return False
        at = moment(event[field])
        return at >= edge if least else at < edge

    return judge


def _terms(value: Any, name: str, vocabulary: str) -> list[str]:
    try:
        return [term(one, vocabulary, at=name, context=STANDARD) for one in _values(value, name)]
    except BadFrame as wrong:
        raise BadInput(f"query parameter {name!r}: {wrong}") from None


def _word(field: str) -> Judge:
    def judge(event: Event, value: Any, name: str) -> bool:
        return event.get(field) in _terms(value, name, field)

    return judge


def _place(field: str) -> Judge:
    def judge(event: Event, value: Any, name: str) -> bool:
        wanted = {canonical(one) for one in _values(value, name)}
        return field in event and canonical(event[field]["id"]) in wanted

    return judge


def _epcs(*fields: str) -> Judge:
    def judge(event: Event, value: Any, name: str) -> bool:
        found = set(map(canonical, _told(event, fields)))
        return any(_hit(pattern, found) for pattern in _values(value, name))

    return judge


def _told(event: Event, fields: Iterable[str]) -> Iterable[str]:
    for field in fields:
        said = event.get(field, ())
        yield from [said] if isinstance(said, str) else said


def _hit(pattern: str, found: set[str]) -> bool:
    """Whether any key is the pattern's, or begins with it where the pattern leaves the serial."""
    link = canonical(pattern)
    if link in found:
        return True
    if not pattern.startswith("urn:epc:idpat:") or not pattern.endswith("*"):
        return False
    if link == pattern:  # a pattern that is no key, such as urn:epc:idpat:giai:4012345.*
        start = pattern.removesuffix("*").replace(":idpat:", ":id:")
        start = canonical(start + "0").removesuffix("0")
        return any(epc.startswith(start) for epc in found)
    return any(epc.startswith(link) for epc in found)


def _transaction(event: Event, value: Any, name: str) -> bool:
    kind = _terms(expanded(name.removeprefix(_TRANSACTION), STANDARD), name, "transaction")[0]
    wanted = {canonical(one) for one in _values(value, name)}
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
