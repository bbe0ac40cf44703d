"""The intake: answered means written, in order, however many offer and whatever fails."""

import errno
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from typing import Any

import pytest

from wuxin.terms.errors import Conflict
from wuxin.wire.intake import BACKLOG, Intake, Message

PATIENCE_S = 10.0


class Gate:
    """A door that a thread of the intake may have to wait at."""

    def __init__(self, *, is_open: bool = True) -> None:
        self.event, self.reached = threading.Event(), threading.Event()
        if is_open:
            self.event.set()

    def walk(self) -> None:
        self.reached.set()
        assert self.event.wait(PATIENCE_S)


class Books:
    """A journal and a judge that note what happens to them, and fail when they are told to."""

    def __init__(self) -> None:
        self.told: list[tuple[str, Any]] = []
        self.written: list[list[Message]] = []
        self.judged: list[int] = []
        self.door, self.bench = Gate(), Gate()
        self.fail_append = self.fail_process = -1
        self.error: Exception = OSError(errno.ENOSPC, "No space left on device")

    def append(self, batch: Sequence[Message]) -> int:
        self.door.walk()
        number = len(self.written)
        if number == self.fail_append:
            raise self.error
        self.written.append(list(batch))
        self.told.append(("written", [message.position for message in batch]))
        return number

    def process(self, tokens: Sequence[int]) -> None:
        self.bench.walk()
        if self.fail_process in tokens:
            raise self.error
        self.judged += tokens

    def answer(self, position: str) -> Callable[[], None]:
        return lambda: self.told.append(("answered", position))

    @property
    def answered(self) -> list[str]:
        return [what for kind, what in self.told if kind == "answered"]

    @property
    def positions(self) -> list[str]:
        return [message.position for batch in self.written for message in batch]


@pytest.fixture
def books() -> Iterator[Books]:
    found = Books()
    yield found
    found.door.event.set()
    found.bench.event.set()
    eventually(lambda: not any(t.name.startswith("intake") for t in threading.enumerate()))


def offer(intake: Intake[int], books: Books, *told: Any) -> None:
    """Offer a message: told are its position and, where it matters, its payload."""
    position, payload = (*told, b"x")[:2]
    text = str(position)
    intake.offer(payload, source="s", position=text, acknowledge=books.answer(text))


def eventually(happens: Callable[[], bool]) -> None:
    until = time.monotonic() + PATIENCE_S
    while not happens():
        assert time.monotonic() < until, "it did not happen"
        time.sleep(0.001)


def started(work: Callable[[], None]) -> threading.Thread:
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    return thread


def test_what_is_offered_is_written_answered_and_judged_in_order(books: Books) -> None:
    with Intake(books.append, books.process) as intake:
        for n in range(1000):
            offer(intake, books, n)
    assert books.positions == books.answered == [str(n) for n in range(1000)]
    assert books.judged == list(range(len(books.written)))


def test_a_message_arrives_as_it_was_offered(books: Books) -> None:
    with Intake(books.append, books.process) as intake:
        intake.offer(b"\0\xff", source="mqtt-1", position="17", acknowledge=books.answer("17"))
    [[message]] = books.written
    assert message[:3] == (b"\0\xff", "mqtt-1", "17")


def test_nothing_is_answered_before_it_is_written(books: Books) -> None:
    books.door = Gate(is_open=False)
    with Intake(books.append, books.process) as intake:
        offer(intake, books, 1)
        assert books.door.reached.wait(PATIENCE_S)
        assert books.told == []
        books.door.event.set()
    assert books.told == [("written", ["1"]), ("answered", "1")]


def test_answers_do_not_wait_for_the_judge(books: Books) -> None:
    books.bench = Gate(is_open=False)
    with Intake(books.append, books.process) as intake:
        offer(intake, books, 1)
        eventually(lambda: books.answered == ["1"])
        assert books.judged == []
        books.bench.event.set()


def test_while_one_batch_is_written_the_next_gathers_up_to_the_most(books: Books) -> None:
    books.door = Gate(is_open=False)
    with Intake(books.append, books.process, most=10, linger_s=0) as intake:
        offer(intake, books, 0)
        assert books.door.reached.wait(PATIENCE_S)
        for n in range(1, 26):
            offer(intake, books, n)
        assert intake.waiting == 25
        books.door.event.set()
    assert [len(batch) for batch in books.written] == [1, 10, 10, 5]


