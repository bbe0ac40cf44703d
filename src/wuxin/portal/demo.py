"""The demo and the server as the command line starts them."""

import logging
import socket
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import Final

from rich.console import Console

from wuxin.audit import audit
from wuxin.home import Home
from wuxin.listen import Listening, read
from wuxin.portal import server
from wuxin.portal.bar import bar
from wuxin.portal.summary import table
from wuxin.settings import Settings, load
from wuxin.terms.errors import Tampered
from wuxin.wire.recording import Recording, open_recording

_LOG: Final = logging.getLogger("wuxin")
SHIPPED: Final = ("energy/recording", "energy/snow", "logistics/recording")


def recordings() -> list[Recording]:
    """The recordings that the project ships."""
    return [open_recording(server.shipped(name)) for name in SHIPPED]


def once(folder: Path | None, console: Console) -> None:
    """Play everything to its end, print the summary and verify.

    Raises:
        Tampered: the verification found a fault.
    """
    place = folder or Path(tempfile.mkdtemp(prefix="wuxin-demo-"))
    with Home(place) as home:
        with bar() as show:
            for recording in recordings():
                for progress, _ in home.replay(recording):
                    show(recording, progress)
        shown, tenant = table(home), home.tenant
    report = audit(place, tenant)
    if report.faults:
        raise Tampered("; ".join(report.faults[:3]))
    shown.add_row("verified", f"{report.entries} journal entries, {report.leaves} leaves")
    console.print(shown)


def serve(folder: Path | None, console: Console, *, port: int | None, speed: float | None) -> None:
    """Serve the screens while the recordings play; prints the address and the password."""
    settings = load()
    place = folder or Path(tempfile.mkdtemp(prefix="wuxin-demo-"))
    settings = _listening(settings, None, port=port or _free(settings.port))
    server.logs(settings.model_copy(update={"log_level": "warning"}))
    with Home(place) as home, bar() as show:
        app = server.application(home, settings)
        password = app.state.accounts.create(home.tenant, "admin", role="administrator")
        console.print(f"\nWuxin is at [bold]http://{settings.host}:{settings.port}[/bold]")
        console.print(f"sign in as [bold]admin[/bold], one-time password [bold]{password}[/bold]")
        console.print(f"home: {place}   (Ctrl-C ends it)\n", highlight=False)
        server.play(
            app, recordings(), speed=settings.replay_speed if speed is None else speed, show=show
        )
        server.serve(app, settings)


def serve_home(
    folder: Path, *, host: str | None, port: int | None, sources: Path | None = None
) -> None:
    """Serve an existing home, and listen for the devices of a file of sources.

    Raises:
        BadInput: the file says what cannot be meant, or an address cannot be listened on.
    """
    told = read(sources) if sources else []
    settings = _listening(load(), host, port=port)
    server.logs(settings)
    with Home(folder, book_url=settings.database_url.get_secret_value()) as home, ExitStack() as on:
        posted = None
        if told:
            posted = on.enter_context(Listening(home, told, say=_LOG.info)).posted()
        server.serve(server.application(home, settings, posted=posted), settings)


def _listening(settings: Settings, host: str | None, *, port: int | None) -> Settings:
    changed = {k: v for k, v in (("host", host), ("port", port)) if v is not None}
    return settings.model_copy(update=changed)


def _free(port: int) -> int:
    """The port, or the next one that nobody uses."""
    for candidate in range(port, port + 50):
        with socket.socket() as tried:
            if tried.connect_ex(("127.0.0.1", candidate)):
                return candidate
    return port
