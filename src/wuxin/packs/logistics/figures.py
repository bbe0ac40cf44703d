"""What the models of this pack share: a day's figure, and a value as of a moment."""

import numpy as np
from numpy.typing import NDArray

from wuxin.terms.clock import SECOND
from wuxin.terms.names import ThingKey
from wuxin.terms.standards import DayView, Derived, Series

Floats = NDArray[np.float64]
Times = NDArray[np.int64]


def as_of(series: Series, at: int) -> float:
    """The last value at or before a moment (ns), 0 if there is none."""
    row = int(np.searchsorted(series.t, at, "right")) - 1
    return float(series.v[row]) if row >= 0 else 0.0


def one(thing: ThingKey, indicator: str, *, at: int, value: float) -> Derived:
    """A derived indicator's single value, at a moment (ns)."""
    return Derived(thing, indicator, np.array([at], np.int64), np.array([value], np.float64))


def of_day(view: DayView, thing: ThingKey, **values: float | None) -> list[Derived]:
    """Values of a whole day, dated in its last second; what is None or NaN is not said."""
    return [
        one(thing, name, at=view.end - SECOND, value=value)
        for name, value in values.items()
        if value is not None and np.isfinite(value)
    ]
