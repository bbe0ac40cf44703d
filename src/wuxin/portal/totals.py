"""Totals of the overview, and what changed since the valuation before: exact money, by currency."""

import json
from collections.abc import Sequence
from decimal import Decimal
from typing import Any, Final

from sqlalchemy.engine import RowMapping

from wuxin.home import Home
from wuxin.packs import schema
from wuxin.portal import queries
from wuxin.portal.access import Session
from wuxin.stores import schema as tables
from wuxin.terms.clock import DAY, iso
from wuxin.terms.records import LEVELS

_WITH_VALUE: Final = ("revaluation", "repayment", "top_up", "disposal", "disposal_ordered")
_BACK: Final = 6  # acts of one facility that are looked through for the day before
_LISTED: Final = 20
_CENT: Final = Decimal("0.000001")


def overview(home: Home, session: Session) -> dict[str, Any]:
    """Totals, exposure by currency, the facilities with the worst first, and open warnings."""
    counts = _counts(home, session)
    rows = facilities(home, session)
    head = home.log.head
    kinds: dict[tuple[str, str], int] = {}
    for thing in queries.visible(home, session, rows=home.book.rows(tables.thing, session.tenant)):
        if thing["kind"] != "facility":
            key = (thing["pack"], thing["kind"])
            kinds[key] = kinds.get(key, 0) + 1
    return {
        "things": sum(kinds.values()),
        "kinds": [
            {"pack": p, "kind": k, "count": n, **queries.words(schema.load(p).kinds[k].words)}
            for (p, k), n in kinds.items()
        ],
        "readings": {w: counts[w] for w in ("accepted", "marked", "refused")},
        "warnings": _warnings(home, session, counted=counts["open"], only_open=True),
        "warnings_ever": _warnings(home, session, counted=counts["findings"], only_open=False),
        "exposure": by_currency([row for row in rows if row["state"] != "closed"]),
        "facilities": rows[:_LISTED],
        "acts": counts["acts"],
        "receipts": counts["receipts"],
        "log": {"size": head.size, "root": head.root.hex()},
    }


def facilities(home: Home, session: Session) -> list[dict[str, Any]]:
    """The facilities of :func:`queries.facilities`, each with change, latest act and level."""
    history: dict[str, list[RowMapping]] = {}
    for act in home.book.latest_acts(session.tenant, _WITH_VALUE, each=_BACK):
        history.setdefault(act["facility"], []).append(act)
    worst: dict[str, str] = {}
    for level in reversed(LEVELS):
        for found in home.book.findings(session.tenant, {"open": True, "level": level}):
            worst[found["facility"]] = level
    rank: dict[str, int] = {level: n for n, level in enumerate(LEVELS)}
    rows = [
        {**row, **_change(history.get(row["id"], ())), "level": worst.get(row["id"])}
        for row in queries.facilities(home, session)
    ]
    pressing = {state: n for n, state in enumerate(queries.PRESSING)}
    return sorted(
        rows, key=lambda r: (pressing.get(r["state"], 0), rank.get(r["level"] or "", len(rank)))
    )


def by_currency(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Sums of facilities for each currency; loan to value is over those that are valued.

    A closed one is left out by whoever asks: collateral that was given back is no loss of value.
    """
    found = []
    for currency in sorted({row["currency"] for row in rows}):
        mine = [row for row in rows if row["currency"] == currency]
        valued = [row for row in mine if row["value"] is not None]
        value = sum((Decimal(row["value"]) for row in valued), Decimal(0))
        covered = sum((Decimal(row["exposure"]) for row in valued), Decimal(0))
        changes = [row["change"] for row in mine if row["change"]]
        found.append({
            "currency": currency,
            "facilities": len(mine),
            "not_valued": len(mine) - len(valued),
            "value": str(value) if valued else None,
            "outstanding": str(sum((Decimal(row["outstanding"]) for row in mine), Decimal(0))),
            "exposure": str(sum((Decimal(row["exposure"]) for row in mine), Decimal(0))),
            "loan_to_value": str((covered / value).quantize(_CENT)) if value else None,
            "change": {
                "value": str(sum((Decimal(c["value"]) for c in changes), Decimal(0))),
                "since": min(c["since"] for c in changes),
            } if changes else None,
        })  # fmt: skip
    return found


def _change(acts: Sequence[RowMapping]) -> dict[str, Any]:
    """The latest act that states a value, and what moved since the last one of an earlier day."""
    told = [(act, json.loads(act["record"])["figures"]) for act in acts]
    stated = [(act, figures) for act, figures in told if figures.get("value") is not None]
    if not stated:
        return {"valued": None, "change": None}
    act, now = stated[0]
    valued = {"act": act["id"], "at": iso(act["at"])}
    for old, before in stated[1:]:
        if old["at"] // DAY < act["at"] // DAY:
            return {"valued": valued, "change": {
                "value": str(Decimal(now["value"]) - Decimal(before["value"])),
                "loan_to_value": str(
                    Decimal(now["loan_to_value"]) - Decimal(before["loan_to_value"])
                ),
                "since": iso(old["at"]),
            }}  # fmt: skip
    return {"valued": valued, "change": None}


def _counts(home: Home, session: Session) -> dict[str, Any]:
    """Counts of the whole tenant; for a borrower of the sources of its own facilities."""
    counts = home.book.counts(session.tenant)
    if session.sees_all:
        return counts
    own = {row["id"] for row in queries.facilities(home, session)}
    sources = {
        row["source"] for row in home.book.rows(tables.facility, session.tenant) if row["id"] in own
    }
    batches = [b for b in home.book.rows(tables.batch, session.tenant) if b["source"] in sources]
    numbers = {b["n"] for b in batches}
    sums = {word: sum(b[word] for b in batches) for word in ("accepted", "marked", "refused")}
    receipts = home.book.rows(tables.receipt, session.tenant)
    return {
        **counts,
        **sums,
        "accepted": sums["accepted"] - sums["marked"],
        "acts": len([a for a in home.book.acts(session.tenant) if a["facility"] in own]),
        "receipts": len([r for r in receipts if r["batch"] in numbers]),
    }


def _warnings(
    home: Home, session: Session, *, counted: dict[str, int], only_open: bool
) -> dict[str, int]:
    """Warnings of each level that the session may see."""
    if session.sees_all:
        return {level: counted.get(level, 0) for level in LEVELS}
    where = {"open": True} if only_open else {}
    return {
        level: queries.findings(home, session, where={**where, "level": level})["total"]
        for level in LEVELS
    }
