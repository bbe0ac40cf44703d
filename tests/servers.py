"""Real servers for the tests, from the system's packages, on free loopback ports."""

import ctypes
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import pytest

SYSTEM_FOLDERS = ("/usr/sbin", "/usr/local/sbin")  # Debian keeps daemons where users do not look
START_SECONDS = 15.0


@dataclass(frozen=True)
class Broker:
    """A running MQTT broker."""

    host: str
    port: int
    log: Path


def need(program: str) -> Path:
    """Return where a server's program is; without it skip the test, or fail it where CI=true."""
    path = os.pathsep.join([os.environ.get("PATH", os.defpath), *SYSTEM_FOLDERS])
    found = shutil.which(program, path=path)
    if found is None:
        _miss(program, package=program)
    return Path(found)


def need_library(name: str, *, package: str) -> None:
    """Ask for a shared library as `need` asks for a program."""
    try:
        ctypes.CDLL(name)
    except OSError:
        _miss(name, package=package)


def _miss(what: str, *, package: str) -> NoReturn:
    reason = f"{what} is not installed; on Debian: apt-get install {package}"
    if os.environ.get("CI", "").lower() == "true":
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)


def free_port() -> int:
    """Return a TCP port of the loopback that nobody listens on."""
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for_port(port: int, process: subprocess.Popen[bytes]) -> bool:
    """Wait until a process listens on a loopback port; False when it ended before it did."""
    deadline = time.monotonic() + START_SECONDS
    while process.poll() is None:
        with closing(socket.socket()) as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return True
        if time.monotonic() > deadline:
            raise TimeoutError(f"no answer on port {port} after {START_SECONDS} s")
        time.sleep(0.02)
    return False


@contextmanager
def run_mosquitto(
    folder: Path, port: int | None = None, *, access: str = "allow_anonymous true\n"
) -> Iterator[Broker]:
    """Run a Mosquitto, and kill it at the end.

    Args:
        folder: where its configuration and its log go.
        port: the loopback port, to come back on the same one after a fault; a free one if None.
        access: lines of configuration that say who may do what; everybody everything if not given.

    Raises:
        RuntimeError: it did not start; the message has its log.
    """
    program = need("mosquitto")
    log = folder / "mosquitto.log"
    for _ in range(1 if port else 3):  # between our look and its start another may take the port
        chosen = port or free_port()
        settings = folder / f"mosquitto-{chosen}.conf"
        settings.write_text(
            f"listener {chosen} 127.0.0.1\n"
            f"{access}"
            "user root\n"  # started by root it would become another, who cannot read the folder
            "set_tcp_nodelay true\n"
            "persistence false\n"
            "log_dest stderr\n"
        )
        with log.open("ab") as output:
            process = subprocess.Popen([program, "-c", settings], stdout=output, stderr=output)
        try:
            if wait_for_port(chosen, process):
                yield Broker("127.0.0.1", chosen, log)
                return
        finally:
            process.kill()
            process.wait()
    raise RuntimeError(f"Mosquitto did not start:\n{log.read_text()}")


@contextmanager
def run_postgres() -> Iterator[str]:
    """Run a PostgreSQL of one's own with an empty database, and end it; yields its URL.

    It does not run as root: there it is Debian's user ``postgres``, in a folder that this one owns.
    """
    found = sorted(
        Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name)
    )
    if not found:
        _miss("PostgreSQL", package="postgresql")
    folder = Path(tempfile.mkdtemp(prefix="wuxin-postgres-"))
    who: dict[str, Any] = {}
    if os.geteuid() == 0:
        who = {"user": "postgres", "group": "postgres", "extra_groups": []}
        shutil.chown(folder, "postgres", "postgres")
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE, "cwd": folder}
    port = free_port()
    try:
        subprocess.run(
            [
                found[-1] / "initdb",
                "-D",
                folder / "data",
                "-U",
                "wuxin",
                "-A",
                "trust",
                "-E",
                "UTF8",
                "--no-sync",
                "--locale=C.UTF-8",
            ],
            check=True,
            **quiet,
            **who,
        )
        process = subprocess.Popen(
            [found[-1] / "postgres", "-D", folder / "data", "-p", str(port), "-k", folder,
             "-c", "listen_addresses=127.0.0.1", "-c", "fsync=off"], **quiet, **who,
        )  # fmt: skip
        try:
            if not wait_for_port(port, process):
                assert process.stderr is not None
                raise RuntimeError(f"PostgreSQL did not start: {process.stderr.read()!r}")
            ready = [found[-1] / "pg_isready", "-q", "-h", "127.0.0.1", "-p", str(port)]
            while subprocess.run(ready, check=False).returncode:  # it listens before it answers
                time.sleep(0.05)
            yield f"postgresql://wuxin@127.0.0.1:{port}/postgres"
        finally:
            process.send_signal(signal.SIGINT)  # a fast shutdown
            process.wait(START_SECONDS)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
