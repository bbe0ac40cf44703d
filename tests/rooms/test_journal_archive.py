"""Segments are archived, read where they are, and deleted by policy with a line that says so."""

import hashlib
import shutil
import sqlite3
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from tests.homes import NOW, still, stocked
from wuxin.audit import audit
from wuxin.cli import main
from wuxin.home import Home
from wuxin.portal import proofs
from wuxin.portal.access import Session
from wuxin.stores import archive
from wuxin.stores.journal import Arrived, Entry, Journal
from wuxin.stores.segments import listing, segments
from wuxin.terms.errors import Gone, Tampered
from wuxin.terms.records import Frame
from wuxin.wire.recording import open_recording

ENTRIES = 9
POLICY = "raw data: five years"


def said(number: int) -> Entry:
    return Arrived("rec", number - 1, (Frame("rec", 0, b"12,34\n", b"\1\0\0\0"),))


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    """A journal of nine entries in several segments."""
    journal = Journal(tmp_path, 100)
    for number in range(1, ENTRIES + 1):
        journal.append(said(number))
    return journal


def read(journal: Journal, after: int = 0) -> list[int]:
    found = []
    for number, _, entry in journal.read(after):
        assert entry == said(number)
        found.append(number)
    return found


def firsts(journal: Journal) -> list[int]:
    return [archive.first_of(path) for path in journal.segments()]


@pytest.mark.parametrize("before", range(ENTRIES + 3))
def test_only_whole_segments_below_are_archived_and_everything_is_still_read(
    tmp_path: Path, journal: Journal, before: int
) -> None:
    digests = [d for _, d, _ in journal.read()]
    expected = [a for a, b in pairwise(firsts(journal)) if b <= before]
    moved = journal.retire(before)
    assert [archive.first_of(path) for path in moved] == expected
    assert not any((tmp_path / f"{first:012d}.seg").exists() for first in expected)
    again = Journal(tmp_path, 100)
    for one in (journal, again):
        assert one.last == ENTRIES
        assert [d for _, d, _ in one.read()] == digests
        for number in range(1, ENTRIES + 1):
            assert one.entry(number) == said(number)
            assert read(one, number) == list(range(number + 1, ENTRIES + 1))
    assert again.append(said(ENTRIES + 1))[0] == ENTRIES + 1


def test_an_archived_segment_unpacks_to_the_very_bytes(journal: Journal) -> None:
    raw = journal.segments()[0].read_bytes()
    [path, *_] = journal.retire(ENTRIES)
    with archive.unpacked(path) as stream:
        assert stream.read() == raw
    assert archive.seal(path).raw == hashlib.sha256(raw).digest()


def test_reading_goes_on_while_segments_are_archived(journal: Journal) -> None:
    reading = journal.read()
    first = next(reading)[0]
    journal.retire(ENTRIES)
    assert [first, *(n for n, _, _ in reading)] == list(range(1, ENTRIES + 1))


def test_every_changed_bit_of_an_archived_segment_is_found(journal: Journal) -> None:
    [path, *_] = journal.retire(ENTRIES)
    whole = path.read_bytes()
    for at in range(len(whole)):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 1 << at % 8]) + whole[at + 1 :])
        with pytest.raises(Tampered, match=rf"journal/archive/{path.name}"):
            list(journal.read())


def test_an_archived_segment_that_is_gone_is_named(tmp_path: Path, journal: Journal) -> None:
    journal.retire(ENTRIES)
    first, second, *_ = segments(tmp_path)
    first.unlink()
    with pytest.raises(Tampered, match=rf"{second.name}: entry 1 is missing"):
        Journal(tmp_path)


def test_a_crash_between_archiving_and_deleting_loses_nothing(
    tmp_path: Path, journal: Journal
) -> None:
    hot = journal.segments()[0]
    raw = hot.read_bytes()
    count = len(journal.segments())
    journal.retire(ENTRIES)
    hot.write_bytes(raw)
    (tmp_path / "archive" / "000000000003.seg.zst.tmp").write_bytes(b"half")
    again = Journal(tmp_path, 100)
    assert len(again.segments()) == count
    assert read(again) == list(range(1, ENTRIES + 1))
    assert [archive.first_of(path) for path in again.retire(ENTRIES)] == [1]
    assert not hot.exists()


def test_what_was_discarded_is_gone_with_policy_and_day(tmp_path: Path, journal: Journal) -> None:
    raw = journal.segments()[0].read_bytes()
    last = firsts(journal)[1] - 1
    journal.retire(ENTRIES)
    done = journal.discard(last + 1, policy=POLICY, at=NOW)
    assert [(d.first, d.last, d.sha256) for d in done] == [
        (1, last, hashlib.sha256(raw).hexdigest())
    ]
    for one in (journal, Journal(tmp_path, 100)):
        assert one.last == ENTRIES
        with pytest.raises(Gone, match=rf"1 to {last} were deleted on 2026-01-05 .*{POLICY}"):
            one.entry(last)
        with pytest.raises(Gone):
            list(one.read())
        assert read(one, last) == list(range(last + 1, ENTRIES + 1))
        with pytest.raises(KeyError):
            one.entry(0)


def test_what_is_hot_is_never_discarded(journal: Journal) -> None:
    assert journal.discard(ENTRIES + 1, policy=POLICY, at=NOW) == []
    assert read(journal) == list(range(1, ENTRIES + 1))


