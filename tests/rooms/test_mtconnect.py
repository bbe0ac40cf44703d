"""MTConnect: its vectors, documents of another suite, and that nothing brings the decoder down."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.rooms.frames import holds, load, mutated, named, proper, registered
from wuxin.protocols import mtconnect
from wuxin.protocols.mtconnect_words import UNITS
from wuxin.terms.envelope import wrap
from wuxin.terms.units import checked

VECTORS = load("mtconnect")


def framed(vector: dict[str, Any]) -> bytes:
    payload = vector["text"].encode()
    return wrap(json.loads(vector["said"]), payload) if "said" in vector else payload


@pytest.mark.parametrize("vector", VECTORS["accept"], ids=named)
def test_a_good_document_becomes_fields_and_readings(vector: dict[str, Any]) -> None:
    answer = mtconnect.decode(framed(vector))
    assert holds(answer, {"ok": True, **vector["want"]}), answer


@pytest.mark.parametrize("vector", VECTORS["refuse"], ids=named)
def test_a_bad_document_is_refused_with_its_reason_and_place(vector: dict[str, Any]) -> None:
    answer = mtconnect.decode(framed(vector))
    assert answer["ok"] is False
    assert vector["error"] in answer["error"]
    assert answer["at"] == vector["at"]


def test_every_vector_says_where_it_is_from() -> None:
    assert all(v["name"] and v["source"] for kind in VECTORS.values() for v in kind)


@pytest.mark.parametrize("unit", sorted(set(UNITS.values())))
def test_every_unit_is_known_here(unit: str) -> None:
    checked(unit)


def test_a_document_with_too_many_observations_is_refused() -> None:
    one = '<P dataItemId="a" sequence="1" timestamp="2024-06-01T08:00:00Z">1</P>'
    many = one * (mtconnect.OBSERVATIONS + 1)
    inside = (
        f"<DeviceStream><ComponentStream><Samples>{many}</Samples></ComponentStream></DeviceStream>"
    )
    text = f"<MTConnectStreams><Streams>{inside}</Streams></MTConnectStreams>"
    assert "more than 20000 observations" in mtconnect.decode(text.encode())["error"]


def test_no_mutation_of_a_good_document_raises() -> None:
    taken = 0
    for data in mutated([framed(vector) for vector in VECTORS["accept"]], 8_000, seed=12):
        answer = mtconnect.decode(data)
        proper(answer, most=40_000)
        taken += answer["ok"]
    assert 100 < taken < 7_500


@pytest.mark.shared
def test_documents_of_another_suite_say_what_there_is(shared: Path) -> None:
    seen = 0
    for path in sorted((shared / "vectors/mtconnect").glob("*samples__*.xml")):
        data = path.read_bytes()
        answer = mtconnect.decode(data)
        assert answer["ok"], (path.name, answer)
        assert len(answer["fields"]["data_items"]) == data.count(b"<DataItem ")
        for item in answer["fields"]["data_items"]:
            assert item.get("units") in {None, *UNITS}, item
            seen += "units" in item
    assert seen > 50


def test_the_decoder_is_registered_under_its_protocols_name() -> None:
    assert registered("mtconnect") == mtconnect.__name__
