"""Starts the server: the API, the screens, and in the demo the replays beside them."""

import ipaddress
import logging
import socket
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import uvicorn

from wuxin.home import Home
from wuxin.portal.access import Accounts
from wuxin.portal.api import build
from wuxin.portal.pacing import Pace
from wuxin.portal.screens import mount
from wuxin.settings import Settings
from wuxin.terms.clock import iso, system_clock
from wuxin.terms.errors import BadInput
from wuxin.wire.recording import Recording

_LOG = logging.getLogger("wuxin")

_ENDING_S = 10.0
"""How long (s) a replay may take to end at its next batch."""

_LAST_WORDS_S = 3
"""How long (s) an answer may take once the server is told to stop; a stream would go on."""


def application(home: Home, settings: Settings, *, posted: Any = None) -> Any:
    """The API with the screens mounted on it, which take every address that is left.

    Args:
        home: the home.
        settings: of the server.
        posted: a router of addresses at which messages are posted; None: there are none.
    """
    app = build(home, Accounts(home.book, system_clock, hours=int(settings.session_hours)))
    if posted is not None:
        app.include_router(posted)
    mount(app, settings)
    return app


def serve(app: Any, settings: Settings) -> None:
    """Listen until stopped.

    Raises:
        BadInput: it would listen beyond loopback without TLS, or without any account.
    """
    if not loopback(settings.host):
        if not (settings.tls_certificate and settings.tls_key):
            raise BadInput(
                f"{settings.host} can be reached from outside: set WUXIN_TLS_CERTIFICATE and "
                "WUXIN_TLS_KEY to PEM files, or listen on 127.0.0.1 behind a proxy that has TLS"
            )
        if not app.state.accounts.any(app.state.home.tenant):
            raise BadInput(
                f"{settings.host} can be reached from outside and there is no account: first run "
                "wuxin account NAME --role administrator"
            )
    with socket.socket(socket.AF_INET6 if ":" in settings.host else socket.AF_INET) as tried:
        tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            tried.bind((settings.host, settings.port))
        except OSError as wrong:
            raise BadInput(
                f"cannot listen on {settings.host} port {settings.port}: {wrong.strerror}"
            ) from None
    uvicorn.run(
        app, host=settings.host, port=settings.port, log_config=None, server_header=False,
        ssl_certfile=settings.tls_certificate or None, ssl_keyfile=settings.tls_key or None,
        timeout_graceful_shutdown=_LAST_WORDS_S,
    )  # fmt: skip


def loopback(host: str) -> bool:
    """Whether an address can only be reached from this machine."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


@contextmanager
def play(app: Any, recordings: Sequence[Recording], *, speed: float, show: Any) -> Iterator[None]:
    """Bring recordings in beside the server, each in its own thread, at an accelerated clock.

    What has not come in when the server ends stays out; the threads end at their next batch.

    Args:
        app: the application; ``app.state.replays`` tells the screens how far it is.
        recordings: what to bring in.
        speed: seconds of event time per second; 0 goes as fast as it can.
        show: called with (recording, progress) for the bar in the terminal.
    """
    over, threads = threading.Event(), []
    for recording in recordings:
        state = app.state.replays[recording.source] = {
            "source": recording.source, "pack": recording.pack, "rows": 0,
            "total": recording.rows, "event_time": None, "state": "running",
        }  # fmt: skip
        run = partial(_play, app, recording, state=state, pace=Pace(speed, over), show=show)
        threads.append(threading.Thread(target=run, name=recording.source, daemon=True))
        threads[-1].start()
    try:
        yield
    finally:
        over.set()
        for thread in threads:
            thread.join(_ENDING_S)


def _play(app: Any, recording: Recording, *, state: dict[str, Any], pace: Pace, show: Any) -> None:
    rows = 10_000 if pace.speed == 0 else max(50, recording.rows // 200)
    try:
        for progress, _ in app.state.home.replay(recording, batch_rows=rows, wait=pace):
            state |= {"rows": progress.rows, "event_time": iso(progress.event_time)}
            show(recording, progress)
            if pace.over.is_set():
                state["state"] = "stopped"
                return
        state["state"] = "done"
    except Exception as wrong:  # noqa: BLE001 - whatever ends the thread is shown, not lost
        state |= {"state": "failed", "error": str(wrong)}
        _LOG.exception("replay of %s failed", recording.source)


class JsonLines(logging.Formatter):
    """One JSON object per log record: time, level, logger, message, and the traceback if any."""

    def format(self, record: logging.LogRecord) -> str:
        """The record as a line of JSON."""
        line = {
            "time": iso(int(record.created * 1e9)), "level": record.levelname.lower(),
            "logger": record.name, "message": record.getMessage(),
        }  # fmt: skip
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return msgspec.json.encode(line).decode()


def logs(settings: Settings) -> None:
    """Structured logs on standard error."""
    handler = logging.StreamHandler(sys.stderr)
    if settings.log_format == "json":
        handler.setFormatter(JsonLines())
    logging.getLogger("alembic").setLevel(logging.WARNING)
    logging.basicConfig(level=settings.log_level.upper(), handlers=[handler], force=True)


def shipped(name: str) -> Path:
    """A recording that the project ships, for example ``energy/snow``.

    Raises:
        BadInput: this installation has no examples beside it.
    """
    for base in (Path(__file__).parents[3], Path.cwd()):
        path = base / "examples" / f"{name}.toml"
        if path.is_file():
            return path
    raise BadInput(f"examples/{name}.toml is not here; run the demo from a checkout")
