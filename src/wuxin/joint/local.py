"""Three nodes on one machine's loopback, with papers of their own making: for demo, tests, bench.

The processes are the ones that run in production, started by the same command; only their
addresses and the authorities that issue their papers are of this machine.
"""

import contextlib
import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Self

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from wuxin.joint.certificates import Authority, authority, papers
from wuxin.joint.channel import Line
from wuxin.joint.contract import Party, key_in, public
from wuxin.joint.owner import Member
from wuxin.terms.clock import Clock
from wuxin.terms.durable import write_files
from wuxin.terms.errors import Conflict, NotFound, Refused

NODES: Final = ("node-a", "node-b", "node-c")
_START_S: Final = 60.0


class Local:
    """Three node processes from :meth:`__enter__` to :meth:`__exit__`.

    Args:
        folder: where each party gets a folder.
        clock: the time, for the papers.
        nodes: the nodes' names; another triple has others.
        packages: whose programs may run.
        environment: more of the environment for the nodes.
    """

    def __init__(
        self, folder: Path, *, clock: Clock, nodes: Sequence[str] = NODES,
        packages: Sequence[str] = (), environment: Mapping[str, str] | None = None,
    ) -> None:  # fmt: skip
        self.folder, self._clock, self.nodes = folder, clock, tuple(nodes)
        self._packages, self._environment = tuple(packages), dict(environment or {})
        self.parties_of = authority("wuxin joint parties (this machine)", now=clock())
        self._nodes_of = authority("wuxin joint nodes (this machine)", now=clock())
        self._addresses: dict[str, tuple[str, str]] = {}
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        self._asking = self.member("starter")

    def member(self, name: str, *, issued_by: Authority | None = None) -> Member:
        """A party with a key and papers of this machine's making; made anew each time."""
        folder = self.folder / name
        return Member(
            name,
            key=key_in(folder / "signing.key"),
            papers=papers(folder, name, issued_by=issued_by or self.parties_of, now=self._clock()),
        )

    def key(self, name: str) -> Ed25519PrivateKey:
        """A node's signing key."""
        return key_in(self.folder / name / "signing.key")

    def party(self, name: str) -> Party:
        """A node as the contract lists it."""
        control, link = self._addresses[name]
        return Party(name, ("node",), public(self.key(name)), control, link)

    def __enter__(self) -> Self:
        try:
            for name in self.nodes:
                self.start(name)
            for name in self.nodes:
                self.wait_for(name)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        for name in self.nodes:
            self.stop(name)

    def start(self, name: str, *, link_issued_by: Authority | None = None) -> None:
        """Write a node's folder and start its process."""
        folder = self.folder / name
        control, link = (f"127.0.0.1:{_free_port()}" for _ in range(2))
        self._addresses[name] = (control, link)
        now = self._clock()
        papers(folder, name, issued_by=self.parties_of, now=now)
        papers(folder, name, issued_by=link_issued_by or self._nodes_of, now=now, label="link-")
        settings: dict[str, Any] = {"name": name, "control": control, "link": link}
        if self._packages:
            settings["packages"] = list(self._packages)
        text = "".join(f"{key} = {json.dumps(value)}\n" for key, value in settings.items())
        write_files({folder / "node.toml": text.encode()})
        self._spawn(name, {})

    def restart(self, name: str, *, environment: Mapping[str, str] | None = None) -> None:
        """Start a node again where it was, and wait until it answers."""
        self._spawn(name, environment or {})
        self.wait_for(name)

    def _spawn(self, name: str, environment: Mapping[str, str]) -> None:
        folder = self.folder / name
        with (folder / "node.log").open("ab") as log:
            self.processes[name] = subprocess.Popen(  # noqa: S603 - our own command
                [sys.executable, "-m", "wuxin", "joint", "node", str(folder / "node.toml")],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
                env={**os.environ, **self._environment, **environment},
            )  # fmt: skip

    def stop(self, name: str) -> None:
        """End a node's process, and what it started."""
        process = self.processes.get(name)
        if process is None or process.poll() is not None:
            return
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def wait_for(self, name: str) -> None:
        """Wait until a node answers."""
        until = time.monotonic() + _START_S
        while time.monotonic() < until and self.processes[name].poll() is None:
            try:
                with Line(
                    name, self._addresses[name][0], papers=self._asking.papers, patience_s=2
                ) as line:
                    line.ask({"do": "status", "contract": ""})
            except NotFound:
                return
            except Refused:
                time.sleep(0.1)
        log = (self.folder / name / "node.log").read_text("utf-8", errors="replace")
        raise Conflict(f"{name} did not start: {log.strip()[-300:]}")


def _free_port() -> int:
    """A port that nobody listens on, and that the system gives to no outgoing connection.

    One from the system's own range may be the source of somebody's call by the time a node binds
    it, which is minutes later for the line between the nodes.
    """
    while True:
        port = 12_000 + secrets.randbelow(20_000)  # Linux calls from 32768 on
        with contextlib.suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port
