"""The outbox: what is to be sent, laid in with the position up to which the book was read.

Both are one transaction, so that whatever ends the process nothing is skipped and nothing is laid
in twice. A message leaves the outbox when its receiver has taken it.
"""

import json
import random
from collections.abc import Iterator, Sequence
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection, and_, func, select

from wuxin.finance.subscribers import Subscription
from wuxin.stores import schema as t
from wuxin.stores.book import Book
from wuxin.terms.clock import DAY, HOUR, SECOND, iso
from wuxin.terms.names import Tenant, content_id

FIRST: Final = 5 * SECOND
LONGEST: Final = HOUR
GIVE_UP: Final = DAY
"""Waiting doubles from the first to the longest; after a day a message is parked."""

BATCHES: Final = 500
"""Journal entries that are read in one go."""


class Message(NamedTuple):
    """One message to one subscriber; ``id`` stays the same however often it is sent."""

    id: str
    subscription: str
    kind: str
    body: str
    made: int
    tries: int


class Record(NamedTuple):
    """A record of the book as subscribers are asked about it."""

    id: str
    kind: str
    level: str
    facility: str
    batch: int
    place: int
    arrival: int
    said: str


class Outbox:
    """The outbox of one tenant.

    Args:
        book: the book that holds it.
        tenant: whose.
    """

    def __init__(self, book: Book, tenant: Tenant) -> None:
        self._engine, self._tenant = book.engine, tenant

    def collect(self, subscriptions: Sequence[Subscription], upto: int, *, now: int) -> bool:
        """Lay in what some of the next batches hold for subscribers; whether more are left."""
        with self._engine.begin() as c:
            mine = t.reached.c.tenant == self._tenant
            done = c.execute(select(t.reached.c.batch).where(mine)).scalar()
            after = done or 0
            end = min(upto, after + BATCHES) if subscriptions else upto
            if end > after:
                found = self._messages(c, subscriptions, span=(after, end), now=now)
                if rows := list(found):
                    c.execute(t.outbox.insert(), rows)
                changed = t.reached.update().where(mine).values(batch=end)
                if done is None:
                    c.execute(t.reached.insert().values(tenant=self._tenant, batch=end))
                else:
                    c.execute(changed)
        return end < upto

    def ready(self, now: int) -> list[str]:
        """The subscriptions whose oldest message may be sent now."""
        o = t.outbox.c
        rank = func.row_number().over(
            partition_by=o.subscription, order_by=(o.batch, o.place, o.id)
        )
        waiting = and_(o.tenant == self._tenant, o.state == "waiting")
        first = select(o.subscription, o.next, rank.label("rank")).where(waiting).subquery()
        query = select(first.c.subscription).where(first.c.rank == 1, first.c.next <= now)
        with self._engine.connect() as c:
            return list(c.execute(query).scalars())

    def head(self, subscription: str, now: int) -> Message | None:
        """The oldest message of a subscription, if it may be sent now."""
        o = t.outbox.c
        query = (
            select(o.id, o.subscription, o.kind, o.body, o.made, o.tries, o.next)
            .where(o.tenant == self._tenant, o.state == "waiting", o.subscription == subscription)
            .order_by(o.batch, o.place, o.id).limit(1)
        )  # fmt: skip
        with self._engine.connect() as c:
            row = c.execute(query).first()
        return Message(*row[:-1]) if row is not None and row.next <= now else None

    def sent(self, message: Message) -> None:
        """It was taken: it leaves the outbox."""
        with self._engine.begin() as c:
            c.execute(t.outbox.delete().where(*self._is(message)))

    def failed(self, message: Message, why: str, *, now: int, final: bool = False) -> None:
        """It was not taken: it waits, longer each time, and is parked after a day."""
        over = final or now - message.made >= GIVE_UP
        state = "parked" if over else "waiting"
        values = {"tries": message.tries + 1, "next": now + pause(message.tries), "state": state}
        with self._engine.begin() as c:
            c.execute(t.outbox.update().where(*self._is(message)).values(said=why[:500], **values))

    def drop(self, subscription: str) -> None:
        """Nobody wants these any more."""
        o = t.outbox.c
        where = (o.tenant == self._tenant, o.subscription == subscription, o.state == "waiting")
        with self._engine.begin() as c:
            c.execute(t.outbox.delete().where(*where))

    def listed(self, subscriptions: Sequence[str], state: str = "") -> list[dict[str, Any]]:
        """What waits and what is parked, of some subscriptions, the newest first (at most 200)."""
        o = t.outbox.c
        query = select(t.outbox).where(
            o.tenant == self._tenant, o.subscription.in_(subscriptions)
        )  # fmt: skip
        if state:
            query = query.where(o.state == state)
        with self._engine.connect() as c:
            rows = c.execute(query.order_by(o.batch.desc(), o.place.desc()).limit(200)).mappings()
            return [
                {"message": row["id"], "subscription": row["subscription"], "kind": row["kind"],
                 "record": row["record"], "batch": row["batch"], "state": row["state"],
                 "made": iso(row["made"]), "tries": row["tries"], "next": iso(row["next"]),
                 "said": row["said"]}
                for row in rows
            ]  # fmt: skip

    def _is(self, message: Message) -> tuple[Any, Any]:
        return t.outbox.c.tenant == self._tenant, t.outbox.c.id == message.id

    def _messages(
        self, c: Connection, subscriptions: Sequence[Subscription], *, span: tuple[int, int],
        now: int,
    ) -> Iterator[dict[str, Any]]:  # fmt: skip
        if not subscriptions:
            return
        for record in self._records(c, span):
            for one in subscriptions:
                wanted = one.wants(record.kind, record.level, facility=record.facility)
                if wanted and record.arrival >= one.since:
                    yield {
                        "tenant": self._tenant, "subscription": one.id, "kind": record.kind,
                        "id": content_id(["message", self._tenant, one.id, record.id]),
                        "record": record.id, "batch": record.batch, "place": record.place,
                        "body": _body(record, self._tenant), "made": now, "tries": 0, "next": now,
                        "state": "waiting", "said": "",
                    }  # fmt: skip

    def _records(self, c: Connection, span: tuple[int, int]) -> Iterator[Record]:
        """The findings, ends and acts of some batches, with the arrival of each batch."""
        b, f, a = t.batch.c, t.finding.c, t.act.c
        after, upto = span
        within = and_(b.tenant == self._tenant, b.n > after, b.n <= upto)
        arrival = {row.n: row.arrival for row in c.execute(select(b.n, b.arrival).where(within))}
        mine = and_(f.tenant == self._tenant, f.batch > after, f.batch <= upto)
        for row in c.execute(select(t.finding).where(mine).order_by(f.batch, f.id)).mappings():
            yield Record(row["id"], "finding", row["level"], row["facility"], row["batch"], -2,
                         arrival[row["batch"]], row["record"])  # fmt: skip
        ended = and_(f.tenant == self._tenant, f.cleared_batch > after, f.cleared_batch <= upto)
        for row in c.execute(select(t.finding).where(ended).order_by(f.id)).mappings():
            yield Record(row["cleared_id"], "cleared", row["level"], row["facility"],
                         row["cleared_batch"], -1, arrival[row["cleared_batch"]],
                         row["cleared_record"])  # fmt: skip
        done = and_(a.tenant == self._tenant, a.batch > after, a.batch <= upto)
        for row in c.execute(select(t.act).where(done).order_by(a.batch, a.place)).mappings():
            level = json.loads(row["record"])["figures"].get("level", "")
            yield Record(row["id"], row["kind"], level, row["facility"], row["batch"],
                         row["place"], arrival[row["batch"]], row["record"])  # fmt: skip


def pause(tries: int) -> int:
    """How long (ns) to wait after so many failed tries: doubling, with jitter of a half."""
    longest = min(FIRST * 2 ** min(tries, 20), LONGEST)
    return int(longest * random.uniform(0.5, 1.5))  # noqa: S311 - it spreads load, hides nothing


def _body(record: Record, tenant: Tenant) -> str:
    told = {"id": record.id, "tenant": tenant, "facility": record.facility, "batch": record.batch,
            "record": json.loads(record.said)}  # fmt: skip
    said = {"type": record.kind, "timestamp": iso(record.arrival), "data": told}
    return json.dumps(said, ensure_ascii=False, separators=(",", ":"))
