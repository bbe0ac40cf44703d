"""The journal keeps what was acknowledged: a torn tail is cut, damage is named, never repaired."""

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from wuxin.stores.journal import Arrived, Closed, Entry, Journal, Told
from wuxin.stores.segments import records, segments
from wuxin.terms.errors import Conflict, Tampered
from wuxin.terms.names import digest
from wuxin.terms.records import Command, Frame


def said(number: int, payload: bytes = b"12,34\n") -> Entry:
    return Arrived("rec", number, (Frame("rec", 0, payload, b"\1\0\0\0"),))


def written(folder: Path, entries: int = 3, *, segment_bytes: int = 1 << 20) -> Path:
    """A journal of so many entries; returns its last segment."""
    journal = Journal(folder, segment_bytes)
    for number in range(entries):
        journal.append(said(number))
    journal.close()
    return segments(folder)[-1]


def numbers(folder: Path) -> list[int]:
    journal = Journal(folder)
    found = [number for number, _, _ in journal.read()]
    assert journal.last == (found[-1] if found else 0)
    journal.close()
    return found


def test_what_was_appended_is_read_in_order_with_its_digest(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    entries: list[Entry] = [
        said(1), Told("rec", 2, Command("pay", 2, "clerk", "F-1", {"amount": "1.00"})),
        Closed("rec", 3),
    ]  # fmt: skip
    told = [journal.append(entry) for entry in entries]
    assert [number for number, _ in told] == [1, 2, 3]
    assert [(n, d) for n, d, _ in journal.read()] == told
    assert [e for _, _, e in journal.read()] == entries
    assert [n for n, _, _ in journal.read(after=2)] == [3]
    assert journal.entry(2) == entries[1]
    with pytest.raises(KeyError):
        journal.entry(4)
    [path] = segments(tmp_path)
    assert [digest(body) for _, body, _ in records(path)] == [d for _, d in told]


def test_numbers_go_on_after_reopening(tmp_path: Path) -> None:
    written(tmp_path, entries=2)
    journal = Journal(tmp_path)
    assert journal.append(said(9))[0] == 3
    journal.close()
    assert numbers(tmp_path) == [1, 2, 3]


def test_a_segment_that_is_full_is_followed_by_one_named_after_its_first_entry(
    tmp_path: Path,
) -> None:
    written(tmp_path, entries=5, segment_bytes=100)
    names = [path.stem for path in segments(tmp_path)]
    assert len(names) > 1
    assert [int(name) for name in names] == sorted({int(name) for name in names})
    assert numbers(tmp_path) == [1, 2, 3, 4, 5]
    assert Journal(tmp_path).entry(4) == said(3)


@pytest.mark.parametrize("entries", [1, 3])
def test_a_torn_tail_is_cut_wherever_it_was_torn(tmp_path: Path, entries: int) -> None:
    path = written(tmp_path, entries)
    ends = [0, *(end for _, _, end in records(path))]
    whole = path.read_bytes()
    for size in range(ends[-2] + 1, ends[-1]):
        path.write_bytes(whole[:size])
        assert numbers(tmp_path) == [*range(1, entries)]
        assert path.stat().st_size == ends[-2]


def test_space_that_was_given_but_never_written_is_cut(tmp_path: Path) -> None:
    path = written(tmp_path)
    with path.open("ab") as file:
        file.write(bytes(4096))
    assert numbers(tmp_path) == [1, 2, 3]


def test_an_append_after_a_cut_tail_takes_the_number_that_nobody_was_told(tmp_path: Path) -> None:
    path = written(tmp_path)
    path.write_bytes(path.read_bytes()[:-1])
    journal = Journal(tmp_path)
    assert journal.append(said(7))[0] == 3
    assert [e for _, _, e in journal.read()] == [said(0), said(1), said(7)]
    journal.close()


@settings(
    deadline=None, max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(where=st.floats(0, 1, exclude_max=True), flip=st.integers(1, 255))
def test_a_changed_byte_is_found_and_nothing_is_cut(
    tmp_path: Path, where: float, flip: int
) -> None:
    path = next(iter(segments(tmp_path)), None) or written(tmp_path)
    whole = path.read_bytes()
    at = int(where * len(whole))
    path.write_bytes(whole[:at] + bytes([whole[at] ^ flip]) + whole[at + 1 :])
    starts = [0, *(end for _, _, end in records_of(whole, path))]
    first = max(start for start in starts[:-1] if start <= at)
    try:
        with pytest.raises(Tampered, match=rf"journal/{path.name} at byte {first}: "):
            Journal(tmp_path)
        assert path.stat().st_size == len(whole)
    finally:
        path.write_bytes(whole)


def records_of(whole: bytes, path: Path) -> list[tuple[int, bytes, int]]:
    """The records of bytes as they were before a change."""
    copy = path.with_suffix(".whole")
    copy.write_bytes(whole)
    return list(records(copy))


def test_every_single_bit_of_a_short_journal_counts(tmp_path: Path) -> None:
    path = written(tmp_path, entries=2)
    whole = path.read_bytes()
    for at in range(len(whole)):
        for bit in range(8):
            path.write_bytes(whole[:at] + bytes([whole[at] ^ 1 << bit]) + whole[at + 1 :])
            with pytest.raises(Tampered):
                list(records(path))


def test_a_segment_that_ends_early_before_another_is_damage_not_a_torn_tail(
    tmp_path: Path,
) -> None:
    written(tmp_path, entries=5, segment_bytes=100)
    first = segments(tmp_path)[0]
    first.write_bytes(first.read_bytes()[:-1])
    with pytest.raises(Tampered, match=rf"journal/{first.name} at byte"):
        Journal(tmp_path)


@pytest.mark.parametrize("gone", [0, 1])
def test_a_segment_that_is_gone_is_named(tmp_path: Path, gone: int) -> None:
    written(tmp_path, entries=9, segment_bytes=100)
    paths = segments(tmp_path)
    assert len(paths) > 2
    paths[gone].unlink()
    missing = int(paths[gone].stem)
    with pytest.raises(Tampered, match=rf"{paths[gone + 1].name}: entry {missing} is missing"):
        Journal(tmp_path)


def test_entries_in_another_order_are_found(tmp_path: Path) -> None:
    path = written(tmp_path, entries=2)
    (_, _, end), _ = records(path)
    whole = path.read_bytes()
    path.write_bytes(whole[end:] + whole[:end])
    with pytest.raises(Tampered, match="entry 1"):
        Journal(tmp_path)


def test_after_a_failed_write_only_a_new_opening_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written(tmp_path, entries=1)
    journal = Journal(tmp_path)

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, "fdatasync", full)
        with pytest.raises(OSError, match="No space left"):
            journal.append(said(1))
    with pytest.raises(Conflict, match="open it again"):
        journal.append(said(2))
    assert numbers(tmp_path)[0] == 1
