"""Write a log: entries and hashes to tiles first, the signed head last.

The two steps leave room for the caller's database transaction between them:

    head = log.append(leaves)      tiles are on disk, nobody believes them yet
    …                              the caller commits head.size and head.root
    log.publish(head)              the head is signed; now it binds

A crash before the commit leaves tiles that the next append clears away; a crash after it is healed
by opening the log at the committed size and publishing its head. Where the commit fails without a
crash, close the log and open it at the committed size again.
Source: C2SP tlog-tiles and tlog-checkpoint.
"""

import fcntl
import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Self

from wuxin.evidence.edge import Edge
from wuxin.evidence.layout import (
    CHECKPOINT,
    ENTRIES,
    MAX_ENTRY,
    WIDTH,
    Tile,
    levels_at,
    span,
    width_at,
)
from wuxin.evidence.merkle import leaf_hash
from wuxin.evidence.note import Head, Signer, open_checkpoint, sign_checkpoint
from wuxin.evidence.reader import Reader
from wuxin.terms.durable import UNFINISHED, make_directory, write_files
from wuxin.terms.errors import BadInput, Conflict, Tampered


class Log(Reader):
    """One tenant's log in one directory, with one writer at a time.

    As a :class:`Reader` it sees what was appended, published or not. The first write takes a lock
    on the directory that lasts until :meth:`close`; a log that only reads takes none. The lock is
    against mistakes: that ``size`` is the committed one remains the duty of whoever opens.
    """

    _lock: int | None = None
    _closed = False

    def __init__(self, directory: Path, *, origin: str, signer: Signer) -> None:
        super().__init__(directory, 0)
        self.origin = origin
        self.signer = signer
        self._edge = Edge(0, [], [])
        self._floor = 0
        self._unpublished = set[Tile]()

    @classmethod
    def open(
        cls, directory: Path, *, origin: str, signer: Signer, size: int, root: bytes | None = None
    ) -> Self:
        """Open a log at the size, and if given the 32-byte root, that the caller has committed.

        Raises:
            Tampered: the tiles of that size are missing or damaged, or are not those of ``root``
                or of the published checkpoint.
        """
        log = cls(directory, origin=origin, signer=signer)
        log.size = size
        log._edge = log._read_edge()
        if root is not None and log.head.root != root:
            raise Tampered(f"{directory}: the root at size {size} is not the committed one")
        published = log.published()
        if published and published.size <= size and log.root(published.size) != published.root:
            raise Tampered(f"{directory}: the tiles do not give the root of the checkpoint")
        return log

    @property
    def head(self) -> Head:
        """The tree head over all that was appended."""
        return Head(self.origin, self.size, self._edge.root())

    def checkpoint(self) -> str | None:
        """The text of the published checkpoint, None before the first."""
        try:
            return (self.directory / CHECKPOINT).read_bytes().decode()
        except FileNotFoundError:
            return None
        except UnicodeDecodeError:
            raise Tampered(f"{CHECKPOINT} is not UTF-8") from None

    def published(self) -> Head | None:
        """The published head, its signature checked; None before the first.

        Raises:
            Tampered: the checkpoint is not one that this log's key signed for this origin.
        """
        text = self.checkpoint()
        if text is None:
            return None
        head = open_checkpoint(text, self.signer.vkey)
        if head.origin != self.origin:
            raise Tampered(f"{CHECKPOINT} is of {head.origin}, not of {self.origin}")
        return head

    def append(self, leaves: Sequence[bytes]) -> Head:
        """Write entries and hashes to disk; they are synced when this returns, but not yet signed.

        Raises:
            BadInput: an entry is longer than 65,535 bytes.
            Conflict: another writer is at work, or the log was opened below its published size
                and these are not the entries that were published.
            OSError: the disk refused; the log stands as before and the caller should stop.
        """
        for number, leaf in enumerate(leaves):
            if len(leaf) > MAX_ENTRY:
                raise BadInput(f"entry {self.size + number} has {len(leaf)} bytes of {MAX_ENTRY}")
        if not leaves:
            return self.head
        self._claim()
        self._defend_published(leaves)
        edge, tiles = self._edge.grow(leaves)
        write_files({self.directory / tile.path: data for tile, data in tiles.items()})
        self._unpublished |= {tile for tile in tiles if not tile.full}
        self._edge, self.size = edge, edge.size
        return self.head

    def publish(self, head: Head) -> str:
        """Sign a head that was appended and replace the checkpoint by it; returns its text.

        Partial tiles go once the full one is there, and those that no checkpoint ever needed;
        others stay, because a reader may hold the older checkpoint (C2SP tlog-tiles).

        Raises:
            Conflict: the head is not of this log, is smaller than the published one or does not
                extend it, or another writer is at work.
            Tampered: the published checkpoint or a tile on the right edge is damaged.
            OSError: the disk refused; the checkpoint is the old or the new one, and whole.
        """
        self._claim()
        if head.origin != self.origin or head.size > self.size:
            raise Conflict(f"the head of {head.origin} at {head.size} was not appended here")
        if self.root(head.size) != head.root:
            raise Conflict(f"the head at {head.size} does not have the root of what was appended")
        before = self.published()
        if before and head.size < before.size:
            raise Conflict(f"the head at {head.size} is behind the published {before.size}")
        if before and self.root(before.size) != before.root:
            raise Conflict(f"the head at {head.size} does not extend the published {before.size}")
        text = sign_checkpoint(head, self.signer)
        if text != self.checkpoint():
            write_files({self.directory / CHECKPOINT: text.encode()})
        self._tidy(before.size if before else 0, head.size)
        return text

    def close(self) -> None:
        """Let another writer have the directory; this one will write no more."""
        self._closed = True
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __del__(self) -> None:
        self.close()

    def _read_edge(self) -> Edge:
        levels = [
            self.tile(level, index) if self.size // span(level) % WIDTH else []
            for level in levels_at(self.size)
            for index in [self.size // span(level) // WIDTH]
        ]
        entries = list(self.entries(self.size - self.size % WIDTH, self.size))
        if entries and [leaf_hash(entry) for entry in entries] != levels[0]:
            raise Tampered(f"{Tile(ENTRIES, self.size // WIDTH, len(entries)).path} is damaged")
        return Edge(self.size, entries, levels)

    def _claim(self) -> None:
        """Become the one writer, and clear away what an unfinished append left."""
        if self._lock is not None:
            return
        if self._closed:
            raise Conflict(f"this log of {self.directory} was closed; open it at its present size")
        make_directory(self.directory)
        lock = os.open(self.directory, os.O_RDONLY | os.O_DIRECTORY)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(lock)
            raise Conflict(f"another writer is at work in {self.directory}") from None
        self._lock = lock
        published = self.published()
        self._floor = published.size if published else 0
        for path in self.directory.glob("tile/**/*"):
            tile = Tile.parse(path.relative_to(self.directory).as_posix())
            beyond = tile is not None and tile.end > max(self.size, self._floor)
            if path.is_file() and (beyond or path.name.endswith(UNFINISHED)):
                path.unlink()

    def _defend_published(self, leaves: Sequence[bytes]) -> None:
        """Let nothing be overwritten that a checkpoint vouches for."""
        if self.size >= self._floor:
            return
        stored = Reader(self.directory, self._floor).entries(self.size, self.size + len(leaves))
        for index, (old, new) in enumerate(zip(stored, leaves, strict=False), self.size):
            if old != new:
                raise Conflict(f"entry {index} is published and differs from the one to append")

    def _tidy(self, old: int, new: int) -> None:
        """Remove the partial tiles of full ones, and those that only unpublished heads needed."""
        for level in (ENTRIES, *levels_at(new)):
            for index in range(old // span(level) // WIDTH, new // span(level) // WIDTH):
                partial = self.directory / Tile(level, index, 1).path
                shutil.rmtree(partial.parent, ignore_errors=True)
        for tile in tuple(self._unpublished):
            width = width_at(tile.level, tile.index, size=new)
            if tile.width < width:
                (self.directory / tile.path).unlink(missing_ok=True)
            if tile.width <= width:
                self._unpublished.remove(tile)
