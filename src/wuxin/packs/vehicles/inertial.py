"""What an accelerometer and a gyroscope say about a vehicle's motion, however they are mounted.

A phone lies in any direction, samples at any rate, and sends acceleration with gravity or without.
Here it becomes one form: ten values a second of acceleration in the plane of the road and of yaw.

Without gravity the acceleration has mostly been through the phone's own high-pass filter, which
takes every long push away and gives it back with the other sign when it ends. Where the spectrum
shows such a filter, it is undone.
"""

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from wuxin.terms.clock import SECOND

Floats = NDArray[np.float64]
Times = NDArray[np.int64]

STEP: Final = 0.1
"""Seconds between two values of :class:`Motion`."""

GRAVITY: Final = 9.80665
"""m/s² (CGPM 1901)."""

FILTER: Final = 1.6
"""Time constant (s) of a phone's gravity filter, from its decay after stops of the trip's half."""

_LEAK: Final = 12.0
_GRAVITY_OVER: Final = 40.0
_BANDS: Final = ((0.03, 0.07), (0.12, 0.35))
_FILTERED_BELOW: Final = 3.0
_SEGMENT: Final = 60.0
_ALONE: Final = 0.8
_GAP: Final = 1.0


class Motion(NamedTuple):
    """A trip at ten values a second (n).

    ``t`` is ns; ``push`` (n, 3) the acceleration without gravity, smoothed over a second, m/s²,
    NaN within gaps; ``shake`` what is faster, m/s², which grows with speed; ``yaw`` rad/s about the
    vertical, NaN where no gyroscope tells. ``sided``: positive yaw is a turn to the left; else only
    its changes of sign mean something. ``restored``: a filter was undone.
    """

    t: Times
    push: Floats
    shake: Floats
    yaw: Floats
    sided: bool
    restored: bool


def motion(
    t: Times,
    acceleration: Floats,
    *,
    gyro_t: Times | None = None,
    gyro: Floats | None = None,
    up: tuple[float, float, float] | None = None,
) -> Motion | None:
    """Bring a phone's or a box's sensors into one form.

    Args:
        t: moments of the accelerometer (n), ns, in any order; doubles and gaps are allowed.
        acceleration: (n, 3), m/s², with gravity or without, in any direction; NaN is left out.
        gyro_t: moments of the gyroscope (m), ns.
        gyro: (m, 3), rad/s, in the same axes.
        up: the vertical in these axes, where it is known (``(0, 0, 1)`` for axes of the Earth).

    Returns:
        None where there are fewer than ten seconds.

    Source: for the vertical from the gyroscope: vehicles turn about it alone (principal axis of the
    rotation rates); for the filter: the spectrum of acceleration, :data:`_BANDS`.
    """
    t, acceleration = _sorted(t, acceleration)
    if len(t) < 2 or t[-1] - t[0] < 10 * SECOND:
        return None
    grid = np.arange(t[0], t[-1], int(STEP * SECOND), dtype=np.int64)
    mean = _means(t, acceleration, grid=grid, width=0.3)
    holes = ~np.isfinite(mean).all(axis=1)
    mean = _bridged(mean)
    gravity = _running(mean, _GRAVITY_OVER)
    has_gravity = float(np.linalg.norm(np.median(mean, axis=0))) > GRAVITY / 2
    if has_gravity:
        up_axis: Floats | None = _unit(np.median(mean, axis=0))
        mean = mean - gravity
    else:
        up_axis = None if up is None else _unit(np.array(up, np.float64))
    yaw, turning = _yaw(gyro_t, gyro, grid=grid, up=up_axis)
    axis = up_axis if up_axis is not None else turning
    if axis is not None:
        mean = mean - (mean @ axis)[:, None] * axis
    filtered = is_filtered(mean)
    push = _running(undone(mean) if filtered else mean, 1.0)
    quick = _means(t, (acceleration - _at(t, acceleration)) ** 2, grid=grid, width=1.0)
    shake = np.sqrt(np.nan_to_num(quick).sum(axis=1))
    push[holes] = np.nan
    return Motion(grid, push, shake, yaw, up_axis is not None and gyro is not None, filtered)


