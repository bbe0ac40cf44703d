"""Names of things and hashes of content.

Every identity begins with its tenant (the bank whose books it stands in); nothing is looked up
without one. Content hashes are SHA-256 over deterministic CBOR (RFC 8949 §4.2.1).
"""

import hashlib
import re
from typing import Any, Final, NamedTuple, NewType

import cbor2

from wuxin.terms.errors import BadInput

Tenant = NewType("Tenant", str)
"""The bank (lessor, insurer) whose records these are."""

Digest = NewType("Digest", str)
"""A SHA-256 in 64 lower-case hexadecimal digits."""

_TENANT: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")


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
    return cbor2.dumps(record, canonical=True)


def digest(data: bytes) -> Digest:
    """SHA-256 of bytes, in hexadecimal."""
    return Digest(hashlib.sha256(data).hexdigest())


def content_id(record: Any) -> Digest:
    """The identity of a record: the digest of its canonical form."""
    return digest(canonical(record))
