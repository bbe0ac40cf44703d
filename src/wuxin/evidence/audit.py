"""The walk that a verification takes over a log, from the entries up to the root.

Where a file and what lies below it disagree, the one that does not lead to the signed root is at
fault: a flipped byte names its own file, not those above or below it.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from wuxin.evidence.layout import (
    CHECKPOINT,
    ENTRIES,
    HASH,
    WIDTH,
    Tile,
    levels_at,
    span,
    split_entries,
    tiles_at,
    unpack_hashes,
    width_at,
)
from wuxin.evidence.merkle import EMPTY_HEAD, leaf_hash, tree_head
from wuxin.terms.durable import UNFINISHED


@dataclass(frozen=True)
class Fault:
    """One thing that is wrong: the file, the entry where it is about one, and what it is."""

    path: str
    index: int | None
    what: str


class Audit:
    """One walk over a log of ``size`` leaves that should have ``root``, if any is known.

    ``older`` is a smaller size whose root is wanted too. A hash that cannot be computed, because a
    file below is missing or unreadable, is None and is then taken from the tile.
    """

    def __init__(
        self, directory: Path, *, size: int, root: bytes | None, older: int | None = None
    ) -> None:
        self.directory = directory
        self.size = size
        self.root = root
        self.faults: dict[Fault, None] = {}
        self.leftovers: list[str] = []
        self.partial: dict[tuple[int, int], list[Tile]] = defaultdict(list)
        # Per size, one hash over its leaves right of the last full tile of the levels so far.
        sizes = (size, older) if older is not None else (size,)
        self.edges: dict[int, list[bytes | None]] = {wanted: [] for wanted in sizes}
        self.grown = set[Tile]()  # partial tiles whose full ones were read in their place
        self.stored = lru_cache(maxsize=64)(self._stored)

    def fault(self, where: Tile | str, what: str, *, index: int | None = None) -> None:
        """Note what is wrong with a file, and with which entry; said twice, it is kept once."""
        if isinstance(where, Tile):
            where = (Tile(where.level, where.index) if where in self.grown else where).path
        self.faults[Fault(where, index, what)] = None

    def sort(self, files: Iterable[str]) -> None:
        """Tell the files that have no place in the log from those that may be there."""
        for path in files:
            tile = Tile.parse(path)
            if path.endswith(UNFINISHED) or (tile and tile.end > self.size):
                self.leftovers.append(path)
            elif tile and tile.width < width_at(tile.level, tile.index, size=self.size):
                self.partial[tile.level, tile.index].append(tile)
            elif not tile and path != CHECKPOINT:
                self.fault(path, "this file does not belong in a log")

    def climb(self, expected: Iterator[bytes] | None) -> None:
        """Examine every level, upwards; afterwards :meth:`root_at` knows the roots."""
        parents = list[bytes | None]()
        for level in levels_at(self.size):
            below, parents = parents, []
            right: dict[int, list[bytes | None]] = {}
            for tile in tiles_at(level, self.size):
                first = tile.index * WIDTH
                given = below[first : first + tile.width] if level else self.bundle(tile, expected)
                held = self.settle(tile, given)
                self.check_partial(tile, held)
                parents += [_head(held)] if tile.full else []
                for size in self.edges:
                    index, width = divmod(size // span(level), WIDTH)
                    if index == tile.index:
                        right[size] = held[:width]
            for size, edge in self.edges.items():
                hashes = [*right.get(size, ()), *edge]
                self.edges[size] = [_head(hashes)] if hashes else []
        if expected and next(expected, None) is not None:
            self.fault(CHECKPOINT, f"more leaves are expected than the {self.size} signed")

    def root_at(self, size: int) -> bytes | None:
        """The root over the first leaves as they were found good; None where that is unknown."""
        return (self.edges[size] or [EMPTY_HEAD])[0]

    def bundle(self, tile: Tile, expected: Iterator[bytes] | None) -> list[bytes | None]:
        """The leaf hashes of the bundle beside a tile of level 0, None where unreadable."""
        beside = Tile(ENTRIES, tile.index, tile.width)
        data = self._read(beside)
        entries, rest = split_entries(data or b"")
        if beside in self.grown:
            entries, rest = entries[: tile.width], 0
        hashes: list[bytes | None] = [leaf_hash(entry) for entry in entries]
        if data is not None and (rest or len(entries) != tile.width):
            stored = self.stored(tile) or []
            pairs = zip(hashes, stored, strict=False)
            index = next((i for i, (a, b) in enumerate(pairs) if a != b), len(entries))
            what = f"the bundle cannot be read as {tile.width} entries from here on"
            self.fault(beside, what, index=tile.start + min(index, tile.width - 1))
            entries, hashes = [], []
        if expected is not None:
            self._expect(beside, entries, expected=expected)
        return hashes or [None] * tile.width

    def settle(self, tile: Tile, below: list[bytes | None]) -> list[bytes | None]:
        """Compare a tile with what was computed from below; name whichever is wrong."""
        stored = self.stored(tile)
        if stored is None:
            return below
        differ = [
            i for i, (b, s) in enumerate(zip(below, stored, strict=True)) if b not in (None, s)
        ]
        if not differ:
            return list(stored)
        stored_fits, below_fits = self._fits(tile, stored), self._fits(tile, below)
        for i in differ:
            if not stored_fits:
                self._blame_tile(tile, i)
            if not below_fits:
                self._blame_below(tile, i)
        return list(stored) if stored_fits else [b or s for b, s in zip(below, stored, strict=True)]

    def check_partial(self, tile: Tile, held: list[bytes | None]) -> None:
        """Older, narrower files of a tile must hold its first hashes or entries."""
        for level in (ENTRIES, 0) if tile.level == 0 else (tile.level,):
            for older in self.partial.pop((level, tile.index), []):
                data = self._bytes(older)
                if data is None:
                    continue
                if level == ENTRIES:
                    entries, rest = split_entries(data)
                    hashes = [leaf_hash(entry) for entry in entries]
                else:
                    rest = len(data) % HASH
                    hashes = unpack_hashes(data[: len(data) - rest])
                pairs = enumerate(zip(hashes, held, strict=False))
                wrong = next((i for i, (a, b) in pairs if b is not None and a != b), None)
                if wrong is not None:
                    index = tile.start + wrong if tile.level == 0 else None
                    self.fault(older, f"number {wrong} is not that of the fuller tile", index=index)
                elif rest or len(hashes) != older.width:
                    self.fault(older, f"this file does not hold {older.width}")

    def _expect(self, bundle: Tile, entries: Sequence[bytes], *, expected: Iterator[bytes]) -> None:
        for i in range(bundle.width):
            wanted = next(expected, None)
            if wanted is None:
                what = f"fewer leaves are expected than the {self.size} signed"
                self.fault(CHECKPOINT, what)
                return
            if entries and entries[i] != wanted:
                self.fault(bundle, "the entry is not the expected one", index=bundle.start + i)

    def _blame_tile(self, tile: Tile, i: int) -> None:
        if tile.level == 0:
            self.fault(tile, "the hash is not that of the entry", index=tile.start + i)
        else:
            start = tile.start + i * span(tile.level)
            what = f"hash {i} is not that of entries {start} to {start + span(tile.level) - 1}"
            self.fault(tile, what)

    def _blame_below(self, tile: Tile, i: int) -> None:
        if tile.level == 0:
            bundle = Tile(ENTRIES, tile.index, tile.width)
            self.fault(bundle, "the entry is not the one that was signed", index=tile.start + i)
        else:
            child = Tile(tile.level - 1, tile.index * WIDTH + i)
            self.fault(child, "the tile and all below it are not those that were signed")

    def _fits(self, tile: Tile, hashes: Sequence[bytes | None]) -> bool:
        """Whether these hashes lead to the tile above or, at the right edge, to the root."""
        found = _head([*hashes, *(() if tile.full else self.edges[self.size])])
        if found is None:
            return False
        if tile.full:
            width = width_at(tile.level + 1, tile.index // WIDTH, size=self.size)
            above = self.stored(Tile(tile.level + 1, tile.index // WIDTH, width))
            return above is not None and above[tile.index % WIDTH] == found
        for level in levels_at(self.size)[tile.level + 1 :]:
            index, width = divmod(self.size // span(level), WIDTH)
            above = self.stored(Tile(level, index, width)) if width else []
            if above is None:
                return False
            found = tree_head([*above, found])
        return found == self.root

    def _stored(self, tile: Tile) -> list[bytes] | None:
        data = self._read(tile)
        if data is None:
            return None
        wanted = tile.width * HASH
        if len(data) < wanted or (len(data) > wanted and tile not in self.grown):
            self.fault(tile, f"it holds {len(data)} bytes instead of {wanted}")
            return None
        return unpack_hashes(data[:wanted])

    def _read(self, tile: Tile) -> bytes | None:
        """The file of a tile; a partial one may have made way for the full one meanwhile."""
        full = Tile(tile.level, tile.index)
        for held in (tile, full):
            data = self._bytes(held)
            if data is not None:
                if held != tile:
                    self.grown.add(tile)
                return data
        self.fault(tile, "the file is missing")
        return None

    def _bytes(self, tile: Tile) -> bytes | None:
        path = self.directory / tile.path
        try:
            return path.read_bytes() if path.is_file() else None
        except FileNotFoundError:  # a writer at work may clear it away at this moment
            return None


def _head(hashes: Sequence[bytes | None]) -> bytes | None:
    known = [hashed for hashed in hashes if hashed is not None]
    return tree_head(known) if len(known) == len(hashes) else None
