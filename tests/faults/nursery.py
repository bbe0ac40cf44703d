"""One process that imports Wuxin once and forks a life for every fault.

Started by ``disk.py`` with a disk that can fail (``disk.c``) loaded before libc. It reads one job
per line from standard input and answers each with a line of JSON.
"""

import ctypes
import hashlib
import json
import os
import random
import shutil
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from tests.faults.recordings import write
from tests.homes import still
from wuxin.home import Home
from wuxin.stores import schema as t
from wuxin.wire.recording import open_recording

MODES = {"refuse": 0, "lie": 1, "shorten": 2, "fill": 3}


class Nursery:
    """Homes with the same keys, an uninterrupted run to compare with, and lives to spoil."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.rows = folder, 9
        self.manifest = write(folder)
        self.disk = ctypes.CDLL(None)
        self.dice = random.Random(2024)  # noqa: S311 - a repeatable choice, nothing secret
        with Home(folder / "template", clock=still):
            pass  # keys and an empty book
        with self.home("reference") as home:
            for _ in home.replay(open_recording(self.manifest), batch_rows=self.rows):
                pass
        with Home(folder / "reference", clock=still) as home:
            self.expected, self.counts = summary(home), home.book.counts(home.tenant)
            self.counts["acts"] = len(home.book.acts(home.tenant))

    def home(self, name: str) -> Home:
        """A fresh home with the keys of all."""
        place = self.folder / name
        shutil.rmtree(place, ignore_errors=True)
        shutil.copytree(self.folder / "template", place)
        return Home(place, clock=still)

    def live(self, name: str, wait: Callable[[int], None] = lambda _: None) -> Iterator[Any]:
        """Go on with a replay in a home; yields the number of each entry that was acknowledged."""
        with Home(self.folder / name, clock=still) as home:
            opened = open_recording(self.manifest)
            for _, outcome in home.replay(opened, batch_rows=self.rows, wait=wait):
                yield outcome.number

    def finish(self, name: str, told: int) -> list[str]:
        """Open a home again, finish its replay, and say what is not as it would have been."""
        wrong = []
        with Home(self.folder / name, clock=still) as home:
            if (last := home.book.known(home.tenant).batch) < told:
                wrong.append(f"entry {told} was acknowledged, {last} is the last after reopening")
        for _ in self.live(name):
            pass
        with Home(self.folder / name, clock=still) as home:
            found = summary(home)
        return wrong + [f"{part} differ" for part in found if found[part] != self.expected[part]]

    def faults(self, word: str, mode: str, error: int, every: int = 1) -> dict[str, Any]:
        """Spoil each (or each ``every``-th) call on files named with a word, one life for each."""
        calls = self.spoil(word, 0, mode, error)["calls"]
        lives, errors, wrong = 0, 0, []
        for k in range(1 + self.dice.randrange(every), calls + 1, every):
            life = self.spoil(word, k, mode, error)
            after = forked(lambda k=k, life=life: self.finish("life", life.get("told", 0)))
            lives, errors = lives + 1, errors + bool(life["said"])
            if mode == "shorten" and life["said"]:
                wrong.append(f"call {k}: a short write was not gone on with: {life['said']}")
            wrong += [f"call {k} ({life['said']}): {what}" for what in after]
        return {"calls": calls, "lives": lives, "errors": errors, "wrong": wrong}

    def spoil(self, word: str, k: int, mode: str, error: int) -> dict[str, Any]:
        """One life in a fresh home whose k-th call fails; it ends as a crash ends."""
        place = self.folder / "life"
        shutil.rmtree(place, ignore_errors=True)
        shutil.copytree(self.folder / "template", place)

        def life() -> dict[str, Any]:
            self.disk.disk_arm(word.encode(), ctypes.c_long(k), MODES[mode], error)
            told, said = 0, ""
            try:
                for told in self.live("life"):  # noqa: B007 - the last one is kept
                    pass
            except Exception as wrong:  # noqa: BLE001 - whatever comes, the process is lost
                said = repr(wrong)[:160]
            return {"calls": self.disk.disk_disarm(), "told": told, "said": said}

        return forked(life)

    def kills(self, count: int) -> dict[str, Any]:
        """Kill lives at random moments until there were so many; compare whenever one is through."""
        killed, through, wrong = 0, 0, []
        while killed < count:
            told = 0
            shutil.rmtree(self.folder / "life", ignore_errors=True)
            shutil.copytree(self.folder / "template", self.folder / "life")
            while killed < count:
                told, alive = self.murder(self.dice.uniform(0, 0.16), told)
                if not alive:
                    break
                killed += 1
            through += 1
            wrong += forked(lambda told=told: self.finish("life", told))
        return {"killed": killed, "through": through, "wrong": wrong}

    def murder(self, delay_s: float, told: int) -> tuple[int, bool]:
        """One life ended by SIGKILL; what it was told last, and whether it was still alive."""
        reads, writes = os.pipe()
        child = os.fork()
        if not child:
            for number in self.live("life", wait=lambda _: time.sleep(0.004)):
                os.write(writes, number.to_bytes(8, "little"))
            os._exit(0)
        os.close(writes)
        time.sleep(delay_s)
        os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
        with os.fdopen(reads, "rb") as pipe:
            data = pipe.read()
        last = int.from_bytes(data[-8:], "little") if data else 0
        return max(told, last), os.WIFSIGNALED(status)


def forked(work: Callable[[], Any]) -> Any:
    """What some work returns in a child that ends without tidying up."""
    reads, writes = os.pipe()
    child = os.fork()
    if not child:
        try:
            answer = work()
        except Exception as wrong:  # noqa: BLE001 - the parent reports it
            answer = [f"after reopening: {wrong!r}"]
        with os.fdopen(writes, "w") as pipe:
            json.dump(answer, pipe)
        os._exit(0)
    os.close(writes)
    with os.fdopen(reads) as pipe:
        text = pipe.read()
    os.waitpid(child, 0)
    return json.loads(text)


def summary(home: Home) -> dict[str, str]:
    """Digests of everything that must not depend on what went wrong on the way."""
    book, tenant = home.book, home.tenant
    parts: dict[str, Any] = {
        "findings": [dict(row) for row in book.findings(tenant)],
        "acts": [dict(row) for row in book.acts(tenant)],
        "log root": [home.log.size, home.log.head.root.hex(), home.log.checkpoint()],
    }
    for table in (t.batch, t.frame, t.thing, t.facility, t.receipt):
        parts[f"rows of {table.name}"] = [dict(row) for row in book.rows(table, tenant)]
    for name in ("readings", "refused"):
        query = f"SELECT * FROM {name} ORDER BY ALL"  # noqa: S608 - two fixed names
        parts[f"history of {name}"] = home.history.query(query).to_pylist()
    if hasattr(home.flow, "digest"):
        parts["state"] = home.flow.digest()
    return {
        name: hashlib.sha256(json.dumps(part, default=repr).encode()).hexdigest()
        for name, part in parts.items()
    }


def main() -> None:
    """Serve jobs until standard input ends."""
    nursery = Nursery(Path(sys.argv[1]))
    print(json.dumps(nursery.counts), flush=True)  # noqa: T201 - the answer
    for line in sys.stdin:
        job = json.loads(line)
        answer = getattr(nursery, job.pop("do"))(**job)
        print(json.dumps(answer), flush=True)  # noqa: T201 - the answer


if __name__ == "__main__":
    main()
