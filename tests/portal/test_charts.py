"""Options of charts: spans of warnings, flags that name levels, silences, zones, descriptions."""

from datetime import UTC, timedelta, timezone
from typing import Any

from wuxin.portal.screens.charts import axis_of, describe, flags, local, series_options

HOUR_MS = 3_600_000
START = 1_224_374_400_000  # 2008-10-19T00:00Z
CHINA = timezone(timedelta(hours=8))


def answer(*, points: int = 48, hole: int = 0, **more: Any) -> dict[str, Any]:
    """Make what the API answers for a series of hourly points, with a silence of some hours."""
    hours = [h for h in range(points) if not 24 <= h < 24 + hole]
    rows = [
        {"t": START + h * HOUR_MS, "min": -1.0, "max": 3.0, "mean": 1.0, "n": 4, "marked": 0}
        for h in hours
    ]
    return {"indicator": "x", "unit": "t", "zh": "净重", "en": "Net weight", "points": rows,
            "findings": []} | more  # fmt: skip


def warning(since: str, to: str | None, *, level: str = "red") -> dict[str, Any]:
    """Make a warning as a series carries it."""
    return {"finding": f"{level}{since}", "level": level, "rule": "r", "from": since, "to": to}


def series(given: dict[str, Any], name: str) -> dict[str, Any]:
    """Return one series of the options by its id."""
    options = series_options(given, UTC, language="en")
    found: dict[str, Any] = next(s for s in options["series"] if s["id"] == name)
    return found


def test_warnings_that_begin_together_share_a_flag_that_says_how_many() -> None:
    found = [warning("2008-10-19T05:00:00Z", None)] * 2
    found.append(warning("2008-10-19T05:00:00Z", None, level="amber"))
    axis = axis_of(answer(), UTC)
    shown = flags(found, axis, language="en")
    assert [f["name"] for f in shown] == ["Amber", "Red × 2"]
    assert [f["symbol"] for f in shown] == ["triangle", "diamond"]


def test_a_warning_that_stands_is_marked_to_the_end_of_the_axis() -> None:
    given = answer(findings=[warning("2008-10-18T00:00:00Z", None)])
    (begin, end), *rest = series(given, "mean")["markArea"]["data"]
    assert not rest
    assert (begin["xAxis"], end["xAxis"]) == (START, START + 47 * HOUR_MS)


def test_the_band_lies_between_minimum_and_maximum_below_zero_too() -> None:
    low, spread = series(answer(), "low"), series(answer(), "spread")
    assert low["data"][0][1] == -1.0
    assert spread["data"][0][1] == 4.0
    assert low["stackStrategy"] == "all"


def test_no_line_is_drawn_through_a_silence() -> None:
    assert all(row[1] is not None for row in series(answer(), "mean")["data"])
    broken = series(answer(hole=12), "mean")["data"]
    assert [row[1] for row in broken].count(None) == 1


def test_a_span_that_was_asked_for_is_the_axis_even_without_points() -> None:
    span = ("2008-10-01T00:00:00Z", "2008-11-01T00:00:00Z")
    axis = axis_of(answer(points=0), UTC, span=span)
    assert axis.end - axis.start == 31 * 24 * HOUR_MS


def test_times_are_written_in_the_readers_zone() -> None:
    assert local(START, CHINA) - local(START, UTC) == 8 * HOUR_MS
    assert local("2008-10-19T08:00:00+08:00", UTC) == START


def test_a_chart_is_told_in_words() -> None:
    told = describe(answer(), language="zh")
    assert told == "净重，最小 -1 t，最大 3 t，预警 0"
    assert describe(answer(points=0), language="en") == "Net weight: no readings in this time"
