"""Anchors of a home: checkpoints that outsiders have seen, kept beside its log.

    HOME/<tenant>/anchors/000000000052/checkpoint       with the cosignatures that came
    HOME/<tenant>/anchors/000000000052/witnesses.vkey   of whom
    HOME/<tenant>/anchors/000000000052/timestamp.tsr    the answer of a timestamp authority
    HOME/<tenant>/anchors/000000000052/chain.txt        chain, place there and digest, by tabs

The number is the size of the log. Where asking again at the same size brings more than is kept, it
gets another folder beside it, because a timestamp is of one text with its cosignatures; what says
no more is not kept, since the earlier one is the better evidence. The published checkpoint itself
stays as the log wrote it.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import httpx

from wuxin.evidence import timestamp
from wuxin.evidence.anchors import Post, Seat, collect
from wuxin.evidence.chains import Chain, chain_digest
from wuxin.evidence.note import open_checkpoint
from wuxin.evidence.reader import Reader
from wuxin.home import keys
from wuxin.terms.durable import write_files
from wuxin.terms.errors import NotFound
from wuxin.terms.names import Tenant

_CHAINED = "chain.txt"
_STAMP = "timestamp.tsr"
_WITNESSES = "witnesses.vkey"


def post_by_http(url: str, body: bytes, *, kind: str = "text/plain") -> tuple[int, bytes]:
    """Send a body within ten seconds; status 0 where nobody answers."""
    try:
        answer = httpx.post(url, content=body, headers={"Content-Type": kind}, timeout=10)
    except (httpx.HTTPError, httpx.InvalidURL) as wrong:
        return 0, str(wrong).encode()
    return answer.status_code, answer.content


class Outsiders(NamedTuple):
    """Whom to ask: witnesses, the address of an RFC 3161 authority, a chain; and how to send."""

    seats: Sequence[Seat] = ()
    authority: str = ""
    chain: Chain | None = None
    post: Post = post_by_http


class Anchored(NamedTuple):
    """What came of asking outsiders: where it is kept, who vouches, and why others do not."""

    place: Path
    vkeys: tuple[str, ...]
    stamped: bool
    chained: bool
    refused: tuple[str, ...]


def anchor(folder: Path, tenant: Tenant, *, ask: Outsiders) -> Anchored:
    """Ask outsiders to vouch for the checkpoint that is published now.

    Nothing is kept where nobody vouched. The home need not be opened for it.

    Raises:
        NotFound: the tenant has published no checkpoint there.
        Tampered: the checkpoint or a tile is damaged.
    """
    own = folder / tenant
    if not (own / "log" / "checkpoint").is_file() or not (own / "keys" / "log.key").is_file():
        raise NotFound(f"{folder} holds no published log and keys of {tenant}")
    text = (own / "log" / "checkpoint").read_text("utf-8")
    head = open_checkpoint(text, keys(folder, tenant)[0].vkey)
    earlier = sorted((own / "anchors").glob(f"{head.size:012d}*"))
    found = collect(Reader(own / "log", head.size), text, seats=ask.seats, post=ask.post)
    refused = list(found.refused)
    witnesses = "".join(f"{vkey}\n" for vkey in found.vkeys)
    kept = {"checkpoint": found.checkpoint.encode(), _WITNESSES: witnesses.encode()}
    kept |= _stamped(found.checkpoint, ask, refused=refused)
    kept |= _chained(text, ask, earlier=earlier, refused=refused)
    place = next((one for one in earlier if _says_as_much(one, kept)), None)
    if place is None:
        again = f"-{len(earlier):03d}" if earlier else ""
        place = own / "anchors" / f"{head.size:012d}{again}"
        if found.vkeys or len(kept) > 2:
            write_files({place / name: data for name, data in kept.items()})
    return Anchored(place, found.vkeys, _STAMP in kept, _CHAINED in kept, tuple(refused))


def _stamped(checkpoint: str, ask: Outsiders, *, refused: list[str]) -> dict[str, bytes]:
    """The timestamp of a checkpoint with its cosignatures, where one is asked for and comes."""
    if not ask.authority:
        return {}
    asked = timestamp.request(checkpoint.encode())
    status, answer = ask.post(ask.authority, asked, kind=timestamp.QUERY)
    if status == 200 and timestamp.granted(answer) is not None:
        return {_STAMP: answer}
    refused.append(f"{ask.authority} gave no timestamp: status {status}")
    return {}


def _chained(
    checkpoint: str, ask: Outsiders, *, earlier: Sequence[Path], refused: list[str]
) -> dict[str, bytes]:
    """Where a checkpoint stands on the chain; it is put there once for each size."""
    if ask.chain is None:
        return {}
    for place in earlier:
        if (place / _CHAINED).is_file():
            return {_CHAINED: (place / _CHAINED).read_bytes()}
    digest = chain_digest(checkpoint)
    try:
        where = ask.chain.put(digest)
    except OSError as wrong:
        refused.append(f"{ask.chain.name} kept nothing: {wrong}")
        return {}
    return {_CHAINED: f"{ask.chain.name}\t{where}\t{digest.hex()}\n".encode()}


def _says_as_much(place: Path, found: dict[str, bytes]) -> bool:
    """Whether what is kept already has all that was found now, and so is the older word for it."""
    files = {path.name for path in place.iterdir()}
    return found.keys() <= files and {*found[_WITNESSES].split(b"\n")} <= _witnesses(place)


def _witnesses(place: Path) -> set[bytes]:
    """The keys of the witnesses that cosigned an anchor, and an empty line."""
    file = place / _WITNESSES
    return {*file.read_bytes().split(b"\n")} if file.is_file() else set()


def latest(own: Path, *, at_most: int) -> dict[str, bytes]:
    """The files of the newest anchor that is not beyond a size of the log, if there is one.

    Of several at one size it is the one with most to say.
    """
    places = [path for path in (own / "anchors").glob("*") if (path / "checkpoint").is_file()]
    reached = [path for path in places if int(path.name[:12]) <= at_most]
    if not reached:
        return {}
    found = max(
        reached, key=lambda p: (int(p.name[:12]), len(_witnesses(p)), len([*p.iterdir()]), p.name)
    )
    return {p.name: p.read_bytes() for p in sorted(found.iterdir())}


def covering(own: Path, index: int) -> str | None:
    """The text of the oldest checkpoint that covers an entry and most witnesses cosigned.

    None where no witness has cosigned one.
    """
    found = [
        (-len(_witnesses(place)), place.name, place)
        for place in (own / "anchors").glob("*")
        if len(_witnesses(place)) > 1 and int(place.name[:12]) > index
    ]
    return (min(found)[2] / "checkpoint").read_text("utf-8") if found else None
