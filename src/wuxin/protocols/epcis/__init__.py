"""EPCIS 2.0: what happened to traded things, in JSON, JSON-LD or XML.

`decode` reads a document or a bare event; `event_hash` names an event; `matches` filters events by
the parameters of a simple query; `canonical` writes a GS1 key in its one form; `goods` is what a
decoded document tells about goods that are traded. All are pure.

Source: GS1 EPCIS 2.0 and CBV 2.0. Of the clauses that are named in this package, EPCIS §7.4, §7.4.1
and §8.2.7 and CBV §8.9 were found as others cite them; EPCIS §7.3.7, §9.5 and §10 and CBV §7.10 and
§8.8 are not confirmed against the standard's text. What they say was held against the published
schemas, examples and event hashes.
"""

from typing import Any

from wuxin.protocols.epcis.document import answer
from wuxin.protocols.epcis.goods import goods
from wuxin.protocols.epcis.hashing import event_hash
from wuxin.protocols.epcis.keys import canonical
from wuxin.protocols.epcis.query import matches
from wuxin.protocols.octets import BadFrame

__all__ = ["canonical", "decode", "event_hash", "goods", "matches"]


def decode(frame: bytes) -> dict[str, Any]:
    """Decode one document or one bare event; never raises, whatever the bytes.

    Args:
        frame: JSON or XML, with or without a line of what its carrier said before it.

    Returns:
        ``ok`` true with ``message`` (EPCISDocument, EPCISQueryDocument or the type of a bare
        event), ``version``, ``device`` (the sender, or the place of the first event), ``fields``
        (``events`` in one common form for JSON and XML, their ``hashes``, and what the document
        says of itself), ``time`` (of the latest event), ``readings`` of the sensors, each with the
        ``thing`` it is of, its ``time`` and its ``sensor``, and ``marks`` where a report gave no
        reading; or ``ok`` false with ``error`` and ``at``, such as ``$.eventList[3].action``.
    """
    try:
        return answer(frame)
    except BadFrame as bad:
        return bad.answer()
