"""What durability costs: the whole house on batches of 10,000 messages, synced and not synced.

    wuxin bench durable [--messages 100000] [--folder DIR]

Two homes take the same batches in turns; in one of them no file is synced. Medians of wall seconds
per batch, and their ratio. The folder should lie on the disk that would be used. One JSON object.
"""

import argparse
import json
import os
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

from fleet import START, batches, pack, things
from wuxin.home import Home
from wuxin.packs import schema
from wuxin.stores.journal import Arrived
from wuxin.terms.clock import DAY
from wuxin.wire.packed import packed


@contextmanager
def unsynced() -> Iterator[None]:
    """Let nothing wait for the disk."""
    with patch.object(os, "fsync", lambda _: None), patch.object(os, "fdatasync", lambda _: None):
        yield


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--messages", type=int, default=100_000)
    parser.add_argument("--folder", type=Path, default=Path())
    asked = parser.parse_args()
    told = batches(50_000, asked.messages)
    spent: dict[str, list[float]] = {"synced": [], "unsynced": []}
    known = pack()
    with (
        tempfile.TemporaryDirectory(dir=asked.folder) as name,
        patch.object(schema, "load", lambda _: known),
    ):
        homes = {k: Home(Path(name) / k, clock=lambda: START + DAY) for k in spent}
        for home in homes.values():
            home.attend(
                "s", "benchmark", things=[{"kind": k.kind, "id": k.id} for k in things(50_000)]
            )
        for number, batch in enumerate(told):
            frame = packed("s", batch)
            for which, home in homes.items():
                entry = Arrived("s", START + DAY, (frame,))
                begun = time.perf_counter()
                if which == "synced":
                    home.accept(entry)
                else:
                    with unsynced():
                        home.accept(entry)
                if number:
                    spent[which].append(time.perf_counter() - begun)
        for home in homes.values():
            home.close()
    mid: dict[str, Any] = {k: statistics.median(v) for k, v in spent.items()}
    result = {f"{k}_messages_per_s": round(len(told[0]) / v) for k, v in mid.items()}
    print(json.dumps({**result, "synced_to_unsynced": round(mid["unsynced"] / mid["synced"], 3)}))


if __name__ == "__main__":
    main()
