"""Hands in several messages from an event loop, and tells when all of them are durable."""

import asyncio
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import NamedTuple

from wuxin.terms.errors import Conflict
from wuxin.terms.ports import Offer, Trust
from wuxin.wire.durable_answers import in_this_loop


class Told(NamedTuple):
    """One message, and how well its sender is known."""

    message: bytes
    trust: Trust


class Together:
    """Offers what belongs together, in a worker thread, as an intake may make it wait.

    Args:
        offer: takes messages in.
        waiting: how many may be handed in at the same time; each has a thread. One that the
            intake makes wait keeps its place, even when nobody waits for it any more.
        durable_s: how long to wait until all is durable (s).
    """

    def __init__(self, offer: Offer, *, waiting: int, durable_s: float) -> None:
        self._offer, self._durable_s = offer, durable_s
        self._room = threading.BoundedSemaphore(waiting)
        self._threads = ThreadPoolExecutor(waiting, "together")

    async def __call__(self, told: Sequence[Told], *, source: str, position: str) -> None:
        """Offer messages in order; returns when all are durable.

        Raises:
            Conflict: there is no room, the intake takes no more, or they were not durable in time.
                Some of them may be, or become so later.
        """
        if not self._room.acquire(blocking=False):
            raise Conflict("too many requests wait to be taken in")
        durable = asyncio.Event()
        left = _Left(len(told), in_this_loop(durable.set))
        work = self._threads.submit(
            partial(self._hand_in, told, acknowledge=left.one, source=source, position=position)
        )
        work.add_done_callback(lambda _: self._room.release())
        try:
            async with asyncio.timeout(self._durable_s):
                await asyncio.wrap_future(work)
                await durable.wait()
        except TimeoutError:
            raise Conflict(f"not all was durable within {self._durable_s:g} s") from None

    def _hand_in(
        self, told: Sequence[Told], *, acknowledge: Callable[[], None], source: str, position: str
    ) -> None:
        for message, trust in told:
            self._offer(
                message, source=source, position=position, acknowledge=acknowledge, trust=trust
            )


class _Left:
    """Counts what is not durable yet; after the last one it tells."""

    def __init__(self, count: int, tell: Callable[[], None]) -> None:
        self._count, self._tell, self._turn = count, tell, threading.Lock()

    def one(self) -> None:
        with self._turn:
            self._count -= 1
            last = self._count == 0
        if last:
            self._tell()
