"""Iridium SBD: its vectors, our payload both ways, and that no bytes bring the decoder down."""

import json
import math
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.rooms.frames import bytes_of, holds, load, named, registered
from wuxin.protocols import sbd
from wuxin.protocols.sbd_payload import INDICATORS, Report, encode_payload
from wuxin.terms.errors import BadInput

VECTORS = load("sbd")
SESSION = sbd.Session("300000000000001", 7, 1_717_202_850)


@pytest.mark.parametrize("vector", VECTORS["accept"], ids=named)
def test_a_good_message_becomes_fields_and_readings(vector: dict[str, Any]) -> None:
    answer = sbd.decode(bytes_of(vector))
    assert holds(answer, {"ok": True, **vector["want"]}), json.dumps(answer, indent=1)
    assert sbd.decode(bytes.fromhex(bytes_of(vector).decode())) == answer


@pytest.mark.parametrize("vector", VECTORS["refuse"], ids=named)
def test_a_bad_message_is_refused_with_its_reason_and_place(vector: dict[str, Any]) -> None:
    answer = sbd.decode(bytes_of(vector))
    assert answer["ok"] is False
    assert vector["error"] in answer["error"]
    assert answer["at"] == vector["at"]


def test_every_vector_says_where_it_is_from() -> None:
    assert all(v["name"] and v["source"] for kind in VECTORS.values() for v in kind)


def test_the_confirmation_is_the_guides() -> None:
    assert sbd.confirmation(accepted=True) == bytes.fromhex("01000405000101")
    assert sbd.confirmation(accepted=False) == bytes.fromhex("01000405000100")


def test_the_payload_has_the_bytes_that_are_documented() -> None:
    report = Report(7, 1_717_202_840, (19.0, 130.0), 5.0, 90.0, 80)
    payload = encode_payload(report, {"temperature": 21.5, "net_weight": 100.0})
    assert payload.hex() == (
        "a1" "0007" "665a6f98" "0b532b80" "4d7c6d00" "01f4" "2d" "50" "02"
        "0141ac0000" "0342c80000"
    )  # fmt: skip


KNOWN = [name for name, _ in INDICATORS.values()]


@given(
    sequence=st.integers(0, 65535),
    time_s=st.integers(0, 2**32 - 1),
    position=st.none() | st.tuples(st.floats(-90, 90), st.floats(-180, 180)),
    speed=st.none() | st.floats(0, 600),
    heading=st.none() | st.floats(0, 360),
    battery=st.none() | st.integers(0, 100),
    readings=st.dictionaries(st.sampled_from(KNOWN), st.floats(-1e6, 1e6, width=32), max_size=10),
)
def test_what_is_written_is_read_again(
    sequence: int,
    time_s: int,
    position: tuple[float, float] | None,
    speed: float | None,
    heading: float | None,
    battery: int | None,
    readings: dict[str, float],
) -> None:
    report = Report(sequence, time_s, position, speed, heading, battery)
    answer = sbd.decode(sbd.encode(encode_payload(report, readings), SESSION))
    assert answer["ok"], answer
    assert answer["fields"]["payload"]["sequence"] == sequence
    got = {reading["indicator"]: reading["value"] for reading in answer["readings"]}
    for name, value in readings.items():
        assert math.isclose(got.pop(name), value, rel_tol=1e-6, abs_tol=1e-44)
    wanted = {"speed": (speed, 0.0051), "battery": (battery, 0)}
    if position is not None:
        wanted |= {"latitude": (position[0], 6e-8), "longitude": (position[1], 6e-8)}
    for name, (value, near) in wanted.items():
        if value is not None:
            assert abs(got.pop(name) - value) <= near
    if heading is not None:
        turned = abs(got.pop("heading") - heading)
        assert min(turned, 360 - turned) <= 1.0001
    assert not got


@pytest.mark.parametrize(
    ("report", "readings"),
    [
        (Report(65536, 0), {}),
        (Report(0, 2**32), {}),
        (Report(0, 0, (91.0, 0.0)), {}),
        (Report(0, 0, None, 656.0), {}),
        (Report(0, 0, None, math.nan), {}),
        (Report(0, 0, None, None, None, 101), {}),
        (Report(0, 0), {"mood": 1.0}),
        (Report(0, 0), {"temperature": math.inf}),
        (Report(0, 0), {"temperature": 1e39}),
        (Report(0, 0), {f"i{n}": 1.0 for n in range(17)}),
    ],
)
def test_what_does_not_fit_is_not_written(report: Report, readings: dict[str, float]) -> None:
    with pytest.raises(BadInput):
        encode_payload(report, readings)


def test_a_message_that_no_gateway_could_send_is_not_written() -> None:
    with pytest.raises(BadInput):
        sbd.encode(bytes(1961), SESSION)
    with pytest.raises(BadInput):
        sbd.encode(b"x", SESSION._replace(imei="30"))


@pytest.mark.shared
def test_messages_of_another_suite_mean_the_same(shared: Path) -> None:
    folder = shared / "vectors/satellite/sbd"
    plain = sbd.decode((folder / "data__0-mo.sbd").read_bytes())
    assert plain["device"] == "300234063904190"
    assert plain["fields"]["payload"]["text"] == "test message from pete"
    assert plain["time"] == "2015-07-09T18:15:08Z"
    placed = sbd.decode((folder / "data__2-location.mo.sbd").read_bytes())
    assert placed["fields"]["location"] == {
        "latitude": -43.521167, "longitude": 172.604867, "radius_km": 2,
    }  # fmt: skip
    assert not sbd.decode((folder / "data__1-invalid.sbd").read_bytes())["ok"]


def test_the_decoder_is_registered_under_its_protocols_name() -> None:
    assert registered("sbd") == sbd.__name__
