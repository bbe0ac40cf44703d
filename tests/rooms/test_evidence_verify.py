"""Verification names the place of every change, and a verifier that is not ours agrees."""

import random
import shutil
from pathlib import Path
from unittest.mock import patch

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from tlog_scales.backend import LocalBackend
from tlog_scales.reader import TilesReader
from tlog_scales.signing import Vkey
from tlog_scales.tiles import leaf_hash as foreign_leaf_hash

from wuxin.evidence.layout import pack_entries, unpack_entries
from wuxin.evidence.log import Log
from wuxin.evidence.note import Ed25519Signer, Head, sign_checkpoint
from wuxin.evidence.reader import Reader
from wuxin.evidence.verify import LogReport, verify_log
from wuxin.terms.errors import BadInput

ORIGIN = "bank.example/log"
SIGNER = Ed25519Signer(ORIGIN, Ed25519PrivateKey.from_private_bytes(b"k" * 32))
LEAVES = [b"leaf %d" % n for n in range(700)]
BIG = [n.to_bytes(4, "big") for n in range(66_000)]


def write(directory: Path, leaves: list[bytes], *cuts: int) -> Head:
    with patch("os.fsync"), Log.open(directory, origin=ORIGIN, signer=SIGNER, size=0) as log:
        for stop in (*cuts, len(leaves)):
            log.publish(log.append(leaves[log.size : stop]))
        return log.head


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """Two full tiles and, of the third, four that older checkpoints needed."""
    write(tmp_path / "log", LEAVES, 100, 300, 520, 521, 600, 650)
    return tmp_path / "log"