def test_a_damaged_segment_is_not_discarded(journal: Journal) -> None:
    path = journal.retire(ENTRIES)[-1]
    count = len(journal.segments())
    path.write_bytes(path.read_bytes()[:10] + b"!" + path.read_bytes()[11:])
    with pytest.raises(Tampered, match=path.name):
        journal.discard(ENTRIES, policy=POLICY, at=NOW)
    assert len(journal.segments()) == count


def test_a_deletion_that_a_crash_has_interrupted_is_finished(
    tmp_path: Path, journal: Journal
) -> None:
    path = journal.retire(ENTRIES)[0]
    whole = path.read_bytes()
    journal.discard(ENTRIES, policy=POLICY, at=NOW)
    path.write_bytes(whole)
    Journal(tmp_path)
    assert not path.exists()


def test_the_listing_names_every_entry_once(tmp_path: Path, journal: Journal) -> None:
    last = firsts(journal)[1] - 1
    journal.retire(ENTRIES - 2)
    journal.discard(last + 1, policy=POLICY, at=NOW)
    found = listing(tmp_path)
    assert [f.first for f in found] == [1, *(f.last + 1 for f in found[:-1])][: len(found)]
    assert found[-1].last == ENTRIES
    states = [f.state for f in found]
    assert states == sorted(states, key=["discarded", "archived", "hot"].index)
    assert set(states) == {"discarded", "archived", "hot"}


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    """A home of small segments, all but the last archived."""
    with Home(tmp_path / "home", clock=still) as home:
        home.journal._segment_bytes = 100
        for _ in home.replay(open_recording(stocked(tmp_path)), batch_rows=7):
            pass
        home.journal.retire(home.journal.last)
        yield home


def frames(view: Any) -> Iterator[dict[str, Any]]:
    """The frames at the end of a record's causes."""
    for cause in view["because"]:
        if cause["kind"] == "frame":
            yield cause
        else:
            yield from frames(cause)


def test_a_receipt_whose_bytes_a_policy_deleted_says_so_and_is_still_proven(home: Home) -> None:
    who = Session(home.tenant, "o", "risk_officer", "", must_change=False, expires=1 << 62)
    record = home.book.findings(home.tenant)[0]["id"]
    before = proofs.of_record(home, who, record=record)
    assert all(frame["bytes"] for frame in frames(before))
    home.journal.discard(home.journal.last, policy=POLICY, at=NOW)
    after = proofs.of_record(home, who, record=record)
    assert after["proof"] == before["proof"]
    gone = [frame for frame in frames(after) if not frame["bytes"]]
    assert gone
    for frame in gone:
        assert frame["gone"]["policy"] == POLICY
        assert frame["gone"]["on"] == "2026-01-05"
    assert [f["id"] for f in frames(after)] == [f["id"] for f in frames(before)]


def test_an_audit_reads_the_archive_and_notes_what_was_deleted(home: Home) -> None:
    whole = audit(home.folder, home.tenant)
    assert (whole.faults, whole.notes, whole.entries) == ([], [], home.journal.last)
    home.journal.discard(3, policy=POLICY, at=NOW)
    left = audit(home.folder, home.tenant)
    assert left.faults == []
    assert left.entries == home.journal.last - home.journal.discarded[-1].last < whole.entries
    assert any(POLICY in note for note in left.notes)
    assert (left.leaves, left.root) == (whole.leaves, whole.root)


def test_after_a_deletion_an_audit_still_names_what_was_changed(home: Home, tmp_path: Path) -> None:
    home.journal.discard(3, policy=POLICY, at=NOW)
    for number, path in enumerate(home.journal.segments()):
        copy = tmp_path / f"copy{number}"
        shutil.copytree(home.folder, copy)
        target = copy / path.relative_to(home.folder)
        data = target.read_bytes()
        target.write_bytes(data[:50] + bytes([data[50] ^ 1]) + data[51:])
        assert any(path.name in fault for fault in audit(copy, home.tenant).faults)
    [(number, _, entry), *_] = list(home.journal.read(home.journal.discarded[-1].last))
    assert isinstance(entry, Arrived)
    shutil.copytree(home.folder, tmp_path / "copy")
    with sqlite3.connect(tmp_path / "copy" / "book.sqlite") as book:
        book.execute("UPDATE batch SET accepted = accepted + 1 WHERE n = ?", (number,))
        book.execute("UPDATE batch SET entry = ? WHERE n = ?", ("0" * 64, number + 1))
    faults = audit(tmp_path / "copy", home.tenant).faults
    assert f"book: batch {number} is not the one that the log proves" in faults
    assert f"journal: entry {number + 1} is not the one that the book names" in faults


def test_the_command_lists_segments_and_asks_for_a_policy(home: Home) -> None:
    asked = ["journal", "--home", str(home.folder)]
    listed = CliRunner().invoke(main, asked)
    assert listed.exit_code == 0, listed.output
    assert len(listed.output.splitlines()) == len(home.journal.segments())
    assert "archived" in listed.output
    refused = CliRunner().invoke(main, [*asked, "--discard-before", "3"])
    assert refused.exit_code == 2
    assert "--policy" in refused.output


def test_the_command_deletes_under_a_policy(home: Home) -> None:
    home.close()
    asked = ["journal", "--home", str(home.folder), "--discard-before", "3", "--policy", POLICY]
    done = CliRunner().invoke(main, asked)
    assert done.exit_code == 0, done.output
    assert "discarded" in done.output
    assert POLICY in done.output
