"""One charging station at the central system: its connection, its calls and ours.

A station has one connection; a new one takes the place of the old. Calls that are sent again are
answered as before. Of our own calls one is under way at a time, as the standard wants.
"""

import asyncio
import logging
import re
from collections import Counter, OrderedDict
from collections.abc import Callable, Coroutine
from hashlib import blake2b
from typing import Any, Final
from urllib.parse import unquote

import msgspec
from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosed

from wuxin.terms.clock import Clock
from wuxin.terms.errors import BadInput, Conflict
from wuxin.wire.charging_answers import Call
from wuxin.wire.charging_schemas import misfit

Done = Callable[["asyncio.Task[None]"], None]
"""What is told when a task has ended."""

ANSWERS: Final = (3, 4)
"""What a message begins with that answers a call; a tuple, as anything may stand there."""

REMEMBERED: Final = 64
"""Calls whose answers are kept, because a station that missed an answer sends its call again."""

REQUEST_BYTES: Final = 32 * 1024
"""How long a payload of ours may be to be told with its answer; a list of cards is longer."""

_LOG: Final = logging.getLogger("wuxin.wire.charging")
_NAME: Final = re.compile(r"[A-Za-z0-9*_=:+|@.\-]{1,48}")


def station_of(path: str) -> str:
    """The station that a path names in its last part; empty if it names none."""
    name = unquote(path.partition("?")[0].rpartition("/")[2])
    return name if _NAME.fullmatch(name) else ""


