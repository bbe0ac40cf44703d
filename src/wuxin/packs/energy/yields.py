"""What a station yielded, and what the day's weather should have given."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from wuxin.packs.energy import sun
from wuxin.packs.energy.siblings import SIBLINGS
from wuxin.packs.energy.station import (
    HISTORY_DAYS,
    Floats,
    Station,
    counted,
    middle,
    of_day,
    station,
)
from wuxin.terms.clock import DAY
from wuxin.terms.names import ThingKey
from wuxin.terms.standards import DayView, Derived

STC: Final = 1000.0
"""Irradiance of standard test conditions (W/m2), IEC 60904-3; cells then are at 25 degC."""

GAMMA: Final = -0.0037
"""Loss of power per kelvin of a crystalline module (PVWatts: −0.0037 premium, −0.0047 standard)."""

LOSSES: Final = 0.14
"""System losses of PVWatts version 5 (Dobos, NREL/TP-6A20-62641, 2014, table 6: 14.08 %)."""

INVERTER: Final = 0.96
"""Nominal efficiency of an inverter, the same report."""

DC_RATIO: Final = 1.1
"""DC capacity over AC rating where only the latter is registered, the same report's default."""

RATIO_DAYS: Final = 30
_KNOWN_DAYS: Final = 14
_FEWEST_DAYS: Final = 7
_DARK: Final = 0.5 * 3.6e6
_ENVELOPE: Final = 0.9


@dataclass(frozen=True, slots=True)
class Sky:
    """Irradiance on the plane (bins, W/m2, NaN where unknown), and whether it was measured."""

    poa: Floats
    cell: Floats
    measured: bool


@dataclass(frozen=True, slots=True)
class Yield:
    """A unit's day: measured and expected energy (J), irradiation (J/m2); None where unknown."""

    measured: float
    expected: float | None
    limit: float | None
    irradiation: float | None


def daily_yield(view: DayView) -> list[Derived]:
    """Derive measured and expected energy of each unit, and the performance ratio of the root.

    Expected energy and irradiation are set against the same intervals as the measured energy, so
    that a hole in the data is no loss (silence has its own rule).
    """
    found = station(view)
    sky = find_sky(found)
    inverters = [*view.of("inverter")]
    usual = _usual(found, inverters) if len(inverters) > SIBLINGS else None
    days: dict[ThingKey, Yield] = {}
    for unit in found.units():
        one = _unit(found, unit, sky=sky, usual=usual)
        if one is not None:
            days[unit] = one
    whole = _whole(view, days)
    if whole is not None:
        days[view.root] = whole
    derived = []
    for unit, one in days.items():
        derived.append(of_day(view, unit, indicator="energy_measured", value=one.measured))
        if one.expected is not None:
            derived.append(of_day(view, unit, indicator="expected_energy", value=one.expected))
        elif one.limit is not None:
            derived.append(of_day(view, unit, indicator="clear_sky_energy", value=one.limit))
    return derived + _performance(found, days.get(view.root))


def month_ratio(view: DayView) -> list[Derived]:
    """Derive the root's measured over expected energy of the last 30 days (seven at least)."""
    measured = view.series(view.root, "energy_measured", days=RATIO_DAYS)
    expected = view.series(view.root, "expected_energy", days=RATIO_DAYS)
    if not len(expected) or expected.t[-1] < view.start:
        return []
    at = np.searchsorted(measured.t, expected.t)
    same = at < len(measured)
    same[same] &= measured.t[at[same]] == expected.t[same]
    total = float(expected.v[same].sum())
    if np.count_nonzero(same) < _FEWEST_DAYS or total <= 0:
        return []
    ratio = float(measured.v[at[same]].sum()) / total
    return [of_day(view, view.root, indicator="energy_ratio_30d", value=ratio)]


def find_sky(found: Station) -> Sky | None:
    """The irradiance on the plane: measured, from measured GHI, else of a clear sky; None if none.

    Assumed where not registered: a tilt of the latitude but at most 35°, facing the equator.
    """
    poa = found.weather("poa_irradiance")
    if poa is None:
        plane = _plane(found)
        ghi = found.weather("ghi")
        if plane is None or found.step >= DAY:
            return None
        middles = found.start() + found.step * np.arange(found.bins()) + found.step // 2
        if ghi is None:
            poa = sun.clear(middles, plane)
            return Sky(poa, _cell(found, poa), measured=False)
        known = np.isfinite(ghi)
        poa = np.where(known, sun.tilted(middles, np.nan_to_num(ghi), plane=plane), np.nan)
    poa = np.maximum(poa, 0.0)
    return Sky(poa, _cell(found, poa), measured=True)


