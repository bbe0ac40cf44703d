"""Chinese coordinates: GCJ-02, the shifted datum of Chinese maps, and BD-09, back to WGS-84.

Source: the shift has no public standard (GB 20263-2006 only demands it); the series and the
ellipsoid of Krasovsky 1940 are those that all open converters agree on, to about 1 m in reverse.
"""

import math
from typing import Final, NamedTuple

from wuxin.terms.errors import BadInput

_AXIS: Final = 6378245.0
_ECCENTRICITY: Final = 0.00669342162296594323
_CLOSE: Final = 1e-7  # degrees, a centimetre
_STEPS: Final = 10

EARTH_M: Final = 6_371_008.8
"""Mean radius of the Earth (m); Moritz, Geodetic Reference System 1980 (IUGG)."""

DATUMS: Final = ("WGS-84", "GCJ-02", "BD-09")
"""What a source may report its places in."""


class Place(NamedTuple):
    """Latitude and longitude in degrees."""

    latitude: float
    longitude: float


def to_wgs84(place: Place) -> Place:
    """The WGS-84 place of a GCJ-02 one; outside of China, where nothing is shifted, the same."""
    if not (0.8293 <= place.latitude <= 55.8271 and 72.004 <= place.longitude <= 137.8347):
        return place
    guess = place
    for _ in range(_STEPS):
        shifted = to_gcj02(guess)
        north, east = shifted.latitude - place.latitude, shifted.longitude - place.longitude
        guess = Place(guess.latitude - north, guess.longitude - east)
        if max(abs(north), abs(east)) < _CLOSE:
            break
    return guess


def to_gcj02(place: Place) -> Place:
    """The GCJ-02 place of a WGS-84 one inside of China."""
    x, y = place.longitude - 105.0, place.latitude - 35.0
    root, pi = math.sqrt(abs(x)), math.pi
    wave = 20.0 * math.sin(6.0 * x * pi) + 20.0 * math.sin(2.0 * x * pi)
    north = -100.0 + 2.0 * x + 3.0 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * root
    north += (wave + 20.0 * math.sin(y * pi) + 40.0 * math.sin(y / 3.0 * pi)) * 2.0 / 3.0
    north += (160.0 * math.sin(y / 12.0 * pi) + 320.0 * math.sin(y * pi / 30.0)) * 2.0 / 3.0
    east = 300.0 + x + 2.0 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * root
    east += (wave + 20.0 * math.sin(x * pi) + 40.0 * math.sin(x / 3.0 * pi)) * 2.0 / 3.0
    east += (150.0 * math.sin(x / 12.0 * pi) + 300.0 * math.sin(x / 30.0 * pi)) * 2.0 / 3.0
    angle = math.radians(place.latitude)
    magic = 1.0 - _ECCENTRICITY * math.sin(angle) ** 2
    meridian = _AXIS * (1.0 - _ECCENTRICITY) / (magic * math.sqrt(magic))
    parallel = _AXIS / math.sqrt(magic) * math.cos(angle)
    return Place(
        place.latitude + math.degrees(north / meridian),
        place.longitude + math.degrees(east / parallel),
    )


def from_bd09(place: Place) -> Place:
    """The GCJ-02 place of a BD-09 one, which shifts that once more."""
    x, y = place.longitude - 0.0065, place.latitude - 0.006
    turn = 3000.0 * math.pi / 180.0
    far = math.hypot(x, y) - 0.00002 * math.sin(y * turn)
    angle = math.atan2(y, x) - 0.000003 * math.cos(x * turn)
    return Place(far * math.sin(angle), far * math.cos(angle))


def wgs84(place: Place, datum: str) -> Place:
    """The WGS-84 place of one in a datum of :data:`DATUMS`.

    Raises:
        BadInput: there is no such datum.
    """
    if datum not in DATUMS:
        raise BadInput(f"there is no datum {datum!r}; there are {', '.join(DATUMS)}")
    if datum == "BD-09":
        place = from_bd09(place)
    return place if datum == "WGS-84" else to_wgs84(place)
