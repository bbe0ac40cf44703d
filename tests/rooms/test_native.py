"""Wuxin's own frame: its vectors, and that no bytes whatever bring the decoder down."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.rooms.frames import load, named
from wuxin.protocols import decoders, native
from wuxin.terms.errors import NotFound

VECTORS = load("wuxin")
FRAME = json.dumps(
    {
        "device": "inverter:A1", "boot": "b1", "seq": 1, "time": "2022-01-02T12:00:00Z",
        "readings": {"ac_power": 1200, "energy_day": {"value": 3.25, "unit": "kWh"}},
    }
).encode()  # fmt: skip


def bytes_of(vector: dict[str, Any]) -> bytes:
    if "hex" in vector:
        return "".join(vector["hex"].split()).encode()
    text = vector["frame"]
    if "repeat" in vector:
        text = text.replace("REPEAT", vector["repeat"]["text"] * vector["repeat"]["times"])
    return text.encode()


def test_every_vector_says_where_it_is_from() -> None:
    assert VECTORS.keys() == {"accept", "refuse"}
    assert all(v["name"] and v["source"] for kind in VECTORS.values() for v in kind)


@pytest.mark.parametrize("vector", VECTORS["accept"], ids=named)
def test_a_good_frame_becomes_readings(vector: dict[str, Any]) -> None:
    wanted = {k: vector[k] for k in ("device", "boot", "seq", "time", "readings")}
    assert native.decode(bytes_of(vector)) == {"ok": True, **wanted}


@pytest.mark.parametrize("vector", VECTORS["refuse"], ids=named)
def test_a_bad_frame_is_refused_with_its_reason_and_place(vector: dict[str, Any]) -> None:
    answer = native.decode(bytes_of(vector))
    assert answer["ok"] is False
    assert vector["error"] in answer["error"]
    assert answer["at"] == vector["at"]


def test_at_most_256_readings_come_in_one_frame() -> None:
    said = json.loads(FRAME)
    for count, ok in ((256, True), (257, False)):
        said["readings"] = {f"i{n}": n for n in range(count)}
        assert native.decode(json.dumps(said).encode())["ok"] is ok


def printable(answer: dict[str, Any]) -> None:
    """An answer can be written as a line of JSON in UTF-8, and has one of the two forms."""
    assert json.dumps(answer, ensure_ascii=False, allow_nan=False).encode("utf-8")
    if answer["ok"]:
        assert answer.keys() == {"ok", "device", "boot", "seq", "time", "readings"}
        assert answer["time"].endswith("Z")
        assert 1 <= len(answer["readings"]) <= 256
    else:
        assert answer.keys() == {"ok", "error", "at"}
        assert answer["error"]
        assert "\n" not in answer["error"]


@settings(deadline=None)
@given(st.binary(max_size=300))
def test_no_bytes_raise(data: bytes) -> None:
    printable(native.decode(data))
    printable(native.decode(data.hex().encode()))
    printable(native.decode(b"{" + data + b"}"))


@settings(deadline=None, max_examples=400)
@given(
    edits=st.lists(
        st.tuples(st.integers(0, len(FRAME) - 1), st.integers(0, 3), st.binary(max_size=12)),
        min_size=1, max_size=4,
    )
)  # fmt: skip
def test_no_mutation_of_a_good_frame_raises(edits: list[tuple[int, int, bytes]]) -> None:
    data = FRAME
    for at, width, put in edits:
        data = data[:at] + put + data[at + width :]
    printable(native.decode(data))


TEXTS = st.text(st.characters(), max_size=70)
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | TEXTS
JSONS = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3)
)


@settings(deadline=None, max_examples=300)
@given(field=st.sampled_from([*json.loads(FRAME), "other"]), value=JSONS, plain=st.booleans())
def test_any_value_in_any_field_is_taken_or_refused(
    field: str, value: object, *, plain: bool
) -> None:
    said = {**json.loads(FRAME), field: value}
    data = json.dumps(said, ensure_ascii=plain).encode("utf-8", errors="surrogatepass")
    printable(native.decode(data))


@given(st.dictionaries(st.from_regex(r"[a-z_]{1,20}", fullmatch=True), st.floats(
    allow_nan=False, allow_infinity=False), min_size=1, max_size=20))  # fmt: skip
def test_values_come_out_as_they_went_in(readings: dict[str, float]) -> None:
    answer = native.decode(json.dumps({**json.loads(FRAME), "readings": readings}).encode())
    assert {r["indicator"]: r["value"] for r in answer["readings"]} == readings


def test_a_decoder_is_found_by_its_protocols_name() -> None:
    assert decoders.find("wuxin") is native.decode


def test_an_unknown_protocol_is_refused_with_those_that_are_installed() -> None:
    with pytest.raises(NotFound, match=r"no protocol 'morse'; installed: .*wuxin"):
        decoders.find("morse")
