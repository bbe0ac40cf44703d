"""The error tree, drawn once.

    WuxinError
    ├── Refused            somebody asked for what cannot be had; mapped to HTTP in portal/api
    │   ├── BadInput       400  the request, file or manifest is wrong; the text says where
    │   ├── NotSignedIn    401  nobody is signed in
    │   ├── Forbidden      403  signed in, but not allowed
    │   ├── NotFound       404  no such thing in this tenant
    │   ├── Conflict       409  it contradicts what is already recorded
    │   └── Gone           410  it was here and a policy has deleted it
    └── Tampered           what is stored contradicts its own proof; verification names the place

A dirty reading is none of these: it is a value with a quality mark. A broken invariant of ours is
an ``AssertionError`` and stops the program.
"""

from typing import Any


class WuxinError(Exception):
    """Base of every error that Wuxin raises on purpose; its text is one clear sentence."""


class Refused(WuxinError):  # noqa: N818 - the trade says a request is refused
    """A request that cannot be served.

    ``said`` are findings that are put on record all the same: an attempt may be worth a warning.
    """

    said: tuple[Any, ...] = ()


class BadInput(Refused):
    """The input is wrong; the text names file, line and column where there are any."""


class NotSignedIn(Refused):
    """The request carries no valid session."""


class Forbidden(Refused):
    """The account may not do this."""


class NotFound(Refused):
    """There is no such thing in this tenant."""


class Conflict(Refused):
    """The request contradicts what is already recorded."""


class Gone(Refused):
    """What is asked for was deleted under a policy; the text names the policy and the day."""

    def __init__(self, text: str, *, policy: str = "", on: str = "") -> None:
        super().__init__(text)
        self.policy, self.on = policy, on


class Tampered(WuxinError):  # noqa: N818 - a state of the record, reported as such
    """Stored bytes do not match their digest, signature or proof; the text names the place."""
