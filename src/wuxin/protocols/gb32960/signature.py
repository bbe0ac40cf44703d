"""The vehicle's own signature over what it reports, which the edition of 2025 brings.

It is always kept, and checked where a public key is given: SM2 over SM3, RSA (PKCS #1 v1.5) and
ECDSA over SHA-256. What it covers is read as the data unit up to the signature's mark, as the
activation (Annex B) signs everything before its signature.

Source: GB/T 32960.3-2025 §7.2.2 table 8 (form of the signature: algorithm, R, S).
"""

import binascii
import re
from typing import Any, Final

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_public_key

from wuxin.protocols.gb32960 import sm2
from wuxin.protocols.octets import BadFrame, Reader

ALGORITHMS: Final = {1: "sm2", 2: "rsa", 3: "ecc"}

_PEM: Final = re.compile(rb"-----BEGIN PUBLIC KEY-----([^-]*)-----END PUBLIC KEY-----")
_FALSE: Final = ("invalid", "it does not belong to these bytes and this key")


def signature(reader: Reader, *, signed: bytes, public_key: bytes | None) -> dict[str, Any]:
    """Read a signature and check it as far as that can be done.

    Args:
        reader: at the byte of the algorithm.
        signed: the bytes of the data unit before the signature's mark.
        public_key: the vehicle's SubjectPublicKeyInfo in PEM or DER, or a point of SM2 in 64
            bytes; None if nobody knows it.

    Returns:
        ``algorithm``, ``r`` and ``s`` in hexadecimal, and ``check``: ``valid``, ``unchecked`` or
        ``invalid``, with ``reason`` unless it is valid.

    Raises:
        BadFrame: it is cut off.
    """
    raw = reader.whole(1, "the algorithm of the signature")
    r = reader.take(reader.whole(2, "the length of R"), "R of the signature")
    s = reader.take(reader.whole(2, "the length of S"), "S of the signature")
    name = ALGORITHMS.get(raw, f"unknown ({raw})")
    check, reason = "unchecked", "no public key is given"
    if public_key is not None:
        check, reason = _check(name, (r, s), signed=signed, public_key=public_key)
    said = {"algorithm": name, "r": r.hex(), "s": s.hex(), "check": check}
    return said if check == "valid" else {**said, "reason": reason}


def demand_not_false(said: dict[str, Any]) -> None:
    """Let a signature pass that is valid or could not be checked.

    Raises:
        BadFrame: it was checked and is false.
    """
    if said["check"] == "invalid":
        raise BadFrame(f"the vehicle's signature is false: {said['reason']}", "signature")


def _check(
    name: str, parts: tuple[bytes, bytes], *, signed: bytes, public_key: bytes
) -> tuple[str, str]:
    raw = _der(public_key)
    numbers = (int.from_bytes(parts[0], "big"), int.from_bytes(parts[1], "big"))
    point = sm2.public_point(raw)
    try:
        key = None if point else load_der_public_key(raw)
        if name == "sm2" and point:
            if not sm2.verify(signed, numbers, public=point):
                return _FALSE
        elif name == "rsa" and isinstance(key, rsa.RSAPublicKey):
            key.verify(parts[0], signed, padding.PKCS1v15(), SHA256())
        elif name == "ecc" and isinstance(key, ec.EllipticCurvePublicKey):
            key.verify(encode_dss_signature(*numbers), signed, ec.ECDSA(SHA256()))
        else:
            return "invalid", f"the signature is {name} and the key is of another kind"
    except (ValueError, UnsupportedAlgorithm):
        return "unchecked", "the public key cannot be read"
    except InvalidSignature:
        return _FALSE
    return "valid", ""


def _der(key: bytes) -> bytes:
    """The bytes of a key that may be written as PEM; what is no PEM is left as it is."""
    found = _PEM.fullmatch(key.strip())
    if not found:
        return key
    try:
        return binascii.a2b_base64(found[1])
    except binascii.Error:
        return key
