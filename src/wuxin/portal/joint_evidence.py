"""A compute node's evidence: its records in a file, and a leaf for each in a log of its own.

    FOLDER/evidence/records.jsonl   one record a line, with the salt that opens its leaf
    FOLDER/evidence/log/            the log, C2SP tlog-tiles with a signed checkpoint
    FOLDER/evidence/keys/           the log's key, and the secret the salts come from
    FOLDER/evidence/log.vkey        the log's verifier key, to be handed out

The file is the truth on what happened, and is synced before the log is written: a crash between the
two is made good when the folder is next opened.
"""

import json
import os
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from wuxin.evidence.leaf import Sealer, leaf, opens
from wuxin.evidence.log import Log
from wuxin.evidence.note import Ed25519Signer
from wuxin.evidence.reader import Reader
from wuxin.evidence.verify import verify_log
from wuxin.joint.proof import Told
from wuxin.terms.durable import make_directory, write_files
from wuxin.terms.errors import NotFound, Tampered

RECORDS: Final = "records.jsonl"


class JointLog:
    """The evidence of one node, open for writing; see :class:`wuxin.terms.ports.Evidence`.

    Args:
        folder: the node's.
        name: the node's; its log is ``wuxin-joint/NAME``.
    """

    def __init__(self, folder: Path, *, name: str) -> None:
        own = folder / "evidence"
        make_directory(own)
        origin = f"wuxin-joint/{name}"
        signer = Ed25519Signer.from_file(own / "keys" / "log.key", name=origin)
        self._sealer = Sealer.from_file(own / "keys" / "sealing.key")
        write_files({own / "log.vkey": f"{signer.vkey}\n".encode()})
        self._path, self._lock = own / RECORDS, threading.Lock()
        self._lines = _whole_lines(self._path)
        self._counts: dict[str, int] = {}
        leaves = [self._leaf(json.loads(line)) for line in self._lines]
        log = Log(own / "log", origin=origin, signer=signer)
        published = log.published()
        size = published.size if published else 0
        if size > len(leaves):
            raise Tampered(f"{self._path} has {len(leaves)} records, the log {size} leaves")
        self._log = Log.open(own / "log", origin=origin, signer=signer, size=size)
        if leaves[size:]:
            self._log.publish(self._log.append(leaves[size:]))

    def record(self, kind: str, said: Mapping[str, Any], *, at: int) -> None:
        """Put a record in evidence; it is in the file and under a signed checkpoint on return."""
        with self._lock:
            key = f"{kind}:{self._counts.get(kind, 0)}"
            line = {"kind": kind, "at": at, "said": _plain(said), "key": key}
            line["salt"] = self._sealer.salt(kind, key).hex()
            text = json.dumps(line, ensure_ascii=False, sort_keys=True)
            with self._path.open("ab") as file:
                file.write(text.encode() + b"\n")
                file.flush()
                os.fsync(file.fileno())
            self._lines.append(text)
            self._log.publish(self._log.append([self._leaf(line)]))

    def records(self) -> Iterator[tuple[str, Mapping[str, Any]]]:
        """All records in order."""
        for line in list(self._lines):
            read = json.loads(line)
            yield read["kind"], read["said"]

    def close(self) -> None:
        """Let another process write."""
        self._log.close()

    def _leaf(self, line: Mapping[str, Any]) -> bytes:
        kind = str(line["kind"])
        number = self._counts.get(kind, 0)
        self._counts[kind] = number + 1
        sealed = self._sealer.seal(kind, line["key"], record=line["said"])
        return leaf(kind, sealed.commit, n=number, at=line["at"])


def folders(home: Path) -> list[Path]:
    """The folders with evidence of compute nodes at or below a folder."""
    found = {path.parent.parent for path in home.glob(f"**/evidence/{RECORDS}")}
    return sorted(found)


def checked(folder: Path, faults: list[str]) -> list[Told]:
    """Check a node's log against its records, without its secrets; returns the records.

    Args:
        folder: the node's.
        faults: what is wrong is added here, each with its place.

    Raises:
        NotFound: there is no evidence in the folder.
    """
    own = folder / "evidence"
    if not (own / "log.vkey").is_file():
        raise NotFound(f"{folder} holds no evidence of a compute node")
    report = verify_log(own / "log", (own / "log.vkey").read_text("utf-8").strip())
    faults += [f"{own / 'log' / fault.path}: {fault.what}" for fault in report.faults]
    lines = _whole_lines(own / RECORDS)
    told = [json.loads(line) for line in lines]
    if len(told) != report.size:
        faults.append(f"{own / RECORDS}: {len(told)} records, the log has {report.size}")
    if report.ok:
        entries = Reader(own / "log", report.size).entries(0, min(report.size, len(told)))
        for number, (entry, line) in enumerate(zip(entries, told, strict=False)):
            if not opens(entry, bytes.fromhex(line["salt"]), record=line["said"]):
                faults.append(f"{own / RECORDS}: line {number + 1} is not what was logged")
    return [Told(folder.name, line["kind"], int(line["at"]), line["said"]) for line in told]


def _whole_lines(path: Path) -> list[str]:
    """The lines of a file; a last one that a crash cut off was promised to nobody and goes."""
    if not path.exists():
        return []
    data = path.read_bytes()
    whole = data[: data.rfind(b"\n") + 1]
    if len(whole) < len(data):
        write_files({path: whole})
    return whole.decode().split("\n")[:-1]  # other ends of lines may stand in what somebody said


def _plain(said: Mapping[str, Any]) -> dict[str, Any]:
    """The record as JSON gives it back: bytes in hexadecimal, tuples as lists."""
    text = json.dumps(dict(said), default=lambda data: bytes(data).hex())
    plain: dict[str, Any] = json.loads(text)
    return plain
