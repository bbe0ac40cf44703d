"""A receiver of webhooks on loopback that answers as a test says, and keeps what it was sent."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

Answer = Callable[["Sent"], int]
"""Which status a message is answered with."""


@dataclass(frozen=True)
class Sent:
    """One message as it came: headers in small letters, and the body."""

    path: str
    headers: dict[str, str]
    body: str

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]


@dataclass
class Receiver:
    """Where it listens, and what it took or refused, in order."""

    port: int
    taken: list[Sent] = field(default_factory=list)
    refused: list[Sent] = field(default_factory=list)
    answer: Answer = lambda _: 204

    def url(self, path: str = "/hook", host: str = "127.0.0.1") -> str:
        return f"http://{host}:{self.port}{path}"


@contextmanager
def receiver() -> Iterator[Receiver]:
    """Listen on a free port of loopback."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            sent = Sent(self.path, {k.lower(): v for k, v in self.headers.items()}, body)
            status = made.answer(sent)
            (made.taken if 200 <= status < 300 else made.refused).append(sent)
            self.send_response(status)
            if 300 <= status < 400:
                self.send_header("Location", made.url("/elsewhere"))
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name there
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    made = Receiver(server.server_port)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield made
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
