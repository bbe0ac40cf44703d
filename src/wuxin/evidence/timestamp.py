"""Timestamps of checkpoints: an authority's signed word that these bytes existed by then.

The request carries the SHA-256 of the checkpoint's text and nothing else; the answer is kept as it
came. Source: RFC 3161; the parsing and the checks are those of rfc3161-client.
"""

from collections.abc import Sequence
from datetime import datetime

from cryptography.x509 import Certificate
from rfc3161_client import (
    HashAlgorithm,
    TimestampRequestBuilder,
    VerificationError,
    VerifierBuilder,
    decode_timestamp_response,
)

from wuxin.terms.errors import Tampered

QUERY = "application/timestamp-query"
"""The media type of a request (RFC 3161 §3.4)."""


def request(checkpoint: bytes) -> bytes:
    """The DER of a request for a checkpoint; a nonce in it differs every time.

    The authority is asked to send its own certificate along.
    """
    builder = TimestampRequestBuilder().data(checkpoint).hash_algorithm(HashAlgorithm.SHA256)
    return bytes(builder.cert_request(cert_request=True).build().as_bytes())


def check(answer: bytes, checkpoint: bytes, *, roots: Sequence[Certificate]) -> datetime:
    """Check a timestamp of a checkpoint; returns when the authority says it saw it.

    Args:
        answer: the DER of the authority's response.
        checkpoint: the bytes that were stamped.
        roots: certificates that are trusted to name authorities.

    Raises:
        Tampered: the answer is no granted timestamp of these bytes under one of the roots.
    """
    try:
        stamp = decode_timestamp_response(answer)
        builder = VerifierBuilder()
        for root in roots:
            builder = builder.add_root_certificate(root)
        builder.build().verify_message(stamp, checkpoint)
    except (VerificationError, ValueError) as wrong:
        raise Tampered(f"the timestamp does not hold for this checkpoint: {wrong}") from None
    return stamp.tst_info.gen_time


def granted(answer: bytes) -> datetime | None:
    """When a response says it stamped, nothing checked; None where it is no timestamp."""
    try:
        return decode_timestamp_response(answer).tst_info.gen_time
    except ValueError:
        return None
