"""The sun above a station: its position, and what reaches a tilted plane (pvlib)."""

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from wuxin.terms.clock import DAY

Floats = NDArray[np.float64]

ALBEDO: Final = 0.2
"""Share of light that ordinary ground throws back."""

AEROSOL: Final = 0.1
"""Aerosol optical depth at 700 nm of a clean rural sky."""

WATER: Final = 1.0
"""Precipitable water (cm), moderate."""


class Plane(NamedTuple):
    """Where a module stands and faces: degrees, altitude in m, azimuth 180 is south."""

    latitude: float
    longitude: float
    altitude: float
    tilt: float
    azimuth: float


class Position(NamedTuple):
    """The sun at n moments: apparent zenith, elevation and azimuth in degrees (n) each."""

    zenith: Floats
    elevation: Floats
    azimuth: Floats


def position(t: NDArray[np.int64], latitude: float, *, longitude: float) -> Position:
    """Where the sun stands at moments (n, ns).

    Source: Reda and Andreas, Solar Energy 76 (2004) 577 (NREL SPA), by pvlib.
    """
    from pvlib import spa  # noqa: PLC0415 - pvlib takes a second to import

    found = spa.solar_position_numpy(
        t / 1e9, latitude, longitude, 0.0, 1013.25, 12.0, 67.0, 0.5667, 1
    )
    zenith, _, above, _, azimuth = (np.asarray(column) for column in found[:5])
    return Position(zenith, above, azimuth)


def elevation(t: NDArray[np.int64], latitude: float, *, longitude: float) -> Floats:
    """Elevation of the sun (n, degrees) at moments (n, ns)."""
    return position(t, latitude, longitude=longitude).elevation


def tilted(t: NDArray[np.int64], ghi: Floats, *, plane: Plane) -> Floats:
    """Irradiance on a plane (n, W/m2) from global horizontal irradiance (n, W/m2).

    Diffuse light by Erbs et al., Solar Energy 28 (1982) 293; the sky by Hay and Davies (1980);
    ground albedo 0.2. All by pvlib.
    """
    from pvlib import irradiance  # noqa: PLC0415 - pvlib takes a second to import

    sun = position(t, plane.latitude, longitude=plane.longitude)
    day = _day_of_year(t)
    split = irradiance.erbs(np.maximum(ghi, 0.0), sun.zenith, day)
    return _onto(plane, sun, light=(split["dni"], np.maximum(ghi, 0.0), split["dhi"]), day=day)


def clear(t: NDArray[np.int64], plane: Plane) -> Floats:
    """Irradiance on a plane (n, W/m2) under a clear sky.

    Source: simplified Solis, Ineichen, Solar Energy 82 (2008) 758, by pvlib, with aerosol depth
    0.1 and 1 cm of water.
    """
    from pvlib import atmosphere, clearsky, irradiance  # noqa: PLC0415 - a second to import

    sun = position(t, plane.latitude, longitude=plane.longitude)
    day = _day_of_year(t)
    sky = clearsky.simplified_solis(
        sun.elevation, AEROSOL, WATER, atmosphere.alt2pres(plane.altitude),
        irradiance.get_extra_radiation(day),
    )  # fmt: skip
    return _onto(plane, sun, light=(sky["dni"], sky["ghi"], sky["dhi"]), day=day)


def _onto(
    plane: Plane, sun: Position, *, light: tuple[Floats, Floats, Floats], day: Floats
) -> Floats:
    from pvlib import irradiance  # noqa: PLC0415 - pvlib takes a second to import

    dni, ghi, dhi = light
    found = irradiance.get_total_irradiance(
        plane.tilt, plane.azimuth, sun.zenith, sun.azimuth, dni, ghi, dhi,
        dni_extra=irradiance.get_extra_radiation(day), albedo=ALBEDO, model="haydavies",
    )  # fmt: skip
    total = np.asarray(found["poa_global"], np.float64)
    return np.where(sun.elevation > 0, np.nan_to_num(total), 0.0)


def _day_of_year(t: NDArray[np.int64]) -> Floats:
    moments = t.astype("datetime64[ns]")
    since = moments - moments.astype("datetime64[Y]").astype("datetime64[ns]")
    return np.asarray(since.astype(np.int64) / DAY + 1.0)
