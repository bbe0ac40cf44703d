"""A model's figure of a day: one value, known at the day's end."""

import numpy as np

from wuxin.terms.clock import SECOND
from wuxin.terms.names import ThingKey
from wuxin.terms.standards import DayView, Derived


def of_day(view: DayView, thing: ThingKey, *, name: str, value: float) -> Derived:
    """A derived indicator's value for the whole day, dated in the day's last second."""
    return Derived(thing, name, np.array([view.end - SECOND], np.int64), np.array([value]))
