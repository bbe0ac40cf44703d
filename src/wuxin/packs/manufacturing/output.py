"""What was made, as counted, by the energy and by the working time, and whether these agree.

Each product takes its own energy and its own time for an item. Both are learnt from the machine's
other days; a product that was never seen before is not compared, rather than guessed.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from wuxin.packs.manufacturing.days import (
    HISTORY,
    Floats,
    by_day,
    held,
    of_day,
    period,
    power,
    spans,
)
from wuxin.packs.manufacturing.running import AUTOMATIC, find_run
from wuxin.risk import crosscheck, levels
from wuxin.risk.anomaly import SIGMA
from wuxin.risk.crosscheck import Source, Tolerance
from wuxin.terms.clock import DAY, HOUR
from wuxin.terms.names import ThingKey
from wuxin.terms.standards import DayView, Derived

COUNT, ENERGY, TIME = range(3)
_COUNTER: Final = Tolerance(0.02, 2.0, "a counter misses or doubles one item in fifty at most")
_FLOORS: Final = {ENERGY: 0.15, TIME: 0.20}
_BLIND: Final = 0.25
_DEVIATIONS: Final = 3.0
_KNOWN: Final = 0.8
_FEWEST_DAYS: Final = 4
_FEWEST_SHARE: Final = 0.05
_LEAST_ITEMS: Final = 20.0


class Made(NamedTuple):
    """One machine by day and product (days, products): items, energy while working, working time.

    Energy is in whatever unit; NaN throughout where nothing measures it.
    """

    items: Floats
    energy: Floats
    time: Floats


class Compared(NamedTuple):
    """A day's output by each source (3), what comes of it, and by how much the count is off.

    ``state`` is of :mod:`wuxin.risk.crosscheck`. ``excess`` is 0 where the count is borne out by
    another source, else the share by which it exceeds (or misses) what the others say.
    """

    values: Floats
    state: int
    trust: float
    excess: float


def compare(made: Made, day: int, *, others: Sequence[int]) -> Compared | None:
    """Compare the count of a day with what energy and time say, by rates of other days.

    Returns:
        None where fewer than twenty items were counted, or neither says anything.
    """
    counted = float(np.nansum(made.items[day]))
    if counted < _LEAST_ITEMS:
        return None
    energy = _expected(made.items, made.energy, day=day, others=others)
    time = _expected(made.items, made.time, day=day, others=others)
    values = np.array([counted, *(x[0] if x else np.nan for x in (energy, time))])
    if not np.isfinite(values[1:]).any():
        return None
    sources = [Source("count", _COUNTER)]
    for place, name, found in ((ENERGY, "energy", energy), (TIME, "time", time)):
        share = max(found[1] if found else 0.0, _FLOORS[place])
        reason = f"what other days of this machine differ by, at least {_FLOORS[place]:.0%}"
        sources.append(Source(name, Tolerance(share, 2.0, reason)))
    checked = crosscheck.check(values[:, None], sources)
    state = int(checked.state[0])
    against = not _borne_out(values, [s.tolerance for s in sources])
    said = float(np.nanmedian(values[1:]))
    excess = counted / said - 1.0 if against and said > 0 else 0.0
    return Compared(values, state, float(checked.trust[0]), excess)


def _borne_out(values: Floats, tolerances: Sequence[Tolerance]) -> bool:
    """Whether the range of the count meets that of another source."""
    widths = [max(t.share * v, t.least) for t, v in zip(tolerances, values, strict=True)]
    return any(
        abs(values[COUNT] - values[k]) <= widths[COUNT] + widths[k]
        for k in (ENERGY, TIME)
        if np.isfinite(values[k])
    )


def _expected(
    items: Floats, quantity: Floats, *, day: int, others: Sequence[int]
) -> tuple[float, float] | None:
    """Items that a quantity stands for on a day, and the share by which other days differ."""
    past = [d for d in others if np.nansum(items[d]) > 0 and np.nansum(quantity[d]) > 0]
    today = np.nan_to_num(quantity[day])
    if len(past) < _FEWEST_DAYS or today.sum() <= 0:
        return None
    rates = np.array([_rate(items[past, p], quantity[past, p]) for p in range(items.shape[1])])
    known = np.isfinite(rates)
    if today[known].sum() < _KNOWN * today.sum():
        return None
    fitted = np.nansum(np.where(known, quantity[past] * rates, 0.0), axis=1)
    whole = np.nansum(items[past], axis=1)
    good = fitted > _KNOWN * whole / 2
    logs = np.log(whole[good] / fitted[good])
    spread = SIGMA * float(np.median(np.abs(logs - np.median(logs)))) if len(logs) > 2 else np.inf
    share = min(float(np.expm1(_DEVIATIONS * spread)) if np.isfinite(spread) else _BLIND, _BLIND)
    expected = float((today[known] * rates[known]).sum()) * today.sum() / today[known].sum()
    return expected, share


def _rate(items: Floats, quantity: Floats) -> float:
    """Items for one of a quantity, of one product; NaN where it was hardly made."""
    most = np.nanmax(quantity) if np.isfinite(quantity).any() else 0.0
    good = (quantity > _FEWEST_SHARE * most) & (items > 0)
    return float(np.median(items[good] / quantity[good])) if good.any() else np.nan


def outputs(view: DayView) -> list[Derived]:
    """Derive each machine's output by count, energy and time, and whether they agree."""
    derived: list[Derived] = []
    for machine in view.of("machine"):
        counted = view.series(machine, "items")
        if len(counted):
            derived += of_day(view, machine, output_counted=float(counted.v.sum()))
        made = find_made(view, machine)
        others = _believed(view, machine)
        found = compare(made, HISTORY - 1, others=others) if made is not None else None
        if found is None:
            continue
        derived += of_day(
            view, machine,
            output_by_energy=float(found.values[ENERGY]), output_by_time=float(found.values[TIME]),
            output_state=float(found.state), output_trust=found.trust, count_excess=found.excess,
        )  # fmt: skip
    return derived


