"""Time: int64 nanoseconds since 1970-01-01T00:00:00Z.

The clock is passed in, never read inside a room.
"""

import re
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from typing import Final, NewType
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from wuxin.terms.errors import BadInput

Nanos = NewType("Nanos", int)
"""Nanoseconds since the Unix epoch, UTC."""

Clock = Callable[[], Nanos]
"""Something that tells the arrival time; tests pass one that stands still."""

SECOND: Final = 1_000_000_000
MINUTE: Final = 60 * SECOND
HOUR: Final = 3600 * SECOND
DAY: Final = 86400 * SECOND

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MOMENTS: Final = range(-(2**63), 2**63)
_LONGEST: Final = 2**62
_DURATION: Final = re.compile(r"(\d{1,18}(?:\.\d{1,9})?)\s*(ms|s|min|m|h|d|w)")
_SPAN: Final = {
    "ms": SECOND // 1000, "s": SECOND, "m": MINUTE, "min": MINUTE,
    "h": HOUR, "d": DAY, "w": 7 * DAY,
}  # fmt: skip


def system_clock() -> Nanos:
    """The machine's clock."""
    return Nanos(time.time_ns())


def to_datetime(nanos: int, tz: tzinfo = UTC) -> datetime:
    """Nanoseconds to a datetime with zone (microseconds; the rest is cut)."""
    return (_EPOCH + timedelta(microseconds=nanos // 1000)).astimezone(tz)


def from_datetime(moment: datetime) -> Nanos:
    """A datetime to nanoseconds; one without zone is taken as UTC."""
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return Nanos((aware - _EPOCH) // timedelta(microseconds=1) * 1000)


def iso(nanos: int, tz: tzinfo = UTC) -> str:
    """ISO 8601 with seconds (and a fraction only where there is one); UTC is written Z."""
    moment = to_datetime(nanos, tz)
    text = moment.isoformat(timespec="microseconds" if moment.microsecond else "seconds")
    return text.removesuffix("+00:00") + "Z" if text.endswith("+00:00") else text


def moment(text: str, tz: tzinfo = UTC) -> Nanos:
    """Read an ISO 8601 date or time; without an offset it is taken in ``tz``.

    Raises:
        BadInput: the text is no date, or is outside of what 64 bits of nanoseconds hold.
    """
    try:
        parsed = datetime.fromisoformat(text.strip())
    except ValueError:
        raise BadInput(f"{text!r} is not a date; write 2008-12-01 or 2008-12-01T08:00Z") from None
    nanos = from_datetime(parsed if parsed.tzinfo else parsed.replace(tzinfo=tz))
    if nanos not in _MOMENTS:
        raise BadInput(f"{text!r} is outside of the years 1678 to 2261")
    return nanos


def duration(text: str) -> int:
    """Read a duration such as ``15 min``, ``2h``, ``1d`` into nanoseconds.

    Raises:
        BadInput: the text is no duration.
    """
    found = _DURATION.fullmatch(text.strip())
    if not found:
        raise BadInput(f"{text!r} is not a duration; write a number and s, min, h, d or w")
    nanos = round(float(found[1]) * _SPAN[found[2]])
    if nanos > _LONGEST:
        raise BadInput(f"{text!r} is longer than a century")
    return nanos


def zone(name: str) -> tzinfo:
    """A time zone by IANA name or fixed offset (``+05:30``).

    Raises:
        BadInput: there is no such zone.
    """
    fixed = re.fullmatch(r"([+-])([01]\d|2[0-3]):?([0-5]\d)", name)
    if fixed:
        minutes = int(fixed[2]) * 60 + int(fixed[3])
        return timezone(timedelta(minutes=minutes if fixed[1] == "+" else -minutes))
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise BadInput(f"there is no time zone {name!r}; write for example Asia/Shanghai") from None


def day_start(nanos: int, tz: tzinfo) -> Nanos:
    """The local midnight at or before a moment."""
    local = to_datetime(nanos, tz)
    return from_datetime(datetime(local.year, local.month, local.day, tzinfo=tz))


def next_day(nanos: int, tz: tzinfo) -> Nanos:
    """The first local midnight after a moment (days of 23 and 25 hours included)."""
    local = to_datetime(nanos, tz)
    after = datetime(local.year, local.month, local.day, tzinfo=tz) + timedelta(days=1)
    return from_datetime(after)
