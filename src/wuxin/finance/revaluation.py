"""Revaluation of a whole book at once: columns of whole numbers in, sums per facility out.

No money is a float. A quantity is whole thousandths of its unit, a price whole hundredths of the
minor unit (0.0001 yuan), a haircut whole millionths. The rounding rule:

    value     quantity × price, of one thing, to the minor unit, half to even
    lendable  value × (1 − haircut), of one thing, rounded down to the minor unit; a value below
              zero is a burden and counts in full, without a haircut
    facility  the sums of both; its lendable value is never below zero

What has no valid price is no zero: the thing is named with its problem, and the facility is not
valued until it is resolved. All prices and facilities of one call are in one currency.
"""

from collections.abc import Sequence
from decimal import Decimal
from enum import IntEnum
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from wuxin.terms.errors import BadInput
from wuxin.terms.records import Words

QUANTITY: Final = 1_000
PRICE: Final = 100
HAIRCUT: Final = 1_000_000
LARGEST: Final = 9 * 10**18
"""Beyond this (near 2^63) a thing's value is a problem, not a number."""

_STEP: Final = QUANTITY * PRICE
_BLOCK: Final = 2**20
_HALF: Final = 2**32
Whole = NDArray[np.int64]


class Problem(IntEnum):
    """Why a thing has no value."""

    NONE = 0
    NO_PRICE = 1
    EXPIRED = 2
    NOT_YET = 3
    NO_QUANTITY = 4
    NO_HAIRCUT = 5
    TOO_LARGE = 6


PROBLEMS: Final = {
    Problem.NO_PRICE: Words("没有价格", "there is no price"),
    Problem.EXPIRED: Words("价格已过期", "the price has expired"),
    Problem.NOT_YET: Words("价格尚未生效", "the price is not valid yet"),
    Problem.NO_QUANTITY: Words("没有数量或数量为负", "there is no quantity, or one below zero"),
    Problem.NO_HAIRCUT: Words("折扣率不在0至1之间", "the haircut is not between 0 and 1"),
    Problem.TOO_LARGE: Words("价值超出可计范围", "the value is too large to count"),
}


class Prices(msgspec.Struct, frozen=True):
    """The prices of goods, columns of shape (goods,).

    ``price`` is in hundredths of the minor unit per unit of quantity; ``since`` and ``until`` (ns)
    bound its validity, until exclusive; ``known`` is False where there is none.
    """

    price: Whole
    since: Whole
    until: Whole
    known: NDArray[np.bool_]


class Holdings(msgspec.Struct, frozen=True):
    """The pledged things, columns of shape (things,).

    ``facility`` and ``good`` are indices, a good of −1 is none; ``quantity`` is in thousandths,
    −1 where it is not known; ``haircut`` is in millionths.
    """

    facility: NDArray[np.int32]
    good: NDArray[np.int32]
    quantity: Whole
    haircut: Whole


class Revalued(msgspec.Struct, frozen=True):
    """The book at one moment.

    ``value``, ``lendable`` and ``problem`` are per thing (minor units; 0 where there is a problem,
    which ``problem`` tells from a true zero). ``values`` and ``lendables`` are per facility, exact
    whole minor units, None where one of its things has a problem; ``unresolved`` counts those.
    """

    value: Whole
    lendable: Whole
    problem: NDArray[np.uint8]
    values: tuple[int | None, ...]
    lendables: tuple[int | None, ...]
    unresolved: Whole

    def words(self, thing: int) -> Words | None:
        """The problem of a thing in words, None where there is none."""
        return PROBLEMS.get(Problem(int(self.problem[thing])))


def scaled(numbers: Sequence[Decimal], scale: int) -> Whole:
    """Decimals as whole numbers of a column.

    Raises:
        BadInput: a number is no number, finer than the scale, or too large.
    """
    whole = []
    for number in numbers:
        if not number.is_finite() or abs(number) * scale > LARGEST:
            raise BadInput(f"{number} cannot be counted in steps of 1/{scale}")
        times = number * scale
        if times != int(times):
            raise BadInput(f"{number} is finer than 1/{scale}")
        whole.append(int(times))
    return np.array(whole, np.int64)


