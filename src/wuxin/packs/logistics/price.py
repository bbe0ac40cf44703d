"""Price against stock: how far an index has moved, and what of a change of value is price."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Final, NamedTuple

import numpy as np

from wuxin.packs.logistics.figures import Floats, Times, as_of, of_day
from wuxin.terms.clock import DAY
from wuxin.terms.errors import BadInput
from wuxin.terms.standards import DayView, Derived, Series

MONTH: Final = 30
YEAR: Final = 365
_LEAST: Final = 5


class Moved(NamedTuple):
    """How far an index has moved: change in 30 days and fall from the year's top (shares)."""

    month: float
    fall: float


class Effect(NamedTuple):
    """A change of value taken apart: what is of the price, what of the quantity; they add up."""

    price: Decimal
    quantity: Decimal


class Against(NamedTuple):
    """Stock against an index (n): value at each moment, and its parts since the first.

    ``covered`` is the share of the moments at which a price was known; a moment without one has no
    value (NaN).
    """

    value: Floats
    price_effect: Floats
    quantity_effect: Floats
    covered: float


def moved(t: Times, price: Floats, *, at: int) -> Moved:
    """How far an index has moved by a moment (ns).

    Args:
        t: of each price (n), ns, in order.
        price: n values, above zero.
        at: the moment (ns); later prices are not looked at.

    Returns:
        NaN where there is no price 20 to 70 days old (a monthly index is a month apart), or none.
    """
    known = t <= at
    t, price = t[known], price[known]
    if not len(t):
        return Moved(float("nan"), float("nan"))
    before = np.flatnonzero((t <= t[-1] - 20 * DAY) & (t >= t[-1] - 70 * DAY))
    near = before[np.argmin(np.abs(t[before] - (t[-1] - MONTH * DAY)))] if len(before) else None
    month = float(price[-1] / price[near] - 1) if near is not None else float("nan")
    top = float(price[t > t[-1] - YEAR * DAY].max())
    return Moved(month, float(1 - price[-1] / top))


def effects(quantity: tuple[Decimal, Decimal], price: tuple[Decimal, Decimal]) -> Effect:
    """Take a change of value apart into price and quantity, exactly.

    Args:
        quantity: before and after.
        price: before and after.

    Source: Bennet, J. R. Stat. Soc. 83 (1920) 455: each change at the mean of the other.
    """
    by_price = (price[1] - price[0]) * (quantity[0] + quantity[1]) / 2
    by_quantity = (quantity[1] - quantity[0]) * (price[0] + price[1]) / 2
    return Effect(by_price, by_quantity)


def against_index(stock: Series, index: Series, *, valid: int = 62 * DAY) -> Against:
    """Hold stock against an index: its value as it went, and why it changed.

    Args:
        stock: quantity (n) at its moments, in the unit of the price.
        index: price at its moments of being known.
        valid: how long (ns) a price is good for.

    Returns:
        For each moment of the stock; the effects are added up from the first that has a price.
    """
    row = np.searchsorted(index.t, stock.t, "right") - 1
    known = np.zeros(len(stock), bool)
    price = np.full(len(stock), np.nan)
    if len(index):
        known = (row >= 0) & (stock.t - index.t[np.maximum(row, 0)] <= valid)
        price = np.where(known, index.v[np.maximum(row, 0)], np.nan)
    by_price, by_quantity = np.full(len(stock), np.nan), np.full(len(stock), np.nan)
    p, q = price[known], stock.v[known]
    if len(p):
        one = np.diff(p) * (q[1:] + q[:-1]) / 2
        two = np.diff(q) * (p[1:] + p[:-1]) / 2
        by_price[known] = np.concatenate([[0.0], np.cumsum(one)])
        by_quantity[known] = np.concatenate([[0.0], np.cumsum(two)])
    return Against(price * stock.v, by_price, by_quantity,
                   float(known.mean()) if len(stock) else 0.0)  # fmt: skip


def basis(index: Floats, local: Floats) -> tuple[float, float]:
    """How a local price follows an index: the elasticity of its changes, and their correlation.

    Args:
        index: prices (n) at common moments.
        local: likewise.

    Raises:
        BadInput: fewer than six prices, or one that is not above zero.
    """
    if len(index) != len(local) or len(index) <= _LEAST or min(index.min(), local.min()) <= 0:
        raise BadInput("a basis needs six prices above zero of each at common moments")
    x, y = np.diff(np.log(index)), np.diff(np.log(local))
    if x.std() <= 0 or y.std() <= 0:
        return 0.0, 0.0
    r = float(np.corrcoef(x, y)[0, 1])
    return r * float(y.std() / x.std()), r


def cover(stock: float, sold: Sequence[float]) -> float:
    """How many periods the stock lasts at the mean of what was sold in each; inf: nothing was."""
    mean = float(np.mean(sold)) if len(sold) else 0.0
    return stock / mean if mean > 0 else float("inf")


def prices_day(view: DayView) -> list[Derived]:
    """Derive of an index how far it moved in a month and fell from the year's top.

    What is measured is kept for 45 days only; the year's top is therefore carried on in a derived
    indicator of its own.
    """
    found: list[Derived] = []
    for index in view.of("price_series"):
        known = view.series(index, "price", days=45)
        if not len(known) or as_of(known, view.end - 1) <= 0:
            continue
        now = moved(known.t, known.v, at=view.end - 1)
        tops = view.series(index, "price_top", days=YEAR)
        last = float(known.v[-1])
        top = max([last, *tops.v.tolist()[-1:], float(known.v.max())])
        if len(tops) and top == tops.v[-1] and tops.v[0] == top and len(tops) >= YEAR - 1:
            top = max(last, float(known.v.max()))
        found += of_day(
            view, index, price_month=now.month, price_fall=1 - last / top, price_top=top
        )
    return found
