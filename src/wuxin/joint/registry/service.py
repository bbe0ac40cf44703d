"""The registry: tags with sealed holders. It says that goods are pledged elsewhere, never by whom.

A row is a tag, the digest of a secret that releases it, lien and whether a lower one may follow,
the holder sealed for the supervisor, and a contact sealed under a key that only a bank with the
same number can compute (the second half of the oblivious function's output). Whoever steals the
table reads neither numbers nor holders; whoever runs the registry sees, while it answers, which
bank enters which tags.
"""

import hashlib
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, Final

import msgspec
from nacl.public import PublicKey, SealedBox

from wuxin.joint.registry.chain import Chain
from wuxin.joint.registry.limits import Limits
from wuxin.joint.registry.roster import Roster
from wuxin.joint.registry.signed import Desk, Message, Signer
from wuxin.terms.clock import Clock
from wuxin.terms.errors import BadInput, Refused
from wuxin.terms.names import canonical

_TABLE: Final = """
create table if not exists held (
  tag blob not null, guard blob not null, lien integer not null, junior integer not null,
  contact blob not null, holder blob not null, since integer not null, ended integer
);
create index if not exists held_tag on held (tag) where ended is null;
"""

Bytes32 = Annotated[bytes, msgspec.Meta(min_length=32, max_length=32)]
Short = Annotated[bytes, msgspec.Meta(max_length=600)]


class Entry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A tag to be entered; ``guard`` is the SHA-256 of the secret that releases it again.

    One that is not ``firm`` (place and weight) is entered whoever else holds it.
    """

    tag: Bytes32
    guard: Bytes32
    lien: Annotated[int, msgspec.Meta(ge=1, le=9)] = 1
    junior: bool = False
    contact: Short = b""
    firm: bool = True


class Asked(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a bank asks: to look up, to enter, to release; all of it or nothing.

    ``look`` are further tags that are looked up, each with the guard that the asker enters or would
    enter beside it, so that its own entry does not count as another's. ``also`` enters what is held
    elsewhere too. ``release`` are pairs of tag and secret.
    """

    enter: list[Entry] = []
    look: list[tuple[Bytes32, Bytes32]] = []
    release: list[tuple[Bytes32, Bytes32]] = []
    also: bool = False


class Service:
    """The registry at work.

    Args:
        signer: its name and key.
        roster: the members.
        folder: where table and log are kept.
        clock: its clock.
    """

    def __init__(self, signer: Signer, roster: Roster, *, folder: Path, clock: Clock) -> None:
        self._signer, self._roster, self._clock = signer, roster, clock
        self.name = signer.name
        self._desk = Desk(self.name, roster.members)
        self._limits = Limits(roster.policy.an_hour, roster.policy.burst)
        self._log = Chain(folder / "log.jsonl")
        self._box = SealedBox(PublicKey(bytes.fromhex(roster.supervisor)))
        self._table = sqlite3.connect(
            folder / "held.sqlite", isolation_level=None, check_same_thread=False
        )
        self._table.execute("pragma journal_mode = wal")
        self._table.execute("pragma synchronous = full")  # what is answered is on the disk
        self._table.executescript(_TABLE)
        self._does: Mapping[str, Callable[[Message, int], Any]] = {
            "change": self._change, "lookup": self._lookup,
        }  # fmt: skip

    def handle(self, data: bytes) -> bytes:
        """The signed answer to a request, which is a refusal where it cannot be served."""
        now = self._clock()
        sender, do = "", ""
        try:
            message = self._desk.open(data, now)
            sender, do = message.sender, message.do
            if do not in self._does:
                raise BadInput(f"the registry does {', '.join(self._does)}, not {do!r}")
            said = self._does[do](message, now)
        except Refused as wrong:
            self._log.add(at=now, who=sender, do=do, refused=str(wrong))
            return self._signer.refusal(data, wrong, at=now)
        counts = {name: len(found) for name, found in message.said.items() if _is_list(found)}
        self._log.add(at=now, who=sender, do=do, request=message.id, **counts)
        return self._signer.answer(data, said, at=now)

    def close(self) -> None:
        """Close table and log."""
        self._table.close()
        self._log.close()

    def _lookup(self, message: Message, now: int) -> Any:
        asked = _read(message)
        if asked.enter or asked.release:
            raise BadInput("a lookup changes nothing; ask for a change")
        self._limits.take(message.sender, len(asked.look), now=now)
        return {"held": [self._held(tag, guard, lien=1) for tag, guard in asked.look]}

    def _change(self, message: Message, now: int) -> Any:
        asked = _read(message)
        self._limits.take(message.sender, len(asked.enter) + len(asked.look), now=now)
        with self._transaction():
            released = sum(self._release(tag, secret, now=now) for tag, secret in asked.release)
            held = [self._held(one.tag, one.guard, lien=one.lien) for one in asked.enter]
            near = [self._held(tag, guard, lien=1) for tag, guard in asked.look]
            barred = any(h for one, h in zip(asked.enter, held, strict=True) if one.firm)
            entered = bool(asked.enter) and (asked.also or not barred)
            if entered:
                for one in asked.enter:
                    self._enter(one, message.sender, now=now)
            elif asked.enter and released:
                raise BadInput("nothing was exchanged: what was to come in is held elsewhere")
        return {"held": held, "near": near, "entered": entered, "released": released}

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._table.execute("begin immediate")
        try:
            yield
        except BaseException:
            self._table.execute("rollback")
            raise
        self._table.execute("commit")

    def _held(self, tag: bytes, guard: bytes, *, lien: int) -> list[bytes]:
        """The sealed contacts of all others that stand in the way; one, maybe empty, for each."""
        rows = self._table.execute(
            "select contact from held where tag = ? and ended is null and guard != ?"
            " and not (junior and lien < ?) order by since", (tag, guard, lien),
        )  # fmt: skip
        return [row[0] if self._roster.policy.contact else b"" for row in rows]

    def _enter(self, one: Entry, bank: str, *, now: int) -> None:
        mine = self._table.execute(
            "select 1 from held where tag = ? and guard = ? and ended is null", (one.tag, one.guard)
        ).fetchone()
        if mine is None:
            holder = self._box.encrypt(canonical([bank, now]))
            row = (one.tag, one.guard, one.lien, one.junior, one.contact, holder, now)
            self._table.execute("insert into held values (?, ?, ?, ?, ?, ?, ?, null)", row)

    def _release(self, tag: bytes, secret: bytes, *, now: int) -> int:
        guard = hashlib.sha256(secret).digest()
        done = self._table.execute(
            "update held set ended = ? where tag = ? and guard = ? and ended is null",
            (now, tag, guard),
        )  # fmt: skip
        return done.rowcount


def _read(message: Message) -> Asked:
    try:
        return msgspec.convert(message.said, Asked, builtin_types=(bytes,))
    except msgspec.ValidationError as wrong:
        raise BadInput(f"{message.do}: {wrong}") from None


def _is_list(found: Any) -> bool:
    return isinstance(found, list)
