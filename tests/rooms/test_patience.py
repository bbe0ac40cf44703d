"""What all pollers share: beginning again after failures, and coming to an end."""

import asyncio
import logging
from collections import Counter

import pytest

from tests.rooms.wires import until
from wuxin.wire import patience
from wuxin.wire.patience import Peer, Unreadable, ended, persist, succeeded

LOG = logging.getLogger("wuxin.wire.test")


def test_work_that_fails_begins_again_after_a_pause_that_doubles_until_it_succeeds(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    counts: Counter[str] = Counter()
    pauses: list[float] = []

    async def work() -> None:
        if counts["failures"] == 3:
            succeeded(counts, "A")
        if len(pauses) > 6:
            raise ZeroDivisionError
        raise Unreadable("away")

    async def pause(seconds: float) -> None:
        pauses.append(seconds)

    monkeypatch.setattr(patience.asyncio, "sleep", pause)
    peer = Peer("A", (Unreadable,), 100.0)
    with pytest.raises(ZeroDivisionError):
        asyncio.run(persist(work, peer=peer, counts=counts, log=LOG))
    assert pauses == [100, 200, 300, 100, 200, 300, 300]
    assert counts["failures A"] == counts["failures"] == 7


def test_an_error_that_is_none_of_the_peers_comes_out_at_the_end() -> None:
    async def broken() -> None:
        raise ZeroDivisionError

    async def session() -> None:
        task = asyncio.create_task(broken())
        await until(task.done)
        await ended([task])

    with pytest.raises(ZeroDivisionError):
        asyncio.run(session())


def test_a_task_that_swallows_a_cancellation_is_ended_all_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    swallowed = 0

    async def stubborn() -> None:
        nonlocal swallowed
        while True:
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                swallowed += 1
                if swallowed == 3:
                    raise

    async def session() -> None:
        task = asyncio.create_task(stubborn())
        await asyncio.sleep(0)
        await ended([task])

    monkeypatch.setattr(patience, "AGAIN_S", 0.01)
    asyncio.run(session())
    assert swallowed == 3
