"""One process that imports Wuxin once and forks a life for every fault.

Started by ``disk.py`` with a disk that can fail (``disk.c``) loaded before libc. It reads one job
per line from standard input and answers each with a line of JSON.
"""

import ctypes
import errno
import hashlib
import json
import os
import random
import select
import shutil
import signal
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from tests.faults.alone import ALONE
from tests.faults.recordings import write
from tests.homes import still
from wuxin import frozen
from wuxin.home import Home
from wuxin.stores import schema as t
from wuxin.terms.errors import WuxinError
from wuxin.wire.recording import open_recording

MODES = {"refuse": 0, "lie": 1, "shorten": 2, "fill": 3}
KEPT_EVERY = 3
SEGMENT_BYTES = 400


class Nursery:
    """Homes with the same keys, an uninterrupted run to compare with, and lives to spoil."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.rows = folder, 5
        self.manifest = write(folder)
        self.disk = ctypes.CDLL(None)
        self.dice = random.Random(2024)  # noqa: S311 - a repeatable choice, nothing secret
        with Home(folder / "template", clock=still):
            pass  # keys and an empty book
        self.fresh()
        with Home(folder / "life", clock=still) as home:
            for _ in self.replay(home):
                pass
            self.expected = summary(home)
            self.counts = {name: home.book.counts(home.tenant)[name] for name in ("acts", "open")}

    def fresh(self) -> None:
        """A fresh home with the keys of all."""
        shutil.rmtree(self.folder / "life", ignore_errors=True)
        shutil.copytree(self.folder / "template", self.folder / "life")

    def replay(self, home: Home, wait: Callable[[int], None] = lambda _: None) -> Iterator[int]:
        """Go on with a replay; yields the number of each entry that was acknowledged."""
        opened = open_recording(self.manifest)
        for _, outcome in home.replay(opened, batch_rows=self.rows, wait=wait):
            yield outcome.number

    def finish(self, told: int) -> list[str]:
        """Open the home again, finish its replay, and say what is not as it would have been."""
        wrong = []
        with Home(self.folder / "life", clock=still) as home:
            if (last := home.book.known(home.tenant).batch) < told:
                wrong.append(f"entry {told} was acknowledged, {last} is the last after reopening")
            for _ in self.replay(home):
                pass
            found = summary(home)
        return wrong + [f"{part} differ" for part in found if found[part] != self.expected[part]]

    def faults(
        self, word: str, *, mode: str, error: int, every: int = 1, twice: bool = False
    ) -> dict[str, Any]:
        """Spoil each (or each ``every``-th) call on files named with a word, one life for each.

        Where it is ``twice``, any call of the next opening is spoilt as well, in any way.
        """
        calls = self.spoil(word, 0, mode=mode, error=error)["calls"]
        lives, errors, again, wrong = 0, 0, 0, list[str]()
        for k in range(1 + self.dice.randrange(every), calls + 1, every):
            life = self.spoil(word, k, mode=mode, error=error)
            if twice:
                second = self.spoil_opening()
                again += bool(second)
                life["said"] += f", then {second}"
            after = forked(partial(self.finish, life["told"]))
            lives, errors = lives + 1, errors + bool(life["said"])
            if mode == "shorten" and life["said"]:
                wrong.append(f"call {k}: a short write was not gone on with: {life['said']}")
            wrong += [f"call {k} ({life['said']}): {what}" for what in after]
        found = {"calls": calls, "lives": lives, "errors": errors, "wrong": wrong}
        return {**found, "again": again} if twice else found

    def spoil_opening(self) -> str:
        """Open the home on a disk that fails at any one call, keep it, and crash; says how.

        How many calls there are is counted on a copy first.
        """
        copy = self.folder / "copy"
        shutil.rmtree(copy, ignore_errors=True)
        shutil.copytree(self.folder / "life", copy)
        calls, _ = forked(partial(self.opened, copy, 0, mode="refuse"))
        k, mode = 1 + self.dice.randrange(calls), self.dice.choice([*MODES])
        _, said = forked(partial(self.opened, self.folder / "life", k, mode=mode))
        return f"{mode} call {k} of {calls}: {said}" if said else ""

    def opened(self, place: Path, k: int, *, mode: str) -> tuple[int, str]:
        """Open and keep a home whose k-th call fails; how many calls there were, what it said."""
        error, said = errno.ENOSPC if mode == "fill" else errno.EIO, ""
        self.disk.disk_arm(f"/{place.name}/".encode(), ctypes.c_long(k), MODES[mode], error)
        try:
            Home(place, clock=still).keep()
        except Exception as wrong:  # noqa: BLE001 - whatever comes, the process is lost
            said = repr(wrong)[:160]
        return self.disk.disk_disarm(), said

    def spoil(self, word: str, k: int, *, mode: str, error: int) -> dict[str, Any]:
        """One life in a fresh home whose k-th call fails; it ends as a crash ends."""
        self.fresh()

        def life() -> dict[str, Any]:
            self.disk.disk_arm(word.encode(), ctypes.c_long(k), MODES[mode], error)
            told, said = 0, ""
            try:
                home = Home(self.folder / "life", clock=still)
                home.journal._segment_bytes = SEGMENT_BYTES
                for told in self.replay(home):
                    if told % KEPT_EVERY == 0:
                        home.keep()
            except Exception as wrong:  # noqa: BLE001 - whatever comes, the process is lost
                said = repr(wrong)[:160]
            return {"calls": self.disk.disk_disarm(), "told": told, "said": said}

        return forked(life)

    def alone(self, what: str, *, mode: str, error: int) -> dict[str, Any]:
        """Spoil every call of the journal or the tiles, without a house around them."""
        place, calls, errors, wrong = self.folder / "alone", 1, 0, list[str]()
        expected, k = list[str](), 0
        while k <= calls:
            shutil.rmtree(place, ignore_errors=True)
            one, broken = ALONE[what](place), ""
            self.disk.disk_arm(b"/alone/", ctypes.c_long(k), MODES[mode], error)
            try:
                one.live()
            except OSError as refused:
                broken = repr(refused)
            counted = self.disk.disk_disarm()
            calls = calls if k else counted
            errors += bool(broken)
            try:
                one.live()
                found = one.found()
                if (expected := expected or found) != found:
                    wrong.append(f"call {k} ({broken}): something else is there")
            except (AssertionError, WuxinError) as fault:
                wrong.append(f"call {k} ({broken}): {fault!r}")
            if mode == "shorten" and broken:
                wrong.append(f"call {k}: a short write was not gone on with: {broken}")
            k += 1
        return {"calls": calls, "lives": k, "errors": errors, "wrong": wrong}

    def kills(self, count: int) -> dict[str, Any]:
        """Kill lives at random moments until there were so many; compare whenever one is through.

        Answers with the number of kills, of homes that were brought through by killed lives alone,
        of entries after which a life was killed, and what was wrong.
        """
        self.fresh()
        begun = time.monotonic()
        self.murder(60, 0)
        whole_s = time.monotonic() - begun
        killed, through, moments, wrong = 0, 0, set[int](), []
        while killed < count:
            told, alive = 0, True
            self.fresh()
            while killed < count and alive:
                told, status = self.murder(
                    self.dice.uniform(0, whole_s / 2), told, late=killed % 2 == 1
                )
                alive = os.WIFSIGNALED(status)
                killed += alive
                moments.add(told)
                if not alive and status:
                    wrong.append(f"a life after entry {told} ended by itself")
            through += not alive
            wrong += forked(partial(self.finish, told))
        return {
            "killed": killed,
            "through": through,
            "moments": len(moments),
            "wrong": wrong,
            "whole_s": whole_s,
        }

    def murder(self, delay_s: float, told: int, *, late: bool = False) -> tuple[int, int]:
        """One life ended by SIGKILL; what was acknowledged last, and how it ended.

        Every other life is killed soon after its first acknowledgement, so that lives get on
        however slow the machine is.
        """
        reads, writes = os.pipe()
        child = os.fork()
        if not child:
            try:
                home = Home(self.folder / "life", clock=still)
                for number in self.replay(home, wait=lambda _: time.sleep(0.003)):
                    os.write(writes, number.to_bytes(8, "little"))
            except Exception:  # noqa: BLE001 - the parent reports it
                traceback.print_exc()
                os._exit(1)
            os._exit(0)
        os.close(writes)
        handle = os.pidfd_open(child)
        if late:
            select.select([reads, handle], [], [], 60)
            delay_s /= 4
        select.select([handle], [], [], delay_s)  # it may be through before
        os.kill(child, signal.SIGKILL)
        os.close(handle)
        _, status = os.waitpid(child, 0)
        with os.fdopen(reads, "rb") as pipe:
            data = pipe.read()
        last = int.from_bytes(data[-8:], "little") if data else 0
        return max(told, last), status


def forked(work: Callable[[], Any]) -> Any:
    """What some work returns in a child that ends without tidying up."""
    reads, writes = os.pipe()
    child = os.fork()
    if not child:
        signal.alarm(60)  # a life that hangs ends, and with it the nursery
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
    _, status = os.waitpid(child, 0)
    assert text, f"a life ended without an answer: {status}"
    return json.loads(text)


def summary(home: Home) -> dict[str, str]:
    """Digests of everything that must not depend on what went wrong on the way."""
    book, tenant = home.book, home.tenant
    parts: dict[str, Any] = {
        "findings": [dict(row) for row in book.findings(tenant)],
        "acts": [dict(row) for row in book.acts(tenant)],
        "state": frozen.digest(home.flow),
        "log root": [home.log.size, home.log.head.root.hex(), home.log.checkpoint()],
    }
    for table in (t.batch, t.frame, t.thing, t.facility, t.receipt):
        parts[f"rows of {table.name}"] = [dict(row) for row in book.rows(table, tenant)]
    for name in ("readings", "refused"):
        query = f"SELECT * FROM {name} ORDER BY ALL"  # noqa: S608 - two fixed names
        parts[f"history of {name}"] = home.history.query(query).to_pylist()
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
