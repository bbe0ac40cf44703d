"""A geofence as a state: where a vehicle is from its first position on, not only where it crosses.

A vehicle that is first seen outside is outside; nobody waits for an edge that came before the
tracker did. Near the border the state stays as it was, because positions scatter.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from wuxin.terms.clock import DAY, MINUTE
from wuxin.terms.datum import EARTH_M
from wuxin.terms.errors import BadInput
from wuxin.twin.track import Floats, Track, distance

INSIDE, OUTSIDE, UNKNOWN = 0, 1, 2
"""The states; unknown is before the first position, and long after the last."""

MARGIN: Final = 50.0
"""How far (m) beyond the border a position must lie to be outside: scatter of GNSS."""

SILENT: Final = DAY
"""How long (ns) after a position its state is still believed."""


class Circle(NamedTuple):
    """A circle: its middle in degrees, its radius in metres."""

    latitude: float
    longitude: float
    radius: float


class Polygon(NamedTuple):
    """A polygon by its corners in degrees, in order; the last is joined to the first."""

    corners: tuple[tuple[float, float], ...]


class Span(NamedTuple):
    """A span (ns) in one state; the first begins with the first position."""

    state: int
    start: int
    end: int


def beyond(fence: Circle | Polygon, latitude: Floats, *, longitude: Floats) -> Floats:
    """How far (n, m) positions (n, degrees) lie outside of a fence; negative: inside.

    Raises:
        BadInput: the fence has no area.
    """
    if isinstance(fence, Circle):
        if not fence.radius > 0:
            raise BadInput(f"a fence's radius is {fence.radius:g} m, and must be above zero")
        middle = (fence.latitude, fence.longitude)
        return np.asarray(distance(latitude, longitude, to=middle) - fence.radius, np.float64)
    if len(fence.corners) < 3:
        raise BadInput(f"a fence has {len(fence.corners)} corners, and needs three")
    corners = np.array(fence.corners, np.float64)
    x, y = _plane(latitude, longitude, corners=corners)
    edge_x, edge_y = _plane(corners[:, 0], corners[:, 1], corners=corners)
    near = np.full(len(x), np.inf)
    inside = np.zeros(len(x), np.bool_)
    for k in range(len(corners)):
        a = (edge_x[k - 1], edge_y[k - 1])
        b = (edge_x[k], edge_y[k])
        near = np.minimum(near, _to_edge(x, y, a=a, b=b))
        crosses = (a[1] > y) != (b[1] > y)
        with np.errstate(divide="ignore", invalid="ignore"):
            at = (b[0] - a[0]) * (y - a[1]) / (b[1] - a[1]) + a[0]
        inside ^= crosses & (x < at)
    return np.where(inside, -near, near)


def states(seen: Track, fence: Circle | Polygon, *, margin: float = MARGIN) -> NDArray[np.int8]:
    """The state at each position (n): inside or outside.

    The first position decides by the border itself; later ones must pass it by ``margin`` (m) to
    change the state outwards, and reach it to change it inwards.
    """
    over = beyond(fence, seen.latitude, longitude=seen.longitude)
    found = np.empty(len(over), np.int8)
    state = INSIDE
    for k, far in enumerate(over.tolist()):
        if k == 0:
            state = OUTSIDE if far > 0 else INSIDE
        elif far > margin:
            state = OUTSIDE
        elif far <= 0:
            state = INSIDE
        found[k] = state
    return found


def spans(seen: Track, fence: Circle | Polygon, *, until: int, silent: int = SILENT) -> list[Span]:
    """The spans of a track in each state up to a moment (ns); silence becomes unknown."""
    state = states(seen, fence)
    found: list[Span] = []
    times = [*seen.t.tolist(), max(until, int(seen.t[-1]) if len(seen.t) else until)]
    for k in range(len(state)):
        told = min(times[k + 1], times[k] + silent)
        _extend(found, Span(int(state[k]), times[k], told))
        if told < times[k + 1]:
            _extend(found, Span(UNKNOWN, told, times[k + 1]))
    return found


def outside(found: Sequence[Span], *, least: int = 10 * MINUTE) -> list[Span]:
    """The spans outside that last ``least`` (ns) or more."""
    return [s for s in found if s.state == OUTSIDE and s.end - s.start >= least]


def dwell(found: Sequence[Span]) -> int:
    """The longest time (ns) inside without a break."""
    return max((s.end - s.start for s in found if s.state == INSIDE), default=0)


def _extend(found: list[Span], span: Span) -> None:
    if found and found[-1].state == span.state and found[-1].end == span.start:
        found[-1] = found[-1]._replace(end=span.end)
    else:
        found.append(span)


def _plane(latitude: Floats, longitude: Floats, *, corners: Floats) -> tuple[Floats, Floats]:
    """Metres east and north of the first corner; exact enough for some hundred kilometres."""
    lat_0, lon_0 = corners[0]
    east = np.radians(np.asarray(longitude) - lon_0) * np.cos(np.radians(lat_0)) * EARTH_M
    north = np.radians(np.asarray(latitude) - lat_0) * EARTH_M
    return np.asarray(east, np.float64), np.asarray(north, np.float64)


def _to_edge(x: Floats, y: Floats, *, a: tuple[float, float], b: tuple[float, float]) -> Floats:
    dx, dy = b[0] - a[0], b[1] - a[1]
    size = dx * dx + dy * dy
    share = np.clip(((x - a[0]) * dx + (y - a[1]) * dy) / size, 0, 1) if size else np.zeros(len(x))
    return np.asarray(np.hypot(x - a[0] - share * dx, y - a[1] - share * dy), np.float64)
