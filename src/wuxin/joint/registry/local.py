"""Three key nodes and a registry as processes on this machine's loopback."""

import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any, Final, Self

from wuxin.joint.registry.ceremony import NODES, REGISTRY, Founded
from wuxin.joint.registry.client import Client, Lines
from wuxin.joint.registry.roster import Server
from wuxin.joint.registry.serving import papers
from wuxin.joint.registry.signed import Signer
from wuxin.terms.clock import Clock
from wuxin.terms.errors import Conflict, Refused

_START_S: Final = 60.0


class Processes:
    """The four servers from ``with`` to its end; each can be stopped and started alone."""

    def __init__(self, founded: Founded, *, clock: Clock) -> None:
        self.founded, self._clock = founded, clock
        self.running: dict[str, subprocess.Popen[bytes]] = {}
        self._ends: list[Callable[[], None]] = []

    def __enter__(self) -> Self:
        try:
            for name in (*NODES, REGISTRY):
                self.start(name)
            for server in (*self.founded.roster.nodes, self.founded.roster.registry):
                self.wait_for(server)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        for end in self._ends:
            end()
        for name in [*self.running]:
            self.stop(name)

    def start(self, name: str) -> None:
        """Start a server's process; what it says goes to ``server.log`` in its folder."""
        folder = self.founded.folders[name]
        with (folder / "server.log").open("ab") as log:
            self.running[name] = subprocess.Popen(  # noqa: S603 - our own command
                [sys.executable, "-m", "wuxin", "joint", "registry", "serve", str(folder)],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip

    def stop(self, name: str) -> None:
        """End a server's process."""
        process = self.running.pop(name, None)
        if process is not None:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def client(self, bank: str, *, patience_s: float = 5.0) -> Client:
        """A bank's client over mTLS."""
        folder = self.founded.folders[bank]
        lines = Lines(papers(folder), patience_s=patience_s)
        signer = Signer.of_file(bank, folder / "signing.key")
        client = Client(signer, self.founded.roster, carry=lines, clock=self._clock)
        self._ends += [client.close, lines.close]
        return client

    def wait_for(self, server: Server) -> None:
        """Wait until a server answers."""
        asking = self.founded.roster.banks[0].name
        folder = self.founded.folders[asking]
        signer = Signer.of_file(asking, folder / "signing.key")
        lines = Lines(papers(folder), patience_s=2)
        client = Client(signer, self.founded.roster, carry=lines, clock=self._clock)
        try:
            self._wait(client, server)
        finally:
            client.close()
            lines.close()

    def _wait(self, client: Client, server: Server) -> None:
        until = time.monotonic() + _START_S
        do, said = ("part", {}) if server.name in NODES else ("lookup", dict[str, Any](look=[]))
        while time.monotonic() < until and self.running[server.name].poll() is None:
            try:
                client.ask(server, do, said=said)
            except Refused:
                time.sleep(0.1)
            else:
                return
        log = (self.founded.folders[server.name] / "server.log").read_text("utf-8")
        raise Conflict(f"{server.name} did not start: {log.strip()[-300:]}")
