"""Begin again after a failure, with a pause that doubles: what all pollers have in common."""

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable
from typing import Final, NamedTuple

FIRST_PAUSE_S: Final = 1.0
LONGEST_PAUSE_S: Final = 300.0
AGAIN_S: Final = 1.0
"""How long a task has time to end before it is cancelled once more (s)."""


class Unreadable(Exception):  # noqa: N818 - on its way to where it is counted
    """Why a peer could not be read, in one sentence."""


class Peer(NamedTuple):
    """Who is read, in the words of the log, and what may go wrong with it."""

    name: str
    failures: tuple[type[Exception], ...]
    first_pause_s: float = FIRST_PAUSE_S


async def persist(
    work: Callable[[], Awaitable[None]], *, peer: Peer, counts: Counter[str], log: logging.Logger
) -> None:
    """Do the work; when it fails note that, pause, and do it again, for ever.

    ``work`` counts its successes under ``rounds NAME``; after one the pause is short again. An
    error that is none of the peer's failures ends the task.
    """
    pause = peer.first_pause_s
    while True:
        before = counts[f"rounds {peer.name}"]
        try:
            await work()
        except peer.failures as wrong:
            counts["failures"] += 1
            counts[f"failures {peer.name}"] += 1
            log.warning("%s: %s", peer.name, wrong or type(wrong).__name__)
        if counts[f"rounds {peer.name}"] > before:
            pause = peer.first_pause_s
        await asyncio.sleep(pause)
        pause = min(2 * pause, LONGEST_PAUSE_S)


def succeeded(counts: Counter[str], name: str) -> None:
    """Count a round of a peer that went well."""
    counts["rounds"] += 1
    counts[f"rounds {name}"] += 1


async def ended(tasks: Iterable["asyncio.Task[None]"]) -> None:
    """Cancel tasks and wait for their end.

    Raises:
        BaseException: a task had ended by an error that is none of its peer.
    """
    pending = cancelled = set(tasks)
    while pending:
        for task in pending:
            task.cancel()
        # Again and again: asyncio.wait_for of Python 3.11, which libraries use, can swallow one.
        _, pending = await asyncio.wait(pending, timeout=AGAIN_S)
    for task in cancelled:
        wrong = None if task.cancelled() else task.exception()
        if wrong is not None:
            raise wrong
