"""Whatever write, sync or rename fails, nothing acknowledged is lost and nothing is done twice.

Each case spoils one call of one life, ends that life as a crash would, opens the home again (in
some cases on a disk that fails once more, and then again) and finishes the replay: findings, acts,
receipts, history, twins' state and log root must be those of the run that nothing happened to.
``WUXIN_EVERY_FAULT=1`` spoils every call in turn, which takes half an hour; otherwise a repeatable
choice is spoilt.
"""

import errno
import os
from collections.abc import Iterator

import pytest

from tests.faults.disk import Jobs, missing, nursery

KILLS = 100
ALL = bool(os.environ.get("WUXIN_EVERY_FAULT"))
pytestmark = [
    pytest.mark.skipif(bool(missing()), reason=missing() or "nothing is missing"),
    pytest.mark.timeout(3600 if ALL else 300),
]
MODES = {
    "refuse": errno.EIO,  # it fails and did not happen
    "lie": errno.EIO,  # it happened and is said to have failed
    "shorten": errno.EIO,  # half is taken, and said so
    "fill": errno.ENOSPC,  # half is taken, and from then on nothing
}
EVERY = {"/journal/": 14, "/log/": 40, "book.sqlite": 190, "/history/": 100, "/state/": 5}
TWICE = {"/journal/": 16, "/log/": 40, "book.sqlite": 190, "/history/": 100, "/state/": 5}


@pytest.fixture(scope="module")
def jobs() -> Iterator[Jobs]:
    with nursery() as running:
        yield running


def test_there_is_something_to_lose(jobs: Jobs) -> None:
    assert jobs.counts["acts"] > 5
    assert sum(jobs.counts["open"].values()) > 3


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("what", ["journal", "tiles"])
def test_every_call_of_journal_and_tiles_may_fail(jobs: Jobs, what: str, mode: str) -> None:
    found = jobs("alone", what=what, mode=mode, error=MODES[mode])
    assert found["wrong"] == []
    assert found["calls"] > 40
    assert found["errors"] == (0 if mode == "shorten" else found["calls"])


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("word", EVERY)
def test_a_home_is_whole_again_after_a_failed_call(jobs: Jobs, word: str, mode: str) -> None:
    every = 1 if ALL else EVERY[word]
    found = jobs("faults", word=word, mode=mode, error=MODES[mode], every=every)
    assert found["wrong"] == []
    assert found["lives"] >= 2
    assert bool(found["errors"]) == (mode != "shorten")


def test_a_home_is_whole_again_after_a_failed_call_and_a_failed_opening(jobs: Jobs) -> None:
    again = 0
    for word, some in TWICE.items():
        every = max(some // 16, 1) if ALL else some
        found = jobs("faults", word=word, mode="refuse", error=errno.EIO, every=every, twice=True)
        assert found["wrong"] == []
        assert found["lives"] >= 2
        again += found["again"]
    assert again > 3


def test_a_hundred_kills_leave_no_trace(jobs: Jobs) -> None:
    found = jobs("kills", count=KILLS)
    assert found["wrong"] == []
    assert found["killed"] == KILLS
    assert found["through"] > 2
    assert found["moments"] > 4
