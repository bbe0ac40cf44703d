"""Ask witnesses to vouch for a checkpoint.

The network is passed in, so that this room asks nobody by itself. Who does not answer, or answers
wrongly, is a value with its reason; the checkpoint stands without them.
"""

import re
from collections.abc import Sequence
from typing import Final, NamedTuple, Protocol

from wuxin.evidence.cosignature import with_cosignatures, witnessed
from wuxin.evidence.note import read_body, read_note
from wuxin.evidence.reader import Reader
from wuxin.evidence.witness import Asked, write_request
from wuxin.terms.errors import Tampered

_SIZE: Final = re.compile(rb"(0|[1-9][0-9]{0,18})\n")


class Post(Protocol):
    """Something that sends bytes to an address by HTTP POST."""

    def __call__(self, url: str, body: bytes, *, kind: str = "text/plain") -> tuple[int, bytes]:
        """Send a body of a media type; returns status and body of the answer, 0 if none came."""


class Seat(NamedTuple):
    """A witness to ask: the prefix of its address, and its verifier key."""

    url: str
    vkey: str


class Collected(NamedTuple):
    """A checkpoint with the cosignatures that came, their keys, and why others did not come."""

    checkpoint: str
    vkeys: tuple[str, ...]
    refused: tuple[str, ...]


def collect(log: Reader, checkpoint: str, *, seats: Sequence[Seat], post: Post) -> Collected:
    """Ask every witness to cosign a published checkpoint.

    Each is asked first as if it knew that very checkpoint, and then from the size that it names.

    Raises:
        Tampered: the checkpoint is no note, or tiles of the log are missing.
    """
    refused, vkeys = [], []
    head = read_body(read_note(checkpoint)[0])
    plain = checkpoint
    for url, vkey in seats:
        old = head.size
        for _ in range(2):
            path = tuple(log.consistency(old, head.size))
            request = write_request(Asked(old, path, plain)).encode()
            status, body = post(f"{url.rstrip('/')}/add-checkpoint", request)
            if status != 409 or not _SIZE.fullmatch(body) or int(body) > head.size:
                break
            old = int(body)
        why = f"status {status}"
        try:
            answer = body.decode() if status == 200 else ""
            checkpoint = with_cosignatures(checkpoint, answer, vkeys=[vkey])
            came = witnessed(checkpoint, vkey)
        except (Tampered, UnicodeDecodeError) as wrong:
            came, why = None, str(wrong)
        if came:
            vkeys.append(vkey)
        else:
            refused.append(f"{url} did not cosign at {head.size}: {why}")
    return Collected(checkpoint, tuple(vkeys), tuple(refused))
