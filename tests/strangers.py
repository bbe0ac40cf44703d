"""Verifiers of evidence that share no code with ours (tlog-scales, cbor2, rfc3161-client)."""

import base64
import hashlib
import io
import json
import zipfile
from pathlib import Path
from typing import Any

import cbor2
from rfc3161_client import decode_timestamp_response
from tlog_scales.backend import LocalBackend
from tlog_scales.reader import TilesReader
from tlog_scales.signing import Vkey
from tlog_scales.tiles import leaf_hash
from tlog_scales.tlog import Checkpoint, ConsistencyProof, InclusionProof

ID = {
    "batch": lambda r: ["batch", r["n"], r["entry"]],
    "finding": lambda r: [
        *("finding", r["tenant"], *r["thing"], r["rule"], r["since"], r["raised"]),
    ],
    "cleared": lambda r: ["cleared", r["tenant"], r["finding"], r["at"]],
    "act": lambda r: ["act", r["tenant"], r["kind"], r["facility"], r["at"], r["figures"]],
    "command": lambda r: ["command", *r],
}


def sha256(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


def named(kind: str, record: Any) -> str:
    """Return the name that a record's content gives it."""
    return sha256(cbor2.dumps(ID[kind](record), canonical=True)).hex()


def check_log(folder: Path, vkey: str) -> int:
    """Check signature, root and every entry of a log; returns its size, raises if it is wrong."""
    log = TilesReader(LocalBackend(folder))
    signed = log.get_checkpoint()
    signed.verify(Vkey.from_string(vkey))
    assert log.calculate_root_hash() == signed.root_hash
    for index in range(signed.size):
        proof = log.get_inclusion_proof(index, signed.size)
        proof.check(leaf_hash(log.get_entry(index)), signed.root_hash)
    return int(signed.size)


def check_case(data: bytes, vkey: str) -> int:
    """Check a case file under a key; returns how many records it proves, raises if it is wrong."""
    with zipfile.ZipFile(io.BytesIO(data)) as file:
        assert file.testzip() is None
        parts = {name: file.read(name) for name in file.namelist()}
    files = json.loads(parts["manifest.json"])["files"]
    assert set(files) == set(parts) - {"manifest.json"}
    assert all(sha256(parts[name]).hex() == files[name] for name in files)
    assert parts["log.vkey"].decode() == f"{vkey}\n"
    text = parts["checkpoint"].decode()
    signed = Checkpoint.from_text(text)
    signed.verify(Vkey.from_string(vkey))
    known = set()
    records = json.loads(parts["records.json"])
    for about in records:
        record, stem = about["record"], f"{about['leaf']:012d}"
        leaf = parts[f"leaves/{stem}.leaf"]
        salted = bytes.fromhex(about["salt"]) + cbor2.dumps(record, canonical=True)
        said = {"v": 1, "kind": about["kind"], "n": about["n"], "at": about["at"]}
        assert cbor2.loads(leaf) == said | {"commit": sha256(salted)}
        top, _, below = parts[f"proofs/{stem}.tlog-proof"].decode().partition("\n\n")
        first, index, *hashes = top.split("\n")
        assert (first, index, below) == ("c2sp.org/tlog-proof@v1", f"index {about['leaf']}", text)
        path = [base64.b64decode(line, validate=True) for line in hashes]
        InclusionProof(about["leaf"], signed.size, path).check(leaf_hash(leaf), signed.root_hash)
        assert about["id"] == named(about["kind"], record)
        known.add(about["id"])
    for about in json.loads(parts["commands.json"]):
        assert "gone" in about or about["id"] == named("command", about["command"])
        known.add(about["id"])
    for about in json.loads(parts["frames.json"]):
        if "gone" not in about:
            lines = parts.get(f"frames/{about['id']}.lines", b"")
            head = f"{about['source']}\0{about['stream']}\0{len(lines)}\0".encode()
            payload = parts[f"frames/{about['id']}.payload"]
            assert about["id"] == sha256(head + lines + payload).hex()
        known.add(about["id"])
    for about in records:
        assert {cause["id"] for cause in about["record"].get("because", ())} <= known
    check_anchor(parts, signed, vkey=vkey)
    return len(records)


def check_anchor(parts: dict[str, bytes], signed: Checkpoint, *, vkey: str) -> None:
    """Check that the checkpoint extends the anchored one, and the cosignatures of witnesses."""
    old = signed
    if "anchor/checkpoint" in parts:
        old = Checkpoint.from_text(parts["anchor/checkpoint"].decode())
        old.verify(Vkey.from_string(vkey))
        path = [base64.b64decode(line) for line in parts["anchor/consistency"].splitlines()]
        ConsistencyProof(old.size, signed.size, path).check(old.root_hash, signed.root_hash)
    for witness in parts.get("witnesses.vkey", b"").decode().splitlines():
        old.verify(Vkey.from_string(witness))
    if "anchor/timestamp.tsr" in parts:
        stamp = decode_timestamp_response(parts["anchor/timestamp.tsr"])
        assert stamp.tst_info.message_imprint.message == sha256(parts["anchor/checkpoint"])
    if "anchor/chain.txt" in parts:
        body = parts["anchor/checkpoint"].partition(b"\n\n")[0] + b"\n"
        assert parts["anchor/chain.txt"].decode().split("\t")[2] == f"{sha256(body).hex()}\n"
