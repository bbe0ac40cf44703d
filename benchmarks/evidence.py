"""How many entries per second the evidence log takes, with and without syncing to disk.

    python benchmarks/evidence.py [DIRECTORY]

Each step appends a batch and publishes its head, as the main path does. The run without syncs
does everything else the same, so that its ratio shows what durability costs on this disk; the
directory should lie on the disk that would be used. Prints one JSON object.
"""

import json
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from statistics import quantiles
from unittest.mock import patch

from wuxin.evidence.leaf import Sealer, leaf
from wuxin.evidence.log import Log
from wuxin.evidence.note import Ed25519Signer
from wuxin.evidence.verify import verify_log

STEPS = {1: 200, 256: 40, 4096: 10}
ORIGIN = "benchmark.example/log"


def entries(count: int) -> list[bytes]:
    """Leaves as the platform makes them, about 85 bytes each."""
    sealer = Sealer(b"s" * 32)
    return [
        leaf("batch", sealer.seal("batch", str(n), record={"rows": n}).commit, n=n, at=n)
        for n in range(count)
    ]


def run(parent: Path, batch: int, *, synced: bool) -> dict[str, float]:
    """Append and publish in batches; seconds are of the wall clock."""
    leaves, times = entries(batch * STEPS[batch]), list[float]()
    with tempfile.TemporaryDirectory(dir=parent) as name, ExitStack() as stack:
        home = Path(name)
        signer = Ed25519Signer.from_file(home / "key", name=ORIGIN)
        if not synced:
            stack.enter_context(patch("wuxin.terms.durable.os.fsync"))
        log = stack.enter_context(Log.open(home / "log", origin=ORIGIN, signer=signer, size=0))
        for start in range(0, len(leaves), batch):
            began = time.perf_counter()
            log.publish(log.append(leaves[start : start + batch]))
            times.append(time.perf_counter() - began)
        began = time.perf_counter()
        report = verify_log(home / "log", signer.vkey, expected=leaves)
        verified = time.perf_counter() - began
        if not report.ok:
            raise SystemExit(f"the log does not verify: {report.faults[:3]}")
    return {
        "entries_per_s": round(len(leaves) / sum(times)),
        "p50_ms": round(quantiles(times, n=100)[49] * 1000, 2),
        "p99_ms": round(quantiles(times, n=100)[98] * 1000, 2),
        "verified_per_s": round(len(leaves) / verified),
    }


def main() -> None:
    """Measure every batch size both ways."""
    parent = Path(sys.argv[1] if len(sys.argv) > 1 else ".")
    result = {}
    for batch in STEPS:
        synced, unsynced = (run(parent, batch, synced=flag) for flag in (True, False))
        ratio = synced["entries_per_s"] / unsynced["entries_per_s"]
        result[f"batch {batch}"] = {
            "synced": synced,
            "unsynced": unsynced,
            "synced_to_unsynced": round(ratio, 3),
        }
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
