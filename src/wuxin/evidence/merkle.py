"""Merkle trees over SHA-256: heads, inclusion and consistency, as pure functions.

A tree is seen through one function, ``subtree(start, stop)``, which gives the hash of the leaves
``start`` to ``stop``; it may read a list in memory or tiles on disk, the proofs are the same.
Source: RFC 6962 §2.1; the checks follow RFC 9162 §2.1.3.2 and §2.1.4.2.
"""

import hashlib
from collections.abc import Callable, Sequence
from typing import Final

Subtree = Callable[[int, int], bytes]
"""The 32-byte hash of the leaves from ``start`` to ``stop``, a node of the tree."""

EMPTY_HEAD: Final = hashlib.sha256(b"").digest()


def leaf_hash(entry: bytes) -> bytes:
    """The 32-byte hash of one entry (RFC 6962 §2.1: prefix 0x00)."""
    return hashlib.sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The 32-byte hash of an inner node (RFC 6962 §2.1: prefix 0x01)."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def tree_head(hashes: Sequence[bytes]) -> bytes:
    """The head of a tree over these 32-byte hashes; of none, the hash of nothing (RFC 6962 §2.1).

    Pairing neighbours row by row and carrying an odd last one up gives the tree that the RFC
    defines by splitting, without recursion.
    """
    row = list(hashes)
    while len(row) > 1:
        above = [node_hash(row[i], row[i + 1]) for i in range(0, len(row) - 1, 2)]
        if len(row) % 2:
            above.append(row[-1])
        row = above
    return row[0] if row else EMPTY_HEAD


def subtree_of(hashes: Sequence[bytes]) -> Subtree:
    """See leaf hashes held in memory as a tree."""
    return lambda start, stop: tree_head(hashes[start:stop])


def inclusion_path(index: int, size: int, *, subtree: Subtree) -> list[bytes]:
    """The hashes, from the leaf's sibling up, that show leaf ``index`` is in the tree of ``size``.

    Source: RFC 9162 §2.1.3.1. ``0 <= index < size`` is the caller's duty.
    """
    start, stop, path = 0, size, list[bytes]()
    while stop - start > 1:
        middle = start + _split(stop - start)
        if index < middle:
            path.append(subtree(middle, stop))
            stop = middle
        else:
            path.append(subtree(start, middle))
            start = middle
    return path[::-1]


def check_inclusion(
    index: int, size: int, *, leaf: bytes, path: Sequence[bytes], root: bytes
) -> bool:
    """Whether ``path`` leads from the 32-byte ``leaf`` hash at ``index`` to ``root``.

    Source: RFC 9162 §2.1.3.2.
    """
    if not 0 <= index < size:
        return False
    node, last, found = index, size - 1, leaf
    for hashed in path:
        if last == 0:
            return False
        if node & 1 or node == last:
            found = node_hash(hashed, found)
            while node and not node & 1:
                node, last = node >> 1, last >> 1
        else:
            found = node_hash(found, hashed)
        node, last = node >> 1, last >> 1
    return last == 0 and found == root


def consistency_path(old: int, new: int, *, subtree: Subtree) -> list[bytes]:
    """The hashes that show the tree of size ``new`` begins with the tree of size ``old``.

    Empty where there is nothing to show: ``old`` is 0 or equals ``new``.
    Source: RFC 9162 §2.1.4.1. ``0 <= old <= new`` is the caller's duty.
    """
    if old == 0:
        return []
    start, stop, path = 0, new, list[bytes]()
    while stop != old:
        middle = start + _split(stop - start)
        if old <= middle:
            path.append(subtree(middle, stop))
            stop = middle
        else:
            path.append(subtree(start, middle))
            start = middle
    if start:
        path.append(subtree(start, stop))
    return path[::-1]


def check_consistency(
    old: int, new: int, *, old_root: bytes, new_root: bytes, path: Sequence[bytes]
) -> bool:
    """Whether ``path`` shows that the tree under ``new_root`` begins with that under ``old_root``.

    Source: RFC 9162 §2.1.4.2, with the two cases that need no path decided before it.
    """
    if not 0 <= old <= new:
        return False
    if old in (0, new):
        return not path and old_root == (new_root if old == new else EMPTY_HEAD)
    hashes = [old_root, *path] if old & (old - 1) == 0 else list(path)
    if not hashes:
        return False
    node, last = old - 1, new - 1
    while node & 1:
        node, last = node >> 1, last >> 1
    older = newer = hashes[0]
    for hashed in hashes[1:]:
        if last == 0:
            return False
        if node & 1 or node == last:
            older, newer = node_hash(hashed, older), node_hash(hashed, newer)
            while node and not node & 1:
                node, last = node >> 1, last >> 1
        else:
            newer = node_hash(newer, hashed)
        node, last = node >> 1, last >> 1
    return last == 0 and older == old_root and newer == new_root


def _split(span: int) -> int:
    """The largest power of two smaller than ``span`` (RFC 6962 §2.1)."""
    return 1 << ((span - 1).bit_length() - 1)
