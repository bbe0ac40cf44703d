"""OCPP: its vectors, messages of other suites, and that no bytes bring the decoder down."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.rooms.frames import holds, load, mutated, named, proper, registered
from wuxin.protocols import ocpp
from wuxin.terms.envelope import wrap
from wuxin.terms.units import checked

VECTORS = load("ocpp")


def framed(vector: dict[str, Any]) -> bytes:
    payload = vector["text"].encode()
    return wrap(json.loads(vector["said"]), payload) if "said" in vector else payload


@pytest.mark.parametrize("vector", VECTORS["accept"], ids=named)
def test_a_good_message_becomes_fields_and_readings(vector: dict[str, Any]) -> None:
    answer = ocpp.decode(framed(vector))
    assert holds(answer, {"ok": True, **vector["want"]}), answer
    for reading in answer["readings"]:
        checked(reading["unit"])


@pytest.mark.parametrize("vector", VECTORS["refuse"], ids=named)
def test_a_bad_message_is_refused_with_its_reason_and_place(vector: dict[str, Any]) -> None:
    answer = ocpp.decode(framed(vector))
    assert answer["ok"] is False
    assert vector["error"] in answer["error"]
    assert answer["at"] == vector["at"]


def test_every_vector_says_where_it_is_from() -> None:
    assert all(v["name"] and v["source"] for kind in VECTORS.values() for v in kind)


def test_every_unit_of_the_standard_is_known_here() -> None:
    units = "Wh kWh varh kvarh W kW VA kVA var kvar A V K Celcius Celsius Fahrenheit Percent Hertz"
    for unit in units.split():
        value = {"value": "1", "measurand": "Voltage", "unit": unit}
        payload = {
            "connectorId": 1,
            "meterValue": [{"timestamp": "2024-06-01T08:00:00Z", "sampledValue": [value]}],
        }
        frame = json.dumps([2, "1", "MeterValues", payload]).encode()
        answer = ocpp.decode(wrap({"station": "A", "version": "1.6"}, frame))
        checked(answer["readings"][0]["unit"])


def test_more_sampled_values_than_the_limit_are_refused() -> None:
    meter = {"timestamp": "2024-06-01T08:00:00Z", "sampledValue": [{"value": "1"}] * 4097}
    frame = json.dumps([2, "1", "MeterValues", {"connectorId": 1, "meterValue": [meter]}]).encode()
    answer = ocpp.decode(wrap({"station": "A", "version": "1.6"}, frame))
    assert "more than 4096" in answer["error"]


def test_no_mutation_of_a_good_message_raises() -> None:
    taken = 0
    for number, vector in enumerate(VECTORS["accept"]):
        said = json.loads(vector["said"])
        for data in mutated([vector["text"].encode()], 600, seed=number):
            answer = ocpp.decode(wrap(said, data))
            proper(answer, most=20_000)
            taken += answer["ok"]
    assert 100 < taken < 7_000
    for data in mutated([framed(vector) for vector in VECTORS["accept"]], 1_000, seed=16):
        proper(ocpp.decode(data), most=20_000)


@pytest.mark.shared
def test_messages_of_other_suites_are_taken_exactly_if_their_schema_takes_them(
    shared: Path,
) -> None:
    lines = (shared / "vectors/ocpp/messages.jsonl").read_text("utf-8").splitlines()
    for case in map(json.loads, lines):
        for version, folder in ocpp.VERSIONS.items():
            said = {"station": "CS-1", "version": version}
            answer = ocpp.decode(wrap(said, json.dumps(case["message"]).encode()))
            is_result = case["message"][0] == 3
            assert answer["ok"] is (is_result or folder in case["valid_for"]), (case, answer)


def test_the_decoder_is_registered_under_its_protocols_name() -> None:
    assert registered("ocpp") == ocpp.__name__