def test_a_batch_waits_for_others_and_goes_at_once_when_it_is_full(books: Books) -> None:
    with Intake(books.append, books.process, most=3, linger_s=PATIENCE_S) as intake:
        for n in range(2):
            offer(intake, books, n)
        time.sleep(0.02)
        assert books.written == []
        begun = time.monotonic()
        offer(intake, books, 2)
        eventually(lambda: len(books.answered) == 3)
        assert time.monotonic() - begun < PATIENCE_S / 2


def test_a_batch_that_stays_alone_goes_when_it_has_waited(books: Books) -> None:
    with Intake(books.append, books.process, linger_s=0.005) as intake:
        offer(intake, books, 1)
        eventually(lambda: books.answered == ["1"])


def test_closing_does_not_wait_for_others(books: Books) -> None:
    begun = time.monotonic()
    with Intake(books.append, books.process, linger_s=PATIENCE_S) as intake:
        offer(intake, books, 1)
    assert time.monotonic() - begun < PATIENCE_S / 2
    assert books.answered == ["1"]


def test_many_threads_lose_nothing_and_each_keeps_its_order(books: Books) -> None:
    limit = 3000
    with Intake(books.append, books.process, most=64, linger_s=0, waiting_bytes=limit) as intake:

        def send(who: int) -> None:
            for n in range(500):
                offer(intake, books, f"{who}-{n}", bytes(n % 100))

        threads = [started(lambda who=who: send(who)) for who in range(8)]
        for thread in threads:
            thread.join(PATIENCE_S)
    assert books.answered == books.positions
    for who in range(8):
        mine = [p for p in books.positions if p.startswith(f"{who}-")]
        assert mine == [f"{who}-{n}" for n in range(500)]
    assert max(sum(len(m.payload) for m in batch) for batch in books.written) <= limit


# ---- back-pressure ------------------------------------------------------------------------------


def test_who_offers_waits_while_too_many_bytes_wait(books: Books) -> None:
    books.door = Gate(is_open=False)
    with Intake(books.append, books.process, linger_s=0, waiting_bytes=100) as intake:
        offer(intake, books, 0)
        assert books.door.reached.wait(PATIENCE_S)
        offer(intake, books, 1, bytes(60))
        thread = started(lambda: offer(intake, books, 2, bytes(41)))
        thread.join(0.05)
        assert thread.is_alive()
        assert intake.waiting == 1
        offer(intake, books, 3, bytes(40))
        books.door.event.set()
        thread.join(PATIENCE_S)
        assert not thread.is_alive()
    assert books.answered == ["0", "1", "3", "2"]


def test_a_message_larger_than_may_wait_comes_in_alone(books: Books) -> None:
    with Intake(books.append, books.process, waiting_bytes=10) as intake:
        for n in range(3):
            offer(intake, books, n, bytes(1000))
    assert books.answered == ["0", "1", "2"]


def test_a_batch_does_not_linger_for_those_who_cannot_come_in(books: Books) -> None:
    begun = time.monotonic()
    intake = Intake(books.append, books.process, linger_s=PATIENCE_S, waiting_bytes=100)
    with intake:
        for n in range(5):
            offer(intake, books, n, bytes(60))
    assert time.monotonic() - begun < PATIENCE_S / 2
    assert len(books.written) == 5


def test_a_slow_judge_stops_the_writing_before_memory_fills(books: Books) -> None:
    books.bench = Gate(is_open=False)
    intake = Intake(books.append, books.process, most=1, waiting_bytes=5)

    def send() -> None:
        for n in range(100):
            offer(intake, books, n)

    thread = started(send)
    eventually(lambda: intake.waiting == 5 and len(books.written) > BACKLOG)
    thread.join(0.1)
    assert thread.is_alive()
    assert intake.waiting == 5
    assert len(books.written) <= 2 * BACKLOG + 1  # with the judge, waiting for it, being handed on
    books.bench.event.set()
    thread.join(PATIENCE_S)
    intake.close()
    assert len(books.answered) == 100
    assert books.judged == list(range(100))


# ---- failure ------------------------------------------------------------------------------------


def test_a_batch_that_could_not_be_written_is_not_answered_and_nothing_more_is_taken(
    books: Books,
) -> None:
    books.fail_append = 1
    intake = Intake(books.append, books.process, most=1)
    offer(intake, books, 0)
    offer(intake, books, 1)
    offered = 2
    with pytest.raises(Conflict, match="No space left") as caught:  # noqa: PT012 - some time
        for n in range(2, 10**6):
            offer(intake, books, n)
            offered += 1
            time.sleep(0.001)
    assert caught.value.__cause__ is books.error
    for _ in range(3):
        with pytest.raises(Conflict, match=r"'s' is taken in: .*No space left"):
            offer(intake, books, "late")
    with pytest.raises(OSError, match="No space left"):
        intake.close()
    assert books.answered == books.positions == ["0"]
    assert books.judged == [0]
    assert intake.waiting == offered - 2


