"""The compute node: takes contracts, shares and questions over mTLS, and runs one job at a time.

What a contract does not say is refused, and the refusal goes into evidence. A job has two
deadlines, both from the contract: until all inputs are here, and until the run is over. While a
job lasts, the node asks the other two how they are, so that a node that dies or has given up is
named within seconds, and not after the deadline.
"""

import contextlib
import hashlib
import threading
import time
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any, Final

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from wuxin.joint.budget import Budgets
from wuxin.joint.channel import Line, Papers, Server
from wuxin.joint.contract import Signed, from_plain, key_in, plain, public
from wuxin.joint.job import COMPILE_S, Job, Process
from wuxin.joint.refusals import check_form, check_signatures, check_time
from wuxin.joint.shares import SALT, Part
from wuxin.joint.watch import Watch
from wuxin.terms.clock import Clock
from wuxin.terms.errors import BadInput, Conflict, Forbidden, NotFound, Refused
from wuxin.terms.names import canonical
from wuxin.terms.ports import Evidence

PUSH_DOMAIN: Final = b"wuxin joint push v1\n"
_LOOK_S: Final = 1.0
_LINGER_S: Final = 10.0


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A node's file ``node.toml``.

    ``control`` and ``link`` are where it listens (``host:port``); the contract says under which
    addresses others reach it. The ``control_…`` papers are of the authority of all parties, the
    ``link_…`` papers of that of the nodes alone. ``packages`` may have their programs run here.
    Paths are relative to the file.
    """

    name: str
    control: str
    link: str
    key: str = "signing.key"
    control_certificate: str = "certificate.pem"
    control_key: str = "key.pem"
    control_authority: str = "authority.pem"
    link_certificate: str = "link-certificate.pem"
    link_key: str = "link-key.pem"
    link_authority: str = "link-authority.pem"
    packages: tuple[str, ...] = ("wuxin.joint.algorithms", "wuxin.joint.programs")

    def papers(self, folder: Path, plane: str) -> Papers:
        """The papers of the ``control`` plane or of the ``link``."""
        names = ("certificate", "key", "authority")
        return Papers(*(folder / getattr(self, f"{plane}_{name}") for name in names))


class Said(msgspec.Struct, frozen=True):
    """What a push says of itself: the table, two salts, two commitments, the owner's signature."""

    table: str
    salts: list[bytes]
    commitments: list[str]
    signature: bytes


def read_settings(file: Path) -> Settings:
    """Read a node's file.

    Raises:
        BadInput: it is not one.
    """
    try:
        return msgspec.toml.decode(file.read_bytes(), type=Settings)
    except (OSError, msgspec.MsgspecError) as wrong:
        raise BadInput(f"{file} does not describe a node: {wrong}") from None


