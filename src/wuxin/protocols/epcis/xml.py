"""EPCIS in XML, read into the shape that it has in JSON.

Nothing outside of the document is read: no definitions, no entities, no network.

Source: EPCIS 2.0 §9.5 (XML schema for core event types); the wrappers ``extension`` and
``baseExtension`` of EPCIS 1.2 §9.5 are opened.
"""

import re
from collections.abc import Callable, Iterator
from typing import Any, Final

from lxml import etree  # type: ignore[import-untyped]

from wuxin.protocols.epcis.names import NAMESPACE, bounded
from wuxin.protocols.octets import BadFrame

DEPTH: Final = 32
"""How deep elements may lie in one another."""

_WRAPPERS: Final = ("extension", "baseExtension")
_SCHEMA: Final = "{http://www.w3.org/2001/XMLSchema-instance}"
_NOTHING: Final = f"{_SCHEMA}nil"
_NUMBERS: Final = (
    "value", "minValue", "maxValue", "meanValue", "sDev", "percRank", "percValue", "quantity",
)  # fmt: skip
_DECIMAL: Final = re.compile(
    r"\s*[+-]?(?:\d{1,300}(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d{1,3})?\s*", re.ASCII
)
_LISTS: Final = {
    "epcList": "epc", "childEPCs": "epc", "inputEPCList": "epc", "outputEPCList": "epc",
    "correctiveEventIDs": "correctiveEventID",
}  # fmt: skip
_TYPED: Final = {
    "bizTransactionList": "bizTransaction", "sourceList": "source",
    "destinationList": "destination",
}  # fmt: skip

Found = list[tuple[dict[str, Any], dict[str, str]]]
"""Events in the shape of JSON, each with the prefixes that hold there."""


def document(data: bytes) -> tuple[str, dict[str, Any], Found]:
    """The document's name, what it says of itself, and its events.

    Raises:
        BadFrame: it is no well-formed XML, declares entities, or is no EPCIS document.
    """
    kind = data.find(b"<!DOCTYPE")
    declares = kind >= 0 and b"[" in data[kind : data.find(b">", kind)]
    if declares or b"<!ENTITY" in data or b"\0" in data:
        raise BadFrame("a document declares no entities and is written in UTF-8", "$")
    parser = etree.XMLParser(
        resolve_entities=False, load_dtd=False, no_network=True, dtd_validation=False,
        remove_comments=True, remove_pis=True, huge_tree=False,
    )  # fmt: skip
    try:
        root = etree.fromstring(data, parser)
    except (etree.XMLSyntaxError, ValueError, LookupError) as wrong:
        raise BadFrame(f"this is not XML: {str(wrong)[:200].splitlines()[0]}", "$") from None
    _shallow(root)
    name = etree.QName(root).localname
    if name.endswith("Event"):
        return name, {}, [(_event(root, "$"), _prefixes(root))]
    if name not in ("EPCISDocument", "EPCISQueryDocument"):
        raise BadFrame(f"{name[:80]!r} is no EPCIS document", "$")
    said: dict[str, Any] = {
        key: str(root.get(key)) for key in ("schemaVersion", "creationDate") if key in root.attrib
    }
    said |= _header(root)
    lists = list(root.iter("EventList"))
    if len(lists) != 1:
        raise BadFrame("a document of events has one EventList", "$.eventList")
    return (
        name,
        said,
        [
            (_event(one, f"$.eventList[{i}]"), _prefixes(one))
            for i, one in enumerate(_opened(lists[0]))
        ],
    )


def _header(root: Any) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for element in root:
        if etree.QName(element).localname == "ignoreFields":
            found["ignoreFields"] = [str(child.tag) for child in element]
    for who in ("Sender", "Receiver"):
        for element in root.iter(f"{{*}}{who}"):
            if (text := element.findtext("{*}Identifier")) and text.strip():
                found[who.lower()] = text.strip()
    return found


def _shallow(root: Any) -> None:
    level = [root]
    for _ in range(DEPTH):
        level = [child for element in level for child in element]
        if not level:
            return
        # With comments and instructions gone, what has no name is a reference to an entity.
        if not all(isinstance(child.tag, str) for child in level):
            raise BadFrame("a document refers to an entity that it cannot have", "$")
        if any(len(child.tag) > 2 * NAMESPACE for child in level):
            raise BadFrame(f"a name is longer than {2 * NAMESPACE} characters", "$")
    raise BadFrame(f"elements lie deeper than {DEPTH} in one another", "$")


