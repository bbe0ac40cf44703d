"""A proof in one file: entry so-and-so is in the log under this signed head; checked offline.

Two forms: the ``.tlog-proof`` text that other programs read (C2SP tlog-proof), and a JSON form for
screens, which also carries the entry and, for those who may see it, the record behind it.
"""

import base64
import binascii
import json
import re
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from wuxin.evidence.leaf import opens
from wuxin.evidence.log import Log
from wuxin.evidence.merkle import check_inclusion, leaf_hash
from wuxin.evidence.note import Head, open_checkpoint
from wuxin.terms.errors import BadInput, NotFound, Tampered
from wuxin.terms.names import canonical

_FIRST: Final = "c2sp.org/tlog-proof@v1"
_INDEX: Final = re.compile(r"index (0|[1-9][0-9]{0,18})")


@dataclass(frozen=True)
class Proof:
    """Where an entry stands and what leads from it to a signed root.

    ``hashes`` are 32 bytes each, from the leaf's sibling up; ``checkpoint`` is its whole text;
    ``extra`` is carried along and proves nothing.
    """

    index: int
    hashes: tuple[bytes, ...]
    checkpoint: str
    extra: bytes | None = None


class Disclosed(NamedTuple):
    """A record that a leaf commits to, with the salt that opens the commitment."""

    salt: bytes
    record: Any


def prove(log: Log, index: int) -> Proof:
    """The proof of one entry under the published checkpoint.

    Raises:
        NotFound: nothing is published yet, or not that entry.
        Tampered: the checkpoint or a tile is damaged.
    """
    head, checkpoint = log.published(), log.checkpoint()
    if head is None or checkpoint is None or not 0 <= index < head.size:
        raise NotFound(f"entry {index} is not under a published checkpoint")
    return Proof(index, tuple(log.inclusion(index, head.size)), checkpoint)


def under(log: Log, index: int, *, checkpoint: str, head: Head) -> Proof:
    """The proof of one entry under another text of a checkpoint, with who else vouches for it.

    Raises:
        NotFound: the entry is beyond it.
        Tampered: a tile is damaged.
    """
    if not 0 <= index < head.size:
        raise NotFound(f"entry {index} is beyond the checkpoint of {head.size} entries")
    return Proof(index, tuple(log.inclusion(index, head.size)), checkpoint)


def write_proof(proof: Proof) -> str:
    """The text of a ``.tlog-proof`` file."""
    lines = [_FIRST]
    if proof.extra is not None:
        lines.append(f"extra {_encode(proof.extra)}")
    lines += [f"index {proof.index}", *map(_encode, proof.hashes)]
    return "\n".join(lines) + "\n\n" + proof.checkpoint


def read_proof(text: str) -> Proof:
    """Read the text of a ``.tlog-proof`` file; nothing is checked yet but its form.

    Raises:
        BadInput: the text is not a proof.
    """
    top, blank, checkpoint = text.partition("\n\n")
    first, *lines = top.split("\n")
    if first != _FIRST or not blank:
        raise BadInput(f"this is not a proof: it does not begin with {_FIRST}")
    extra = None
    if lines and lines[0].startswith("extra "):
        extra = _decode(lines.pop(0).removeprefix("extra "))
    found = _INDEX.fullmatch(lines[0]) if lines else None
    if not found:
        raise BadInput("the proof does not say the index of its entry")
    hashes = tuple(_decode(line) for line in lines[1:])
    if any(len(hashed) != 32 for hashed in hashes):
        raise BadInput("a hash in the proof is not 32 bytes")
    return Proof(int(found[1]), hashes, checkpoint, extra)


def check_proof(proof: Proof, entry: bytes, *, vkey: str) -> Head:
    """Check that ``entry`` is in the log whose key is ``vkey``; returns the signed head.

    Raises:
        BadInput: ``vkey`` is no verifier key.
        Tampered: the signature is not valid, or the entry is not at its index under that head.
    """
    head = open_checkpoint(proof.checkpoint, vkey)
    if not check_inclusion(
        proof.index, head.size, leaf=leaf_hash(entry), path=proof.hashes, root=head.root
    ):
        raise Tampered(f"the entry is not number {proof.index} of {head.origin} at {head.size}")
    return head


def to_json(
    proof: Proof, entry: bytes, *, head: Head, disclosed: Disclosed | None = None
) -> dict[str, Any]:
    """The form for screens; ``salt`` and ``record`` are null where the record is not shown.

    Hashes, entry and salt are base64. A disclosed record must be made of what JSON can carry and
    give back unchanged: text, integers, finite floats, bool, null, lists and maps of text.

    Raises:
        BadInput: the record is not.
    """
    record = disclosed.record if disclosed else None
    try:
        survives = canonical(json.loads(json.dumps(record, allow_nan=False))) == canonical(record)
    except (TypeError, ValueError):
        survives = False
    if not survives:
        raise BadInput("this record would not survive JSON; seal plain values only")
    return {
        "index": proof.index,
        "size": head.size,
        "root": _encode(head.root),
        "hashes": [_encode(hashed) for hashed in proof.hashes],
        "checkpoint": proof.checkpoint,
        "entry": _encode(entry),
        "salt": _encode(disclosed.salt) if disclosed else None,
        "record": record,
    }


def check_json(form: dict[str, Any], *, vkey: str) -> Head:
    """Check the form for screens, with the record if it is shown; returns the signed head.

    Raises:
        BadInput: a field is missing or not of its type, or ``vkey`` is no verifier key.
        Tampered: the proof does not hold, or the record is not what the entry commits to.
    """
    try:
        proof = Proof(form["index"], tuple(map(_decode, form["hashes"])), form["checkpoint"])
        entry, root, size = _decode(form["entry"]), _decode(form["root"]), form["size"]
        salt = None if form["salt"] is None else _decode(form["salt"])
        record = form["record"]
    except (KeyError, TypeError, AttributeError) as error:
        raise BadInput(f"this is not a proof: {error!r}") from None
    if type(proof.index) is not int or not isinstance(proof.checkpoint, str):
        raise BadInput("this is not a proof: index or checkpoint is of another type")
    head = check_proof(proof, entry, vkey=vkey)
    if (size, root) != (head.size, head.root):
        raise Tampered("size and root beside the checkpoint are not those that were signed")
    if salt is not None and not opens(entry, salt, record=record):
        raise Tampered(f"the record is not the one that entry {proof.index} commits to")
    return head


def _encode(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _decode(text: str) -> bytes:
    try:
        return base64.b64decode(text.encode("ascii"), validate=True)
    except (binascii.Error, UnicodeEncodeError):
        raise BadInput(f"{text[:80]!r} is not base64") from None
