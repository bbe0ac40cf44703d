"""What the API answers: things, facilities, warnings, acts and series, as JSON values.

Each function takes the home and the session; what a session may not see is not found.
"""

import json
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, Final, NamedTuple, TypeVar

from sqlalchemy.engine import RowMapping

from wuxin.home import Home
from wuxin.packs import schema
from wuxin.portal import views
from wuxin.portal.access import Session
from wuxin.stores import schema as tables
from wuxin.terms.clock import iso
from wuxin.terms.errors import NotFound
from wuxin.terms.names import ThingKey
from wuxin.terms.records import LEVELS, UNUSABLE

PAGE: Final = 200
"""The most rows of one answer."""


Row = TypeVar("Row", bound=Mapping[Any, Any])
"""A row that names its ``source``."""

PRESSING: Final = (
    "deficient", "overdue", "disposal_ordered", "called", "breach", "arrears", "not_valued",
    "agreed", "covered", "written_off", "closed",
)  # fmt: skip
"""States of a facility, the most pressing first."""

_BESIDE: Final = ("revaluation", "journal_entry", "warning_")
"""How acts begin that are shown as series, in the ledger and with their warning instead."""


class Asked(NamedTuple):
    """The two clocks of a question: event times (ns, open where None), and what was known.

    ``as_of`` is a batch number; ``points`` the most points of a series.
    """

    span: tuple[int | None, int | None] = (None, None)
    as_of: int | None = None
    points: int = 400


NOW: Final = Asked()


def facilities(home: Home, session: Session) -> list[dict[str, Any]]:
    """The facilities that the session may see, the most pressing state and loan to value first."""
    found = []
    for row in home.book.rows(tables.facility, session.tenant):
        snapshot = json.loads(row["snapshot"])
        if session.sees_all or snapshot["obligor"] == session.party:
            found.append({"pack": row["pack"], "batch": row["batch"], **snapshot})
    pressing = {state: n for n, state in enumerate(PRESSING)}
    return sorted(
        found, key=lambda f: (pressing.get(f["state"], 0), -Decimal(f["loan_to_value"] or 0))
    )


def facility_row(home: Home, session: Session, *, name: str) -> dict[str, Any]:
    """One facility as it stands.

    Raises:
        NotFound: there is none that the session may see.
    """
    for row in home.book.rows(tables.facility, session.tenant, id=name):
        snapshot = json.loads(row["snapshot"])
        if session.sees_all or snapshot["obligor"] == session.party:
            return {"batch": row["batch"], **snapshot}
    raise NotFound(f"there is no facility {name!r}")


def facility(home: Home, session: Session, *, name: str) -> dict[str, Any]:
    """One facility: figures, value through time, its calls and acts, and the things of its pool.

    Raises:
        NotFound: there is none that the session may see.
    """
    mine = facility_row(home, session, name=name)
    done = [views.act(r) for r in home.book.acts(session.tenant, {"facility": name})]
    steps = schema.load(mine["pack"]).steps
    return {
        **mine,
        "values": [
            {"at": a["at"], "act": a["act"], **a["figures"]}
            for a in reversed(done) if "loan_to_value" in a["figures"]
        ],
        "acts": [a for a in done if not a["kind"].startswith(_BESIDE)],
        "warnings": findings(home, session, where={"facility": name})["rows"],
        "process": [{"step": s.id, "owner": s.owner, "needs": list(s.needs), **words(s.words)}
                    for s in steps],
    }  # fmt: skip


def things(
    home: Home, session: Session, *, where: Mapping[str, str],  q: str = "",
    page: tuple[int, int] = (0, PAGE),
) -> dict[str, Any]:  # fmt: skip
    """Things by pack, kind, parent or level, with their worst open warning; the worst first.

    The level ``any`` stands for things with an open warning of any level.
    """
    worst = _worst(home, session)
    wanted = dict(where)
    level = wanted.pop("level", "")
    rows = []
    for row in visible(home, session, rows=home.book.rows(tables.thing, session.tenant, **wanted)):
        if q.casefold() in row["id"].casefold() or q.casefold() in row["kind"]:
            kind = schema.load(row["pack"]).kinds[row["kind"]]
            stands = worst.get((row["pack"], row["kind"], row["id"]))
            if level and stands != level and (level != "any" or stands is None):
                continue
            rows.append({
                "pack": row["pack"], "kind": row["kind"], "id": row["id"],
                "parent": row["parent"], "level": stands,
                **words(kind.words),
            })  # fmt: skip
    rank: dict[str, int] = {level: i for i, level in enumerate(LEVELS)}
    rows.sort(key=lambda r: (rank.get(r["level"] or "", 9), r["pack"], r["kind"], r["id"]))
    start, size = page
    return {"total": len(rows), "rows": rows[start : start + min(size, PAGE)]}


