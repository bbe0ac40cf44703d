"""Concurrent JT/T 808 terminals on loopback, each answered once its report is durable.

    wuxin bench terminals [--terminals 1000] [--reports 20] [--every S] [--wire]

A home listens in this process; terminals in another connect, register, authenticate and report,
each waiting for its answer before it reports again, at once or --every so many seconds. Prints
messages per second, CPU per message over both processes, p99 from report (from when it was due)
to answer, and how many reports stand in the history (all, once). With --wire the journal is a file
that is synced, and nothing is judged.
"""

import argparse
import asyncio
import json
import multiprocessing
import os
import random
import resource
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import uvloop

from wuxin.home import Home
from wuxin.listen import Described, Listening
from wuxin.protocols import decoders, jt808
from wuxin.protocols.jt808 import answers
from wuxin.protocols.jt808.answers import Terminal
from wuxin.terms.clock import system_clock
from wuxin.terms.ports import Trust
from wuxin.wire.intake import Intake, Message
from wuxin.wire.stream import Address, Server, Speaks

BEGIN = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=1)
CODE = "open"
REGISTRATION = {
    "province_id": 31, "city_id": 100, "manufacturer_id": "WX", "terminal_model": "M",
    "terminal_id": "T1", "plate_colour": "blue", "plate": "沪A12345",
}  # fmt: skip


def reports(phone: str, count: int) -> list[bytes]:
    """The reports of one terminal, a second apart."""
    found = []
    for k in range(count):
        where = {
            "alarm": [], "status": ["acc_on", "positioned"], "latitude": 31 + k / 1000,
            "longitude": 121.5, "altitude_m": 5, "speed_kmh": 36.0, "direction_deg": 90,
            "time": f"{BEGIN + timedelta(seconds=k):%Y-%m-%dT%H:%M:%SZ}", "items": [],
        }  # fmt: skip
        found += answers.frames("location_report", where, to=Terminal(phone), serial=k + 1)
    return found


async def frame(reader: asyncio.StreamReader) -> bytes:
    """One frame of the platform."""
    await reader.readuntil(b"\x7e")
    return b"\x7e" + await reader.readuntil(b"\x7e")


async def terminal(
    port: int, phone: str, *, said: list[bytes], waits: list[float], every_s: float
) -> None:
    """One terminal's life: it registers, shows the code that it got, and reports."""
    to = Terminal(phone)
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    [asks] = answers.frames("register", REGISTRATION, to=to, serial=0)
    writer.write(asks)
    code = jt808.decode(await frame(reader))["fields"]["auth_code"]
    [shown] = answers.frames("authenticate", {"auth_code": code}, to=to, serial=0)
    writer.write(shown)
    await frame(reader)
    due = time.perf_counter() + random.random() * every_s  # noqa: S311 - no secret
    for report in said:
        await asyncio.sleep(due - time.perf_counter())
        # A report that is late because the one before was not answered has waited since it was due.
        begun = due if every_s else time.perf_counter()
        due += every_s
        writer.write(report)
        await frame(reader)
        waits.append(time.perf_counter() - begun)
    writer.close()


def field(port: int, count: int, *, each: int, every_s: float, out: Any) -> None:
    """All terminals, in a process of their own."""
    _files()
    told = {f"{13000000000 + k}": reports(f"{13000000000 + k}", each) for k in range(count)}

    async def run() -> tuple[list[float], float]:
        waits: list[float] = []
        begun = time.perf_counter()
        work = (
            terminal(port, phone, said=said, waits=waits, every_s=every_s)
            for phone, said in told.items()
        )
        await asyncio.gather(*work)
        return waits, time.perf_counter() - begun

    before = time.process_time()
    waits, wall = uvloop.run(run())
    out.put((sorted(waits), wall, time.process_time() - before))


def _files() -> None:
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


class Anybody:
    """A gate through which everybody may go."""

    def admits(self, device: str, secret: str) -> Trust | None:
        """Everybody."""
        return Trust.CODE if device and secret == CODE else None

    def code(self, device: str) -> str | None:
        """The same for all."""
        return CODE if device else None


@contextmanager
def alone() -> Iterator[tuple[int, Callable[[], int]]]:
    """The wire without a house: a server whose journal is a file, synced for every batch."""
    kept: Counter[str] = Counter()
    with tempfile.NamedTemporaryFile() as file:

        def append(batch: Sequence[Message]) -> int:
            """Write and sync a batch; registrations are not counted."""
            os.writev(file.fileno(), [message.payload for message in batch][:1024])
            for at in range(1024, len(batch), 1024):
                os.writev(file.fileno(), [message.payload for message in batch[at : at + 1024]])
            os.fdatasync(file.fileno())
            kept["reports"] += sum(message.payload[1:3] == b"\2\0" for message in batch)
            return 0

        loop = uvloop.new_event_loop()
        thread = threading.Thread(target=loop.run_forever, daemon=True)
        thread.start()
        with Intake(append, lambda _: None) as intake:
            server = Server(
                intake.offer, system_clock,
                speaks=Speaks("trucks", decoders.sessions("jt808"), Anybody()), address=Address(),
            )  # fmt: skip
            asyncio.run_coroutine_threadsafe(server.start(), loop).result()
            yield server.port, lambda: kept["reports"]
            asyncio.run_coroutine_threadsafe(server.stop(), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()


@contextmanager
def housed() -> Iterator[tuple[int, Callable[[], int]]]:
    """The whole house: journal, decoding, twin, rules, history, evidence."""
    source = Described(
        "trucks", "logistics", "jt808", "tcp://127.0.0.1:0", strangers=True, kinds={"": "lot"}
    )
    asked = "SELECT count(*) AS n FROM readings WHERE indicator = 'latitude'"
    with tempfile.TemporaryDirectory() as name, Home(Path(name), clock=system_clock) as home:
        listening = Listening(home, [source], say=lambda _: None)
        [server] = listening.servers["trucks"]
        assert isinstance(server, Server)

        def kept() -> int:
            """Close, so that all is judged, and count."""
            listening.close()
            found: int = home.history.query(asked).to_pydict()["n"][0]
            return found

        yield server.port, kept


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--terminals", type=int, default=1000)
    parser.add_argument("--reports", type=int, default=20)
    parser.add_argument("--every", type=float, default=0.0, help="seconds between two reports")
    parser.add_argument("--wire", action="store_true", help="without the house behind the wire")
    asked = parser.parse_args()
    _files()
    away = multiprocessing.get_context("spawn")
    out: Any = away.Queue()
    with alone() if asked.wire else housed() as (port, count):
        before = time.process_time()
        child = away.Process(
            target=field,
            args=(port, asked.terminals),
            kwargs={"each": asked.reports, "every_s": asked.every, "out": out},
        )
        child.start()
        waits, wall, spent = out.get()
        child.join()
        kept = count()
        ours = time.process_time() - before
    total = asked.terminals * asked.reports
    result = {
        "terminals": asked.terminals,
        "messages": total,
        "kept": kept,
        "messages_per_s": round(total / wall),
        "cpu_us_per_message": round((ours + spent) / total * 1e6, 1),
        "of_it_server": round(ours / total * 1e6, 1),
        "p50_ms": round(waits[len(waits) // 2] * 1e3, 1),
        "p99_ms": round(waits[int(len(waits) * 0.99)] * 1e3, 1),
    }
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
