"""Power cuts: where they may come in a home, what is then on the disk, and how a home is left.

A fuse burns before a call, after it, or where that can be told in the middle of it. What follows
is a crash that nobody catches: nothing more is written, and all in memory is gone.
"""

import random
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from types import ModuleType
from typing import Any, Final
from unittest.mock import patch

import msgspec

from wuxin import home as house
from wuxin.evidence import log as tiles
from wuxin.evidence.log import Log
from wuxin.home import Home
from wuxin.stores import archive, compaction, manifest, snapshot
from wuxin.stores.book import Book
from wuxin.stores.history import History
from wuxin.stores.journal import Journal
from wuxin.stores.segments import record

SEGMENT_BYTES: Final = 30_000
SIZES: Final = compaction.Sizes(span=1500, block=400, memory=8000, late=8, files=3)
HISTORY_ROWS: Final = 700

Owner = type | ModuleType
Call = partial[Any]
POINTS: Final[dict[str, tuple[Owner, str]]] = {
    "journal append": (Journal, "append_many"),
    "journal retire": (Journal, "retire"),
    "archive": (archive, "keep"),
    "archive settle": (archive, "settle"),
    "tiles append": (Log, "append"),
    "tiles write": (tiles, "write_files"),
    "tiles publish": (Log, "publish"),
    "book commit": (Book, "commit"),
    "history flush": (History, "flush"),
    "history compact": (History, "compact"),
    "history forget": (History, "forget_after"),
    "history file": (compaction, "stored"),
    "manifest save": (manifest, "save"),
    "manifest tidy": (manifest, "tidy"),
    "state write": (snapshot, "write"),
    "state settle": (snapshot, "settle"),
}
"""Where the power may go: before the call, after it, or where that can be told in the middle."""

KEEPING: Final = {*POINTS} - {"journal append", "tiles append", "tiles write", "tiles publish",
                              "book commit"}  # fmt: skip
"""Those that are passed when a home is kept."""

BETWEEN: Final = ("appended", "judged")
OPENING: Final = (
    "tiles append", "tiles write", "tiles publish", "book commit", "history forget",
    "history flush", "history file", "manifest save", "manifest tidy",
)  # fmt: skip


class Crash(BaseException):
    """The power went; nobody may catch it."""


@dataclass
class Fuse:
    """Burns at one chosen moment."""

    dice: random.Random
    point: str = ""
    how: str = ""
    left: int = 0
    burnt: list[str] = field(default_factory=list)

    def arm(self, points: tuple[str, ...]) -> None:
        """Choose where, how, and at which time of passing there."""
        self.point, self.left = self.dice.choice(points), self.dice.choice([0, 0, 0, 1, 3])
        self.how = self.dice.choice(["before", "half", "after"])

    def disarm(self) -> None:
        """The power stays."""
        self.point = ""

    def passes(self, point: str) -> None:
        """A moment between two calls."""
        if self._burns(point):
            raise Crash(point)

    def guard(self, point: str, real: Callable[..., Any]) -> Callable[..., Any]:
        """A call at which the fuse may burn."""

        def call(*args: Any, **named: Any) -> Any:
            if not self._burns(point):
                return real(*args, **named)
            if self.how == "half" and point in HALF:
                HALF[point](self.dice, partial(real, *args))
            elif self.how == "after":
                real(*args, **named)
            raise Crash(point)

        return call

    def _burns(self, point: str) -> bool:
        if point != self.point:
            return False
        self.left -= 1
        if self.left >= 0:
            return False
        self.point = ""
        self.burnt.append(f"{self.how} {point}")
        return True


def _torn(dice: random.Random, append: Call) -> None:
    """A part of what was to be appended is on the disk, up to any byte."""
    journal, entries = append.args
    data = b"".join(
        record(n, msgspec.msgpack.encode(entry))
        for n, entry in enumerate(entries, journal.last + 1)
    )
    with journal.segments()[-1].open("ab") as file:
        file.write(data[: dice.randrange(len(data) + 1)])


def _some(dice: random.Random, write: Call) -> None:
    """Some of the files were written."""
    contents = list(write.args[0].items())
    write.func(dict(contents[: dice.randrange(len(contents) + 1)]))


HALF: Final = {"journal append": _torn, "tiles write": _some}


@contextmanager
def guarded(fuse: Fuse) -> Iterator[None]:
    """Homes that are small enough for everything to happen in days, and may lose their power."""
    with ExitStack() as stack:
        stack.enter_context(patch.object(house, "HISTORY_ROWS", HISTORY_ROWS))
        for point, (owner, name) in POINTS.items():
            real = getattr(owner, name)
            stack.enter_context(patch.object(owner, name, fuse.guard(point, real)))
        yield


def left(home: Home) -> None:
    """Let go of a house as a dead process does: nothing is written, locks are free."""
    for name in ("journal", "log", "_lock"):
        if hasattr(home, name):
            getattr(home, name).close()
    if hasattr(home, "book"):
        home.book.engine.dispose()
