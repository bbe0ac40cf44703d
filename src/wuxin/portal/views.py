"""Records as people and programs read them: SI values in the units shown, times in ISO 8601.

Pure functions from rows of the book to JSON, shared by the command line and the API.
"""

from collections.abc import Mapping
from typing import Any, Literal

from sqlalchemy.engine import RowMapping

from wuxin.packs import schema
from wuxin.stores.book import record
from wuxin.terms.clock import iso
from wuxin.terms.standards import Fact, Indicator, Pack
from wuxin.terms.units import shown

Language = Literal["zh", "en"]


def finding(row: RowMapping, language: Language = "en") -> dict[str, Any]:
    """One finding: what, on which thing, since and until when, with figures, reasons and causes."""
    whole = record(row)
    pack = schema.load(row["pack"])
    rule = pack.rules[row["rule"]]
    indicator = pack.indicators.get(rule.value)
    return {
        "finding": row["id"],
        "thing": row["thing"],
        "kind": row["kind"],
        "level": row["level"],
        "rule": row["rule"],
        "from": iso(row["since"]),
        "to": iso(row["cleared"]) if row["cleared"] is not None else None,
        "raised": iso(row["raised"]),
        "value": figure(row["value"], indicator),
        "limit": figure(row["limit"], indicator),
        "unit": indicator.show if indicator else "",
        "reasons": [words[language] for words in whole["reasons"]],
        "because": [cause(c, row["batch"]) for c in whole["because"]],
        "facility": row["facility"],
        "pack": row["pack"],
        "batch": row["batch"],
        "acknowledged_by": row["acknowledged_by"],
        "warning": row["warning"],
        "bank": getattr(rule.bank, language),
        "enterprise": getattr(rule.enterprise, language),
    }


def act(row: RowMapping) -> dict[str, Any]:
    """One act: what was done, by whose mandate, with exact figures as strings, and its causes."""
    whole = record(row)
    return {
        "act": row["id"],
        "kind": row["kind"],
        "facility": row["facility"],
        "at": iso(row["at"]),
        "mandate": whole["mandate"],
        "figures": whole["figures"],
        "because": [cause(c, row["batch"]) for c in whole["because"]],
        "pack": row["pack"],
        "batch": row["batch"],
    }


def cause(told: Mapping[str, Any], batch: int) -> dict[str, Any]:
    """One cause: the hash of a frame, finding, act or command; for a frame also file and lines."""
    lines = told.get("lines")
    found = {"kind": told["kind"], "id": told["id"], "known_by_batch": batch}
    if told.get("source"):
        found["file"] = told["source"]
    if lines:
        found |= {"line": lines[0], "lines": list(lines)}
    return found


def figure(value: float | None, indicator: Indicator | None) -> float | None:
    """A value in the unit that people read, rounded to 9 significant digits."""
    if value is None or indicator is None:
        return value
    return float(f"{shown(value, indicator.unit, show=indicator.show):.9g}")


def figure_in(value: float, fact: Fact) -> float:
    """A registered fact in the unit that people read."""
    return float(f"{shown(value, fact.unit, show=fact.show):.9g}")


def reading(row: Mapping[str, Any], pack: Pack) -> dict[str, Any]:
    """One reading of the history, in the unit shown."""
    indicator = pack.indicators[row["indicator"]]
    return {
        "thing": row["thing"],
        "kind": row["kind"],
        "indicator": row["indicator"],
        "time": iso(row["event_time"]),
        "value": figure(row["value"], indicator),
        "unit": indicator.show,
        "quality": row["quality"],
        "batch": row["batch"],
    }
