"""The register of pledges: which goods stand behind which facility, in what order, since when.

Two clocks: a pledge is *true* from ``begins`` until it is released, and the register *knows* of it
from the moment it was entered. Nothing is overwritten, so that the book can be asked what was in
force at a moment as it was known at another. The same goods cannot be pledged twice: a claim on an
identity that stands in the book for an overlapping time is refused, with facility, place and lien,
unless it states a lower lien and every earlier pledge of those goods allows one behind it.

A register holds one lock, so that its rule stands even where two threads claim at once.

Source: Civil Code of the PRC Art. 414 (order of registration); CRR Art. 210(a) to (d).
"""

import threading
from collections.abc import Iterable, Sequence
from typing import Any, Final

import msgspec

from wuxin.finance.identity import Identity
from wuxin.terms.clock import iso
from wuxin.terms.errors import BadInput, Conflict, NotFound
from wuxin.terms.names import Digest, ThingKey
from wuxin.terms.records import Words

FOREVER: Final = 2**63 - 1
"""The end (ns) of what has not been released."""


class Place(msgspec.Struct, frozen=True):
    """Where goods lie: a name, and WGS-84 degrees where they are known."""

    name: str
    latitude_deg: float | None = None
    longitude_deg: float | None = None


class Insurance(msgspec.Struct, frozen=True):
    """The policy on the goods, and when it ends (ns)."""

    policy: str
    insurer: str
    ends: int


class Pledge(msgspec.Struct, frozen=True):
    """One thing that stands behind a facility.

    ``lien`` 1 is first. ``junior`` says that a lower lien may be entered behind this one.
    ``registry`` is the reference in the public registry; ``documents`` are digests of title
    documents. ``begins`` is ns; ``weight_g`` is whole grams, None where weight says nothing.
    """

    id: str
    facility: str
    thing: ThingKey
    identities: tuple[Identity, ...]
    owner: str
    custodian: str
    begins: int
    place: Place
    lien: int = 1
    junior: bool = False
    registry: str = ""
    weight_g: int | None = None
    insurance: Insurance | None = None
    documents: tuple[Digest, ...] = ()


class Entry(msgspec.Struct, frozen=True):
    """One line of the register: what was entered, true from ``at``, known from ``known`` (ns)."""

    do: str
    at: int
    known: int
    pledge: Pledge
    why: str = ""


class Contest(msgspec.Struct, frozen=True):
    """An earlier pledge that stands in the way of a claim, and by which number."""

    earlier: Pledge
    by: str
    words: Words


_MAY_CHANGE: Final = frozenset(
    {"custodian", "place", "registry", "insurance", "documents", "weight_g"}
)


