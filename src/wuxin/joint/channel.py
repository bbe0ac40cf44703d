"""The control plane: one question and one answer at a time, over TLS 1.3 with both certificates.

A message is a head (deterministic CBOR, at most 4 MiB) and a body of bytes, each after its length.
How long a body may be is decided from the head before a byte of it is read. The name in a peer's
certificate says who asks; a certificate of another authority never gets as far as a message.
"""

import socket
import ssl
import struct
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple, Protocol, Self

import cbor2

from wuxin.terms import errors
from wuxin.terms.errors import BadInput, Conflict, Forbidden, Refused
from wuxin.terms.names import canonical

MAX_HEAD: Final = 4 << 20
PATIENCE_S: Final = 30.0
"""How long one silence within a message may last."""

_LENGTHS: Final = struct.Struct(">IQ")
_MOST_PEERS: Final = 64
_SHORT: Final = 1 << 16


class Papers(NamedTuple):
    """A party's certificate, its private key, and the authority whose certificates it accepts."""

    certificate: Path
    key: Path
    authority: Path

    def server(self) -> ssl.SSLContext:
        """The context of one who is called: whoever calls must show a certificate."""
        made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        return self._filled(made)

    def client(self) -> ssl.SSLContext:
        """The context of one who calls: whoever answers must be the party that was meant."""
        made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        return self._filled(made)

    def _filled(self, made: ssl.SSLContext) -> ssl.SSLContext:
        made.minimum_version = ssl.TLSVersion.TLSv1_3
        try:
            made.load_cert_chain(self.certificate, self.key)
            made.load_verify_locations(self.authority)
        except (OSError, ssl.SSLError) as wrong:
            raise BadInput(f"{self.certificate.parent} has no usable papers: {wrong}") from None
        made.verify_mode = ssl.CERT_REQUIRED
        return made


class Answers(Protocol):
    """What stands behind a server."""

    def room(self, peer: str, head: Mapping[str, Any]) -> int:
        """How many bytes of body this peer may send with this head; may raise a refusal."""
        ...

    def answer(
        self, peer: str, head: Mapping[str, Any], *, body: bytes
    ) -> tuple[Mapping[str, Any], bytes]:
        """The answer to a message: head and body; may raise a refusal."""
        ...


class Server:
    """Listens for parties, one thread for each connection, from construction to :meth:`close`."""

    def __init__(self, address: str, papers: Papers, *, behind: Answers) -> None:
        self._tls, self._behind = papers.server(), behind
        self._socket = socket.create_server(place(address), backlog=_MOST_PEERS)
        self._free = threading.BoundedSemaphore(_MOST_PEERS)
        self._closed = False
        self._thread = threading.Thread(target=self._accept, daemon=True, name="control")
        self._thread.start()

    @property
    def port(self) -> int:
        """The port on which it listens."""
        return int(self._socket.getsockname()[1])

    def close(self) -> None:
        """Listen no more."""
        self._closed = True
        self._socket.close()

    def _accept(self) -> None:
        while not self._closed:
            try:
                line, _ = self._socket.accept()
            except OSError:
                if self._closed:
                    return
                continue
            if not self._free.acquire(blocking=False):
                line.close()  # more peers than a job has parties: somebody floods us
                continue
            threading.Thread(target=self._serve, args=(line,), daemon=True).start()

    def _serve(self, line: socket.socket) -> None:
        try:
            line.settimeout(PATIENCE_S)
            with self._tls.wrap_socket(line, server_side=True) as talk:
                peer = _peer(talk)
                while not self._closed:
                    self._one(talk, peer)
        except (OSError, EOFError, ValueError):
            line.close()  # TLS failed, or the peer has gone or speaks something else
        finally:
            self._free.release()

    def _one(self, talk: ssl.SSLSocket, peer: str) -> None:
        head, size = _receive_head(talk)
        try:
            if size > (allowed := self._behind.room(peer, head)):
                raise BadInput(f"a body of {size} bytes where {allowed} are expected")
            body = _exactly(talk, size)
            said, data = self._behind.answer(peer, head, body=body)
        except Refused as refusal:
            _send(talk, {"refused": type(refusal).__name__, "why": str(refusal)}, body=b"")
            if size:
                raise EOFError from None  # what is left of the body is not read
        else:
            _send(talk, said, body=data)


