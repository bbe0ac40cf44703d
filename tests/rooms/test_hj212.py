"""HJ 212: its vectors, its answers, and that no bytes whatever bring the decoder down."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.rooms.frames import bytes_of, frame_of, holds, load, named, registered
from wuxin.protocols import hj212

VECTORS = load("hj212")
ASKED = (
    "##0101QN=20160801085857223;ST=32;CN=1062;PW=100000;MN=010000A8900016F000169DC0;Flag=5;"
    "CP=&&RtdInterval=30&&1C80"
)


def bitwise(data: bytes) -> str:
    """The CRC as the standard's annex words it, bit by bit, without our table."""
    register = 0xFFFF
    for byte in data:
        register = (register >> 8) ^ byte
        for _ in range(8):
            odd = register & 1
            register >>= 1
            if odd:
                register ^= 0xA001
    return f"{register:04X}"


@pytest.mark.parametrize("vector", VECTORS["accept"], ids=named)
def test_a_good_frame_becomes_fields_and_readings(vector: dict[str, Any]) -> None:
    key = bytes.fromhex(vector["key"]) if "key" in vector else None
    answer = hj212.decode(frame_of(vector), sm4_key=key)
    assert holds(answer, {"ok": True, **vector["want"]}), answer
    assert hj212.decode(frame_of(vector).hex().encode(), sm4_key=key) == answer


@pytest.mark.parametrize("vector", VECTORS["refuse"], ids=named)
def test_a_bad_frame_is_refused_with_its_reason_and_place(vector: dict[str, Any]) -> None:
    answer = hj212.decode(bytes_of(vector))
    assert answer["ok"] is False
    assert vector["error"] in answer["error"]
    assert answer["at"] == vector["at"]


def test_every_vector_says_where_it_is_from() -> None:
    assert all(v["name"] and v["source"] for kind in VECTORS.values() for v in kind)


def test_the_crc_is_that_of_the_annex_and_not_of_modbus() -> None:
    for data in (b"", b"a", bytes(range(256)), ASKED[6:-4].encode()):
        assert hj212.crc(data) == bitwise(data)
    assert hj212.crc(ASKED[6:-4].encode()) == "1C80"


def test_a_frame_whose_crc_is_one_off_is_refused() -> None:
    assert hj212.decode(ASKED.encode())["ok"]
    assert not hj212.decode(ASKED.replace("1C80", "1C81").encode())["ok"]


def test_a_value_is_kept_out_where_only_its_flag_is_sent() -> None:
    text = "ST=32;CN=2011;PW=1;MN=X;CP=&&DataTime=20240601000000;w01018-Rtd=,w01018-Flag=B&&"
    answer = hj212.decode(hj212.encode(text))
    assert answer["readings"] == []
    assert answer["fields"]["CP"][1] == {"w01018-Rtd": "", "w01018-Flag": "B"}


@pytest.mark.parametrize(
    ("built", "content"),
    [
        (hj212.data_answer, "CN=9014;PW=100000;MN=010000A8900016F000169DC0;Flag=4;CP=&&&&"),
        (hj212.notification_answer, "CN=9013;PW=100000;MN=010000A8900016F000169DC0;Flag=4;CP=&&&&"),
        (hj212.request_answer, "Flag=4;CP=&&QnRtn=1&&"),
        (hj212.execution_result, "Flag=4;CP=&&ExeRtn=1&&"),
    ],
)
def test_an_answer_carries_the_request_it_is_for(built: Any, content: str) -> None:
    frame = built(hj212.decode(ASKED.encode())["fields"])
    assert b"QN=20160801085857223;ST=91;" in frame
    assert content.encode() in frame
    assert frame.endswith(b"\r\n")
    answer = hj212.decode(frame)
    assert answer["ok"]
    assert answer["answer_wanted"] is False


def test_the_answer_9014_has_the_published_crc() -> None:
    asked = {"QN": "20160801085857223", "PW": "123456", "MN": "010000A8900016F000169DC0"}
    assert hj212.data_answer({**asked, "Flag": "9"}).rstrip().endswith(b"&&&&3740")


SM4_KEY = bytes.fromhex("0123456789abcdeffedcba9876543210")


def test_blocks_are_opened_as_the_standard_of_sm4_encrypts_them() -> None:
    """GB/T 32907-2016 Annex A.1; what is left over of less than a block stays."""
    block = bytes.fromhex("681edf34d206965e86b3e94f536e4246")
    assert hj212.opened(block + b"g=N", SM4_KEY) == SM4_KEY + b"g=N"
    assert hj212.opened(b"g=N", SM4_KEY) == b"g=N"


@pytest.mark.parametrize(
    ("key", "error"), [(b"1" * 16, "the CRC is"), (b"short", "the key is not 16 bytes")]
)
def test_a_data_area_is_not_opened_by_another_key(key: bytes, error: str) -> None:
    frame = frame_of(next(v for v in VECTORS["accept"] if "key" in v))
    assert error in hj212.decode(frame, sm4_key=key)["error"]


def test_a_key_does_no_harm_where_nothing_is_encrypted() -> None:
    assert hj212.decode(ASKED.encode(), sm4_key=SM4_KEY) == hj212.decode(ASKED.encode())
    assert (
        "the CRC" in hj212.decode(ASKED.replace("1C80", "1C81").encode(), sm4_key=SM4_KEY)["error"]
    )


@pytest.mark.shared
def test_frames_of_other_suites_are_taken_exactly_if_their_crc_is_right(shared: Path) -> None:
    lines = (shared / "vectors/hj212/frames.jsonl").read_text("utf-8").splitlines()
    for case in map(json.loads, lines):
        answer = hj212.decode(case["frame"].encode())
        nameless = ";MN=;" in case["frame"]
        assert answer["ok"] is (case["crc_ok"] and case["len_ok"] and not nameless), case
        assert answer["ok"] or nameless or case["crc_computed"] in answer["error"]


@pytest.mark.shared
def test_segments_of_other_suites_have_the_crc_they_publish(shared: Path) -> None:
    lines = (shared / "vectors/hj212/segments.jsonl").read_text("utf-8").splitlines()
    for case in map(json.loads, lines):
        assert hj212.crc(case["segment"].encode("gb18030")) == case["crc_computed"]


def test_the_decoder_is_registered_under_its_protocols_name() -> None:
    assert registered("hj212") == hj212.__name__
