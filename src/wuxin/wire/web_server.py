"""A server of its own for what is posted, whose peers may show a certificate.

The portal's server does not hand on what TLS has checked; this one puts the names of a peer's
certificate beside each of its requests, where :mod:`wuxin.wire.web_identity` looks for them.
"""

import asyncio
import socket
from ssl import SSLContext
from typing import Any, Final

import uvicorn
from fastapi import APIRouter, FastAPI
from uvicorn.protocols.http.h11_impl import H11Protocol

from wuxin.wire.certificates import shown
from wuxin.wire.web_identity import NAMES

_WAITING: Final = 1024
_SOON_S: Final = 0.005


class _Protocol(H11Protocol):
    """HTTP/1.1 that remembers who is at the other end."""

    def connection_made(self, transport: Any) -> None:
        """Begin to listen to a peer."""
        super().connection_made(transport)
        self.app_state = {**self.app_state, NAMES: shown(transport)}


class WebServer:
    """Serves a router at an address of its own, from :meth:`start` to :meth:`stop`."""

    def __init__(
        self, router: APIRouter, *, host: str, port: int, tls: SSLContext | None = None
    ) -> None:
        self._address, self._tls = (host, port), tls
        app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
        app.include_router(router)
        config = uvicorn.Config(
            app, http=_Protocol, ws="none", lifespan="off", log_config=None, access_log=False,
            server_header=False,
        )  # fmt: skip
        config.load()
        config.ssl = tls
        self._server = uvicorn.Server(config)
        self._socket: socket.socket | None = None
        self._task: asyncio.Task[None] | None = None

    @property
    def port(self) -> int:
        """The port on which it listens, which the system has chosen where 0 was asked for."""
        return 0 if self._socket is None else int(self._socket.getsockname()[1])

    @property
    def where(self) -> str:
        """The address, for people."""
        scheme = "http" if self._tls is None else "https"
        return f"{scheme}://{self._address[0]}:{self.port}"

    async def start(self) -> None:
        """Listen.

        Raises:
            OSError: the port cannot be had.
        """
        family = socket.AF_INET6 if ":" in self._address[0] else socket.AF_INET
        self._socket = socket.create_server(self._address, family=family, backlog=_WAITING)
        self._task = asyncio.create_task(self._server.serve([self._socket]))
        while not self._server.started and not self._task.done():  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(_SOON_S)

    async def stop(self) -> None:
        """Take no more requests; those that are being answered are."""
        self._server.should_exit = True
        if self._task is not None:
            await self._task
