"""Sessions without sockets: who is let in, what is kept of what they say, and what it costs."""

import random
import time
import tracemalloc
from typing import Any

import pytest

from tests.rooms.frames import bytes_of, load, mutated
from wuxin.protocols import decoders, gb32960, hj212, jt808, sbd
from wuxin.protocols.jt808 import answers, header
from wuxin.protocols.jt808.answers import Terminal
from wuxin.protocols.jt808.frame import wrap
from wuxin.protocols.jt808.header import Header
from wuxin.protocols.octets import from_hex
from wuxin.terms.clock import SECOND
from wuxin.terms.errors import BadInput
from wuxin.terms.ports import Heard, Session, Trust

PHONE = "13800138000"
PROTOCOLS = ("jt808", "gb32960", "hj212", "sbd")


class Doors:
    """Lets everybody in, or nobody, who shows a right code or none."""

    def __init__(self, *, shut: bool = False) -> None:
        self.shut = shut

    def admits(self, device: str, secret: str) -> Trust | None:
        assert device
        known = {"open": Trust.CODE, "123456": Trust.CODE, "": Trust.UNPROVEN}
        return None if self.shut else known.get(secret)

    def code(self, device: str) -> str | None:
        assert device
        return None if self.shut else "open"


def talk(protocol: str, *, shut: bool = False) -> Session:
    return decoders.sessions(protocol)(Doors(shut=shut))


def frame(name: str, fields: dict[str, Any], *, serial: int = 1, phone: str = PHONE) -> bytes:
    [one] = answers.frames(name, fields, to=Terminal(phone), serial=serial)
    return one


def part(index: int, total: int, *, first: int = 1, body: bytes = b"") -> bytes:
    serial = (first + index - 1) & 0xFFFF
    return wrap(header.write(Header(0x0801, "2013", PHONE, serial, total, index), body))


def terminal() -> Session:
    session = talk("jt808")
    [heard] = session.feed(frame("authenticate", {"auth_code": "open"}), 0)
    assert (heard.device, heard.trust) == (PHONE, Trust.CODE)
    return session


def names(heard: list[Heard] | Any) -> list[str]:
    return [jt808.decode(each.answer)["message"] for each in heard if each.answer]


