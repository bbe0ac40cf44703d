"""JT/T 808 from the platform's side: sub-packages joined, messages written, replies."""

import random
from pathlib import Path
from typing import Any

import pytest

from wuxin.protocols import jt808
from wuxin.protocols.jt808 import answers
from wuxin.protocols.jt808.answers import Terminal
from wuxin.protocols.jt808.frame import wrap
from wuxin.terms.errors import BadInput

OLD, NEW = Terminal("13800000001"), Terminal("13800000001", "2019")
HEARTBEAT = b"7e0002000001234567890100008a7e"
CIRCLE = {"id": 7, "latitude": 31.2, "longitude": 121.5, "radius_m": 500}
AREA = {"attributes": ["by_time", "limits_speed"], "start_time": "22:00:00+08:00",
        "end_time": "06:00:00+08:00", "highest_speed_kmh": 60,
        "overspeed_duration_s": 10}  # fmt: skip
NIGHT = {"highest_night_speed_kmh": 40, "name": "港区"}
PLACE = {"latitude": 31.2, "longitude": 121.5}
RECTANGLE = {"id": 7, "top_latitude": 31.3, "left_longitude": 121.4,
             "bottom_latitude": 31.2, "right_longitude": 121.5}  # fmt: skip
POINT = {"id": 1, "segment_id": 2, **PLACE, "width_m": 20, "attributes": ["limits_time"],
         "too_long_s": 900, "too_short_s": 60}  # fmt: skip


def dice(seed: int) -> random.Random:
    return random.Random(seed)  # noqa: S311 - tests want the same frames again


def waybill(size: int, seed: int = 1) -> tuple[str, list[bytes]]:
    data = dice(seed).randbytes(size).hex()
    return data, answers.frames("waybill", {"waybill": data}, to=NEW, serial=0xFFFE)


def test_parts_are_joined_in_whatever_order_they_come() -> None:
    data, frames = waybill(5000)
    assert len(frames) == 5
    for seed in range(20):
        assembler = jt808.Assembler()
        order = frames + frames[:2]
        dice(seed).shuffle(order)
        wholes = [a for a in (assembler.take(f, seed) for f in order) if "parts" in a]
        assert [w["fields"]["waybill"] for w in wholes] == [data]
        assert (wholes[0]["parts"], wholes[0]["serial"]) == (5, 0xFFFE)


def test_parts_of_two_terminals_and_messages_are_kept_apart() -> None:
    one, first = waybill(3000, seed=1)
    fields = {"waybill": waybill(3000, seed=2)[0]}
    second = answers.frames("waybill", fields, to=NEW._replace(phone="13800000002"), serial=0xFFFE)
    assembler = jt808.Assembler()
    said = [assembler.take(f, 0) for pair in zip(first, second, strict=True) for f in pair]
    assert [a["fields"]["waybill"] for a in said if "parts" in a] == [one, fields["waybill"]]


def test_what_is_missing_is_asked_for_again() -> None:
    _, frames = waybill(5000)
    assembler = jt808.Assembler()
    for index in (0, 3):
        assert "part" in assembler.take(frames[index], now_ns=100)
    assert assembler.missing(before_ns=100) == []
    [gap] = assembler.missing(before_ns=101)
    assert (gap.original_serial, gap.parts, gap.version) == (0xFFFE, [2, 3, 5], "2019")
    request = answers.resend(
        Terminal(gap.phone, gap.version), original_serial=gap.original_serial, parts=gap.parts,
        serial=3,
    )  # fmt: skip
    assert jt808.decode(request)["fields"] == {"original_serial": 0xFFFE, "parts": [2, 3, 5]}
    assert assembler.forget(before_ns=101) == 1
    assert (assembler.held, assembler.given_up, assembler.missing(200)) == (0, 1, [])


def test_a_part_that_comes_again_after_the_whole_opens_nothing() -> None:
    _, frames = waybill(3000)
    assembler = jt808.Assembler()
    for frame in frames:
        assembler.take(frame, 0)
    again = assembler.take(frames[1], 1)
    assert (again["part"], again["joined"]) == ({"index": 2, "total": 3}, True)
    assert assembler.missing(before_ns=10) == []
    # A terminal that has started again uses the serial for something else.
    other, anew = waybill(3000, seed=9)
    wholes = [a for a in (assembler.take(f, 2) for f in anew) if "parts" in a]
    assert [w["fields"]["waybill"] for w in wholes] == [other]
    assembler.forget(before_ns=10)
    assert "joined" not in assembler.take(anew[0], 11)


def test_parts_of_an_older_message_with_the_same_serials_are_not_mixed_in() -> None:
    _, old = waybill(3000, seed=1)
    data, new = waybill(3000, seed=2)
    assembler = jt808.Assembler()
    assembler.take(old[0], 0)
    assembler.take(old[1], 0)
    said = [assembler.take(frame, 1) for frame in new]
    assert [a["fields"]["waybill"] for a in said if "parts" in a] == [data]
    assert assembler.given_up == 1


