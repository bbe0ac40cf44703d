"""Reads SCR Heatime exports (xlsx, xls) as BovHEAT takes them: rows of activity, cow by cow.

Columns by their English or German heading, in any order, among others; a folder is a farm, in which
cow numbers are unique. Times are local and without a zone; they are read as if they were UTC.
"""

import io
import zipfile
from collections.abc import Iterator
from datetime import date, datetime, time
from itertools import groupby, pairwise
from pathlib import PurePath
from typing import Any, NamedTuple

import numpy as np
from python_calamine import CalamineWorkbook

from wuxin.terms.clock import from_datetime, zone
from wuxin.terms.standards import Series

HEADINGS = {
    "cow": ("Cow Number", "Kuhnummer"),
    "date": ("Date", "Termin"),
    "time": ("Time", "Zeit"),
    "change": ("Activity Change", "Aktivität ändern"),
    "lactation": ("Lactation Number", "Laktationnummer"),
    "in_milk": ("Days in Lactation", "Laktationstage"),
}
DAY_S = 86_400.0


class Row(NamedTuple):
    """One value of a band; what the export leaves empty is None."""

    farm: str
    cow: int
    at: int
    lactation: int | None
    in_milk: float | None
    change: float | None


class Lactation(NamedTuple):
    """One lactation of one cow: the cow's whole activity, and this lactation's days in milk."""

    farm: str
    cow: int
    number: int
    change: Series
    in_milk: Series


def rows(packed: bytes) -> Iterator[Row]:
    """All rows of the exports in a zip archive."""
    with zipfile.ZipFile(io.BytesIO(packed)) as archive:
        for name in sorted(archive.namelist()):
            path = PurePath(name)
            if path.suffix in {".xls", ".xlsx"} and not path.name.startswith((".", "~")):
                book = CalamineWorkbook.from_filelike(io.BytesIO(archive.read(name)))
                yield from _sheet(book.get_sheet_by_index(0).to_python(), path.parent.name)


def lactations(said: Iterator[Row]) -> Iterator[Lactation]:
    """What was said, cleaned as BovHEAT does: no empty twin of a row, no row twice."""
    kept = sorted({row for row in said if row.lactation is not None}, key=lambda r: r[:3])
    for (farm, cow), group in groupby(kept, key=lambda row: row[:2]):
        mine = [*group]
        times = [row.at for row in mine]
        twice = {t for t, u in pairwise(times) if t == u}
        mine = [row for row in mine if row.at not in twice or row.change is not None]
        if len({row.at for row in mine}) < len(mine):
            continue  # two cows of one number
        change = series((row.at, row.change) for row in mine)
        for number in sorted({row.lactation for row in mine if row.lactation is not None}):
            told = ((row.at, row.in_milk) for row in mine if row.lactation == number)
            days = series((t, None if d is None else d * DAY_S) for t, d in told)
            yield Lactation(farm, cow, number, change, days)


def series(said: Iterator[tuple[int, float | None]]) -> Series:
    """Those of the values that there are."""
    good = [(t, v) for t, v in said if v is not None]
    return Series(np.array([t for t, _ in good], np.int64), np.array([v for _, v in good], float))


def _sheet(table: list[list[Any]], farm: str) -> Iterator[Row]:
    place = {
        name: next((i for i, cell in enumerate(table[0]) if cell in known), None)
        for name, known in HEADINGS.items()
    }
    missing = [name for name, at in place.items() if at is None]
    if missing:
        raise SystemExit(f"{farm}: an export has no column for {', '.join(missing)}")
    for line in table[1:]:
        cell = {name: line[at] for name, at in place.items() if at is not None}
        if cell["cow"] == "" or cell["time"] == "":
            continue
        change = _number(cell["change"])
        yield Row(
            farm, int(float(cell["cow"])), _moment(cell["date"], cell["time"]),
            None if cell["lactation"] == "" else int(float(cell["lactation"])),
            _number(cell["in_milk"]), None if change is None else change / 100,
        )  # fmt: skip


def _number(cell: Any) -> float | None:
    return None if cell == "" else float(cell)


def _moment(day: Any, hour: Any) -> int:
    on = day.date() if isinstance(day, datetime) else day
    if not isinstance(on, date):
        on = date.fromisoformat(str(day)[:10])
    if isinstance(hour, datetime):
        hour = hour.time()
    if not isinstance(hour, time):
        text = str(hour).strip().upper()
        form = "%I:%M %p" if text.endswith("M") else "%H:%M:%S" if text.count(":") > 1 else "%H:%M"
        hour = datetime.strptime(text, form).time()  # noqa: DTZ007 - the export names no zone
    return from_datetime(datetime.combine(on, hour, zone("UTC")))
