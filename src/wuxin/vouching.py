"""Outsiders are asked to vouch for the log every so often, beside the house and never in its way.

What came of the last round is kept for the evidence page and the metrics; a round that fails is
asked again at the next turn, and the house goes on.
"""

import logging
import threading
from collections.abc import Sequence
from typing import Final, Self

import msgspec

from wuxin.anchoring import Anchored, anchor
from wuxin.evidence.anchors import Post, Seat
from wuxin.home import Home
from wuxin.terms.errors import BadInput, WuxinError

_LOG: Final = logging.getLogger("wuxin")


class Vouched(msgspec.Struct, frozen=True):
    """How outsiders stand to the log.

    ``size`` is that of the log they vouched for last, ``at`` when (ns), ``witnesses`` how many and
    ``stamped`` whether a timestamp came; ``failed`` counts rounds without a quorum since.
    """

    size: int = 0
    at: int = 0
    witnesses: int = 0
    stamped: bool = False
    quorum: int = 0
    asked: int = 0
    failed: int = 0
    refused: tuple[str, ...] = ()

    @property
    def reached(self) -> bool:
        """Whether as many as are wanted vouched at the last round."""
        return self.size > 0 and not self.failed


class Rounds:
    """Asks witnesses and a timestamp authority, at a period, while it is entered.

    Args:
        home: whose log.
        seats: the witnesses.
        authority: the address of an RFC 3161 authority; none is asked if empty.
        quorum: how many of the witnesses must cosign.
        period_s: how long after a round the next one begins (s).
        post: how requests are sent.

    Raises:
        BadInput: more are wanted than are asked.
    """

    def __init__(
        self, home: Home, *, seats: Sequence[Seat], authority: str, quorum: int, period_s: float,
        post: Post,
    ) -> None:  # fmt: skip
        if quorum > len(seats):
            raise BadInput(f"a quorum of {quorum} is more than the {len(seats)} witnesses named")
        self._home, self._seats, self._authority = home, seats, authority
        self._period_s, self._post = period_s, post
        self.vouched = Vouched(quorum=quorum, asked=len(seats))
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="vouching", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join(15)

    def turn(self) -> Vouched:
        """One round, if the log has grown since the last one that reached its quorum."""
        head, before = self._home.log.published(), self.vouched
        if head is None or (head.size == before.size and before.reached):
            return before
        found: Anchored | None = None
        refused: tuple[str, ...] = ()
        try:
            found = anchor(
                self._home.folder, self._home.tenant, seats=self._seats,
                authority=self._authority, post=self._post,
            )  # fmt: skip
            refused = found.refused
        except (WuxinError, OSError, ValueError) as wrong:
            refused = (str(wrong),)
        self.vouched = self._after(found, refused)
        for said in refused:
            _LOG.warning("vouching: %s", said)
        return self.vouched

    def _after(self, found: Anchored | None, refused: tuple[str, ...]) -> Vouched:
        before = self.vouched
        enough = found is not None and len(found.vkeys) >= before.quorum
        enough = enough and (found.stamped if found and self._authority else True)
        if found is None or not enough:
            changed = {"failed": before.failed + 1, "refused": refused}
            return msgspec.structs.replace(before, **changed)
        return msgspec.structs.replace(
            before, size=int(found.place.name[:12]), at=self._home.clock(), failed=0,
            witnesses=len(found.vkeys), stamped=found.stamped, refused=refused,
        )  # fmt: skip

    def _run(self) -> None:
        while not self._ended.is_set():
            self.turn()
            self._ended.wait(self._period_s)
