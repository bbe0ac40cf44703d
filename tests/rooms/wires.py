"""What stands behind an adapter in its tests: a real intake whose journal is a list."""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from wuxin.terms.envelope import unwrap
from wuxin.wire.intake import Intake, Message


class Journal:
    """Keeps what was written, in order."""

    def __init__(self) -> None:
        self.messages: list[Message] = []

    def append(self, batch: Sequence[Message]) -> int:
        self.messages.extend(batch)
        return len(batch)

    @property
    def said(self) -> list[tuple[dict[str, Any], bytes]]:
        return [unwrap(message.payload) for message in self.messages]

    @property
    def payloads(self) -> list[bytes]:
        return [message.payload for message in self.messages]


@contextmanager
def intake() -> Iterator[tuple[Journal, Intake[int]]]:
    journal = Journal()
    with Intake(journal.append, lambda _: None, linger_s=0) as taken:
        yield journal, taken


async def until(true: Callable[[], bool], *, within_s: float = 5.0) -> None:
    """Wait for something that another task or thread brings about."""
    async with asyncio.timeout(within_s):
        while not true():  # noqa: ASYNC110 - what is waited for knows nothing of events
            await asyncio.sleep(0.005)


class Held:
    """An offer that keeps what is offered and is told by the test when it is durable."""

    def __init__(self) -> None:
        self.offered: list[Message] = []

    def __call__(
        self, payload: bytes, *, source: str, position: str, acknowledge: Callable[[], None]
    ) -> None:
        self.offered.append(Message(payload, source, position, acknowledge))
