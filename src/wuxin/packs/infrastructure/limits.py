"""Limits of dust and noise by class of the area and clock hour, and where each is taken from."""

from collections.abc import Mapping
from typing import Final, NamedTuple

MICROGRAM: Final = 1e-9
"""kg/m³ in 1 µg/m³."""

DUST: Final[Mapping[str, tuple[float, float]]] = {
    "pm10": (50 * MICROGRAM, 150 * MICROGRAM),
    "pm25": (35 * MICROGRAM, 75 * MICROGRAM),
}
"""24-hour limits (kg/m³) in areas of class 1 and class 2: GB 3095-2012, table 1.

The standard has no limit for one hour of particles. Here an hour's mean is held against the day's
limit: a working level, stricter than the law for a single hour.
"""

VALID_HOURS: Final = 20
"""Hours that a day's mean needs: GB 3095-2012, table 4."""

VALID_MINUTES: Final = 45
"""Minutes that an hour's mean needs, as GB 3095-2012, table 4, asks of hourly means."""


class DayNight(NamedTuple):
    """A limit by day (06:00 to 22:00) and by night, dB(A)."""

    day: float
    night: float


BOUNDARY: Final = DayNight(70, 55)
"""At the boundary of a construction site: GB 12523-2011, table 1."""

AREAS: Final = (
    DayNight(50, 40), DayNight(55, 45), DayNight(60, 50), DayNight(65, 55), DayNight(70, 55)
)  # fmt: skip
"""Quality of areas of class 0 to 4 (4a): GB 3096-2008, table 1; for stations at a neighbour's."""

MORNING, EVENING = 6, 22
"""Day and night by the Law on Noise; a county may set other hours."""

STOP_WIND: Final = 10.8
"""Wind (m/s) that stops lifting and work at height: Beaufort force 6, see rules.toml."""

STOP_HEAT: Final = 313.15
"""Air (K) that stops work in the open: 40 degC, see rules.toml."""


def dust_limit(indicator: str, air_class: float | None) -> float:
    """The limit (kg/m³) of ``pm10`` or ``pm25`` in an area of that class, 2 where none is told."""
    return DUST[indicator][0 if air_class == 1 else 1]


def is_night(hour: int) -> bool:
    """Whether a clock hour (0 to 23) is of the night."""
    return not MORNING <= hour < EVENING


def noise_limit(hour: int, noise_class: float | None) -> float:
    """The limit (dB(A)) in a clock hour: of an area's class, of a site's boundary without one."""
    known = noise_class is not None and noise_class in range(len(AREAS))
    found = AREAS[int(noise_class or 0)] if known else BOUNDARY
    return found.night if is_night(hour) else found.day
