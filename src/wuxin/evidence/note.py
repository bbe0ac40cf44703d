"""Signed notes and checkpoints: a tree head as three lines of text under an Ed25519 signature.

Source: C2SP signed-note and tlog-checkpoint; Ed25519 is RFC 8032.
"""

import base64
import binascii
import hashlib
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple, Protocol, Self

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from wuxin.terms.durable import private_file
from wuxin.terms.errors import BadInput, Tampered

_ED25519: Final = b"\x01"
_NAME: Final = re.compile(r"[^\s+\x00-\x20]+")
_SIZE: Final = re.compile(r"0|[1-9][0-9]{0,18}")
_DASH: Final = "— "
_MAX_NOTE: Final = 1 << 20


@dataclass(frozen=True)
class Head:
    """A tree head: whose log, how many leaves, and the 32-byte root over them."""

    origin: str
    size: int
    root: bytes

    @property
    def body(self) -> str:
        """The three lines that are signed (C2SP tlog-checkpoint)."""
        return f"{self.origin}\n{self.size}\n{_encode(self.root)}\n"


class Signer(Protocol):
    """Something that signs notes: a key on disk, or a module that never lets its key out."""

    @property
    def name(self) -> str:
        """The key's name, by custom the log's origin; without spaces and plus signs."""

    @property
    def key_id(self) -> bytes:
        """Four bytes that tell this key from others of the same name."""

    @property
    def vkey(self) -> str:
        """The verifier key to hand out: ``name+hash+base64``."""

    def sign(self, message: bytes) -> bytes:
        """The signature over a note's text."""


@dataclass(frozen=True)
class Ed25519Signer:
    """A signer whose private key lies in the memory of this process."""

    name: str
    key: Ed25519PrivateKey

    def __post_init__(self) -> None:
        _checked_name(self.name)

    @classmethod
    def from_file(cls, path: Path, *, name: str) -> Self:
        """Read the key from a file (PKCS #8 PEM, or its 32 raw bytes); the first time, make one.

        Raises:
            BadInput: the file holds no Ed25519 key or may be read by others, or the name is wrong.
        """
        data = private_file(path, _new_key)
        try:
            if len(data) == 32:
                return cls(name, Ed25519PrivateKey.from_private_bytes(data))
            key = serialization.load_pem_private_key(data, password=None)
        except (ValueError, TypeError):
            raise BadInput(f"{path} holds no unencrypted private key") from None
        if not isinstance(key, Ed25519PrivateKey):
            raise BadInput(f"{path} holds a key that is not Ed25519")
        return cls(name, key)

    @property
    def key_id(self) -> bytes:
        """Four bytes of a hash over name and public key (C2SP signed-note)."""
        return _key_id(self.name, self._public())

    @property
    def vkey(self) -> str:
        """The verifier key to hand out: ``name+hash+base64``."""
        return f"{self.name}+{self.key_id.hex()}+{_encode(_ED25519 + self._public())}"

    def sign(self, message: bytes) -> bytes:
        """The 64-byte signature; the same message always gives the same one (RFC 8032)."""
        return self.key.sign(message)

    def _public(self) -> bytes:
        return self.key.public_key().public_bytes_raw()


class Verifier(NamedTuple):
    """An Ed25519 verifier key, taken apart."""

    name: str
    key_id: bytes
    public: bytes

    @classmethod
    def parse(cls, vkey: str) -> Self:
        """Read ``name+hash+base64``.

        Raises:
            BadInput: it is not of that form, not Ed25519, or its hash is not that of its key.
        """
        try:
            name, key_id, encoded = vkey.strip().split("+", 2)
            key = _decode(encoded)
        except ValueError:
            raise BadInput(f"{vkey!r} is not a verifier key; write name+hash+base64") from None
        if key[:1] != _ED25519 or len(key) != 33:
            raise BadInput(f"the verifier key of {name} is not an Ed25519 key")
        if _key_id(_checked_name(name), key[1:]).hex() != key_id:
            raise BadInput(f"the verifier key of {name} was mistyped: its hash is not {key_id}")
        return cls(name, bytes.fromhex(key_id), key[1:])


