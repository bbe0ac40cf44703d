"""Concurrent JT/T 808 terminals on loopback, each answered once its report is durable.

    wuxin bench terminals [--terminals 1000] [--reports 20]

A home listens in this process; terminals in another connect, authenticate and report, each waiting
for its answer before it reports again. Prints messages per second, CPU per message over both
processes, p99 from report to answer, and how many reports stand in the history (all, once).
"""

import argparse
import asyncio
import json
import multiprocessing
import resource
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import uvloop

from wuxin.home import Home
from wuxin.listen import Described, Listening
from wuxin.protocols.jt808 import answers
from wuxin.protocols.jt808.answers import Terminal
from wuxin.terms.clock import system_clock

BEGIN = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=1)


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


async def terminal(port: int, phone: str, *, said: list[bytes], waits: list[float]) -> None:
    """One terminal's life."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    [shown] = answers.frames("authenticate", {"auth_code": ""}, to=Terminal(phone), serial=0)
    writer.write(shown)
    await reader.readuntil(b"\x7e")
    await reader.readuntil(b"\x7e")
    for frame in said:
        begun = time.perf_counter()
        writer.write(frame)
        await reader.readuntil(b"\x7e")
        await reader.readuntil(b"\x7e")
        waits.append(time.perf_counter() - begun)
    writer.close()


def field(port: int, count: int, *, each: int, out: Any) -> None:
    """All terminals, in a process of their own."""
    _files()
    told = {f"{13000000000 + k}": reports(f"{13000000000 + k}", each) for k in range(count)}

    async def run() -> tuple[list[float], float]:
        waits: list[float] = []
        begun = time.perf_counter()
        work = (terminal(port, phone, said=said, waits=waits) for phone, said in told.items())
        await asyncio.gather(*work)
        return waits, time.perf_counter() - begun

    before = time.process_time()
    waits, wall = uvloop.run(run())
    out.put((sorted(waits), wall, time.process_time() - before))


def _files() -> None:
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--terminals", type=int, default=1000)
    parser.add_argument("--reports", type=int, default=20)
    asked = parser.parse_args()
    _files()
    source = Described(
        "trucks", "logistics", "jt808", "tcp://127.0.0.1:0", strangers=True, kinds={"": "lot"}
    )
    away = multiprocessing.get_context("spawn")
    out: Any = away.Queue()
    with tempfile.TemporaryDirectory() as name, Home(Path(name), clock=system_clock) as home:
        with Listening(home, [source], say=lambda _: None) as listening:
            port = listening.servers["trucks"][0].port
            before = time.process_time()
            child = away.Process(
                target=field, args=(port, asked.terminals),
                kwargs={"each": asked.reports, "out": out},
            )  # fmt: skip
            child.start()
            waits, wall, spent = out.get()
            child.join()
        ours = time.process_time() - before
        rows = home.history.query("SELECT count(*) AS n FROM readings WHERE indicator = 'latitude'")
    total = asked.terminals * asked.reports
    result = {
        "terminals": asked.terminals,
        "messages": total,
        "in_the_history": rows.to_pydict()["n"][0],
        "messages_per_s": round(total / wall),
        "cpu_us_per_message": round((ours + spent) / total * 1e6, 1),
        "of_it_server": round(ours / total * 1e6, 1),
        "p50_ms": round(waits[len(waits) // 2] * 1e3, 1),
        "p99_ms": round(waits[int(len(waits) * 0.99)] * 1e3, 1),
    }
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
