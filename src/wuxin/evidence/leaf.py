"""What stands in the log: one leaf per batch, finding or act, sealed so that it says nothing.

A leaf is deterministic CBOR (RFC 8949 §4.2):

    {"v": 1, "kind": "finding", "n": 17, "at": 1228118400000000000, "commit": 32 bytes, …}

``commit`` is SHA-256(salt ‖ canonical record). Whoever is shown the record and its salt can check
that this is what was logged; whoever has the log alone learns only that something of this kind
was logged, when, and the extra fields beside it, which must hold no personal data.

To forget a person, delete the record and its salt: the leaf stays, the log stays valid, and nobody
can read it any more. Salts are derived here, so the operator, who keeps the secret, could still try
guesses at a deleted record; where that matters, give each period its own secret and destroy it too.
"""

import hashlib
import hmac
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, NamedTuple, Self

import cbor2

from wuxin.evidence.layout import MAX_ENTRY
from wuxin.terms.durable import private_file
from wuxin.terms.errors import BadInput
from wuxin.terms.names import canonical

Plain = int | str | bytes | bool
"""What may stand in an extra field."""

VERSION: Final = 1

_KIND: Final = re.compile(r"[a-z][a-z0-9_-]{0,31}")
_FIXED: Final = {"v", "kind", "n", "at", "commit"}


class Sealed(NamedTuple):
    """A record's salt, to be kept beside the record, and its commitment, to be logged."""

    salt: bytes
    commit: bytes


@dataclass(frozen=True)
class Leaf:
    """One entry of the log, read.

    ``n`` is the sequence number within its kind, ``at`` the event or arrival time in nanoseconds,
    ``commit`` 32 bytes, ``extra`` the plain fields beside them.
    """

    kind: str
    n: int
    at: int
    commit: bytes
    extra: dict[str, Plain] = field(default_factory=dict)


class Sealer:
    """Seals records under a secret: the same journal and secret give the same log, bit for bit.

    Args:
        secret: at least 32 bytes that stay with the operator.

    Raises:
        BadInput: the secret is shorter.
    """

    def __init__(self, secret: bytes) -> None:
        if len(secret) < 32:
            raise BadInput(f"a sealing secret has at least 32 bytes, not {len(secret)}")
        self._secret = secret

    @classmethod
    def from_file(cls, path: Path) -> Self:
        """Read the secret from a file only its owner can read; the first time, make one.

        Raises:
            BadInput: the file may be read by others or is too short.
        """
        return cls(private_file(path, lambda: secrets.token_bytes(32)))

    def salt(self, kind: str, record_id: str) -> bytes:
        """The 32-byte salt of one record: HMAC-SHA-256(secret, kind ‖ 0x00 ‖ record id)."""
        return hmac.digest(self._secret, f"{_kind(kind)}\0{record_id}".encode(), "sha256")

    def seal(self, kind: str, record_id: str, *, record: Any) -> Sealed:
        """Salt and commitment of a record made of plain values."""
        salt = self.salt(kind, record_id)
        return Sealed(salt, commitment(salt, record))


def commitment(salt: bytes, record: Any) -> bytes:
    """SHA-256(salt ‖ canonical record), 32 bytes."""
    return hashlib.sha256(salt + canonical(record)).digest()


def leaf(
    kind: str, commit: bytes, *, n: int, at: int, extra: Mapping[str, Plain] | None = None
) -> bytes:
    """The bytes of one leaf.

    Args:
        kind: what was logged: lower-case letters, digits, ``-`` and ``_``, at most 32.
        commit: 32 bytes from :meth:`Sealer.seal`.
        n: sequence number within its kind, from 0.
        at: event or arrival time, nanoseconds since 1970 UTC.
        extra: plain fields anyone may read; never personal data.

    Raises:
        BadInput: a field is not as above, or the leaf is longer than 65,535 bytes.
    """
    fields = {"v": VERSION, "kind": kind, "n": n, "at": at, "commit": commit, **(extra or {})}
    if _FIXED & set(extra or {}):
        raise BadInput(f"extra fields of a leaf may not be called {', '.join(sorted(_FIXED))}")
    _parse(fields)
    data = canonical(fields)
    if len(data) > MAX_ENTRY:
        raise BadInput(f"a leaf of {len(data)} bytes is longer than {MAX_ENTRY}")
    return data


def read_leaf(data: bytes) -> Leaf:
    """Read the bytes of one leaf.

    Raises:
        BadInput: they are not the deterministic form of a leaf.
    """
    try:
        fields = cbor2.loads(data)
        same = canonical(fields) == data
    except cbor2.CBORError as error:
        raise BadInput(f"this entry is not CBOR: {error}") from None
    if not isinstance(fields, dict) or not same:
        raise BadInput("this entry is not a map in deterministic CBOR")
    return _parse(fields)


def opens(leaf: bytes, salt: bytes, *, record: Any) -> bool:
    """Whether this record with this salt is what the leaf commits to.

    Raises:
        BadInput: ``leaf`` is not the bytes of a leaf.
    """
    return hmac.compare_digest(read_leaf(leaf).commit, commitment(salt, record))


def _parse(fields: Mapping[str, Any]) -> Leaf:
    version, kind, n, at, commit = (fields.get(k) for k in ("v", "kind", "n", "at", "commit"))
    if type(version) is not int or version != VERSION:  # true and 1.0 are equal to 1, too
        raise BadInput(f"this leaf is not of version {VERSION}, the one this program reads")
    if type(n) is not int or type(at) is not int or n < 0 or not _is_int64(n) or not _is_int64(at):
        raise BadInput("n and at of a leaf are 64-bit integers, and n is not negative")
    if not isinstance(commit, bytes) or len(commit) != 32:
        raise BadInput("the commitment of a leaf is 32 bytes")
    extra = {name: value for name, value in fields.items() if name not in _FIXED}
    for name, value in extra.items():
        if not (isinstance(name, str) and isinstance(value, Plain)) or not _is_int64(value):
            raise BadInput("extra fields of a leaf are 64-bit integers, text, bytes or bool")
    return Leaf(_kind(kind), n, at, commit, extra)


def _is_int64(value: Plain) -> bool:
    return not isinstance(value, int) or -(1 << 63) <= value < 1 << 63


def _kind(kind: object) -> str:
    if not isinstance(kind, str) or not _KIND.fullmatch(kind):
        raise BadInput(f"{kind!r} is not a kind of leaf; write for example finding")
    return kind
