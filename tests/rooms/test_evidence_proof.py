"""Leaves that say nothing, and proofs that need nothing but themselves and a key."""

import json
import stat
import subprocess
import sys
from pathlib import Path

import cbor2
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st
from tlog_scales.cli import main as tlog_tiles

from wuxin.evidence.leaf import Leaf, Sealer, leaf, opens, read_leaf
from wuxin.evidence.log import Log
from wuxin.evidence.note import Ed25519Signer
from wuxin.evidence.proof import (
    Disclosed,
    Proof,
    check_json,
    check_proof,
    prove,
    read_proof,
    to_json,
    write_proof,
)
from wuxin.terms.errors import BadInput, NotFound, Tampered

ORIGIN = "bank.example/log"
SIGNER = Ed25519Signer(ORIGIN, Ed25519PrivateKey.from_private_bytes(b"k" * 32))
SEALER = Sealer(b"s" * 32)
RECORD = {"thing": "lot:CU-7", "what": "removed", "tonnes": 24.5, "because": ["ab", "cd"]}


def leaves(count: int) -> list[bytes]:
    sealed = [SEALER.seal("finding", str(n), record=RECORD | {"n": n}) for n in range(count)]
    return [leaf("finding", s.commit, n=n, at=1_228_118_400 + n) for n, s in enumerate(sealed)]


@pytest.fixture
def log(tmp_path: Path) -> Log:
    log = Log.open(tmp_path / "log", origin=ORIGIN, signer=SIGNER, size=0)
    log.publish(log.append(leaves(300)))
    return log


def test_a_leaf_reads_back_and_has_one_form() -> None:
    commit = SEALER.seal("batch", "1", record=RECORD).commit
    data = leaf("batch", commit, n=3, at=-5, extra={"pack": "energy", "rows": 96})
    assert read_leaf(data) == Leaf("batch", 3, -5, commit, {"pack": "energy", "rows": 96})
    assert cbor2.loads(data)["v"] == 1
    assert len(leaf("batch", commit, n=3, at=0)) == 63
    with pytest.raises(BadInput, match="deterministic"):
        read_leaf(cbor2.dumps(dict(reversed(cbor2.loads(data).items()))))


def test_a_leaf_opens_with_its_record_and_salt_alone() -> None:
    sealed = SEALER.seal("act", "a-1", record=RECORD)
    data = leaf("act", sealed.commit, n=0, at=0)
    assert opens(data, sealed.salt, record=dict(reversed(RECORD.items())))
    assert not opens(data, sealed.salt, record=RECORD | {"tonnes": 24.6})
    assert not opens(data, SEALER.salt("act", "a-2"), record=RECORD)


def test_a_leaf_holds_nothing_of_its_record() -> None:
    sealed = SEALER.seal("act", "Zhang San 13800000000", record={"name": "Zhang San"})
    data = leaf("act", sealed.commit, n=0, at=0)
    assert b"Zhang" not in data
    assert b"138" not in data
    assert sealed.salt not in data


def test_salts_differ_by_kind_record_and_secret_and_are_repeated() -> None:
    salts = {s.salt(kind, record)
             for s in (SEALER, Sealer(b"t" * 32)) for kind in ("act", "batch")
             for record in ("1", "2")}  # fmt: skip
    assert len(salts) == 8
    assert Sealer(b"s" * 32).salt("act", "1") in salts


def test_the_secret_is_made_once_and_only_its_owner_reads_it(tmp_path: Path) -> None:
    path = tmp_path / "sealing"
    assert Sealer.from_file(path).salt("a", "") == Sealer.from_file(path).salt("a", "")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with pytest.raises(BadInput, match="at least 32 bytes"):
        Sealer(b"short")


@pytest.mark.parametrize(
    "wrong",
    [{"kind": "Act"}, {"kind": "a\0b"}, {"kind": ""}, {"commit": b"short"}, {"n": -1},
     {"n": True}, {"at": 1 << 63}, {"extra": {"commit": 1}}, {"extra": {"x": 1.5}},
     {"extra": {"x": None}}, {"extra": {"x": ["y"]}}, {"extra": {"x": 1 << 64}},
     {"extra": {"x": "y" * 65_535}}],
)  # fmt: skip
def test_a_leaf_that_is_none_is_not_written(wrong: dict[str, object]) -> None:
    fields = {"kind": "act", "commit": b"c" * 32, "n": 0, "at": 0} | wrong
    kind, commit = fields.pop("kind"), fields.pop("commit")
    with pytest.raises(BadInput):
        leaf(kind, commit, **fields)  # type: ignore[arg-type]


def spoiled(at: int, data: bytes) -> bytes:
    good = leaf("act", b"c" * 32, n=1, at=2, extra={"a": "b"})
    at %= len(good)
    return good[:at] + data[:3] + good[at + len(data[:3]) :]


@pytest.mark.parametrize("one", [b"\xf5", b"\xf9\x3c\x00"])
def test_a_version_that_is_only_equal_to_one_is_none(one: bytes) -> None:
    good = leaf("act", b"c" * 32, n=1, at=2)
    with pytest.raises(BadInput, match="not of version 1"):
        read_leaf(good.replace(b"av\x01", b"av" + one))


