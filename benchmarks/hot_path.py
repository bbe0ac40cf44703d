"""The hot path: JSON in, findings and evidence out, against two baselines in the same run.

    wuxin bench hot_path [--messages 200000] [--devices 50000]

Compares CPU per message of the kernel path with the per-message design (:mod:`per_message`, same
findings) and with the floor "parse + SHA-256 + one state touch"; one lane with two on the wall
clock; the burst of one device; and measures memory per million things and the first result after
start. Things are shared out among two processes as well, as an engine would do with journal
partitions. Medians of interleaved rounds, one JSON object.
"""

import argparse
import gc
import hashlib
import json
import multiprocessing
import os
import statistics
import subprocess
import sys
import tempfile
import time
import zlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from fleet import START, YARD, batches, burst, pack, things
from per_message import Message, PerMessage
from wuxin.live import warm
from wuxin.protocols.native_batch import Decoder
from wuxin.risk.rules import Compiled
from wuxin.terms.clock import DAY
from wuxin.terms.records import Frame
from wuxin.twin import tables
from wuxin.twin.layout import NEVER, Bounds
from wuxin.twin.registry import Registry
from wuxin.twin.rows import known
from wuxin.twin.twin import Event, Twin

SPAWN = multiprocessing.get_context("spawn")
BOUNDS = Bounds(0, START + 400 * DAY, 0, NEVER, derived=False)


class Kernel:
    """The house's hot path for one source: decode, resolve, observe, hash."""

    def __init__(self, lanes: int = 1) -> None:
        declared = pack()
        self.registry = Registry(declared.kinds, declared.indicators, devices=declared.devices)
        self.registry.enclose("yard", YARD)
        self.rules = Compiled(declared.rules, self.registry.number)
        built = tables.build(declared.indicators, list(declared.kinds), rules=self.rules)
        self.threads = ThreadPoolExecutor(lanes + 1) if lanes > 1 else None
        self.twin = Twin(self.registry, built, lanes=lanes, threads=self.threads, reads=[])
        units = {i.name: i.unit for i in declared.indicators.values() if not i.derived}
        self.decoder = Decoder(units, threads=self.threads, parts=2 * lanes)
        self.numbers = np.array([self.registry.number[n] for n in self.decoder.names], np.int32)
        self.root = b""

    def register(self, count: int) -> None:
        """Register the machines with their geofence."""
        for key in things(count):
            self.registry.register(key, source="s")
            self.registry.fence(key, "yard")

    def take(self, payload: bytes, ends: np.ndarray[Any, Any]) -> list[Event]:
        """Take one batch; returns what began and ended."""
        frame = Frame("s", 0, payload, ends.tobytes())
        hashed = self.threads.submit(lambda: frame.id) if self.threads else None
        found = self.decoder.decode(payload, ends)
        slots, _ = self.registry.slots(self.decoder.devices, "s")
        rows = known(found, slots, numbers=self.numbers, frames=np.ones(len(found.line), np.int64))
        events = [e for e in self.twin.observe(rows, BOUNDS) if isinstance(e, Event)]
        key = hashed.result() if hashed else frame.id
        self.root = hashlib.sha256(self.root + key.encode()).digest()
        return events


def packed(messages: list[bytes]) -> tuple[bytes, np.ndarray[Any, Any]]:
    """Messages as the journal holds them: one payload, and where each ends."""
    return b"".join(messages), np.cumsum([len(m) for m in messages]).astype("<i4")


def cpu(work: Callable[[], Any]) -> float:
    """Seconds of CPU of all threads."""
    begun = time.process_time()
    work()
    return time.process_time() - begun


def wall(work: Callable[[], Any]) -> float:
    """Seconds on the wall clock."""
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def floor(messages: list[bytes], touched: dict[str, int]) -> None:
    """Parse, hash and touch the state once for each message, and no more."""
    decode = msgspec.json.Decoder(Message).decode
    for message in messages:
        said = decode(message)
        hashlib.sha256(message).digest()
        touched[said.device] = said.seq


