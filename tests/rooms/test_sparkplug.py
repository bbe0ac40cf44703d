"""Sparkplug B: metrics of every type become readings or fields, and no bytes raise."""

import json
from typing import Any

import pytest

from tests.rooms.frames import holds, load, mutated, named, proper, registered
from tests.rooms.sparkplug_bytes import AT, field, fields, framed, metric, payload, real32
from wuxin.protocols import sparkplug

VECTORS = load("sparkplug")


def frame_of(vector: dict[str, Any]) -> bytes:
    return b"\x1e" + vector["line"].encode() + b"\n" + bytes.fromhex("".join(vector["hex"].split()))


@pytest.mark.parametrize("vector", VECTORS["accept"], ids=named)
def test_a_good_message_becomes_fields_and_readings(vector: dict[str, Any]) -> None:
    answer = sparkplug.decode(frame_of(vector))
    assert holds(answer, {"ok": True, **vector["want"]}), json.dumps(answer, indent=1)


@pytest.mark.parametrize("vector", VECTORS["refuse"], ids=named)
def test_a_bad_message_is_refused_with_its_reason_and_place(vector: dict[str, Any]) -> None:
    answer = sparkplug.decode(frame_of(vector))
    assert answer["ok"] is False
    assert vector["error"] in answer["error"]
    assert answer["at"] == vector["at"]


def one(data: bytes) -> tuple[dict[str, Any], dict[str, Any]]:
    answer = sparkplug.decode(framed("g/NDATA/e", payload(data, seq=1)))
    assert answer["ok"], answer
    return answer, answer["fields"]["metrics"][0]


@pytest.mark.parametrize(
    ("kind", "said", "value"),
    [
        (1, {"whole": 2**32 - 1}, -1),
        (1, {"whole": 0xFF}, -1),
        (1, {"whole": 0x7F}, 127),
        (2, {"whole": 2**32 - 32768}, -32768),
        (3, {"whole": 2**31}, -(2**31)),
        (3, {"long": 5}, 5),
        (4, {"long": 2**64 - 5}, -5),
        (5, {"whole": 255}, 255),
        (6, {"whole": 65535}, 65535),
        (7, {"whole": 2**32 - 1}, 2**32 - 1),
        (7, {"long": 2**32 - 1}, 2**32 - 1),
        (8, {"long": 2**64 - 1}, 2**64 - 1),
        (10, {"real": -2.5}, -2.5),
        (11, {"truth": 1}, 1),
        (11, {"truth": 0}, 0),
    ],
)
def test_a_number_of_any_type_becomes_a_reading(
    kind: int, said: dict[str, int], value: float
) -> None:
    answer, _ = one(metric("m", kind=kind, **said))
    assert answer["readings"] == [{"indicator": "m", "value": float(value), "unit": ""}]


def test_a_float_has_its_four_bytes() -> None:
    answer, _ = one(metric("m", kind=9) + real32(12, 21.5))
    assert answer["readings"][0]["value"] == 21.5


@pytest.mark.parametrize(
    ("data", "mark"),
    [
        (metric("m", kind=1, whole=300), "out_of_range"),
        (metric("m", kind=5, whole=256), "out_of_range"),
        (metric("m", kind=7, long=2**32), "out_of_range"),
        (metric("m", kind=10, real=float("nan")), "not_a_number"),
        (metric("m", kind=3, real=1.0), "wrong_type"),
        (metric("m", kind=10, whole=1), "wrong_type"),
        (metric("m", kind=3, truth=1), "wrong_type"),
        (metric("m", kind=99, whole=1), "unknown_type"),
        (metric("m", whole=1), "unknown_type"),
        (metric("m", kind=3), "no_value"),
        (metric("m", kind=3, null=1), "null"),
        (metric("m", kind=3, whole=1, quality=0), "bad_quality"),
        (metric("m", kind=3, whole=1, quality=500), "stale"),
        (metric("m", kind=27, data=b"\1"), "wrong_type"),
    ],
)
def test_a_value_that_cannot_be_is_marked_and_no_reading(data: bytes, mark: str) -> None:
    answer, _ = one(data)
    assert answer["readings"] == []
    assert answer["marks"] == [{"indicator": "m", "mark": mark}]