def sign_checkpoint(head: Head, *signers: Signer) -> str:
    """The signed checkpoint of a tree head, one signature line per signer.

    Raises:
        BadInput: no signer was given, or the origin is not one line of text.
    """
    if not signers or not head.origin or not head.origin.isprintable():
        raise BadInput("a checkpoint needs a signer and an origin of one line")
    lines = (f"{_DASH}{s.name} {_encode(s.key_id + s.sign(head.body.encode()))}\n" for s in signers)
    return f"{head.body}\n{''.join(lines)}"


def open_checkpoint(text: str, vkey: str) -> Head:
    """The tree head in a checkpoint, once the signature of ``vkey`` on it has been checked.

    Signatures of other keys are ignored, as C2SP signed-note demands.

    Raises:
        BadInput: ``vkey`` is no verifier key.
        Tampered: no valid signature of that key, or the text is not a checkpoint.
    """
    verifier = Verifier.parse(vkey)
    body, signatures = read_note(text)
    good = False
    for found in signatures:
        if (found.name, found.key_id) == (verifier.name, verifier.key_id):
            _check(verifier, body, signature=found.signature)
            good = True
    if not good:
        raise Tampered(f"the checkpoint carries no signature of {verifier.name}")
    return read_body(body)


class Signed(NamedTuple):
    """One signature line of a note, taken apart."""

    name: str
    key_id: bytes
    signature: bytes


def read_note(text: str) -> tuple[str, list[Signed]]:
    """The signed text of a note, with its last newline, and its signatures; none is checked yet.

    Raises:
        Tampered: the text is not a signed note.
    """
    if len(text) > _MAX_NOTE or any(ord(c) < 32 and c != "\n" for c in text):
        raise Tampered("the checkpoint is not a signed note")
    body, blank, tail = text.rpartition("\n\n")
    if not blank or not tail.endswith("\n"):
        raise Tampered("the checkpoint has no signature lines")
    return f"{body}\n", [read_signature(line) for line in tail[:-1].split("\n")]


def read_body(body: str) -> Head:
    """The tree head that the text of a checkpoint says.

    Raises:
        Tampered: the text is not that of a checkpoint.
    """
    lines = body[:-1].split("\n")
    if len(lines) < 3 or not all(lines) or not _SIZE.fullmatch(lines[1]):
        raise Tampered("the signed text is not a checkpoint")
    try:
        root = _decode(lines[2])
    except ValueError:
        root = b""
    if len(root) != 32:
        raise Tampered("the root in the checkpoint is not 32 bytes in base64")
    return Head(lines[0], int(lines[1]), root)


def read_signature(line: str) -> Signed:
    """One signature line, without its newline.

    Raises:
        Tampered: the line is malformed.
    """
    parts = line.removeprefix(_DASH).split(" ")
    if not line.startswith(_DASH) or len(parts) != 2 or not _NAME.fullmatch(parts[0]):
        raise Tampered("a signature line of the checkpoint is malformed")
    try:
        blob = _decode(parts[1])
    except ValueError:
        raise Tampered("a signature in the checkpoint is not base64") from None
    return Signed(parts[0], blob[:4], blob[4:])


def _check(verifier: Verifier, body: str, *, signature: bytes) -> None:
    try:
        Ed25519PublicKey.from_public_bytes(verifier.public).verify(signature, body.encode())
    except (InvalidSignature, ValueError):
        raise Tampered(f"the signature of {verifier.name} does not fit the checkpoint") from None


def key_hash(name: str, key: bytes) -> bytes:
    """The four bytes that tell a key from others: of its name, and its algorithm's byte and key."""
    return hashlib.sha256(name.encode() + b"\n" + key).digest()[:4]


def _key_id(name: str, public: bytes) -> bytes:
    return key_hash(name, _ED25519 + public)


def _checked_name(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise BadInput(f"key name {name!r} is empty or has spaces or plus signs")
    return name


def _encode(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _decode(text: str) -> bytes:
    """Standard base64; refuses spare bits, so that no changed character goes unseen."""
    try:
        data = base64.b64decode(text.encode("ascii"), validate=True)
    except (binascii.Error, UnicodeEncodeError) as error:
        raise ValueError(str(error)) from None
    if _encode(data) != text:
        raise ValueError("not in its one spelling")
    return data


def _new_key() -> bytes:
    return Ed25519PrivateKey.generate().private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
