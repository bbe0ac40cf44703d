"""Devices that connect by TCP and UDP are answered once what they said is durable."""

import asyncio
import socket
import ssl
import threading
import tomllib
from collections.abc import Callable, Coroutine
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import uvloop

from tests.rooms.wires import certificate
from wuxin.protocols import decoders, gb32960, hj212, jt808, sbd
from wuxin.protocols.jt808 import answers
from wuxin.protocols.jt808.answers import Terminal
from wuxin.terms.clock import SECOND
from wuxin.terms.errors import BadInput, NotFound
from wuxin.terms.ports import Trust
from wuxin.wire.peers import Limits
from wuxin.wire.stream import Address, Server, Speaks

PHONE = "13800138000"
TO = Terminal(PHONE)
WHERE = {
    "alarm": [], "status": ["acc_on", "positioned"], "latitude": 31.2, "longitude": 121.5,
    "altitude_m": 5, "speed_kmh": 36.0, "direction_deg": 90, "time": "2026-01-02T08:00:00Z",
    "items": [],
}  # fmt: skip


class Doors:
    """Lets in whoever shows the code ``open``; a device of no name needs none."""

    def admits(self, device: str, secret: str) -> Trust | None:
        if device.startswith("BAD"):
            return None
        return {"open": Trust.CODE, "": Trust.UNPROVEN}.get(secret)

    def code(self, device: str) -> str | None:
        return None if device.endswith("9") else "open"


class Journal:
    """Acknowledges on a thread of its own, once it is let."""

    def __init__(self) -> None:
        self.kept: list[tuple[bytes, Trust]] = []
        self.disk = threading.Event()
        self.disk.set()

    def offer(
        self, payload: bytes, *, source: str, position: str, acknowledge: Callable[[], None],
        trust: Trust = Trust.UNPROVEN,
    ) -> None:  # fmt: skip
        assert source == "s", position

        def written() -> None:
            self.disk.wait()
            self.kept.append((payload, trust))
            with suppress(ConnectionError):  # the server has been stopped, as an intake counts
                acknowledge()

        threading.Thread(target=written, daemon=True).start()


