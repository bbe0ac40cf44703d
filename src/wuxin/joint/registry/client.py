"""A bank's side: numbers in, tags out, and what the registry says to them.

Nothing is believed that is not proved: each key node's answer comes with a proof against its public
part, and the parts add up to the public key of the roster, which a refresh does not change. A node
that answers with another key is named, with its signed answer as evidence.
"""

import hmac
import os
import threading
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from hashlib import sha256
from typing import Any, Final, NamedTuple, Protocol

from nacl.exceptions import CryptoError
from nacl.secret import SecretBox

from wuxin.joint.channel import Line, Papers
from wuxin.joint.registry import group, oprf
from wuxin.joint.registry.group import Element
from wuxin.joint.registry.oprf import Blinded, Proof
from wuxin.joint.registry.roster import Roster, Server
from wuxin.joint.registry.signed import Signer, read_answer
from wuxin.terms.clock import Clock
from wuxin.terms.errors import BadInput, Conflict, Tampered

PATIENCE_S: Final = 5.0
"""How long a server may be silent; an order at the counter waits for it."""


class _Moved(Conflict):
    """A node is in another epoch than when its part was read."""


class Tag(NamedTuple):
    """What the registry knows goods by, and the key under which a contact is sealed."""

    tag: bytes
    key: bytes

    def sealed(self, contact: str) -> bytes:
        """A contact that only a bank with the same number can read."""
        return bytes(SecretBox(self.key).encrypt(contact.encode())) if contact else b""

    def opened(self, sealed: bytes) -> str:
        """A contact that another bank sealed; empty where there is none, or it cannot be read."""
        try:
            return SecretBox(self.key).decrypt(sealed).decode() if sealed else ""
        except (CryptoError, ValueError):
            return ""


class Carrier(Protocol):
    """Brings signed bytes to a server and its answer back."""

    def __call__(self, server: Server, data: bytes) -> bytes:
        """The answer's bytes.

        Raises:
            Refused: the server does not answer in time, or has not the papers of that name.
        """
        ...


class Lines:
    """Connections over mTLS, one to each server, made when they are first needed.

    Args:
        papers: the bank's certificate.
        patience_s: how long a server may be silent.
    """

    def __init__(self, papers: Papers, *, patience_s: float = PATIENCE_S) -> None:
        self._papers, self._patience_s = papers, patience_s
        self._lines: dict[str, Line] = {}
        self._locks: dict[str, threading.Lock] = {}
        self._lock = threading.Lock()

    def __call__(self, server: Server, data: bytes) -> bytes:
        """Ask a server; a connection that has gone stale is made anew once."""
        with self._lock:
            lock = self._locks.setdefault(server.name, threading.Lock())
        with lock:
            stale = self._lines.pop(server.name, None)
            if stale is not None:
                try:
                    return self._ask(server, stale, data=data)
                except Conflict:
                    stale.close()
            made = Line(
                server.name, server.address, papers=self._papers, patience_s=self._patience_s
            )
            return self._ask(server, made, data=data)

    def _ask(self, server: Server, line: Line, *, data: bytes) -> bytes:
        _, answer = line.ask({"do": "registry"}, data)
        self._lines[server.name] = line
        return answer

    def close(self) -> None:
        """Hang up everywhere."""
        for line in self._lines.values():
            line.close()
        self._lines.clear()