class Station:
    """A station, connected or not; all methods belong to the event loop's thread."""

    def __init__(self, name: str, clock: Clock, *, counts: Counter[str]) -> None:
        self.name = name
        self.socket: ServerConnection | None = None
        self._version = ""
        self._clock, self._counts = clock, counts
        self._answers: OrderedDict[bytes, str | None] = OrderedDict()
        self._sending: set[asyncio.Task[None]] = set()
        self._turn = asyncio.Lock()
        self._number = 0
        self._asked: tuple[str, dict[str, Any], asyncio.Future[list[Any]]] | None = None
        self._id = ""

    def take(self, socket: ServerConnection, version: str) -> None:
        """Have a new connection; the one before is closed, without waiting for its other end."""
        before, self.socket, self._version = self.socket, socket, version
        if before is not None:
            self._counts["replaced"] += 1
            self._later(before.close(1000, "the station has connected anew"), self._closed)

    def leave(self, socket: ServerConnection) -> None:
        """Have no connection any more, unless a new one has come meanwhile."""
        if self.socket is socket:
            self.socket = None
            if self._asked is not None and not self._asked[2].done():
                self._asked[2].set_exception(Conflict(f"{self.name} has gone before it answered"))

    def read(self, data: bytes) -> tuple[Call | None, str | None]:
        """A call that fits its schema; else none, and the error to answer if there is one."""
        parts = _parts(data)
        if not parts or parts[0] != 2:
            if not parts or parts[0] not in ANSWERS:
                self._note("unreadable", "a message is neither call nor answer")
            return None, None
        if len(parts) != 4 or not all(isinstance(part, str) for part in parts[1:3]):
            self._note("unreadable", "a call is not of the form [2, id, action, payload]")
            return None, None
        wrong = misfit(parts[2], parts[3], version=self._version)
        if wrong is None:
            if parts[2] == "BootNotification":
                self._answers.clear()  # after a boot its numbers may begin anew
            return Call(self.name, self._version, parts[2], parts[3]), None
        self._note("refused", wrong[1])
        return None, _text([4, parts[1], *wrong, {}])

    def again(self, data: bytes) -> bool:
        """Whether a call came before; if so it is answered as before, or will be."""
        if _parts(data)[2] == "Heartbeat":
            return False  # nothing tells a new one from an old one
        key = _key(data)
        if key not in self._answers:
            self._answers[key] = None
            if len(self._answers) > REMEMBERED:
                self._answers.popitem(last=False)
            return False
        self._counts["again"] += 1
        self._send(self._answers[key])
        return True

    def forget(self, data: bytes) -> None:
        """Take a call that could not be kept for new when it is sent again."""
        self._answers.pop(_key(data), None)

    def result(self, data: bytes, answer: dict[str, Any] | None) -> str:
        """The message that answers a call; none is for an action that is not ours to serve."""
        number = _parts(data)[1]
        if answer is None:
            return _text([4, number, "NotSupported", "this is not for a central system", {}])
        return _text([3, number, answer])

    def asked(self, data: bytes) -> dict[str, Any]:
        """What was asked, if this is the answer to it: for the line before the message."""
        parts = _parts(data)
        if self._asked is None or len(parts) < 3 or parts[0] not in ANSWERS or parts[1] != self._id:
            return {}
        action, request, _ = self._asked
        is_long = len(_text([request])) > REQUEST_BYTES
        return {"action": action, "request": {"left_out": True} if is_long else request}

    def answer(self, data: bytes, text: str | None) -> None:
        """A message is durable: answer it, or give it to the one who asked."""
        if (key := _key(data)) in self._answers:
            self._answers[key] = text
        parts = _parts(data)
        if self.asked(data) and self._asked is not None and not self._asked[2].done():
            self._asked[2].set_result(parts)
        elif parts and parts[0] in ANSWERS:
            self._note("unasked", "an answer came that nobody waits for")
        self._send(text)

    async def ask(
        self, action: str, payload: dict[str, Any], *, timeout_s: float
    ) -> dict[str, Any]:
        """Call the station and wait for its answer; see :meth:`CentralSystem.call`."""
        wrong = misfit(action, payload, version=self._version)
        if wrong is not None:
            raise BadInput(f"{action}: {wrong[1]}")
        async with self._turn:
            self._number += 1
            self._id = f"{self._clock() // 1_000_000:x}-{self._number}"
            waiting: asyncio.Future[list[Any]] = asyncio.get_running_loop().create_future()
            self._asked = (action, payload, waiting)
            try:
                if self.socket is None:
                    raise Conflict(f"{self.name} has gone before it was asked")
                await self.socket.send(_text([2, self._id, action, payload]))
                async with asyncio.timeout(timeout_s):
                    parts = await waiting
            except TimeoutError:
                raise Conflict(f"{self.name} did not answer {action} in {timeout_s} s") from None
            except ConnectionClosed:
                raise Conflict(f"{self.name} has gone before it answered") from None
            finally:
                self._asked = None
        if parts[0] == 4 or not isinstance(parts[2], dict):
            raise Conflict(f"{self.name} refuses {action}: {str(parts[2:4])[:200]}")
        answer: dict[str, Any] = parts[2]
        return answer

    def _send(self, text: str | None) -> None:
        if text is None:
            return
        if self.socket is None:
            self._note("lost", "an answer finds no connection; the station will ask again")
            return
        self._later(self.socket.send(text), self._sent)

    def _later(self, work: Coroutine[Any, Any, None], done: "Done") -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._sending.add(task)
        task.add_done_callback(done)

    def _closed(self, task: "asyncio.Task[None]") -> None:
        self._sending.discard(task)

    def _sent(self, task: "asyncio.Task[None]") -> None:
        self._sending.discard(task)
        wrong = None if task.cancelled() else task.exception()
        if wrong is None:
            self._counts["answered"] += 1
        else:
            self._note("lost", f"an answer could not be sent: {wrong}")

    def _note(self, what: str, why: str) -> None:
        self._counts[what] += 1
        _LOG.warning("charging station %s: %s (%s)", self.name, why, what)


def _key(data: bytes) -> bytes:
    return blake2b(data, digest_size=16).digest()


def _parts(data: bytes) -> list[Any]:
    """The parts of a message; empty if it is none."""
    try:
        parts = msgspec.json.decode(data, type=list)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return []
    return parts


def _text(parts: list[Any]) -> str:
    return msgspec.json.encode(parts).decode()
