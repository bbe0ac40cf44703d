"""Who posts: a device or a system that signs in, by its secret or by the certificate it showed.

Source: RFC 7617 (basic), RFC 6750 (bearer).
"""

import base64
import binascii
from collections.abc import Callable, Collection, Mapping
from functools import partial
from typing import Any, Final, NamedTuple
from urllib.parse import unquote

import anyio.to_thread
from fastapi import Request

from wuxin.terms.ports import Gate, Trust
from wuxin.wire.certificates import Certified
from wuxin.wire.web_bodies import Limits, Problem

DEVICE: Final = "Wuxin-Device"
NAMES: Final = "names"
"""Where the state of a request has the names of the peer's certificate."""


class Desk(NamedTuple):
    """What is taken, from whom, and how patiently.

    Attributes:
        gate: who may speak for a source, by the source's name; asked in a worker thread.
        messages: sources of Wuxin's own frames by name, each with the media types that it takes.
        documents: sources of documents by name, each with what stands in the line before its
            documents besides ``content_type``, ``path`` and ``query``, such as ICAR's ``zone``.
        limits: how much one request may bring.
        waiting: requests that may be handed in at the same time; others get 503.
        durable_s: how long a request waits for its messages to be durable (s).
    """

    gate: Callable[[str], Gate]
    messages: Mapping[str, Collection[str]] = {}
    documents: Mapping[str, Mapping[str, Any]] = {}
    limits: Limits = Limits()
    waiting: int = 16
    durable_s: float = 30.0


async def signed_in(request: Request, source: str, *, desk: Desk) -> tuple[str, Trust]:
    """Who speaks for a source and how far that is believed.

    Raises:
        Problem: nobody, or not known by what it shows.
    """
    name, secret = _credentials(request)
    if source in desk.documents:
        name = name or source
        if name != source:
            raise Problem(401, f"documents of {source!r} are sent in its own name")
    names = getattr(request.state, NAMES, None)
    if not name and names is not None and len(names) == 1:
        [name] = names
    if not name:
        raise Problem(401, f"sign in by basic, or by a bearer code and the header {DEVICE}")
    gate = desk.gate(source)
    known = gate if names is None else Certified(gate, names)
    trust = await anyio.to_thread.run_sync(partial(known.admits, name, secret))
    if trust is None:
        raise Problem(401, f"{name!r} is not known, or not by this secret")
    secure = request.url.scheme == "https"
    return name, trust if secure else min(trust, Trust.CODE)


def _credentials(request: Request) -> tuple[str, str]:
    """Name and secret of a request; empty where it has none, or none that can be read."""
    scheme, _, given = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return request.headers.get(DEVICE, ""), given.strip()
    if not scheme:
        return request.headers.get(DEVICE, ""), ""
    if scheme.lower() != "basic":
        return "", ""
    try:
        text = base64.b64decode(given.strip(), validate=True).decode("utf-8")
    except (binascii.Error, ValueError):
        return "", ""
    name, _, secret = text.partition(":")
    return unquote(name), secret
