"""What a station did not yield, and why: clipped, curtailed, cut off from the grid, or at fault.

A fault is a matter of one unit; an order to curtail is a lid that all of them keep, level while the
sun would have given more; a trip of the grid takes all of them at once. Where nothing can tell,
nothing is told.
"""

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from wuxin.packs.energy.siblings import SIBLINGS
from wuxin.packs.energy.station import Floats, Station, middle, of_day, station
from wuxin.packs.energy.yields import capacity, expected_power, find_sky
from wuxin.terms.clock import DAY
from wuxin.terms.names import ThingKey
from wuxin.terms.standards import DayView, Derived

NORMAL, CLIPPED, CURTAILED, CUT_OFF, FAULT, UNKNOWN = range(6)
"""Why a unit yields what it yields in an interval; UNKNOWN is a shortfall without a cause."""

NAMES: Final = ("normal", "clipped", "curtailed", "cut_off", "fault", "unknown")

SHORT: Final = 0.15
"""Share below expectation that counts as a shortfall: models and meters together err by less."""

LEVEL: Final = 0.03
"""How level a lid is: inverters hold a set-point within 2 %; means of intervals add a little."""

HELD: Final = 4
"""Intervals in a row that a lid must hold to be one: clouds do not stand still for that long."""

_LIGHT: Final = 0.1
_NOTHING: Final = 0.01
_FULL: Final = 0.97
_OFF_SHARE: Final = 0.9
_FEWEST_OFF: Final = 2
_BENDS: Final = 0.02

Kinds = NDArray[np.int64]


class Told(NamedTuple):
    """Why (units, bins), and what is missing of expectation (units, bins, share of rated)."""

    kinds: Kinds
    missing: Floats


def tell(share: Floats, expected: Floats, *, limit: Floats | None = None) -> Told:
    """Tell why units yield less than expected, interval by interval.

    Args:
        share: power over rated power (units, bins), NaN where unknown; intervals of equal length,
            a quarter of an hour or so.
        expected: what the weather should have given over rated power, before any limit of the
            inverter (bins, or units and bins), NaN where unknown.
        limit: the set-point that the grid ordered, as a share (bins); 1 is no limit, NaN unknown.

    Returns:
        For each unit and interval one of :data:`NAMES` by number, and what is missing.

    A unit at 97 % of its rating is clipped. One at an ordered set-point is curtailed; without
    orders, curtailed are those that hold one level for four intervals while expectation lies 15 %
    higher and bends, if all units that report hold it. Nine of ten units at nothing in daylight
    are cut off. One that lies 15 % below expectation, and (where there are four or more) as much
    below the median unit, is at fault; where all are short alike it is unknown.
    """
    share = np.atleast_2d(share)
    expected = np.broadcast_to(expected, share.shape)
    known = np.isfinite(share) & np.isfinite(expected)
    light = known & (expected > _LIGHT)
    short = light & (share < (1 - SHORT) * np.minimum(expected, 1.0))
    kinds = np.full(share.shape, NORMAL, np.int64)
    usual, count = middle(np.where(known, share, np.nan))
    many = count > SIBLINGS
    behind = share < (1 - SHORT) * usual
    kinds[short] = np.where(many, UNKNOWN, FAULT)[np.nonzero(short)[1]]
    kinds[short & many & behind] = FAULT
    lid = _lids(share, expected, usual=usual)
    if limit is not None:
        ordered = np.isfinite(limit) & (limit < _FULL)
        lid |= ordered & (np.abs(share - limit) <= LEVEL) & (expected > limit)
    kinds[lid & known & (expected > share + LEVEL)] = CURTAILED
    kinds[known & (share >= _FULL) & (expected > share)] = CLIPPED
    off = np.where(known, share, np.inf) <= _NOTHING
    reporting = known.sum(axis=0)
    gone = (reporting >= _FEWEST_OFF) & (off.sum(axis=0) >= _OFF_SHARE * reporting)
    kinds[off & light & gone] = CUT_OFF
    missing = np.where(kinds == NORMAL, 0.0, np.maximum(expected - share, 0.0))
    return Told(kinds, np.nan_to_num(missing))


