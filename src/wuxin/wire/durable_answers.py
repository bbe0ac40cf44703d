"""How "it is durable" finds its way back to an adapter's event loop."""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Final
from weakref import WeakKeyDictionary


class _Gathered:
    """Answers that wait for their loop, which is woken once for all of them."""

    def __init__(self) -> None:
        self._answers: deque[Callable[[], None]] = deque()
        self._woken = False

    def hand_in(self, loop: asyncio.AbstractEventLoop, answer: Callable[[], None]) -> None:
        self._answers.append(answer)
        if not self._woken or loop.is_closed():
            self._woken = True
            loop.call_soon_threadsafe(self._run)

    def _run(self) -> None:
        self._woken = False  # before the answers are taken: who comes now wakes the loop again
        try:
            for _ in range(len(self._answers)):
                self._answers.popleft()()
        finally:
            if self._answers and not self._woken:  # one has raised; the others are not its fault
                self._woken = True
                asyncio.get_running_loop().call_soon(self._run)


_OF_LOOP: Final[WeakKeyDictionary[asyncio.AbstractEventLoop, _Gathered]] = WeakKeyDictionary()


def in_this_loop(answer: Callable[[], None]) -> Callable[[], None]:
    """What to give as ``acknowledge`` so that ``answer`` runs in the loop that runs now.

    Answers run in the order in which they were acknowledged, a batch at one wake-up of the loop,
    as waking it is a system call. Where the loop has ended meanwhile, the intake is told that the
    sender has gone.
    """
    loop = asyncio.get_running_loop()
    gathered = _OF_LOOP.get(loop)
    if gathered is None:
        gathered = _OF_LOOP[loop] = _Gathered()

    def acknowledge() -> None:
        try:
            gathered.hand_in(loop, answer)
        except RuntimeError:
            raise ConnectionError("the adapter has been stopped") from None

    return acknowledge
