"""Frames that are signed where they are measured: COSE_Sign1 with Ed25519 around a batch.

    18([ h'A2 01 27 04 45 …',      protected: {1: -8 (EdDSA), 4: the key's id}
         {},                       unprotected: whatever stands here is not signed
         h'…',                     payload: a list of frames or one, in CBOR; or one in JSON
         h'…' ])                   64 bytes of signature

One signature costs as much as many readings, so a device signs a batch. What a key is for is said
elsewhere: a decoder without key reads the frames and says that the signature is unchecked.
The signature is checked with `cryptography` in a few lines; a library for all of COSE would bring
other algorithms and its own ways to choose among them, none of which may be chosen by a message.

Source: RFC 9052 §4.2 (COSE_Sign1), §4.4 (what is signed), §3.1 (headers: alg, crit, content type,
kid); RFC 9053 §2.2 (EdDSA, -8); RFC 9864 §2.2 (Ed25519, -19).
"""

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from wuxin.protocols import cbor, native, native_cbor
from wuxin.protocols.octets import BadFrame, plain
from wuxin.terms.errors import BadInput
from wuxin.terms.names import canonical

FRAME_BYTES: Final = 256 * 1024
FRAMES: Final = 1024
KID_BYTES: Final = 64

_SIGN1: Final = 18
_ALG, _CRIT, _KID = 1, 2, 4
_EDDSA: Final = -8
_ED25519: Final = (_EDDSA, -19)
_STARTS: Final = (b"\xd2", b"\x84")
_SIGNATURE: Final = 64
_KEY: Final = 32
_UNCHECKED: Final = "unchecked"
_TRUE: Final = "true"


class Signed(NamedTuple):
    """A message that is taken apart: what is signed, and by which key it says it is."""

    payload: bytes
    kid: bytes
    algorithm: int
    signed: bytes
    signature: bytes


def decode(frame: bytes, *, public_key: bytes | None = None) -> dict[str, Any]:
    """Decode a signed batch of frames; never raises, whatever the bytes.

    Args:
        frame: the COSE_Sign1 message, with or without its tag 18, or the same in hexadecimal.
        public_key: the Ed25519 key that has to have signed it, in PEM or its 32 bytes.

    Returns:
        ``ok`` true with ``message``, ``version``, ``device`` (of the first frame), ``fields``
        (``kid``, ``algorithm``, ``signature``: ``true`` or ``unchecked``, and ``frames``, each with
        ``device``, ``boot``, ``seq`` and ``time``) and ``readings``, each with its ``time`` and, if
        it is not the first frame's device, ``thing``; of a single frame also ``boot``, ``seq`` and
        ``time``; ``signed`` true if the signature is that of the key and the key's id names the
        device of every frame. Or ``ok`` false with ``error`` and ``at``: also if one frame cannot
        be read, or the signature is not that of the key.
    """
    try:
        said = opened(frame)
        if public_key is not None:
            _check(said, public_key)
        frames = _frames(said.payload)
    except BadFrame as bad:
        return bad.answer()
    return _answer(said, frames, proof=_UNCHECKED if public_key is None else _TRUE)


def signer(frame: bytes) -> str:
    """The device by whose key a message is signed, which its key's id names; empty if none is."""
    try:
        return _named(opened(frame).kid)
    except BadFrame:
        return ""


def opened(frame: bytes) -> Signed:
    """Take a message apart, for whoever has to find the key by its id.

    Raises:
        BadFrame: it is no COSE_Sign1 message with an Ed25519 signature and its payload inside.
    """
    item = cbor.read(plain(frame, starts=_STARTS, limit=FRAME_BYTES))
    if isinstance(item, cbor.Tag):
        if item.number != _SIGN1:
            raise BadFrame(f"tag {item.number} is not COSE_Sign1 (18)", "byte 0")
        item = item.value
    if not isinstance(item, list) or len(item) != 4:
        raise BadFrame("a COSE_Sign1 message is a list of four", "$")
    protected, unprotected, payload, signature = item
    if not isinstance(protected, bytes) or not isinstance(unprotected, dict):
        raise BadFrame("the headers are not bytes and a map", "$[0]")
    algorithm, kid = _headers(protected, unprotected)
    if not isinstance(payload, bytes):
        raise BadFrame("the payload is not in the message", "$[2]")
    if not isinstance(signature, bytes) or len(signature) != _SIGNATURE:
        raise BadFrame("the signature is not 64 bytes", "$[3]")
    return Signed(payload, kid, algorithm, _structure(protected, payload), signature)


