"""EPCIS: its vectors, its hashes, its queries, and that no document brings the decoder down."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.rooms.documents import places, read, without
from tests.rooms.frames import bytes_of, holds, load, named, proper, registered
from wuxin.protocols import epcis
from wuxin.protocols.epcis import xml
from wuxin.protocols.epcis.document import EVENTS, FRAME_BYTES
from wuxin.protocols.epcis.hashing import prehash
from wuxin.protocols.nested import DEPTH
from wuxin.protocols.rec20 import UNITS
from wuxin.terms.envelope import wrap
from wuxin.terms.errors import BadInput
from wuxin.terms.units import checked

VECTORS = load("epcis")
SCHEMAS = "https://gs1.github.io/EPCIS/JSON-Schema/EPCIS-Document-JSON-Schema.json"


def events_of(number: int) -> list[dict[str, Any]]:
    answer = epcis.decode(bytes_of(VECTORS["accept"][number]))
    found: list[dict[str, Any]] = answer["fields"]["events"]
    return found


def written(event: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """The answer to a bare event with some fields changed."""
    return epcis.decode(json.dumps(event | changes).encode())


PLAIN: dict[str, Any] = {
    "type": "ObjectEvent", "eventTime": "2024-05-02T07:30:00Z", "eventTimeZoneOffset": "+00:00",
    "action": "ADD", "epcList": ["urn:epc:id:sgtin:4012345.011111.9876"],
}  # fmt: skip


@pytest.mark.parametrize("vector", VECTORS["accept"], ids=named)
def test_a_good_document_becomes_events_and_readings(vector: dict[str, Any]) -> None:
    answer = epcis.decode(bytes_of(vector))
    assert holds(answer, {"ok": True, **vector["want"]}), json.dumps(answer, indent=1)
    proper(answer, most=20_000)
    for reading in answer["readings"]:
        assert checked(reading["unit"]) == reading["unit"]


@pytest.mark.parametrize("vector", VECTORS["refuse"], ids=named)
def test_a_bad_document_is_refused_with_its_reason_and_place(vector: dict[str, Any]) -> None:
    answer = epcis.decode(bytes_of(vector))
    assert answer["ok"] is False
    assert vector["error"] in answer["error"]
    assert answer["at"] == vector["at"]


def test_every_vector_says_where_it_is_from() -> None:
    assert all(v["name"] and v["source"] for kind in VECTORS.values() for v in kind)


def test_every_unit_code_is_a_unit_that_is_understood() -> None:
    assert all(checked(unit) == unit for unit in UNITS.values())


def test_json_and_xml_give_one_common_form() -> None:
    from_json, from_xml = events_of(0)[0], events_of(1)[0]
    same = ("type", "eventTime", "bizStep", "disposition", "{https://example.com/ns/}driver")
    assert {name: from_json[name] for name in same} == {name: from_xml[name] for name in same}
    assert prehash(from_json) == prehash(from_xml)


def test_many_things_have_each_their_reading() -> None:
    sensors = [{"sensorReport": [{"type": "Mass", "value": 2, "uom": "TNE"}]}]
    epcs = ["urn:epc:id:giai:4012345.1", "urn:epc:id:giai:4012345.2"]
    answer = written(PLAIN, epcList=epcs, sensorElementList=sensors)
    assert [(r["thing"], r["value"], r["unit"]) for r in answer["readings"]] == [
        (f"epc:{epc}", 2.0, "t") for epc in epcs
    ]


def test_what_the_carrier_said_names_the_device() -> None:
    frame = wrap({"device": "warehouse-7"}, json.dumps(PLAIN).encode())
    assert epcis.decode(frame)["device"] == "warehouse-7"


def test_the_hash_leaves_out_what_a_repository_adds() -> None:
    name = written(PLAIN)["fields"]["hashes"][0]
    later = {"recordTime": "2024-06-01T00:00:00Z", "eventID": name}
    assert written(PLAIN, **later)["fields"]["hashes"] == [name]
    assert written(PLAIN, eventTime="2024-05-02T09:30:00.0001+02:00")["fields"]["hashes"] == [name]
    assert written(PLAIN, action="DELETE")["fields"]["hashes"] != [name]
    assert written(PLAIN, eventTime="2024-05-02T07:30:00.0005Z")["fields"]["hashes"] != [name]


@pytest.mark.parametrize(
    ("epc", "link"),
    [
        ("urn:epc:id:sgtin:4012345.011111.9876", "01/04012345111118/21/9876"),
        ("urn:epc:id:sgtin:4012345.011111.a(b)", "01/04012345111118/21/a%28b%29"),
        ("urn:epc:idpat:sgtin:4012345.044444.*", "01/04012345444445"),
        ("urn:epc:class:lgtin:4012345.022222.L.7", "01/04012345222227/10/L.7"),
        ("urn:epc:id:sscc:4012345.0000000333", "00/040123450000003338"),
        ("urn:epc:id:sgln:4012345.00011.0", "414/4012345000115"),
        ("urn:epc:id:sgln:4012345.00011.987", "414/4012345000115/254/987"),
        ("urn:epc:id:pgln:4012345.00000", "417/4012345000009"),
        ("urn:epc:id:grai:4012345.66666.87", "8003/0401234566666387"),
        ("urn:epc:id:giai:4012345.AAbb", "8004/4012345AAbb"),
        ("urn:epc:id:gdti:4012345.55555.98", "253/401234555555498"),
        ("urn:epc:id:cpi:4012345.ABC.123", "8010/4012345ABC/8011/123"),
        ("urn:epc:id:itip:4012345.012345.01.02.999", "8006/040123451234560102/21/999"),
        ("http://example.com/shop/gtin/4012345111118/lot/7/ser/9?x=1", "01/04012345111118/21/9"),
        ("https://example.com/01/04012345111118/22/2A/10/7", "01/04012345111118/10/7"),
    ],
)
def test_a_key_has_one_canonical_form(epc: str, link: str) -> None:
    assert epcis.canonical(epc) == f"https://id.gs1.org/{link}"
    assert epcis.canonical(epcis.canonical(epc)) == epcis.canonical(epc)


@pytest.mark.parametrize(
    "text",
    [
        "urn:epc:id:sgtin:4012345.01111.9876",
        "urn:epc:id:sgtin:4012345.011111",
        "urn:epc:id:sgtin:4012345.011111.*",
        "urn:epc:class:sgtin:4012345.011111.1",
        "http://transaction.example.com/po/12345678",
        "https://example.com/01/04012345111118/21/9/99/1",
        "",
    ],
)
def test_what_is_no_key_stays_as_it_is(text: str) -> None:
    assert epcis.canonical(text) == text


EVENT = {**PLAIN, "recordTime": "2024-05-03T00:00:00Z", "bizStep": "packing",
    "eventID": "urn:uuid:1", "disposition": "in_progress",
    "readPoint": {"id": "urn:epc:id:sgln:4012345.00011.0"},
    "bizLocation": {"id": "https://id.gs1.org/414/4012345000122"},
    "bizTransactionList": [{"type": "po", "bizTransaction": "urn:po:7"}],
}  # fmt: skip


@pytest.mark.parametrize(
    ("query", "hit"),
    [
        ({}, True),
        ({"eventType": ["AggregationEvent", "ObjectEvent"]}, True),
        ({"eventType": "AggregationEvent"}, False),
        ({"GE_eventTime": "2024-05-02T09:30:00+02:00"}, True),
        ({"LT_eventTime": "2024-05-02T07:30:00Z"}, False),
        ({"GE_recordTime": "2024-05-03T00:00:00Z", "LT_recordTime": "2024-05-04T00:00:00Z"}, True),
        ({"EQ_action": ["ADD"], "EQ_bizStep": "urn:epcglobal:cbv:bizstep:packing"}, True),
        ({"EQ_action": ["ADD"], "EQ_bizStep": "shipping"}, False),
        ({"EQ_disposition": ["https://ref.gs1.org/cbv/Disp-in_progress"]}, True),
        ({"EQ_readPoint": "https://example.com/414/4012345000115"}, True),
        ({"EQ_bizLocation": "urn:epc:id:sgln:4012345.00012.0"}, True),
        ({"EQ_bizLocation": "urn:epc:id:sgln:4012345.00011.0"}, False),
        ({"MATCH_epc": "urn:epc:idpat:sgtin:4012345.011111.*"}, True),
        ({"MATCH_epc": "urn:epc:idpat:sgtin:4012345.011112.*"}, False),
        ({"MATCH_anyEPC": ["x:y", "https://id.gs1.org/01/04012345111118/21/9876"]}, True),
        ({"MATCH_parentID": "urn:epc:id:sscc:4012345.0000000111"}, False),
        ({"EQ_bizTransaction_po": "urn:po:7"}, True),
        ({"EQ_bizTransaction_inv": "urn:po:7"}, False),
        ({"EQ_eventID": "urn:uuid:1"}, True),
    ],
)
def test_a_query_finds_what_it_asks_for(query: dict[str, Any], *, hit: bool) -> None:
    answer = epcis.decode(json.dumps(EVENT).encode())
    assert answer["ok"], answer
    assert epcis.matches(answer["fields"]["events"][0], query) is hit


def test_a_pattern_of_a_class_does_not_take_in_a_longer_number() -> None:
    epcs = ["urn:epc:id:giai:4012345.AB", "https://id.gs1.org/8010/4012345ABC/8011/9"]
    event = events_of(2)[0] | {"childEPCs": epcs}
    for hit, pattern in (
        (True, "giai:4012345.*"), (False, "giai:4012346.*"), (False, "giai:401234.*"),
        (True, "cpi:4012345.ABC.*"), (False, "cpi:4012345.AB.*"), (True, "sscc:4012345.*"),
    ):  # fmt: skip
        wanted = {"MATCH_anyEPC": f"urn:epc:idpat:{pattern}"}
        assert epcis.matches(event, wanted) is hit, pattern


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ({"EQ_mood": "good"}, "'EQ_mood' is unknown"),
        ({"eventType": "AggregationEvent", "EQ_mood": "good"}, "'EQ_mood' is unknown"),
        ({"GE_eventTime": "yesterday"}, "is not a date"),
        ({"EQ_bizStep": "shiping"}, "neither a standard word nor a URI"),
        ({"EQ_action": 7}, "takes one text or a list of texts"),
        ({"EQ_action": []}, "takes one text or a list of texts"),
    ],
)
def test_a_query_that_cannot_be_meant_is_refused(query: dict[str, Any], words: str) -> None:
    with pytest.raises(BadInput, match=words):
        epcis.matches(events_of(0)[0], query)


def test_what_is_too_large_or_too_deep_is_refused() -> None:
    assert epcis.decode(b" " * (FRAME_BYTES + 1))["at"] == f"byte {FRAME_BYTES}"
    assert "deeper" in epcis.decode(b"[" * (DEPTH + 2) + b"]" * (DEPTH + 2))["error"]
    deep = b"<a>" * (xml.DEPTH + 1) + b"</a>" * (xml.DEPTH + 1)
    assert "deeper" in epcis.decode(b"<ObjectEvent>" + deep + b"</ObjectEvent>")["error"]
    assert not epcis.decode(b"<ObjectEvent>" * 100_000)["ok"]
    many = {"@context": [], "type": "EPCISDocument", "schemaVersion": "2.0",
        "creationDate": "2024-05-02T08:00:00Z",
        "epcisBody": {"eventList": [{}] * (EVENTS + 1)}}  # fmt: skip
    assert epcis.decode(json.dumps(many).encode())["at"] == f"$.eventList[{EVENTS}]"
    reports = [{"type": "Mass", "value": 1, "uom": "KGM"}] * 2001
    epcs = [f"urn:epc:id:giai:4012345.{n}" for n in range(10)]
    answer = written(PLAIN, epcList=epcs, sensorElementList=[{"sensorReport": reports}])
    assert "more than 20000 readings" in answer["error"]


def test_prefixes_do_not_blow_a_document_up() -> None:
    space = "https://example.com/" + "n" * 300
    assert "longer than 300" in written(PLAIN, **{"@context": {"a": space}, "a:x": 1})["error"]
    many = {f"p{n}": "urn:x:" for n in range(101)}
    assert "more than 100 prefixes" in written(PLAIN, **{"@context": many})["error"]
    named = f"<ObjectEvent xmlns:a='{space}{space}'><a:x/></ObjectEvent>"
    assert "longer than 600" in epcis.decode(named.encode())["error"]
    declared = " ".join(f"xmlns:p{n}='urn:x'" for n in range(101))
    assert "more than 100" in epcis.decode(f"<ObjectEvent {declared}/>".encode())["error"]
    assert epcis.canonical("https://id.gs1.org/8004/4012" + "1" * 400).endswith("1" * 400)


def test_the_time_of_a_document_is_its_latest_events() -> None:
    times = ("2024-05-02T07:30:00Z", "2024-05-02T07:30:00.5Z", "2024-05-02T09:29:59+02:00")
    told = {"@context": [], "type": "EPCISDocument", "schemaVersion": "2.0",
        "creationDate": times[0],
        "epcisBody": {"eventList": [PLAIN | {"eventTime": time} for time in times]}}  # fmt: skip
    assert epcis.decode(json.dumps(told).encode())["time"] == "2024-05-02T07:30:00.500000Z"


def test_an_event_of_somebody_elses_type_is_kept() -> None:
    told = {"@context": {"ex": "https://example.com/"}, "type": "ex:Shearing", "ex:wool": 3,
        "eventTime": "2024-05-02T07:30:00Z", "eventTimeZoneOffset": "+00:00"}  # fmt: skip
    event = epcis.decode(json.dumps(told).encode())["fields"]["events"][0]
    assert event["type"] == "https://example.com/Shearing"
    assert event["{https://example.com/}wool"] == 3
    assert not written(told, type="Shearing")["ok"]


def test_the_decoder_is_registered_under_its_protocols_name() -> None:
    assert registered("epcis") == epcis.__name__


def published(shared: Path) -> Iterator[tuple[str, str, str]]:
    """Document, hash that is wanted, hash that we give."""
    folder = shared / "vectors/epcis/event_hash"
    for path in sorted(folder.glob("tests__examples__*")):
        if path.suffix in (".xml", ".jsonld"):
            answer = epcis.decode(path.read_bytes())
            wanted = path.with_suffix(".hashes").read_text("utf-8").split()
            yield from ((path.name, *pair) for pair in zip(
                wanted, answer["fields"]["hashes"], strict=True
            ))  # fmt: skip


@pytest.mark.shared
def test_hashes_are_those_that_are_published(shared: Path) -> None:
    found = list(published(shared))
    assert len(found) == 24
    assert [name for name, wanted, got in found if wanted != got] == []


@pytest.mark.shared
def test_texts_before_hashing_are_those_that_are_published(shared: Path) -> None:
    folder = shared / "vectors/epcis/event_hash"
    for name in (
        "ReferenceEventHashAlgorithm",
        "ReferenceEventHashAlgorithm3",
        "ralfsChaosExample",
    ):
        path = folder / f"tests__examples__{name}.jsonld"
        events = epcis.decode(path.read_bytes())["fields"]["events"]
        wanted = path.with_suffix(".prehashes").read_text("utf-8").split("\n")[0]
        assert prehash(events[0]) == wanted


@pytest.mark.shared
def test_events_that_are_equal_have_one_hash(shared: Path) -> None:
    paths = sorted((shared / "vectors/epcis/event_hash").glob("tests__expected_equal__*"))
    assert len(paths) == 10
    for path in paths:
        assert len(set(epcis.decode(path.read_bytes())["fields"]["hashes"])) == 1, path.name


@pytest.fixture(scope="module")
def schema(shared: Path) -> Any:
    jsonschema = pytest.importorskip("jsonschema")
    referencing = pytest.importorskip("referencing")
    registry = referencing.Registry()
    for path in (shared / "vectors/epcis").glob("JSON-Schema__*.json"):
        told = read(path)
        if "$id" in told and "__test__" not in path.name:
            registry = registry.with_resource(told["$id"], referencing.Resource.from_contents(told))
    return jsonschema.Draft7Validator({"$ref": SCHEMAS}, registry=registry)


def documents(shared: Path) -> list[tuple[str, Any]]:
    folder = shared / "vectors/epcis"
    found = [(path.name, read(path)) for path in sorted(folder.rglob("*.jsonld"))]
    return [(name, told) for name, told in found if "epcisBody" in told]


@pytest.mark.shared
def test_documents_are_taken_and_refused_as_the_schema_does(shared: Path, schema: Any) -> None:
    judged = documents(shared)
    assert len(judged) == 72
    for name, told in judged:
        answer = epcis.decode(json.dumps(told).encode())
        assert answer["ok"] == schema.is_valid(told), (name, answer)


CHANGED = ("EPCISQueryDocument", "AssociationEvent-h", "all_possible", "SensorDataExample7")
LENIENT = "sensorReport"
"""A report may do without its type where it tells an exception, as the XML schema has it."""
STRICT = ("parentID",)
"""The standard wants a parent where things are added to or taken from one."""


@pytest.mark.shared
def test_a_document_that_lacks_something_is_judged_as_the_schema_does(
    shared: Path, schema: Any
) -> None:
    tried = refused = 0
    for name, told in documents(shared):
        if not name.startswith("JSON__") or not any(word in name for word in CHANGED):
            continue
        for path in list(places(told))[::3]:
            if isinstance(path[-1], int) or path[:1] == ("@context",) or path[-1] in STRICT:
                continue
            changed = without(told, path)
            answer = epcis.decode(json.dumps(changed).encode())
            tried += 1
            refused += not answer["ok"]
            if LENIENT not in path:
                assert answer["ok"] == schema.is_valid(changed), (name, path, answer)
    assert tried > 100
    assert refused > 30


@pytest.mark.shared
def test_documents_in_xml_are_read(shared: Path) -> None:
    paths = sorted((shared / "vectors/epcis").glob("XML__*.xml"))
    apart = ("CBV-11.4", "CaptureJob", "Mimasu__Example-masterData", "masterdata")
    taken = [path for path in paths if not any(word in path.name for word in apart)]
    assert len(taken) > 20
    for path in taken:
        answer = epcis.decode(path.read_bytes())
        assert answer["ok"], (path.name, answer)
        assert answer["fields"]["events"]
