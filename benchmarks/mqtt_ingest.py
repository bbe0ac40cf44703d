"""What MQTT costs, from a publisher to durable and acknowledged: Mosquitto and our subscriber.

    wuxin bench mqtt_ingest [--messages 200000] [--rate 0] [--connections 20] [--house]

Three processes: a publisher of QoS 1 (plain sockets, 20 messages on their way per connection),
Mosquitto, and the subscriber, whose intake writes each batch to a file and syncs it; with --house
the whole house stands behind it: journal, findings, history, evidence log and book, and the time
ends when all is judged and committed. With rate 0
the publisher goes as fast as it can, and times are those of a queue that grows; with a rate
(messages/s) they are those of a house that keeps up. All messages come, or it fails. JSON: messages
per second from the first publish to the last acknowledgement, CPU µs per message and process, ms
from publish to the broker's PUBACK and to durable here. The folder should lie on the disk that
would be used.
"""

import argparse
import asyncio
import json
import os
import resource
import selectors
import socket
import subprocess
import sys
import tempfile
import time
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import quantiles
from typing import Any, NamedTuple

from wuxin.home import Home
from wuxin.live import Live, warm
from wuxin.terms.clock import system_clock
from wuxin.wire.intake import LINGER_S, Intake, Message
from wuxin.wire.mqtt import Broker, MqttSubscriber, Route

WINDOW = 20
SETTINGS = """listener {port} 127.0.0.1
allow_anonymous true
set_tcp_nodelay true
max_queued_messages 0
persistence false
log_dest none
"""
FRAME = (
    '{"device":"inverter:A%05d","boot":"b1","seq":%016d,"time":"%s",'
    '"readings":{"ac_power":1200.5,"dc_voltage":640.25,"dc_current":4.5,"frequency":50.01}}'
)
SENT = slice(46, 62)
"""Where a frame has its sequence number, which is the microsecond of its publishing."""


class Sink(NamedTuple):
    """What stands behind the intake: how a batch is made durable, and how it is judged."""

    append: Callable[[Sequence[Message]], Any]
    process: Callable[[Sequence[Any]], None]
    close: Callable[[], None]


def file_sink(folder: Path) -> Sink:
    """A file that is written and synced, and nothing that judges."""
    file = os.open(folder / "messages", os.O_WRONLY | os.O_CREAT)

    def append(batch: Sequence[Message]) -> int:
        os.write(file, b"\n".join([message.payload for message in batch]) + b"\n")
        os.fdatasync(file)
        return len(batch)

    return Sink(append, lambda _: None, lambda: os.close(file))


