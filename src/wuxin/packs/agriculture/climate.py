"""The climate of a barn: the temperature-humidity index and the hours of heat stress."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from wuxin.terms.clock import HOUR, SECOND
from wuxin.terms.standards import DayView, Derived

Floats = NDArray[np.float64]

STRESS: Final = 72.0
"""Index at which cows suffer: the threshold of mild stress (Armstrong, J. Dairy Sci. 77, 1994)."""

_LONGEST: Final = 2 * HOUR
_ZERO: Final = 273.15


def humidity_index(temperature: Floats, humidity: Floats) -> Floats:
    """The temperature-humidity index of the National Research Council (1971).

    ``(1.8 T + 32) − (0.55 − 0.55 RH) (1.8 T − 26)`` with T in degrees Celsius.

    Args:
        temperature: of the air (n, K).
        humidity: relative humidity (n, share of 1).
    """
    celsius = temperature - _ZERO
    return (1.8 * celsius + 32) - (0.55 - 0.55 * humidity) * (1.8 * celsius - 26)


def climate(view: DayView) -> list[Derived]:
    """The index where both were measured, and the time of the day above the threshold.

    A reading stands until the next one, two hours at most.
    """
    derived = []
    for barn in view.of("barn"):
        warm = view.series(barn, "air_temperature")
        damp = view.series(barn, "relative_humidity")
        at, left, right = np.intersect1d(warm.t, damp.t, return_indices=True)
        if not len(at):
            continue
        index = humidity_index(warm.v[left], damp.v[right])
        derived.append(Derived(barn, "temperature_humidity_index", at, index))
        lasted = np.minimum(np.diff(np.append(at, view.end)), _LONGEST)
        hot = np.array([float(lasted[index >= STRESS].sum()) / 1e9])
        end = np.array([view.end - SECOND], np.int64)
        derived.append(Derived(barn, "heat_stress_time", end, hot))
    return derived
