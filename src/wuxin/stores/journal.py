"""The journal: what was acknowledged, byte for byte; everything else is recomputed from it.

Acknowledged means durable: :meth:`Journal.append` returns after ``fdatasync``. A torn tail (the
crash of an append that nobody was told of) is cut at opening; damage before it is reported. After
a failed write the journal takes nothing more until it is opened again, which finds out what is on
the disk. Segments leave the hot folder by :meth:`Journal.retire` and the house by
:meth:`Journal.discard`; ``segments.py`` has the format, ``archive.py`` the other two places.
"""

import os
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import msgspec

from wuxin.stores import archive as kept
from wuxin.stores.archive import Discarded, first_of, label
from wuxin.stores.segments import record, records, segments, torn
from wuxin.terms.durable import make_directory, sync_directory
from wuxin.terms.errors import Conflict, Gone, Tampered
from wuxin.terms.names import Digest, digest
from wuxin.terms.records import Command, Frame

SEGMENT_BYTES: Final = 64 * 1024 * 1024


class Opened(msgspec.Struct, frozen=True, tag="opened"):
    """A source begins: its pack and digest, how its frames are read, and Wuxin's version."""

    source: str
    arrival: int
    pack: str
    pack_digest: Digest
    manifest: Mapping[str, Any]
    software: str


class Arrived(msgspec.Struct, frozen=True, tag="arrived", omit_defaults=True):
    """A batch of frames of one source, as accepted at ``arrival`` (ns).

    ``position`` is where the source stood after it, in the source's own words: a Kafka offset, a
    line of a file, a packet's id. By it a source that resends is recognised.
    """

    source: str
    arrival: int
    frames: tuple[Frame, ...]
    position: str = ""


class Told(msgspec.Struct, frozen=True, tag="told"):
    """A command of a person or of the bank's core system."""

    source: str
    arrival: int
    command: Command


class Closed(msgspec.Struct, frozen=True, tag="closed"):
    """A recorded source has ended; its last day is closed."""

    source: str
    arrival: int


Entry = Opened | Arrived | Told | Closed
_ENCODER: Final = msgspec.msgpack.Encoder()
_DECODER: Final = msgspec.msgpack.Decoder(Entry)