def compare(devices: int, count: int) -> dict[str, Any]:
    """Kernel, per-message design and floor on the same batches, in turns."""
    told = batches(devices, count)
    one, two = Kernel(), Kernel(lanes=2)
    plain = PerMessage(one.rules)
    for each in (one, two):
        each.register(devices)
        each.take(*packed(told[0][:64]))  # compiles
    for message in told[0][:64]:
        plain.take(message, latest=START + DAY, out=[])
    touched: dict[str, int] = {}
    times: dict[str, list[float]] = {
        "kernel": [],
        "per_message": [],
        "floor": [],
        "one": [],
        "two": [],
    }
    events, wanted = [], []
    gc.disable()
    warm = max(1, devices // len(told[0]))
    for number, batch in enumerate(told):
        data = packed(batch)

        def whole(batch: list[bytes] = batch) -> None:
            for message in batch:
                plain.take(message, latest=START + DAY, out=wanted)

        begun = time.perf_counter()
        spent = cpu(lambda data=data: events.extend(one.take(*data)))
        walls = time.perf_counter() - begun
        lanes = wall(lambda data=data: two.take(*data))
        per, low = cpu(whole), cpu(lambda batch=batch: floor(batch, touched))
        if number >= warm:
            for name, value in (
                ("kernel", spent),
                ("per_message", per),
                ("floor", low),
                ("one", walls),
                ("two", lanes),
            ):
                times[name].append(value / len(batch))
    gc.enable()
    same = [(e.rule, str(e.thing), e.raised, e.at) for e in events if e.rule >= 0]
    if sorted(same) != sorted(wanted):
        raise SystemExit(f"the two designs disagree: {len(same)} and {len(wanted)} events")
    mid = {name: statistics.median(found) for name, found in times.items()}
    return {
        "messages": count,
        "devices": devices,
        "events": len(same),
        "bytes_per_message": round(sum(map(len, told[0])) / len(told[0])),
        **{f"{n}_us": round(mid[n] * 1e6, 3) for n in ("kernel", "per_message", "floor")},
        "kernel_to_per_message": round(mid["per_message"] / mid["kernel"], 2),
        "share_of_floor": round(mid["floor"] / mid["kernel"], 3),
        "two_lanes_to_one_wall": round(mid["one"] / mid["two"], 2),
    }


def shard(share: int, of: int, *, sizes: tuple[int, int], gate: Any, out: Any) -> None:
    """One process: the messages of its share of the devices, by the hash of their names."""
    devices, count = sizes
    kernel, mine = Kernel(), []
    kernel.register(devices)
    for batch in batches(devices, count):
        own = [m for m in batch if zlib.crc32(m[11 : m.index(b'"', 11)]) % of == share]
        mine.append(packed(own))
    warm_up = max(1, 2 * devices * len(mine) // count)
    for data in mine[:warm_up]:
        kernel.take(*data)
    gate.wait()
    out.put(wall(lambda: [kernel.take(*data) for data in mine[warm_up:]]))


def processes(devices: int, count: int) -> float:
    """How much sooner two processes with half of the things each are done than one with all."""

    def run(shares: int) -> float:
        gate, out = SPAWN.Barrier(shares), SPAWN.Queue()
        more = {"sizes": (devices, count), "gate": gate, "out": out}
        jobs = [SPAWN.Process(target=shard, args=(k, shares), kwargs=more) for k in range(shares)]
        for job in jobs:
            job.start()
        spent = max(out.get() for _ in jobs)
        for job in jobs:
            job.join()
        return spent

    return round(statistics.median(run(1) / run(2) for _ in range(3)), 2)


def bursts() -> dict[str, Any]:
    """One device sends 10,000 messages in one batch, into an empty twin."""
    data, spent = packed(burst(10_000)), []
    for _ in range(5):
        kernel = Kernel()
        kernel.register(1)
        spent.append(cpu(lambda kernel=kernel: kernel.take(*data)))
    return {"messages": 10_000, "us_per_message": round(statistics.median(spent) / 10_000 * 1e6, 3)}


def memory(count: int) -> dict[str, Any]:
    """Resident memory that a million things take: decoder, registry and state, all touched."""
    kernel = Kernel()
    kernel.take(*packed(burst(10)))
    before = _resident()
    for key in things(count):
        name = str(key).encode()
        if kernel.decoder.devices.number(name) < 0:
            kernel.decoder.devices.add(name)
    kernel.registry.slots(kernel.decoder.devices, "s")
    kernel.register(count)
    kernel.twin.grow()
    for part in kernel.twin.arrays:
        part[:count] += 0  # every page is really there
    used = (_resident() - before) / count
    state = sum(part[:count].nbytes for part in kernel.twin.arrays) / count
    return {"things": count, "bytes_per_thing": round(used), "of_it_state": round(state)}


def _resident() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def starts() -> dict[str, Any]:
    """Seconds from the start of a process to its first result, without and with compiled code."""
    with tempfile.TemporaryDirectory() as cache:
        run = [sys.executable, __file__, "--first"]
        there = {**os.environ, "NUMBA_CACHE_DIR": cache}
        found = [wall(lambda: subprocess.run(run, env=there, check=True)) for _ in range(3)]
    return {"cold_s": round(found[0], 2), "cached_s": round(min(found[1:]), 2)}


def second_core() -> float:
    """What two threads do in the time of one, with nothing shared: SHA-256 without the GIL.

    Where the two processors are threads of one core that is far below 2, and it bounds what two
    lanes can give.
    """
    data, found = bytes(40 << 20), []
    with ThreadPoolExecutor(2) as threads:
        for _ in range(9):
            one = wall(lambda: hashlib.sha256(data))
            two = wall(lambda: [*threads.map(hashlib.sha256, [data, data])])
            found.append(2 * one / two)
    return round(statistics.median(found), 2)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--messages", type=int, default=200_000)
    parser.add_argument("--devices", type=int, default=50_000)
    parser.add_argument("--things", type=int, default=1_000_000)
    parser.add_argument("--first", action="store_true", help="give one result and stop")
    asked = parser.parse_args()
    if asked.first:
        kernel = Kernel()
        kernel.register(1)
        warm([kernel.twin], print)
        kernel.take(*packed(burst(10)))
        return
    result = {
        "path": compare(asked.devices, asked.messages),
        "two_processes_to_one": processes(asked.devices, asked.messages),
        "burst": bursts(),
        "memory": memory(asked.things),
        "start": starts(),
        "second_core": second_core(),
    }
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
