"""Wuxin's frame in CBOR: it means what it means in JSON, and no bytes bring the reader down."""

import json
import math
from typing import Any

import cbor2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.rooms.frames import mutated, registered
from wuxin.protocols import cbor, native, native_cbor
from wuxin.protocols.octets import BadFrame

AT = 1_641_124_800_000_000_000
SAID: dict[str, Any] = {
    "device": "inverter:A1",
    "boot": "b1",
    "seq": 1,
    "time": "2022-01-02T12:00:00Z",
    "readings": {"ac_power": 1200, "energy_day": {"value": 3.25, "unit": "kWh"}},
}


def framed(**changed: Any) -> bytes:
    return cbor2.dumps({**SAID, **changed})


def test_a_frame_means_what_it_means_in_json() -> None:
    assert native_cbor.decode(framed()) == native.decode(json.dumps(SAID).encode())
    assert native_cbor.decode(framed().hex().encode()) == native_cbor.decode(framed())


def test_an_encoded_frame_is_read_again_and_has_one_form() -> None:
    frame = native_cbor.encode(SAID["device"], SAID["readings"], boot="b1", seq=1, time=AT)
    assert native_cbor.decode(frame) == native_cbor.decode(framed())
    assert frame.hex() == (
        "a5" "63736571" "01" "64626f6f74" "626231" "6474696d65" "1b16c6724f80158000"
        "66646576696365" "6b696e7665727465723a4131"
        "6872656164696e6773" "a2" "6861635f706f776572" "1904b0"
        "6a656e657267795f646179" "a2" "64756e6974" "636b5768" "6576616c7565" "f94280"
    )  # fmt: skip


@pytest.mark.parametrize(
    ("time", "means"),
    [
        (AT, "2022-01-02T12:00:00Z"),
        (AT + 1_500_000, "2022-01-02T12:00:00.001500Z"),
        (-1_000_000_000, "1969-12-31T23:59:59Z"),
        (cbor2.CBORTag(1, AT // 10**9), "2022-01-02T12:00:00Z"),
        (cbor2.CBORTag(1, AT / 10**9 + 0.25), "2022-01-02T12:00:00.250000Z"),
        (cbor2.CBORTag(0, "2022-01-02T20:00:00+08:00"), "2022-01-02T12:00:00Z"),
    ],
)
def test_a_time_is_counted_or_written(time: Any, means: str) -> None:
    assert native_cbor.decode(framed(time=time))["time"] == means


@pytest.mark.parametrize(
    ("changed", "at"),
    [
        ({"time": 1.5}, "$.time"),
        ({"time": True}, "$.time"),
        ({"time": 2**63}, "$.time"),
        ({"time": cbor2.CBORTag(1, 2**40)}, "$.time"),
        ({"time": cbor2.CBORTag(1, math.nan)}, "$.time"),
        ({"time": cbor2.CBORTag(1, "2022")}, "$.time"),
        ({"time": cbor2.CBORTag(1004, "2022-01-02")}, "$.time"),
        ({"time": "2022-01-02"}, "$.time"),
        ({"seq": -1}, "$.seq"),
        ({"seq": math.inf}, "$.seq"),
        ({"device": b"inverter:A1"}, "$.device"),
        ({"device": "A1"}, "$.device"),
        ({"readings": {}}, "$.readings"),
        ({"readings": {1: 1}}, "$.readings"),
        ({"readings": {"a": b"1"}}, "$.readings.a"),
        ({"readings": {"a": None}}, "$.readings.a"),
        ({"extra": 1}, "$"),
    ],
)
def test_what_is_no_frame_is_refused_with_its_place(changed: dict[str, Any], at: str) -> None:
    answer = native_cbor.decode(framed(**changed))
    assert not answer["ok"]
    assert answer["at"] == at, answer


def test_a_value_that_is_no_number_is_marked_and_the_others_are_kept() -> None:
    readings = {"a": math.nan, "b": 1.5, "c": {"value": math.inf, "unit": "kW"}}
    answer = native_cbor.decode(framed(readings=readings))
    assert [r["indicator"] for r in answer["readings"]] == ["b"]
    assert answer["marks"] == [
        {"indicator": "a", "mark": "not_a_number"}, {"indicator": "c", "mark": "not_a_number"},
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("hexed", "error"),
    [
        ("a2616101616102", "given twice"),
        ("bf616101ff", "no definite length"),
        ("9f01ff", "no definite length"),
        ("a1", "needs 1 bytes|as many bytes"),
        ("9b00ffffffffffffff", "as many bytes"),
        ("5bffffffffffffffff", "needs"),
        ("61ff", "not UTF-8"),
        ("f7", "no value"),
        ("f818", "no value"),
        ("0000", "left after"),
        ("a18000", "neither a number"),
        ("81818181818181818101", "nested deeper"),
        ("1c", "no definite length"),
        ("", "needs 1 bytes"),
    ],
)
def test_items_outside_of_the_part_that_is_read_are_refused(hexed: str, error: str) -> None:
    with pytest.raises(BadFrame, match=error):
        cbor.read(bytes.fromhex(hexed))


ITEMS = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**64), 2**64 - 1) | st.floats(allow_nan=False)
    | st.text() | st.binary(),
    lambda inner: st.lists(inner, max_size=4)
    | st.dictionaries(st.text() | st.integers(-9, 9) | st.binary(), inner, max_size=4),
    max_leaves=12,
)  # fmt: skip


@given(ITEMS)
def test_the_reader_agrees_with_another_one(item: Any) -> None:
    data = cbor2.dumps(item)
    try:
        assert cbor.read(data) == item
    except BadFrame as bad:
        assert "nested deeper" in str(bad)  # noqa: PT017 - the one thing it may complain of


def test_no_mutation_of_a_good_frame_raises() -> None:
    good = [framed(), framed(time=cbor2.CBORTag(1, 1.5)), framed(time=AT)]
    taken = 0
    for data in mutated(good, 20_000, seed=5201):
        answer = native_cbor.decode(data)
        json.dumps(answer, allow_nan=False)
        taken += answer["ok"]
    assert 500 < taken < 15_000


def test_the_decoder_is_registered() -> None:
    assert registered("wuxin_cbor") == native_cbor.__name__
