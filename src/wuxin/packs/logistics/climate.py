"""The air of a warehouse: hours out of range, and hours in which metal sweats."""

from typing import Final, NamedTuple

import numpy as np

from wuxin.packs.logistics.figures import Floats, of_day
from wuxin.terms.clock import HOUR
from wuxin.terms.standards import DayView, Derived, Series

LONGEST: Final = 2 * HOUR
"""How long (ns) a reading stands at most; beyond that the air is not known."""

_ZERO: Final = 273.15
_A, _B = 17.62, 243.12
_LAG: Final = 3
_DRY: Final = 0.01


class Air(NamedTuple):
    """Hours of a span out of the range, hours of condensation, hours not known."""

    out: float
    condensing: float
    unknown: float


def dew_point(temperature: Floats, humidity: Floats) -> Floats:
    """The dew point (K, n) of air (K, n) at a relative humidity (1, n), over water.

    Source: Magnus formula with 17.62 and 243.12 °C: WMO-No. 8 (2018), part I, annex 4.B.
    """
    celsius = np.asarray(temperature, np.float64) - _ZERO
    gamma = np.log(np.maximum(humidity, _DRY)) + _A * celsius / (_B + celsius)
    return np.asarray(_B * gamma / (_A - gamma) + _ZERO, np.float64)


def spans(t: Series, *, start: int, end: int) -> Floats:
    """For how many hours of [start, end) each reading (n) stands, two hours at most."""
    until = np.append(t.t[1:], end)
    return np.asarray(np.clip(np.minimum(until, end) - np.maximum(t.t, start), 0, LONGEST) / HOUR,
                      np.float64)  # fmt: skip


def watch_air(
    air: Series, humidity: Series, *, span: tuple[int, int], limits: tuple[float, float, float],
    goods: float | None = None,
) -> Air:  # fmt: skip
    """Hours out of range and of condensation.

    Args:
        air: temperature (K).
        humidity: relative humidity (1), need not be of the same moments.
        span: from and to (ns).
        limits: lowest and highest temperature (K), highest humidity (1).
        goods: the temperature of the goods (K); None: condensation is not looked for.

    Returns:
        The hours. Metal sweats where its temperature is below the dew point of the air.
    """
    start, end = span
    hours = spans(air, start=start, end=end)
    wet = np.full(len(air), np.nan)
    if len(humidity):
        row = np.searchsorted(humidity.t, air.t, "right") - 1
        fresh = (row >= 0) & (air.t - humidity.t[np.maximum(row, 0)] <= LONGEST)
        wet = np.where(fresh, humidity.v[np.maximum(row, 0)], np.nan)
    with np.errstate(invalid="ignore"):
        out = (air.v < limits[0]) | (air.v > limits[1]) | (wet > limits[2])
        sweats = np.zeros(len(air), bool) if goods is None else dew_point(air.v, wet) > goods
    return Air(float(hours[out].sum()), float(hours[sweats].sum()),
               float((end - start) / HOUR - hours.sum()))  # fmt: skip


def climate_day(view: DayView) -> list[Derived]:
    """Derive each climate sensor's hours out of the warehouse's range, and those of condensation.

    The goods follow the air slowly: they are taken to have the mean temperature of the three days
    before.
    """
    facts = view.facts(view.root)
    limits = (
        facts.get("temperature_low", -np.inf), facts.get("temperature_high", np.inf),
        facts.get("humidity_high", np.inf),
    )  # fmt: skip
    found: list[Derived] = []
    for sensor in view.of("climate_sensor"):
        air = view.series(sensor, "air_temperature")
        if not len(air):
            continue
        past = view.series(sensor, "air_temperature", days=_LAG + 1)
        before = past.v[past.t < view.start]
        goods = float(before.mean()) if len(before) else None
        told = watch_air(air, view.series(sensor, "relative_humidity"),
                         span=(view.start, view.end), limits=limits, goods=goods)  # fmt: skip
        sweats = told.condensing if goods is not None else None
        found += of_day(view, sensor, climate_hours_out=told.out, condensation_hours=sweats)
    return found
