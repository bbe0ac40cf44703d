"""Traps in what stations hand over: powers and counters in another unit, dates in another order.

Nothing is set right in silence: a trap is told with the factor and with what shows it, and the
values stay as they came.
"""

from collections.abc import Sequence
from datetime import datetime
from itertools import pairwise
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from wuxin.packs.energy.station import Floats, Station, counted, of_day, station
from wuxin.terms.clock import DAY
from wuxin.terms.errors import BadInput
from wuxin.terms.names import ThingKey
from wuxin.terms.records import Words
from wuxin.terms.standards import DayView, Derived

EFFICIENCY: Final = (0.80, 1.03)
"""AC over DC power of a loaded inverter: 0.9 to 0.99, and 4 % for two meters."""

USUAL: Final = 0.96
"""The efficiency that a factor is taken against."""

AGREE: Final = (0.85, 1.18)
"""Counter over integral of power: of one day, read at moments a quarter of an hour apart."""

KNOWN: Final = (1e-6, 1e-3, 0.01, 0.1, 10.0, 100.0, 1e3, 1e6, 1 / 3.6, 3.6, 0.25, 4.0, 1 / 12, 12.0)
"""Factors that units explain: prefixes, tenths and hundredths, Wh against kJ, energy an interval
taken for power (a quarter of an hour, five minutes)."""

_NEAR: Final = 0.12
_SUN: Final = (20.0, 1800.0)
_BRIGHT: Final = 900.0
_WEEK: Final = 7
_LOADED: Final = 0.1
_FEWEST: Final = 8
_SAMPLE: Final = 2000

FORMS: Final = {
    "iso": ("%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M", "%Y/%m/%d %H:%M:%S", "%Y/%m/%d %H:%M",
            "%Y-%m-%d", "%Y/%m/%d"),
    "day first": ("%d-%m-%Y %H:%M", "%d/%m/%Y %H:%M", "%d.%m.%Y %H:%M", "%d-%m-%Y %H:%M:%S",
                  "%d/%m/%Y %H:%M:%S", "%d.%m.%Y %H:%M:%S", "%d-%m-%Y", "%d/%m/%Y", "%d.%m.%Y",
                  "%d/%m/%y %H:%M", "%d/%m/%Y %I:%M:%S %p", "%d/%m/%Y %I:%M %p"),
    "month first": ("%m-%d-%Y %H:%M", "%m/%d/%Y %H:%M", "%m-%d-%Y %H:%M:%S", "%m/%d/%Y %H:%M:%S",
                    "%m-%d-%Y", "%m/%d/%Y", "%m/%d/%y %H:%M", "%m/%d/%Y %I:%M:%S %p",
                    "%m/%d/%Y %I:%M %p"),
}  # fmt: skip
"""Forms of a time by the order of its date, as ``datetime.strptime`` writes them."""


class Trap(NamedTuple):
    """A unit that cannot be right: values are ``factor`` times what the other source says.

    ``named`` is the factor of :data:`KNOWN` that explains it, None where none does.
    """

    factor: float
    named: float | None
    words: Words


class Order(NamedTuple):
    """The order of a column of dates: its name in :data:`FORMS`, its form, and what showed it.

    ``certain`` is false where both orders can be read; then the one that steps evenly is given.
    """

    name: str
    form: str
    certain: bool
    words: Words


def power_trap(dc: Floats, ac: Floats) -> Trap | None:
    """Whether DC power stands in another unit than AC power.

    Args:
        dc: DC power of an inverter (n), in the unit that is declared for it; NaN is unknown.
        ac: its AC power at the same moments (n), in the same declared unit.

    Returns:
        None where AC lies at 80 to 103 % of DC while the inverter is loaded by a tenth, or where
        fewer than eight such moments are known.
    """
    known = np.isfinite(dc) & np.isfinite(ac) & (dc > 0)
    if np.count_nonzero(known) < _FEWEST:
        return None
    loaded = known & (ac > _LOADED * float(np.max(ac[known])))
    if np.count_nonzero(loaded) < _FEWEST:
        return None
    ratio = float(np.median(ac[loaded] / dc[loaded]))
    if EFFICIENCY[0] <= ratio <= EFFICIENCY[1] or ratio <= 0:
        return None
    return _trap(
        USUAL / ratio, Words("直流功率", "DC power"), against=Words("交流功率", "AC power")
    )


def counter_trap(counter: float, integral: float) -> Trap | None:
    """Whether a day's counter stands in another unit than the integral of power.

    Args:
        counter: energy of the day as counted (J, as its declared unit says).
        integral: power summed over the day (J), from a day without holes.

    Returns:
        None where they agree within 85 to 118 %, or where either is not above zero.
    """
    if counter <= 0 or integral <= 0 or AGREE[0] <= counter / integral <= AGREE[1]:
        return None
    what = Words("电量计数", "the energy counter")
    return _trap(counter / integral, what, against=Words("功率积分", "power summed over the day"))


def _trap(factor: float, what: Words, *, against: Words) -> Trap:
    nearest = min(KNOWN, key=lambda k: abs(np.log(factor / k)))
    named = nearest if abs(factor / nearest - 1) <= _NEAR else None
    shown = f"{named if named is not None else factor:.3g}"
    known = (
        Words("单位错误", "a wrong unit") if named is not None else Words("原因不明", "unexplained")
    )
    return Trap(
        factor, named,
        Words(f"{what.zh}为{against.zh}的 {shown} 倍：{known.zh}",
              f"{what.en} is {shown} times {against.en}: {known.en}"),
    )  # fmt: skip