def _headers(protected: bytes, unprotected: dict[Any, Any]) -> tuple[int, bytes]:
    """The algorithm, which has to be signed, and the key's id, which the key proves anyway."""
    headers = cbor.read(protected) if protected else {}
    if not isinstance(headers, dict):
        raise BadFrame("the protected headers are not a map", "$[0]")
    if headers.keys() & unprotected.keys():
        raise BadFrame("a header is both protected and not", "$[1]")
    if _CRIT in headers or _CRIT in unprotected:
        raise BadFrame("a header is said to be critical that is not known here", "$[0]")
    algorithm = headers.get(_ALG)
    if algorithm not in _ED25519:
        raise BadFrame(f"algorithm {algorithm!a:.40} is not EdDSA (-8) or Ed25519 (-19)", "$[0]")
    kid = headers.get(_KID, unprotected.get(_KID, b""))
    if not isinstance(kid, bytes) or len(kid) > KID_BYTES:
        raise BadFrame(f"the key's id is not at most {KID_BYTES} bytes", "$[0]")
    return algorithm, kid


def _structure(protected: bytes, payload: bytes) -> bytes:
    """The bytes that are signed: nothing of the unprotected headers is in them."""
    return canonical(["Signature1", protected, b"", payload])


def _check(said: Signed, public_key: bytes) -> None:
    try:
        if len(public_key) == _KEY:
            key: Any = Ed25519PublicKey.from_public_bytes(public_key)
        else:
            key = load_pem_public_key(public_key)
        if not isinstance(key, Ed25519PublicKey):
            raise BadFrame("the key is not an Ed25519 key", "key")
        key.verify(said.signature, said.signed)
    except (ValueError, UnsupportedAlgorithm):
        raise BadFrame("the key is not an Ed25519 key", "key") from None
    except InvalidSignature:
        raise BadFrame("the signature is not that of the key", "$[3]") from None


def _frames(payload: bytes) -> list[dict[str, Any]]:
    if payload.startswith(b"{"):
        return [_good(native.decode(payload), "payload")]
    item = cbor.read(payload)
    items = item if isinstance(item, list) else [item]
    if not 1 <= len(items) <= FRAMES:
        raise BadFrame(f"a batch of {len(items)} frames is not of 1 to {FRAMES}", "payload")
    return [_good(native_cbor.answer(each), f"payload[{i}]") for i, each in enumerate(items)]


def _good(answer: dict[str, Any], at: str) -> dict[str, Any]:
    if not answer["ok"]:
        raise BadFrame(answer["error"], f"{at} {answer['at']}")
    return answer


def _answer(said: Signed, frames: list[dict[str, Any]], *, proof: str) -> dict[str, Any]:
    device = frames[0]["device"]
    named = _named(said.kid)
    fields: dict[str, Any] = {
        "kid": named or said.kid.hex(),
        "algorithm": "EdDSA" if said.algorithm == _EDDSA else "Ed25519",
        "signature": proof,
        "frames": [
            {key: each[key] for key in ("device", "boot", "seq", "time")} for each in frames
        ],
    }
    found: dict[str, Any] = {
        "ok": True, "message": "signed_batch", "version": "1", "device": device, "fields": fields,
        "readings": [_placed(r, each, device=device) for each in frames for r in each["readings"]],
    }  # fmt: skip
    marks = [_placed(m, each, device=device) for each in frames for m in each.get("marks", [])]
    if marks:
        found["marks"] = marks
    if len(frames) == 1:
        found |= fields["frames"][0]
    if proof == _TRUE and all(each["device"] == named for each in frames):
        found["signed"] = True
    return found


def _named(kid: bytes) -> str:
    """A key's id as the name of a device, if it can be one."""
    return kid.decode("ascii") if kid.isascii() and kid.decode().isprintable() else ""


def _placed(what: dict[str, Any], frame: dict[str, Any], *, device: str) -> dict[str, Any]:
    other = {} if frame["device"] == device else {"thing": frame["device"]}
    return {**what, "time": frame["time"], **other}


def batch(frames: Sequence[bytes]) -> bytes:
    """A list of CBOR frames as one payload.

    Args:
        frames: each as :func:`wuxin.protocols.native_cbor.encode` writes it, 1 to 1024.

    Raises:
        BadInput: there are none, or too many.
    """
    if not 1 <= len(frames) <= FRAMES:
        raise BadInput(f"a batch of {len(frames)} frames is not of 1 to {FRAMES}")
    count = len(frames)
    head = canonical([None] * count)[:-count]  # each None takes one byte, behind the list's head
    return head + b"".join(frames)


def sign(payload: bytes, key: bytes, *, kid: bytes) -> bytes:
    """Sign a payload as a device does; the id of the key is signed with it.

    Args:
        payload: a batch, one frame in CBOR, or one in JSON.
        key: the 32 bytes of the Ed25519 private key.
        kid: the key's id, at most 64 bytes.

    Raises:
        BadInput: the key or its id is not of that size.
    """
    if len(kid) > KID_BYTES or len(key) != 32:
        raise BadInput(f"a key of {len(key)} bytes with an id of {len(kid)} does not sign")
    protected = canonical({_ALG: _EDDSA, _KID: kid})
    signature = Ed25519PrivateKey.from_private_bytes(key).sign(_structure(protected, payload))
    return bytes((0xC0 | _SIGN1,)) + canonical([protected, {}, payload, signature])