class Line:
    """A connection to one party; used by one thread."""

    def __init__(
        self, name: str, address: str, *, papers: Papers, patience_s: float = PATIENCE_S
    ) -> None:
        self.name = name
        try:
            plain = socket.create_connection(place(address), timeout=patience_s)
            self._talk = papers.client().wrap_socket(plain, server_hostname=name)
        except ssl.SSLError as wrong:
            raise Forbidden(f"{name} at {address} has not the papers of {name}: {wrong}") from None
        except OSError as wrong:
            raise Conflict(f"{name} at {address} does not answer: {wrong}") from None

    def ask(self, head: Mapping[str, Any], body: bytes = b"") -> tuple[Mapping[str, Any], bytes]:
        """Ask, and wait for the answer.

        Raises:
            Refused: the party refuses, with its reason.
            Conflict: it does not answer.
        """
        try:
            _send(self._talk, head, body=body)
            said, size = _receive_head(self._talk)
            data = _exactly(self._talk, size)
        except ssl.SSLError as wrong:
            raise Forbidden(f"{self.name} does not accept our certificate: {wrong}") from None
        except (OSError, EOFError) as wrong:
            raise Conflict(f"{self.name} does not answer: {wrong or 'it hung up'}") from None
        if "refused" in said:
            kind = getattr(errors, str(said["refused"]), Conflict)
            known = isinstance(kind, type) and issubclass(kind, Refused)
            raise (kind if known else Conflict)(f"{self.name}: {said.get('why')}")
        return said, data

    def close(self) -> None:
        """Hang up."""
        self._talk.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def place(address: str) -> tuple[str, int]:
    """``host:port`` taken apart.

    Raises:
        BadInput: it is not of that form.
    """
    host, colon, port = address.rpartition(":")
    if not (colon and host and port.isdigit() and int(port) < 65536):
        raise BadInput(f"{address!r} is not an address; write host:port")
    return host.strip("[]"), int(port)


def _peer(talk: ssl.SSLSocket) -> str:
    """The common name in the certificate that TLS has checked."""
    shown: Any = talk.getpeercert() or {}
    names = [
        value for part in shown.get("subject", ()) for kind, value in part if kind == "commonName"
    ]
    if len(names) != 1:
        raise ValueError("the certificate does not name one party")
    return str(names[0])


def _send(talk: ssl.SSLSocket, head: Mapping[str, Any], *, body: bytes) -> None:
    data = canonical(dict(head))
    data = _LENGTHS.pack(len(data), len(body)) + data
    if 0 < len(body) <= _SHORT:
        talk.sendall(data + body)  # in two pieces the second waits 40 ms for the first's receipt
        return
    talk.sendall(data)
    if body:
        talk.sendall(body)


def _receive_head(talk: ssl.SSLSocket) -> tuple[Mapping[str, Any], int]:
    size, body = _LENGTHS.unpack(_exactly(talk, _LENGTHS.size))
    if size > MAX_HEAD:
        raise ValueError(f"a head of {size} bytes")
    try:
        head = cbor2.loads(_exactly(talk, size))
    except cbor2.CBORDecodeError as wrong:
        raise ValueError(str(wrong)) from None
    if not isinstance(head, dict):
        raise ValueError("a head is a map")  # noqa: TRY004 - of the peer's making
    return head, body


def _exactly(talk: ssl.SSLSocket, size: int) -> bytes:
    data = bytearray(size)
    view, got = memoryview(data), 0
    while got < size:
        count = talk.recv_into(view[got:], min(size - got, 1 << 20))
        if not count:
            raise EOFError
        got += count
    return bytes(data)
