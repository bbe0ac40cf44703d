"""The pledge registry: CPU of all roles for a tag, by part and over real processes."""

import argparse
import json
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from wuxin.joint.registry import oprf, shares
from wuxin.joint.registry.ceremony import NODES, REGISTRY, found
from wuxin.joint.registry.client import guard_of
from wuxin.joint.registry.group import Scalar
from wuxin.joint.registry.local import Processes
from wuxin.joint.registry.oprf import Blinded
from wuxin.terms.clock import system_clock


def cpu(run: Callable[[], object], repeat: int) -> float:
    """Milliseconds of CPU of this process for one run, the best of three rounds."""
    found_ms = []
    for _ in range(3):
        start = time.process_time()
        for _ in range(repeat):
            run()
        found_ms.append((time.process_time() - start) / repeat * 1e3)
    return min(found_ms)


def arithmetic(batch: int, *, proved: bool) -> Callable[[], None]:
    """All roles' arithmetic for a batch of tags: bank, three nodes, bank."""
    parts = [shares.new() for _ in NODES]
    publics = [one.public for one in parts]
    texts = [f"receipt|x|{n}".encode() for n in range(batch)]

    def run() -> None:
        blinded: list[Blinded] = [oprf.blind(text) for text in texts]
        asked = [one.element for one in blinded]
        given = []
        for part, public in zip(parts, publics, strict=True):
            key = Scalar(part.secret)
            made = oprf.evaluate(key, asked)
            if proved:
                proof = oprf.prove(key, public, asked=asked, given=made)
                assert oprf.verify(public, proof, asked=asked, given=made)
            given.append(made)
        for one, each in zip(blinded, zip(*given, strict=True), strict=True):
            oprf.finalize(one, each)

    return run


def spent_ms(pid: int) -> float:
    """CPU of another process so far, milliseconds (proc(5), fields 14 and 15, ticks of 10 ms)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) * 10.0


def processes(batch: int, rounds: int) -> dict[str, float]:
    """Tags and their entry in the registry over mTLS between five processes, CPU a tag."""
    with tempfile.TemporaryDirectory() as folder:
        founded = found(Path(folder), ("bank-a",), clock=system_clock)
        with Processes(founded, clock=system_clock) as running:
            client = running.client("bank-a")
            client.tags(["receipt|warm|1"])
            pids = {name: running.running[name].pid for name in (*NODES, REGISTRY)}
            before = {name: spent_ms(pid) for name, pid in pids.items()}
            start, wall = time.process_time(), time.perf_counter()
            for number in range(rounds):
                tags = client.tags([f"receipt|{number}|{n}" for n in range(batch)])
                enter = [{"tag": t.tag, "guard": guard_of(b"s" * 32, t.tag)} for t in tags]
                client.change(enter=enter)
            count = rounds * batch
            found_ms = {name: (spent_ms(pid) - before[name]) / count for name, pid in pids.items()}
            found_ms["bank"] = (time.process_time() - start) * 1e3 / count
            wall_ms = (time.perf_counter() - wall) * 1e3 / rounds
    return {
        "batch": batch, "rounds": rounds, "wall_ms_a_request": round(wall_ms, 2),
        "all_roles_ms_a_tag": round(sum(found_ms.values()), 3),
        **{f"{name}_ms_a_tag": round(value, 3) for name, value in found_ms.items()},
    }  # fmt: skip


def main() -> None:
    """Measure, and print JSON."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true", help="fewer rounds")
    quick = parser.parse_args().quick
    scale = 1 if quick else 5
    result = {
        "arithmetic_ms_a_tag": {
            f"batch {batch}, {'proved' if proved else 'unproved'}": round(
                cpu(arithmetic(batch, proved=proved), max(1, 20 * scale // batch)) / batch, 3
            )
            for batch in (1, 8, 32, 128) for proved in (False, True)
        },
        "processes": [processes(1, 20 * scale), processes(10, 10 * scale),
                      processes(500, scale)],
        "aim_ms_a_tag": 1.0,
    }  # fmt: skip
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