@pytest.fixture(scope="module")
def big(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three levels, both a full and a partial tile on the two lower ones."""
    directory = tmp_path_factory.mktemp("big")
    write(directory, BIG, 65_700)
    return directory


def names(directory: Path) -> list[str]:
    found = (path for path in directory.rglob("*") if path.is_file())
    return sorted(path.relative_to(directory).as_posix() for path in found)


def flip(path: Path, chance: random.Random) -> int:
    """Change one byte of a file; returns where."""
    data = bytearray(path.read_bytes())
    at = chance.randrange(len(data))
    data[at] ^= chance.randrange(1, 256)
    path.write_bytes(data)
    return at


def paths(report: LogReport) -> set[str]:
    return {fault.path for fault in report.faults}


@pytest.mark.parametrize("given", ["files alone", "expected leaves", "known head", "older head"])
def test_a_changed_byte_anywhere_is_named_with_its_file(small: Path, given: str) -> None:
    chance = random.Random(given)  # noqa: S311 - repeatable, not secret
    expected = LEAVES if given == "expected leaves" else None
    known = Log.open(small, origin=ORIGIN, signer=SIGNER, size=700).head
    if given == "older head":
        known = Head(ORIGIN, 600, Reader(small, 700).root(600))
    known_head = known if given.endswith("head") else None
    everything = names(small)
    assert len(everything) == 17
    for turn in range(17 * (12 if given == "files alone" else 5)):
        name = everything[turn % len(everything)]
        good = (small / name).read_bytes()
        at = flip(small / name, chance)
        report = verify_log(small, SIGNER.vkey, expected=expected, known=known_head)
        assert paths(report) == {name}, (name, at, report.faults)
        assert (report.head is None) == (name == "checkpoint")
        (small / name).write_bytes(good)
    assert verify_log(small, SIGNER.vkey, expected=LEAVES, known=known).ok


def test_a_changed_byte_is_named_on_every_level(big: Path) -> None:
    chance = random.Random(3)  # noqa: S311 - repeatable, not secret
    for name in ("tile/entries/257.p/208", "tile/entries/100", "tile/0/257.p/208", "tile/0/255",
                 "tile/1/000", "tile/1/001.p/1", "tile/2/000.p/1"):  # fmt: skip
        good = (big / name).read_bytes()
        flip(big / name, chance)
        assert paths(verify_log(big, SIGNER.vkey)) == {name}
        (big / name).write_bytes(good)


def test_the_entry_is_named_too(small: Path) -> None:
    for name, first in (("tile/entries/001", 256), ("tile/entries/002.p/188", 512)):
        good = (small / name).read_bytes()
        entries = unpack_entries(good)
        entries[7] = entries[7][:-1] + b"?"
        (small / name).write_bytes(pack_entries(entries))
        (fault,) = verify_log(small, SIGNER.vkey).faults
        assert (fault.path, fault.index) == (name, first + 7)
        (small / name).write_bytes(good)


@pytest.mark.parametrize("missing", [True, False])
def test_a_missing_or_cut_file_is_named(small: Path, *, missing: bool) -> None:
    for name in names(small):
        good = (small / name).read_bytes()
        if missing:
            (small / name).unlink()
        else:
            (small / name).write_bytes(good[: len(good) // 2])
        report = verify_log(small, SIGNER.vkey)
        # An older, narrower tile may go: that is for readers of older checkpoints to miss.
        older = name.rpartition("/")[2] in {"8", "9", "88", "138"} or name.startswith(
            "tile/1/000.p/1"
        )
        assert paths(report) == (set() if missing and older else {name})
        (small / name).write_bytes(good)


@pytest.mark.parametrize("extra", [b"\0", b"\0\0", b"\0" * 32])
def test_a_grown_file_is_named(small: Path, extra: bytes) -> None:
    for name in names(small):
        good = (small / name).read_bytes()
        (small / name).write_bytes(good + extra)
        assert paths(verify_log(small, SIGNER.vkey)) == {name}
        (small / name).write_bytes(good)


def test_all_faults_are_collected(small: Path) -> None:
    for name in ("tile/entries/000", "tile/0/001", "tile/0/002.p/188"):
        (small / name).write_bytes(b"garbage")
    (small / "tile/entries/000.p").mkdir()
    (small / "tile/entries/000.p/x").write_bytes(b"")
    (small / "notes.txt").write_bytes(b"")
    report = verify_log(small, SIGNER.vkey)
    assert paths(report) == {"tile/entries/000", "tile/0/001", "tile/0/002.p/188",
                             "tile/entries/000.p/x", "notes.txt"}  # fmt: skip


def test_swapped_bundles_and_tiles_are_both_named(small: Path) -> None:
    for kind in ("entries", "0"):
        one, two = small / f"tile/{kind}/000", small / f"tile/{kind}/001"
        first, second = one.read_bytes(), two.read_bytes()
        one.write_bytes(second)
        two.write_bytes(first)
        assert paths(verify_log(small, SIGNER.vkey)) == {f"tile/{kind}/000", f"tile/{kind}/001"}
        one.write_bytes(first)
        two.write_bytes(second)


def test_files_beyond_the_signed_size_are_leftovers_and_no_part_of_the_log(small: Path) -> None:
    (small / "tile/0/003").write_bytes(b"\0" * 8192)
    (small / "tile/entries/002.p/189").write_bytes(b"")
    (small / "tile/entries/002.p/190.tmp").write_bytes(b"")
    report = verify_log(small, SIGNER.vkey)
    assert report.ok
    assert set(report.leftovers) == {
        "tile/0/003", "tile/entries/002.p/189", "tile/entries/002.p/190.tmp"
    }  # fmt: skip


def test_an_older_checkpoint_is_verified_in_a_log_that_has_grown(tmp_path: Path) -> None:
    directory = tmp_path / "log"
    write(directory, LEAVES[:300])
    older = (directory / "checkpoint").read_bytes()
    with Log.open(directory, origin=ORIGIN, signer=SIGNER, size=300) as log:
        log.publish(log.append(LEAVES[300:]))
    (directory / "checkpoint").write_bytes(older)
    assert verify_log(directory, SIGNER.vkey, expected=LEAVES[:300]).ok
    for name in ("tile/0/001", "tile/entries/001"):
        good = (directory / name).read_bytes()
        (directory / name).write_bytes(good[:40] + b"?" + good[41:])
        assert paths(verify_log(directory, SIGNER.vkey)) == {name}
        (directory / name).write_bytes(good)
    for name in ("tile/0/001", "tile/entries/001"):
        (directory / name).write_bytes((directory / name).read_bytes()[:100])
    assert paths(verify_log(directory, SIGNER.vkey)) == {"tile/0/001", "tile/entries/001"}


def test_a_checkpoint_rolled_back_or_forked_is_refused_by_who_knows_better(tmp_path: Path) -> None:
    shared, known = tmp_path / "log", write(tmp_path / "later", LEAVES)
    write(shared, LEAVES[:300])
    report = verify_log(shared, SIGNER.vkey, known=known)
    assert paths(report) == {"checkpoint"}
    assert "rolled back" in report.faults[0].what
    for size in (700, 690):
        forked = tmp_path / f"fork{size}"
        write(forked, [*LEAVES[:600], b"fork", *LEAVES[601:700]])
        earlier = Head(ORIGIN, size, Log.open(
            tmp_path / "later", origin=ORIGIN, signer=SIGNER, size=700).root(size))  # fmt: skip
        report = verify_log(forked, SIGNER.vkey, known=earlier)
        assert paths(report) == {"checkpoint"}
        assert "forked" in report.faults[0].what
    assert verify_log(tmp_path / "later", SIGNER.vkey, known=write(tmp_path / "c", LEAVES[:1])).ok


def test_a_log_rewritten_with_the_key_is_refused_by_who_has_the_leaves(tmp_path: Path) -> None:
    write(tmp_path, [*LEAVES[:400], b"forged", *LEAVES[401:]])
    assert verify_log(tmp_path, SIGNER.vkey).ok
    (fault,) = verify_log(tmp_path, SIGNER.vkey, expected=LEAVES).faults
    assert (fault.path, fault.index) == ("tile/entries/001", 400)
    for expected in (LEAVES[:650], [*LEAVES, b"more"]):
        report = verify_log(tmp_path, SIGNER.vkey, expected=expected)
        assert paths(report) == {"tile/entries/001", "checkpoint"}


def test_a_signed_root_over_other_leaves_is_named(small: Path) -> None:
    text = sign_checkpoint(Head(ORIGIN, 700, b"\0" * 32), SIGNER)
    (small / "checkpoint").write_bytes(text.encode())
    assert paths(verify_log(small, SIGNER.vkey)) == {"checkpoint"}


def test_entry_and_hash_changed_together_are_found(small: Path, tmp_path: Path) -> None:
    write(tmp_path / "other", [b"fork", *LEAVES[1:]])
    for name in ("tile/entries/000", "tile/0/000"):
        shutil.copy(tmp_path / "other" / name, small / name)
    assert paths(verify_log(small, SIGNER.vkey)) == {"tile/0/000"}
    shutil.copy(tmp_path / "other" / "tile/1/000.p/2", small / "tile/1/000.p/2")
    assert paths(verify_log(small, SIGNER.vkey)) == {"checkpoint", "tile/1/000.p/1"}


def test_an_empty_log_and_an_empty_directory(tmp_path: Path) -> None:
    write(tmp_path / "log", [])
    assert verify_log(tmp_path / "log", SIGNER.vkey, expected=[]).ok
    assert paths(verify_log(tmp_path / "nothing", SIGNER.vkey)) == {"checkpoint"}
    with pytest.raises(BadInput):
        verify_log(tmp_path, "no key")


# From here on the judge is tlog-scales, which shares no code with Wuxin.


def judge(directory: Path, size: int) -> None:
    """Raise unless tlog-scales finds signature, root, tiles and every 7th entry in order."""
    reader = TilesReader(LocalBackend(directory))
    signed = reader.get_checkpoint()
    signed.verify(Vkey.from_string(SIGNER.vkey))
    assert (signed.origin, signed.size) == (ORIGIN, size)
    if reader.calculate_root_hash() != signed.root_hash:
        raise ValueError("root")
    for index in range(0, size, 7):
        proof = reader.get_inclusion_proof(index, size)
        proof.check(foreign_leaf_hash(reader.get_entry(index)), signed.root_hash)


def test_a_stranger_finds_our_log_in_order(small: Path, big: Path) -> None:
    judge(small, 700)
    reader = TilesReader(LocalBackend(big))
    signed = reader.get_checkpoint()
    signed.verify(Vkey.from_string(SIGNER.vkey))
    assert reader.calculate_root_hash() == signed.root_hash
    ours = Log.open(big, origin=ORIGIN, signer=SIGNER, size=66_000)
    for old in (1, 255, 256, 40_000, 65_536, 65_999):
        proof = reader.get_consistency_proof(old, 66_000)
        assert proof.node_hashes == ours.consistency(old, 66_000)
        proof.check(ours.root(old), signed.root_hash)


@pytest.mark.parametrize(
    ("name", "at"), [("tile/entries/000", 5), ("tile/0/002.p/188", 40), ("checkpoint", 30)]
)
def test_a_stranger_refuses_what_we_refuse(small: Path, name: str, at: int) -> None:
    data = bytearray((small / name).read_bytes())
    data[at] ^= 1
    (small / name).write_bytes(data)
    with pytest.raises((Exception, InvalidSignature)):
        judge(small, 700)
    assert paths(verify_log(small, SIGNER.vkey)) == {name}