def test_an_assembler_holds_no_more_than_it_may() -> None:
    assembler = jt808.Assembler(messages=10, size=8000)
    for n in range(200):
        frames = answers.frames(
            "waybill", {"waybill": "00" * 1500}, to=Terminal(str(n + 1)), serial=0
        )
        assembler.take(frames[0], n)
        assert assembler.held <= 8000
        assert len(assembler.missing(10**9)) <= 10
    assert assembler.given_up >= 190


def test_a_message_of_too_many_parts_is_refused() -> None:
    part = wrap(bytes.fromhex("0701 2001 013800000001 0001 ffff 0001 00"))
    answer = jt808.Assembler().take(part, 0)
    assert answer["ok"] is False
    assert answer["error"].startswith("65535 parts are more than")


def test_a_joined_body_that_is_wrong_is_refused() -> None:
    _, frames = waybill(1500)
    other = answers.frames("waybill", {"waybill": "00" * 1600}, to=NEW, serial=0xFFFE)
    assembler = jt808.Assembler()
    assembler.take(frames[0], 0)
    answer = assembler.take(other[1], 0)
    assert answer["ok"] is False
    assert "left over" in answer["error"]
    assert answer["at"].endswith("of the joined body")


def test_whole_frames_and_refusals_pass_through_an_assembler() -> None:
    assembler = jt808.Assembler()
    assert assembler.take(HEARTBEAT, 0) == jt808.decode(HEARTBEAT)
    assert assembler.take(b"7e7e", 0) == jt808.decode(b"7e7e")


@pytest.mark.shared
def test_sub_packages_of_another_project_are_joined(shared: Path) -> None:
    folder = shared / "vectors/jt808"
    assembler = jt808.Assembler()
    frames = (folder / "yezhihao_subpackages_0x1205.txt").read_bytes().split()
    said = [assembler.take(frame, 0) for frame in frames]
    wholes = [answer for answer in said if "parts" in answer]
    assert wholes[0]["parts"] == 18
    assert len(wholes[0]["fields"]["files"]) == 180
    # This terminal's parameter 0x0077 is longer than its length can say: nothing can follow it.
    assert (wholes[1]["parts"], wholes[1]["ok"], wholes[1]["id"]) == (2, False, "0x0104")
    assert len(wholes) == 2


COMMANDS: list[tuple[str, Terminal, dict[str, Any]]] = [
    ("text", OLD, {"flag": ["urgent", "read_aloud"], "text": "请进站检查"}),
    ("text", NEW, {"flag": ["on_display"], "type": "notice", "text": "请进站检查"}),
    ("vehicle_control", OLD, {"control": ["lock_doors"]}),
    ("vehicle_control", NEW, {"controls": [{"id": "doors", "parameter": 1}]}),
    ("terminal_control", OLD, {"command": "reset", "arguments": ""}),
    ("query_all_parameters", NEW, {}),
    ("query_parameters", NEW, {"ids": [1, 0x29]}),
    ("set_circles", OLD, {"setting": "append", "areas": [{**CIRCLE, **AREA}]}),
    ("set_circles", NEW, {"setting": "update", "areas": [{**CIRCLE, **AREA, **NIGHT}]}),
    ("set_rectangles", OLD, {"setting": "modify", "areas": [{**RECTANGLE, "attributes": []}]}),
    ("set_rectangles", NEW, {"setting": "append", "areas": [{**RECTANGLE, **AREA, **NIGHT}]}),
    ("set_polygon", OLD, {"id": 9, **AREA, "vertices": [PLACE, PLACE, PLACE]}),
    ("set_polygon", NEW, {"id": 9, **AREA, **NIGHT, "vertices": [PLACE, PLACE, PLACE]}),
    ("set_route", OLD, {"id": 9, "attributes": [], "points": [POINT, POINT]}),
    ("set_route", NEW, {"id": 9, "attributes": [], "points": [POINT], "name": "进港"}),
    ("delete_circles", OLD, {"ids": []}),
    ("delete_rectangles", OLD, {"ids": [1]}),
    ("delete_polygons", OLD, {"ids": [1, 2]}),
    ("delete_routes", NEW, {"ids": [0xFFFFFFFF]}),
    ("data_down", NEW, {"type": "serial_port_1", "data": "c0ffee"}),
    ("turn_camera", OLD, {"channel": 1, "direction": "left", "speed": 200}),
    ("start_live_video", NEW, {"server": "example.org", "tcp_port": 1078, "udp_port": 0,
                               "channel": 1, "media": "video", "stream": "sub"}),
]  # fmt: skip


