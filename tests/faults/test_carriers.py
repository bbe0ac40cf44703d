"""A house that is killed again and again under the load of a broker has every message once."""

import itertools
import random
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests import servers
from wuxin.audit import audit
from wuxin.home import Home
from wuxin.terms.clock import SECOND, iso
from wuxin.terms.records import Quality

DEVICES, KILLS, PAUSE_S = 20, 5, 0.1
START = 1_767_225_600 * SECOND
FILE = """
[[source]]
name = "fleet"
pack = "energy"
protocol = "wuxin"
listen = "mqtt://127.0.0.1:{port}"
topic = "devices/#"
strangers = true
"""


class Life:
    """One life of the house, and what it says of itself."""

    def __init__(self, folder: Path, sources: Path) -> None:
        self.acknowledged, self.ready = 0, threading.Event()
        command = [sys.executable, "-m", "tests.faults.hearing", str(folder), str(sources)]
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        threading.Thread(target=self._read, daemon=True).start()
        assert self.ready.wait(90)

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            if line.strip() == "ready":
                self.ready.set()
            else:
                self.acknowledged = int(line)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def stop(self) -> None:
        self.process.communicate(timeout=90)
        assert self.process.returncode == 0


@contextmanager
def life(folder: Path, sources: Path) -> Iterator[Life]:
    living = Life(folder, sources)
    try:
        yield living
    finally:
        living.kill()


def frame(device: int, seq: int) -> str:
    at = iso(START + seq * 10 * SECOND)
    return (
        f'{{"device":"inverter:A{device}","boot":"b","seq":{seq},"time":"{at}",'
        f'"readings":{{"ac_power":{1000 + seq}}}}}'
    )


def packet(device: int, seq: int) -> bytes:
    """A PUBLISH at QoS 1 of MQTT 3.1.1, whose PUBACK has four bytes."""
    topic, body = b"devices/A%d" % device, frame(device, seq).encode()
    data = len(topic).to_bytes(2) + topic + (seq % 65_535 + 1).to_bytes(2) + body
    return b"\x32" + bytes((len(data) & 127 | 128, len(data) >> 7)) + data


def publish(port: int, published: list[int], *, enough: threading.Event) -> None:
    """Publish ten messages of each device at a time, at most 2,000 a second, until it is enough."""
    lines = [socket.create_connection(("127.0.0.1", port)) for _ in range(DEVICES)]
    for device, line in enumerate(lines):
        line.sendall(bytes.fromhex("101000044d5154540402003c0004") + b"d%03d" % device)
        assert line.recv(4) == bytes.fromhex("20020000")
    for seq in itertools.count(0, 10):
        for device, line in enumerate(lines):
            line.sendall(b"".join(packet(device, seq + k) for k in range(10)))
        for line in lines:
            assert len(line.recv(40, socket.MSG_WAITALL)) == 40
            published[0] += 10
        if enough.wait(PAUSE_S):
            return


@pytest.mark.timeout(300)
def test_killed_again_and_again_under_load_every_message_is_in_the_history_once(
    tmp_path: Path,
) -> None:
    dice = random.Random(5)  # noqa: S311 - a repeatable choice
    published, enough = [0], threading.Event()
    home, sources = tmp_path / "home", tmp_path / "sources.toml"
    access = "allow_anonymous true\nmax_queued_messages 0\nset_tcp_nodelay true\n"
    with servers.run_mosquitto(tmp_path, access=access) as broker:
        sources.write_text(FILE.format(port=broker.port), "utf-8")
        with life(home, sources):
            pass  # the broker keeps a session from now on
        sending = threading.Thread(
            target=publish, args=(broker.port, published), kwargs={"enough": enough}
        )
        sending.start()
        loaded = 0
        for _ in range(KILLS):
            with life(home, sources) as living:
                goal = dice.randrange(50, 1500)
                deadline = time.monotonic() + 20
                while living.acknowledged < goal and time.monotonic() < deadline:
                    time.sleep(0.001)
                living.kill()
                loaded += living.acknowledged >= goal
        enough.set()
        sending.join()
        with life(home, sources) as living:
            seen, since = -1, time.monotonic()
            while time.monotonic() < since + 2:
                if living.acknowledged != seen:
                    seen, since = living.acknowledged, time.monotonic()
                time.sleep(0.05)
            living.stop()
    assert loaded == KILLS  # lives that ended while messages were coming
    with Home(home) as house:
        told = house.history.query(
            "SELECT thing, event_time, count(*) FILTER (quality & 4 = 0) AS n FROM readings "
            "WHERE indicator = 'ac_power' GROUP BY 1, 2"
        ).to_pydict()
        tenant = house.tenant
    assert Quality.DUPLICATE == 4
    assert len(told["n"]) == published[0]
    assert set(told["n"]) == {1}
    assert audit(home, tenant).faults == []