def picture(number: int, *, first: int, size: int = 1500) -> list[bytes]:
    fields = {
        "multimedia_id": number, "type": "image", "format": "jpeg", "event": "platform_command",
        "channel": 1, "data": (bytes([number, 7]) * (size // 2)).hex(),
        "location": {
            "alarm": [], "status": [], "latitude": 31.2, "longitude": 121.5, "altitude_m": 5,
            "speed_kmh": 36.0, "direction_deg": 90, "time": "2026-01-02T08:00:00Z",
        },
    }  # fmt: skip
    return answers.frames("multimedia_upload", fields, to=Terminal(PHONE), serial=first)


# ---- all of them ---------------------------------------------------------------------------------


def good_frames() -> dict[str, list[bytes]]:
    vectors = {name: [bytes_of(one) for one in load(name)["accept"]] for name in PROTOCOLS}
    found = {name: [from_hex(one) for one in frames][:60] for name, frames in vectors.items()}
    found["jt808"] += [frame("authenticate", {"auth_code": "open"}), part(1, 2, body=b"x" * 30)]
    return found


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("shut", [False, True])
def test_no_mutation_of_what_a_peer_says_raises(protocol: str, *, shut: bool) -> None:
    session = talk(protocol, shut=shut)
    for number, data in enumerate(mutated(good_frames()[protocol], 1500, seed=808)):
        for heard in session.feed(data, number * SECOND):
            assert isinstance(heard.message, bytes)
            assert bool(heard.device) or not heard.message


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_nothing_is_kept_of_who_is_not_let_in(protocol: str) -> None:
    for data in good_frames()[protocol]:
        for heard in talk(protocol, shut=True).feed(data, 0):
            assert (heard.message, heard.device) == (b"", "")


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_bytes_cut_anywhere_say_the_same(protocol: str) -> None:
    if protocol == "sbd":
        stream = good_frames()[protocol][0]
    else:
        stream = b"\0junk" + b"\r\n".join(good_frames()[protocol][:20])
    whole, cut, chance = talk(protocol), talk(protocol), random.Random(1)  # noqa: S311
    said = [heard.message for heard in whole.feed(stream, 0)]
    heard, at = [], 0
    while at < len(stream):
        size = chance.randrange(1, 40)
        heard += cut.feed(stream[at : at + size], 0)
        at += size
    assert [each.message for each in heard] == said
    assert any(said)
    assert whole.junk == cut.junk


@pytest.mark.parametrize(
    ("protocol", "nonsense"),
    [
        ("hj212", b"##9990abcd"), ("hj212", b"##9999"), ("hj212", b"#"), ("jt808", b"\x7e"),
        ("jt808", b"\x7ex"), ("jt808", b"x"), ("gb32960", b"##\1\3"),
        ("gb32960", b"$$\0\0x"), ("sbd", b"\1\xff"),
    ],
)  # fmt: skip
def test_nonsense_costs_no_more_time_or_memory_than_sense(protocol: str, nonsense: bytes) -> None:
    session, data = talk(protocol), nonsense * (4096 // len(nonsense))
    begun = time.process_time()
    for _ in range(24):
        session.feed(data, 0)
    assert time.process_time() - begun < 1.0  # it was 10 s and more with the checks not bounded
    tracemalloc.start()
    for _ in range(24):
        session.feed(data, 0)
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert held < 150_000
    assert session.junk >= 48 * len(data) - 2 * 65_560 or nonsense == b"\x7e"


# ---- JT/T 808 ------------------------------------------------------------------------------------


def test_a_part_of_an_authentication_lets_nobody_in() -> None:
    session = talk("jt808")
    said = Header(0x0102, "2013", PHONE, 1, 2, 1)
    [heard] = session.feed(wrap(header.write(said, b"open")), 0)
    assert jt808.decode(heard.answer)["fields"]["result"] == "failure"
    assert (heard.message, heard.device) == (b"", "")
    with pytest.raises(BadInput, match="not authenticated"):
        session.tell("text", {}, now=0)


def test_parts_take_bounded_memory_and_none_before_authentication() -> None:
    session, known = talk("jt808"), terminal()
    tracemalloc.start()
    for k in range(1, 1000):
        session.feed(part(k, 3000, body=b"x" * 1000), 0)
    stranger, _ = tracemalloc.get_traced_memory()
    for message in range(2):
        for k in range(1, 2800):
            known.feed(part(k, 3000 + message, first=message * 3000, body=b"x" * 1000), 0)
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert stranger < 100_000
    assert held < 6_000_000


def test_giving_up_one_message_in_parts_does_not_spoil_another() -> None:
    session = terminal()
    old, new = picture(1, first=10), picture(2, first=50)
    session.feed(old[0], 0)
    session.feed(new[0], 599 * SECOND)
    session.feed(frame("heartbeat", {}), 602 * SECOND)
    [heard] = [one for one in session.feed(new[1], 603 * SECOND) if one.message]
    assert heard.message == b"".join(new)
    assert jt808.decode(heard.message)["fields"]["multimedia_id"] == 2


def test_a_picture_that_is_sent_again_gets_its_own_answer_again_and_is_kept_once() -> None:
    session, parts = terminal(), picture(7, first=20)
    heard = [one for each in parts for one in session.feed(each, 0)]
    again = [one for each in parts for one in session.feed(each, SECOND)]
    assert names(heard) == names(again) == ["multimedia_upload_answer"]
    assert jt808.decode(again[0].answer)["fields"]["multimedia_id"] == 7
    assert [bool(one.message) for one in (*heard, *again)] == [True, False]


def test_a_missing_part_is_asked_for_again_and_again_but_not_at_every_byte() -> None:
    session, parts = terminal(), picture(7, first=20)
    session.feed(parts[0], SECOND)
    asked = []
    for second in range(2, 20):
        for _ in range(5):
            asked += names(session.feed(frame("heartbeat", {}), second * SECOND))
    assert asked.count("platform_resend_request") == 3


def test_another_terminal_on_the_same_line_has_to_show_its_own_code() -> None:
    session = terminal()
    [heard] = session.feed(frame("heartbeat", {}, phone="13900139000"), 0)
    assert (heard.message, heard.device) == (b"", "")
    [heard] = session.feed(frame("heartbeat", {}), 0)
    assert heard.message == b""


def test_a_frame_that_is_not_understood_is_kept_and_answered_so() -> None:
    session = terminal()
    odd = wrap(header.write(Header(0x0F77, "2013", PHONE, 3), b"?"))
    [heard] = session.feed(odd, 0)
    assert heard.message == odd
    assert jt808.decode(heard.answer)["fields"]["result"] == "not_supported"


def test_a_terminal_asks_for_the_time() -> None:
    [heard] = terminal().feed(frame("query_server_time", {}), 1_767_340_800 * SECOND)
    assert jt808.decode(heard.answer)["fields"]["server_time"] == "2026-01-02T08:00:00Z"


# ---- the others ----------------------------------------------------------------------------------


def test_a_vehicle_whose_report_is_not_understood_is_told_so_and_the_report_is_kept() -> None:
    for version, response in (("2016", 2), ("2025", 6)):
        odd = gb32960.encode(2, b"\1", vin="V1", version=version)
        [heard] = talk("gb32960").feed(odd, 0)
        assert (heard.message, heard.answer[3]) == (odd, response)


def test_a_wrong_check_costs_only_the_frame_that_has_it() -> None:
    beat = gb32960.encode(7, b"", vin="V1", version="2016")
    wrong = beat[:-1] + bytes([beat[-1] ^ 1])
    session = talk("gb32960")
    assert [heard.message for heard in session.feed(wrong + beat, 0)] == [beat]
    assert session.junk == len(wrong)
    good = hj212.encode("ST=22;CN=2011;PW=open;MN=S1;CP=&&&&").rstrip()
    station = talk("hj212")
    assert [heard.message for heard in station.feed(good[:-1] + b"x" + good, 0)] == [good]
    assert station.junk == len(good)


def test_a_station_that_wants_no_answer_gets_none() -> None:
    segment = "QN=20260102160000000;ST=22;CN={};PW=open;MN=S1;Flag={};CP=&&&&"
    wanted = {("2061", 5): "9014", ("2081", 5): "9014", ("3019", 5): "9013", ("9012", 5): "",
              ("2011", 4): ""}  # fmt: skip
    for (command, flag), answer in wanted.items():
        [heard] = talk("hj212").feed(hj212.encode(segment.format(command, flag)), 0)
        got = hj212.decode(heard.answer)["fields"]["CN"] if heard.answer else ""
        assert got == answer, command


def test_a_request_to_a_station_is_of_its_edition_and_its_fields_stay_in_their_place() -> None:
    session = talk("hj212")
    with pytest.raises(BadInput, match="not spoken"):
        session.tell("1011", {}, now=0)
    session.feed(hj212.encode("ST=22;CN=2011;PW=open;MN=S1;Flag=8;CP=&&&&"), 0)
    [request] = session.tell("1061", {"RtdInterval": 30}, now=0)
    said = hj212.decode(request)
    assert (said["version"], said["answer_wanted"]) == ("2025", True)
    assert said["fields"]["CP"] == [{"RtdInterval": "30"}]
    for bad in ({"a": "1&&"}, {"a": "1;b=2"}, {"a": "x" * 9999}):
        with pytest.raises(BadInput, match="data area"):
            session.tell("1061", bad, now=0)


def test_a_short_burst_that_is_cut_is_waited_for_and_one_that_is_wrong_is_refused() -> None:
    message = sbd.encode(b"hello", sbd.Session("300034010123456", 1, 1_767_340_800))
    session = talk("sbd")
    assert not session.feed(message[:-1], 0)
    [heard] = session.feed(message[-1:], 0)
    assert (heard.message, heard.ends) == (message, True)
    [wrong] = talk("sbd").feed(b"\1\0\3\1\0\0", 0)
    assert wrong == Heard(b"", "", sbd.confirmation(accepted=False), ends=True)


@pytest.mark.parametrize("version", ["2013", "2019"])
def test_the_quick_general_response_is_that_of_the_layout(version: str) -> None:
    for serial in (0, 0x7D7E, 0xFFFF):
        asked = {"serial": 0x7E7D, "id": "0x0200", "phone": PHONE, "version": version}
        fields = {"reply_serial": 0x7E7D, "reply_id": 0x0200, "result": "not_supported"}
        [slow] = answers.frames(
            "platform_general_response", fields, to=Terminal(PHONE, version), serial=serial
        )
        assert answers.general(asked, serial=serial, result="not_supported") == slow
    with pytest.raises(BadInput, match="'fine' is not one of"):
        answers.general(asked, serial=0, result="fine")
