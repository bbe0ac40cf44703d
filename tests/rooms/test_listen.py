"""A file of sources starts servers; what a terminal says by a real socket stands in the history."""

import asyncio
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import gmqtt
import pytest

from tests import servers
from tests.homes import still
from tests.rooms.wires import until
from wuxin.home import Home
from wuxin.listen import Listening, read
from wuxin.protocols import jt808
from wuxin.protocols.jt808 import answers
from wuxin.protocols.jt808.answers import Terminal
from wuxin.terms.errors import BadInput, Conflict, NotFound
from wuxin.terms.names import ThingKey
from wuxin.terms.records import Quality
from wuxin.wire.stream import Server

PHONE = "13800138000"
TO = Terminal(PHONE)
FILE = """
[[source]]
name = "trucks"
pack = "logistics"
protocol = "jt808"
timezone = "Asia/Shanghai"
listen = "tcp://127.0.0.1:0"
[[source.thing]]
kind = "lot"
id = "L1"
[[source.device]]
id = "13800138000"
thing = "lot:L1"
password = "s3cret"
"""


def written(folder: Path, text: str = FILE) -> Path:
    path = folder / "sources.toml"
    path.write_text(text, "utf-8")
    return path


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    with Home(tmp_path / "home", clock=still) as house:
        yield house


def report(minute: int, latitude: float) -> bytes:
    where = {
        "alarm": [], "status": ["acc_on", "positioned"], "latitude": latitude, "longitude": 121.5,
        "altitude_m": 5, "speed_kmh": 36.0, "direction_deg": 90,
        "time": f"2026-01-05T08:{minute:02d}:00Z", "items": [],
    }  # fmt: skip
    [frame] = answers.frames("location_report", where, to=TO, serial=minute)
    return frame


def asked(line: socket.socket, frame: bytes) -> str:
    line.sendall(frame)
    [answer] = [jt808.decode(one) for one in jt808.split(line.recv(4096)).frames]
    return str(answer["fields"]["result"])


def test_a_terminal_that_shows_its_password_is_heard_and_its_place_is_that_of_its_lot(
    tmp_path: Path, home: Home
) -> None:
    [shown] = answers.frames("authenticate", {"auth_code": "s3cret"}, to=TO, serial=0)
    [guess] = answers.frames("authenticate", {"auth_code": "guess"}, to=TO, serial=0)
    said: list[str] = []
    with Listening(home, read(written(tmp_path)), say=said.append) as listening:
        [server] = listening.servers["trucks"]
        assert isinstance(server, Server)
        assert said[-1] == f"trucks: listening on tcp://127.0.0.1:{server.port}"
        with socket.create_connection(("127.0.0.1", server.port), timeout=20) as line:
            assert asked(line, report(0, 30.0)) == "failure"
            assert asked(line, guess) == "failure"
            assert asked(line, shown) == "success"
            for minute in range(1, 4):
                assert asked(line, report(minute, 31.0 + minute / 100)) == "success"
            listening.tell("trucks", PHONE, name="query_attributes", fields={})
            assert line.recv(4096)
        with pytest.raises(NotFound, match="not connected"):
            listening.tell("trucks", "13900000000", name="query_attributes", fields={})
    place = home.flow.lines["logistics"].twin.latest(ThingKey("lot", "L1"), "latitude")
    assert place is not None
    [cause] = home.flow.frames.causes(place.first, place.last)
    assert cause.lines == (0, 0)
    kept = home.history.query("SELECT indicator, count(*) AS n FROM readings GROUP BY 1 ORDER BY 1")
    assert kept.to_pydict() == {"indicator": ["latitude", "longitude"], "n": [3, 3]}
    assert b"s3cret" not in b"".join(
        path.read_bytes() for path in (tmp_path / "home").rglob("*") if path.is_file()
    )


def test_what_comes_by_mqtt_is_acknowledged_when_it_is_durable_and_stands_in_the_history(
    tmp_path: Path, home: Home, mosquitto: servers.Broker
) -> None:
    place = f"mqtt://127.0.0.1:{mosquitto.port}"
    text = FILE.replace('"jt808"', '"wuxin"').replace("tcp://127.0.0.1:0", place)
    text = text.replace(PHONE, "lot:L1")
    text = text.replace("[[source.thing]]", 'topic = "devices/#"\n[[source.thing]]', 1)
    frame = (
        '{"device":"lot:L1","boot":"b","seq":%d,"time":"2026-01-05T08:%02d:00Z",'
        '"readings":{"net_weight":24000}}'
    )

    async def publish() -> None:
        client = gmqtt.Client("")
        await client.connect(mosquitto.host, mosquitto.port)
        for number in (0, 1, 2, 3, 4, 4):  # the last one again
            client.publish("devices/L1", frame % (number, number), qos=1)
        await until(lambda: subscriber.counts["acknowledged"] == 6)
        await client.disconnect()

    with Listening(home, read(written(tmp_path, text)), say=lambda _: None) as listening:
        [subscriber] = listening.servers["trucks"]
        asyncio.run(publish())
    kept = home.history.query(
        "SELECT quality, count(*) AS n FROM readings WHERE indicator = 'net_weight' GROUP BY 1"
    )
    found = dict(zip(*kept.to_pydict().values(), strict=True))
    assert found == {0: 5, Quality.DUPLICATE: 1}


def test_started_again_it_registers_nobody_twice(tmp_path: Path, home: Home) -> None:
    for _ in range(2):
        with Listening(home, read(written(tmp_path)), say=lambda _: None):
            pass
    assert len(home.book.acts(home.tenant)) == 1


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (("tcp://127.0.0.1:0", "here"), "'here' is no address"),
        (("tcp://127.0.0.1:0", "tcp://127.0.0.1:x"), "Port could not be cast"),
        (('"jt808"', '"wuxin"'), "cannot connect by protocol 'wuxin'; they can by gb32960"),
        (("pack =", "pakc ="), "sources.toml: .*pakc"),
        (("[[source]]", "[[source"), "sources.toml: "),
    ],
)
def test_a_file_that_cannot_be_meant_is_refused_with_its_place(
    tmp_path: Path, change: tuple[str, str], why: str
) -> None:
    with pytest.raises((BadInput, NotFound), match=why):
        read(written(tmp_path, FILE.replace(*change)))


def test_after_a_start_that_failed_no_thread_holds_the_program(tmp_path: Path, home: Home) -> None:
    text = FILE.replace('"jt808"', '"wuxin"').replace("tcp:", "mqtt:")
    text = text.replace("127.0.0.1:0", f"127.0.0.1:{servers.free_port()}")
    text = text.replace("[[source.thing]]", 'topic = "devices/#"\n[[source.thing]]', 1)
    with pytest.raises(Conflict):
        Listening(home, read(written(tmp_path, text)), say=lambda _: None)
    left = [t.name for t in threading.enumerate() if t.name.startswith(("intake", "wire"))]
    assert left == []


def test_a_port_that_is_taken_is_said(tmp_path: Path, home: Home) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        text = FILE.replace("127.0.0.1:0", f"127.0.0.1:{taken.getsockname()[1]}")
        with pytest.raises(BadInput, match="cannot listen"):
            Listening(home, read(written(tmp_path, text)), say=lambda _: None)