class Client:
    """A bank among the members of a registry.

    Args:
        signer: the bank's name and key.
        roster: the members.
        carry: how servers are reached.
        clock: the bank's clock.
        random: as :func:`os.urandom`.
    """

    def __init__(
        self, signer: Signer, roster: Roster, *, carry: Carrier, clock: Clock,
        random: Callable[[int], bytes] = os.urandom,
    ) -> None:  # fmt: skip
        self._signer, self._roster, self._carry, self._clock = signer, roster, carry, clock
        self._random = random
        self._parts: tuple[int, dict[str, Element]] | None = None
        self._threads = ThreadPoolExecutor(len(roster.nodes), "key-node")

    def close(self) -> None:
        """End the threads that ask key nodes."""
        self._threads.shutdown()

    def tags(self, texts: Sequence[str]) -> list[Tag]:
        """The tags of some texts.

        Raises:
            Conflict: a key node does not answer, or the nodes are between two epochs.
            Tampered: a key node answers with another key than it has shown, or the parts do not
                add up to the roster's public key.
        """
        if not texts:
            return []
        blinded = [oprf.blind(text.encode()) for text in texts]
        try:
            parts = self._evaluated(blinded)
        except _Moved:
            self._parts = None  # the epoch has changed since the parts were read
            parts = self._evaluated(blinded)
        wide = [oprf.finalize(one, each) for one, each in zip(blinded, parts, strict=True)]
        return [Tag(one[:32], one[32:]) for one in wide]

    def ask(self, server: Server, do: str, *, said: Any) -> Any:
        """Ask a server with a signed request, and check that the answer is its own."""
        data = self._signer.request(
            server.name, do, said=said, at=self._clock(), nonce=self._random(16)
        )
        answer = self._carry(server, data)
        return read_answer(answer, data, by=server.name, key=server.public)

    def change(
        self, *, enter: Iterable[dict[str, Any]] = (), look: Sequence[tuple[bytes, bytes]] = (),
        release: Sequence[tuple[bytes, bytes]] = (), also: bool = False,
    ) -> Any:  # fmt: skip
        """Enter, look up and release in the registry, all or nothing: see ``service.Asked``."""
        said = {"enter": [*enter], "look": [list(one) for one in look],
                "release": [list(one) for one in release], "also": also}  # fmt: skip
        return self.ask(self._roster.registry, "change", said=said)

    def held(self, tags: Sequence[Tag], *, seed: bytes) -> list[list[str]]:
        """Who else holds, by tag: the contact of each holder, empty where it is not told.

        Args:
            tags: what is looked up.
            seed: the bank's, from which its guards come: what it entered itself does not count.
        """
        said = {"look": [[one.tag, guard_of(seed, one.tag)] for one in tags]}
        found = self.ask(self._roster.registry, "lookup", said=said)["held"]
        return [[tag.opened(c) for c in row] for tag, row in zip(tags, found, strict=True)]

    # ---- key nodes -------------------------------------------------------------------------

    def _evaluated(self, blinded: Sequence[Blinded]) -> list[tuple[Element, ...]]:
        """What each node made of each element, proved; shape (n, 3)."""
        epoch, publics = self._parts or self._read_parts()
        asked = [one.element for one in blinded]
        said = {"elements": [*asked], "epoch": epoch}
        answers = [
            self._threads.submit(self.ask, node, "evaluate", said=said)
            for node in self._roster.nodes
        ]
        wait(answers)  # none is left to spend a token, or a line, when this has ended
        given = []
        for node, answer in zip(self._roster.nodes, answers, strict=True):
            found = answer.result()
            if found["epoch"] != epoch:
                raise _Moved(f"{node.name} is in epoch {found['epoch']}, not {epoch}: try again")
            elements = _elements(found["given"], len(asked), by=node.name)
            proof = Proof(*found["proof"])
            if not oprf.verify(publics[node.name], proof, asked=asked, given=elements):
                raise Tampered(f"key node {node.name} did not use the key it has shown")
            given.append(elements)
        return [*zip(*given, strict=True)]

    def _read_parts(self) -> tuple[int, dict[str, Element]]:
        """The nodes' public parts, which must add up to the roster's public key."""
        found = {n.name: self.ask(n, "part", said={}) for n in self._roster.nodes}
        epochs = {said["epoch"] for said in found.values()}
        if len(epochs) > 1:
            raise Conflict("the key nodes are between two epochs: a refresh is under way")
        parts = {name: group.element(said["public"]) for name, said in found.items()}
        if group.summed([*parts.values()]) != self._roster.public:
            raise Tampered(
                "the key nodes' parts do not add up to the roster's key: one of them changed its "
                "part, and tags would differ from those in the registry"
            )
        self._parts = (epochs.pop(), parts)
        return self._parts


def secret_of(seed: bytes, tag: bytes) -> bytes:
    """The secret with which a bank releases its own entry of a tag; different for every tag."""
    return hmac.digest(seed, b"wuxin-registry-release-v1" + tag, sha256)


def guard_of(seed: bytes, tag: bytes) -> bytes:
    """What is entered beside a tag, and says nothing of who entered it."""
    return sha256(secret_of(seed, tag)).digest()


def _elements(given: Any, count: int, *, by: str) -> list[Element]:
    try:
        elements = [group.element(one) for one in given]
    except (BadInput, TypeError) as wrong:
        raise Tampered(f"key node {by} answered with what is no element: {wrong}") from None
    if len(elements) != count:
        raise Tampered(f"key node {by} answered to {len(elements)} of {count} elements")
    return elements