def test_who_waits_to_offer_is_told_of_the_failure(books: Books) -> None:
    books.door, books.fail_append = Gate(is_open=False), 0
    intake = Intake(books.append, books.process, linger_s=0, waiting_bytes=1)
    offer(intake, books, 0)
    assert books.door.reached.wait(PATIENCE_S)
    offer(intake, books, 1)
    told: list[str] = []

    def wait() -> None:
        try:
            offer(intake, books, 2)
        except Conflict as wrong:
            told.append(str(wrong))

    threads = [started(wait) for _ in range(3)]
    time.sleep(0.02)
    assert told == []
    books.door.event.set()
    for thread in threads:
        thread.join(PATIENCE_S)
    assert len(told) == 3
    with pytest.raises(OSError, match="No space left"):
        intake.close()


def test_a_judge_that_fails_ends_the_intake_and_leaves_what_was_answered_written(
    books: Books,
) -> None:
    books.fail_process, books.error = 1, AssertionError("an invariant is broken")
    intake = Intake(books.append, books.process, most=1)
    with pytest.raises(Conflict, match="an invariant is broken"):  # noqa: PT012 - some time
        for n in range(10**6):
            offer(intake, books, n)
            time.sleep(0.001)
    with pytest.raises(AssertionError, match="an invariant is broken"):
        intake.close()
    assert books.answered == books.positions
    assert books.judged in ([], [0])  # where both came at once, the first fails with the second


def test_what_waits_when_the_judge_fails_is_neither_written_nor_answered(books: Books) -> None:
    books.bench, books.fail_process = Gate(is_open=False), 0
    intake = Intake(books.append, books.process, most=1)
    offer(intake, books, 0)
    assert books.bench.reached.wait(PATIENCE_S)
    books.door = Gate(is_open=False)
    for n in (1, 2, 3):
        offer(intake, books, n)
    assert books.door.reached.wait(PATIENCE_S)
    books.bench.event.set()
    with pytest.raises(Conflict, match="No space left"):  # noqa: PT012 - some time
        while True:
            offer(intake, books, "later")
            time.sleep(0.001)
    books.door.event.set()
    with pytest.raises(OSError, match="No space left"):
        intake.close()
    assert books.answered == books.positions == ["0", "1"]
    assert intake.waiting >= 2


def test_a_judge_that_fails_frees_a_writer_that_waits_for_it(books: Books) -> None:
    books.bench, books.fail_process = Gate(is_open=False), 0
    intake = Intake(books.append, books.process, most=1)
    for n in range(2 * BACKLOG + 4):
        offer(intake, books, n)
    eventually(lambda: len(books.written) >= BACKLOG)
    books.bench.event.set()
    with pytest.raises(OSError, match="No space left"):
        intake.close()
    assert books.answered == books.positions


def test_a_sender_that_has_gone_is_counted_and_the_others_are_answered(books: Books) -> None:
    def gone() -> None:
        raise ConnectionResetError

    with Intake(books.append, books.process) as intake:
        offer(intake, books, 0)
        intake.offer(b"x", source="s", position="1", acknowledge=gone)
        offer(intake, books, 2)
    assert books.answered == ["0", "2"]
    assert books.positions == ["0", "1", "2"]
    assert intake.unanswered == 1


def test_closed_it_takes_nothing_more_and_closes_again(books: Books) -> None:
    intake = Intake(books.append, books.process)
    offer(intake, books, 0)
    intake.close()
    intake.close()
    with pytest.raises(Conflict, match="'s' is taken in: the intake is closed"):
        offer(intake, books, 1)
    assert books.positions == ["0"]


def test_who_waits_to_offer_when_it_closes_is_told(books: Books) -> None:
    books.door = Gate(is_open=False)
    intake = Intake(books.append, books.process, linger_s=0, waiting_bytes=1)
    offer(intake, books, 0)
    assert books.door.reached.wait(PATIENCE_S)
    offer(intake, books, 1)
    told: list[str] = []

    def late() -> None:
        with suppress(Conflict):
            offer(intake, books, 2)
            return
        told.append("refused")

    waiting, closing = started(late), started(intake.close)
    waiting.join(PATIENCE_S)
    assert told == ["refused"]
    books.door.event.set()
    closing.join(PATIENCE_S)
    assert books.answered == ["0", "1"]