def irradiance_trap(poa: Floats) -> Trap | None:
    """Whether irradiance of a week or so stands in another unit than W/m2.

    Args:
        poa: irradiance on any plane (n), in the unit declared for it; NaN is unknown.

    Returns:
        None where its 99th percentile is one that the sun can have (20 to 1,800 W/m2), or where
        there are fewer than eight values.
    """
    known = poa[np.isfinite(poa)]
    if len(known) < _FEWEST or (top := float(np.quantile(known, 0.99))) <= 0:
        return None
    if _SUN[0] <= top <= _SUN[1]:
        return None
    named = min((1e-3, 1e-2, 10.0, 100.0), key=lambda k: abs(np.log(top / k / _BRIGHT)))
    return _trap(
        named, Words("辐照度", "irradiance"), against=Words("太阳所能及者", "what the sun gives")
    )


def date_order(texts: Sequence[str]) -> Order:
    """In which order a column writes its dates: year, day or month first.

    Args:
        texts: times as written, in the file's order; empty ones are passed over. Offsets at the
            end (``Z``, ``+05:30``) and a ``T`` between date and time are allowed.

    Returns:
        The order; certain where only one can be read. Where both can (no day beyond the twelfth),
        the one whose times step most evenly, and ``certain`` is false.

    Raises:
        BadInput: no order reads all of them; the text names the first that cannot be read.
    """
    told = [_bare(text) for text in texts if text.strip()]
    if not told:
        raise BadInput("there are no dates to tell an order from")
    fitting: list[tuple[str, str]] = []
    for name, forms in FORMS.items():
        form = next((f for f in forms if _reads(told, f)), None)
        if form is not None:
            fitting.append((name, form))
    if not fitting:
        raise BadInput(f"no one order of dates reads them all; the first is {told[0]!r}")
    if len(fitting) == 1:
        name, form = fitting[0]
        words = Words(f"只有按 {form} 才能读通全部日期", f"only {form} reads all of the dates")
        return Order(name, form, certain=True, words=words)
    name, form = min(fitting, key=lambda f: _unevenness(told, f[1]))
    words = Words(
        f"两种次序都读得通，按 {form} 间隔最均匀",
        f"both orders can be read; with {form} the times step most evenly",
    )
    return Order(name, form, certain=False, words=words)


def _bare(text: str) -> str:
    """A time without its offset and fractions, with a blank between date and time."""
    text = text.strip().replace("T", " ", 1) if "T" in text[:11] else text.strip()
    text = text.removesuffix("Z")
    head, _, tail = text.rpartition("+") if "+" in text else ("", "", text)
    text = head or tail
    if len(text) > 19 and text[19] in "-.":
        text = text[:19]
    return text


def _reads(texts: Sequence[str], form: str) -> bool:
    try:
        for text in texts:
            datetime.strptime(text, form)  # noqa: DTZ007 - only whether it can be read
    except ValueError:
        return False
    return True


def _unevenness(texts: Sequence[str], form: str) -> float:
    """Share of steps that are not the usual one."""
    told = texts[:_SAMPLE]
    found = [datetime.strptime(text, form) for text in told]  # noqa: DTZ007 - differences only
    gaps = [(b - a).total_seconds() for a, b in pairwise(found) if b != a]
    if not gaps:
        return 0.0
    usual = max(set(gaps), key=gaps.count)
    return sum(gap != usual for gap in gaps) / len(gaps)


def unit_traps(view: DayView) -> list[Derived]:
    """Derive by which factor DC power, daily counters and irradiance are off, 1 where they agree.

    A counter is judged on days without holes only; irradiance by a week.
    """
    found = station(view)
    derived = []
    for mast in (*view.of("weather_station"), *view.of("plant")):
        for name in ("poa_irradiance", "ghi"):
            series = view.series(mast, name, days=_WEEK)
            if len(series) and series.t[-1] >= view.start:
                trap = irradiance_trap(series.v)
                off = 1.0 if trap is None else _told(trap)
                derived.append(of_day(view, mast, indicator="irradiance_unit_factor", value=off))
                break
    for unit in found.units():
        for name, factor in (
            ("dc_unit_factor", _power_factor(found, unit)),
            ("counter_unit_factor", _counter_factor(found, unit)),
        ):
            if factor is not None:
                derived.append(of_day(view, unit, indicator=name, value=factor))
    return derived


def _power_factor(found: Station, unit: ThingKey) -> float | None:
    dc, ac = (found.view.series(unit, name) for name in ("dc_power", "ac_power"))
    if len(dc) < _FEWEST or len(ac) < _FEWEST:
        return None
    both = found.mean(dc), found.mean(ac)
    known = np.isfinite(both[0]) & np.isfinite(both[1]) & (both[0] > 0)
    if np.count_nonzero(known) < _FEWEST:
        return None
    trap = power_trap(*both)
    return 1.0 if trap is None else _told(trap)


def _counter_factor(found: Station, unit: ThingKey) -> float | None:
    counter = counted(found.view.series(unit, "energy_day"))
    power = found.view.series(unit, "ac_power")
    if counter is None or len(power) < _FEWEST or found.step >= DAY:
        return None
    bins = found.mean(power)
    seen: NDArray[np.bool_] = np.isfinite(bins)
    inside = np.flatnonzero(seen)
    if len(inside) < _FEWEST or not seen[inside[0] : inside[-1] + 1].all():
        return None
    integral = float(bins[seen].sum()) * found.step / 1e9
    if integral <= _LOADED * found.rated(unit) * 3600 or counter <= 0:
        return None
    trap = counter_trap(counter, integral)
    return 1.0 if trap is None else _told(trap)


def _told(trap: Trap) -> float:
    return trap.factor if trap.named is None else trap.named
