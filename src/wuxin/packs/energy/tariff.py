"""Time-of-use tariffs: what a kilowatt-hour costs at a moment, and what a session costs."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, tzinfo
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from wuxin.terms.clock import to_datetime
from wuxin.terms.errors import BadInput

WEEKDAYS: Final = frozenset(range(5))
WEEKENDS: Final = frozenset((5, 6))
ALL: Final = WEEKDAYS | WEEKENDS

_MASKS: Final = {
    "WEEKDAYS": WEEKDAYS, "WEEKDAY": WEEKDAYS, "WEEKENDS": WEEKENDS, "WEEKEND": WEEKENDS,
    "ALL": ALL, "ALLDAYS": ALL, "ALL_DAYS": ALL, "EVERYDAY": ALL,
}  # fmt: skip
_DAYS: Final = ("MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN")
_YEAR: Final = (1, 1), (12, 31)


@dataclass(frozen=True, slots=True)
class Schedule:
    """Prices of one season and one kind of day.

    ``start`` and ``end`` are (month, day), both included, and may wrap around the new year;
    ``days`` are 0 (Monday) to 6; ``steps`` are (hour of the day, money per kWh), the first at 0.
    """

    name: str
    start: tuple[int, int]
    end: tuple[int, int]
    days: frozenset[int]
    steps: tuple[tuple[Decimal, Decimal], ...]
    demand: Decimal

    def holds(self, day: date) -> bool:
        """Whether the schedule is in force on a local day."""
        key = (day.month, day.day)
        season = (
            self.start <= key <= self.end
            if self.start <= self.end
            else key >= self.start or key <= self.end
        )
        return season and day.weekday() in self.days


@dataclass(frozen=True, slots=True)
class Tariff:
    """A time-of-use tariff; ``zone`` is where its hours are meant."""

    name: str
    zone: tzinfo
    schedules: tuple[Schedule, ...]

    def on(self, day: date) -> Schedule:
        """The schedule of a local day.

        Raises:
            BadInput: none is in force.
        """
        for schedule in self.schedules:
            if schedule.holds(day):
                return schedule
        raise BadInput(f"tariff {self.name} has no schedule for {day.isoformat()}")

    def price(self, at: int) -> Decimal:
        """Money per kWh at a moment (ns)."""
        when = to_datetime(at, self.zone)
        hour = Decimal(when.hour) + Decimal(when.minute) / 60 + Decimal(when.second) / 3600
        return [p for begin, p in self.on(when.date()).steps if begin <= hour][-1]

    def pieces(self, begin: int, end: int) -> Iterator[tuple[int, Decimal]]:
        """Split a span (ns, ns) where the price changes: (length in ns, money per kWh) each."""
        at = begin
        while at < end:
            when = to_datetime(at, self.zone)
            following = _next_change(self.on(when.date()).steps, when)
            upto = min(int(following.timestamp()) * 10**9, end)
            if upto <= at:  # the hour that a clock repeats in autumn
                upto = min(at + 3_600_000_000_000, end)
            yield upto - at, self.price(at)
            at = upto

    def cost(self, energy: Decimal, begin: int, *, end: int) -> Decimal:
        """What energy (kWh) costs that flows evenly from ``begin`` to ``end`` (ns); not rounded.

        Where ``end`` is not after ``begin`` all of it is priced at ``begin``.
        """
        if end <= begin:
            return energy * self.price(begin)
        whole = Decimal(end - begin)
        paid = sum((Decimal(n) * p for n, p in self.pieces(begin, end)), Decimal(0))
        return energy * paid / whole


def _next_change(steps: Sequence[tuple[Decimal, Decimal]], when: datetime) -> datetime:
    midnight = datetime.combine(when.date(), time(), when.tzinfo)
    for begin, _ in steps:
        change = midnight + timedelta(hours=float(begin))
        if change.replace(tzinfo=None) > when.replace(tzinfo=None):
            return change
    return midnight + timedelta(days=1)


def flat(price: Decimal, *, zone: tzinfo) -> Tariff:
    """A tariff with one price at all hours."""
    steps = ((Decimal(0), price),)
    return Tariff("flat", zone, (Schedule("flat", *_YEAR, ALL, steps, Decimal(0)),))


def read_tariff(told: Mapping[str, Any], *, zone: tzinfo) -> Tariff:
    """Read a tariff as the ACN portal's tools write it.

    Args:
        told: ``name`` and ``schedule``, a list of tables with ``effective_start`` and
            ``effective_end`` (MM-DD), ``dow_mask`` (WEEKDAYS, WEEKENDS, ALL, or a list of days by
            name), ``times`` (hours of the day from 0) and ``tariffs`` (money per kWh), and perhaps
            ``demand_charge`` (money per kW of the month's peak).
        zone: where its hours are meant.

    Raises:
        BadInput: something is missing or cannot be meant; the text names schedule and field.

    Source: form of ``acnportal``'s tariff files (BSD-3); e.g. SCE TOU-EV-4, March 2019.
    """
    tables = told.get("schedule")
    if not isinstance(tables, list) or not tables:
        raise BadInput("the tariff has no schedule")
    return Tariff(str(told.get("name", "")), zone, tuple(_schedule(t) for t in tables))


def _schedule(told: Mapping[str, Any]) -> Schedule:
    name = str(told.get("id", "?"))
    try:
        hours = [Decimal(str(h)) for h in told["times"]]
        prices = [Decimal(str(p)) for p in told["tariffs"]]
        start, end = _date(told["effective_start"]), _date(told["effective_end"])
        demand = Decimal(str(told.get("demand_charge") or 0))
    except (KeyError, ValueError, InvalidOperation, TypeError) as wrong:
        raise BadInput(f"tariff schedule {name}: {wrong!r} cannot be meant") from None
    if len(hours) != len(prices) or not hours or hours != sorted(hours) or hours[0] != 0:
        raise BadInput(f"tariff schedule {name}: times must rise from 0 and pair with tariffs")
    if hours[-1] >= 24:
        raise BadInput(f"tariff schedule {name}: a day ends before hour {hours[-1]}")
    days = _mask(told.get("dow_mask", "ALL"), name)
    return Schedule(name, start, end, days, tuple(zip(hours, prices, strict=True)), demand)


def _date(text: str) -> tuple[int, int]:
    month, day = (int(part) for part in str(text).split("-")[-2:])
    date(2000, month, day)
    return month, day


def _mask(told: Any, name: str) -> frozenset[int]:
    if isinstance(told, str) and told.upper() in _MASKS:
        return _MASKS[told.upper()]
    if isinstance(told, list) and told:
        days = frozenset(
            _DAYS.index(d[:3].upper())
            for d in told
            if isinstance(d, str) and d[:3].upper() in _DAYS
        )
        if len(days) == len(told):
            return days
    raise BadInput(f"tariff schedule {name}: dow_mask {told!r} is none of {', '.join(_MASKS)}")