def test_a_good_quality_is_a_reading() -> None:
    assert len(one(metric("m", kind=3, whole=1, quality=192))[0]["readings"]) == 1


@pytest.mark.parametrize(
    ("kind", "said", "value"),
    [
        (12, {"text": "on"}, "on"),
        (13, {"long": AT}, "2022-01-02T12:00:00Z"),
        (17, {"data": b"\1\2"}, "0102"),
        (22, {"data": b"\xff\1"}, [-1, 1]),
        (27, {"data": b"\1\0\2\0"}, [1, 2]),
        (32, {"data": b"\x0a\0\0\0\x84\x40"},
         [True, False, False, False, False, True, False, False, False, True]),
        (33, {"data": b"ab\0c\0"}, ["ab", "c"]),
    ],
)  # fmt: skip
def test_what_is_no_number_stays_in_the_fields(kind: int, said: dict[str, Any], value: Any) -> None:
    answer, found = one(metric("m", kind=kind, **said))
    assert found["value"] == value
    assert answer["readings"] == []
    assert "marks" not in answer


def test_a_data_set_is_kept_with_its_columns() -> None:
    row = field(1, field(1, 7)) + field(1, field(6, "x"))
    data = fields({1: 2, 2: "a"}) + field(2, "b") + field(3, 3) + field(3, 12) + field(4, row)
    _, found = one(metric("m", kind=16) + field(17, data))
    assert found["value"] == {
        "columns": ["a", "b"],
        "types": ["Int32", "String"],
        "rows": [[7, "x"]],
    }


def test_a_template_is_kept_and_one_that_is_too_deep_is_refused() -> None:
    inner = field(2, metric("t", kind=10, real=1.5)) + field(4, "Motor")
    _, found = one(metric("m", kind=19) + field(18, inner))
    assert found["value"]["metrics"] == [{"name": "t", "value": 1.5}]
    assert found["value"]["reference"] == "Motor"
    for _ in range(8):
        inner = field(2, metric("t", kind=19) + field(18, inner))
    answer = sparkplug.decode(framed("g/NDATA/e", payload(metric("m", kind=19) + field(18, inner))))
    assert "nested deeper" in answer["error"]


def test_a_value_that_was_kept_back_is_late() -> None:
    answer, _ = one(metric("m", kind=3, whole=1, historical=1, at=AT - 5000))
    assert answer["late"] is True
    assert answer["readings"][0]["time"] == "2022-01-02T11:59:55Z"
    assert answer["time"] == "2022-01-02T12:00:00Z"
    assert "late" not in one(metric("m", kind=3, whole=1))[0]


def test_an_alias_that_nobody_told_of_is_marked() -> None:
    answer, _ = one(metric(alias=7, kind=3, whole=1))
    assert answer["marks"] == [{"indicator": "alias 7", "mark": "unknown_alias"}]


def test_the_time_of_a_nodes_death_is_when_it_came() -> None:
    data = payload(metric("bdSeq", kind=8, long=3), at=AT - 86_400_000)
    answer = sparkplug.decode(framed("g/NDEATH/e", data, received="2022-01-02T12:00:00Z"))
    assert answer["time"] == "2022-01-02T12:00:00Z"
    assert answer["fields"]["bdSeq"] == 3


def test_a_frame_without_a_line_is_refused() -> None:
    assert sparkplug.decode(payload(seq=1))["at"] == "topic"


def test_no_mutation_of_a_good_message_raises() -> None:
    good = [frame_of(vector) for vector in VECTORS["accept"]]
    cut = [each.index(b"\n") + 1 for each in good]
    taken = 0
    for line, start in zip(good, cut, strict=True):
        for data in mutated([line[start:]], 4000, seed=start):
            answer = sparkplug.decode(line[:start] + data)
            proper(answer, most=30_000)
            taken += answer["ok"]
    for data in mutated(good, 5000, seed=31):
        proper(sparkplug.decode(data), most=30_000)
    assert taken > 1000


def test_every_vector_says_where_it_is_from() -> None:
    assert all(v["name"] and v["source"] for kind in VECTORS.values() for v in kind)


def test_the_decoder_is_registered() -> None:
    assert registered("sparkplug") == sparkplug.__name__
