"""The log on disk: however it is cut, whenever it breaks, it is the same log."""

import os
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from unittest.mock import patch

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from wuxin.evidence.layout import Tile, tiles_at
from wuxin.evidence.log import Log
from wuxin.evidence.merkle import (
    check_consistency,
    check_inclusion,
    leaf_hash,
    subtree_of,
    tree_head,
)
from wuxin.evidence.note import Ed25519Signer, Head, open_checkpoint
from wuxin.evidence.reader import Reader
from wuxin.evidence.verify import verify_log
from wuxin.terms.errors import BadInput, Conflict, NotFound, Tampered

ORIGIN = "bank.example/log"
SIGNER = Ed25519Signer(ORIGIN, Ed25519PrivateKey.from_private_bytes(b"k" * 32))
LEAVES = [b"leaf %d" % n for n in range(900)]
BIG = [n.to_bytes(4, "big") for n in range(70_000)]
BIG_HASHES = [leaf_hash(entry) for entry in BIG]


def open_log(directory: Path, size: int = 0) -> Log:
    return Log.open(directory, origin=ORIGIN, signer=SIGNER, size=size)


def write(directory: Path, *cuts: int, publish: bool = True) -> Head:
    """Append LEAVES piece by piece up to the last cut, publishing each piece or only the last."""
    with open_log(directory) as log:
        for start, stop in pairwise((0, *cuts)):
            log.append(LEAVES[start:stop])
            if publish:
                log.publish(log.head)
        log.publish(log.head)
        return log.head


def files(directory: Path) -> dict[str, bytes]:
    found = (path for path in directory.rglob("*") if path.is_file())
    return {path.relative_to(directory).as_posix(): path.read_bytes() for path in found}


def needed(directory: Path, size: int) -> dict[str, bytes]:
    """The files that a tree of this size consists of, without narrower ones kept for old heads."""
    paths = {t.path for level in range(-1, 3) for t in tiles_at(level, size)} | {"checkpoint"}
    return {path: data for path, data in files(directory).items() if path in paths}


@pytest.fixture(scope="module")
def big(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Log]:
    """A log of 70,000 entries: three levels of tiles."""
    with patch("os.fsync"), open_log(tmp_path_factory.mktemp("big")) as log:
        for start in range(0, len(BIG), 4096):
            log.publish(log.append(BIG[start : start + 4096]))
        yield log


@pytest.mark.parametrize(
    ("tile", "path"),
    [
        (Tile(0, 0), "tile/0/000"),
        (Tile(63, 1234067), "tile/63/x001/x234/067"),
        (Tile(-1, 1000, 7), "tile/entries/x001/000.p/7"),
    ],
)
def test_a_tile_has_one_name(tile: Tile, path: str) -> None:
    assert tile.path == path
    assert Tile.parse(path) == tile


@pytest.mark.parametrize(
    "path",
    ["tile/0/0", "tile/00/000", "tile/64/000", "tile/0/x000/001", "tile/0/000.p/0", "tile/0/000.p/",
     "tile/0/000.p/256", "tile/0/000.p/07", "tile/0/x001", "tile/0/001/x001", "x/tile/0/000"],
)  # fmt: skip
def test_another_name_is_no_tile(path: str) -> None:
    assert Tile.parse(path) is None


def test_a_tree_of_70000_lies_in_the_files_that_the_specification_counts(big: Log) -> None:
    names = files(big.directory)
    full = [name for name in names if ".p/" not in name]
    assert len([n for n in full if n.startswith("tile/0/")]) == 273
    assert len([n for n in full if n.startswith("tile/1/")]) == 1
    assert {"tile/0/273.p/112", "tile/1/001.p/17", "tile/2/000.p/1"} <= set(names)
    assert verify_log(big.directory, SIGNER.vkey, expected=BIG).ok


