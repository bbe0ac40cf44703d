"""Reading alone: JSON in, columns and leaf hashes out, on one thread and on two.

    wuxin bench reading [--messages 400000] [--devices 50000]

The workload of :mod:`fleet` in batches of 10,000; CPU per message of the batch decoder, of the
leaf hashes (compiled and by hashlib) and of the root over them, beside the floor "parse + SHA-256
+ one state touch" with msgspec and, where it is installed, with pysimdjson; wall clock of decoder
and hashes on two threads against one, and of the same bytes under one SHA-256 in the same turns,
which is what the machine has to give; the burst of one device. Medians of interleaved rounds, the
first batch left out; walls also at their best, for cores may be shared. One JSON object.
"""

import argparse
import gc
import hashlib
import importlib
import json
import statistics
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fleet import NAMES, batches, burst
from hot_path import cpu, floor, packed, wall
from wuxin.evidence import bulk
from wuxin.protocols.native_batch import Decoder

Ends = NDArray[np.int32]
UNITS = dict.fromkeys(NAMES, "1")


def simdjson_floor() -> Callable[[list[bytes], dict[str, int]], None] | None:
    """The floor with pysimdjson, which parses more quickly and takes out only what is touched."""
    try:
        parser = importlib.import_module("simdjson").Parser()
    except ImportError:
        return None

    def run(messages: list[bytes], touched: dict[str, int]) -> None:
        for message in messages:
            said = parser.parse(message)
            hashlib.sha256(message).digest()
            touched[said["device"]] = said["seq"]
            del said  # a parser gives one document at a time

    return run


class Reader:
    """Decoder and hashes, on one thread and on two."""

    def __init__(self) -> None:
        self.threads = ThreadPoolExecutor(2)
        self.one, self.two = Decoder(UNITS), Decoder(UNITS, threads=self.threads, parts=2)

    def single(self, payload: bytes, ends: Ends) -> None:
        """One after the other."""
        self.one.decode(payload, ends)
        bulk.message_hashes(payload, ends)

    def double(self, payload: bytes, ends: Ends) -> None:
        """Each in two halves at the same time."""
        self.two.decode(payload, ends)
        k = len(ends) // 2
        at, view = int(ends[k - 1]), memoryview(payload)
        own = [(view[:at], ends[:k]), (view[at:], ends[k:] - np.int32(at))]
        for half in [self.threads.submit(bulk.message_hashes, *args) for args in own]:
            half.result()

    def machine(self, payload: bytes) -> None:
        """The same bytes under one SHA-256 for each half, at the same time."""
        at, view = len(payload) // 2, memoryview(payload)
        for half in [self.threads.submit(whole, part) for part in (view[:at], view[at:])]:
            half.result()


def whole(data: bytes | memoryview) -> bytes:
    """One SHA-256."""
    return hashlib.sha256(data).digest()


def turn(reader: Reader, batch: list[bytes], *, touched: dict[str, int]) -> dict[str, float]:
    """Everything once on one batch: seconds of CPU, or of the wall clock where the name says so."""
    data, raw = packed(batch), np.frombuffer(b"".join(batch), np.uint8)
    found = bulk.message_hashes(*data)
    reader.one.decode(*data)  # what new things cost is not what reading costs
    reader.two.decode(*data)
    spent = {
        "floor": cpu(lambda: floor(batch, touched)),
        "decode": cpu(lambda: reader.one.decode(*data)),
        "hash": cpu(lambda: bulk.message_hashes(*data)),
        "hash_by_hashlib": cpu(lambda: bulk._by_hashlib(raw, data[1])),  # noqa: SLF001
        "root": cpu(lambda: bulk.root(found)),
        "one_thread_wall": wall(lambda: reader.single(*data)),
        "two_threads_wall": wall(lambda: reader.double(*data)),
        "machine_one_wall": wall(lambda: whole(data[0])),
        "machine_two_wall": wall(lambda: reader.machine(data[0])),
    }
    quick = simdjson_floor()
    if quick is not None:
        spent["floor_simdjson"] = cpu(lambda: quick(batch, touched))
    return {name: value / len(batch) * 1e6 for name, value in spent.items()}


def measured(told: list[list[bytes]]) -> dict[str, Any]:
    """All of it on the same batches, in turns; µs per message."""
    reader, touched = Reader(), dict[str, int]()
    gc.disable()
    turns = [turn(reader, batch, touched=touched) for batch in told][1:]
    gc.enable()
    reader.threads.shutdown()
    columns = {name: [one[name] for one in turns] for name in turns[0]}
    mid = {name: statistics.median(found) for name, found in columns.items()}
    least = {name: min(found) for name, found in columns.items()}
    ours = mid["decode"] + mid["hash"] + mid["root"]
    return {
        **{f"{name}_us": round(value, 3) for name, value in mid.items()},
        "bytes_per_message": round(sum(map(len, told[0])) / len(told[0])),
        "floor_to_ours": round(mid["floor"] / ours, 2),
        **{
            f"{name}_to_one_wall{which}": round(t[one] / t[two], 2)
            for which, t in (("", mid), ("_at_best", least))
            for name, one, two in (
                ("two_threads", "one_thread_wall", "two_threads_wall"),
                ("machine_two", "machine_one_wall", "machine_two_wall"),
            )
        },
    }


def first_met(told: list[list[bytes]]) -> float:
    """CPU per message (µs) of batches whose things are all new to the decoder."""
    spent = []
    for batch in told[:5]:
        data = packed(batch)
        decoder = Decoder(UNITS)
        spent.append(cpu(lambda decoder=decoder, data=data: decoder.decode(*data)) / len(batch))
    return round(statistics.median(spent) * 1e6, 3)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--messages", type=int, default=400_000)
    parser.add_argument("--devices", type=int, default=50_000)
    asked = parser.parse_args()
    told = batches(asked.devices, asked.messages)
    one = measured([burst(10_000)] * 6)
    result = {
        "messages": asked.messages,
        "devices": asked.devices,
        "reading": measured(told),
        "things_first_met_decode_us": first_met(told),
        "burst": {name: one[name] for name in ("decode_us", "hash_us", "root_us")},
    }
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
