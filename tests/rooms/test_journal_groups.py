"""Entries written together are one sync; what failed is taken back, and resending is recognised."""

import errno
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from wuxin.stores.journal import Arrived, Entry, Journal
from wuxin.terms.errors import Conflict
from wuxin.terms.records import Frame


def said(number: int, position: str = "") -> Entry:
    return Arrived("rec", number, (Frame("rec", 0, b"12,34\n", b"\1\0\0\0"),), position)


def counting(monkeypatch: pytest.MonkeyPatch, name: str) -> list[int]:
    """Count the calls of one function of the system."""
    real: Callable[..., Any] = getattr(os, name)
    calls = list[int]()
    monkeypatch.setattr(os, name, lambda *given: (calls.append(1), real(*given))[1])
    return calls


def test_a_group_is_one_write_and_one_sync(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    journal = Journal(tmp_path)
    writes, syncs = counting(monkeypatch, "write"), counting(monkeypatch, "fdatasync")
    told = journal.append_many([said(n) for n in range(100)])
    assert (len(writes), len(syncs)) == (1, 1)
    assert [n for n, _ in told] == list(range(1, 101))
    assert [(n, d) for n, d, _ in journal.read()] == told


def test_a_group_gives_the_same_bytes_as_one_by_one(tmp_path: Path) -> None:
    one, many = Journal(tmp_path / "one"), Journal(tmp_path / "many")
    entries = [said(n, f"line {n}") for n in range(7)]
    assert many.append_many(entries) == [one.append(entry) for entry in entries]
    assert one.segments()[0].read_bytes() == many.segments()[0].read_bytes()


def test_an_empty_group_is_nothing(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    assert journal.append_many([]) == []
    assert journal.last == 0


def test_the_position_of_the_source_is_kept_and_older_entries_have_none(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    journal.append_many([said(1, "offset 17"), said(2)])
    found = [entry for _, _, entry in journal.read()]
    assert [e.position for e in found if isinstance(e, Arrived)] == ["offset 17", ""]
    assert "position" not in msgspec.msgpack.decode(msgspec.msgpack.encode(said(2)))


@pytest.mark.parametrize("happened", [False, True])
@pytest.mark.parametrize("taken_back", [True, False])
def test_of_a_group_that_failed_nothing_is_acknowledged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, happened: bool, taken_back: bool
) -> None:
    journal = Journal(tmp_path)
    told = journal.append_many([said(1), said(2)])
    real = os.fdatasync

    def fails(handle: int, *_: int) -> None:
        if happened:
            real(handle)
        raise OSError(errno.EIO, "Input/output error")

    with monkeypatch.context() as patched:
        patched.setattr(os, "fdatasync", fails)
        if not taken_back:
            patched.setattr(os, "ftruncate", fails)
        with pytest.raises(OSError, match="Input/output"):
            journal.append_many([said(3), said(4)])
    with pytest.raises(Conflict, match="open it again"):
        journal.append(said(3))
    assert journal.last == 2
    again = Journal(tmp_path)
    assert again.last == (2 if taken_back else 4)
    assert [(n, d) for n, d, _ in again.read()][:2] == told
    again.append_many([said(n) for n in range(again.last + 1, 6)])
    assert [e for _, _, e in again.read()] == [said(n) for n in range(1, 6)]


def test_a_clock_that_is_stepped_back_does_not_change_the_order(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    entries = [said(1000), said(10), said(500)]
    journal.append_many(entries)
    journal.close()
    assert [e for _, _, e in Journal(tmp_path).read()] == entries


def test_a_closed_journal_takes_nothing(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    journal.close()
    journal.close()
    with pytest.raises(Conflict, match="closed"):
        journal.append(said(1))