def thing(
    home: Home, session: Session, *, key: tuple[str, str, str], at: int | None = None,
    as_of: int | None = None,
) -> dict[str, Any]:  # fmt: skip
    """The twin of one thing, now or at a past moment, with the warnings that stood then.

    Args:
        home: whose records.
        session: who asks.
        key: pack, kind and id.
        at: what was true at this event time (ns).
        as_of: what was known at this batch.

    Raises:
        NotFound: there is none that the session may see.
    """
    pack_name, kind, name = key
    found = home.book.rows(tables.thing, session.tenant, pack=pack_name, kind=kind, id=name)
    rows = visible(home, session, rows=found)
    if not rows:
        raise NotFound(f"there is no {kind} {name!r}")
    row, pack = rows[0], schema.load(pack_name)
    declared = list(pack.indicators)
    latest = _latest(home, key, at=at, as_of=as_of)
    latest.sort(key=lambda row: declared.index(row["indicator"]))
    stood = Asked((at, None if at is None else at + 1), as_of)
    children = home.book.rows(tables.thing, session.tenant, pack=pack_name, parent=f"{kind}:{name}")
    return {
        "pack": pack_name, "kind": kind, "id": name, "parent": row["parent"],
        **words(pack.kinds[kind].words),
        "at": iso(at) if at is not None else None,
        "facts": [
            {"name": fact, "value": views.figure_in(value, pack.kinds[kind].facts[fact]),
             "unit": pack.kinds[kind].facts[fact].show,
             **words(pack.kinds[kind].facts[fact].words)}
            for fact, value in json.loads(row["facts"]).items()
        ],
        "values": [
            {**views.reading(r, pack), "derived": pack.indicators[r["indicator"]].derived,
             "purpose": words(pack.indicators[r["indicator"]].purpose),
             **words(pack.indicators[r["indicator"]].words)}
            for r in latest
        ],
        "children": [{"pack": pack_name, "kind": c["kind"], "id": c["id"]} for c in children],
        "warnings": findings(
            home, session, where={"pack": pack_name, "kind": kind, "thing": name}, asked=stood
        )["rows"],
    }  # fmt: skip


def series(
    home: Home, session: Session, *, key: tuple[str, str, str],  indicator: str,
    asked: Asked,
) -> dict[str, Any]:  # fmt: skip
    """One indicator through time, at most ``points`` buckets with minimum, maximum and mean.

    Raises:
        NotFound: no such thing or indicator.
    """
    pack_name, kind, name = key
    thing_rows = home.book.rows(tables.thing, session.tenant, pack=pack_name, kind=kind, id=name)
    if not visible(home, session, rows=thing_rows):
        raise NotFound(f"there is no {kind} {name!r}")
    pack = schema.load(pack_name)
    if indicator not in pack.indicators:
        raise NotFound(f"there is no indicator {indicator!r}")
    declared = pack.indicators[indicator]
    found = home.history.buckets(
        key, indicator, span=asked.span, points=max(2, min(asked.points, 2000)), as_of=asked.as_of
    )
    rows = findings(
        home, session, where={"pack": pack_name, "kind": kind, "thing": name}, asked=asked
    )["rows"]
    return {
        "indicator": indicator, "unit": declared.show, **words(declared.words),
        "points": [
            {"t": t, "min": views.figure(low, declared), "max": views.figure(high, declared),
             "mean": views.figure(mean, declared), "n": n, "marked": marked}
            for t, low, high, mean, n, marked in found
        ],
        "findings": [
            {k: r[k] for k in ("finding", "level", "rule", "from", "to", "reasons")} for r in rows
        ],
    }  # fmt: skip


def findings(
    home: Home, session: Session, *, where: Mapping[str, Any],
    asked: Asked = NOW, page: tuple[int, int] = (0, PAGE),
) -> dict[str, Any]:  # fmt: skip
    """Early warnings, newest first, with both languages of what they say, counted by level."""
    rows = home.book.findings(session.tenant, where, span=asked.span, as_of=asked.as_of)
    if not session.sees_all:
        own = {f["id"] for f in facilities(home, session)}
        rows = [r for r in rows if r["facility"] in own]
    start, size = page
    shown = rows[start : start + min(size, PAGE)]
    return {
        "total": len(rows),
        "levels": {level: sum(r["level"] == level for r in rows) for level in LEVELS},
        "rows": [both(r, as_of=asked.as_of) for r in shown],
    }


def one_finding(home: Home, session: Session, *, name: str) -> dict[str, Any]:
    """One early warning.

    Raises:
        NotFound: there is none that the session may see.
    """
    rows = findings(home, session, where={"id": name})["rows"]
    if not rows:
        raise NotFound(f"there is no finding {name!r}")
    found: dict[str, Any] = rows[0]
    return found


def acts(
    home: Home, session: Session, *, where: Mapping[str, str], asked: Asked, page: tuple[int, int]
) -> dict[str, Any]:
    """Acts, newest first; a borrower sees those of its own facilities."""
    rows = home.book.acts(session.tenant, where, span=asked.span, as_of=asked.as_of)
    if not session.sees_all:
        own = {f["id"] for f in facilities(home, session)}
        rows = [r for r in rows if r["facility"] in own]
    start, size = page
    return {"total": len(rows), "rows": [views.act(r) for r in rows[start : start + size]]}