@given(data=st.data(), size=st.integers(1, len(BIG)))
@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_proofs_from_tiles_hold_at_every_earlier_size(
    big: Log, data: st.DataObject, size: int
) -> None:
    index, old = data.draw(st.integers(0, size - 1)), data.draw(st.integers(0, size))
    root, old_root = big.root(size), big.root(old)
    assert big.entry(index) == BIG[index]
    assert check_inclusion(
        index, size, leaf=BIG_HASHES[index], path=big.inclusion(index, size), root=root
    )
    assert check_consistency(
        old, size, old_root=old_root, new_root=root, path=big.consistency(old, size)
    )


@pytest.mark.parametrize("size", [0, 1, 255, 256, 257, 511, 512, 65_535, 65_536, 65_537, 70_000])
def test_the_root_from_tiles_is_the_root_from_memory(big: Log, size: int) -> None:
    assert big.root(size) == tree_head(BIG_HASHES[:size]) == subtree_of(BIG_HASHES)(0, size)


def test_entries_are_read_across_bundles_and_cut_to_the_log(big: Log) -> None:
    assert list(big.entries(250, 770)) == BIG[250:770]
    assert list(big.entries(69_990, 80_000)) == BIG[69_990:]
    assert list(big.entries(5, 5)) == []
    with pytest.raises(NotFound):
        big.entry(70_000)
    for wrong in ((-1, 5), (5, 5), (5, 70_001)):
        with pytest.raises(BadInput):
            big.inclusion(*wrong)


@given(st.lists(st.integers(0, 700), max_size=6), st.integers(0, 700))
@settings(max_examples=25, deadline=None)
def test_any_cut_into_appends_gives_the_same_files(
    tmp_path_factory: pytest.TempPathFactory, cuts: list[int], size: int
) -> None:
    cuts = [*sorted(cut for cut in cuts if cut < size), size]
    one, once, each = (tmp_path_factory.mktemp(name) for name in ("one", "once", "each"))
    with patch("os.fsync"):
        heads = {write(one, size), write(once, *cuts, publish=False), write(each, *cuts)}
    assert len(heads) == 1
    assert heads.pop().root == tree_head([leaf_hash(leaf) for leaf in LEAVES[:size]])
    assert files(one) == files(once)
    assert needed(one, size) == needed(each, size) == files(one)
    assert verify_log(each, SIGNER.vkey, expected=LEAVES[:size]).ok


def test_narrower_tiles_stay_for_their_checkpoints_until_the_full_one_is_there(
    tmp_path: Path,
) -> None:
    with open_log(tmp_path) as log:
        log.publish(log.append(LEAVES[:10]))
        log.append(LEAVES[10:15])
        log.publish(log.append(LEAVES[15:20]))
        assert {p for p in files(tmp_path) if "/0/" in p} == {f"tile/0/000.p/{w}" for w in (10, 20)}
        earlier = Reader(tmp_path, 10)
        log.publish(log.append(LEAVES[20:300]))
        assert {p for p in files(tmp_path) if "/0/" in p} == {"tile/0/000", "tile/0/001.p/44"}
        assert list(earlier.entries(0, 99)) == LEAVES[:10]
        assert earlier.root(10) == tree_head([leaf_hash(leaf) for leaf in LEAVES[:10]])


class Crash(Exception):  # noqa: N818 - it is none of ours
    """The power went."""


def crash_at(step: int, name: str) -> Callable[..., object]:
    """A system call that works until it is called for the ``step``-th time."""
    calls, real = iter(range(step)), getattr(os, name)

    def call(*args: object, **options: object) -> object:
        if next(calls, None) is None:
            raise Crash
        return real(*args, **options)

    return call


