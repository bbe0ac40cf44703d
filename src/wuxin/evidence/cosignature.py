"""Cosignatures: an outsider's timed statement that it has seen a log at some size, and no other.

    cosignature/v1
    time 1679315147
    … the three lines of the checkpoint

is what is signed, with Ed25519; the line in the checkpoint carries the time before the signature.
Source: C2SP tlog-cosignature.
"""

import base64
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple, Self

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from wuxin.evidence.note import Ed25519Signer, key_hash, read_note, read_signature
from wuxin.terms.errors import BadInput, Tampered

_COSIGNATURE: Final = b"\x04"


class Witnessed(NamedTuple):
    """A good cosignature: of which key, when (s since 1970), and its line in the checkpoint."""

    vkey: str
    at: int
    line: str


@dataclass(frozen=True)
class Cosigner:
    """A witness's key, used for nothing but cosignatures."""

    signer: Ed25519Signer

    @classmethod
    def from_file(cls, path: Path, *, name: str) -> Self:
        """Read the key from a file; the first time, make one.

        Raises:
            BadInput: as :meth:`Ed25519Signer.from_file`.
        """
        return cls(Ed25519Signer.from_file(path, name=name))

    @property
    def vkey(self) -> str:
        """The verifier key to hand out: ``name+hash+base64``, of type 0x04."""
        key = _COSIGNATURE + self.signer.key.public_key().public_bytes_raw()
        return f"{self.signer.name}+{key_hash(self.signer.name, key).hex()}+{_encode(key)}"

    def cosign(self, body: str, *, at: int) -> str:
        """The signature line, without its newline, on a checkpoint's text at a time (s)."""
        if not 0 <= at < 1 << 63:
            raise BadInput(f"{at} is not a time of a cosignature")
        key = CosignatureKey.parse(self.vkey)
        signed = self.signer.sign(_message(body, at))
        return f"— {key.name} {_encode(key.key_id + at.to_bytes(8, 'big') + signed)}"


class CosignatureKey(NamedTuple):
    """A witness's verifier key, taken apart."""

    name: str
    key_id: bytes
    public: bytes

    @classmethod
    def parse(cls, vkey: str) -> Self:
        """Read ``name+hash+base64``.

        Raises:
            BadInput: it is not of that form, not an Ed25519 cosignature key, or was mistyped.
        """
        try:
            name, key_id, encoded = vkey.strip().split("+", 2)
            key = base64.b64decode(encoded, validate=True)
        except ValueError:
            raise BadInput(f"{vkey!r} is not a witness's key; write name+hash+base64") from None
        if key[:1] != _COSIGNATURE or len(key) != 33:
            raise BadInput(f"the key of {name} is not an Ed25519 cosignature key (type 0x04)")
        if key_hash(name, key).hex() != key_id:
            raise BadInput(f"the key of {name} was mistyped: its hash is not {key_id}")
        return cls(name, bytes.fromhex(key_id), key[1:])


def witnessed(checkpoint: str, vkey: str) -> Witnessed | None:
    """The good cosignature of a witness on a checkpoint; None where it has not cosigned.

    Raises:
        BadInput: ``vkey`` is no witness's key.
        Tampered: a cosignature of that key is there and does not fit, or this is no note.
    """
    key = CosignatureKey.parse(vkey)
    body, signatures = read_note(checkpoint)
    for name, key_id, signature in signatures:
        if (name, key_id) == (key.name, key.key_id):
            at = int.from_bytes(signature[:8], "big")
            try:
                public = Ed25519PublicKey.from_public_bytes(key.public)
                public.verify(signature[8:], _message(body, at))  # any length but 64 is invalid
            except (InvalidSignature, ValueError):
                raise Tampered(f"the cosignature of {name} does not fit the checkpoint") from None
            return Witnessed(vkey, at, f"— {name} {_encode(key_id + signature)}")
    return None


def with_cosignatures(checkpoint: str, answer: str, *, vkeys: Iterable[str]) -> str:
    """A checkpoint with those lines of a witness's answer that one of these keys made.

    Lines of unknown keys are left out, as C2SP tlog-witness demands.

    Raises:
        Tampered: a line is malformed, or is of one of the keys and does not fit.
    """
    for line in answer.splitlines():
        read_signature(line)
    kept = [w.line for v in vkeys if (w := witnessed(checkpoint + answer, v)) is not None]
    return checkpoint + "".join(f"{line}\n" for line in kept if line not in checkpoint)


def _message(body: str, at: int) -> bytes:
    return f"cosignature/v1\ntime {at}\n{body}".encode()


def _encode(data: bytes) -> str:
    return base64.b64encode(data).decode()