def _believed(view: DayView, machine: ThingKey) -> list[int]:
    """The earlier days to learn from: those whose count was not contradicted."""
    told = view.series(machine, "count_excess", days=HISTORY)
    odd = by_day(view, told.t[told.v != 0], days=HISTORY).tolist()
    return [day for day in range(HISTORY - 1) if day not in odd]


def find_made(view: DayView, machine: ThingKey) -> Made | None:
    """Four weeks of a machine by day and product; None where no items are counted today."""
    items = view.series(machine, "items", days=HISTORY)
    if not len(items) or items.t[-1] < view.start:
        return None
    product = held(view.series(machine, "product", days=HISTORY), items.t, most=7 * DAY)
    column = np.unique(np.nan_to_num(product, nan=-1.0), return_inverse=True)[1]
    size = (HISTORY, int(column.max()) + 1)
    drawn, is_power = power(view, machine, days=HISTORY)
    status = view.series(machine, "status", days=HISTORY)
    usual = period(view, machine, series=items)
    working = _working(view, machine, t=items.t, usual=usual)
    span = spans(items.t, usual)
    energy = held(drawn, items.t, most=2 * usual) * span
    if len(status):
        automatic = held(status, items.t, most=2 * usual) == AUTOMATIC
        working = automatic if working is None else working & automatic
    rows = (by_day(view, items.t, days=HISTORY), column)
    busy = np.ones(len(span), np.bool_) if working is None else working
    return Made(
        _table(size, rows, v=items.v),
        _table(size, rows, v=np.where(busy, energy, 0.0)) if is_power or len(drawn) else _no(size),
        _table(size, rows, v=np.where(busy, span, 0.0)) if working is not None else _no(size),
    )


def _working(
    view: DayView, machine: ThingKey, *, t: NDArray[np.int64], usual: int
) -> NDArray[np.bool_] | None:
    drawn, _ = power(view, machine, days=HISTORY)
    if levels.learn(drawn.v) is None:
        return None
    run = find_run(view, machine, days=HISTORY)
    if run is None:
        return None
    at = np.clip(np.searchsorted(run.t, t, side="right") - 1, 0, None)
    near = np.abs(t - run.t[at]) <= max(2 * usual, HOUR // 6)
    working: NDArray[np.bool_] = (run.state[at] == levels.WORKING) & near
    return working


def _table(
    size: tuple[int, int], rows: tuple[NDArray[np.int64], NDArray[np.int64]], *, v: Floats
) -> Floats:
    out = np.zeros(size)
    np.add.at(out, rows, np.nan_to_num(v))
    return out


def _no(size: tuple[int, int]) -> Floats:
    return np.full(size, np.nan)
