"""Money: a Decimal amount with its currency (ISO 4217); never a float."""

import re
from decimal import ROUND_HALF_EVEN, Decimal, InvalidOperation
from typing import Final

import msgspec

from wuxin.terms.errors import BadInput

_MINOR: Final = {"JPY": 0, "KRW": 0}
_DIGITS: Final = 18


class Money(msgspec.Struct, frozen=True, order=False):
    """An amount in one currency.

    Arithmetic is exact; :meth:`rounded` brings it to the currency's minor unit, half to even.
    """

    amount: Decimal
    currency: str

    def __add__(self, other: "Money") -> "Money":
        return Money(self.amount + self._same(other), self.currency)

    def __sub__(self, other: "Money") -> "Money":
        return Money(self.amount - self._same(other), self.currency)

    def __mul__(self, factor: Decimal) -> "Money":
        return Money(self.amount * factor, self.currency)

    def __lt__(self, other: "Money") -> bool:
        return self.amount < self._same(other)

    def __str__(self) -> str:
        return f"{self.rounded().amount:,f} {self.currency}"

    def rounded(self) -> "Money":
        """To the minor unit of the currency, half to even."""
        unit = Decimal(1).scaleb(-_MINOR.get(self.currency, 2))
        return Money(self.amount.quantize(unit, ROUND_HALF_EVEN), self.currency)

    def _same(self, other: "Money") -> Decimal:
        if other.currency != self.currency:
            raise BadInput(f"{self.currency} and {other.currency} cannot be added without a rate")
        return other.amount


def money(text: str | int, currency: str) -> Money:
    """Read an amount written as a string or integer.

    Raises:
        BadInput: not a number of less than 10^18, or the currency is not three capital letters.
    """
    if not re.fullmatch("[A-Z]{3}", currency):
        raise BadInput(f"{currency!r} is not an ISO 4217 currency code")
    try:
        amount = Decimal(str(text))
    except InvalidOperation:
        raise BadInput(f"{text!r} is not an amount of money") from None
    if not amount.is_finite() or amount.adjusted() >= _DIGITS:
        raise BadInput(f"{text!r} is not an amount of money")
    return Money(amount, currency)


def exact(value: float) -> Decimal:
    """The shortest decimal that a measured float stands for (its ``repr``), for sums with money."""
    return Decimal(repr(float(value)))


def minor(value: Decimal, currency: str) -> Decimal:
    """Round money to the minor unit of its currency, half to even."""
    return Money(value, currency).rounded().amount


def plain(value: Decimal) -> str:
    """A number to six decimals without zeros at its end."""
    text = f"{value:.6f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text