def is_filtered(push: Floats) -> bool:
    """Whether slow accelerations (n, 3) are missing, as a high-pass filter leaves them.

    Pushes of half a minute and pushes of five seconds are compared: on roads the slow ones are the
    stronger, after the filter the weaker.
    """
    size = int(_SEGMENT / STEP)
    if len(push) < size:
        return False
    power = np.zeros(size // 2 + 1)
    for begin in range(0, len(push) - size + 1, size // 2):
        part = push[begin : begin + size]
        shaped = (part - part.mean(axis=0)) * np.hanning(size)[:, None]
        power += (np.abs(np.fft.rfft(shaped, axis=0)) ** 2).sum(axis=1)
    at = np.fft.rfftfreq(size, STEP)
    slow, fast = (float(power[(at >= low) & (at <= high)].mean()) for low, high in _BANDS)
    return fast > 0 and slow < _FILTERED_BELOW * fast


def undone(push: Floats, *, constant: float = FILTER) -> Floats:
    """Acceleration (n, 3) before a first-order high-pass filter of that time constant (s).

    ``a = y + (1/τ) ∫ y``; the integral leaks over twelve seconds, so that an offset does not grow.
    """
    summed, kept = np.zeros(push.shape[1]), np.empty_like(push)
    keep = 1 - STEP / _LEAK
    for k, value in enumerate(push):
        summed = summed * keep + value * STEP
        kept[k] = value + summed / constant
    return kept


def _sorted(t: Times, v: Floats) -> tuple[Times, Floats]:
    v = np.asarray(v, np.float64).reshape(-1, 3)
    good = np.isfinite(v).all(axis=1)
    t, v = np.asarray(t, np.int64)[good], v[good]
    order = np.argsort(t, kind="stable")
    return t[order], v[order]


def _means(t: Times, v: Floats, *, grid: Times, width: float) -> Floats:
    """Means of samples within ``width`` seconds around moments.

    Where there is none, the nearest sample within half a second; NaN where there is none either.
    """
    half = int(width * SECOND / 2)
    sums = np.concatenate([np.zeros((1, v.shape[1])), np.cumsum(v, axis=0)])
    a, b = np.searchsorted(t, grid - half), np.searchsorted(t, grid + half, side="right")
    count = b - a
    found: Floats = (sums[b] - sums[a]) / np.maximum(count, 1)[:, None]
    near = np.clip(np.searchsorted(t, grid), 1, len(t) - 1)
    near = np.where(grid - t[near - 1] <= t[near] - grid, near - 1, near)
    close = np.abs(t[near] - grid) <= _GAP * SECOND / 2
    empty = count == 0
    found[empty] = np.where(close[empty, None], v[near[empty]], np.nan)
    return found


def _bridged(v: Floats) -> Floats:
    """The same with gaps on straight lines, for filters that need every value."""
    at = np.arange(len(v))
    filled = v.copy()
    for k in range(v.shape[1]):
        good = np.isfinite(v[:, k])
        filled[:, k] = np.interp(at, at[good], v[good, k])
    return filled


def _running(v: Floats, seconds: float) -> Floats:
    """Centred running means of rows (n, 3); shorter at the ends."""
    half = max(round(seconds / STEP) // 2, 0)
    sums = np.concatenate([np.zeros((1, v.shape[1])), np.cumsum(v, axis=0)])
    at = np.arange(len(v))
    a, b = np.maximum(at - half, 0), np.minimum(at + half + 1, len(v))
    return np.asarray((sums[b] - sums[a]) / (b - a)[:, None], np.float64)


def _at(t: Times, v: Floats) -> Floats:
    """Means over half a second at the samples themselves."""
    return _means(t, v, grid=t, width=0.5)


def _unit(v: Floats) -> Floats:
    return np.asarray(v / np.linalg.norm(v), np.float64)


def _yaw(
    t: Times | None, rates: Floats | None, *, grid: Times, up: Floats | None
) -> tuple[Floats, Floats | None]:
    """Rotation about the vertical at moments, and the axis where the rotation itself tells it."""
    nothing = np.full(len(grid), np.nan)
    if t is None or rates is None:
        return nothing, None
    t, rates = _sorted(t, rates)
    if len(t) < 2:
        return nothing, None
    slow = _means(t, rates, grid=grid, width=0.5)
    known = np.isfinite(slow).all(axis=1)
    axis = up
    if axis is None and known.any():
        values, vectors = np.linalg.eigh(slow[known].T @ slow[known])
        if values[-1] < _ALONE * values.sum():
            return nothing, None
        axis = np.asarray(vectors[:, -1], np.float64)
    if axis is None:
        return nothing, None
    return np.asarray(slow @ axis, np.float64), axis
