"""Cells of text as times and numbers; what cannot be meant is said, cell by cell."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import duckdb
import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from wuxin.terms.clock import SECOND, zone
from wuxin.terms.errors import BadInput

MISSING: Final = ("", "na", "n/a", "nan", "null", "none")
"""How files write that there is no value; such a cell is neither a reading nor refused."""

_THREAD: Final = threading.local()
_EPOCHS: Final = {"unix": SECOND, "unix_ms": 1_000_000, "unix_ns": 1}
_FARTHEST: Final = 9.2e18


class Time(msgspec.Struct, frozen=True):
    """The time column: a strptime format, ``iso``, ``unix`` or ``unix_ms``; the zone if none."""

    column: str
    format: str = "iso"
    timezone: str = "UTC"


def event_times(text: pa.Array, time: Time) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Read a column of times.

    A time that its zone's clocks skipped, a day that no calendar has, or a year that 64 bits of
    nanoseconds do not hold is not good.

    Returns:
        Nanoseconds UTC (n) and whether each could be read (n).

    Raises:
        BadInput: the format or the zone is not known.
    """
    if time.format in _EPOCHS:
        counted, filled, _ = numbers(text)
        good = filled & (np.abs(np.where(filled, counted, 0)) < _FARTHEST / _EPOCHS[time.format])
        return (np.where(good, counted, 0) * _EPOCHS[time.format]).astype(np.int64), good
    with _sql(text) as sql:
        iso = time.format == "iso"
        parsed = "try_cast(x AS TIMESTAMPTZ)" if iso else "try_strptime(x, $form)"
        aware = "regexp_matches(x, '(Z|[+-][0-9]{2}(:?[0-9]{2})?)$')" if iso else "false"
        try:
            held = "t BETWEEN TIMESTAMPTZ '1678-01-01 00:00Z' AND TIMESTAMPTZ '2261-12-31 00:00Z'"
            picked = f"CASE WHEN {held} THEN epoch_ns(t) END AS t, aware"
            found: dict[str, Any] = sql.execute(
                f"SELECT {picked} FROM "  # noqa: S608 - fixed texts
                f"(SELECT ({parsed})::TIMESTAMPTZ AS t, {aware} AS aware FROM cells)",
                None if iso else {"form": time.format},
            ).fetchnumpy()
        except duckdb.Error as wrong:
            first = str(wrong).splitlines()[0]
            raise BadInput(f"time format {time.format!r} is not understood: {first}") from None
    stamps = np.ma.filled(found["t"], 0).astype(np.int64)
    good = ~np.ma.getmaskarray(found["t"])
    has_offset = np.ma.filled(found["aware"], fill_value=False).astype(bool)
    if "%z" in time.format or "%Z" in time.format:
        return stamps, good
    utc, told = _utc(stamps, time.timezone)
    return np.where(has_offset, stamps, utc), good & (told | has_offset)


@contextmanager
def _sql(text: pa.Array) -> Iterator[duckdb.DuckDBPyConnection]:
    """DuckDB with the cells as table ``cells`` (x); one per thread, because opening is slow."""
    if not hasattr(_THREAD, "sql"):
        _THREAD.sql = duckdb.connect(config={"threads": 1})
        _THREAD.sql.execute("SET TimeZone = 'UTC'")
    _THREAD.sql.register("cells", pa.table({"x": text}))
    yield _THREAD.sql
    _THREAD.sql.unregister("cells")


def _utc(local: NDArray[np.int64], name: str) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Local wall time to UTC; False where the zone's clocks skipped that time."""
    tz = zone(name)
    offset = tz.utcoffset(None)
    if offset is not None:
        shift = int(offset.total_seconds()) * SECOND
        return local - shift, np.ones(len(local), bool)
    wall = pa.array(local, pa.timestamp("ns"))
    aware = pc.assume_timezone(wall, name, ambiguous="earliest", nonexistent="earliest")
    again = pc.local_timestamp(aware).cast(pa.int64()).to_numpy()
    return aware.cast(pa.int64()).to_numpy(), again == local


def numbers(
    text: pa.Array,
) -> tuple[NDArray[np.float64], NDArray[np.bool_], NDArray[np.bool_]]:
    """Cells as numbers: values (NaN where none), whether there is one, whether it is no number."""
    with _sql(text) as sql:
        found: dict[str, Any] = sql.execute(
            "SELECT try_cast(trim(x) AS DOUBLE) AS v, lower(trim(x)) IN $missing AS m FROM cells",
            {"missing": list(MISSING)},
        ).fetchnumpy()
    missing = np.ma.filled(found["m"], fill_value=False).astype(bool)
    values = np.ma.filled(found["v"].astype(np.float64), np.nan)
    filled = np.isfinite(values) & ~missing
    return values, filled, ~filled & ~missing
