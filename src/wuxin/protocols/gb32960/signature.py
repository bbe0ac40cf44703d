"""The vehicle's own signature over what it reports, which the edition of 2025 brings.

It is always kept. It is checked where a public key is given and `cryptography` knows the
algorithm: RSA (PKCS #1 v1.5) and ECDSA, both over SHA-256. SM2 it does not know, so that such a
signature is said to be unchecked.

Source: GB/T 32960.3-2025 §7.2.2 table 8 (form of the signature: algorithm, R, S).
"""

from typing import Any, Final

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_public_key, load_pem_public_key

from wuxin.protocols.octets import BadFrame, Reader

ALGORITHMS: Final = {1: "sm2", 2: "rsa", 3: "ecc"}


def signature(reader: Reader, *, signed: bytes, public_key: bytes | None) -> dict[str, Any]:
    """Read a signature and check it as far as that can be done.

    Args:
        reader: at the byte of the algorithm.
        signed: the bytes of the data unit before the signature's mark.
        public_key: the vehicle's SubjectPublicKeyInfo in PEM or DER; None if nobody knows it.

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
    r, s = parts
    try:
        pem = public_key.lstrip().startswith(b"-----")
        key = (load_pem_public_key if pem else load_der_public_key)(public_key)
    except (ValueError, UnsupportedAlgorithm):
        return "unchecked", "the public key cannot be read"
    try:
        if name == "rsa" and isinstance(key, rsa.RSAPublicKey):
            key.verify(r, signed, padding.PKCS1v15(), SHA256())
        elif name == "ecc" and isinstance(key, ec.EllipticCurvePublicKey):
            whole = encode_dss_signature(int.from_bytes(r, "big"), int.from_bytes(s, "big"))
            key.verify(whole, signed, ec.ECDSA(SHA256()))
        elif name == "sm2":
            return "unchecked", "SM2 cannot be checked here"
        else:
            return "invalid", f"the signature is {name} and the key is of another kind"
    except InvalidSignature:
        return "invalid", "it does not belong to these bytes and this key"
    return "valid", ""
