"""Outages: no yield while daylight is certain."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from wuxin.packs.energy.station import HISTORY_DAYS, Station, middle, station
from wuxin.packs.energy.sun import elevation
from wuxin.risk.anomaly import runs
from wuxin.terms.clock import DAY
from wuxin.terms.names import ThingKey
from wuxin.terms.standards import DayView, Derived

BRIGHT: Final = 100.0
"""Irradiance (W/m2) in which any inverter runs: a tenth of full sun; they start at about 2 %."""

HIGH_SUN: Final = 15.0
"""Elevation (degrees) from which even an overcast sky is above the start of an inverter."""

NOTHING: Final = 0.005
"""Share of rated power that is no yield: night consumption and the offset of the meter.

A thunderstorm may leave 1 %; what is measured there is still weather.
"""

_YIELDING: Final = 0.05
_FEWEST_INVERTERS: Final = 3
_HABIT_DAYS: Final = 14
_FEWEST_DAYS: Final = 7
_HABIT: Final = 0.9

Mask = NDArray[np.bool_]


def find_outages(view: DayView) -> list[Derived]:
    """Find for each unit the stretches of daylight in which it yielded nothing.

    The value is the daylight without yield (s) until yield returns or the day ends, at the first
    interval, and 0 where yield returns; what reaches dusk stays open until then. Nothing is said of
    intervals without a reading, nor where the intervals are days.
    """
    found = station(view)
    if found.step >= DAY:
        return []
    units = found.units()
    rated = [found.rated(unit) for unit in units]
    share = np.array(
        [found.power(u) / r if r > 0 else np.full(found.bins(), np.nan)
         for u, r in zip(units, rated, strict=True)]
    ).reshape(len(units), found.bins())  # fmt: skip
    light = _daylight(found, units, share=share)
    derived = []
    for i, unit in enumerate(units):
        if np.isfinite(share[i]).any():
            own = _by_habit(found, unit) if light is None else light
            derived += _stretches(found, unit, share=share[i], light=own)
    return derived


def _bright(found: Station) -> Mask | None:
    """Whether it is light by measured irradiance (bins); None where none is measured."""
    bright: Mask | None = None
    for name in ("poa_irradiance", "ghi"):
        measured = found.weather(name)
        if measured is not None:
            light = np.nan_to_num(measured) > BRIGHT
            bright = light if bright is None else bright | light
    return bright


def _daylight(found: Station, units: list[ThingKey], *, share: NDArray[np.float64]) -> Mask | None:
    """Intervals (bins) in which it is certainly light; None where only the unit's habit can tell.

    It is light by irradiance, or where the median of at least three inverters yields (so at least
    one other does). Where there is neither, it is light while the sun stands high.
    """
    light = _bright(found)
    inverters = [i for i, unit in enumerate(units) if unit.kind == "inverter"]
    if len(inverters) >= _FEWEST_INVERTERS:
        usual, count = middle(share[inverters])
        running = (count >= _FEWEST_INVERTERS) & (np.nan_to_num(usual) > _YIELDING)
        light = running if light is None else light | running
    latitude, longitude = found.fact("latitude"), found.fact("longitude")
    if light is not None or latitude is None or longitude is None:
        return light
    middles = found.start() + found.step * np.arange(found.bins()) + found.step // 2
    return elevation(middles, latitude, longitude=longitude) > HIGH_SUN


def _by_habit(found: Station, unit: ThingKey) -> Mask:
    """When the unit itself used to yield in the last two weeks (bins)."""
    size = found.bins()
    past = found.power(unit, min(_HABIT_DAYS + 1, HISTORY_DAYS))
    days = len(past) // size
    table = past[len(past) - days * size :].reshape(days, size)[:-1]
    seen = np.isfinite(table)
    ran = np.count_nonzero(seen & (table > _YIELDING * found.rated(unit)), axis=0)
    count = np.count_nonzero(seen, axis=0)
    return np.asarray((count >= _FEWEST_DAYS) & (ran >= _HABIT * count))


def _stretches(
    found: Station, unit: ThingKey, *, share: NDArray[np.float64], light: Mask
) -> list[Derived]:
    """A unit's stretches from its share of rated power and the daylight (bins)."""
    judged = np.flatnonzero(light & np.isfinite(share))
    off = share[judged] <= NOTHING
    before = found.view.series(unit, "zero_yield", days=HISTORY_DAYS).v
    pending = bool(len(before) and before[-1] > 0)
    if not (off.any() or (pending and len(judged))):
        return []
    bins, values = [], []
    if pending and not off[0]:
        bins.append(int(judged[0]))
        values.append(0.0)
    for a, b in runs(off):
        bins.append(int(judged[a]))
        values.append((b - a) * found.step / 1e9)
        if b < len(judged):
            bins.append(int(judged[b]))
            values.append(0.0)
    times = found.start() + found.step * np.array(bins, np.int64)
    return [Derived(unit, "zero_yield", times, np.array(values))]
