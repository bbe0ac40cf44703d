"""A house that hears a broker until it is told to stop, or killed; for tests of carriers.

    python -m tests.faults.hearing HOME SOURCES

It prints ``ready``, then now and then how many messages it has acknowledged in this life.
"""

import sys
import threading
from pathlib import Path
from typing import Any

from wuxin.home import Home
from wuxin.listen import Listening, read

EVERY_S = 0.05


def main() -> None:
    """Listen until the standard input ends."""
    folder, sources = map(Path, sys.argv[1:])
    stop = threading.Event()
    threading.Thread(target=lambda: (sys.stdin.read(), stop.set()), daemon=True).start()
    with Home(folder) as home, Listening(home, read(sources), say=lambda _: None) as listening:
        adapters: list[Any] = [a for each in listening.servers.values() for a in each]
        print("ready", flush=True)  # noqa: T201 - read by the test
        while not stop.wait(EVERY_S):
            told = sum(adapter.counts["acknowledged"] for adapter in adapters)
            print(told, flush=True)  # noqa: T201 - the same


if __name__ == "__main__":
    main()
