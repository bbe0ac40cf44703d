"""The intake of live sources: what has arrived is written together, answered, then judged.

Any thread offers messages. One thread, the writer, takes what waits, has it written with one sync
of the journal, and answers the senders in order; while a sync runs the next batch gathers, so that
batches grow with the load. Another, the worker, judges what is written. Whoever is too slow makes
the one before wait: the worker the writer, the writer those who offer.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Condition, Lock
from typing import Final, Generic, NamedTuple, Self, TypeVar

from wuxin.terms.errors import Conflict
from wuxin.terms.ports import Trust

MOST: Final = 10_000
"""Messages that are written together, at most."""

LINGER_S: Final = 0.005
"""How long the first message of a batch waits for others (s)."""

WAITING_BYTES: Final = 64 * 1024 * 1024
"""Bytes of payload that may wait to be written; beyond that whoever offers has to wait."""

BACKLOG: Final = 8
"""Batches that may be written and not yet taken by the worker, who takes all that wait."""

Token = TypeVar("Token")
"""What appending a batch gives, for the worker to judge."""


class Message(NamedTuple):
    """One message as it arrived.

    ``position`` is where the source stands after it, in the source's own words. ``acknowledge`` is
    called once the message is durable; it returns at once. An OSError from it means that the sender
    has gone: it is counted, and the sender offers again what it was not told of.
    """

    payload: bytes
    source: str
    position: str
    acknowledge: Callable[[], None]
    trust: Trust = Trust.UNPROVEN


class Intake(Generic[Token]):
    """Takes in messages from any thread, in the order in which they are offered.

    Whatever fails in ``append`` or ``process`` ends the intake: from then on nothing is taken,
    written or answered; what was answered is in the journal. :meth:`close` raises that error. Its
    threads hold the program open until it is closed.

    Args:
        append: writes a batch durably; when it returns the batch is acknowledged. One thread.
        process: judges what ``append`` gave, in that order, one or several at a time. One thread.
        most: messages of one batch.
        linger_s: how long a batch that is not full waits for more (s); 0 for not at all.
        waiting_bytes: payload that may wait; a single message may be larger if nothing else waits.
    """

    def __init__(
        self,
        append: Callable[[Sequence[Message]], Token],
        process: Callable[[Sequence[Token]], None],
        *,
        most: int = MOST,
        linger_s: float = LINGER_S,
        waiting_bytes: int = WAITING_BYTES,
    ) -> None:
        self.unanswered = 0
        self._append, self._process = append, process
        self._most, self._linger_s, self._limit = most, linger_s, waiting_bytes
        self._waiting: list[Message] = []
        self._bytes = self._blocked = 0
        self._tokens: list[Token] = []
        self._error: BaseException | None = None
        self._closing = self._written = False
        self._turn = turn = Lock()
        self._some, self._enough, self._room = Condition(turn), Condition(turn), Condition(turn)
        self._token, self._taken = Condition(turn), Condition(turn)
        self._threads = ThreadPoolExecutor(2, "intake")
        self._ends = [self._threads.submit(run) for run in (self._write, self._work)]
        for end in self._ends:
            end.add_done_callback(self._ended)

    def offer(
        self, payload: bytes, *, source: str, position: str, acknowledge: Callable[[], None],
        trust: Trust = Trust.UNPROVEN,
    ) -> None:  # fmt: skip
        """Hand in a message; waits while too much is waiting. Durable only when acknowledged.

        Raises:
            Conflict: the intake is closed, or writing or judging has failed, which is its cause.
        """
        message, size = Message(payload, source, position, acknowledge, trust), len(payload)
        with self._turn:
            while self._is_open and self._bytes and self._bytes + size > self._limit:
                self._blocked += 1
                self._enough.notify()
                self._room.wait()
                self._blocked -= 1
            if not self._is_open:
                raise Conflict(f"nothing more of {source!r} is taken in: {self._why}") from (
                    self._error
                )
            self._waiting.append(message)
            self._bytes += size
            if len(self._waiting) == 1:
                self._some.notify()
            elif len(self._waiting) == self._most:
                self._enough.notify()

    def close(self) -> None:
        """Take nothing more; return when all that was taken is written, answered and judged.

        Raises:
            BaseException: whatever ended the intake; what was not acknowledged is given up.
        """
        with self._turn:
            self._closing = True
            self._wake()
        self._threads.shutdown()
        for end in self._ends:
            end.result()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def waiting(self) -> int:
        """Messages that are taken and not yet being written."""
        return len(self._waiting)

    @property
    def _is_open(self) -> bool:
        return not self._closing and self._error is None

    @property
    def _is_enough(self) -> bool:
        """Whether waiting for more is in vain: the batch is full, or they cannot come in."""
        return len(self._waiting) >= self._most or self._blocked > 0

    @property
    def _why(self) -> str:
        if self._error is None:
            return "the intake is closed"
        return f"the intake has stopped ({self._error or type(self._error).__name__})"

    def _write(self) -> None:
        while batch := self._next():
            token = self._append(batch)
            for message in batch:
                try:
                    message.acknowledge()
                except OSError:
                    self.unanswered += 1
            self._hand_on(token)

    def _next(self) -> list[Message]:
        """The next batch; none when the intake has ended."""
        with self._turn:
            while not self._waiting and self._is_open:
                self._some.wait()
            if self._is_open and not self._is_enough:
                self._enough.wait(self._linger_s)
            if self._error is not None:
                return []
            batch = self._waiting[: self._most]
            del self._waiting[: self._most]
            self._bytes -= sum(len(message.payload) for message in batch)
            self._room.notify_all()
            return batch

    def _hand_on(self, token: Token) -> None:
        with self._turn:
            while len(self._tokens) >= BACKLOG and self._error is None:
                self._taken.wait()
            self._tokens.append(token)
            self._token.notify()

    def _work(self) -> None:
        while tokens := self._next_tokens():
            self._process(tokens)

    def _next_tokens(self) -> list[Token]:
        with self._turn:
            while not self._tokens and not self._written:
                self._token.wait()
            tokens, self._tokens = self._tokens, []
            self._taken.notify()
            return tokens

    def _ended(self, end: "Future[None]") -> None:
        with self._turn:
            self._written = self._written or end is self._ends[0]
            self._error = self._error or end.exception()
            self._wake()

    def _wake(self) -> None:
        for waiting in (self._some, self._enough, self._room, self._token, self._taken):
            waiting.notify_all()
