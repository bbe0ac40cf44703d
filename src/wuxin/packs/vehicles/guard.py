"""Who tampers with the tracker: cover opened, power cut, receiver jammed; and stolen vehicles."""

from typing import Final, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from wuxin.terms.clock import HOUR, MINUTE, SECOND

Floats = NDArray[np.float64]
Times = NDArray[np.int64]

POWERLESS: Final = 6.0
"""Voltage (V) of the supply below which the vehicle's battery is gone: a 12 V battery that is flat
has 10 V, one that is cut off has none."""

BLIND: Final = 3
"""Satellites below which there is no position (four unknowns)."""

SAW: Final = 7
"""Satellites that a receiver under the sky sees at least."""

SUDDEN: Final = 2 * MINUTE
"""A garage or a tunnel takes them within seconds too; but the vehicle then stands, or comes out."""

TUNNEL: Final = 15 * MINUTE
"""The longest time (ns) in a tunnel: 20 km at 80 km/h."""

WEAK: Final = 2
"""Strength of the network (bars or CSQ) up to which there is none."""

FASTEST: Final = 33.3
"""m/s that a stolen vehicle is taken to drive at most (120 km/h)."""

Kind = Literal["power_cut", "gnss_jammed", "all_jammed", "sheltered"]


class Spell(NamedTuple):
    """Something done to a tracker: what, from and to (ns)."""

    kind: Kind
    start: int
    end: int


class Area(NamedTuple):
    """Where a stolen vehicle may be: the last place and a heading (degrees), a radius (m)."""

    latitude: float
    longitude: float
    radius: float
    heading: float | None


def power_cuts(t: Times, voltage: Floats, *, least: int = MINUTE) -> list[Spell]:
    """When the supply was gone for ``least`` (ns) or more; the box goes on on its own battery."""
    return [Spell("power_cut", a, b) for a, b in _spells(t, voltage < POWERLESS) if b - a >= least]


def blindness(
    t: Times,
    satellites: Floats,
    *,
    network: tuple[Times, Floats] | None = None,
    speed: tuple[Times, Floats] | None = None,
) -> list[Spell]:
    """When a receiver that saw the sky saw nothing any more, and why.

    Satellites lost while the network stays, and the vehicle drives on for longer than any tunnel:
    the receiver is jammed. Network and satellites lost at once and for as long: both are. What is
    shorter, or happens to a vehicle that stands, is taken for shelter.

    Args:
        t: moments (n), ns, in order.
        satellites: how many are used (n).
        network: moments and strength of the network.
        speed: moments and m/s by the wheels or the engine, which no jammer takes.
    """
    found: list[Spell] = []
    for a, b in _spells(t, satellites < BLIND):
        before = satellites[(t < a) & (t >= a - SUDDEN)]
        if not len(before) or before.max() < SAW:
            continue
        drives = speed is not None and _share(speed, a, end=b, above=2.0) > 0.5
        lost = network is not None and _share(network, a, end=b, above=float(WEAK)) < 0.5
        long = b - a > TUNNEL
        kind: Kind = "sheltered"
        if long and lost:
            kind = "all_jammed"
        elif long and drives:
            kind = "gnss_jammed"
        found.append(Spell(kind, a, b))
    return found


def theft_signs(
    *,
    moved_without_ignition: bool,
    left_its_place: bool,
    tampered: bool,
    night: bool,
    reported: bool = False,
) -> tuple[int, tuple[str, ...]]:
    """How many signs of theft agree, and which; a report by the owner is worth three.

    Two signs make a tracker report every ten seconds, three make it a case.
    """
    told = {
        "moved without ignition": moved_without_ignition, "left its place": left_its_place,
        "tracker tampered with": tampered, "at night": night and left_its_place,
        "reported stolen": reported,
    }  # fmt: skip
    names = tuple(name for name, true in told.items() if true)
    return len(names) + 2 * reported, names


def search_area(
    last: tuple[int, float, float], *, at: int, heading: float | None = None,
    speed: float = FASTEST, stood: bool = False,
) -> Area:  # fmt: skip
    """Where to look for a stolen vehicle that has fallen silent.

    Args:
        last: the last position: ns, degrees.
        at: now (ns).
        heading: where it was going (degrees), which holds for an hour at most.
        speed: how fast it may go (m/s); roads are 1.3 times as long as the straight line.
        stood: a vehicle that stood when it fell silent may have been loaded on a lorry; its heading
            says nothing.
    """
    age = max(0, at - last[0])
    radius = 50.0 + speed * age / SECOND / 1.3
    kept = heading if not stood and age <= HOUR else None
    return Area(last[1], last[2], radius, kept)


def _spells(t: Times, mask: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Runs of True from the first moment to the first after it (or the last, at the end)."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], mask.astype(int), [0]])))
    return [
        (int(t[a]), int(t[min(b, len(t) - 1)]))
        for a, b in zip(edges[::2], edges[1::2], strict=True)
    ]


def _share(series: tuple[Times, Floats], start: int, *, end: int, above: float) -> float:
    here = (series[0] >= start) & (series[0] <= end)
    return float((series[1][here] > above).mean()) if here.any() else 0.0