@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_a_crash_at_any_call_leaves_a_log_that_goes_on(tmp_path: Path, call: str) -> None:
    write(tmp_path / "whole", 200, 700)
    for step in range(100):
        directory = tmp_path / f"{call}-{step}"
        write(directory, 200)
        log = open_log(directory, 200)
        try:
            with patch(f"os.{call}", crash_at(step, call)):
                log.append(LEAVES[200:600])  # other leaves than those that follow the crash
            break
        except Crash:
            log.close()
        before = verify_log(directory, SIGNER.vkey, expected=LEAVES[:200])
        assert before.ok, before.faults
        with open_log(directory, 200) as again:
            again.publish(again.append(LEAVES[200:700]))
        assert files(directory) == files(tmp_path / "whole")
    assert step > 5


@pytest.mark.parametrize("call", ["fsync", "replace", "unlink", "rmdir"])
def test_a_crash_while_publishing_leaves_the_old_or_the_new_checkpoint(
    tmp_path: Path, call: str
) -> None:
    write(tmp_path / "whole", 200, 300)
    for step in range(20):
        directory = tmp_path / str(step)
        write(directory, 200)
        log = open_log(directory, 200)
        log.append(LEAVES[200:250])
        head = log.append(LEAVES[250:300])
        try:
            with patch(f"os.{call}", crash_at(step, call)):
                log.publish(head)
            break
        except Crash:
            log.close()
        report = verify_log(directory, SIGNER.vkey)
        assert report.ok, report.faults
        assert report.size in (200, 300)
        with open_log(directory, 300) as again:
            again.publish(again.head)
        assert needed(directory, 300) == needed(tmp_path / "whole", 300)
        assert verify_log(directory, SIGNER.vkey, expected=LEAVES[:300], known=head).ok
    assert step > 0


def test_a_crash_before_the_commit_is_forgotten(tmp_path: Path) -> None:
    write(tmp_path / "whole", 200, 220, 300)
    write(tmp_path / "broken", 200)
    with open_log(tmp_path / "broken", 200) as log:
        log.append([b"never committed"] * 900)
    report = verify_log(tmp_path / "broken", SIGNER.vkey, expected=LEAVES[:200])
    assert report.ok
    assert report.leftovers
    with open_log(tmp_path / "broken", 200) as log:
        log.publish(log.append(LEAVES[200:220]))
        log.publish(log.append(LEAVES[220:300]))
    assert files(tmp_path / "broken") == files(tmp_path / "whole")


def test_a_crash_after_the_commit_is_healed_by_publishing(tmp_path: Path) -> None:
    write(tmp_path / "whole", 200, 300)
    write(tmp_path / "broken", 200)
    with open_log(tmp_path / "broken", 200) as log:
        committed = log.append(LEAVES[200:300])
    report = verify_log(tmp_path / "broken", SIGNER.vkey, known=committed)
    assert [fault.path for fault in report.faults] == ["checkpoint"]
    with open_log(tmp_path / "broken", 300) as log:
        assert log.head == committed
        log.publish(log.head)
    assert files(tmp_path / "broken") == files(tmp_path / "whole")


def test_publishing_twice_changes_nothing(tmp_path: Path) -> None:
    head = write(tmp_path, 5)
    before = (tmp_path / "checkpoint").stat().st_ino
    with open_log(tmp_path, 5) as log:
        text = log.publish(log.head)
        assert log.append([]) == head
    assert (tmp_path / "checkpoint").stat().st_ino == before
    assert open_checkpoint(text, SIGNER.vkey) == head


def test_a_smaller_head_is_not_published(tmp_path: Path) -> None:
    with open_log(tmp_path) as log:
        small = log.append(LEAVES[:10])
        log.publish(log.append(LEAVES[10:20]))
        with pytest.raises(Conflict, match="behind the published 20"):
            log.publish(small)
    with open_log(tmp_path, 10) as log, pytest.raises(Conflict, match="behind the published 20"):
        log.publish(log.head)


def test_a_head_that_was_not_appended_is_not_published(tmp_path: Path) -> None:
    with open_log(tmp_path) as log:
        head = log.append(LEAVES[:10])
        for wrong in (
            Head(ORIGIN, 11, head.root),
            Head(ORIGIN, 10, b"\0" * 32),
            Head("other.example", 10, head.root),
        ):
            with pytest.raises(Conflict):
                log.publish(wrong)
    assert not (tmp_path / "checkpoint").exists()


