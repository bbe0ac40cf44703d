"""Read a log from its directory: entries, roots of any earlier size, and proofs."""

from collections.abc import Callable, Iterator
from functools import cache
from itertools import count, pairwise
from pathlib import Path

from wuxin.evidence.layout import (
    ENTRIES,
    WIDTH,
    Tile,
    span,
    unpack_entries,
    unpack_hashes,
    width_at,
)
from wuxin.evidence.merkle import (
    EMPTY_HEAD,
    Subtree,
    consistency_path,
    inclusion_path,
    tree_head,
)
from wuxin.terms.errors import BadInput, NotFound, Tampered


class Reader:
    """The first ``size`` leaves of a log; any number of readers may stand beside one writer.

    What it reads is not checked against the signed root: a proof that it gives is checked by
    whoever receives it, and ``verify_log`` checks the whole directory.
    """

    def __init__(self, directory: Path, size: int) -> None:
        self.directory = directory
        self.size = size

    def entry(self, index: int) -> bytes:
        """One entry.

        Raises:
            NotFound: the log has no such entry.
            Tampered: its bundle is missing or damaged.
        """
        if not 0 <= index < self.size:
            raise NotFound(f"the log has no entry {index}; it holds {self.size}")
        return next(self.entries(index, index + 1))

    def entries(self, start: int, stop: int) -> Iterator[bytes]:
        """The entries from ``start`` up to, and without, ``stop`` (cut to the log's size).

        Raises:
            Tampered: a bundle is missing or damaged; the text names it.
        """
        stop = min(stop, self.size)
        while start < stop:
            index, first = divmod(start, WIDTH)
            last = min(WIDTH, stop - index * WIDTH)
            yield from self.tile(ENTRIES, index)[first:last]
            start = index * WIDTH + last

    def root(self, size: int) -> bytes:
        """The 32-byte root over the first ``size`` leaves.

        Raises:
            BadInput: the log is smaller.
            Tampered: a tile is missing or damaged.
        """
        self._inside(size)
        return self._subtree()(0, size)

    def inclusion(self, index: int, size: int) -> list[bytes]:
        """The path that shows leaf ``index`` in the tree of ``size`` (RFC 9162 §2.1.3.1).

        Raises:
            BadInput: not ``0 <= index < size <= self.size``.
            Tampered: a tile is missing or damaged.
        """
        self._inside(index, index + 1, size)
        return inclusion_path(index, size, subtree=self._subtree())

    def consistency(self, old: int, new: int) -> list[bytes]:
        """The path that shows the tree of ``new`` begins with that of ``old`` (RFC 9162 §2.1.4.1).

        Raises:
            BadInput: not ``0 <= old <= new <= self.size``.
            Tampered: a tile is missing or damaged.
        """
        self._inside(old, new)
        return consistency_path(old, new, subtree=self._subtree())

    def tile(self, level: int, index: int) -> list[bytes]:
        """What a tile holds at this size: up to 256 hashes, or entries at level ``ENTRIES``.

        A partial tile may have grown since; the fuller file begins with the same hashes.

        Raises:
            Tampered: no file holds enough.
        """
        wanted = Tile(level, index, width_at(level, index, size=self.size))
        unpack = unpack_entries if level == ENTRIES else unpack_hashes
        for path in self._candidates(wanted):
            try:
                data = path.read_bytes()
            except FileNotFoundError:
                continue
            try:
                held = unpack(data)
            except Tampered as fault:
                raise Tampered(f"{path.relative_to(self.directory)}: {fault}") from None
            if len(held) < wanted.width:
                raise Tampered(f"{path.relative_to(self.directory)} holds too little")
            return held[: wanted.width]
        raise Tampered(f"{wanted.path} is missing")

    def _candidates(self, wanted: Tile) -> Iterator[Path]:
        yield self.directory / wanted.path
        yield self.directory / Tile(wanted.level, wanted.index).path
        beside = (self.directory / wanted.path).parent
        if not wanted.full and beside.is_dir():
            widths = sorted(int(p.name) for p in beside.iterdir() if p.name.isdigit())
            yield from (beside / str(width) for width in widths if width > wanted.width)

    def _subtree(self) -> Subtree:
        """The tree as merkle.py sees it; each tile is read once per proof."""
        tile: Callable[[int, int], list[bytes]] = cache(self.tile)

        def nodes(level: int, first: int, *, last: int) -> list[bytes]:
            held = tile(level, first // WIDTH) if first < last else []
            return held[first % WIDTH : first % WIDTH + last - first]

        def subtree(start: int, stop: int) -> bytes:
            tail = list[bytes]()  # one hash for the leaves right of the level's last whole node
            for level in count() if start < stop else ():
                first, last = start // span(level), stop // span(level)
                if first // WIDTH == (last + len(tail) - 1) // WIDTH:
                    return tree_head(nodes(level, first, last=last) + tail)
                right = nodes(level, last - last % WIDTH, last=last) + tail
                tail = [tree_head(right)] if right else []
            return EMPTY_HEAD

        return subtree

    def _inside(self, *sizes: int) -> None:
        if not all(low <= high for low, high in pairwise((0, *sizes, self.size))):
            raise BadInput(f"no proof from {sizes[0]} to {sizes[-1]}: the log holds {self.size}")
