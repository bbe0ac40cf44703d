"""Anchors of a home: checkpoints that outsiders have seen, kept beside its log.

    HOME/<tenant>/anchors/000000000052/checkpoint       with the cosignatures that came
    HOME/<tenant>/anchors/000000000052/witnesses.vkey   of whom
    HOME/<tenant>/anchors/000000000052/timestamp.tsr    the answer of a timestamp authority

The number is the size of the log; who asks again at the same size gets another folder beside it,
because a timestamp is of one text with its cosignatures. The published checkpoint itself stays as
the log wrote it.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import httpx

from wuxin.evidence import timestamp
from wuxin.evidence.anchors import Post, Seat, collect
from wuxin.evidence.note import open_checkpoint
from wuxin.evidence.reader import Reader
from wuxin.home import keys
from wuxin.terms.durable import write_files
from wuxin.terms.errors import NotFound
from wuxin.terms.names import Tenant


class Anchored(NamedTuple):
    """What came of asking outsiders: where it is kept, who vouches, and why others do not."""

    place: Path
    vkeys: tuple[str, ...]
    stamped: bool
    refused: tuple[str, ...]


def anchor(
    folder: Path, tenant: Tenant, *, seats: Sequence[Seat], authority: str, post: Post
) -> Anchored:
    """Ask witnesses and a timestamp authority for the checkpoint that is published now.

    Nothing is kept where nobody vouched. The home need not be opened for it.

    Args:
        folder: the home.
        tenant: whose log.
        seats: the witnesses.
        authority: the address of an RFC 3161 authority; none is asked if empty.
        post: how requests are sent.

    Raises:
        NotFound: the tenant has published no checkpoint there.
        Tampered: the checkpoint or a tile is damaged.
    """
    own = folder / tenant
    if not (own / "log" / "checkpoint").is_file() or not (own / "keys" / "log.key").is_file():
        raise NotFound(f"{folder} holds no published log and keys of {tenant}")
    text = (own / "log" / "checkpoint").read_text("utf-8")
    head = open_checkpoint(text, keys(folder, tenant)[0].vkey)
    found = collect(Reader(own / "log", head.size), text, seats=seats, post=post)
    refused, answer = list(found.refused), b""
    if authority:
        asked = timestamp.request(found.checkpoint.encode())
        status, answer = post(authority, asked, kind=timestamp.QUERY)
        if status != 200 or timestamp.granted(answer) is None:
            refused.append(f"{authority} gave no timestamp: status {status}")
            answer = b""
    again = len([*(own / "anchors").glob(f"{head.size:012d}*")])
    place = own / "anchors" / (f"{head.size:012d}-{again:03d}" if again else f"{head.size:012d}")
    if found.vkeys or answer:
        witnesses = "".join(f"{vkey}\n" for vkey in found.vkeys)
        kept = {"checkpoint": found.checkpoint.encode(), "witnesses.vkey": witnesses.encode()}
        kept |= {"timestamp.tsr": answer} if answer else {}
        write_files({place / name: data for name, data in kept.items()})
    return Anchored(place, found.vkeys, bool(answer), tuple(refused))


def latest(own: Path, *, at_most: int) -> dict[str, bytes]:
    """The files of the newest anchor that is not beyond a size of the log, if there is one."""
    places = [path for path in (own / "anchors").glob("*") if (path / "checkpoint").is_file()]
    reached = sorted(path for path in places if int(path.name[:12]) <= at_most)
    return {p.name: p.read_bytes() for p in sorted(reached[-1].iterdir())} if reached else {}


def covering(own: Path, index: int) -> str | None:
    """The text of the oldest cosigned checkpoint that covers an entry; None where there is none."""
    for place in sorted((own / "anchors").glob("*")):
        witnesses = place / "witnesses.vkey"
        cosigned = witnesses.is_file() and witnesses.stat().st_size > 0
        if cosigned and int(place.name[:12]) > index and (place / "checkpoint").is_file():
            return (place / "checkpoint").read_text("utf-8")
    return None


def post_by_http(url: str, body: bytes, *, kind: str = "text/plain") -> tuple[int, bytes]:
    """Send a body within ten seconds; status 0 where nobody answers."""
    try:
        answer = httpx.post(url, content=body, headers={"Content-Type": kind}, timeout=10)
    except httpx.HTTPError as wrong:
        return 0, str(wrong).encode()
    return answer.status_code, answer.content