class Journal:
    """An append-only log of entries in one folder, with one writer.

    Raises:
        Tampered: a record that is not the last contradicts its checksum or number.
    """

    def __init__(
        self, folder: Path, segment_bytes: int = SEGMENT_BYTES, *, archive: Path | None = None
    ) -> None:
        self._folder = folder
        self._archive = archive or folder / "archive"
        self._segment_bytes = segment_bytes
        self._broken = ""
        make_directory(folder)
        self.discarded = self._finished()
        self.last = self._recover()
        self._file, self._size = self._open_tail()

    def append(self, entry: Entry) -> tuple[int, Digest]:
        """Write one entry durably.

        Returns:
            Its number and the SHA-256 of its body.

        Raises:
            OSError, Conflict: as :meth:`append_many`.
        """
        return self.append_many((entry,))[0]

    def append_many(self, entries: Sequence[Entry]) -> list[tuple[int, Digest]]:
        """Write entries durably, together: one write and one sync for all of them.

        Returns:
            For each its number and the SHA-256 of its body.

        Raises:
            OSError: the disk refused; none of them is acknowledged, and the journal takes nothing
                more. Opened again it may have some of them, the first ones, or none.
            Conflict: an earlier write failed, or the journal was closed.
        """
        if self._broken:
            raise Conflict(self._broken)
        bodies = [_ENCODER.encode(entry) for entry in entries]
        numbers = range(self.last + 1, self.last + 1 + len(bodies))
        if not bodies:
            return []
        data = b"".join(record(n, body) for n, body in zip(numbers, bodies, strict=True))
        try:
            if self._size > self._segment_bytes:
                self._roll(numbers[0])
            written = 0
            while written < len(data):  # the system may take less than it was given
                written += os.write(self._file, memoryview(data)[written:])
            os.fdatasync(self._file)
        except OSError as wrong:
            self._give_up(wrong)
            raise
        self._size += len(data)
        self.last = numbers[-1]
        return [(n, digest(body)) for n, body in zip(numbers, bodies, strict=True)]

    def read(self, after: int = 0) -> Iterator[tuple[int, Digest, Entry]]:
        """The entries with numbers above ``after``, each with the SHA-256 of its body.

        Raises:
            Gone: entries above ``after`` were deleted by policy.
            Tampered: damage, or a segment that is missing.
        """
        self._refuse_discarded(after + 1)
        paths = self.segments()
        skipped = sum(first_of(following) <= after + 1 for _, following in pairwise(paths))
        expected = first_of(paths[skipped]) if paths else 1
        for path in paths[skipped:]:
            if first_of(path) != expected:
                raise Tampered(f"{label(path)}: entry {expected} is missing before it")
            for number, body, _ in self._records(path):
                expected = number + 1
                if number > after:
                    yield number, digest(body), decode_entry(body)

    def arrived(self, source: str, *, after: int = 0) -> Iterator[tuple[int, Arrived]]:
        """What a source brought in entries above ``after``, but for those deleted by policy.

        Raises:
            Tampered: damage, or a segment that is missing.
        """
        for number, _, entry in self.read(max(after, self.gone)):
            if isinstance(entry, Arrived) and entry.source == source:
                yield number, entry

    @property
    def gone(self) -> int:
        """The last entry that was deleted by policy, 0 if none was."""
        return self.discarded[-1].last if self.discarded else 0

    def entry(self, number: int) -> Entry:
        """One entry by its number, from the segment that holds it.

        Raises:
            Gone: the entry was deleted by policy.
            KeyError: there is no such entry.
        """
        if number > 0:
            self._refuse_discarded(number)
        holder = [p for p in self.segments() if first_of(p) <= number]
        for found, body, _ in self._records(holder[-1]) if holder else ():
            if found == number:
                return decode_entry(body)
        raise KeyError(number)

    def segments(self) -> list[Path]:
        """The segment files, archived and hot, in order."""
        return segments(self._folder, self._archive)

    def retire(self, before: int) -> list[Path]:
        """Move whole segments with entries below ``before`` alone into the archive, compressed.

        The caller has made sure that opening the house needs none of them: their readings are in
        the history, and a snapshot has been taken. The open segment stays.

        Returns:
            The archived files.

        Raises:
            OSError, Tampered: a segment could not be archived; it is still where it was.
        """
        moved = []
        for path, following in pairwise(self.segments()):
            if path.suffix != ".seg" or first_of(following) > before:
                continue
            [(last, _, _)] = deque(records(path), maxlen=1)
            moved.append(kept.keep(path, self._archive, last=last))
            path.unlink()
            sync_directory(self._folder)
        return moved

    def discard(self, before: int, *, policy: str, at: int) -> list[Discarded]:
        """Delete archived segments with entries below ``before`` alone, for good.

        What was deleted, under which policy and when is on the disk before the bytes are gone.

        Args:
            before: the first entry that must stay.
            policy: the rule that asks for it, in words for whoever looks for the bytes later.
            at: when (ns).

        Raises:
            Tampered: a segment does not match its seal; nothing was deleted.
        """
        old = [p for p in self.segments() if p.suffix != ".seg" and kept.seal(p).last < before]
        done = kept.discard(old, self._archive, policy=policy, at=at)
        self.discarded = kept.discarded(self._archive)
        return done

    def close(self) -> None:
        """Close the open segment."""
        if not self._broken:
            self._broken = "the journal is closed"
            os.close(self._file)

    def __del__(self) -> None:
        if hasattr(self, "_file"):
            self.close()

    def _records(self, path: Path) -> Iterator[tuple[int, bytes, int]]:
        """The records of a segment that may be retired or discarded while it is being asked for."""
        for place in (path, self._archive / f"{path.name.removesuffix('.zst')}.zst"):
            try:
                yield from records(place)
            except FileNotFoundError:
                continue
            return
        self._refuse_discarded(first_of(path))
        raise Tampered(f"{label(path)} is missing")

    def _refuse_discarded(self, number: int) -> None:
        found: Gone | None = next((d.gone() for d in self.discarded if d.last >= number), None)
        if found:
            raise found

    def _roll(self, number: int) -> None:
        """Begin the next segment."""
        os.close(self._file)
        self._file = -1
        self._file, self._size = _open(self._folder / f"{number:012d}.seg")

    def _give_up(self, wrong: OSError) -> None:
        """Take back what was half written, and take nothing more.

        After a failed sync the system may forget what it has not written, so only a new opening
        may say what is there.
        """
        self._broken = f"the journal takes nothing after a failed write ({wrong}); open it again"
        if self._file >= 0:
            with suppress(OSError):  # what cannot be taken back is cut at the next opening
                os.ftruncate(self._file, self._size)
                os.fsync(self._file)
            with suppress(OSError):
                os.close(self._file)

    def _finished(self) -> list[Discarded]:
        """What was discarded; a deletion that a crash has interrupted is finished."""
        kept.finish(self._archive)
        return kept.discarded(self._archive)

    def _recover(self) -> int:
        """Cut a torn tail and return the number of the last whole entry."""
        paths, last = self.segments(), self.gone
        for path in paths:
            if first_of(path) != last + 1:
                raise Tampered(f"{label(path)}: entry {last + 1} is missing before it")
            if path.suffix != ".seg":
                last = kept.seal(path).last  # what is in it is checked when it is read
                continue
            good = 0
            try:
                for number, _, end in records(path):
                    last, good = number, end
            except Tampered:
                if path != paths[-1] or not torn(path, good):
                    raise
                with path.open("r+b") as file:
                    file.truncate(good)
                    os.fsync(file.fileno())
        return last

    def _open_tail(self) -> tuple[int, int]:
        paths = [p for p in self.segments() if p.suffix == ".seg"]
        return _open(paths[-1] if paths else self._folder / f"{self.last + 1:012d}.seg")


def decode_entry(body: bytes) -> Entry:
    """One entry from a record's body."""
    entry: Entry = _DECODER.decode(body)
    return entry


def _open(path: Path) -> tuple[int, int]:
    """Open a segment at its end; returns handle and size.

    It is synced first: entries that a killed process has written but not synced are about to be
    believed, and the book must not know more than the disk.
    """
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    try:
        os.fdatasync(handle)
        sync_directory(path.parent)
        return handle, os.fstat(handle).st_size
    except OSError:
        os.close(handle)
        raise