def packs(home: Home, session: Session) -> list[dict[str, Any]]:
    """The packs in use with the words of their kinds and rules, for menus."""
    used = {r["pack"] for r in home.book.rows(tables.thing, session.tenant)}
    found = []
    for name in sorted(used):
        pack = schema.load(name)
        found.append({
            "pack": name, **words(pack.words),
            "kinds": [{"kind": k, **words(kind.words)} for k, kind in pack.kinds.items()],
            "rules": [{"rule": r, "kind": rule.kind, "level": rule.level, **words(rule.words)}
                      for r, rule in pack.rules.items()],
        })  # fmt: skip
    return found


def search(home: Home, session: Session, *, q: str) -> dict[str, Any]:
    """Things, facilities and parties whose name holds the text, at most 20 of each."""
    wanted = q.casefold()
    mine = facilities(home, session)
    return {
        "things": things(home, session, where={}, q=q, page=(0, 20))["rows"],
        "facilities": [
            {"id": f["id"], "obligor": f["obligor"], "pack": f["pack"]}
            for f in mine if wanted in f["id"].casefold() or wanted in f["obligor"].casefold()
        ][:20],
    }  # fmt: skip


def places(home: Home, session: Session) -> list[dict[str, Any]]:
    """Things with a position: from their facts, or the latest measured latitude and longitude."""
    worst = _worst(home, session)
    found = []
    for row in visible(home, session, rows=home.book.rows(tables.thing, session.tenant)):
        facts = json.loads(row["facts"])
        key = ThingKey(row["kind"], row["id"])
        twin = home.flow.lines[row["pack"]].twin if row["pack"] in home.flow.lines else None
        place = {}
        for name in ("latitude", "longitude"):
            measured = twin.latest(key, name) if twin else None
            value = measured.value if measured else facts.get(name)
            if value is not None:
                place[name] = value
        if len(place) == 2:
            found.append({
                "pack": row["pack"], "kind": row["kind"], "id": row["id"], **place,
                "fence_radius": facts.get("fence_radius"),
                "level": worst.get((row["pack"], row["kind"], row["id"])),
                **words(schema.load(row["pack"]).kinds[row["kind"]].words),
            })  # fmt: skip
    return found


def visible(home: Home, session: Session, *, rows: Sequence[Row]) -> list[Row]:
    """A borrower sees the sources of its own facilities, others see all."""
    if session.sees_all:
        return list(rows)
    own = {f["id"] for f in facilities(home, session)}
    sources = {
        r["source"] for r in home.book.rows(tables.facility, session.tenant) if r["id"] in own
    }
    return [r for r in rows if r["source"] in sources]


def _latest(
    home: Home, key: tuple[str, str, str], *, at: int | None, as_of: int | None
) -> list[dict[str, Any]]:
    given: dict[str, Any] = {"pack": key[0], "kind": key[1], "thing": key[2]}
    until = ""
    if at is not None:
        until, given["at"] = "AND event_time <= $at", at
    if as_of is not None:
        until, given["known"] = f"{until} AND batch <= $known", as_of
    mine = "pack = $pack AND kind = $kind AND thing = $thing"
    mine += f" AND (quality & {int(UNUSABLE)}) = 0"
    found = home.history.query(
        f"SELECT * FROM readings WHERE {mine} {until} "  # noqa: S608 - fixed texts
        "QUALIFY row_number() OVER "
        "(PARTITION BY indicator ORDER BY event_time DESC, batch DESC) = 1 ORDER BY indicator",
        given,
    )
    rows: list[dict[str, Any]] = found.to_pylist()
    return rows


def _worst(home: Home, session: Session) -> dict[tuple[str, str, str], str]:
    """The worst open level of each thing."""
    worst: dict[tuple[str, str, str], str] = {}
    for level in reversed(LEVELS):
        for row in home.book.findings(session.tenant, {"open": True, "level": level}):
            worst[row["pack"], row["kind"], row["thing"]] = level
    return worst


def both(row: RowMapping, *, as_of: int | None = None) -> dict[str, Any]:
    """A finding with its sentence and actions in both languages."""
    view = views.finding(row)
    if as_of is not None and (row["cleared_batch"] or 0) > as_of:
        view["to"] = None  # that it would end was not yet known
    rule = schema.load(row["pack"]).rules[row["rule"]]
    said = json.loads(row["record"])["reasons"]
    return {
        **view,
        "indicator": rule.value,
        "words": said,
        "actions": {"bank": words(rule.bank), "enterprise": words(rule.enterprise)},
        "runbook": words(rule.runbook) if rule.runbook else None,
    }


def words(words: Any) -> dict[str, str]:
    """Chinese and English, as the API gives them."""
    return {"zh": words.zh, "en": words.en}
