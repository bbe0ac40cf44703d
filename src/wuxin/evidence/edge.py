"""The right edge of a growing tree: from it and new entries follow all tiles to be written."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from wuxin.evidence.layout import (
    ENTRIES,
    WIDTH,
    Tile,
    levels_at,
    pack_entries,
    pack_hashes,
    span,
)
from wuxin.evidence.merkle import leaf_hash, tree_head


class Edge(NamedTuple):
    """All a writer must remember: the tiles on the right side of the tree that are not full.

    ``entries`` are those of the last bundle; ``levels[k]`` the hashes of the last tile of level k.
    Both are short of 256, so that memory does not grow with the log.
    """

    size: int
    entries: list[bytes]
    levels: list[list[bytes]]

    def root(self) -> bytes:
        """The 32-byte root of the whole tree."""
        tail = list[bytes]()
        for hashes in self.levels:
            right = hashes + tail
            tail = [tree_head(right)] if right else []
        return tree_head(tail)

    def grow(self, leaves: Sequence[bytes]) -> tuple["Edge", dict[Tile, bytes]]:
        """The edge after these leaves, and the content of every tile that they change."""
        size = self.size + len(leaves)
        tiles = dict[Tile, bytes]()
        entries = self.entries + list(leaves)
        for tile, held in _cut(ENTRIES, self.size, held=entries):
            tiles[tile] = pack_entries(held)
        levels, new = list[list[bytes]](), [leaf_hash(leaf) for leaf in leaves]
        for level in levels_at(size):
            held_before = self.levels[level] if level < len(self.levels) else []
            hashes, full = held_before + new, list[bytes]()
            for tile, held in _cut(level, self.size, held=hashes) if new else ():
                tiles[tile] = pack_hashes(held)
                full += [tree_head(held)] if tile.full else []
            levels.append(hashes[len(full) * WIDTH :])
            new = full
        return Edge(size, entries[len(entries) - size % WIDTH :], levels), tiles


def _cut(level: int, size: int, *, held: list[bytes]) -> Iterator[tuple[Tile, list[bytes]]]:
    """Cut what follows the full tiles of a tree of ``size`` into tiles."""
    index = size // span(level) // WIDTH
    for at in range(0, len(held), WIDTH):
        piece = held[at : at + WIDTH]
        yield Tile(level, index + at // WIDTH, len(piece)), piece
