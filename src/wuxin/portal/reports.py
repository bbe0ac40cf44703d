"""The enterprise's own report: what its things did in a period, against the period before.

Which figures there are stands in the pack (``[[report.figure]]`` of ``objects.toml``). A value that
stands at midnight belongs to the day that ends there, as models date what they found of a day. The
cost is one query over the readings of the pack's figures in both periods.
"""

import csv
import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import tzinfo
from io import StringIO
from typing import Annotated, Any, Final, Literal, NamedTuple

from fastapi import APIRouter, Query, Response
from pydantic import Field

from wuxin.home import Home
from wuxin.packs import schema
from wuxin.portal import queries, views
from wuxin.portal.access import Session
from wuxin.portal.visit import Here, Text, present
from wuxin.sources import Source
from wuxin.stores import schema as tables
from wuxin.terms.clock import DAY, day_start, iso, moment
from wuxin.terms.errors import NotFound
from wuxin.terms.records import LEVELS, UNUSABLE
from wuxin.terms.standards import Pack, ReportFigure

router: Final = APIRouter(prefix="/api/reports", tags=["report"])

Period = Literal["day", "week", "month"]
DAYS: Final[Mapping[str, int]] = {"day": 1, "week": 7, "month": 30}

_DAILY: Final = """
    WITH told AS (
        SELECT kind, thing, indicator, event_time, value FROM readings
        WHERE pack = $pack AND indicator IN (SELECT unnest($indicators))
          AND event_time > $start AND event_time <= $end AND (quality & $unusable) = 0
          AND ($all OR (kind || ':' || thing) IN (SELECT unnest($things)))
        QUALIFY row_number() OVER (
            PARTITION BY kind, thing, indicator, event_time ORDER BY batch DESC) = 1)
    SELECT kind, indicator, thing, (event_time - 1 - $start) // $day AS day,
           sum(value), count(*), min(value), max(value), arg_max(value, event_time)
    FROM told GROUP BY ALL ORDER BY ALL
"""


class Asked(NamedTuple):
    """Which report: days of the period, its end (ns, a local midnight), whose, and the zone."""

    days: int
    end: int
    party: str
    zone: tzinfo


class Part(NamedTuple):
    """What one thing told of one indicator on one day."""

    thing: str
    day: int
    total: float
    values: int
    low: float
    high: float
    last: float


PeriodOf = Annotated[Period, Query(description="how long: a day, 7 or 30 days")]
EndOf = Annotated[str, Query(max_length=40, description="until when; the last midnight if empty")]
Party = Annotated[Text, Field(description="of which obligor alone; a borrower sees its own")]


@router.get("")
def packs(here: Here) -> list[dict[str, Any]]:
    """The packs of which the session may see things, and the obligors whose reports there are."""
    return listed(here.home, here.who)


@router.get("/{pack}")
def report(
    here: Here, pack: Text, *, period: PeriodOf = "week", end: EndOf = "",
    party: Annotated[Party, Query()] = "",
) -> dict[str, Any]:  # fmt: skip
    """Figures of the period with those of the period before, by day, and what fired meanwhile."""
    return of_pack(here.home, here.who, pack=pack, period=period, end=end, party=party)


@router.get("/{pack}/figures", response_class=Response)
def figures(
    here: Here, pack: Text, *, period: PeriodOf = "week", end: EndOf = "",
    party: Annotated[Party, Query()] = "",
) -> Response:  # fmt: skip
    """The same figures as a table (CSV, RFC 4180), a row for each."""
    found = of_pack(here.home, here.who, pack=pack, period=period, end=end, party=party)
    head = {"content-disposition": f'attachment; filename="report-{found["pack"]}.csv"'}
    return Response(table(found), media_type="text/csv; charset=utf-8", headers=head)


def listed(home: Home, session: Session) -> list[dict[str, Any]]:
    """See :func:`packs`."""
    rows = queries.visible(home, session, rows=home.book.rows(tables.thing, session.tenant))
    parties: dict[str, set[str]] = defaultdict(set)
    for facility in queries.facilities(home, session):
        parties[facility["pack"]].add(facility["obligor"])
    return [
        {"pack": name, **queries.words(schema.load(name).words), "parties": sorted(parties[name])}
        for name in sorted({row["pack"] for row in rows})
        if name != schema.COMMON
    ]


def of_pack(
    home: Home, session: Session, *, pack: str, period: Period, end: str, party: str
) -> dict[str, Any]:
    """See :func:`report`.

    Raises:
        NotFound: the session sees no things of such a pack, or of such a party.
        BadInput: ``end`` is no time.
    """
    declared, things, source = _scope(home, session, pack=pack, party=party)
    now = moment(end) if end else present(home, source)
    asked = Asked(DAYS[period], day_start(now, source.zone), party, source.zone)
    own = None if session.sees_all and not party else things
    parts = _parts(home, declared, asked=asked, things=own)
    start = asked.end - asked.days * DAY
    span = (start, asked.end)
    return {
        "pack": pack, **queries.words(declared.words), "party": party, "period": period,
        "from": iso(start), "to": iso(asked.end), "things": len(things),
        "figures": [_figure(one, declared, parts=parts, days=asked.days)
                    for one in declared.report],
        "advice": _advice(home, session, pack=declared, things=set(things), span=span),
    }  # fmt: skip