def revalue(held: Holdings, prices: Prices, *, facilities: int, at: int) -> Revalued:
    """Value every thing, and sum by facility.

    Args:
        held: the things, columns of one length n.
        prices: the prices of the goods that ``held.good`` indexes.
        facilities: how many there are; ``held.facility`` lies below.
        at: the moment (ns).

    Raises:
        BadInput: columns differ in length, or an index points nowhere.
    """
    _whole_table(held, prices, facilities=facilities)
    problem, price = _problems(held, prices, at=at), np.zeros(len(held.good), np.int64)
    rows = problem == Problem.NONE
    price[rows] = prices.price[held.good[rows]]
    quantity = np.where(rows, held.quantity, 0)
    # Near enough in floats to know that the whole numbers below do not run over.
    size = np.abs(quantity / _STEP) * np.abs(price.astype(np.float64))
    large = (size >= LARGEST * 0.999) | (np.abs(price.astype(np.float64)) >= LARGEST / _STEP)
    problem[large] = Problem.TOO_LARGE
    quantity[large] = price[large] = 0
    value = _worth(quantity, price)
    keep = HAIRCUT - np.where(problem == Problem.NONE, held.haircut, 0)
    # floor(v k / m) = (v // m) k + floor((v mod m) k / m), which stays within 64 bits.
    over, rest = _split(value, HAIRCUT)
    lendable = np.where(value < 0, value, over * keep + rest * keep // HAIRCUT)
    bad = np.bincount(held.facility[problem != Problem.NONE], minlength=facilities)
    sums = _sums(held.facility, value, groups=facilities)
    lent = [max(0, one) for one in _sums(held.facility, lendable, groups=facilities)]
    return Revalued(value, lendable, problem, _known(sums, bad), _known(lent, bad), bad)


def _problems(held: Holdings, prices: Prices, *, at: int) -> NDArray[np.uint8]:
    of_goods = np.full(len(prices.price) + 1, Problem.NO_PRICE, np.uint8)
    of_goods[:-1] = np.select(
        [~prices.known, prices.since > at, prices.until <= at],
        [Problem.NO_PRICE, Problem.NOT_YET, Problem.EXPIRED],
        Problem.NONE,
    )
    problem: NDArray[np.uint8] = of_goods[held.good]
    clean = problem == Problem.NONE
    problem[clean & ((held.haircut < 0) | (held.haircut > HAIRCUT))] = Problem.NO_HAIRCUT
    problem[clean & (held.quantity < 0)] = Problem.NO_QUANTITY
    return problem


def _worth(quantity: Whole, price: Whole) -> Whole:
    over, rest = _split(quantity, _STEP)
    part, left = _split(rest * price, _STEP)
    value = over * price + part
    up = (2 * left > _STEP) | ((2 * left == _STEP) & (value & 1 == 1))
    return np.asarray(value + up, np.int64)


def _split(amounts: Whole, step: int) -> tuple[Whole, Whole]:
    """Quotient (rounded down) and rest; NumPy's own divmod is several times slower by a scalar."""
    over = amounts // step
    return over, amounts - over * step


def _sums(group: NDArray[np.int32], amounts: Whole, *, groups: int) -> list[int]:
    """Exact sums: each half of 32 bits is summed in blocks so short that a float holds it exactly.

    A half is below 2^32 and a block has 2^20 rows: sums stay below 2^53.
    """
    total = [0] * groups
    for start in range(0, len(amounts), _BLOCK):
        these, block = group[start : start + _BLOCK], amounts[start : start + _BLOCK]
        high, low = block >> 32, block & (_HALF - 1)
        highs = np.bincount(these, high, groups).astype(np.int64).tolist()
        lows = np.bincount(these, low, groups).astype(np.int64).tolist()
        total = [t + h * _HALF + w for t, h, w in zip(total, highs, lows, strict=True)]
    return total


def _known(sums: Sequence[int], bad: Whole) -> tuple[int | None, ...]:
    return tuple(None if b else one for one, b in zip(sums, bad.tolist(), strict=True))


def _whole_table(held: Holdings, prices: Prices, *, facilities: int) -> None:
    columns = (held.facility, held.good, held.quantity, held.haircut)
    goods = (prices.price, prices.since, prices.until, prices.known)
    if len({len(c) for c in columns}) > 1 or len({len(c) for c in goods}) > 1:
        raise BadInput("the columns of things, or those of prices, differ in length")
    if not len(held.good):
        return
    if held.facility.min() < 0 or held.facility.max() >= facilities:
        raise BadInput(f"a thing belongs to a facility outside of 0 to {facilities - 1}")
    if held.good.min() < -1 or held.good.max() >= len(prices.price):
        raise BadInput(f"a thing is a good outside of −1 to {len(prices.price) - 1}")
