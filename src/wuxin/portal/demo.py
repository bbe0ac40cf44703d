"""The demo and the server as the command line starts them."""

import logging
import socket
import tempfile
from collections.abc import Callable
from contextlib import ExitStack, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any, Final, Protocol, Self

from rich.console import Console

from wuxin.anchoring import Outsiders
from wuxin.audit import audit
from wuxin.evidence.anchors import Seat
from wuxin.evidence.chains import chain
from wuxin.flow import DEVICE
from wuxin.home import Home
from wuxin.notify.courier import Courier, Ways
from wuxin.notify.mail import Server
from wuxin.packs import adopt, schema
from wuxin.pledging import Doorkeeper, gate_of
from wuxin.portal import server
from wuxin.portal.bar import bar
from wuxin.portal.summary import table
from wuxin.settings import Settings, load
from wuxin.terms.errors import BadInput, Tampered
from wuxin.terms.records import Command
from wuxin.vouching import Rounds
from wuxin.watch import Watch
from wuxin.wire.recording import Recording, open_recording

_LOG: Final = logging.getLogger("wuxin")
DOCUMENTS: Final = "recording"
"""The protocol of what only stands in books: it is declared like a device, and is none."""

SHIPPED: Final = (
    "energy/recording", "energy/snow", "energy/charging", "logistics/recording",
    "logistics/voyage", "manufacturing/recording", "manufacturing/workshop",
    "agriculture/recording", "infrastructure/recording", "vehicles/recording", "vehicles/trip",
    "operations/recording",
)  # fmt: skip


class Hearing(Protocol):
    """What listens for devices while it is entered."""

    def posted(self) -> Any:
        """The router of the addresses at which their messages are posted."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(self, *_: object) -> None: ...


Hears = Callable[..., Hearing]
"""Begins to listen for a home's devices: given the home, and ``say`` for lines to the operator."""


def recordings(home: Home) -> list[Recording]:
    """The recordings that the project ships, with the devices that they come from."""
    found = []
    for name in SHIPPED:
        recording = open_recording(server.shipped(name))
        known = home.flow.sources.get(recording.source)
        if known is None or len(known.devices):  # one that was begun without goes on without
            recording = with_devices(recording)
        found.append(recording)
    return found


def with_devices(recording: Recording) -> Recording:
    """A recording that first registers what its streams were measured with, as its pack says.

    A device is installed from its stream's first row on; of its life before nothing is known.
    Documents and registers, which feed things too, are no devices.
    """
    told: dict[str, Command] = {}
    for stream in recording.streams:
        kind, fixed = stream.mapping["thing"]["kind"], stream.mapping["thing"].get("fixed")
        things = [t["id"] for t in recording.manifest["things"] if t["kind"] == kind]
        for model in schema.load(recording.pack).devices.values():
            feeds = set(model.feeds) & {*stream.mapping["readings"]}
            if model.of != kind or model.protocol == DOCUMENTS or not feeds:
                continue
            for thing in [fixed] if fixed else things:
                body = {
                    "device": f"{thing}.{model.name}", "to": "installed", "model": model.name,
                    "thing": f"{kind}:{thing}",
                }  # fmt: skip
                begin = int(adopt.times(stream).min())
                told.setdefault(body["device"], Command(DEVICE, begin, "recording", "", body))
    commands = sorted((*told.values(), *recording.commands), key=lambda c: c.at)
    return replace(recording, commands=tuple(commands))


def once(folder: Path | None, console: Console) -> None:
    """Play everything to its end, print the summary and verify.

    Raises:
        Tampered: the verification found a fault.
    """
    place = folder or Path(tempfile.mkdtemp(prefix="wuxin-demo-"))
    with Home(place) as home:
        with bar() as show:
            for recording in recordings(home):
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
    with Home(place) as home, bar() as show, Watch(home):
        app = server.application(home, settings)
        password = app.state.accounts.create(home.tenant, "admin", role="administrator")
        console.print(f"\nWuxin is at [bold]http://{settings.host}:{settings.port}[/bold]")
        console.print(f"sign in as [bold]admin[/bold], one-time password [bold]{password}[/bold]")
        console.print(f"home: {place}   (Ctrl-C ends it)\n", highlight=False)
        pace = settings.replay_speed if speed is None else speed
        with server.play(app, recordings(home), speed=pace, show=show):
            server.serve(app, settings)


def serve_home(
    folder: Path, *, host: str | None, port: int | None, hears: Hears | None = None
) -> None:
    """Serve an existing home, listen for its devices, watch the clock and tell subscribers.

    Args:
        folder: the home.
        host: the address to serve at; None for that of the settings.
        port: likewise.
        hears: listens for the devices of live sources; None: there are none.

    Raises:
        BadInput: an address cannot be listened on.
    """
    settings = _listening(load(), host, port=port)
    server.logs(settings)
    with Home(folder, book_url=settings.database_url.get_secret_value()) as home, ExitStack() as on:
        posted = None
        if hears is not None:
            posted = on.enter_context(hears(home, say=_LOG.info)).posted()
        on.enter_context(Watch(home))
        if (gate := gate_of(settings.pledge_registry, home.clock)) is not None:
            on.enter_context(Doorkeeper(home, gate))
        on.enter_context(Courier(home, _ways(settings)))
        app = server.application(home, settings, posted=posted)
        app.state.rounds = on.enter_context(rounds_of(home, settings))
        server.serve(app, settings)


def rounds_of(home: Home, settings: Settings) -> Rounds | nullcontext[None]:
    """The rounds in which outsiders are asked to vouch; nothing where nobody is named.

    Raises:
        BadInput: a witness or the chain cannot be meant, or the quorum is out of reach.
    """
    named = [one.split() for one in settings.vouch_witnesses.split(",") if one.strip()]
    if not named and not settings.vouch_timestamps and not settings.vouch_chain:
        return nullcontext()
    if wrong := [" ".join(one) for one in named if len(one) != len(Seat._fields)]:
        raise BadInput(f"vouch_witnesses: {wrong[0]!r} is not a URL and a key")
    ask = Outsiders(
        [Seat(*one) for one in named], settings.vouch_timestamps,
        chain(settings.vouch_chain) if settings.vouch_chain else None,
    )  # fmt: skip
    return Rounds(home, ask=ask, quorum=settings.vouch_quorum, period_s=settings.vouch_every_s)


def _ways(settings: Settings) -> Ways:
    """How messages to subscribers may leave."""
    password = settings.smtp_password.get_secret_value()
    through = Server(
        settings.smtp_host, settings.smtp_port, settings.smtp_starttls, settings.smtp_user,
        password, settings.smtp_sender,
    )  # fmt: skip
    return Ways(through, private=settings.notify_private)


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