def table(found: Mapping[str, Any]) -> str:
    """A report as CSV."""
    sink = StringIO()
    write = csv.writer(sink, lineterminator="\r\n")
    write.writerow(["from", "to", "kind", "indicator", "name_zh", "name_en", "take", "unit",
                    "value", "before", "things"])  # fmt: skip
    for one in found["figures"]:
        write.writerow([
            found["from"], found["to"], one["of"], one["indicator"], one["zh"], one["en"],
            one["take"], one["unit"], one["value"], one["before"], one["things"],
        ])  # fmt: skip
    return sink.getvalue()


def _scope(
    home: Home, session: Session, *, pack: str, party: str
) -> tuple[Pack, list[str], Source]:  # fmt: skip
    """The pack, the keys of the things that are reported on, and the source whose days count."""
    rows = home.book.rows(tables.thing, session.tenant, pack=pack)
    rows = queries.visible(home, session, rows=rows)
    if party:
        mine = {
            f["id"] for f in queries.facilities(home, session)
            if f["obligor"] == party and f["pack"] == pack
        }  # fmt: skip
        held = home.book.rows(tables.facility, session.tenant)
        sources = {row["source"] for row in held if row["id"] in mine}
        rows = [row for row in rows if row["source"] in sources]
    named = sorted({row["source"] for row in rows} & {*home.flow.sources})
    if not named:
        whose = f" of {party!r}" if party else ""
        raise NotFound(f"there are no things{whose} in a pack {pack!r}")
    sources_now = [home.flow.sources[name] for name in named]
    latest = max(sources_now, key=lambda source: present(home, source))
    return schema.load(pack), [f"{row['kind']}:{row['id']}" for row in rows], latest


def _parts(
    home: Home, pack: Pack, *, asked: Asked, things: Sequence[str] | None
) -> dict[tuple[str, str], list[Part]]:
    """What was told of the report's indicators in both periods: thing by thing, day by day."""
    given = {
        "pack": pack.name, "indicators": sorted({one.indicator for one in pack.report}),
        "start": asked.end - 2 * asked.days * DAY, "end": asked.end, "day": DAY,
        "unusable": int(UNUSABLE), "all": things is None, "things": [*(things or ())],
    }  # fmt: skip
    found: dict[tuple[str, str], list[Part]] = defaultdict(list)
    for row in home.history.query(_DAILY, given).to_pylist():
        kind, indicator, *rest = row.values()
        found[kind, indicator].append(Part(*rest))
    return found


def _figure(
    one: ReportFigure, pack: Pack, *, parts: Mapping[tuple[str, str], Sequence[Part]], days: int
) -> dict[str, Any]:
    """A figure of the period and of the one before, and its days; None where nothing was told."""
    indicator = pack.indicators[one.indicator]
    told = parts.get((one.of, one.indicator), ())
    now = [part for part in told if part.day >= days]
    by_day: dict[int, list[Part]] = defaultdict(list)
    for part in now:
        by_day[part.day - days].append(part)
    past = [part for part in told if part.day < days]
    value, before = taken(one, now), taken(one, past)
    return {
        "of": one.of, "kind": queries.words(pack.kinds[one.of].words),
        "indicator": one.indicator, **queries.words(indicator.words),
        "unit": indicator.show, "take": one.take, "better": one.better,
        "value": views.figure(value, indicator), "before": views.figure(before, indicator),
        "before_days": len({part.day for part in past}),
        "days": [views.figure(taken(one, by_day[day]), indicator) for day in range(days)],
        "things": len({part.thing for part in now}),
    }  # fmt: skip


def taken(one: ReportFigure, parts: Sequence[Part]) -> float | None:
    """What the parts come to, taken together as the figure says, in the indicator's unit."""
    if not parts:
        return None
    if one.take == "sum":
        return sum(part.total for part in parts)
    if one.take == "mean":
        return sum(part.total for part in parts) / sum(part.values for part in parts)
    if one.take == "minimum":
        return min(part.low for part in parts)
    if one.take == "maximum":
        return max(part.high for part in parts)
    last = {part.thing: part.last for part in sorted(parts, key=lambda part: part.day)}
    return sum(last.values()) / len(last)


def _advice(
    home: Home, session: Session, *, pack: Pack, things: Iterable[str], span: tuple[int, int]
) -> list[dict[str, Any]]:
    """Rules that fired in the period, and what they advise the enterprise; the worst first."""
    own = set(things)
    held: dict[str, list[Any]] = defaultdict(list)
    for row in home.book.findings(session.tenant, {"pack": pack.name}, span=span):
        if f"{row['kind']}:{row['thing']}" in own:
            held[row["rule"]].append(row)
    told = [
        {
            "rule": name, "level": rule.level, "times": len(rows),
            "open": sum(row["cleared"] is None for row in rows),
            "things": sorted({row["thing"] for row in rows})[:5],
            "last": iso(max(row["raised"] for row in rows)),
            "advice": queries.words(rule.enterprise),
            "finding": (newest := max(rows, key=lambda row: row["raised"]))["id"],
            "words": json.loads(newest["record"])["reasons"],
        }
        for name, rows in held.items()
        if (rule := pack.rules.get(name)) is not None
    ]  # fmt: skip
    return sorted(told, key=lambda one: (LEVELS.index(one["level"]), -one["times"], one["rule"]))
