"""Live sources of a home: what carriers hand in is written, answered, judged; who may speak.

carrier (wire) → offer → intake: one batch of all sources → journal, one sync → answers
↘ judged beside it, in order
"""

import base64
import hashlib
import hmac
import secrets
import subprocess
import sys
from collections.abc import Callable, Iterable, Sequence
from typing import Final, Self

import numpy as np

from wuxin.home import Home, Written
from wuxin.protocols import native_batch
from wuxin.stores.journal import Arrived
from wuxin.terms.compiled import is_cold
from wuxin.terms.durable import private_file
from wuxin.terms.errors import NotFound
from wuxin.terms.ports import Trust
from wuxin.twin.devices import HEARD, Device
from wuxin.twin.layout import NEVER, Bounds
from wuxin.twin.rows import joined
from wuxin.twin.twin import Twin
from wuxin.wire.intake import Intake, Message
from wuxin.wire.packed import packed

LINGER_S: Final = 0.0
"""A batch is what has arrived while the one before was synced: measured, waiting adds nothing."""

_CODE: Final = 16
_SECRET: Final = 32


class Live:
    """Takes in messages of devices for a home, from any thread, until it is closed.

    Args:
        home: the home; every source must be open there (:meth:`wuxin.home.Home.attend`).
        linger_s: how long a batch that is not full waits for more (s).
    """

    def __init__(self, home: Home, *, linger_s: float = LINGER_S) -> None:
        self.home = home
        self._intake: Intake[Written] = Intake(self.append, self.process, linger_s=linger_s)

    def offer(
        self, payload: bytes, *, source: str, position: str, acknowledge: Callable[[], None],
        trust: Trust = Trust.UNPROVEN,
    ) -> None:  # fmt: skip
        """Hand in a message: a :class:`wuxin.terms.ports.Offer`.

        Raises:
            NotFound: there is no such source.
            Conflict: nothing more is taken in, and why.
        """
        if source not in self.home.flow.sources:
            raise NotFound(f"there is no source {source!r}")
        self._intake.offer(
            payload, source=source, position=position, acknowledge=acknowledge, trust=trust
        )

    def gate(self, source: str, *, strangers: bool = False) -> "Gate":
        """Who may speak for a source; ``strangers`` lets in devices that are not registered."""
        return gate_to(self.home, source, strangers=strangers)

    def close(self) -> None:
        """Take nothing more; return when all that was taken is written, answered and judged."""
        self._intake.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def append(self, batch: Sequence[Message]) -> Written:
        """Write a batch durably: an entry for each source, a frame for each degree of trust."""
        parts: dict[str, dict[int, list[bytes]]] = {}
        position: dict[str, str] = {}
        for message in batch:
            frames = parts.setdefault(message.source, {})
            frames.setdefault(message.trust, []).append(message.payload)
            position[message.source] = message.position
        now = self.home.clock()
        return self.home.append(
            [
                Arrived(
                    source, now,
                    tuple(packed(source, said, stream=trust) for trust, said in frames.items()),
                    position[source],
                )
                for source, frames in parts.items()
            ]
        )  # fmt: skip

    def process(self, written: Sequence[Written]) -> None:
        """Judge what was written, all of it with one commit."""
        self.home.process(written[-1])


def gate_to(home: Home, source: str, *, strangers: bool = False) -> "Gate":
    """The gate of a source, with the tenant's key for passwords, which is made at first use."""
    place = home.folder / home.tenant / "keys" / "devices.key"
    key = private_file(place, lambda: secrets.token_bytes(_SECRET))
    return Gate(home, source, key=key, strangers=strangers)


class Gate:
    """Who may speak for a source, by its register: a :class:`wuxin.terms.ports.Gate`."""

    def __init__(self, home: Home, source: str, *, key: bytes, strangers: bool) -> None:
        self._home, self._source, self._key, self._strangers = home, source, key, strangers

    def admits(self, device: str, secret: str) -> Trust | None:
        """How far a device that shows this secret is believed; None: it may not speak."""
        known = self._device(device)
        if known is None and not self._strangers:
            return None
        if known is not None and known.state not in HEARD:
            return None
        if secret and _same(secret, self._code(device)):
            return Trust.CODE
        wanted = known.secret if known is not None else ""
        if wanted:
            return Trust.CODE if _same(wanted, self.digest(device, secret)) else None
        return Trust.UNPROVEN if not secret or known is None else None

    def code(self, device: str) -> str | None:
        """The authentication code that a device gets when it registers; None: it may not."""
        known = self._device(device)
        heard = self._strangers if known is None else known.state in HEARD
        return self._code(device) if heard else None

    def digest(self, device: str, secret: str) -> str:
        """What the register keeps of a device's password."""
        said = f"secret\0{self._source}\0{device}\0{secret}".encode()
        return hmac.new(self._key, said, hashlib.sha256).hexdigest()

    def _device(self, device: str) -> Device | None:
        return self._home.flow.sources[self._source].devices.get(device)

    def _code(self, device: str) -> str:
        said = hmac.new(self._key, f"code\0{self._source}\0{device}".encode(), hashlib.sha256)
        return base64.b32encode(said.digest()).decode()[:_CODE]


def _same(one: str, other: str) -> bool:
    return hmac.compare_digest(one.encode("utf-8", "replace"), other.encode("utf-8", "replace"))


def warm(twins: Iterable[Twin], say: Callable[[str], None]) -> None:
    """Compile what live sources need, the decoder in a process of its own beside the kernel.

    The first time on a machine that takes some seconds on two cores; after that it is on disk.
    """
    if not is_cold():
        return
    say("compiling the hot path for this machine, once; this takes some seconds …")
    run = "from wuxin.live import read_one; read_one()"
    beside = subprocess.Popen([sys.executable, "-c", run])  # noqa: S603 - our own interpreter
    for twin in twins:
        observe_nothing(twin)
    beside.wait()
    read_one()


def read_one() -> None:
    """Decode a frame, which compiles the reader of frames."""
    frame = b'{"device":"a:1","boot":"b","seq":1,"time":"2026-01-01T00:00:00Z","readings":{"x":1}}'
    native_batch.Decoder({"x": ""}).decode(frame, np.array([len(frame)], np.int32))


def observe_nothing(twin: Twin) -> None:
    """Let a twin observe no rows, which compiles the kernel."""
    bounds = Bounds(0, NEVER, 0, NEVER, derived=False)
    for _ in twin.observe(joined([]), bounds):
        pass
    twin.silent_after([])