class Node:
    """One node, from construction to :meth:`close`.

    Args:
        settings: from its file.
        folder: where that file is.
        evidence: where it puts what it did.
        clock: the time.
    """

    def __init__(
        self, settings: Settings, *, folder: Path, evidence: Evidence, clock: Clock
    ) -> None:
        self.settings, self.folder = settings, folder
        self._evidence, self._clock = evidence, clock
        self._key = key_in(folder / settings.key)
        self._control = settings.papers(folder, "control")
        self._jobs: dict[str, Job] = {}
        self._lock = threading.Lock()
        self._before = {
            said["contract"] for kind, said in evidence.records() if kind == "joint-start"
        }
        self._budgets = Budgets(evidence.records())
        self._server = Server(settings.control, self._control, behind=self)

    @property
    def address(self) -> str:
        """Where it listens for owners."""
        return f"{self.settings.control.rpartition(':')[0]}:{self._server.port}"

    def close(self) -> None:
        """Take no more questions; a job that runs is ended."""
        self._server.close()
        for job in list(self._jobs.values()):
            if not job.ended.is_set():
                self._end(job, f"{self.settings.name} was shut down")

    # ── what parties ask ──────────────────────────────────────────────────────────────────────

    def room(self, peer: str, head: Mapping[str, Any]) -> int:
        """A push is as long as the contract says; nothing else has a body."""
        if head.get("do") != "push":
            return 0
        try:
            job = self._job(peer, head)
            columns = job.contract.input(str(head.get("table"))).columns.values()
        except Refused as refusal:
            self._refuse(peer, head, refusal=refusal)
            raise
        return 16 * sum(column.size for column in columns)

    def answer(
        self, peer: str, head: Mapping[str, Any], *, body: bytes
    ) -> tuple[Mapping[str, Any], bytes]:
        """Answer a party; what is refused is put in evidence and refused."""
        asked = {
            "propose": self._propose, "status": self._status, "fetch": self._fetch,
            "records": self._records,
        }  # fmt: skip
        try:
            if head.get("do") == "push":
                return self._push(peer, head, body=body), b""
            if (do := asked.get(str(head.get("do")))) is None:
                raise BadInput(f"a node is not asked to {head.get('do')!r}")
            return do(peer, head)
        except Refused as refusal:
            self._refuse(peer, head, refusal=refusal)
            raise

    def _propose(self, peer: str, head: Mapping[str, Any]) -> tuple[Mapping[str, Any], bytes]:
        signed = from_plain(head.get("contract", {}))
        contract = signed.contract
        contract.party(peer)
        check_form(contract)
        check_signatures(signed)
        check_time(contract, self._clock())
        if self.settings.name not in contract.nodes:
            raise Forbidden(f"{self.settings.name} is no node of this contract")
        if contract.party(self.settings.name).key != public(self._key):
            raise Forbidden(f"the contract has a key for {self.settings.name} that is not its own")
        job = Job(signed, rank=contract.nodes.index(self.settings.name))
        with self._lock:
            if contract.id in self._jobs and not self._jobs[contract.id].why:
                return {"state": self._jobs[contract.id].state}, b""  # another owner was quicker
            if contract.id in self._before:
                raise Conflict(f"the contract {contract.id[:12]} has been run here before")
            if busy := [each for each in self._jobs.values() if not each.ended.is_set()]:
                raise Conflict(f"{self.settings.name} is busy with {busy[0].contract.id[:12]}")
            self._budgets.check(contract)
            self._jobs[contract.id] = job
        try:
            process = self._started(signed)
        except Refused as refusal:
            with self._lock:
                job.end("failed", str(refusal))
                del self._jobs[contract.id]
            raise
        self._say("joint-contract", contract=contract.id, signed=plain(signed))
        threading.Thread(target=self._carry, args=(job, process), daemon=True).start()
        return {"state": job.state}, b""

    def _push(self, peer: str, head: Mapping[str, Any], *, body: bytes) -> Mapping[str, Any]:
        job = self._job(peer, head)
        said = _said(head)
        table = job.contract.input(said.table)
        if table.party != peer:
            raise Forbidden(f"{peer} does not bring the table {said.table}")
        if job.state != "waiting" or said.table in job.tables:
            raise Conflict(f"{said.table} is here already, or the job is {job.state}")
        parts = _parts(table.columns, said, body=body)
        if [part.commitment for part in parts] != said.commitments:
            raise BadInput(f"the shares of {said.table} are not those that the message speaks of")
        _signed_by(job.contract.party(peer).key, job, said=said)
        expected = [table.parts[at] for at in job.commitments]
        if said.commitments != expected:
            # Signed by the owner: this record shows to anybody that it broke its commitment.
            self._say(
                "joint-cheat", contract=job.contract.id, party=peer, table=said.table,
                rank=job.rank, sent=said.commitments, agreed=expected,
                signature=said.signature,
            )  # fmt: skip
            self._end(job, f"{peer} pushed other shares of {said.table} than it committed to")
            raise Forbidden(job.why)
        self._say(
            "joint-input", contract=job.contract.id, party=peer, table=said.table, parts=expected
        )
        with self._lock:
            job.tables[said.table] = parts
            if not job.missing():
                job.complete.set()
        return {"state": job.state}

    def _status(self, peer: str, head: Mapping[str, Any]) -> tuple[Mapping[str, Any], bytes]:
        job = self._job(peer, head)
        job.ended.wait(min(float(head.get("wait_s", 0)), 20.0))
        said = {"state": job.state, "why": job.why, "missing": job.missing()}
        return {**said, "computed": job.computed, **job.figures}, b""

    def _fetch(self, peer: str, head: Mapping[str, Any]) -> tuple[Mapping[str, Any], bytes]:
        job, name = self._job(peer, head), str(head.get("name"))
        to = next((each.to for each in job.contract.openings if each.opening.name == name), ())
        if peer not in to:
            raise Forbidden(f"the contract does not give {name} to {peer}")
        if job.state != "done" or name not in job.results:
            raise Conflict(f"there is no result {name}: the job is {job.state}. {job.why}".strip())
        half = dict(job.results[name])
        content = half.pop("content")
        if (name, peer) not in job.given:
            self._say("joint-opening", contract=job.contract.id, name=name, to=peer)
            job.given.add((name, peer))
        return half, content

    def _records(self, peer: str, head: Mapping[str, Any]) -> tuple[Mapping[str, Any], bytes]:
        asked = str(head.get("contract"))
        mine = [
            {"kind": kind, **said}
            for kind, said in self._evidence.records()
            if said.get("contract") == asked
        ]
        signed = next((said["signed"] for said in mine if said["kind"] == "joint-contract"), None)
        if signed is None:  # of a contract that was refused, nobody here knows who may ask
            raise NotFound(f"{self.settings.name} has no such contract")
        if "supervisor" not in from_plain(signed).contract.party(peer).roles:
            raise Forbidden(f"{peer} is no supervisor of {asked[:12]}")
        return {"records": mine}, b""

    # ── the job ───────────────────────────────────────────────────────────────────────────────

    def _started(self, signed: Signed) -> Process:
        """The job's process, once it has compiled the program and found it as the contract says."""
        told = {
            "contract": plain(signed), "name": self.settings.name,
            "key": str(self.folder / self.settings.key),
            "papers": [str(path) for path in self.settings.papers(self.folder, "link")],
            "listen": self.settings.link, "packages": list(self.settings.packages),
        }  # fmt: skip
        log = self.folder / "runs" / f"{signed.contract.id[:16]}.log"
        process = Process(told, log=log)
        try:
            if process.hear(COMPILE_S) is None:
                raise Conflict(f"the program did not compile within {COMPILE_S:.0f} s")
        except Refused:
            process.stop()
            raise
        return process

    def _carry(self, job: Job, process: Process) -> None:
        """Carry a job from its contract to its end."""
        try:
            self._until_complete(job)
            if not job.ended.is_set():
                job.state = "running"
                with self._lock:
                    self._before.add(job.contract.id)
                    self._budgets.spend(job.contract)
                self._say(
                    "joint-start", contract=job.contract.id, program=job.contract.digest,
                    rank=job.rank, repeats=job.contract.repeats,
                )  # fmt: skip
                process.tell(job.inputs())
                said = self._until_done(job, process)
                if said is not None:
                    job.computed = True
                    self._linger(job)
                    process.stop()  # before the end is known, so that the line is free for the next
                    self._done(job, said, process=process)
        except Refused as refusal:
            self._end(job, str(refusal))
        except OSError as failed:
            self._end(job, f"{self.settings.name} could not put the run in evidence: {failed}")
        finally:
            process.stop()

    def _until_complete(self, job: Job) -> None:
        until = time.monotonic() + job.contract.wait_s
        while not job.complete.wait(_LOOK_S):
            if time.monotonic() > until:
                raise Conflict(
                    f"{', '.join(job.missing())} did not come within {job.contract.wait_s} s"
                )
            check_time(job.contract, self._clock())

    def _until_done(self, job: Job, process: Process) -> Mapping[str, Any] | None:
        """Wait for the process, and watch the other two nodes meanwhile."""
        watch = Watch(job, self.settings.name, look=partial(self._look, job))
        while not job.ended.is_set():
            try:
                said = process.hear(_LOOK_S)
            except Conflict as broken:  # most often the line to a node that is no more
                gone = ", ".join(watch.gone())
                raise Conflict(
                    f"{gone} does not answer any more; {broken}" if gone else str(broken)
                ) from None
            if said and "done" in said:
                return said
            if said and "linked" in said:
                watch.linked()
            watch.check()
        return None

    def _look(self, job: Job, name: str) -> str:
        """The state of another node, empty where it does not answer.

        Raises:
            Conflict: it has ended the job, with its reason.
        """
        try:
            said = self._status_of(job, name)
        except NotFound:
            return "waiting"  # it has not been given the contract yet
        except Refused:
            return ""
        if said.get("state") == "failed":
            raise Conflict(f"{name} has ended the job: {said.get('why')}")
        return str(said.get("state"))

    def _status_of(self, job: Job, name: str) -> Mapping[str, Any]:
        address = job.contract.party(name).control
        with Line(name, address, papers=self._control, patience_s=2.0) as line:
            return line.ask({"do": "status", "contract": job.contract.id})[0]

    def _linger(self, job: Job) -> None:
        """Leave the line open until the others have what they need from it, or do not answer."""
        others = {name for name in job.contract.nodes if name != self.settings.name}
        until = time.monotonic() + _LINGER_S
        while others and time.monotonic() < until:
            for name in sorted(others):
                with contextlib.suppress(Refused):
                    if not self._status_of(job, name).get("computed"):
                        continue
                others.discard(name)
            time.sleep(0.02 if others else 0)

    def _done(self, job: Job, said: Mapping[str, Any], *, process: Process) -> None:
        figures = {"seconds": said["seconds"], "cpu_seconds": said["cpu_seconds"]}
        figures |= process.traffic()
        self._say(
            "joint-end", contract=job.contract.id, outcome="done", why="",
            results={name: list(each) for name, each in said["common"].items()}, figures=figures,
        )  # fmt: skip
        with self._lock:
            job.results, job.figures = dict(said["done"]), figures
            job.end("done")

    def _end(self, job: Job, why: str) -> None:
        with self._lock:
            if job.ended.is_set():
                return
            job.end("failed", why)
        with contextlib.suppress(OSError):  # the reason may be this very disk
            self._say(
                "joint-end", contract=job.contract.id, outcome="failed", why=why,
                results={}, figures={},
            )  # fmt: skip

    def _job(self, peer: str, head: Mapping[str, Any]) -> Job:
        job = self._jobs.get(str(head.get("contract")))
        if job is None:
            raise NotFound(f"{self.settings.name} has no such contract")
        job.contract.party(peer)
        return job

    def _refuse(self, peer: str, head: Mapping[str, Any], *, refusal: Refused) -> None:
        if isinstance(refusal, NotFound):
            return  # a node that asks too early
        shown = _contract_of(head.get("contract"))
        self._say("joint-refusal", contract=shown, by=peer, asked=str(head.get("do"))[:32],
                  why=str(refusal))  # fmt: skip

    def _say(self, kind: str, **said: Any) -> None:
        with self._lock:
            self._evidence.record(kind, {"node": self.settings.name, **said}, at=self._clock())