def cpu_s() -> float:
    """CPU seconds of this process."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def spread(milliseconds: Sequence[float]) -> dict[str, float]:
    """Median and 99th percentile."""
    cuts = quantiles(milliseconds, n=100)
    return {"p50": round(cuts[49], 2), "p99": round(cuts[98], 2)}


def house_sink(home: Home) -> Sink:
    """The whole house."""
    live = Live(home)
    live.close()
    return Sink(live.append, live.process, lambda: None)


async def subscribe(port: int, total: int, *, folder: Path, house: bool) -> None:
    """Take in so many messages, and print what it cost."""
    home = Home(folder / "home") if house else None
    if home is not None:
        home.attend("fleet", "energy")
        warm([line.twin for line in home.flow.lines.values()], lambda _: None)
    sink = file_sink(folder) if home is None else house_sink(home)
    waited, batches = list[float](), 0

    def append(batch: Sequence[Message]) -> Any:
        nonlocal batches
        token, now = sink.append(batch), time.time_ns() // 1000
        batches += 1
        waited.extend([(now - int(message.payload[SENT])) / 1000 for message in batch])
        return token

    with Intake(append, sink.process, linger_s=0.0 if house else LINGER_S) as intake:
        subscriber = MqttSubscriber(
            intake.offer, system_clock, broker=Broker("127.0.0.1", port),
            routes=[Route("devices/#", "fleet", wrap_topic=False)],
        )  # fmt: skip
        await subscriber.start()
        begun = cpu_s()
        print("ready", flush=True)
        while subscriber.counts["acknowledged"] < total:  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0.01)
        await subscriber.stop()
    result = {"end": time.time(), "cpu_s": cpu_s() - begun, "durable_ms": spread(waited)}
    sink.close()
    if home is not None:
        told = home.history.query("SELECT count(*) AS n FROM readings WHERE indicator = 'ac_power'")
        result["in_the_history"] = told.to_pydict()["n"][0]
        home.close()
    print(json.dumps({**result, "batches": batches, "again": subscriber.counts["again"]}))


class Line:
    """One publishing connection (MQTT 3.1.1, whose PUBACK has always four bytes)."""

    def __init__(self, port: int, number: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        name = b"p%03d" % number
        self.socket.sendall(bytes.fromhex("101000044d5154540402003c0004") + name)
        if self.socket.recv(4) != bytes.fromhex("20020000"):
            raise ConnectionError("the broker does not let the publisher in")
        self.flying: deque[float] = deque()
        self._number, self._sent, self._half, self._last = number, 0, 0, 0

    def publish(self, count: int, first: int) -> None:
        """Send so many messages with numbers from ``first``."""
        now, micros, packets = time.perf_counter(), time.time_ns() // 1000, []
        topic = b"devices/inverter:A%05d" % self._number
        head = len(topic).to_bytes(2, "big") + topic
        for number in range(first, first + count):
            self._sent = self._sent % 65_535 + 1
            self._last = max(self._last + 1, micros)
            seconds = number // 20
            when = f"2022-01-{2 + seconds // 86400:02d}T{seconds // 3600 % 24:02d}"
            when += f":{seconds // 60 % 60:02d}:{seconds % 60:02d}Z"
            payload = (FRAME % (self._number, self._last, when)).encode()
            size = len(head) + 2 + len(payload)
            length = bytes((size & 127 | 128, size >> 7)) if size > 127 else bytes((size,))
            packets += [b"\x32", length, head, self._sent.to_bytes(2, "big"), payload]
        self.socket.sendall(b"".join(packets))
        self.flying.extend([now] * count)

    def acknowledged(self) -> list[float]:
        """Seconds that messages took which the broker has acknowledged now."""
        got = self._half + len(self.socket.recv(65_536))
        whole, self._half = divmod(got, 4)
        now = time.perf_counter()
        return [now - self.flying.popleft() for _ in range(whole)]


def publish(port: int, total: int, *, rate: float, connections: int) -> None:
    """Send so many messages and print what it cost."""
    lines = [Line(port, number) for number in range(connections)]
    ready = selectors.DefaultSelector()
    for line in lines:
        ready.register(line.socket, selectors.EVENT_READ, line)
    sent, waited = 0, list[float]()
    began, begun, used = time.time(), time.perf_counter(), cpu_s()
    while len(waited) < total:
        due = min(total, int((time.perf_counter() - begun) * rate)) if rate else total
        for line in lines:
            count = min(WINDOW - len(line.flying), due - sent)
            if count > 0:
                line.publish(count, sent)
                sent += count
        for key, _ in ready.select(0.002):
            waited += key.data.acknowledged()
    milliseconds = [1000 * seconds for seconds in waited]
    result = {"begin": began, "cpu_s": cpu_s() - used, "puback_ms": spread(milliseconds)}
    result["published_per_s"] = round(total / (time.perf_counter() - begun))
    print(json.dumps(result))


def broker_cpu_s(pid: int) -> float:
    """CPU seconds of another process."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def measure(asked: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """Run the three processes."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    (folder / "mosquitto.conf").write_text(SETTINGS.format(port=port))
    path = os.environ["PATH"] + ":/usr/sbin"
    command = ["mosquitto", "-c", str(folder / "mosquitto.conf")]
    broker = subprocess.Popen(command, env={**os.environ, "PATH": path})
    own = [sys.executable, __file__, "--messages", str(asked.messages), "--port", str(port)]
    own += ["--house"] if asked.house else []
    taking = subprocess.Popen(
        [*own, "--role", "subscriber", "--folder", str(folder)], stdout=subprocess.PIPE
    )
    try:
        assert taking.stdout is not None
        if taking.stdout.readline() != b"ready\n":
            raise RuntimeError("the subscriber did not start")
        before = broker_cpu_s(broker.pid)
        more = ["--rate", str(asked.rate), "--connections", str(asked.connections)]
        sending = subprocess.run(
            [*own, "--role", "publisher", *more], stdout=subprocess.PIPE, check=True
        )
        taken, gave = json.loads(taking.communicate(timeout=600)[0]), json.loads(sending.stdout)
        spent = broker_cpu_s(broker.pid) - before
    finally:
        taking.kill()
        broker.kill()
        broker.wait()
    each = 1e6 / asked.messages
    return {
        "messages": asked.messages, "rate": asked.rate,
        "messages_per_s": round(asked.messages / (taken["end"] - gave["begin"])),
        "published_per_s": gave["published_per_s"],
        "messages_per_sync": round(asked.messages / taken["batches"]),
        "cpu_us": {
            "publisher": round(gave["cpu_s"] * each, 1), "broker": round(spent * each, 1),
            "subscriber": round(taken["cpu_s"] * each, 1),
        },
        **{k: taken[k] for k in ("in_the_history",) if k in taken},
        "puback_ms": gave["puback_ms"], "durable_ms": taken["durable_ms"],
    }  # fmt: skip


def main() -> None:
    """Measure and print, or play one of the processes."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--messages", type=int, default=200_000)
    parser.add_argument("--rate", type=float, default=0)
    parser.add_argument("--connections", type=int, default=20)
    parser.add_argument("--folder", type=Path, default=Path())
    parser.add_argument("--house", action="store_true", help="the whole house behind it")
    parser.add_argument("--role", choices=["subscriber", "publisher"], help=argparse.SUPPRESS)
    parser.add_argument("--port", type=int, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.role == "subscriber":
        asyncio.run(subscribe(asked.port, asked.messages, folder=asked.folder, house=asked.house))
    elif asked.role == "publisher":
        publish(asked.port, asked.messages, rate=asked.rate, connections=asked.connections)
    else:
        with tempfile.TemporaryDirectory(dir=asked.folder) as name:
            print(json.dumps(measure(asked, Path(name))))


if __name__ == "__main__":
    main()
