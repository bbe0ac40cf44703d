"""The courier: reads the book after each commit, and sends what the outbox holds.

Each subscription is served by itself and in order, so that a dead receiver delays nobody else; what
it was not sent waits for it. A message is sent at least once, always under the same id.
"""

import base64
import hashlib
import logging
import secrets
import threading
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Final, NamedTuple

from sqlalchemy.exc import SQLAlchemyError

from wuxin.finance.subscribers import Subscription
from wuxin.home import Home
from wuxin.notify import hooks, mail
from wuxin.notify.hooks import NotTaken
from wuxin.notify.outbox import Message, Outbox
from wuxin.terms.beside import Beside
from wuxin.terms.durable import private_file
from wuxin.terms.errors import BadInput

WORKERS: Final = 16
EVERY_S: Final = 0.2
_EACH: Final = 5
"""How many looks at new batches for one at what waits to be sent again."""

_LOG: Final = logging.getLogger("wuxin.notify")


class Ways(NamedTuple):
    """How messages may leave: the SMTP server, and whether private addresses may be called."""

    server: mail.Server = mail.Server()
    private: bool = False


class Courier(Beside):
    """Sends the records of a home to their subscribers, from entering to leaving.

    Args:
        home: whose records.
        ways: how they may leave.
        every_s: seconds between two looks at the book.
    """

    def __init__(self, home: Home, ways: Ways, *, every_s: float = EVERY_S) -> None:
        super().__init__("courier")
        self.home, self.ways, self._every_s = home, ways, every_s
        self.outbox = Outbox(home.book, home.tenant)
        self._busy = set[str]()
        self._lock = threading.Lock()
        self._pool = ThreadPoolExecutor(WORKERS, "courier")

    def collect(self) -> None:
        """Lay everything that the book has into the outbox."""
        upto = self.home.committed
        known = [*self.home.flow.bank.subscribers.subscriptions.values()]
        while self.outbox.collect(known, upto, now=self.home.clock()):
            pass

    def serve(self, subscription: str) -> None:
        """Send the messages of one subscription in order, up to the first that is not taken."""
        while not self._end.is_set():
            now = self.home.clock()
            message = self.outbox.head(subscription, now)
            if message is None:
                return
            known = self.home.flow.bank.subscribers.subscriptions.get(subscription)
            if known is None:
                self.outbox.drop(subscription)
                return
            try:
                self._send(known, message)
            except NotTaken as wrong:
                self.outbox.failed(message, str(wrong), now=self.home.clock(), final=wrong.final)
                continue  # after one that is parked the next one has its turn
            self.outbox.sent(message)

    def __exit__(self, *told: object) -> None:
        super().__exit__(*told)
        self._pool.shutdown()

    def _run(self) -> None:
        reached, looks = -1, 0
        while not self._end.wait(self._every_s):
            looks += 1
            try:
                committed = self.home.committed
                if committed != reached:
                    self.collect()
                if committed != reached or looks % _EACH == 0:
                    self._hand_out()
                reached = committed
            except SQLAlchemyError:  # a busy or lost database: nothing is lost, it is tried again
                _LOG.exception("the outbox could not be read; it is tried again")

    def _hand_out(self) -> None:
        for subscription in self.outbox.ready(self.home.clock()):
            with self._lock:
                if subscription in self._busy:
                    continue
                self._busy.add(subscription)
            self._pool.submit(self._serve, subscription).add_done_callback(_told)

    def _serve(self, subscription: str) -> None:
        try:
            self.serve(subscription)
        finally:
            with self._lock:
                self._busy.discard(subscription)

    def _send(self, to: Subscription, message: Message) -> None:
        if to.email:
            mail.send(to.email, message, server=self.ways.server)
            return
        try:
            secret = secret_of(self.home, to)
        except BadInput as wrong:
            raise NotTaken(str(wrong)) from None
        at = self.home.clock() // 1_000_000_000
        hooks.send(to.url, message, secret=secret, at=at, private=self.ways.private)


def _told(done: "Future[None]") -> None:
    """What went wrong with a subscription is in the log; it is tried again at the next look."""
    if wrong := done.exception():
        _LOG.error("serving a subscription failed; it is tried again", exc_info=wrong)


def secret_of(home: Home, subscription: Subscription) -> str:
    """The secret that signs what a subscription is sent; made at first use unless it brought one.

    Raises:
        BadInput: it brought one, and the file is missing or another.
    """
    folder = home.folder / home.tenant / "keys" / "webhooks"
    if not subscription.secret_digest:
        return private_file(folder / f"{subscription.id}.key", _fresh).decode()
    path: Path = folder / f"{subscription.secret_digest}.key"
    if not path.exists():
        raise BadInput(f"its secret is not there: lay it into {path.name}, mode 0600")
    found = private_file(path, _fresh).strip()
    if hashlib.sha256(found).hexdigest() != subscription.secret_digest:
        raise BadInput(f"{path.name} holds another secret than the subscription names")
    return found.decode()


def _fresh() -> bytes:
    return hooks.SECRET.encode() + base64.b64encode(secrets.token_bytes(32))
