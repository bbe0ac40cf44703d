"""A bank's gate: before goods stand behind a loan here, the registry is asked, and told.

    numbers agree     → held       refuse, or enter and mark, as the bank has set
    place and weight  → alike      enter and mark: a person looks
    nobody answers    → unreached  refuse, or enter and mark, as the bank has set; never silence

Settings (TOML): ``folder`` of the bank's keys and roster, ``held`` and ``unreached`` (``refuse`` or
``mark``), ``contact`` (whom another bank may call), ``patience_s`` (how long a server may be
silent, and how long an order waits for those before it).
"""

import sqlite3
import threading
import time
import tomllib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, Literal

import msgspec

from wuxin.joint.registry.client import Client, Lines, Tag, guard_of, secret_of
from wuxin.joint.registry.numbers import Key, Keys, keys
from wuxin.joint.registry.roster import Roster, read
from wuxin.joint.registry.serving import papers
from wuxin.joint.registry.signed import Signer
from wuxin.terms.clock import Clock
from wuxin.terms.errors import BadInput, Conflict, WuxinError
from wuxin.terms.pledging import Claim, Elsewhere, Then

_BOOK: Final = """
create table if not exists lodged (pledge text not null, tag blob not null,
  primary key (pledge, tag));
"""


class GateSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How a bank uses the registry.

    ``name`` is the bank's among the members. ``held`` and ``unreached`` default to the safe side:
    a pledge that nobody could check is not entered.
    """

    name: str
    folder: str = "."
    held: Literal["refuse", "mark"] = "refuse"
    unreached: Literal["refuse", "mark"] = "refuse"
    contact: str = ""
    patience_s: float = 5.0


class _Turns:
    """One at a time, each waiting no longer than it has patience.

    A thread that takes turn after turn would pass by those that wait, since a lock knows no order:
    so the next in line holds the door, and the others queue behind it.
    """

    def __init__(self, patience_s: float) -> None:
        self._patience_s = patience_s
        self._door, self._turn = threading.Lock(), threading.Lock()

    @contextmanager
    def one(self) -> Iterator[None]:
        """A turn, until the end of ``with``.

        Raises:
            Conflict: whoever was before is not done in time.
        """
        until = time.monotonic() + self._patience_s
        mine = False
        if self._door.acquire(timeout=self._patience_s):
            try:
                mine = self._turn.acquire(timeout=max(0.0, until - time.monotonic()))
            finally:
                self._door.release()
        if not mine:
            raise Conflict(
                "the registry was not asked: this bank's orders before were not answered within "
                f"{self._patience_s:g} s"
            )
        try:
            yield
        finally:
            self._turn.release()


class Gate:
    """See :class:`wuxin.terms.pledging.PledgeGate`.

    Args:
        client: the bank among the members.
        roster: the members.
        settings: how it uses the registry.
        seed: 32 secret bytes of the bank, from which the secrets for releases come.
        book: file of what this bank has entered (tags, not numbers).
        clock: the bank's clock.
    """

    def __init__(
        self, client: Client, roster: Roster, *, settings: GateSettings, seed: bytes, book: Path,
        clock: Clock,
    ) -> None:  # fmt: skip
        self._client, self._roster, self._settings = client, roster, settings
        self._seed, self._clock, self._lock = seed, clock, threading.Lock()
        # A turn is held across the network, the lock never: `lodged` waits for no server.
        self._turns = _Turns(settings.patience_s)
        self._book = sqlite3.connect(book, isolation_level=None, check_same_thread=False)
        self._book.execute("pragma synchronous = full")
        self._book.executescript(_BOOK)

    @classmethod
    def of(cls, file: Path, *, clock: Clock) -> "Gate":
        """The gate that a settings file describes.

        Raises:
            BadInput: the file, the roster or the bank's keys are wrong.
        """
        try:
            said = msgspec.convert(tomllib.loads(file.read_text("utf-8")), GateSettings)
        except (OSError, ValueError, msgspec.ValidationError) as wrong:
            raise BadInput(f"{file} cannot be read: {wrong}") from None
        folder = file.parent / said.folder
        roster = read(folder / "roster.toml")
        key = folder / "signing.key"
        lines = Lines(papers(folder), patience_s=said.patience_s)
        client = Client(Signer.of_file(said.name, key), roster, carry=lines, clock=clock)
        book = folder / "lodged.sqlite"
        return cls(client, roster, settings=said, seed=seed_of(key), book=book, clock=clock)

    def lodge(self, claim: Claim) -> Elsewhere:
        """Ask whether goods are pledged elsewhere, and enter them if they are not."""
        try:
            # Held to the end: one entry stands for all pledges with a number, and must not be
            # released between what the book says of it and what the registry does.
            with self._turns.one():
                return self._lodge(claim)
        except BadInput:
            raise
        except WuxinError as wrong:
            return Elsewhere(
                "unreached", _then(self._settings.unreached), self._clock(), why=str(wrong)
            )

    def withdraw(self, pledge: str) -> bool:
        """Take a pledge out of the registry; False where that has to be tried again.

        A number that another pledge of this bank has, too, stays: one entry stands for both.
        """
        try:
            with self._turns.one():  # to the end, as in `lodge`
                self._withdraw(pledge)
        except WuxinError:
            return False
        return True

    def lodged(self) -> frozenset[str]:
        """The names of the pledges that stand in the registry, or may do so."""
        with self._lock:
            return frozenset(row[0] for row in self._book.execute("select pledge from lodged"))

    def close(self) -> None:
        """Close the bank's book, and hang up."""
        self._book.close()
        self._client.close()

    # ---- one turn each ---------------------------------------------------------------------

    def _lodge(self, claim: Claim) -> Elsewhere:
        found = keys(claim, self._roster.issuers)
        tags = self._client.tags([one.text for one in (*found.own, *found.near)])
        own, near = tags[: len(found.own)], tags[len(found.own) :]
        fresh = self._remember(claim.pledge, own)
        said = self._client.change(
            enter=[self._entry(*one, claim=claim) for one in zip(found.own, own, strict=True)],
            look=[(tag.tag, guard_of(self._seed, tag.tag)) for tag in near],
            also=self._settings.held == "mark",
        )
        if not said["entered"]:
            self._forget(claim.pledge, fresh)
        return self._judged(found, own=own, near=near, said=said)

    def _withdraw(self, pledge: str) -> None:
        with self._lock:
            tags = [row[0] for row in self._rows(pledge)]
            alone = [tag for tag in tags if self._holders(tag) == 1]
        if alone:
            self._client.change(release=[(tag, secret_of(self._seed, tag)) for tag in alone])
        self._forget(pledge, tags)

    # ---- what comes of an answer -----------------------------------------------------------

    def _judged(
        self, found: Keys, *, own: Sequence[Tag], near: Sequence[Tag], said: Any
    ) -> Elsewhere:
        held: dict[Key, list[str]] = {}
        rows = zip((*found.own, *found.near), (*own, *near), (*said["held"], *said["near"]),
                   strict=True)  # fmt: skip
        for key, tag, sealed in rows:
            if sealed:
                held.setdefault(key, []).extend(tag.opened(one) for one in sealed)
        exact = [key for key in held if key.exact]
        contact = "; ".join(dict.fromkeys(c for key in held for c in held[key] if c))
        by = tuple(dict.fromkeys(key.of for key in exact or held))
        now = self._clock()
        if exact:
            return Elsewhere("held", _then(self._settings.held), now, by=by, contact=contact)
        if held:
            return Elsewhere("alike", "mark", now, by=by, contact=contact)
        return Elsewhere("clear", "enter", now)

    def _entry(self, key: Key, tag: Tag, *, claim: Claim) -> dict[str, Any]:
        return {
            "tag": tag.tag, "guard": guard_of(self._seed, tag.tag), "lien": claim.lien,
            "junior": claim.junior, "contact": tag.sealed(self._settings.contact),
            "firm": key.exact,
        }  # fmt: skip

    def _remember(self, pledge: str, tags: Sequence[Tag]) -> list[bytes]:
        """Before the registry is told: what may stand there can always be taken out again.

        Returns:
            The tags that this pledge did not have before.
        """
        with self._lock:
            had = {row[0] for row in self._rows(pledge)}
            fresh = [tag.tag for tag in tags if tag.tag not in had]
            rows = [(pledge, tag) for tag in fresh]
            self._book.executemany("insert or ignore into lodged values (?, ?)", rows)
            return fresh

    def _forget(self, pledge: str, tags: Sequence[bytes]) -> None:
        with self._lock:
            rows = [(pledge, tag) for tag in tags]
            self._book.executemany("delete from lodged where pledge = ? and tag = ?", rows)

    def _holders(self, tag: bytes) -> int:
        row = self._book.execute("select count(*) from lodged where tag = ?", (tag,)).fetchone()
        return int(row[0])

    def _rows(self, pledge: str) -> Iterable[tuple[bytes]]:
        return self._book.execute("select tag from lodged where pledge = ?", (pledge,))


def seed_of(file: Path) -> bytes:
    """The secret that a bank's releases and guards come from: its signing key.

    Raises:
        BadInput: the file is not there, or no key.
    """
    try:
        return bytes.fromhex(file.read_text("ascii").strip())
    except (OSError, ValueError) as wrong:
        raise BadInput(f"{file} is no key: {wrong}") from None


def _then(setting: str) -> Then:
    return "mark" if setting == "mark" else "refuse"