class Line:
    """A terminal's end of a connection, by a real socket."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    def say(self, *frames: bytes) -> None:
        self.writer.write(b"".join(frames))

    async def hear(self, within: float = 5) -> bytes:
        return await asyncio.wait_for(self.reader.read(65536), within)

    async def silent(self) -> None:
        with pytest.raises(TimeoutError):
            await self.hear(0.2)


TCP = Address()
Play = Callable[["Stage"], Coroutine[Any, Any, None]]


class Stage:
    """A server of one protocol, with its journal."""

    def __init__(self, server: Server, journal: Journal, *, now: list[int]) -> None:
        self.server, self.journal, self.now = server, journal, now

    async def line(self) -> Line:
        return Line(*await asyncio.open_connection("127.0.0.1", self.server.port))


def play(protocol: str, act: Play, *, limits: Limits | None = None, address: Address = TCP) -> None:
    async def run() -> None:
        journal, now = Journal(), [1_767_340_800 * SECOND]
        server = Server(
            journal.offer, lambda: now[0],
            speaks=Speaks("s", decoders.sessions(protocol), Doors()), address=address,
            limits=limits or Limits(),
        )  # fmt: skip
        await server.start()
        try:
            await act(Stage(server, journal, now=now))
        finally:
            journal.disk.set()
            await server.stop()

    for loop in (asyncio.new_event_loop, uvloop.new_event_loop):
        with asyncio.Runner(loop_factory=loop) as runner:
            runner.run(run())


def frame(name: str, fields: dict[str, Any], *, serial: int = 1) -> bytes:
    [one] = answers.frames(name, fields, to=TO, serial=serial)
    return one


def said(data: bytes) -> list[tuple[str, Any]]:
    found = [jt808.decode(one) for one in jt808.split(data).frames]
    return [(answer["message"], answer["fields"].get("result")) for answer in found]


async def signed_in(stage: Stage) -> Line:
    line = await stage.line()
    line.say(frame("authenticate", {"auth_code": "open"}))
    assert said(await line.hear()) == [("platform_general_response", "success")]
    return line


# ---- JT/T 808 ----------------------------------------------------------------------------------


def test_a_terminal_registers_shows_its_code_and_reports() -> None:
    async def act(stage: Stage) -> None:
        line = await stage.line()
        registration = {
            "province_id": 31, "city_id": 100, "manufacturer_id": "WX", "terminal_model": "M",
            "terminal_id": "T1", "plate_colour": "blue", "plate": "沪A12345",
        }  # fmt: skip
        line.say(frame("location_report", WHERE))
        assert said(await line.hear()) == [("platform_general_response", "failure")]
        line.say(frame("register", registration))
        [answer] = [jt808.decode(one) for one in jt808.split(await line.hear()).frames]
        assert answer["fields"]["auth_code"] == "open"
        line.say(frame("authenticate", {"auth_code": "wrong"}))
        assert said(await line.hear()) == [("platform_general_response", "failure")]
        line.say(frame("authenticate", {"auth_code": "open"}), frame("heartbeat", {}))
        heard = said(await line.hear())
        heard += [] if len(heard) == 2 else said(await line.hear())
        assert heard == [("platform_general_response", "success")] * 2
        report = frame("location_report", WHERE, serial=7)
        line.say(report[:9])
        await asyncio.sleep(0.05)
        line.say(report[9:])
        assert said(await line.hear()) == [("platform_general_response", "success")]
        assert stage.journal.kept[-1] == (report, Trust.CODE)
        assert not any(b"wrong" in payload for payload, _ in stage.journal.kept)

    play("jt808", act)


def test_nothing_is_answered_before_it_is_durable_and_a_frame_again_is_answered_again() -> None:
    async def act(stage: Stage) -> None:
        line = await signed_in(stage)
        stage.journal.disk.clear()
        report = frame("location_report", WHERE, serial=7)
        line.say(report)
        await line.silent()
        stage.journal.disk.set()
        assert said(await line.hear()) == [("platform_general_response", "success")]
        line.say(report)
        assert said(await line.hear()) == [("platform_general_response", "success")]
        assert [payload for payload, _ in stage.journal.kept] == [report, report]

    play("jt808", act)


def test_a_picture_in_parts_out_of_order_is_one_message_that_can_be_read_alone() -> None:
    async def act(stage: Stage) -> None:
        line = await signed_in(stage)
        picture = {
            "multimedia_id": 5, "type": "image", "format": "jpeg", "event": "platform_command",
            "channel": 1, "location": {k: v for k, v in WHERE.items() if k != "items"},
            "data": bytes(range(256)).hex() * 10,
        }  # fmt: skip
        parts = answers.frames("multimedia_upload", picture, to=TO, serial=20)
        assert len(parts) == 3
        line.say(parts[2], parts[0])
        await line.silent()
        stage.now[0] += 6 * SECOND
        line.say(frame("heartbeat", {}, serial=99))
        heard = said(await line.hear())
        heard += [] if len(heard) == 2 else said(await line.hear())
        assert ("platform_resend_request", None) in heard
        line.say(parts[1])
        assert said(await line.hear()) == [("multimedia_upload_answer", None)]
        whole = jt808.decode(stage.journal.kept[-1][0])
        assert whole["parts"] == 3
        assert whole["fields"]["multimedia_id"] == 5

    play("jt808", act)


def test_the_platform_tells_a_terminal_that_is_connected() -> None:
    async def act(stage: Stage) -> None:
        with pytest.raises(NotFound, match="not connected"):
            stage.server.tell(PHONE, "text", fields={})
        line = await signed_in(stage)
        with pytest.raises(BadInput, match="no message 'sing'"):
            stage.server.tell(PHONE, "sing", fields={})
        stage.server.tell(PHONE, "query_attributes", fields={})
        assert said(await line.hear()) == [("query_attributes", None)]

    play("jt808", act)


def test_a_terminal_by_udp_is_answered_too() -> None:
    async def act(stage: Stage) -> None:
        loop = asyncio.get_running_loop()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as own:
            own.setblocking(False)  # noqa: FBT003 - that is its form
            own.connect(("127.0.0.1", stage.server.port))
            for one in (frame("authenticate", {"auth_code": "open"}), frame("heartbeat", {})):
                own.send(one)
                data = await asyncio.wait_for(loop.sock_recv(own, 2048), 5)
                assert said(data) == [("platform_general_response", "success")]

    play("jt808", act, address=Address("udp"))


# ---- peers that are no good ----------------------------------------------------------------------


def test_who_floods_sends_nonsense_or_says_nothing_does_not_stop_another() -> None:
    async def act(stage: Stage) -> None:
        good = await signed_in(stage)
        half = await stage.line()
        half.say(b"\x7e\x02\x00")
        noisy = await stage.line()
        noisy.say(b"nonsense" * 10_000, b"\x7e" + b"x" * 50_000)
        flood = await signed_in(stage)
        stage.journal.disk.clear()
        report = frame("location_report", WHERE)
        flood.say(*[report] * 5000)
        await asyncio.sleep(0.2)
        waiting = stage.server.counts["messages"]
        assert waiting < 150  # what is allowed to wait, and the piece that was being heard
        stage.journal.disk.set()
        good.say(report)
        assert ("platform_general_response", "success") in said(await good.hear())
        assert stage.server.counts["connections"] == 4

    play("jt808", act, limits=Limits(unanswered=16))


def test_who_is_idle_or_one_too_many_is_closed() -> None:
    async def act(stage: Stage) -> None:
        first, _ = await stage.line(), await stage.line()
        third = await stage.line()
        with suppress(ConnectionResetError):
            assert await third.hear() == b""
        assert stage.server.counts["turned_away"] == 1
        assert await first.hear() == b""
        assert stage.server.counts["idle"] >= 1

    play("jt808", act, limits=Limits(connections=2, idle_s=0.3))


def test_who_is_not_let_in_is_closed_whatever_it_sends() -> None:
    async def act(stage: Stage) -> None:
        good, bad = await signed_in(stage), await stage.line()
        with suppress(ConnectionResetError, BrokenPipeError):
            for _ in range(60):
                if bad.writer.is_closing():
                    break
                bad.say(b"\x7e" + b"x" * 40 + b"\x7e", frame("heartbeat", {}))
                await bad.writer.drain()
                if bad.reader.at_eof():
                    break
                await asyncio.sleep(0.02)
        assert stage.server.counts["strangers"] == 1
        assert stage.server.counts["junk"] > 40
        good.say(frame("heartbeat", {}))
        assert said(await good.hear()) == [("platform_general_response", "success")]

    play("jt808", act, limits=Limits(stranger_s=0.3))


def test_who_only_names_a_device_is_not_told_what_is_for_it() -> None:
    async def act(stage: Stage) -> None:
        line = await signed_in(stage)
        stranger = await stage.line()
        stranger.say(frame("heartbeat", {}))
        assert said(await stranger.hear()) == [("platform_general_response", "failure")]
        stage.server.tell(PHONE, "query_attributes", fields={})
        assert said(await line.hear()) == [("query_attributes", None)]
        again = await signed_in(stage)  # the terminal has come by another line meanwhile
        line.writer.close()
        await stranger.silent()
        stage.server.tell(PHONE, "query_attributes", fields={})
        assert said(await again.hear()) == [("query_attributes", None)]
        again.writer.close()
        await stranger.silent()
        with pytest.raises(NotFound, match="not connected"):
            stage.server.tell(PHONE, "query_attributes", fields={})

    play("jt808", act)


def test_who_leaves_before_its_answers_does_not_take_those_of_another() -> None:
    async def act(stage: Stage) -> None:
        good, gone = await signed_in(stage), await signed_in(stage)
        stage.journal.disk.clear()
        report = frame("location_report", WHERE)
        gone.say(*[report] * 40)
        await good.silent()
        gone.writer.transport.abort()
        good.say(report)
        await good.silent()
        stage.journal.disk.set()
        assert said(await good.hear()) == [("platform_general_response", "success")]
        line = await signed_in(stage)
        line.say(report)
        assert said(await line.hear()) == [("platform_general_response", "success")]

    play("jt808", act, limits=Limits(unanswered=8))


def test_who_fetches_its_answers_slowly_gets_them_all() -> None:
    async def act(stage: Stage) -> None:
        with socket.socket() as own:
            own.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            own.connect(("127.0.0.1", stage.server.port))
            own.setblocking(False)  # noqa: FBT003 - that is its form
            asked = asyncio.create_task(
                asyncio.get_running_loop().sock_sendall(own, frame("heartbeat", {}) * 4000)
            )
            await asyncio.sleep(0.3)
            heard = b""
            while heard.count(b"\x7e") < 8000:
                heard += await asyncio.wait_for(asyncio.get_running_loop().sock_recv(own, 4096), 5)
            await asked
        assert stage.server.counts["slow"] == 0

    play("jt808", act, limits=Limits(unsent=16_384))


def test_nothing_is_heard_after_the_end_of_a_talk() -> None:
    async def act(stage: Stage) -> None:
        line = await stage.line()
        login = gb32960.encode(1, LOGIN, vin="BAD", version="2016")
        line.say(login + gb32960.encode(7, b"", vin=VIN, version="2016"))
        assert (await line.hear())[3] == 2
        assert await line.hear() == b""
        assert stage.journal.kept == []

    play("gb32960", act)


def test_a_code_within_tls_is_believed_more(tmp_path: Path) -> None:
    _, key, pem = certificate(tmp_path, "platform")
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(pem, key)

    async def act(stage: Stage) -> None:
        trusting = ssl.create_default_context(cafile=pem)
        trusting.check_hostname = False
        ends = await asyncio.open_connection("127.0.0.1", stage.server.port, ssl=trusting)
        line = Line(*ends)
        line.say(frame("authenticate", {"auth_code": "open"}), frame("heartbeat", {}))
        heard = b""
        while heard.count(b"\x7e") < 4:
            heard += await line.hear()
        assert stage.journal.kept == [(frame("heartbeat", {}), Trust.CERTIFICATE)]
        line.writer.close()

    play("jt808", act, address=Address(tls=tls))


def test_who_does_not_fetch_its_answers_is_closed() -> None:
    async def act(stage: Stage) -> None:
        with socket.socket() as own:
            own.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            own.connect(("127.0.0.1", stage.server.port))
            own.setblocking(False)  # noqa: FBT003 - that is its form
            for _ in range(2000):
                with suppress(BlockingIOError, ConnectionError):
                    own.send(frame("heartbeat", {}) * 500)
                await asyncio.sleep(0.002)
                if stage.server.counts["slow"]:
                    return
        pytest.fail("a peer that fetches nothing was kept")

    play("jt808", act, limits=Limits(unsent=64, unanswered=10**6))


# ---- the other protocols -------------------------------------------------------------------------

VIN = "LWUXIN00000000001"
VECTORS = Path(gb32960.__file__).parents[1] / "vectors" / "gb32960.toml"
LOGIN = bytes.fromhex(tomllib.loads(VECTORS.read_text("utf-8"))["accept"][0]["hex"])[24:-1]


def test_a_vehicle_logs_in_and_one_that_is_not_known_is_sent_away() -> None:
    async def act(stage: Stage) -> None:
        line = await stage.line()
        login = gb32960.encode(1, LOGIN, vin=VIN, version="2016")
        beat = gb32960.encode(7, b"", vin=VIN, version="2016")
        line.say(b"\0\1" + login + beat)
        heard = await line.hear()
        while len(heard) < 25 + 6 + 25:
            heard += await line.hear()
        assert [heard[2:4], heard[33:35]] == [b"\1\1", b"\7\1"]
        assert [payload for payload, _ in stage.journal.kept] == [login, beat]
        other = await stage.line()
        other.say(gb32960.encode(1, LOGIN, vin="BAD", version="2016"))
        assert (await other.hear())[3] == 2
        assert await other.hear() == b""

    play("gb32960", act)


def test_a_station_gets_its_handshake_and_a_wrong_password_ends_the_talk() -> None:
    async def act(stage: Stage) -> None:
        line = await stage.line()
        head = "QN=20260102160000000;ST=22;CN=2011;PW={};MN=S1;Flag=5;"
        data = head + "CP=&&DataTime=20260102160000;a34004-Rtd=35.0&&"
        one = hj212.encode(data.format("open"))
        line.say(b"##12" + one[:30])
        line.say(one[30:])
        answer = hj212.decode(await line.hear())
        assert answer["fields"]["CN"] == "9014"
        assert stage.journal.kept == [(one.rstrip(), Trust.CODE)]
        stage.server.tell("S1", "1011", fields={})
        assert hj212.decode(await line.hear())["fields"]["CN"] == "1011"
        other = await stage.line()
        other.say(hj212.encode(data.format("shut")))
        assert hj212.decode(await other.hear())["fields"]["CP"] == [{"QnRtn": "3"}]

    play("hj212", act)


def test_a_gateway_of_short_bursts_is_told_that_the_message_is_kept() -> None:
    async def act(stage: Stage) -> None:
        line = await stage.line()
        message = sbd.encode(b"hello", sbd.Session("300034010123456", 1, 1_767_340_800))
        line.say(message)
        assert await line.hear() == sbd.confirmation(accepted=True)
        assert await line.hear() == b""
        assert [payload for payload, _ in stage.journal.kept] == [message]
        other = await stage.line()
        other.say(b"\x02\0\0")
        assert await other.hear() == sbd.confirmation(accepted=False)

    play("sbd", act)