def push_statement(contract: str, rank: int, *, table: str, commitments: list[str]) -> bytes:
    """What an owner signs with each push: what it sent, to whom, under which contract."""
    return PUSH_DOMAIN + canonical([contract, rank, table, commitments])


def _contract_of(what: Any) -> str:
    """The contract that a refused question was about, as far as it can be told."""
    if isinstance(what, str):
        return what[:64]
    try:
        return from_plain(what).contract.id
    except Refused:
        return hashlib.sha256(canonical(what)).hexdigest()


def _said(head: Mapping[str, Any]) -> Said:
    try:
        return msgspec.convert(dict(head), Said)
    except msgspec.ValidationError as wrong:
        raise BadInput(f"this is not a push: {wrong}") from None


def _parts(columns: Mapping[str, Any], said: Said, *, body: bytes) -> tuple[Part, Part]:
    """The two parts in the body of a push: first all columns of one, then of the other."""
    if len(said.salts) != 2 or any(len(salt) != SALT for salt in said.salts):
        raise BadInput("a push has two salts of 32 bytes")
    sizes = {name: 8 * column.size for name, column in sorted(columns.items())}
    if len(body) != 2 * sum(sizes.values()):
        raise BadInput(f"a push of {len(body)} bytes where {2 * sum(sizes.values())} are expected")
    made, at = [], 0
    for salt in said.salts:
        part = Part(salt, {})
        for name, size in sizes.items():
            part.columns[name] = body[at : at + size]
            at += size
        made.append(part)
    return made[0], made[1]


def _signed_by(key: str, job: Job, *, said: Said) -> None:
    stated = push_statement(
        job.contract.id, job.rank, table=said.table, commitments=said.commitments
    )
    try:
        Ed25519PublicKey.from_public_bytes(bytes.fromhex(key)).verify(said.signature, stated)
    except InvalidSignature:
        raise Forbidden(f"the push of {said.table} is not signed by its owner") from None
