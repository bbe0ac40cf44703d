"""Secret shares, as an owner makes them and reads them: NumPy and the system's randomness alone.

A value x of the ring of 64 bits is the sum of three parts, two of them uniformly random; the node
of rank i holds parts i and i+1 (replicated sharing; Mohassel, Rindal, ABY3, CCS 2018, §4). Reals
are fixed point with 18 bits after the point. No node learns anything from its two parts; two nodes
together have all three.
"""

import hashlib
import os
import secrets
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

import numpy as np

from wuxin.joint.schema import Column, Table, checked
from wuxin.terms.errors import BadInput, Tampered
from wuxin.terms.names import canonical

FRACTION: Final = 1 << 18
SALT: Final = 32


class Part(NamedTuple):
    """One of three parts of a table: its salt, and the bytes of each column (uint64, LE)."""

    salt: bytes
    columns: dict[str, bytes]

    @property
    def commitment(self) -> str:
        """SHA-256 over salt, names, lengths and bytes, in hexadecimal."""
        summed = hashlib.sha256(self.salt)
        for name, data in sorted(self.columns.items()):
            summed.update(canonical([name, len(data)]))
            summed.update(data)
        return summed.hexdigest()


class Half(NamedTuple):
    """What one node holds of a result: both of its parts, as SPU stored them.

    ``storage`` is SPU's type of the share, ``kind`` the element type, such as ``f32``.
    """

    storage: str
    kind: str
    shape: tuple[int, ...]
    content: bytes


def split(table: Table, columns: Mapping[str, Column]) -> tuple[Part, Part, Part]:
    """Split a table into three parts.

    Args:
        table: the columns, arrays with the rows first.
        columns: how the contract describes them.

    Raises:
        BadInput: a column is missing, unknown or not as described.
    """
    if set(table) != set(columns):
        raise BadInput(f"the columns are {sorted(table)}, the contract says {sorted(columns)}")
    parts = tuple(Part(secrets.token_bytes(SALT), {}) for _ in range(3))
    for name, column in columns.items():
        rings = _split(encoded(table[name], column, name=name))
        for part, ring in zip(parts, rings, strict=True):
            part.columns[name] = ring.tobytes()
    return parts[0], parts[1], parts[2]


def encoded(values: Any, column: Column, *, name: str) -> Any:
    """Values as elements of the ring, uint64, in the column's shape.

    Raises:
        BadInput: they are not as the column says.
    """
    array = checked(values, column, name=name)
    if column.kind == "real":
        array = np.rint(array.astype(np.float64) * FRACTION)
    return array.astype(np.int64).view("<u8")


def data_commitment(table: Table, columns: Mapping[str, Column], *, salt: bytes) -> str:
    """What commits an owner to a table itself: SHA-256 over a secret salt and its encoding.

    In a dispute the owner shows table and salt, the nodes show the commitments of the parts.
    """
    summed = hashlib.sha256(salt)
    for name, column in sorted(columns.items()):
        summed.update(canonical([name, column.kind, list(column.shape)]))
        summed.update(encoded(table[name], column, name=name).tobytes())
    return summed.hexdigest()


def joined(halves: Sequence[Half], *, name: str, nodes: Sequence[str]) -> Any:
    """A result from what the three nodes handed out, once they agree on what they share.

    Args:
        halves: by rank.
        name: the result, for the sentence of a refusal.
        nodes: the nodes' names by rank.

    Returns:
        An array of float64, int64 or bool in the result's shape.

    Raises:
        Tampered: two nodes differ in the part that both hold; the sentence names them, and the
            node that is at odds with both others.
        BadInput: the storage is not known.
    """
    first = halves[0]
    if {half[:3] for half in halves} != {first[:3]}:
        raise Tampered(f"the nodes describe the result {name} differently")
    if first.storage.startswith("Pub2k"):
        if len({half.content for half in halves}) != 1:
            raise Tampered(f"the nodes differ in the public result {name}")
        return _decoded(np.frombuffer(first.content, "<u8"), first)
    boolean = first.storage.startswith("aby3.BShr<PT_U")
    if not boolean and not first.storage.startswith("aby3.AShr<FM64>"):
        raise BadInput(f"the result {name} is stored as {first.storage}, which is not known")
    kind = f"<u{_bytes(first.storage)}" if boolean else "<u8"
    pairs = [np.frombuffer(half.content, kind).reshape(-1, 2) for half in halves]
    _agree(pairs, name=name, nodes=nodes)
    a, b, c = (pair[:, 0] for pair in pairs)
    return _decoded(a ^ b ^ c if boolean else a + b + c, first)


def _split(ring: Any) -> tuple[Any, Any, Any]:
    first = np.frombuffer(os.urandom(ring.nbytes), "<u8").reshape(ring.shape)
    second = np.frombuffer(os.urandom(ring.nbytes), "<u8").reshape(ring.shape)
    with np.errstate(over="ignore"):
        return first, second, ring - first - second


def _agree(pairs: Sequence[Any], *, name: str, nodes: Sequence[str]) -> None:
    odd = [
        {nodes[rank], nodes[(rank + 1) % 3]}
        for rank in range(3)
        if not np.array_equal(pairs[rank][:, 1], pairs[(rank + 1) % 3][:, 0])
    ]
    if odd:
        liar = set.intersection(*odd) if len(odd) == 2 else set()
        at_odds = "; ".join(" and ".join(sorted(pair)) for pair in odd)
        named = f": {liar.pop()} is at odds with both others" if liar else ""
        raise Tampered(f"the nodes do not agree on the result {name} ({at_odds}){named}")


def _decoded(ring: Any, half: Half) -> Any:
    signed = ring.astype(np.uint64).view(np.int64)
    if half.kind.startswith("f"):
        return (signed / FRACTION).reshape(half.shape)
    if half.kind == "i1":
        return (signed & 1).astype(bool).reshape(half.shape)
    return signed.reshape(half.shape)


def _bytes(storage: str) -> int:
    bits = int(storage.removeprefix("aby3.BShr<PT_U").partition(",")[0].rstrip(">"))
    if bits not in (8, 16, 32, 64):
        raise BadInput(f"a result is stored as {storage}, which is not known")
    return bits // 8
