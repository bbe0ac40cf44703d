"""JT/T 808: its vectors, frames of other projects, and that no bytes bring the decoder down."""

import importlib
import json
import random
import re
import tomllib
import tracemalloc
from datetime import datetime, timedelta
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

from wuxin.protocols import decoders, jt808
from wuxin.protocols.jt808 import answers
from wuxin.protocols.jt808.decoder import Opened, opened
from wuxin.protocols.jt808.frame import ESCAPED, checksum, unwrap, wrap
from wuxin.protocols.jt808.layout import Malformed
from wuxin.protocols.jt808.messages import MESSAGES
from wuxin.protocols.vocabulary import words
from wuxin.terms.datum import Place, to_gcj02, to_wgs84
from wuxin.terms.units import checked

VECTORS = tomllib.loads((files("wuxin.protocols") / "vectors" / "jt808.toml").read_text("utf-8"))
DIGESTS = {"0x0801", "0x0901"}
HEARTBEAT = bytes.fromhex("7e0002000001234567890100008a7e")


def bytes_of(vector: dict[str, Any]) -> bytes:
    return bytes.fromhex("".join(vector["hex"].split()))


def dice(seed: int) -> random.Random:
    return random.Random(seed)  # noqa: S311 - tests want the same frames again


def named(vector: dict[str, Any]) -> str:
    return vector["name"]


def peers(shared: Path) -> list[dict[str, Any]]:
    text = (shared / "vectors/jt808/go_jt808_cases.jsonl").read_text("utf-8")
    return [json.loads(line) for line in text.splitlines()]


def written_back(frame: bytes) -> tuple[bytes, bytes]:
    """The body of a good frame, and what is written from its fields."""
    found = opened(frame)
    assert isinstance(found, Opened)
    fields = jt808.decode(frame)["fields"]
    layout = MESSAGES[found.header.message_id][1]
    return found.message[found.start :], layout.write(fields, found.header.version)


def test_the_protocol_is_registered_under_its_name() -> None:
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text("utf-8"))
    entry = project["project"]["entry-points"][decoders.GROUP]["jt808"]
    assert importlib.import_module(entry).decode is jt808.decode


def test_every_message_has_its_chinese_name() -> None:
    chinese = words("jt808").messages
    assert chinese.keys() == {name for name, _ in MESSAGES.values()}
    assert len(set(chinese.values())) == len(chinese)


def test_every_vector_says_where_it_is_from() -> None:
    assert VECTORS.keys() == {"accept", "refuse"}
    assert all(v["name"] and v["source"] for kind in VECTORS.values() for v in kind)


@pytest.mark.parametrize("vector", VECTORS["accept"], ids=named)
def test_a_good_frame_becomes_fields_and_readings(vector: dict[str, Any]) -> None:
    answer = jt808.decode(bytes_of(vector))
    assert answer["ok"] is True
    for key in ("message", "version", "phone", "serial", "time"):
        assert answer.get(key) == vector.get(key), key
    for key, otherwise in (("fields", {}), ("readings", []), ("marks", None), ("part", None)):
        wanted = json.loads(vector[key]) if key in vector else otherwise
        assert answer.get(key) == wanted, key


@pytest.mark.parametrize("vector", VECTORS["refuse"], ids=named)
def test_a_bad_frame_is_refused_with_its_reason_and_place(vector: dict[str, Any]) -> None:
    answer = jt808.decode(vector["hex"].replace("\n", "").encode())
    assert answer["ok"] is False
    assert vector["error"] in answer["error"]
    assert answer["at"] == vector["at"]


@pytest.mark.parametrize("vector", VECTORS["accept"], ids=named)
def test_a_body_is_written_as_it_was_read(vector: dict[str, Any]) -> None:
    answer = jt808.decode(bytes_of(vector))
    sent_otherwise = {
        "the same cold as sign and magnitude",
        "0x8500 vehicle_control of 2019",  # without the count that the standard has
    }
    if "part" in vector or answer["id"] in DIGESTS or vector["name"] in sent_otherwise:
        return
    body, written = written_back(bytes_of(vector))
    assert written == body


def test_hexadecimal_and_raw_bytes_say_the_same() -> None:
    for vector in VECTORS["accept"]:
        raw = bytes_of(vector)
        assert jt808.decode(raw) == jt808.decode(vector["hex"].encode())


