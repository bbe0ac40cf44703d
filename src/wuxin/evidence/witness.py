"""A witness: cosigns a log's checkpoint only if it extends the last one that it cosigned.

So whoever holds the log's key cannot show two histories to two people who trust one witness. The
whole protocol is one request, and this is the answer to it without a network:

    POST /add-checkpoint      old 120 ⏎ hashes in base64 ⏎ … ⏎ ⏎ checkpoint
    200 signature lines   400 malformed   403 no good signature   404 unknown log
    409 the size it knows instead   422 the proof does not hold

Source: C2SP tlog-witness.
"""

import base64
import fcntl
import hashlib
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from threading import Lock
from typing import Final, NamedTuple

from wuxin.evidence.cosignature import Cosigner
from wuxin.evidence.merkle import EMPTY_HEAD, check_consistency
from wuxin.evidence.note import Head, Verifier, open_checkpoint, read_body, read_note
from wuxin.terms.durable import make_directory, write_files
from wuxin.terms.errors import BadInput, Tampered

_OLD: Final = re.compile(r"old (0|[1-9][0-9]{0,18})")
_MOST: Final = 63
_SIZE: Final = "text/x.tlog.size"


class Answer(NamedTuple):
    """What a witness answers: HTTP status, body, and the type of the body."""

    status: int
    body: str
    content_type: str = "text/plain; charset=utf-8"


class Asked(NamedTuple):
    """A request to a witness: the size that it should know, the proof from there, a checkpoint.

    It is also how a consistency proof is handed over: any size, the hashes, and the newer
    checkpoint, in one text that can be checked without a network.
    """

    old: int
    path: tuple[bytes, ...]
    checkpoint: str


class Witness:
    """One witness with one key, which remembers the last checkpoint of each log in a folder.

    Args:
        folder: its memory, one file per log; locked by one process at a time per request.
        cosigner: its key.
        logs: the verifier key of every log that it watches, by origin.

    Raises:
        BadInput: one of the keys is no verifier key.
    """

    def __init__(self, folder: Path, *, cosigner: Cosigner, logs: Mapping[str, str]) -> None:
        for vkey in logs.values():
            Verifier.parse(vkey)
        make_directory(folder)
        self._folder, self._cosigner, self._logs = folder, cosigner, dict(logs)
        self._mutex = Lock()

    def add_checkpoint(self, request: bytes, *, now: int) -> Answer:
        """Answer a request, at a time in seconds since 1970.

        When it is 200 the new checkpoint is on the disk.

        Raises:
            OSError: the disk refused; nothing was cosigned.
            Tampered: the witness's own memory is damaged.
        """
        try:
            asked = read_request(request)
            body, _ = read_note(asked.checkpoint)
            head = read_body(body)
        except (BadInput, Tampered) as wrong:
            return Answer(400, f"{wrong}\n")
        vkey = self._logs.get(head.origin)
        if vkey is None:
            return Answer(404, "this witness does not watch that log\n")
        try:
            open_checkpoint(asked.checkpoint, vkey)
        except Tampered as wrong:
            return Answer(403, f"{wrong}\n")
        if asked.old > head.size:
            return Answer(400, "the old size is larger than the checkpoint's\n")
        with self._alone():
            known = self.known(head.origin)
            refusal = _doubt(asked, head, known=known)
            if refusal:
                return refusal
            write_files({self._place(head.origin): asked.checkpoint.encode()})
        return Answer(200, f"{self._cosigner.cosign(body, at=now)}\n")

    def known(self, origin: str) -> Head:
        """The last head cosigned for a log, that of no entries before the first.

        Raises:
            Tampered: the memory of it is damaged.
        """
        place = self._place(origin)
        if not place.exists():
            return Head(origin, 0, EMPTY_HEAD)
        head = open_checkpoint(place.read_text("utf-8"), self._logs[origin])
        if head.origin != origin:
            raise Tampered(f"{place} is of {head.origin}, not of {origin}")
        return head

    def _place(self, origin: str) -> Path:
        return self._folder / f"{hashlib.sha256(origin.encode()).hexdigest()}.checkpoint"

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Between comparing and writing nobody else may compare: no thread and no process."""
        with self._mutex, (self._folder / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def write_request(asked: Asked) -> str:
    """The text of a request."""
    hashes = "".join(f"{base64.b64encode(hashed).decode()}\n" for hashed in asked.path)
    return f"old {asked.old}\n{hashes}\n{asked.checkpoint}"


def read_request(data: bytes) -> Asked:
    """Read a request; nothing is checked yet but its form.

    Raises:
        BadInput: it is not of the form.
    """
    try:
        top, blank, checkpoint = data.decode().partition("\n\n")
        old, *lines = top.split("\n")
        path = tuple(base64.b64decode(line.encode(), validate=True) for line in lines)
    except ValueError:
        raise BadInput("the request is not UTF-8, or a hash in it is not base64") from None
    found = _OLD.fullmatch(old)
    if not found or not blank or len(path) > _MOST or any(len(hashed) != 32 for hashed in path):
        raise BadInput("the request is not an old size, up to 63 hashes and a checkpoint")
    return Asked(int(found[1]), path, checkpoint)


def check_extends(asked: Asked, old: Head, *, vkey: str) -> Head:
    """Check a consistency proof that was handed over against an older head; returns the newer.

    Raises:
        BadInput: ``vkey`` is no verifier key.
        Tampered: the newer checkpoint is not signed, or does not extend the older head.
    """
    new = open_checkpoint(asked.checkpoint, vkey)
    good = asked.old == old.size and new.origin == old.origin
    if not good or not check_consistency(
        old.size, new.size, old_root=old.root, new_root=new.root, path=asked.path
    ):
        raise Tampered(f"the log {new.origin} at {new.size} does not extend it at {old.size}")
    return new


def _doubt(asked: Asked, head: Head, *, known: Head) -> Answer | None:
    """Why a head is not cosigned; None where it extends the known one."""
    forked = 0 < head.size == known.size and head.root != known.root
    if asked.old != known.size or forked:
        return Answer(409, f"{known.size}\n", _SIZE)
    if check_consistency(
        known.size, head.size, old_root=known.root, new_root=head.root, path=asked.path
    ):
        return None
    return Answer(422, "the checkpoint does not extend the one that was cosigned\n")
