"""The manifest: which files make up the history; what it does not name does not exist.

It is one small file, replaced as a whole, so that a crash leaves either the old set of files or the
new one, and no row twice.
"""

import os
from functools import cached_property
from pathlib import Path
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from wuxin.terms.durable import UNFINISHED, write_files
from wuxin.terms.errors import Tampered

NAME: Final = "manifest.json"
ENDINGS: Final = (".parquet", UNFINISHED)


class Block(msgspec.Struct, frozen=True):
    """Rows of a stretch of event time, from ``low`` (ns) on, that a fleet's state is read from.

    Event times from ``since`` to ``until`` (ns), batches ``first`` to ``last``; they stand in
    ``file`` once more, without what a state does not need. Of refusals the times are 0, and there
    is no such file.
    """

    low: int
    rows: int
    file: str
    since: int
    until: int
    first: int
    last: int


class DataFile(msgspec.Struct, frozen=True, dict=True):
    """A file of rows by series and event time, which are in blocks of time, too."""

    name: str
    blocks: tuple[Block, ...]

    @cached_property
    def rows(self) -> int:
        """Rows of all blocks."""
        return sum(b.rows for b in self.blocks)

    @cached_property
    def since(self) -> int:
        """The first event time (ns)."""
        return min(b.since for b in self.blocks)

    @cached_property
    def until(self) -> int:
        """The last event time (ns)."""
        return max(b.until for b in self.blocks)

    @cached_property
    def first(self) -> int:
        """The first batch."""
        return min(b.first for b in self.blocks)

    @cached_property
    def last(self) -> int:
        """The last batch."""
        return max(b.last for b in self.blocks)


class Span(msgspec.Struct, frozen=True):
    """Rows of whole hours of event time, from hour ``low`` up to but not including ``high``.

    The first file is the main one; others are of rows that came when it was written already.
    """

    low: int
    high: int
    files: tuple[DataFile, ...]

    @property
    def rows(self) -> int:
        """Rows of all its files."""
        return sum(f.rows for f in self.files)


class Latest(msgspec.Struct, frozen=True):
    """A file of the latest usable values among rows with event time < ``before``, batch <= known.

    It stays true for ever, since what a batch held never changes.
    """

    name: str
    rows: int
    before: int
    known: int


class Manifest(msgspec.Struct, frozen=True, dict=True):
    """All files of a history; ``durable`` is the last batch whose rows they hold.

    ``keys`` is the file of :class:`wuxin.stores.keys.Keys`, if there is one.
    """

    durable: int = 0
    serial: int = 0
    fresh: tuple[DataFile, ...] = ()
    refused: tuple[DataFile, ...] = ()
    spans: tuple[Span, ...] = ()
    latest: tuple[Latest, ...] = ()
    keys: str = ""

    @property
    def data(self) -> list[DataFile]:
        """The files of readings, the first batches first within each span."""
        return [f for s in self.spans for f in s.files] + list(self.fresh)

    @cached_property
    def blocks(self) -> list[Block]:
        """The blocks of all files of readings, in the order of these."""
        return [b for f in self.data for b in f.blocks]

    @cached_property
    def bounds(self) -> NDArray[np.int64]:
        """Rows, since, until, first and last of each of :attr:`blocks`, shape (5, blocks)."""
        told = [(b.rows, b.since, b.until, b.first, b.last) for b in self.blocks]
        return np.array(told, np.int64).reshape(-1, 5).T.copy()

    @property
    def names(self) -> set[str]:
        """The names of all files."""
        return (
            {f.name for f in (*self.data, *self.refused)}
            | {b.file for f in self.data for b in f.blocks}
            | {s.name for s in self.latest}
            | {self.keys} - {""}
        )


def load(folder: Path) -> Manifest:
    """Read the manifest of a folder; an empty one if there is none.

    Raises:
        Tampered: it cannot be read.
    """
    try:
        return msgspec.json.decode((folder / NAME).read_bytes(), type=Manifest)
    except FileNotFoundError:
        return Manifest()
    except msgspec.MsgspecError as wrong:
        raise Tampered(f"{folder / NAME} is not a manifest: {wrong}") from None


def save(folder: Path, manifest: Manifest) -> None:
    """Replace the manifest durably; from here on the files it names are the history."""
    write_files({folder / NAME: msgspec.json.encode(manifest)})


def stamp(folder: Path) -> tuple[int, int]:
    """What changes when the manifest is replaced."""
    try:
        known = os.stat(folder / NAME)  # noqa: PTH116 - asked before every query
    except FileNotFoundError:
        return (0, 0)
    return (known.st_ino, known.st_mtime_ns)


def tidy(folder: Path, manifest: Manifest) -> None:
    """Remove what the manifest does not name: left over from before it, or from a crash."""
    for path in folder.iterdir():
        if path.name.endswith(ENDINGS) and path.name not in manifest.names:
            path.unlink()