def test_a_fork_is_refused_before_anything_published_is_overwritten(tmp_path: Path) -> None:
    write(tmp_path, 300)
    before = files(tmp_path)
    for committed in (0, 100, 256, 299):
        with open_log(tmp_path, committed) as log, pytest.raises(Conflict, match="is published"):
            log.append([*LEAVES[committed:299], b"fork"])
    assert files(tmp_path) == before


def test_a_foreign_checkpoint_over_other_leaves_is_refused(tmp_path: Path) -> None:
    write(tmp_path / "a", 300)
    with open_log(tmp_path / "b") as log:
        log.append([b"fork", *LEAVES[1:400]])
        (tmp_path / "b" / "checkpoint").write_bytes((tmp_path / "a" / "checkpoint").read_bytes())
        with pytest.raises(Conflict, match="does not extend"):
            log.publish(log.head)


def test_after_the_database_lost_commits_the_same_leaves_are_taken_again(tmp_path: Path) -> None:
    write(tmp_path / "whole", 300, 320)
    write(tmp_path / "behind", 300)
    with open_log(tmp_path / "behind", 100) as log:
        log.publish(log.append(LEAVES[100:320]))
    assert needed(tmp_path / "behind", 320) == needed(tmp_path / "whole", 320)
    assert verify_log(tmp_path / "behind", SIGNER.vkey, expected=LEAVES[:320]).ok


def test_one_writer_at_a_time(tmp_path: Path) -> None:
    with open_log(tmp_path) as first, open_log(tmp_path) as second:
        first.append(LEAVES[:3])
        with pytest.raises(Conflict, match="another writer"):
            second.append(LEAVES[:3])
    with pytest.raises(Conflict, match="was closed"):
        first.append(LEAVES[3:5])
    with open_log(tmp_path) as third:
        third.append(LEAVES[:3])


def test_an_entry_has_at_most_65535_bytes(tmp_path: Path) -> None:
    with open_log(tmp_path) as log:
        log.publish(log.append([b"", b"x" * 65_535]))
        assert [len(entry) for entry in log.entries(0, 2)] == [0, 65_535]
        with pytest.raises(BadInput, match="entry 3 has 65536 bytes"):
            log.append([b"", b"x" * 65_536])
        assert log.size == 2


def test_a_log_whose_right_edge_is_damaged_does_not_open(tmp_path: Path) -> None:
    write(tmp_path, 300)
    for name in ("tile/0/001.p/44", "tile/1/000.p/1", "tile/entries/001.p/44", "checkpoint"):
        path, good = tmp_path / name, (tmp_path / name).read_bytes()
        path.write_bytes(bytes([good[0], good[1], good[2] ^ 1]) + good[3:])
        with pytest.raises(Tampered):
            open_log(tmp_path, 300)
        path.unlink()
        if name != "checkpoint":
            with pytest.raises(Tampered):
                open_log(tmp_path, 300)
        path.write_bytes(good)
    with pytest.raises(Tampered, match="not the committed one"):
        Log.open(tmp_path, origin=ORIGIN, signer=SIGNER, size=300, root=b"\0" * 32)
    with pytest.raises(Tampered, match="not of other"):
        Log.open(tmp_path, origin="other.example", signer=SIGNER, size=300)


def test_a_failed_append_leaves_the_log_as_it_was(tmp_path: Path) -> None:
    with open_log(tmp_path) as log:
        head = log.append(LEAVES[:3])
        with patch("os.fsync", side_effect=OSError("full")), pytest.raises(OSError, match="full"):
            log.append(LEAVES[3:9])
        assert log.head == head


def test_memory_holds_only_the_right_edge(big: Log) -> None:
    assert len(big._edge.entries) == 112
    assert [len(hashes) for hashes in big._edge.levels] == [112, 17, 1]
