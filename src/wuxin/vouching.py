"""Outsiders are asked to vouch for the log every so often, beside the house and never in its way.

What came of the last round is kept for the evidence page and the metrics; a round that fails is
asked again at the next turn, and the house goes on.
"""

import logging
from typing import Any, Final

import msgspec

from wuxin.anchoring import Anchored, Outsiders, anchor
from wuxin.home import Home
from wuxin.terms.beside import Beside
from wuxin.terms.errors import BadInput, WuxinError

_LOG: Final = logging.getLogger("wuxin")


class Vouched(msgspec.Struct, frozen=True):
    """How outsiders stand to the log.

    ``size`` is that of the log they vouched for last, ``at`` when (ns), ``witnesses`` how many,
    ``stamped`` whether a timestamp came and ``chained`` whether it stands on a chain; ``failed``
    counts rounds since in which not all that is wanted came, ``refused`` says why at the last.
    """

    size: int = 0
    at: int = 0
    witnesses: int = 0
    stamped: bool = False
    chained: bool = False
    quorum: int = 0
    asked: int = 0
    failed: int = 0
    refused: tuple[str, ...] = ()

    @property
    def reached(self) -> bool:
        """Whether as many as are wanted vouched at the last round."""
        return self.size > 0 and not self.failed


class Rounds(Beside):
    """Asks outsiders, at a period, while it is entered.

    Args:
        home: whose log.
        ask: whom; a round holds only if timestamp and chain, where they are asked, answer too.
        quorum: how many of the witnesses must cosign.
        period_s: how long after a round the next one begins (s).

    Raises:
        BadInput: more are wanted than are asked.
    """

    def __init__(self, home: Home, *, ask: Outsiders, quorum: int, period_s: float) -> None:
        asked = len(ask.seats)
        if quorum > asked:
            raise BadInput(f"a quorum of {quorum} is more than the {asked} witnesses named")
        super().__init__("vouching", patience_s=15)
        self._home, self._ask, self._period_s = home, ask, period_s
        self.vouched = Vouched(quorum=quorum, asked=asked)

    def turn(self) -> Vouched:
        """One round, if the log has grown since the last one that reached its quorum."""
        head, before = self._home.log.published(), self.vouched
        if head is None or (head.size == before.size and before.reached):
            return before
        found: Anchored | None = None
        refused: tuple[str, ...] = ()
        try:
            found = anchor(self._home.folder, self._home.tenant, ask=self._ask)
            refused = found.refused
        except (WuxinError, OSError, ValueError) as wrong:
            refused = (str(wrong),)
        self.vouched = self._after(found, refused)
        for said in refused:
            _LOG.warning("vouching: %s", said)
        return self.vouched

    def _after(self, found: Anchored | None, refused: tuple[str, ...]) -> Vouched:
        before, ask = self.vouched, self._ask
        if (
            found is None
            or len(found.vkeys) < before.quorum
            or (ask.authority and not found.stamped)
            or (ask.chain is not None and not found.chained)
        ):
            return self._failed(refused)
        return msgspec.structs.replace(
            before, size=int(found.place.name[:12]), at=self._home.clock(), failed=0,
            witnesses=len(found.vkeys), stamped=found.stamped, chained=found.chained,
            refused=refused,
        )  # fmt: skip

    def _failed(self, refused: tuple[str, ...]) -> Vouched:
        told: dict[str, Any] = {"failed": self.vouched.failed + 1, "refused": refused}
        return msgspec.structs.replace(self.vouched, **told)

    def _run(self) -> None:
        try:
            while not self._end.is_set():
                self.turn()
                self._end.wait(self._period_s)
        finally:
            if not self._end.is_set():
                self.vouched = self._failed(("asking has stopped after an error",))
