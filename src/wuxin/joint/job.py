"""One contract's run at one node: the inputs it waits for, its process, its deadline, its end."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Final, Literal

import cbor2

from wuxin.joint.contract import Signed
from wuxin.joint.shares import Part
from wuxin.terms import errors
from wuxin.terms.errors import Conflict, Refused
from wuxin.terms.names import canonical

State = Literal["waiting", "running", "done", "failed"]

COMPILE_S: Final = 180.0
"""How long a program may take to compile; the largest of ours takes some ten seconds."""


class Job:
    """What a node holds of one contract; guarded by the node's lock, except for its process."""

    def __init__(self, signed: Signed, *, rank: int) -> None:
        self.signed, self.contract, self.rank = signed, signed.contract, rank
        self.state: State = "waiting"
        self.why = ""
        self.computed = False
        self.tables: dict[str, tuple[Part, Part]] = {}
        self.results: dict[str, Any] = {}
        self.common: dict[str, list[str]] = {}
        self.figures: dict[str, float] = {}
        self.given = set[tuple[str, str]]()
        self.ended = threading.Event()
        self.complete = threading.Event()

    @property
    def commitments(self) -> tuple[int, int]:
        """Which of a table's three parts this node holds."""
        return self.rank, (self.rank + 1) % 3

    def missing(self) -> list[str]:
        """The tables that have not come."""
        return [each.table for each in self.contract.inputs if each.table not in self.tables]

    def inputs(self) -> bytes:
        """All that has come, for the process."""
        shares = {
            f"{table}.{name}": [part.columns[name] for part in parts]
            for table, parts in self.tables.items()
            for name in parts[0].columns
        }
        known = {
            each.table: [each.parts[at] for at in self.commitments] for each in self.contract.inputs
        }
        return canonical({"shares": shares, "commitments": known})

    def end(self, state: State, why: str = "") -> None:
        """Come to an end; the shares of the inputs are forgotten."""
        self.state, self.why = state, why
        self.tables.clear()
        self.complete.set()
        self.ended.set()


class Process:
    """The worker process of one job, and the pipe to it.

    Args:
        told: what it is told first.
        log: where SPU's own output goes.
    """

    def __init__(self, told: Mapping[str, Any], *, log: Path) -> None:
        ours, theirs = socket.socketpair()
        self.log = log
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("wb") as output:
            self._process = subprocess.Popen(  # noqa: S603 - our own module
                [sys.executable, "-m", "wuxin.joint.worker", str(theirs.fileno())],
                stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                pass_fds=[theirs.fileno()], start_new_session=True,
            )  # fmt: skip
        theirs.close()
        self._pipe = Connection(ours.detach())
        self.tell(canonical(dict(told)))

    def tell(self, data: bytes) -> None:
        """Send it something.

        Raises:
            Conflict: it has gone.
        """
        try:
            self._pipe.send_bytes(data)
        except OSError:
            raise Conflict(f"the process of the job has died: {self.last_words()}") from None

    def hear(self, wait_s: float) -> Mapping[str, Any] | None:
        """What it says next, None if it is silent for so long.

        Raises:
            Refused: it refuses or has failed, with its reason.
            Conflict: it has died.
        """
        try:
            if not self._pipe.poll(wait_s):
                return None
            said: dict[str, Any] = cbor2.loads(self._pipe.recv_bytes())
        except (EOFError, OSError):
            raise Conflict(f"the process of the job has died: {self.last_words()}") from None
        if "refused" in said:
            kind = getattr(errors, said["refused"], Conflict)
            raise (kind if issubclass(kind, Refused) else Conflict)(said["why"])
        return said

    def last_words(self) -> str:
        """The last line that it or SPU wrote."""
        lines = self.log.read_text("utf-8", errors="replace").strip().splitlines()
        return lines[-1][:300] if lines else "it wrote nothing"

    def traffic(self) -> dict[str, float]:
        """What SPU says went over the line: bytes and messages, sent and received."""
        for line in reversed(self.log.read_text("utf-8", errors="replace").splitlines()):
            if "Link details" in line:
                figures = [
                    int(word.strip(",")) for word in line.split() if word.strip(",").isdigit()
                ]
                names = ("bytes_sent", "bytes_received", "messages_sent", "messages_received")
                return dict(zip(names, map(float, figures[-4:]), strict=True))
        return {}

    def stop(self) -> None:
        """End it, whatever it is doing."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._pipe.close()