def expected_power(dc: float, ac: float, *, sky: Sky) -> Floats:
    """AC power (bins, W) that a unit should deliver: PVWatts (Dobos, NREL/TP-6A20-62641, 2014).

    Args:
        dc: DC capacity at standard test conditions (W).
        ac: rated AC power (W), at which the inverter limits.
        sky: irradiance on the plane and cell temperature.
    """
    from pvlib import inverter, pvsystem  # noqa: PLC0415 - pvlib takes a second to import

    power = pvsystem.pvwatts_dc(sky.poa, sky.cell - 273.15, dc * (1 - LOSSES), GAMMA)
    return np.asarray(inverter.pvwatts(np.maximum(power, 0.0), ac / INVERTER, INVERTER), np.float64)


def _cell(found: Station, poa: Floats) -> Floats:
    """Cell temperature (bins, K): the module's as measured, else Faiman's from air and wind.

    Where nothing is measured the air is taken as 20 degC and the wind as 1 m/s.

    Source: Faiman, Prog. Photovolt. 16 (2008) 307: T = Ta + G / (25 + 6.84 v).
    """
    module = found.weather("module_temperature")
    air = found.weather("ambient_temperature")
    wind = found.weather("wind_speed")
    air = np.full(len(poa), 293.15) if air is None else np.where(np.isfinite(air), air, 293.15)
    wind = np.ones(len(poa)) if wind is None else np.maximum(np.nan_to_num(wind, nan=1.0), 0.0)
    cell = air + np.nan_to_num(poa) / (25.0 + 6.84 * wind)
    return cell if module is None else np.where(np.isfinite(module), module, cell)


def _plane(found: Station) -> sun.Plane | None:
    latitude, longitude = found.fact("latitude"), found.fact("longitude")
    if latitude is None or longitude is None:
        return None
    tilt, azimuth = found.fact("tilt"), found.fact("azimuth")
    return sun.Plane(
        latitude, longitude, found.fact("altitude") or 0.0,
        min(abs(latitude), 35.0) if tilt is None else tilt,
        (180.0 if latitude >= 0 else 0.0) if azimuth is None else azimuth,
    )  # fmt: skip


def _usual(found: Station, inverters: list[ThingKey]) -> Floats:
    """Power per rated power of the median inverter (bins), NaN where fewer than four report."""
    usual, count = middle(found.matrix(inverters))
    return np.where(count > SIBLINGS, usual, np.nan)


def _unit(found: Station, unit: ThingKey, *, sky: Sky | None, usual: Floats | None) -> Yield | None:
    power = found.power(unit)
    counter = counted(found.view.series(unit, "energy_day"))
    seen = np.isfinite(power)
    if not seen.any():
        return None if counter is None else Yield(counter, None, None, None)
    seconds = found.step / 1e9
    integral = float(np.nansum(power)) * seconds
    measured = _reconciled(integral, counter, most=found.rated(unit) * _holes(found, seen))

    def matching(curve: Floats | None) -> float | None:
        """A curve's integral where the unit was measured, extended as the measured energy is."""
        if curve is None:
            return None
        both = seen & np.isfinite(curve)
        own = float(power[both].sum()) * seconds
        if not both.any() or own < integral / 2:
            return None
        return float(curve[both].sum()) * seconds * (measured / own if own > 0 else 1.0)

    alike = usual is not None and unit.kind == "inverter"
    registered = bool({"dc_capacity", "rated_power"} & set(found.view.facts(unit)))
    if usual is not None and alike and not (registered and sky is not None and sky.measured):
        irradiation = matching(sky.poa) if sky is not None and sky.measured else None
        return Yield(measured, matching(usual * _alike(found, unit)), None, irradiation)
    dc = capacity(found, unit) if sky is not None else 0.0
    if sky is None or dc <= 0:
        return Yield(measured, None, matching(_own_best(found, unit)), None)
    modelled = matching(expected_power(dc, found.rated(unit), sky=sky))
    if sky.measured:
        return Yield(measured, modelled, None, matching(sky.poa))
    return Yield(measured, None, modelled, None)