@pytest.mark.parametrize(("name", "to", "fields"), COMMANDS)
def test_what_the_platform_writes_reads_as_it_was_meant(
    name: str, to: Terminal, fields: dict[str, Any]
) -> None:
    [frame] = answers.frames(name, fields, to=to, serial=513)
    answer = jt808.decode(frame)
    assert answer["ok"], answer
    assert (answer["message"], answer["version"], answer["phone"]) == (name, to.version, to.phone)
    assert answer["serial"] == 513
    assert answer["fields"] == fields


def test_parameters_are_set_by_name_or_id() -> None:
    wanted = [
        {"id": "0x0029", "name": "report_interval_s", "value": 30},
        {"id": "0x0083", "name": "plate", "value": "沪A12345"},
        {"id": "0xf123", "name": "unknown", "value": "00ff"},
    ]
    given = [{"name": "report_interval_s", "value": 30}, *wanted[1:]]
    [frame] = answers.frames("set_parameters", {"parameters": given}, to=OLD, serial=1)
    assert jt808.decode(frame)["fields"] == {"parameters": wanted}


BAD: list[tuple[str, dict[str, Any], str]] = [
    ("no_such", {}, "there is no message 'no_such'"),
    ("query_parameters", {"ids": [-1]}, "ids: -1 does not fit in 4 bytes"),
    ("query_parameters", {"ids": 5}, "is not a list"),
    ("text", {"flag": ["loud"], "text": "x"}, "there is no flag 'loud'"),
    ("text", {"flag": []}, "field 'text' is missing"),
    ("text", {"flag": [], "text": "x", "type": "notice"}, "there is no field 'type'"),
    ("terminal_control", {"command": "explode", "arguments": ""}, "is none of"),
    ("recorder_query", {"command": 1, "data": "xyz"}, "is not hexadecimal"),
    ("set_parameters", {"parameters": [{"name": "mood", "value": 1}]}, "is not a parameter"),
    ("set_parameters", {"parameters": [{"id": "0x0029", "value": "soon"}]}, "is not a number"),
    ("server_time", {"server_time": "2022-01-02T12:00:00"}, "has no offset"),
    ("server_time", {"server_time": "1999-01-02T12:00:00Z"}, "is not in the years 2000 to 2099"),
]


@pytest.mark.parametrize(("name", "fields", "error"), BAD)
def test_what_does_not_fit_a_message_is_refused(
    name: str, fields: dict[str, Any], error: str
) -> None:
    with pytest.raises(BadInput, match=error):
        answers.frames(name, fields, to=OLD, serial=1)


def test_a_phone_that_does_not_fit_is_refused() -> None:
    for phone in ("1234567890123", "12a", ""):
        with pytest.raises(BadInput):
            answers.frames("query_location", {}, to=Terminal(phone), serial=1)


def test_the_server_s_time_is_the_one_that_is_in_utc() -> None:
    asked = answers.frames("query_server_time", {}, to=NEW, serial=4)[0]
    answer = jt808.decode(asked)
    frame = answers.server_time(answer, serial=1, now="2022-01-02T20:00:00+08:00")
    assert "220102120000" in frame.hex()
    assert answers.reply(answer, serial=1) is None


def results(frame: bytes, **how: Any) -> tuple[Any, ...] | None:
    reply = answers.reply(jt808.decode(frame), serial=9, **how)
    if reply is None:
        return None
    answer = jt808.decode(reply)
    return answer["message"], answer["fields"].get("reply_id"), answer["fields"].get("result")


def test_a_reply_says_what_became_of_the_frame() -> None:
    general = "platform_general_response"
    assert results(HEARTBEAT) == (general, 2, "success")
    assert results(HEARTBEAT, stored=False) == (general, 2, "failure")
    unknown = wrap(bytes.fromhex("0f0100000123456789010000"))
    assert results(unknown) == (general, 0x0F01, "not_supported")
    wrong = wrap(bytes.fromhex("000200010123456789010000ff"))
    assert results(wrong) == (general, 2, "message_wrong")
    assert results(b"7e7e") is None
    [part, *_] = waybill(3000)[1]
    assert results(part) == (general, 0x0701, "success")
    said = {"reply_serial": 1, "reply_id": 1, "result": "success"}
    [answered] = answers.frames("terminal_general_response", said, to=OLD, serial=1)
    assert results(answered) is None


def test_a_refused_registration_gets_no_code() -> None:
    fields = {"province_id": 31, "city_id": 115, "manufacturer_id": "wx", "terminal_model": "m",
              "terminal_id": "1", "plate_colour": "yellow", "plate": "沪A12345"}  # fmt: skip
    register = jt808.decode(answers.frames("register", fields, to=OLD, serial=2)[0])
    assert register["fields"] == {"edition": "2013", **fields}
    no = jt808.decode(answers.registered(register, serial=1, result="no_such_vehicle"))
    assert no["fields"] == {"reply_serial": 2, "result": "no_such_vehicle"}
    yes = jt808.decode(answers.registered(register, serial=1, auth_code="k1"))
    assert yes["fields"] == {"reply_serial": 2, "result": "success", "auth_code": "k1"}
