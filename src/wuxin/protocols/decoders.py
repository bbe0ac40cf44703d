"""Finds decoders by entry point (group ``wuxin.protocols``), ours in the same way as any other.

An entry point names a module with ``decode(frame: bytes) -> dict``: a pure function that never
raises and answers ``{"ok": true, …}`` or ``{"ok": false, "error": …, "at": …}``.
"""

from collections.abc import Callable, Mapping
from importlib.metadata import EntryPoint, entry_points
from typing import Any, Final

from wuxin.terms.errors import NotFound
from wuxin.terms.goods import GoodsTold
from wuxin.terms.ports import Hosts, Sessions

GROUP: Final = "wuxin.protocols"

Decoder = Callable[[bytes], dict[str, Any]]
"""One frame in, one plain record out; any bytes may come."""


def installed() -> dict[str, EntryPoint]:
    """The protocols that are installed, by name in order."""
    return {entry.name: entry for entry in sorted(entry_points(group=GROUP))}


SESSIONS: Final = "wuxin.sessions"
"""Entry points of sessions: classes that take a :class:`wuxin.terms.ports.Gate`."""


def sessions(protocol: str) -> Sessions:
    """The session of a protocol whose devices connect by TCP or UDP.

    Raises:
        NotFound: no session of that protocol is installed (those that are get named).
    """
    known = {entry.name: entry for entry in sorted(entry_points(group=SESSIONS))}
    if protocol not in known:
        raise NotFound(
            f"devices cannot connect by protocol {protocol!r}; they can by {', '.join(known)}"
        )
    try:
        found: Sessions = known[protocol].load()
    except (ImportError, AttributeError) as wrong:
        raise NotFound(f"sessions of {protocol!r} cannot be loaded: {wrong}") from None
    return found


HOSTS: Final = "wuxin.hosts"
"""Entry points of hosts: classes that take their name among the hosts of a site."""


def host(protocol: str) -> Hosts | None:
    """The host of a protocol whose devices speak by a broker and have sessions; None: no such."""
    entry = next((e for e in entry_points(group=HOSTS) if e.name == protocol), None)
    found: Hosts | None = entry.load() if entry is not None else None
    return found


Signer = Callable[[bytes], str]
"""The device by whose key a message has to be signed; empty where it tells of none."""


def signer(protocol: str) -> Signer | None:
    """Who signs the messages of a protocol, by its module's ``signer``; None: nobody can.

    Its ``decode`` then takes ``public_key`` (PEM), refuses what is not signed by it, and answers
    ``signed`` true where the device that is spoken of has signed.

    Raises:
        NotFound: as in :func:`find`.
    """
    find(protocol)
    found: Signer | None = getattr(installed()[protocol].load(), "signer", None)
    return found


Goods = Callable[[Mapping[str, Any]], list[GoodsTold]]
"""What a decoded message tells about goods that are traded."""


def goods(protocol: str) -> Goods | None:
    """How a protocol tells about traded goods, by its module's ``goods``; None: it does not.

    Raises:
        NotFound: as in :func:`find`.
    """
    find(protocol)
    found: Goods | None = getattr(installed()[protocol].load(), "goods", None)
    return found


def find(protocol: str) -> Decoder:
    """The decoder of a protocol.

    Raises:
        NotFound: no such protocol is installed (those that are get named), or its module cannot be
            imported or has no ``decode``.
    """
    known = installed()
    if protocol not in known:
        raise NotFound(
            f"there is no protocol {protocol!r}; installed: {', '.join(known) or 'none'}"
        )
    entry = known[protocol]
    try:
        decoder = getattr(entry.load(), "decode", None)
    except ImportError as wrong:
        raise NotFound(f"protocol {protocol!r} cannot be loaded: {wrong}") from None
    if not callable(decoder):
        raise NotFound(f"protocol {protocol!r}: {entry.value} has no function decode")
    found: Decoder = decoder
    return found
