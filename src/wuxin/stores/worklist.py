"""Warnings in the book: the rows of the work list, and the figures of each rule over acts."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection, Engine, and_, case, func, or_, select
from sqlalchemy.engine import RowMapping

from wuxin.stores import schema as t
from wuxin.terms.names import Tenant

MOVES: Final = (
    "warning_raised", "warning_reopened", "warning_worsened", "warning_acknowledged",
    "warning_assigned", "warning_handled",
)  # fmt: skip
"""The acts from which the figures of a rule are made."""


class Found(NamedTuple):
    """One page of the work list: how many there are in all, by level, and the rows."""

    total: int
    levels: Mapping[str, int]
    rows: Sequence[RowMapping]


def write(c: Connection, tenant: Tenant, *, rows: Sequence[Mapping[str, Any]], batch: int) -> None:
    """Write warnings, new or changed; their findings learn who has taken notice."""
    w, f = t.warning.c, t.finding.c
    for given in rows:
        row = {**given, "batch": batch}
        noticed = row.pop("acknowledged_by")
        known = and_(w.tenant == tenant, w.id == row["id"])
        if not c.execute(t.warning.update().where(known).values(**row)).rowcount:
            c.execute(t.warning.insert().values(tenant=tenant, **row))
        if noticed:
            mine = and_(f.tenant == tenant, f.warning == row["id"], f.acknowledged_by == "")
            c.execute(t.finding.update().where(mine).values(acknowledged_by=noticed))


def listed(
    engine: Engine, tenant: Tenant, *, where: Mapping[str, str],
    facilities: Sequence[str] | None = None, page: tuple[int, int] = (0, 200),
) -> Found:  # fmt: skip
    """Warnings, those that are most pressing first: not yet over, worst level, nearest deadline.

    Args:
        engine: the book's database.
        tenant: whose.
        where: columns that must be equal; ``owner`` is a person or a role, ``state`` may be
            ``open`` for what is neither handled nor cleared, ``facility`` any that it concerns.
        facilities: only those that concern one of these; None: all.
        page: offset and limit.
    """
    w = t.warning.c
    wanted = [w.tenant == tenant]
    for name, value in where.items():
        if name == "owner":
            wanted.append(or_(w.owner == value, and_(w.owner == "", w.role == value)))
        elif name == "facility":
            wanted.append(w.facilities.contains(f"\n{value}\n", autoescape=True))
        elif name == "state" and value == "open":
            wanted.append(w.state.not_in(("handled", "cleared")))
        else:
            wanted.append(w[name] == value)
    if facilities is not None:
        own = [w.facilities.contains(f"\n{one}\n", autoescape=True) for one in facilities]
        wanted.append(or_(False, *own))  # noqa: FBT003 - SQL's FALSE
    over = case((w.state.in_(("handled", "cleared")), 1), else_=0)
    level = case((w.level == "red", 0), else_=1)
    query = select(t.warning).where(*wanted).order_by(over, level, w.due, w.raised.desc(), w.id)
    count = select(w.level, func.count()).where(*wanted).group_by(w.level)
    with engine.connect() as c:
        levels = {row[0]: int(row[1]) for row in c.execute(count)}
        rows = list(c.execute(query.offset(page[0]).limit(page[1])).mappings())
    return Found(sum(levels.values()), levels, rows)


def moves(engine: Engine, tenant: Tenant) -> list[dict[str, Any]]:
    """What the acts of all warnings say, oldest first: kind, warning, rule and figures."""
    a = t.act.c
    query = select(a.kind, a.record).where(a.tenant == tenant, a.kind.in_(MOVES))
    with engine.connect() as c:
        rows = c.execute(query.order_by(a.batch, a.place)).all()
    return [{**json.loads(row.record)["figures"], "kind": row.kind} for row in rows]


def open_now(engine: Engine, tenant: Tenant) -> dict[str, int]:
    """How many warnings of each rule have not ended."""
    w = t.warning.c
    query = select(w.rule, func.count()).where(w.tenant == tenant, w.state != "cleared")
    with engine.connect() as c:
        return {row[0]: int(row[1]) for row in c.execute(query.group_by(w.rule))}
