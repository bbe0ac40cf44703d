"""Dust, noise and weather of a closed day, by clock hour and class of the area.

An hour without enough data is neither over the limit nor within it: it is counted as missing.
"""

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from wuxin.packs.infrastructure.figures import of_day
from wuxin.packs.infrastructure.limits import (
    DUST,
    MICROGRAM,
    STOP_HEAT,
    STOP_WIND,
    VALID_HOURS,
    VALID_MINUTES,
    dust_limit,
    is_night,
    noise_limit,
)
from wuxin.terms.clock import HOUR, MINUTE, SECOND, to_datetime
from wuxin.terms.names import ThingKey
from wuxin.terms.standards import DayView, Derived, Series

_SAME: Final = 1e-6 * MICROGRAM
"""Less than this (kg/m³) apart is equal: what conversion to SI may leave of 150 − 150."""


RECENT: Final = 45
"""Days after which a station that says nothing is no longer missed: as far as models look back."""


class Hours(NamedTuple):
    """Means of the clock hours of a day (n); NaN where an hour has too little data."""

    start: NDArray[np.int64]
    mean: NDArray[np.float64]

    @property
    def missing(self) -> int:
        """How many hours have too little data."""
        return int(np.isnan(self.mean).sum())


def hours_of(series: Series, start: int, *, end: int, period: int) -> Hours:
    """Arithmetic means of the hours from ``start`` to ``end`` (ns).

    A value stands for its ``period`` (ns, 0: an hour); an hour needs 45 minutes of them.
    """
    hours = np.arange(start, end, HOUR, dtype=np.int64)
    place = (series.t - start) // HOUR
    count = np.bincount(place, minlength=len(hours))[: len(hours)]
    total = np.bincount(place, weights=series.v, minlength=len(hours))[: len(hours)]
    enough = count * min(period or HOUR, HOUR) >= VALID_MINUTES * MINUTE
    mean = np.where(enough, total / np.maximum(count, 1), np.nan)
    return Hours(hours, mean)


def level_of(series: Series, start: int, *, end: int, period: int) -> Hours:
    """LAeq (dB(A)) of the hours: the mean of energies, IEC 61672-1, 3.9."""
    energy = Series(series.t, 10 ** (series.v / 10))
    hours = hours_of(energy, start, end=end, period=period)
    return Hours(hours.start, 10 * np.log10(hours.mean))


def environment_day(view: DayView) -> list[Derived]:
    """Hours over the limits, hours missing, and means of the day, station by station."""
    found: list[Derived] = []
    for station in view.of("station"):
        facts = {**view.facts(view.root), **view.facts(station)}
        for name in DUST:
            found += _dust(view, station, name=name, limit=dust_limit(name, facts.get("air_class")))
        found += _noise(view, station, noise_class=facts.get("noise_class"))
        found += _weather(view, station)
    return found


def _hours(view: DayView, station: ThingKey, *, name: str) -> Hours | None:
    """The hours of an indicator; None where the station has not reported it in 45 days."""
    if not len(view.series(station, name, days=RECENT)):
        return None
    read = level_of if name == "noise" else hours_of
    series = view.series(station, name)
    return read(series, view.start, end=view.end, period=view.period(station))


def _dust(view: DayView, station: ThingKey, *, name: str, limit: float) -> list[Derived]:
    hours = _hours(view, station, name=name)
    if hours is None:
        return []
    excess = hours.mean - limit
    excess[np.abs(excess) < _SAME] = 0.0
    found = _excess(view, station, name=name, hours=Hours(hours.start, excess))
    if name == "pm10" and len(hours.mean) - hours.missing >= VALID_HOURS:
        share = float(np.nanmean(hours.mean)) / limit
        found.append(of_day(view, station, name="pm10_day_share", value=share))
    return found


def _noise(view: DayView, station: ThingKey, *, noise_class: float | None) -> list[Derived]:
    found: list[Derived] = []
    hours = _hours(view, station, name="noise")
    if hours is not None:
        limits = np.array([noise_limit(_clock(view, t), noise_class) for t in hours.start])
        excess = Hours(hours.start, np.round(hours.mean - limits, 9))
        found += _excess(view, station, name="noise", hours=excess)
    peaks = view.series(station, "noise_max")
    night = np.array([is_night(_clock(view, t)) for t in peaks.t], bool)
    if night.any():
        over = [
            v - noise_limit(_clock(view, t), noise_class)
            for t, v in zip(peaks.t[night], peaks.v[night], strict=True)
        ]
        found.append(Derived(station, "noise_peak_excess", peaks.t[night], np.array(over)))
    return found


def _excess(view: DayView, station: ThingKey, *, name: str, hours: Hours) -> list[Derived]:
    """Each hour's excess, known at its end, and how many are over and missing."""
    known = ~np.isnan(hours.mean)
    at = np.minimum(hours.start[known] + HOUR, view.end) - SECOND
    return [
        Derived(station, f"{name}_excess", at, hours.mean[known]),
        of_day(
            view, station, name=f"{name}_hours_over", value=float((hours.mean[known] > 0).sum())
        ),
        of_day(view, station, name=f"{name}_hours_missing", value=float(hours.missing)),
    ]


def _weather(view: DayView, station: ThingKey) -> list[Derived]:
    wind, air = (_hours(view, station, name=name) for name in ("wind_speed", "air_temperature"))
    if wind is None and air is None:
        return []
    stopped = np.zeros(len(np.arange(view.start, view.end, HOUR)), bool)
    for hours, limit in ((wind, STOP_WIND), (air, STOP_HEAT)):
        if hours is not None:
            stopped |= np.nan_to_num(hours.mean, nan=-1.0) >= limit
    return [of_day(view, station, name="weather_stop_hours", value=float(stopped.sum()))]


def _clock(view: DayView, at: int) -> int:
    return to_datetime(int(at), view.zone).hour
