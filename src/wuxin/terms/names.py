"""Names of things and hashes of content.

Every identity begins with its tenant (the bank whose books it stands in); nothing is looked up
without one. Content hashes are SHA-256 over deterministic CBOR (RFC 8949 §4.2.1).
"""

import hashlib
import re
import struct
from typing import Any, Final, NamedTuple, NewType

import cbor2

from wuxin.terms.errors import BadInput

Tenant = NewType("Tenant", str)
"""The bank (lessor, insurer) whose records these are."""

Digest = NewType("Digest", str)
"""A SHA-256 in 64 lower-case hexadecimal digits."""

_TENANT: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")


_LONG: Final = (b"\xfa\x47", b"\xfa\xc7")
"""How floats of 32768 to 65535 begin in four bytes, above and below zero."""


class ThingKey(NamedTuple):
    """A thing inside one tenant: its kind (declared by a pack) and the id its devices report."""

    kind: str
    id: str

    def __str__(self) -> str:
        return f"{self.kind}:{self.id}"


def tenant(text: str) -> Tenant:
    """Check a tenant's name: lower-case letters, digits and hyphens, at most 63.

    Raises:
        BadInput: the name is not of that form.
    """
    if not _TENANT.fullmatch(text):
        raise BadInput(f"tenant {text!r} is not lower-case letters, digits and hyphens")
    return Tenant(text)


def thing_key(text: str) -> ThingKey:
    """Read ``kind:id``, the written form of a :class:`ThingKey`.

    Raises:
        BadInput: there is no colon, or a part is empty.
    """
    kind, colon, ident = text.partition(":")
    if not (kind and colon and ident):
        raise BadInput(f"{text!r} does not name a thing; write kind:id, for example inverter:INV-1")
    return ThingKey(kind, ident)


def canonical(record: Any) -> bytes:
    """Deterministic CBOR of plain values (maps sorted, shortest forms), RFC 8949 §4.2.1."""
    data = cbor2.dumps(record, canonical=True)
    return _shortest(record) if any(head in data for head in _LONG) else data


def _shortest(record: Any) -> bytes:
    """The same, with floats of 32768 to 65504 in two bytes where these give them back.

    cbor2 writes them in four, which is not the shortest form: a stranger's verifier would find
    another hash. Ten hours are 36,000 seconds, so that this is not rare.
    """
    if isinstance(record, float):
        data = cbor2.dumps(record, canonical=True)
        if data[:2] not in _LONG:
            return data
        try:
            half = struct.pack(">e", record)
        except OverflowError:
            return data
        return b"\xf9" + half if struct.unpack(">e", half)[0] == record else data
    if isinstance(record, list | tuple):
        return _head(4, len(record)) + b"".join(map(_shortest, record))
    if isinstance(record, dict):
        pairs = sorted((_shortest(name), _shortest(inner)) for name, inner in record.items())
        return _head(5, len(pairs)) + b"".join(name + inner for name, inner in pairs)
    return cbor2.dumps(record, canonical=True)


def _head(major: int, number: int) -> bytes:
    """The head of an array (4) or a map (5): an unsigned number's, under another major type."""
    head = cbor2.dumps(number, canonical=True)
    return bytes([head[0] | major << 5]) + head[1:]


def digest(data: bytes) -> Digest:
    """SHA-256 of bytes, in hexadecimal."""
    return Digest(hashlib.sha256(data).hexdigest())


def content_id(record: Any) -> Digest:
    """The identity of a record: the digest of its canonical form."""
    return digest(canonical(record))