def _lids(share: Floats, expected: Floats, *, usual: Floats) -> NDArray[np.bool_]:
    """Where all units that report hold one level below expectation (units, bins).

    The median unit is looked at; a unit that is not on its level is not held by the lid.
    """
    bins = len(usual)
    held = np.zeros(bins, np.bool_)
    wanted, _ = middle(np.where(np.isfinite(expected), expected, np.nan))
    for a in range(bins - HELD + 1):
        part, want = usual[a : a + HELD], wanted[a : a + HELD]
        if not (np.isfinite(part).all() and np.isfinite(want).all()):
            continue
        level = float(part.mean())
        flat = float(np.ptp(part)) <= LEVEL * level
        bends = float(np.ptp(want)) > max(_BENDS * float(want.mean()), 2 * float(np.ptp(part)))
        below = float(want.min()) > level * (1 + SHORT)
        held[a : a + HELD] |= level > 2 * _NOTHING and level < _FULL and flat and below and bends
    with np.errstate(invalid="ignore"):
        on = np.abs(share - usual) <= LEVEL * np.maximum(usual, 2 * LEVEL)
    return np.asarray(held & on)


def lost(told: Told, *, rated: Floats, seconds: float) -> dict[str, float]:
    """Energy lost to each cause (J).

    Args:
        told: what :func:`tell` gives.
        rated: rated power of each unit (units, W).
        seconds: length of an interval (s).
    """
    whole = told.missing * rated[:, None] * seconds
    return {
        name: float(whole[told.kinds == number].sum())
        for number, name in enumerate(NAMES)
        if number
    }


def shortfalls(view: DayView) -> list[Derived]:
    """Derive the energy a plant lost today to curtailment, grid trips and faults (J).

    Expectation is PVWatts' on measured irradiance before the inverter's limit; where none is
    measured, the best units of the hour (90th percentile of four or more), which tells faults
    but neither curtailment without orders nor trips.
    """
    found = station(view)
    units = [u for kind in ("inverter", "meter", "plant") for u in view.of(kind)]
    kinds = [u.kind for u in units if np.isfinite(found.power(u)).any()]
    if view.root.kind != "plant" or not kinds or found.step >= DAY:
        return []
    units = [u for u in units if u.kind == kinds[0] and found.rated(u) > 0]
    if not units:
        return []
    rated = np.array(found.rated_alike(units))
    share = np.array([found.power(u) for u in units]) / rated[:, None]
    expected = _expected(found, units, rated=rated)
    if expected is None:
        expected = _best(share)
    if expected is None:
        return []
    told = tell(share, expected, limit=_limit(found))
    energy = lost(told, rated=rated, seconds=found.step / 1e9)
    derived = [
        of_day(view, view.root, indicator=f"lost_{name}", value=energy[name])
        for name in ("clipped", "curtailed", "cut_off", "fault")
    ]
    yielded = float(np.nansum(share * rated[:, None])) * found.step / 1e9
    whole = yielded + sum(energy.values())
    if whole > 0:
        for name, cause in (("fault_share", "fault"), ("curtailed_share", "curtailed")):
            derived.append(of_day(view, view.root, indicator=name, value=energy[cause] / whole))
    return derived


def _expected(found: Station, units: list[ThingKey], *, rated: Floats) -> Floats | None:
    """Expected share of rated power before the inverter's limit (units, bins)."""
    sky = find_sky(found)
    if sky is None or not sky.measured:
        return None
    rows = []
    for unit, most in zip(units, rated.tolist(), strict=True):
        dc = capacity(found, unit)
        if dc <= 0 or not ({"dc_capacity", "rated_power"} & set(found.view.facts(unit))):
            return None
        rows.append(expected_power(dc, 10 * dc, sky=sky) / most)
    return np.array(rows)


def _best(share: Floats) -> Floats | None:
    """The 90th percentile of the units in each interval; None with fewer than four."""
    if len(share) <= SIBLINGS:
        return None
    count = np.isfinite(share).sum(axis=0)
    filled = np.where(np.isfinite(share), share, -np.inf)
    ordered = np.sort(filled, axis=0)
    at = np.maximum(len(share) - 1 - np.floor(0.1 * count).astype(np.int64), 0)
    best = ordered[at, np.arange(share.shape[1])]
    return np.where(count > SIBLINGS, best, np.nan)


def _limit(found: Station) -> Floats | None:
    """The set-point that the grid ordered (bins), held until the next; None if there is none."""
    for kind in ("plant", "meter"):
        for thing in found.view.of(kind):
            series = found.view.series(thing, "power_limit", days=2)
            if len(series):
                edges = found.start() + found.step * (np.arange(found.bins()) + 1) - 1
                at = np.searchsorted(series.t, edges, side="right") - 1
                return np.where(at >= 0, series.v[np.maximum(at, 0)], np.nan)
    return None
