"""A disk of one megabyte runs full: what was acknowledged is there, and with room it goes on."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from wuxin.stores.journal import Arrived, Journal
from wuxin.terms.errors import Conflict
from wuxin.terms.records import Frame


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Path]:
    """A file system of one megabyte."""
    place = tmp_path / "small"
    place.mkdir()
    if os.geteuid() or not shutil.which("mount"):
        pytest.skip("only root may mount a tmpfs of one megabyte")
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "none", str(place)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("this machine does not let root mount a tmpfs")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


def said(number: int) -> Arrived:
    return Arrived("rec", number, (Frame("rec", 0, bytes(30_000), b"\1\0\0\0"),), str(number))


@pytest.mark.parametrize("segment_bytes", [1 << 26, 100_000])
def test_a_full_disk_ends_appending_and_loses_nothing(small: Path, segment_bytes: int) -> None:
    filler = small / "filler"
    filler.write_bytes(bytes(300_000))
    journal = Journal(small / "journal", segment_bytes)
    told = []
    with pytest.raises(OSError, match="No space left"):  # noqa: PT012 - which of them is not known
        while True:
            told.append(journal.append(said(len(told) + 1)))
    assert len(told) > 10
    with pytest.raises(Conflict, match=r"No space left.*open it again"):
        journal.append(said(1))
    again = Journal(small / "journal", segment_bytes)
    assert [(n, d) for n, d, _ in again.read()] == told
    with pytest.raises(OSError, match="No space left"):
        again.append(said(len(told) + 1))
    filler.unlink()
    last = Journal(small / "journal", segment_bytes)
    told.append(last.append(said(len(told) + 1)))
    assert [(n, d) for n, d, _ in last.read()] == told
    assert [e for _, _, e in last.read()] == [said(n) for n in range(1, len(told) + 1)]


def test_archiving_needs_room_and_loses_nothing_without(small: Path) -> None:
    journal = Journal(small / "journal", 100_000)
    for number in range(1, 13):
        entry = Arrived("rec", number, (Frame("rec", 0, os.urandom(30_000), b"\1\0\0\0"),))
        journal.append(entry)
    before = list(journal.read())
    filler = small / "filler"
    filler.write_bytes(bytes(600_000))
    with pytest.raises(OSError, match="No space left"):
        journal.retire(12)
    assert list(Journal(small / "journal").read()) == before
    filler.unlink()
    assert journal.retire(12)
    assert list(Journal(small / "journal").read()) == before
