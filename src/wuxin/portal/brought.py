"""Files of messages brought into a live source, as if its devices had sent them now.

For what came on another way: a memory card, a mail with a herd's export, a gateway's log. Each
message is decoded, registered and judged as a live one; nobody is known to have sent it, so it is
`unproven` unless the device has signed it. A file that is brought twice changes nothing.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from wuxin.home import Home
from wuxin.listen import Described, open_source
from wuxin.portal.decoded import frames
from wuxin.stores.journal import Arrived
from wuxin.terms.envelope import wrap
from wuxin.terms.records import Refusal
from wuxin.wire.packed import packed

BATCH: Final = 1_000
"""Messages of one journal entry."""


class Brought(NamedTuple):
    """What came of a part of a file: messages, readings taken, marked ones, and refusals."""

    messages: int
    accepted: int
    marked: int
    refusals: Sequence[Refusal]


def bring(home: Home, source: Described, *, file: Path) -> Iterator[Brought]:
    """Bring in the messages of a file, part by part; each part is durable when it is told of.

    Args:
        home: the home.
        source: whose messages they are, as the file of sources says.
        file: as `wuxin decode` reads it: a message a line, or one document.

    Raises:
        BadInput: the source cannot be meant, or a message is too long.
        OSError: the file cannot be read.
    """
    open_source(home, source)
    with file.open("rb") as opened:
        for number, part in enumerate(_parts(frames(opened)), 1):
            said = [wrap(source.before, each) if source.before else each for each in part]
            position = f"{file.name}:{number}"
            told = Arrived(source.name, home.clock(), (packed(source.name, said),), position)
            outcome = home.accept(told)
            yield Brought(len(part), outcome.accepted, outcome.marked, outcome.refusals)


def _parts(messages: Iterator[bytes]) -> Iterator[list[bytes]]:
    part: list[bytes] = []
    for message in messages:
        part.append(message)
        if len(part) == BATCH:
            yield part
            part = []
    if part:
        yield part