def capacity(found: Station, unit: ThingKey) -> float:
    """DC capacity of a unit (W), 0 if unknown: registered, else from its rating, else its reach.

    A registered AC rating is taken as 1/1.1 of the DC capacity (PVWatts' default ratio). What an
    unregistered unit reached in two weeks or more is taken as its output in full sun at a cell
    temperature of 50 degC.
    """
    facts = found.view.facts(unit)
    if facts.get("dc_capacity"):
        return facts["dc_capacity"]
    if facts.get("rated_power"):
        return DC_RATIO * facts["rated_power"]
    history = found.view.series(unit, "energy_measured", days=HISTORY_DAYS)
    if len(history) < _KNOWN_DAYS:
        return 0.0
    return found.reached(unit) / ((1 - LOSSES) * INVERTER * (1 + GAMMA * 25.0))


def _alike(found: Station, unit: ThingKey) -> float:
    inverters = list(found.view.of("inverter"))
    return found.rated_alike(inverters)[inverters.index(unit)]


def _holes(found: Station, seen: NDArray[np.bool_]) -> float:
    """Seconds between the first and the last reading for which there is no interval."""
    inside = np.flatnonzero(seen)
    return float(inside[-1] - inside[0] + 1 - len(inside)) * found.step / 1e9


def _reconciled(integral: float, counter: float | None, *, most: float) -> float:
    """The day's energy (J) from the integral of power and the counter.

    The counter is believed where it agrees with the integral (within 5 %) plus what the holes can
    have held at most; otherwise it is in another unit, or of another day, and the integral stands.
    """
    if counter is not None and 0.95 * integral <= counter <= 1.05 * integral + most:
        return counter
    return integral


def _own_best(found: Station, unit: ThingKey) -> Floats:
    """What the unit itself reached at each hour, on nine of ten days of the last 45 (bins, W)."""
    size = found.bins()
    past = found.power(unit, HISTORY_DAYS)
    days = len(past) // size
    table = past[len(past) - days * size :].reshape(days, size)
    ordered = np.sort(table, axis=0)
    count = np.count_nonzero(np.isfinite(ordered), axis=0)
    row = np.floor(_ENVELOPE * np.maximum(count - 1, 0)).astype(np.int64)
    best = ordered[row, np.arange(size)]
    return np.where(count >= _FEWEST_DAYS, best, np.nan)


def _whole(view: DayView, days: dict[ThingKey, Yield]) -> Yield | None:
    """The root's day where it does not measure itself: of its meters, else of its inverters."""
    if view.root.kind != "plant" or view.root in days:
        return None
    for kind in ("meter", "inverter"):
        parts = [days[key] for key in view.of(kind) if key in days]
        if parts:
            hours = [p.irradiation for p in parts if p.irradiation is not None]
            return Yield(
                sum(p.measured for p in parts),
                _sum([p.expected for p in parts]),
                _sum([p.limit for p in parts]),
                float(np.mean(hours)) if len(hours) == len(parts) else None,
            )
    return None


def _sum(parts: list[float | None]) -> float | None:
    known = [p for p in parts if p is not None]
    return sum(known) if len(known) == len(parts) else None


def _performance(found: Station, whole: Yield | None) -> list[Derived]:
    """Performance ratio (E / P0) / (H / G), IEC 61724-1:2021 clause 14.3, if it was not dark."""
    view = found.view
    if whole is None or whole.irradiation is None or whole.irradiation < _DARK:
        return []
    dc = _whole_capacity(found)
    if dc <= 0:
        return []
    ratio = (whole.measured / dc) / (whole.irradiation / STC)
    return [of_day(view, view.root, indicator="performance_ratio", value=ratio)]


def _whole_capacity(found: Station) -> float:
    """DC capacity of the root (W): its own, else of its meters, else of its inverters."""
    own = capacity(found, found.view.root)
    if own or found.view.root.kind != "plant":
        return own
    for kind in ("meter", "inverter"):
        parts = [capacity(found, key) for key in found.view.of(kind)]
        if parts and all(parts):
            return sum(parts)
    return 0.0
