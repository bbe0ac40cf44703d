"""From a pack's valuation to the figures of a facility: mark to market, haircut, loan to value.

    market value    what the pool would fetch at the marked prices
    lendable value  market value × (1 − haircut), never below zero
    exposure        outstanding − cash margin held, never below zero
    loan to value   exposure / market value, rounded up to the sixth place
    shortfall       exposure − lendable value, never below zero
    restored at     the smaller of target × market value and lendable value

Rounding up makes the written ratio exceed the contract's maximum exactly when the exact one does.
"""

from decimal import ROUND_CEILING, Decimal, localcontext
from typing import Final

import msgspec

from wuxin.finance.facility import RATIO_PLACES, Terms
from wuxin.terms.money import minor
from wuxin.terms.records import Words
from wuxin.terms.standards import Valuation

UNCOVERED: Final = Decimal(1000)
"""Loan to value of a loan that stands on nothing (value zero or less); no more is ever written."""

_ZERO: Final = Decimal(0)
_NEVER_VALUED: Final = Words("尚未估值", "not valued yet")
_NO_VALUE: Final = Words("估值模型未给出价值", "the valuation model gives no value")


class Figures(msgspec.Struct, frozen=True):
    """The money figures of a facility at one moment, in its currency.

    Where the pool is not valued, ``missing`` says why and everything that hangs on the value is
    None, never zero. ``covers`` is the exposure at which a call is cured (*restored at* above).

    Source: Basel Framework CRE22 (haircuts lower the collateral, cash margin the exposure);
    CRR Art. 210.
    """

    currency: str
    outstanding: Decimal
    cash_margin: Decimal
    exposure: Decimal
    value: Decimal | None
    lendable: Decimal | None
    covers: Decimal | None
    loan_to_value: Decimal | None
    shortfall: Decimal | None
    missing: tuple[Words, ...]

    @property
    def needed(self) -> Decimal | None:
        """What must be paid to restore the target; None where the pool is not valued."""
        if self.exposure == 0:
            return self.exposure
        return None if self.covers is None else max(_ZERO, self.exposure - self.covers)

    def words(self) -> dict[str, str]:
        """The figures as they stand in an act: decimal strings; what is not known is left out."""
        known = {
            "currency": self.currency,
            "outstanding": self.outstanding,
            "cash_margin": self.cash_margin,
            "exposure": self.exposure,
            "value": self.value,
            "lendable_value": self.lendable,
            "loan_to_value": self.loan_to_value,
            "shortfall": self.shortfall,
        }
        return {name: f"{value}" for name, value in known.items() if value is not None}


def figures(
    terms: Terms, valuation: Valuation | None, *, outstanding: Decimal, cash_margin: Decimal,
    lent: Decimal | None = None, prior: Decimal = _ZERO,
) -> Figures:  # fmt: skip
    """The figures of a facility on its latest valuation (None: there was none yet).

    A value in another currency than the loan's is not valued: there is no rate between them.
    ``lent`` is what is lent against its things one by one, where that is not the value less the
    contract's haircut; ``prior`` what lenders of a better rank are owed on the same things.
    """
    exposure = minor(max(_ZERO, outstanding - cash_margin), terms.currency)
    missing = _missing(terms, valuation)
    value = lendable = covers = shortfall = None
    if not missing and valuation is not None and valuation.value is not None:
        value = minor(valuation.value.amount, terms.currency)
        value = max(value - prior, min(value, _ZERO))
        whole = value * (1 - terms.haircut) if lent is None else lent - prior
        lendable = minor(max(_ZERO, whole), terms.currency)
        covers = min(minor(max(_ZERO, value * terms.target), terms.currency), lendable)
        shortfall = max(_ZERO, exposure - lendable)
    return Figures(
        currency=terms.currency,
        outstanding=outstanding,
        cash_margin=cash_margin,
        exposure=exposure,
        value=value,
        lendable=lendable,
        covers=covers,
        loan_to_value=_loan_to_value(exposure, value),
        shortfall=shortfall,
        missing=missing,
    )


def _missing(terms: Terms, valuation: Valuation | None) -> tuple[Words, ...]:
    if valuation is None:
        return (_NEVER_VALUED,)
    if valuation.missing or valuation.value is None:
        return valuation.missing or (_NO_VALUE,)
    priced, lent = valuation.value.currency, terms.currency
    if priced != lent:
        return (
            Words(f"以{priced}计价，以{lent}放款，没有汇率", f"priced in {priced}, lent in {lent}"),
        )
    return ()


def _loan_to_value(exposure: Decimal, value: Decimal | None) -> Decimal | None:
    if exposure == 0:
        return _ZERO.quantize(RATIO_PLACES)
    if value is None:
        return None
    if value <= 0:
        return UNCOVERED.quantize(RATIO_PLACES)
    with localcontext() as context:
        context.rounding = ROUND_CEILING
        return min(exposure / value, UNCOVERED).quantize(RATIO_PLACES)
