"""Where a thing went: distances, positions that cannot be, stays and the ways between them.

Positions are WGS-84 degrees in order of time; a row that is no number is left out and counted.
"""

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from wuxin.terms.clock import MINUTE, SECOND
from wuxin.terms.datum import EARTH_M

Floats = NDArray[np.float64]
Times = NDArray[np.int64]

FASTEST: Final = 70.0
"""Speed (m/s) beyond which a position is taken for an error; no vehicle on a road does 250 km/h."""

STAY_RADIUS: Final = 60.0
"""How far (m) a thing that stays may seem to move: scatter of GNSS between houses."""

STAY_TIME: Final = 3 * MINUTE
"""How long (ns) it must stay for that to be a stop; a traffic light takes less."""

BRIDGED: Final = 5 * MINUTE
"""A gap (ns) between positions beyond which the way between them is not known."""


class Track(NamedTuple):
    """Positions (n) that can be meant, in order of time: ns, degrees; and how many could not."""

    t: Times
    latitude: Floats
    longitude: Floats
    refused: int


class Stay(NamedTuple):
    """A stop: from and to (ns), and its middle (degrees)."""

    start: int
    end: int
    latitude: float
    longitude: float


class Way(NamedTuple):
    """A trip between stays: from and to (ns), metres, and how many of these across gaps."""

    start: int
    end: int
    metres: float
    unseen: float


def distance(
    latitude: Floats | float, longitude: Floats | float, *, to: tuple[float, float]
) -> Floats:
    """Great-circle distances (n, m) of positions (n, degrees) to a place, by haversine.

    On a sphere it is off by at most 0.6 % (Sinnott, Virtues of the Haversine, Sky and Telescope
    68(2), 1984).
    """
    return _apart(np.asarray(latitude, np.float64), np.asarray(longitude, np.float64),
                  lat_0=np.asarray(to[0]), lon_0=np.asarray(to[1]))  # fmt: skip


def steps(track: Track) -> Floats:
    """Distances (n - 1, m) from each position to the next."""
    return _apart(track.latitude[:-1], track.longitude[:-1],
                  lat_0=track.latitude[1:], lon_0=track.longitude[1:])  # fmt: skip


def track(t: Times, latitude: Floats, *, longitude: Floats, fastest: float = FASTEST) -> Track:
    """Positions in order, without those that cannot be.

    What lies outside of the degrees, stands at 0/0 (what a receiver without a fix sends), is no
    number, or could only be reached from the last good one faster than ``fastest`` (m/s) is
    refused. After three refused in a row that agree with each other the thing is taken to be
    there: the first may have been the error.
    """
    t, lat, lon = np.asarray(t, np.int64), np.asarray(latitude), np.asarray(longitude)
    order = np.argsort(t, kind="stable")
    t, lat, lon = t[order], lat[order].astype(np.float64), lon[order].astype(np.float64)
    with np.errstate(invalid="ignore"):
        good = (np.abs(lat) <= 90) & (np.abs(lon) <= 180) & ~((lat == 0) & (lon == 0))
    good &= np.append(True, t[1:] > t[:-1])[: len(t)]
    places = np.flatnonzero(good)
    kept: list[int] = []
    doubted: list[int] = []
    for k in places.tolist():
        if not kept or _reachable(t, lat, lon=lon, pair=(kept[-1], k), fastest=fastest):
            kept.append(k)
            doubted = []
            continue
        if doubted and not _reachable(t, lat, lon=lon, pair=(doubted[-1], k), fastest=fastest):
            doubted = []
        doubted.append(k)
        if len(doubted) == 3:
            kept += doubted
            doubted = []
    chosen = np.array(kept, np.int64)
    return Track(t[chosen], lat[chosen], lon[chosen], len(t) - len(chosen))


def stays(seen: Track, *, radius: float = STAY_RADIUS, least: int = STAY_TIME) -> list[Stay]:
    """The stops of a track.

    A stay is the longest run of positions within ``radius`` (m) of its first that lasts ``least``
    (ns) or more.

    Source: Li et al., Mining user similarity based on location history, ACM GIS 2008 (stay points).
    """
    found: list[Stay] = []
    k, n = 0, len(seen.t)
    while k < n:
        j = k + 1
        while j < n and _close(seen, k, b=j, radius=radius):
            j += 1
        if seen.t[j - 1] - seen.t[k] >= least:
            lat, lon = (float(np.median(x[k:j])) for x in (seen.latitude, seen.longitude))
            found.append(Stay(int(seen.t[k]), int(seen.t[j - 1]), lat, lon))
            k = j
        else:
            k += 1
    return found


def ways(seen: Track, stopped: list[Stay], *, gap: int = BRIDGED) -> list[Way]:
    """The trips between the stays of a track; what never leaves the scatter of a stop is none."""
    if len(seen.t) < 2:
        return []
    each, span = steps(seen), np.diff(seen.t)
    moving = np.ones(len(each), np.bool_)
    for stay in stopped:
        a, b = np.searchsorted(seen.t, (stay.start, stay.end))
        moving[a:b] = False
    found: list[Way] = []
    for a, b in _runs(moving):
        metres = float(each[a:b].sum())
        if metres > 2 * STAY_RADIUS:
            unseen = float(each[a:b][span[a:b] > gap].sum())
            found.append(Way(int(seen.t[a]), int(seen.t[b]), metres, unseen))
    return found


def _apart(lat: Floats, lon: Floats, *, lat_0: Floats, lon_0: Floats) -> Floats:
    phi, phi_0 = np.radians(lat), np.radians(lat_0)
    half = np.sin((phi - phi_0) / 2) ** 2
    half = half + np.cos(phi) * np.cos(phi_0) * np.sin(np.radians(lon - lon_0) / 2) ** 2
    return np.asarray(2 * EARTH_M * np.arcsin(np.sqrt(np.minimum(half, 1.0))), np.float64)


def _reachable(
    t: Times, lat: Floats, *, lon: Floats, pair: tuple[int, int], fastest: float
) -> bool:
    a, b = pair
    metres = float(_apart(lat[a], lon[a], lat_0=lat[b], lon_0=lon[b]))
    return metres <= STAY_RADIUS + fastest * (int(t[b]) - int(t[a])) / SECOND


def _close(seen: Track, a: int, *, b: int, radius: float) -> bool:
    lat, lon = seen.latitude, seen.longitude
    return float(_apart(lat[a], lon[a], lat_0=lat[b], lon_0=lon[b])) <= radius


def _runs(mask: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Runs of True as half-open places."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], mask, [False]]).astype(np.int8)))
    return [(int(a), int(b)) for a, b in zip(edges[::2], edges[1::2], strict=True)]
