"""RFID: codes of tags against published ones, and reads of gateways."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.rooms.frames import mutated, proper, registered
from wuxin.protocols import epc, epc_tag
from wuxin.protocols.octets import BadFrame
from wuxin.terms.errors import BadInput

PUBLISHED = [
    # GS1 EPC TDS 1.13 annex E.3, summary of examples; the 96-bit rows
    ("3074257BF7194E4000001A85", "urn:epc:tag:sgtin-96:3.0614141.812345.6789"),
    ("3174257BF4499602D2000000", "urn:epc:tag:sscc-96:3.0614141.1234567890"),
    ("3274257BF46072000000162E", "urn:epc:tag:sgln-96:3.0614141.12345.5678"),
    ("3374257BF40C0E400000162E", "urn:epc:tag:grai-96:3.0614141.12345.5678"),
    ("3474257BF40000000000162E", "urn:epc:tag:giai-96:3.0614141.5678"),
]
WRITTEN = [
    "urn:epc:tag:sgtin-198:3.0614141.712345.32a-b",
    "urn:epc:tag:grai-170:3.0614141.12345.32aB",
    "urn:epc:tag:giai-202:3.0614141.32a-b",
    "urn:epc:tag:sgln-195:3.0614141.12345.32a-b",
    "urn:epc:tag:gsrn-96:3.0614141.1234567890",
    "urn:epc:tag:gdti-96:3.0614141.12345.5678",
    "urn:epc:tag:sgln-96:0.061414112345..0",
    "urn:epc:tag:sgtin-96:1.012345678901.2.1",
]


@pytest.mark.parametrize(("hexed", "uri"), PUBLISHED)
def test_a_published_code_means_what_is_published(hexed: str, uri: str) -> None:
    assert epc_tag.read(bytes.fromhex(hexed))["tag_uri"] == uri
    assert epc_tag.write(uri) == bytes.fromhex(hexed)


@pytest.mark.parametrize("uri", WRITTEN)
def test_a_code_of_any_form_is_read_as_it_was_written(uri: str) -> None:
    assert epc_tag.read(epc_tag.write(uri))["tag_uri"] == uri


@pytest.mark.parametrize(
    ("uri", "key", "value"),
    [
        ("sgtin-96:3.0614141.812345.6789", "gtin", "80614141123458"),
        ("sscc-96:3.0614141.1234567890", "sscc", "106141412345678908"),
        ("sgln-96:3.0614141.12345.5678", "gln", "0614141123452"),
        ("grai-96:3.0614141.12345.5678", "grai", "0614141123452"),
        ("giai-96:3.0614141.5678", "giai", "06141415678"),
        ("gsrn-96:3.0614141.1234567890", "gsrn", "061414112345678902"),
        ("gdti-96:3.0614141.12345.5678", "gdti", "0614141123452"),
    ],
)
def test_a_code_gives_the_key_with_its_check_digit(uri: str, key: str, value: str) -> None:
    """Values of TDS 1.13 §7, where they are given."""
    assert epc_tag.read(epc_tag.write(f"urn:epc:tag:{uri}"))[key] == value


@pytest.mark.parametrize(
    ("hexed", "error"),
    [
        ("", "no EPC form"),
        ("E200001B2609", "no EPC form"),
        ("3074257BF7194E4000001A", "96 bits, not 88"),
        ("307C257BF7194E4000001A85", "partition 7"),
        ("3077FFFFFFFFFFFFFFFFFFFF", "more than 7 digits"),
        ("3174257BF4499602D2000001", "not zero"),
        ("3674257BF6B7A6" + "00" * 19, "does not allow, or none"),
    ],
)
def test_bits_that_are_no_code_are_refused(hexed: str, error: str) -> None:
    with pytest.raises(BadFrame, match=error):
        epc_tag.read(bytes.fromhex(hexed))


def test_a_name_that_does_not_fit_is_not_written() -> None:
    for uri in (
        "sgtin-96:3.0614141.812345.1e9",
        "sgtin-96:3.0614141.812345.999999999999",
        "sgtin-96:3.06141.812345.1",
        "sgtin-97:3.0614141.812345.1",
        "sscc-96:3.0614141.1",
    ):
        with pytest.raises(BadInput):
            epc_tag.write(f"urn:epc:tag:{uri}")


OWN: dict[str, Any] = {
    "reader": "dock-1",
    "reads": [
        {"epc": "3074257bf7194e4000001a85", "antenna": 1, "rssi": -61.5,
         "time": "2022-01-02T20:00:00+08:00"},
        {"epc": "E200001B2609", "rssi": "loud", "time": "2022-01-02T12:00:01Z"},
    ],
}  # fmt: skip
EVENT: dict[str, Any] = {
    "timestamp": "2022-01-02T12:00:00.500Z", "hostname": "impinj-1", "eventType": "tagInventory",
    "tagInventoryEvent": {"epc": "MHQle_cZTkAAABqF", "antennaPort": 2, "peakRssiCdbm": -6150},
}  # fmt: skip


def said(message: Any) -> dict[str, Any]:
    return epc.decode(json.dumps(message).encode())


def test_reads_become_readings_of_their_tags() -> None:
    answer = said(OWN)
    placed = {"time": "2022-01-02T12:00:00Z", "thing": "tag:3074257BF7194E4000001A85"}
    assert answer["readings"] == [
        {"indicator": "rssi", "value": -61.5, "unit": "dBm", **placed},
        {"indicator": "antenna", "value": 1.0, "unit": "", **placed},
    ]
    assert [(m["indicator"], m["mark"]) for m in answer["marks"]] == [("rssi", "out_of_range")]
    assert answer["fields"]["reads"][0]["tag"]["gtin"] == "80614141123458"
    assert "no EPC form" in answer["fields"]["reads"][1]["error"]


def test_an_event_of_a_readers_own_interface_says_the_same() -> None:
    answer = said([EVENT, EVENT])
    assert answer["device"] == "impinj-1"
    assert answer["readings"][0] == {
        "indicator": "rssi", "value": -61.5, "unit": "dBm",
        "time": "2022-01-02T12:00:00.500000Z", "thing": "tag:3074257BF7194E4000001A85",
    }  # fmt: skip
    assert said(EVENT)["readings"] == answer["readings"][:2]


@pytest.mark.parametrize(
    ("message", "at"),
    [
        ([], "reader"),
        ({"reader": "a", "reads": []}, "reads"),
        ({"reads": OWN["reads"]}, "reader"),
        ({"reader": "a", "reads": [1]}, "reads[0]"),
        ({"reader": "a", "reads": [{"epc": "3", "time": "2022-01-02T12:00:00Z"}]}, "reads[0].epc"),
        ({"reader": "a", "reads": [{"epc": "30", "time": "2022-01-02T12:00:00"}]}, "reads[0].time"),
        ({"reader": "a", "reads": [{"epc": "30", "time": "2022-13-02T12:00Z"}]}, "reads[0].time"),
        ([EVENT, {**EVENT, "hostname": "b"}], "$"),
        ({"status": "running"}, "$[0]"),
        ({"hostname": "a", "tagInventoryEvent": {"epc": "a"}}, "$[0].epc"),
    ],
)  # fmt: skip
def test_what_is_no_read_is_refused_with_its_place(message: Any, at: str) -> None:
    answer = said(message)
    assert not answer["ok"]
    assert answer["at"] == at, answer


def test_no_mutation_raises() -> None:
    taken = 0
    for data in mutated([json.dumps(OWN).encode(), json.dumps(EVENT).encode()], 20_000, seed=96):
        answer = epc.decode(data)
        proper(answer, most=20_000)
        taken += answer["ok"]
    assert taken > 500
    for data in mutated([epc_tag.write(uri) for uri in WRITTEN], 20_000, seed=97):
        answer = said({"reader": "a", "reads": [{"epc": data.hex(), "time": "2022-01-02T12:00Z"}]})
        assert answer["ok"] or answer["at"] == "reads[0].epc"


@pytest.mark.shared
def test_codes_of_another_suite_mean_the_same(shared: Path) -> None:
    """Cases name filter, company prefix and the parts after it."""
    checked = 0
    for line in (shared / "vectors/rfid/go_llrp_epc_cases.jsonl").read_text("utf-8").splitlines():
        case = json.loads(line)
        found = re.match(r'"([0-9A-F]{24})", args\{false, ([^}]*)\}', case["case"])
        if found:
            parts = [part.strip(' "') for part in found[2].split(",")]
            uri = epc_tag.read(bytes.fromhex(found[1]))["tag_uri"]
            assert uri.rpartition(":")[2] == ".".join(parts)
            checked += 1
    assert checked >= 4


def test_the_decoder_is_registered() -> None:
    assert registered("epc") == epc.__name__
