"""Where each part of a log lies in its directory, and how entries are packed into bundles.

    checkpoint                 the signed tree head
    tile/entries/000           256 entries, each after its length in two bytes
    tile/0/000                 256 leaf hashes
    tile/1/000                 256 hashes of full tiles of level 0, and so on up
    tile/0/001.p/44            the first 44 hashes of a tile that is not full yet

Source: C2SP tlog-tiles.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Self

from wuxin.terms.errors import Tampered

WIDTH: Final = 256
"""Hashes in a full tile, entries in a full bundle."""

HASH: Final = 32
"""Bytes of one SHA-256."""

ENTRIES: Final = -1
"""The level that stands for entry bundles, one below the leaf hashes."""

CHECKPOINT: Final = "checkpoint"
MAX_ENTRY: Final = 0xFFFF

_PATH: Final = re.compile(r"tile/(entries|0|[1-9]\d?)/((?:x\d{3}/)*\d{3})(?:\.p/([1-9]\d{0,2}))?")


@dataclass(frozen=True, slots=True)
class Tile:
    """One file under ``tile/``: its level, its index within the level, and how much it holds.

    ``width`` is in hashes (in entries at level ``ENTRIES``), 1 to 256.
    """

    level: int
    index: int
    width: int = WIDTH

    @property
    def path(self) -> str:
        """The file's path relative to the log's directory."""
        level = "entries" if self.level == ENTRIES else str(self.level)
        return f"tile/{level}/{self._number()}{'' if self.full else f'.p/{self.width}'}"

    @property
    def full(self) -> bool:
        """Whether it holds 256 and will never change again."""
        return self.width == WIDTH

    @property
    def start(self) -> int:
        """The first leaf under this tile."""
        return self.index * WIDTH * span(self.level)

    @property
    def end(self) -> int:
        """The leaf after the last one under this tile."""
        return (self.index * WIDTH + self.width) * span(self.level)

    @classmethod
    def parse(cls, path: str) -> Self | None:
        """The tile that a relative path names, or None where it names none."""
        found = _PATH.fullmatch(path)
        if not found:
            return None
        level = ENTRIES if found[1] == "entries" else int(found[1])
        tile = cls(level, int(re.sub(r"\D", "", found[2])), int(found[3] or WIDTH))
        # One file, one name: refuses x000/001, a partial width of 256 and levels above 63.
        return tile if tile.path == path and tile.width <= WIDTH and level < 64 else None

    def _number(self) -> str:
        groups, rest = [f"{self.index % 1000:03d}"], self.index // 1000
        while rest:
            groups.insert(0, f"x{rest % 1000:03d}")
            rest //= 1000
        return "/".join(groups)


def span(level: int) -> int:
    """How many leaves stand under one hash of a level (one, for entries)."""
    return 1 << 8 * max(level, 0)


def width_at(level: int, index: int, *, size: int) -> int:
    """How many hashes tile ``index`` of a level holds in a tree of ``size`` leaves, 0 to 256."""
    return max(0, min(WIDTH, size // span(level) - index * WIDTH))


def tiles_at(level: int, size: int) -> Iterator[Tile]:
    """The tiles of one level in a tree of ``size`` leaves, left to right."""
    full, rest = divmod(size // span(level), WIDTH)
    for index in range(full):
        yield Tile(level, index)
    if rest:
        yield Tile(level, full, rest)


def levels_at(size: int) -> range:
    """The levels of hash tiles in a tree of ``size`` leaves, from 0."""
    return range((size.bit_length() + 7) // 8)


def pack_hashes(hashes: Sequence[bytes]) -> bytes:
    """The content of a hash tile."""
    return b"".join(hashes)


def unpack_hashes(data: bytes) -> list[bytes]:
    """The 32-byte hashes in a tile.

    Raises:
        Tampered: the bytes are not whole hashes.
    """
    if len(data) % HASH:
        raise Tampered(f"{len(data)} bytes are not whole hashes of {HASH}")
    return [data[i : i + HASH] for i in range(0, len(data), HASH)]


def pack_entries(entries: Sequence[bytes]) -> bytes:
    """The content of an entry bundle: each entry after its length, two bytes, big end first."""
    return b"".join(part for entry in entries for part in (len(entry).to_bytes(2, "big"), entry))


def unpack_entries(data: bytes) -> list[bytes]:
    """The entries in a bundle.

    Raises:
        Tampered: the last entry is cut off.
    """
    entries, rest = split_entries(data)
    if rest:
        raise Tampered(f"entry {len(entries)} of the bundle is cut off")
    return entries


def split_entries(data: bytes) -> tuple[list[bytes], int]:
    """The whole entries at the beginning of a bundle, and how many bytes are left after them."""
    entries, at = list[bytes](), 0
    while at + 2 <= len(data):
        stop = at + 2 + int.from_bytes(data[at : at + 2], "big")
        if stop > len(data):
            break
        entries.append(data[at + 2 : stop])
        at = stop
    return entries, len(data) - at
