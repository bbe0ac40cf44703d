"""Who may do what: accounts, sessions and roles; every rule of access stands here, none in a page.

Passwords are kept as Argon2id (RFC 9106). A session is a random token in an HttpOnly cookie with
SameSite=Strict; the server keeps what it stands for, so signing out ends it at once.
"""

import secrets
import threading
from dataclasses import dataclass
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import VerificationError

from wuxin.stores import schema as tables
from wuxin.stores.book import Book
from wuxin.terms.clock import HOUR, Clock
from wuxin.terms.errors import BadInput, Forbidden, NotSignedIn
from wuxin.terms.names import Tenant

COOKIE: Final = "wuxin_session"
READ: Final = "read"
ADMINISTER: Final = "administer"
DEVICES: Final = "change devices"

ROLES: Final[dict[str, frozenset[str]]] = {
    "administrator": frozenset({READ, ADMINISTER, DEVICES}),
    "risk_officer": frozenset({READ}),
    "relationship_manager": frozenset({READ}),
    "supervisor": frozenset({READ, DEVICES}),
    "approver": frozenset({READ}),
    "installer": frozenset({READ, DEVICES}),
    "core_system": frozenset({READ}),
    "borrower": frozenset({READ}),
}
"""What each role may do. A borrower moreover sees the facilities of its own party only.

Devices are changed by who runs the house and by who watches or installs them, not by who lends on
the goods. Who may give which order stands with the order (:mod:`wuxin.terms.counter`); who runs the
house moves no money.
"""

_TRIES: Final = 5
_LOCKED: Final = 15 * 60 * 1_000_000_000


@dataclass(frozen=True, slots=True)
class Session:
    """Somebody who has signed in, in one tenant."""

    tenant: Tenant
    name: str
    role: str
    party: str
    must_change: bool
    expires: int

    def need(self, right: str) -> None:
        """Raise unless the role has that right.

        Raises:
            Forbidden: it has not.
        """
        if right not in ROLES.get(self.role, frozenset()):
            raise Forbidden(f"the role {self.role} may not {right}")

    @property
    def sees_all(self) -> bool:
        """Whether every facility of the tenant is visible, not only the party's own."""
        return self.role != "borrower"


class Accounts:
    """Accounts of the book, and the sessions that are open.

    Args:
        book: where accounts are kept.
        clock: tells when a session or one-time password has run out.
        hours: how long a session lasts.
    """

    def __init__(self, book: Book, clock: Clock, *, hours: int = 12) -> None:
        self._book, self._clock, self._hours = book, clock, hours
        self._hasher = PasswordHasher()
        self._sessions: dict[str, Session] = {}
        self._failed: dict[tuple[str, str], list[int]] = {}
        self._lock = threading.Lock()

    def create(self, tenant: Tenant, name: str, *, role: str, party: str = "") -> str:
        """Make (or renew) an account with a one-time password, valid for a day.

        Returns:
            The password, which is kept nowhere else.

        Raises:
            BadInput: there is no such role.
        """
        if role not in ROLES:
            raise BadInput(f"there is no role {role!r}; choose {', '.join(ROLES)}")
        password = secrets.token_urlsafe(12)
        self._book.put_account({
            "tenant": tenant, "name": name, "role": role, "party": party,
            "password": self._hasher.hash(password), "must_change": True,
            "expires": self._clock() + 24 * HOUR,
        })  # fmt: skip
        return password

    def any(self, tenant: Tenant) -> bool:
        """Whether the tenant has accounts."""
        return bool(self._book.rows(tables.account, tenant))

    def sign_in(self, tenant: Tenant, name: str, *, password: str) -> str:
        """Check a password and open a session; returns its token.

        Raises:
            NotSignedIn: unknown, wrong, run out, or locked after five failures for 15 minutes.
        """
        now = self._clock()
        with self._lock:
            recent = [t for t in self._failed.get((tenant, name), []) if now - t < _LOCKED]
            self._failed[tenant, name] = recent
        if len(recent) >= _TRIES:
            raise NotSignedIn("too many attempts; try again in a quarter of an hour")
        rows = self._book.rows(tables.account, tenant, name=name)
        try:
            self._hasher.verify(rows[0]["password"] if rows else self._hasher.hash(""), password)
            good = bool(rows)
        except VerificationError:
            good = False
        if not good or (rows[0]["expires"] is not None and rows[0]["expires"] < now):
            with self._lock:
                recent.append(now)
            raise NotSignedIn("name or password is wrong, or the one-time password has run out")
        row = rows[0]
        return self._open(
            Session(
                tenant,
                name,
                row["role"],
                row["party"],
                row["must_change"],
                now + self._hours * HOUR,
            )
        )

    def change(self, token: str, password: str) -> str:
        """Set one's own password (at least 10 characters); returns the new session's token.

        Raises:
            BadInput: it is too short.
            NotSignedIn: the session is not open.
        """
        session = self.session(token)
        if len(password) < 10:
            raise BadInput("a password has at least 10 characters")
        self._book.put_account({
            "tenant": session.tenant, "name": session.name, "role": session.role,
            "party": session.party, "password": self._hasher.hash(password),
            "must_change": False, "expires": None,
        })  # fmt: skip
        self.sign_out(token)
        return self._open(
            Session(
                session.tenant,
                session.name,
                session.role,
                session.party,
                must_change=False,
                expires=session.expires,
            )
        )

    def session(self, token: str | None) -> Session:
        """The session of a token.

        Raises:
            NotSignedIn: there is none, or it has run out.
        """
        session = self._sessions.get(token or "")
        if session is None or session.expires < self._clock():
            raise NotSignedIn("please sign in")
        return session

    def sign_out(self, token: str | None) -> None:
        """End a session."""
        self._sessions.pop(token or "", None)

    def _open(self, session: Session) -> str:
        token = secrets.token_urlsafe(32)
        self._sessions[token] = session
        return token
