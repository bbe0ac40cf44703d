"""Strings: one that is open or weak, seen in its own current or in what its inverter lacks."""

from typing import Final, NamedTuple

import numpy as np

from wuxin.packs.energy.siblings import SIBLINGS
from wuxin.packs.energy.station import Floats, Station, middle, of_day, station
from wuxin.terms.clock import DAY
from wuxin.terms.names import ThingKey
from wuxin.terms.standards import DayView, Derived

SOUND, WEAK, OPEN = range(3)
"""What a string is."""

WEAK_BELOW: Final = 0.9
"""A string below this share of the median one is weak: tolerance and mismatch explain 5 %."""

OPEN_BELOW: Final = 0.1
"""Below this share it is open: diffuse light gives a shaded string more."""

_LIGHT: Final = 0.1
_FEWEST: Final = 4
_SURE: Final = 0.3


class Strings(NamedTuple):
    """Of each string (n): its charge over the median one's, and SOUND, WEAK or OPEN."""

    ratio: Floats
    state: Floats


def compare(current: Floats, *, size: Floats | None = None) -> Strings | None:
    """Compare strings that look at the same sky.

    Args:
        current: mean DC current or power of each string (n, bins), any unit, NaN where unknown.
        size: modules or DC capacity of each (n), where they differ.

    Returns:
        The sum over intervals in which the median string has a tenth of its best, over the same of
        the median; NaN where a string reports less than half of these. None with fewer than four
        strings, or fewer than four such intervals: of three, one cannot say which is wrong.

    Source: siblings as reference, IEA PVPS T13-05:2014; the limits are this project's own.
    """
    per = current if size is None else current / size[:, None]
    if len(per) <= SIBLINGS:
        return None
    usual, count = middle(per)
    usual = np.where(count > SIBLINGS, usual, np.nan)
    if not np.isfinite(usual).any():
        return None
    light = np.nan_to_num(usual) > _LIGHT * float(np.nanmax(usual))
    if np.count_nonzero(light) < _FEWEST:
        return None
    seen = np.isfinite(per) & light
    own = np.where(seen, per, 0.0).sum(axis=1)
    others = np.where(seen, usual, 0.0).sum(axis=1)
    enough = seen.sum(axis=1) >= np.count_nonzero(light) / 2
    ratio = np.where(enough, own / np.where(others > 0, others, np.nan), np.nan)
    state = np.select([ratio < OPEN_BELOW, ratio < WEAK_BELOW], [OPEN, WEAK], SOUND)
    return Strings(ratio, np.where(np.isfinite(ratio), state, np.nan))


def missing(ratio: float, strings: int) -> int | None:
    """How many of an inverter's strings are open, by its power over its siblings'.

    Args:
        ratio: the inverter's power per rated power over the median inverter's.
        strings: how many strings it has.

    Returns:
        The whole number that the loss comes within 0.3 strings of; None where it is no whole
        number (soiling, shading or mismatch then), or the strings are too many to count (above 30
        a string is within the 3 % by which inverters differ anyway).
    """
    lost = (1.0 - ratio) * strings
    whole = round(lost)
    if strings <= 0 or strings > 30 or abs(lost - whole) > _SURE:
        return None
    return max(whole, 0)


def string_states(view: DayView) -> list[Derived]:
    """Derive each string's and array's ratio to its siblings, and open strings of each inverter."""
    found = station(view)
    derived: list[Derived] = []
    if found.step >= DAY:
        return derived
    for kind in ("string", "array"):
        derived += _compared(found, list(view.of(kind)))
    for unit in view.of("inverter"):
        count = view.facts(unit).get("strings", 0.0)
        series = view.series(unit, "sibling_ratio")
        if count and len(series):
            lost = missing(float(series.v[-1]), round(count))
            if lost is not None:
                derived.append(of_day(view, unit, indicator="strings_missing", value=float(lost)))
    return derived


def _compared(found: Station, things: list[ThingKey]) -> list[Derived]:
    for name in ("dc_current", "dc_power"):
        reporting = [thing for thing in things if len(found.view.series(thing, name))]
        if len(reporting) <= SIBLINGS:
            continue
        rows = np.array([found.mean(found.view.series(thing, name)) for thing in reporting])
        sizes = [found.view.facts(thing).get("dc_capacity", 0.0) for thing in reporting]
        # Current does not grow with the number of modules in a string; power does.
        size = np.array(sizes) if name == "dc_power" and all(sizes) else None
        told = compare(rows, size=size)
        if told is None:
            return []
        return [
            of_day(found.view, thing, indicator="string_ratio", value=ratio)
            for thing, ratio in zip(reporting, told.ratio.tolist(), strict=True)
            if np.isfinite(ratio)
        ]
    return []