class Register:
    """The pledges of one book; every change is an entry at the end, none is taken back."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._entries: list[Entry] = []
        self._by_pledge: dict[str, list[Entry]] = {}
        self._by_number: dict[str, list[str]] = {}
        self._by_facility: dict[str, list[str]] = {}

    def contests(self, claim: Pledge) -> tuple[Contest, ...]:
        """What stands in the way of a claim, in the order of entry; empty where nothing does."""
        with self._lock:
            return self._contests(claim)

    def claim(self, pledge: Pledge, *, known: int) -> Entry:
        """Enter a pledge.

        Raises:
            BadInput: no identity, a lien below 1, or ``known`` lies before the last entry.
            Conflict: the id is taken, or the goods are pledged; the text says where and how.
        """
        if not pledge.identities or pledge.lien < 1 or not pledge.facility:
            raise BadInput(f"pledge {pledge.id!r} needs a facility, an identity and a lien of 1 up")
        with self._lock:
            if pledge.id in self._by_pledge:
                raise Conflict(f"pledge {pledge.id!r} is in the register already")
            if in_the_way := self._contests(pledge):
                raise Conflict("; ".join(one.words.en for one in in_the_way))
            entry = self._enter(Entry("pledge", pledge.begins, known, pledge))
            self._by_facility.setdefault(pledge.facility, []).append(pledge.id)
            for number in numbers(pledge):
                self._by_number.setdefault(number, []).append(pledge.id)
            return entry

    def amend(self, changed: Pledge, *, at: int, known: int, why: str) -> Entry:
        """Enter what has changed about a pledge: custodian, place, papers, weight.

        Raises:
            NotFound: there is no such pledge.
            Conflict: it is released by then, changed later already, or goods, facility, lien or
                consent would change, which takes a release and a new claim.
        """
        with self._lock:
            old, ends = self._latest(changed.id)
            last = max(e.at for e in self._by_pledge[changed.id] if e.do != "release")
            fixed = set(Pledge.__struct_fields__) - _MAY_CHANGE
            other = sorted(n for n in fixed if getattr(old, n) != getattr(changed, n))
            if other:
                raise Conflict(f"{other[0]} of pledge {old.id!r} cannot change; release it first")
            if not last <= at < ends:
                raise Conflict(f"pledge {old.id!r} cannot change at {iso(at)}, out of its order")
            return self._enter(Entry("amend", at, known, changed, why))

    def release(self, id_: str, *, at: int, known: int, why: str) -> Entry:
        """End a pledge at a moment; an end can be brought forward, never put off.

        Raises:
            NotFound: there is no such pledge.
            Conflict: the moment lies before its beginning, or it has ended by then.
        """
        with self._lock:
            old, ends = self._latest(id_)
            if at >= ends or at < old.begins:
                span = f"{iso(old.begins)} to {'now on' if ends == FOREVER else iso(ends)}"
                raise Conflict(f"pledge {id_!r} stands from {span}; it cannot end at {iso(at)}")
            return self._enter(Entry("release", at, known, old, why))

    def in_force(self, *, at: int, known: int = FOREVER, facility: str = "") -> tuple[Pledge, ...]:
        """The pledges true at a moment as known at another, by lien, beginning and id."""
        with self._lock:
            ids = self._by_facility.get(facility, []) if facility else list(self._by_pledge)
            found = [self._as_of(id_, at=at, known=known) for id_ in ids]
        held = [pledge for pledge in found if pledge is not None]
        return tuple(sorted(held, key=lambda one: (one.lien, one.begins, one.id)))

    def holders(
        self, number: Identity | str, *, at: int, known: int = FOREVER
    ) -> tuple[Pledge, ...]:
        """Who holds goods by one of their numbers (see :func:`numbers`), by lien."""
        with self._lock:
            ids = self._by_number.get(str(number), [])
            found = [self._as_of(id_, at=at, known=known) for id_ in ids]
        return tuple(sorted((one for one in found if one is not None), key=lambda one: one.lien))

    def of(self, facility: str) -> tuple[Entry, ...]:
        """Every entry about a facility's pledges, by pledge."""
        with self._lock:
            ids = self._by_facility.get(facility, [])
            return tuple(entry for id_ in ids for entry in self._by_pledge[id_])

    def stands(self, id_: str, *, at: int) -> bool:
        """Whether a pledge is in force at a moment (ns), by what is known now."""
        with self._lock:
            return id_ in self._by_pledge and self._as_of(id_, at=at, known=FOREVER) is not None

    def __contains__(self, id_: str) -> bool:
        return id_ in self._by_pledge

    def entries(self) -> tuple[Entry, ...]:
        """Every entry, in the order of entry."""
        with self._lock:
            return tuple(self._entries)

    def freeze(self) -> list[Any]:
        """The register as plain values; the same entries give the same values."""
        return [msgspec.to_builtins(entry) for entry in self.entries()]

    def _contests(self, claim: Pledge) -> tuple[Contest, ...]:
        found: dict[str, Contest] = {}
        for number in numbers(claim):
            for id_ in self._by_number.get(number, ()):
                old, ends = self._latest(id_)
                allowed = old.junior and claim.lien > old.lien
                if id_ not in found and claim.begins < ends and not allowed:
                    found[id_] = Contest(old, number, _pledged(old, number, claim=claim))
        return tuple(found[id_] for id_ in self._by_pledge if id_ in found)

    def _latest(self, id_: str) -> tuple[Pledge, int]:
        entries = self._by_pledge.get(id_)
        if not entries:
            raise NotFound(f"there is no pledge {id_!r}")
        return entries[-1].pledge, min(
            (e.at for e in entries if e.do == "release"), default=FOREVER
        )

    def _as_of(self, id_: str, *, at: int, known: int) -> Pledge | None:
        seen = [e for e in self._by_pledge[id_] if e.known <= known and e.at <= at]
        if not seen or any(entry.do == "release" for entry in seen):
            return None
        return seen[-1].pledge

    def _enter(self, entry: Entry) -> Entry:
        if self._entries and entry.known < self._entries[-1].known:
            last = iso(self._entries[-1].known)
            raise BadInput(f"the register knows of things until {last}, not {iso(entry.known)}")
        self._entries.append(entry)
        self._by_pledge.setdefault(entry.pledge.id, []).append(entry)
        return entry


def thaw(frozen: Sequence[Any]) -> Register:
    """The register of frozen values, entered again one by one under the same rule.

    Raises:
        BadInput: the values are none of :meth:`Register.freeze`.
        Conflict: they hold what a register would have refused.
    """
    register = Register()
    try:
        entries = msgspec.convert(list(frozen), list[Entry])
    except msgspec.ValidationError as wrong:
        raise BadInput(f"this is no frozen register: {wrong}") from None
    for entry in entries:
        if entry.do == "pledge" and entry.at == entry.pledge.begins:
            register.claim(entry.pledge, known=entry.known)
        elif entry.do == "amend":
            register.amend(entry.pledge, at=entry.at, known=entry.known, why=entry.why)
        elif entry.do == "release":
            register.release(entry.pledge.id, at=entry.at, known=entry.known, why=entry.why)
        else:
            raise BadInput(f"this is no frozen register: it has an entry {entry.do!r}")
    return register


def numbers(pledge: Pledge) -> Iterable[str]:
    """Everything by which the goods of a pledge are known: the thing itself and its identities."""
    return dict.fromkeys((f"thing {pledge.thing}", *map(str, pledge.identities)))


def _pledged(old: Pledge, number: str, *, claim: Pledge) -> Words:
    lower = old.junior and claim.lien <= old.lien
    zh = f"只能登记低于第{old.lien}顺位" if lower else "不允许后顺位"
    en = f"only a lien below {old.lien} may follow" if lower else "no lower lien is allowed"
    return Words(
        f"{number} 已质押给 {old.facility}（登记号 {old.id}，第{old.lien}顺位，存放于 "
        f"{old.place.name}，自 {iso(old.begins)} 起）；{zh}",
        f"{number} is pledged to {old.facility} (entry {old.id}, lien {old.lien}, at "
        f"{old.place.name}, since {iso(old.begins)}); {en}",
    )