def test_every_unit_of_a_reading_is_a_unit() -> None:
    readings = [r for v in VECTORS["accept"] for r in jt808.decode(bytes_of(v))["readings"]]
    assert {"km/h", "km", "L", "m", "degree", "degC", "kPa"} <= {r["unit"] for r in readings}
    for unit in {r["unit"] for r in readings if r["unit"]}:
        assert checked(unit)


def test_the_place_of_an_error_counts_escaped_bytes_as_they_were_sent() -> None:
    good = unwrap(bytes_of(next(v for v in VECTORS["accept"] if "7d02" in v["hex"])))
    spoilt = wrap(good[:-6] + bytes.fromhex("221301000000"))  # month 13
    answer = jt808.decode(spoilt)
    assert "is not a time" in answer["error"]
    assert spoilt[int(answer["at"].removeprefix("byte ")) :].startswith(b"\x22\x13\x01")


def test_a_gcj02_place_comes_back_within_a_metre() -> None:
    for latitude, longitude in ((31.2304, 121.4737), (22.5431, 114.0579), (43.8256, 87.6168)):
        back = to_wgs84(to_gcj02(Place(latitude, longitude)))
        assert abs(back.latitude - latitude) < 1e-6
        assert abs(back.longitude - longitude) < 1e-6
    # A published pair: the shift in Beijing is about 600 m.
    shifted = to_gcj02(Place(39.9042, 116.4074))
    assert shifted.latitude - 39.9042 == pytest.approx(0.0014, abs=2e-4)
    assert shifted.longitude - 116.4074 == pytest.approx(0.00624, abs=2e-4)
    assert to_wgs84(Place(48.85, 2.35)) == Place(48.85, 2.35)


def test_a_stream_is_cut_into_frames_wherever_it_breaks() -> None:
    register = bytes_of(VECTORS["accept"][0])
    stream = b"\x00\x01" + HEARTBEAT + register + HEARTBEAT[1:] + b"~" + HEARTBEAT[1:]
    wanted = [HEARTBEAT, register, HEARTBEAT, HEARTBEAT]
    for at in range(len(stream)):
        first = jt808.split(stream[:at])
        second = jt808.split(first.rest + stream[at:])
        assert first.frames + second.frames == wanted
        assert first.junk + second.junk == 2
    assert jt808.split(stream).rest == b"~"


def test_what_is_no_frame_does_not_pile_up_in_a_stream() -> None:
    assert jt808.split(b"GET / HTTP/1.1\r\n" * 1000) == ([], b"", 16000)
    cut = jt808.split(b"~" + b"x" * (ESCAPED + 1))
    assert (cut.frames, cut.rest, cut.junk) == ([], b"", ESCAPED + 2)


def test_the_check_byte_is_the_exclusive_or_of_all_bytes() -> None:
    noise = dice(808)
    for length in range(70):
        data = noise.randbytes(length)
        wanted = 0
        for byte in data:
            wanted ^= byte
        assert checksum(data) == wanted


def spoilt(message: bytearray, noise: random.Random) -> bytes:
    """A frame whose message is changed in up to four places, its length and check mostly right."""
    for _ in range(noise.randint(1, 4)):
        at = noise.randrange(len(message))
        match noise.randrange(4):
            case 0:
                message[at] = noise.randrange(256)
            case 1:
                message[at] ^= 1 << noise.randrange(8)
            case 2 if len(message) > 14:
                del message[at : at + noise.randint(1, 4)]
            case _:
                message[at:at] = noise.randbytes(noise.randint(1, 4))
    if noise.random() < 0.8:  # so that it gets past the header's length
        start = (17 if message[2] & 0x40 else 12) + (4 if message[2] & 0x20 else 0)
        body = max(len(message) - start, 0) & 0x3FF
        message[2:4] = ((message[2] << 8 & 0xFC00) | body).to_bytes(2, "big")
    frame = bytearray(wrap(bytes(message)))
    if noise.random() < 0.1:
        frame[noise.randrange(len(frame))] = noise.randrange(256)
    return bytes(frame)


def test_spoilt_frames_leave_no_memory_behind() -> None:
    noise = dice(2013)
    seeds = [unwrap(bytes_of(v)) for v in VECTORS["accept"]]
    assembler = jt808.Assembler(messages=8, size=10_000)
    tracemalloc.start()
    for n in range(5000):
        assembler.take(spoilt(bytearray(noise.choice(seeds)), noise), n)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 1 << 20


