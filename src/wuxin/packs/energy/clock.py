"""A logger's clock told from the sun: when the day's yield has its middle, and when it jumps.

Power rises and falls with the sun, so that the middle of a day's yield lies near solar noon, cloudy
or not. A clock that is set to another zone, or that follows summer time, moves that middle by an
hour from one day to the next; nothing in the sky does.
"""

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from wuxin.packs.energy.station import of_day, station
from wuxin.terms.clock import DAY, HOUR, MINUTE
from wuxin.terms.names import ThingKey
from wuxin.terms.standards import DayView, Derived, Series

Floats = NDArray[np.float64]
Times = NDArray[np.int64]

LEAST_STEP: Final = 30 * MINUTE
"""The least step that is told (ns): zones differ by half an hour or more."""

GRID: Final = 30 * MINUTE
"""Steps are told in half hours: zones in use differ by no less."""

WINDOW: Final = 7
"""Days on either side of a step that are compared."""

_AWAKE: Final = 0.01
_FEWEST: Final = 8
_COVER: Final = 0.8
_NEEDED: Final = 4
_LIGHT_HOURS: Final = 3
_LENGTH: Final = 0.85


class ClockStep(NamedTuple):
    """A step of a clock: the first day's solar noon on the new time (ns), and by how much (s)."""

    at: int
    seconds: float


class Noons(NamedTuple):
    """Days of a series: solar noon (n, ns), and how late the yield's middle is (n, s)."""

    at: Times
    late: Floats


def noons(t: Times, v: Floats, *, longitude: float | None = None) -> Noons:
    """When the middle of each day's yield lies, against solar noon.

    Args:
        t: times (n, ns UTC as the clock says), in order.
        v: power or irradiance (n), in any unit; NaN is unknown.
        longitude: degrees east. None: the place is found from the series itself, so that ``late``
            is about zero in the mean and only its steps mean something.

    Returns:
        Days with yield on both sides and a reading in four of five intervals of daylight. East of
        south, yield is early by some minutes, all year round.

    Source: equation of time by Spencer (1971), by pvlib.
    """
    good = np.isfinite(v)
    t, v = t[good], v[good]
    if len(t) < _FEWEST:
        return Noons(np.empty(0, np.int64), np.empty(0))
    reach = float(np.quantile(v, 0.99))
    lit = v > _AWAKE * reach
    if reach <= 0 or not lit.any():
        return Noons(np.empty(0, np.int64), np.empty(0))
    shift = _usual_noon(t, np.where(lit, v, 0.0)) if longitude is None else longitude / 360.0 * DAY
    step = max(int(np.median(np.diff(t))), 1)
    day = (t + int(shift)) // DAY
    at, late, length = [], [], []
    for one in np.unique(day[lit]).tolist():
        mine = t[(day == one) & lit]
        first, last = int(mine[0]), int(mine[-1])
        whole = (last - first) / step + 1
        between = np.count_nonzero((t >= first) & (t <= last))
        if last - first < _LIGHT_HOURS * HOUR or between < _COVER * whole:
            continue
        noon = one * DAY + DAY // 2 - int(shift) - _equation(one)
        at.append(noon)
        late.append((first + last) / 2 - noon)
        length.append(last - first)
    whole_days = _whole(np.array(at, np.int64), np.array(length, np.float64))
    return Noons(np.array(at, np.int64)[whole_days], np.array(late)[whole_days] / 1e9)


def _whole(at: Times, length: Floats) -> NDArray[np.bool_]:
    """Which days are about as long as their neighbours: half a day of outage has no middle."""
    usual = [float(np.quantile(length[np.abs(at - one) <= 10 * DAY], 0.8)) for one in at.tolist()]
    return length >= _LENGTH * np.array(usual)


def _usual_noon(t: Times, weight: Floats) -> float:
    """What must be added to times (ns) for noon to lie in the middle of the day."""
    angle = 2 * np.pi * (t % DAY) / DAY
    mean = float(np.angle(np.sum(weight * np.exp(1j * angle))))
    return ((0.5 - mean / (2 * np.pi)) % 1.0) * DAY


def _equation(day: int) -> int:
    """Equation of time of a day since 1970 (ns): how early the sun is at its noon."""
    from pvlib import solarposition  # noqa: PLC0415 - pvlib takes a second to import

    date = np.datetime64(day, "D")
    number = int((date - date.astype("datetime64[Y]")).astype(np.int64)) + 1
    return int(float(solarposition.equation_of_time_spencer71(number)) * MINUTE)


def steps(found: Noons, *, least: int = LEAST_STEP) -> list[ClockStep]:
    """Where a clock stepped: the medians of a week before and after differ.

    Args:
        found: what :func:`noons` gives.
        least: the least step (ns).

    Returns:
        In order of time; amounts in whole half hours, positive where the clock went ahead.
    """
    out: list[ClockStep] = []
    if len(found.at) < 2 * _NEEDED:
        return out
    jump = np.array([_jump(found, k) for k in range(len(found.at))])
    while True:
        k = int(np.argmax(np.abs(jump)))
        amount = round(jump[k] * 1e9 / GRID) * GRID
        if abs(amount) < least:
            break
        out.append(ClockStep(int(found.at[k]), amount / 1e9))
        jump[np.abs(found.at - found.at[k]) < WINDOW * DAY] = 0.0
    return sorted(out)


def _jump(found: Noons, k: int) -> float:
    """The median of the week from day ``k`` on, less that of the week before (s)."""
    span = WINDOW * DAY
    before = found.late[(found.at < found.at[k]) & (found.at >= found.at[k] - span)]
    after = found.late[(found.at >= found.at[k]) & (found.at < found.at[k] + span)]
    if len(before) < _NEEDED or len(after) < _NEEDED:
        return 0.0
    step = float(np.median(after) - np.median(before))
    spread = max(float(np.median(np.abs(part - np.median(part)))) for part in (before, after))
    if spread > abs(step) / 3:
        return 0.0
    # Of neighbouring places for the cut, the one that parts the days best weighs most.
    fits = np.mean(np.sign(step) * (after - np.median(before)) > abs(step) / 2) + np.mean(
        np.sign(step) * (np.median(after) - before) > abs(step) / 2
    )
    return step * float(fits) / 2


def clock_errors(view: DayView) -> list[Derived]:
    """Derive how far each unit's clock lies off the sun (s): the median of a week.

    Needs the plant's longitude; four days at least. Positive: the clock is ahead, or its zone is
    one further east than declared.
    """
    longitude = view.facts(view.root).get("longitude")
    if longitude is None or view.root.kind == "charging_station":
        return []
    derived = []
    for thing, series in _signals(view):
        late = noons(series.t, series.v, longitude=longitude).late
        if len(late) >= _NEEDED:
            error = float(np.median(late))
            derived.append(of_day(view, thing, indicator="clock_error", value=error))
    return derived


def _signals(view: DayView) -> list[tuple[ThingKey, Series]]:
    if station(view).step >= HOUR * 2:
        return []
    out = []
    for kind, names in (
        ("weather_station", ("poa_irradiance", "ghi")), ("plant", ("ac_power", "dc_power")),
        ("meter", ("ac_power",)), ("inverter", ("ac_power", "dc_power")),
    ):  # fmt: skip
        for thing in view.of(kind):
            for name in names:
                if len(view.series(thing, name)):
                    out.append((thing, view.series(thing, name, days=WINDOW)))
                    break
    return out
