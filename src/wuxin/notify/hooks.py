"""Webhooks by the Standard Webhooks specification 1.0: signed, to public addresses only.

The name is looked up once and the address that was checked is the one that is called, so that a
name cannot point elsewhere in between. Redirects are not followed.
"""

import base64
import hashlib
import hmac
import ipaddress
import socket
import ssl
from functools import cache
from typing import Final
from urllib.parse import urlsplit, urlunsplit

import httpx

from wuxin.notify.outbox import Message
from wuxin.terms.errors import Refused

SECRET: Final = "whsec_"  # noqa: S105 - with what a secret begins
SECONDS: Final = 10.0
_NAT64: Final = ipaddress.ip_network("64:ff9b::/96")
_GONE: Final = 410


class NotTaken(Exception):  # noqa: N818 - what happened, as the outbox keeps it
    """A message was not taken; ``final`` says that it never will be."""

    def __init__(self, why: str, *, final: bool = False) -> None:
        super().__init__(why)
        self.final = final


class Unsafe(Refused):
    """An address that is not called."""


def signature(secret: str, message: str, *, at: int, body: str) -> str:
    """The header ``webhook-signature``: HMAC-SHA256 over id, time (s) and body.

    Args:
        secret: ``whsec_`` and the key in base64.
        message: the message's id.
        at: when it is sent, in seconds since 1970.
        body: what is sent.
    """
    key = base64.b64decode(secret.removeprefix(SECRET))
    made = hmac.new(key, f"{message}.{at}.{body}".encode(), hashlib.sha256).digest()
    return f"v1,{base64.b64encode(made).decode()}"


def send(url: str, message: Message, *, secret: str, at: int, private: bool) -> None:
    """Post a message to its receiver.

    Args:
        url: where to.
        message: what.
        secret: signs it.
        at: now, in seconds since 1970.
        private: whether private addresses, and ones without TLS, may be called.

    Raises:
        NotTaken: it was not, and why.
    """
    try:
        call, host = pinned(url, private=private)
    except Unsafe as wrong:
        raise NotTaken(str(wrong)) from None
    headers = {
        "Host": host, "Content-Type": "application/json", "User-Agent": "wuxin",
        "webhook-id": message.id, "webhook-timestamp": str(at), "Idempotency-Key": message.id,
        "webhook-signature": signature(secret, message.id, at=at, body=message.body),
    }  # fmt: skip
    name = urlsplit(url).hostname or ""
    try:
        with (
            httpx.Client(
                timeout=SECONDS, trust_env=False, follow_redirects=False, verify=_trusted()
            ) as client,
            client.stream(
                "POST", call, content=message.body.encode(), headers=headers,
                extensions={"sni_hostname": name},
            ) as answer,
        ):  # fmt: skip
            status = answer.status_code
    except (httpx.HTTPError, OSError) as wrong:
        raise NotTaken(f"{type(wrong).__name__}: {wrong}") from None
    if not 200 <= status < 300:
        why = "a redirect, which is not followed" if 300 <= status < 400 else "not taken"
        raise NotTaken(f"status {status}: {why}", final=status == _GONE)


@cache
def _trusted() -> ssl.SSLContext:
    """The authorities that are trusted; reading them takes longer than a message."""
    return httpx.create_ssl_context(trust_env=False)


def pinned(url: str, *, private: bool) -> tuple[str, str]:
    """The address to call in place of a name, and the Host header that goes with it.

    Raises:
        Unsafe: it has no TLS, or a name behind it leads to an address that is not public.
    """
    parts = urlsplit(url)
    name, port = parts.hostname or "", parts.port or {"https": 443}.get(parts.scheme, 80)
    if parts.scheme != "https" and not private:
        raise Unsafe("without TLS nothing is sent: the address must begin with https://")
    try:
        found = socket.getaddrinfo(name, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as wrong:
        raise Unsafe(f"{name} cannot be looked up: {wrong}") from None
    addresses = [str(one[4][0]).partition("%")[0] for one in found]
    for address in addresses:
        if not private and not public(address):
            raise Unsafe(f"{name} leads to {address}, which is not public")
    where = f"[{addresses[0]}]" if ":" in addresses[0] else addresses[0]
    call = urlunsplit((parts.scheme, f"{where}:{port}", parts.path or "/", parts.query, ""))
    return call, parts.netloc


def public(address: str) -> bool:
    """Whether an address is of the public net, also what is wrapped in an IPv6 address."""
    ip = ipaddress.ip_address(address)
    if isinstance(ip, ipaddress.IPv6Address):
        inner = ip.ipv4_mapped or ip.sixtofour
        if ip in _NAT64:
            inner = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
        if inner is not None:
            return public(str(inner))
    return ip.is_global and not ip.is_multicast
