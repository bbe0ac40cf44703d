"""How often a member may ask: a bucket of tokens each, so that nobody guesses a series of receipts.

A tag hides a number only as well as numbers are hard to guess. Whoever may ask a million times an
hour learns which receipts of a series of ten million are pledged in ten hours; at the default of a
thousand an hour it takes more than a year, and stands in every node's log.
"""

from typing import Final

from wuxin.terms.clock import SECOND
from wuxin.terms.errors import Conflict

HOUR: Final = 3600 * SECOND


class Limits:
    """One bucket for each member.

    Args:
        an_hour: tokens that come back in an hour.
        burst: tokens of a full bucket: what may be asked at once.
    """

    def __init__(self, an_hour: int, burst: int) -> None:
        self._rate, self._full = an_hour, burst
        self._buckets: dict[str, tuple[float, int]] = {}

    def take(self, member: str, count: int, *, now: int) -> None:
        """Take tokens, all or none.

        Args:
            member: who asks.
            count: for how many tags.
            now: the server's clock, ns.

        Raises:
            Conflict: there are not enough; the text says when there will be.
        """
        left, since = self._buckets.get(member, (float(self._full), now))
        left = min(self._full, left + max(0, now - since) * self._rate / HOUR)
        if count > left:
            self._buckets[member] = (left, now)
            wait = (count - left) * 3600 / self._rate
            when = f"again in {wait:.0f} s" if count <= self._full else f"at most {self._full}"
            raise Conflict(f"{member} asks for {count} tags and has {left:.0f} left; {when}")
        self._buckets[member] = (left - count, now)