def test_any_bytes_at_all_are_answered() -> None:
    noise = dice(1)
    for _ in range(2000):
        assert jt808.decode(noise.randbytes(noise.randrange(60)))["ok"] is False
    assert jt808.decode(b"7e" * 100_000)["error"].startswith("the frame is longer than")
    with pytest.raises(Malformed):
        unwrap(b"")


@pytest.mark.shared
def test_frames_of_other_projects_are_read(shared: Path) -> None:
    folder = shared / "vectors/jt808"
    names = ("yezhihao_JT808.txt", "yezhihao_TJSATL.txt", "yezhihao_subpackages_0x1205.txt")
    for name in names:
        for frame in (folder / name).read_bytes().split():
            assert jt808.decode(frame)["ok"], frame
    # Fragments for a codec, streams, an encrypted body, an item with a byte too many.
    apart = ("RSA", "转义", "完整包", "垃圾", "7e", "中途", "苏标 0x66")
    cases = [c for c in peers(shared) if not any(word in c["name"] for word in apart)]
    assert len(cases) > 100
    for case in cases:
        assert jt808.decode(case["hex"][0].encode())["ok"] is (case["wantErr"] is None), case


def flat(value: Any) -> set[Any]:
    if isinstance(value, dict | list):
        return set().union(*map(flat, value.values() if isinstance(value, dict) else value))
    if isinstance(value, float):
        return {value, round(value * 10), round(value * 1e6)}
    number = isinstance(value, str) and re.fullmatch(r"0x([0-9a-f]+)", value)
    return {value, int(number[1], 16)} if number else {value}


@pytest.mark.shared
def test_the_values_are_those_that_another_project_expects(shared: Path) -> None:
    pair = re.compile(r'(\w+): (?:(\d+|0x[0-9A-F]+)\b|"((?:[^"\\]|\\.)+)")')
    compared = 0
    for case in peers(shared):
        answer = jt808.decode(case["hex"][0].encode())
        if "parse_test" not in case["source"] or not answer["ok"]:
            continue
        ours = flat(answer["fields"])
        for name, number, text in pair.findall(case["expected_literal"] or ""):
            # Codes and words of flags have names with us; a synthetic height is below the sea.
            if name.endswith(("Sign", "Flag", "Len", "Value")) or name in {"Len", "Altitude"}:
                continue
            if number and int(number, 0) <= 10:
                continue
            value: Any = int(number, 0) if number else text
            if re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", text):
                utc = datetime.fromisoformat(text) - timedelta(hours=8)
                value = utc.isoformat() + "Z"
            assert value in ours, (case["name"], name, value)
            compared += 1
    assert compared > 150


@pytest.mark.shared
def test_bodies_of_other_projects_are_written_back_byte_by_byte(shared: Path) -> None:
    folder = shared / "vectors/jt808"
    own_way = ("7e8500", "7e8400", "7e0801", "7e0901")  # no count, padding, digests
    count = 0
    for frame in (folder / "yezhihao_JT808.txt").read_text("ascii").split():
        if not frame.startswith(own_way):
            body, written = written_back(frame.encode())
            assert written == body, frame
            count += 1
    assert count > 80


@pytest.mark.shared
def test_replies_are_those_of_another_project(shared: Path) -> None:
    count = 0
    for case in peers(shared):
        wanted = re.findall(r'result20\d\d: "(\w+)"', case["expected_literal"] or "")
        apart = ("0x0001", "0x1003", "有补包")  # answers to answers; files that need a resend
        if "reply_test" not in case["source"] or any(word in case["name"] for word in apart):
            continue
        for frame, reply in zip(case["hex"], wanted, strict=False):
            answer = jt808.decode(frame.encode())
            if answer["message"] == "register":
                found: bytes | None = answers.registered(
                    answer, serial=0, auth_code=answer["phone"]
                )
            elif (answer["message"], answer["version"]) == ("authenticate", "2013"):  # not known
                found = answers.general(answer, serial=0, result="failure")
            else:
                found = answers.reply(answer, serial=0)
            assert found is not None
            assert found.hex() == reply, case["name"]
            count += 1
    assert count >= 15
