"""What stands behind an adapter in its tests: a real intake whose journal is a list."""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

from wuxin.terms.envelope import unwrap
from wuxin.terms.errors import Refused
from wuxin.terms.ports import Trust
from wuxin.wire.intake import Intake, Message


class Journal:
    """Keeps what was written, in order."""

    def __init__(self) -> None:
        self.messages: list[Message] = []

    def append(self, batch: Sequence[Message]) -> int:
        self.messages.extend(batch)
        return len(batch)

    @property
    def said(self) -> list[tuple[dict[str, Any], bytes]]:
        return [unwrap(message.payload) for message in self.messages]

    @property
    def payloads(self) -> list[bytes]:
        return [message.payload for message in self.messages]


@contextmanager
def intake() -> Iterator[tuple[Journal, Intake[int]]]:
    journal = Journal()
    with Intake(journal.append, lambda _: None, linger_s=0) as taken:
        yield journal, taken


async def until(true: Callable[[], bool], *, within_s: float = 5.0) -> None:
    """Wait for something that another task or thread brings about."""
    async with asyncio.timeout(within_s):
        while not true():  # noqa: ASYNC110 - what is waited for knows nothing of events
            await asyncio.sleep(0.005)


class Held:
    """An offer that keeps what is offered and is told by the test when it is durable."""

    def __init__(self) -> None:
        self.offered: list[Message] = []

    def __call__(
        self, payload: bytes, *, source: str, position: str, acknowledge: Callable[[], None],
        trust: Trust = Trust.UNPROVEN,
    ) -> None:  # fmt: skip
        self.offered.append(Message(payload, source, position, acknowledge, trust))


def certificate(folder: Path, name: str) -> tuple[Path, Path, Path]:
    """Make a certificate that is its own authority: in DER, its key, and in PEM."""
    key = rsa.generate_private_key(65537, 2048)
    who = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    uri = "urn:example.org:FreeOpcUa:opcua-asyncio"
    made = (
        x509.CertificateBuilder(who, who, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.UniformResourceIdentifier(uri)]), critical=False
        )
        .sign(key, hashes.SHA256())
    )
    paths = folder / f"{name}.der", folder / f"{name}.pem", folder / f"{name}.crt"
    paths[0].write_bytes(made.public_bytes(serialization.Encoding.DER))
    paths[2].write_bytes(made.public_bytes(serialization.Encoding.PEM))
    paths[1].write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return paths


class Taken(NamedTuple):
    """What was offered."""

    payload: bytes
    source: str
    position: str
    acknowledge: Callable[[], None]
    trust: Trust


class Hall:
    """An offer that keeps what comes; the test says when it is durable."""

    def __init__(self, *, durable: bool = False) -> None:
        self.taken: list[Taken] = []
        self.durable = durable
        self.refuses: Refused | None = None

    def __call__(
        self, payload: bytes, *, source: str, position: str, acknowledge: Callable[[], None],
        trust: Trust = Trust.UNPROVEN,
    ) -> None:  # fmt: skip
        if self.refuses is not None:
            raise self.refuses
        self.taken.append(Taken(payload, source, position, acknowledge, trust))
        if self.durable:
            acknowledge()

    @property
    def payloads(self) -> list[bytes]:
        return [each.payload for each in self.taken]