@given(st.binary(max_size=80) | st.builds(spoiled, st.integers(), st.binary()))
def test_garbage_is_refused_and_never_breaks_the_reader(data: bytes) -> None:
    try:
        found = read_leaf(data)
    except BadInput:
        return
    assert leaf(found.kind, found.commit, n=found.n, at=found.at, extra=found.extra) == data


@pytest.mark.parametrize(
    "bomb", [b"\x81" * 60_000, b"\x9b" + b"\xff" * 8, b"\x5b\x7f" + b"\xff" * 7, b"\xd8\x1c" * 9999,
             b"\xa5\x61v\xc2\x59\xf0\x00" + b"\xff" * 0xF000]
)  # fmt: skip
def test_a_bomb_is_refused(bomb: bytes) -> None:
    with pytest.raises(BadInput):
        read_leaf(bomb)


def test_a_proof_file_reads_back_and_holds(log: Log) -> None:
    for index in (0, 255, 256, 299):
        proof = prove(log, index)
        assert read_proof(write_proof(proof)) == proof
        assert check_proof(proof, log.entry(index), vkey=SIGNER.vkey) == log.head
    with pytest.raises(NotFound):
        prove(log, 300)


def test_a_proof_file_is_the_one_that_tlog_scales_writes(
    log: Log, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", ["tlog-tiles", "gen-proof", str(log.directory), "123"])
    tlog_tiles()
    assert capsys.readouterr().out == write_proof(prove(log, 123))


def test_a_proof_may_carry_something_extra(log: Log) -> None:
    proof = prove(log, 5)
    carrying = Proof(proof.index, proof.hashes, proof.checkpoint, extra=b"salt")
    text = write_proof(carrying)
    assert text.split("\n")[1] == "extra c2FsdA=="
    assert read_proof(text) == carrying


def test_a_proof_holds_for_one_entry_one_place_and_one_key(log: Log) -> None:
    proof, entry = prove(log, 5), log.entry(5)
    other = Ed25519Signer(ORIGIN, Ed25519PrivateKey.from_private_bytes(b"o" * 32))
    with pytest.raises(Tampered):
        check_proof(proof, entry + b"?", vkey=SIGNER.vkey)
    with pytest.raises(Tampered):
        check_proof(Proof(6, proof.hashes, proof.checkpoint), entry, vkey=SIGNER.vkey)
    with pytest.raises(Tampered):
        check_proof(Proof(5, proof.hashes[:-1], proof.checkpoint), entry, vkey=SIGNER.vkey)
    with pytest.raises(Tampered):
        check_proof(proof, entry, vkey=other.vkey)


@pytest.mark.parametrize("change", [
    ("tlog-proof@v1", "tlog-proof@v2"), ("index 5", "index 05"), ("index 5", "index -5"),
    ("index 5\n", ""), ("=\n", "\n"), ("\n\n", "\n"),
])  # fmt: skip
def test_another_spelling_of_a_proof_is_refused(log: Log, change: tuple[str, str]) -> None:
    with pytest.raises(BadInput):
        read_proof(write_proof(prove(log, 5)).replace(*change))


def test_the_form_for_screens_survives_json_and_holds(log: Log) -> None:
    head = log.head
    hidden = to_json(prove(log, 7), log.entry(7), head=head)
    assert (hidden["salt"], hidden["record"]) == (None, None)
    assert check_json(json.loads(json.dumps(hidden)), vkey=SIGNER.vkey) == head
    shown = Disclosed(SEALER.salt("finding", "7"), RECORD | {"n": 7})
    form = json.loads(json.dumps(to_json(prove(log, 7), log.entry(7), head=head, disclosed=shown)))
    assert set(form) == {"index", "size", "root", "hashes", "checkpoint", "entry", "salt", "record"}
    assert check_json(form, vkey=SIGNER.vkey) == head
    for change in ({"record": RECORD}, {"size": 299}, {"index": 8}, {"root": "AAAA"}):
        with pytest.raises(Tampered):
            check_json(form | change, vkey=SIGNER.vkey)
    for change in ({"hashes": 5}, {"entry": "?"}, {"index": "7"}, {"checkpoint": None}):
        with pytest.raises(BadInput):
            check_json(form | change, vkey=SIGNER.vkey)
    with pytest.raises(BadInput):
        check_json({}, vkey=SIGNER.vkey)


def test_a_record_that_json_would_change_is_not_shown(log: Log) -> None:
    for record in (b"bytes", {1: "key"}, float("nan"), ("tuple", object())):
        with pytest.raises(BadInput):
            to_json(prove(log, 7), b"", head=log.head, disclosed=Disclosed(b"", record))


def test_verifying_needs_no_more_than_the_standard_library_and_cryptography() -> None:
    code = (
        "import sys, wuxin.evidence.verify; "
        "print(*sorted({m.split('.')[0] for m in sys.modules} - set(sys.stdlib_module_names)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    foreign = {name for name in done.stdout.split() if not name.startswith("_")}
    assert foreign - {"cryptography", "cffi", "wuxin", "sitecustomize", "a1_coverage"} <= set()
