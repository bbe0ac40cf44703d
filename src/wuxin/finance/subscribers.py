"""Who wants to be told of what: subscriptions to records, by address of the web or by e-mail.

The counter only remembers them; records are sent from outside of the flow, once they are in the
book (:mod:`wuxin.notify`). The secret that signs what is sent is never in the journal.
"""

import re
from collections.abc import Mapping
from typing import Annotated, Any, Final
from urllib.parse import urlsplit

import msgspec

from wuxin.terms.counter import Now, Order, Said, Silent, told
from wuxin.terms.errors import BadInput, Conflict, Forbidden, NotFound
from wuxin.terms.names import Digest, Tenant, content_id
from wuxin.terms.records import Act, Command, Level, Words

_OFFICERS: Final = ("risk_officer", "relationship_manager")
_MOST: Final = 1_000
_MAIL: Final = re.compile(r"[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9-]{1,63}(\.[A-Za-z0-9-]{1,63})+")
_SHA: Final = re.compile(r"[0-9a-f]{64}")

Kinds = Annotated[list[Annotated[str, msgspec.Meta(pattern=r"^[a-z_]{1,40}$")]],
                  msgspec.Meta(min_length=1, max_length=50)]  # fmt: skip


class Subscribe(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where records are sent (``url`` or ``email``), and which: kinds of acts, finding, cleared.

    ``levels`` picks among records that have one, ``facility`` those of one facility. A receiver
    that brings its own secret names it by SHA-256; its file is laid into the home's keys.
    """

    kinds: Kinds
    url: str = ""
    email: str = ""
    levels: list[Level] = []
    facility: str = ""
    secret_digest: str = ""


class Follow(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """As subscribe, for records of one facility: what its borrower may ask for too."""

    kinds: Kinds
    url: str = ""
    email: str = ""
    levels: list[Level] = []
    secret_digest: str = ""


class Unsubscribe(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which subscription ends; a borrower ends its own."""

    subscription: str


class Subscription(msgspec.Struct, frozen=True):
    """One subscription; ``since`` is the arrival time (ns) from which on records are sent."""

    id: Digest
    by: str
    since: int
    kinds: tuple[str, ...]
    url: str = ""
    email: str = ""
    levels: tuple[Level, ...] = ()
    facility: str = ""
    secret_digest: str = ""

    def wants(self, kind: str, level: str, *, facility: str) -> bool:
        """Whether a record of a kind, a level and a facility (if it has any) is sent."""
        if kind not in self.kinds or self.facility not in {"", facility}:
            return False
        return not self.levels or not level or level in self.levels


class Subscribers(Silent):
    """The subscriptions of one bank."""

    name = "subscribers"

    def __init__(self, tenant: Tenant) -> None:
        self.tenant = tenant
        self.subscriptions: dict[str, Subscription] = {}

    @property
    def orders(self) -> Mapping[str, Order]:
        """What can be ordered about subscriptions."""
        return {
            "subscribe": Order(
                Subscribe, self._subscribe, _OFFICERS,
                Words("订阅通知", "subscribe to records"), "bank",
            ),
            "follow_facility": Order(
                Follow, self._subscribe, (*_OFFICERS, "borrower"),
                Words("订阅本笔授信的通知", "subscribe to records of a facility"),
            ),
            "unsubscribe": Order(
                Unsubscribe, self._unsubscribe, (*_OFFICERS, "borrower"),
                Words("退订通知", "end a subscription"), "bank",
            ),
        }  # fmt: skip

    def freeze(self) -> Any:
        """All subscriptions."""
        return msgspec.to_builtins([*self.subscriptions.values()])

    def thaw(self, kept: Any) -> None:
        """Take over what :meth:`freeze` gave."""
        found = msgspec.convert(kept, list[Subscription])
        self.subscriptions = {one.id: one for one in found}

    def _subscribe(self, command: Command, said: Subscribe | Follow, *, now: Now) -> list[Said]:
        facility = said.facility if isinstance(said, Subscribe) else command.facility
        _check(said.url, said.email, secret_digest=said.secret_digest)
        made = Subscription(
            Digest(content_id(["subscription", self.tenant, command.id])), command.by, now.known,
            tuple(said.kinds), said.url, said.email, tuple(said.levels), facility,
            said.secret_digest,
        )  # fmt: skip
        if made.id in self.subscriptions or len(self.subscriptions) >= _MOST:
            raise Conflict(f"there is such a subscription, or there are {_MOST} of them")
        self.subscriptions[made.id] = made
        figures = {
            "subscription": made.id, "to": said.url or said.email, "kinds": ", ".join(said.kinds),
            "levels": ", ".join(said.levels), "secret_digest": said.secret_digest,
        }  # fmt: skip
        return [self._act("subscribed", made, command=command, now=now, figures=figures)]

    def _unsubscribe(self, command: Command, said: Unsubscribe, *, now: Now) -> list[Said]:
        known = self.subscriptions.get(said.subscription)
        if known is None:
            raise NotFound(f"there is no subscription {said.subscription!r}")
        if command.role == "borrower" and known.by != command.by:
            raise Forbidden("that is somebody else's subscription")
        del self.subscriptions[known.id]
        figures = {"subscription": known.id}
        return [self._act("unsubscribed", known, command=command, now=now, figures=figures)]

    def _act(
        self, kind: str, about: Subscription, *, command: Command, now: Now,
        figures: Mapping[str, str],
    ) -> Act:  # fmt: skip
        said = {k: v for k, v in figures.items() if v}
        return Act(self.tenant, kind, about.facility, now.at, command.by, said, told(command))


def _check(url: str, email: str, *, secret_digest: str) -> None:
    """Refuse what cannot be sent to; whether an address is private is judged when it is called."""
    if bool(url) == bool(email):
        raise BadInput("a subscription has a url or an email, and not both")
    if email and not _MAIL.fullmatch(email):
        raise BadInput(f"{email!r} is no e-mail address")
    if secret_digest and not _SHA.fullmatch(secret_digest):
        raise BadInput("secret_digest is a SHA-256 in 64 hexadecimal digits")
    if not url:
        return
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise BadInput(f"{url!r} is no address of the web") from None
    plain = url.isascii() and url.isprintable() and " " not in url and len(url) <= _LONGEST
    if parts.scheme not in {"https", "http"} or not parts.hostname or port == 0 or not plain:
        raise BadInput(f"{url!r} is no address of the web: it begins with https://")
    if parts.username is not None or parts.fragment:
        raise BadInput("an address has no password and no fragment in it")


_LONGEST: Final = 2_000