def _prefixes(element: Any) -> dict[str, str]:
    return bounded({str(prefix): str(space) for prefix, space in element.nsmap.items() if prefix})


def _opened(element: Any) -> Iterator[Any]:
    """The children of an element, those in wrappers of EPCIS 1.2 among them."""
    for child in element:
        if child.tag in _WRAPPERS:
            yield from _opened(child)
        else:
            yield child


def _text(element: Any) -> str:
    return "".join(element.itertext()).strip()


def _number(text: str) -> Any:
    """The number that is written; the text itself where none is."""
    if not _DECIMAL.fullmatch(text):
        return text
    value = float(text)
    return int(value) if value.is_integer() and abs(value) < 2**53 else value


def _event(element: Any, at: str) -> dict[str, Any]:
    name = etree.QName(element)
    kind = name.localname if name.namespace is None else f"{name.namespace}{name.localname}"
    found: dict[str, Any] = {"type": kind}
    for child in _opened(element):
        if child.tag.startswith("{"):
            _add(found, child)
        elif child.tag in found:
            raise BadFrame(f"{child.tag} is given twice", f"{at}.{child.tag}")
        else:
            found[child.tag] = _field(child)
    return found


def _field(element: Any) -> Any:
    name = element.tag
    read = _READ.get(name)
    if read is not None:
        return read(element)
    if name in _LISTS:
        return [_text(child) for child in element]
    if name in _TYPED:
        return [_typed(child, _TYPED[name]) for child in element]
    return _text(element)


def _quantities(element: Any) -> list[dict[str, Any]]:
    return [
        {
            leaf.tag: _leaf(leaf.tag, _text(leaf))
            for leaf in child
            if leaf.get(_NOTHING) not in ("true", "1")
        }
        for child in element
    ]


def _persistent(element: Any) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for child in element:
        found.setdefault(child.tag, []).append(_text(child))
    return found


def _sensors(element: Any) -> list[dict[str, Any]]:
    return [_sensor(child) for child in element]


def _leaf(name: str, text: str) -> Any:
    if name in _NUMBERS:
        return _number(text)
    if name == "booleanValue":
        return {"true": True, "1": True, "false": False, "0": False}.get(text.strip(), text)
    return text


def _typed(element: Any, name: str) -> dict[str, Any]:
    kind = {"type": element.get("type")} if "type" in element.attrib else {}
    return {**kind, name: _text(element)}


def _object(element: Any) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for child in _opened(element):
        if child.tag.startswith("{"):
            _add(found, child)
        else:
            found[child.tag] = _field(child)
    return found


def _sensor(element: Any) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for child in element:
        said = {key: _leaf(key, str(value)) for key, value in child.attrib.items()}
        if child.tag == "sensorReport":
            found.setdefault("sensorReport", []).append(said)
        elif child.tag == "sensorMetadata":
            found["sensorMetadata"] = said
        else:
            _add(found, child)
    return found


def _add(found: dict[str, Any], element: Any) -> None:
    """Add an extension; one that comes again makes a list."""
    name, value = str(element.tag), _extension(element)
    if name not in found:
        found[name] = value
    elif isinstance(found[name], list):
        found[name].append(value)
    else:
        found[name] = [found[name], value]


def _extension(element: Any) -> Any:
    attributes = {
        f"@{key}": str(value)
        for key, value in element.attrib.items()
        if not key.startswith(_SCHEMA)
    }
    if not len(element):
        return {**attributes, "#text": _text(element)} if attributes else _text(element)
    found: dict[str, Any] = dict(attributes)
    for child in element:
        _add(found, child)
    return found


_READ: Final[dict[str, Callable[[Any], Any]]] = {
    "quantityList": _quantities, "childQuantityList": _quantities,
    "inputQuantityList": _quantities, "outputQuantityList": _quantities,
    "persistentDisposition": _persistent, "sensorElementList": _sensors,
    "readPoint": _object, "bizLocation": _object, "ilmd": _object, "errorDeclaration": _object,
}  # fmt: skip
