"""The dynamic haircut through time: fitted anew each month, and moved on by every price between.

What is fitted on depends on the prices alone, so that it is the same after a restart.
"""

from collections.abc import Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Final

from wuxin.terms.clock import DAY
from wuxin.terms.records import Words

if TYPE_CHECKING:
    from wuxin.risk.volatility import Fit

_SPAN: Final = 28 * DAY
"""How long a fit is kept (ns of event time)."""

_KEPT: Final = 64


class Falls:
    """How far prices may fall, with the fits that are in use."""

    def __init__(self) -> None:
        self._fits: dict[tuple[int, int, float], Fit | None] = {}

    def __call__(
        self, days: Sequence[tuple[int, float]], *, horizon_days: int, confidence: float
    ) -> tuple[Decimal | None, Words]:
        """The haircut on a good, and why.

        Args:
            days: its prices, oldest first: event time (ns) and price.
            horizon_days: from the last good mark to the money from the sale.
            confidence: see :func:`wuxin.risk.haircut.dynamic_haircut`.

        Returns:
            The haircut, None where there are too few prices; in words.
        """
        from wuxin.risk.haircut import dynamic_haircut  # noqa: PLC0415 - arch takes two seconds

        if not days:
            return None, Words("没有价格序列", "there is no series of prices")
        cut = days[-1][0] // _SPAN * _SPAN
        before = [value for at, value in days if at < cut]
        key = (cut, len(before), before[-1] if before else 0.0)
        if key not in self._fits:
            parts = dynamic_haircut(before).parts if before else None
            self._fits[key] = parts.fit if parts is not None else None
            while len(self._fits) > _KEPT:
                del self._fits[next(iter(self._fits))]
        found = dynamic_haircut(
            [value for _, value in days], horizon_days=horizon_days, confidence=confidence,
            fitted=self._fits[key],
        )  # fmt: skip
        said = found.missing or found.reasons
        return found.fraction, Words("；".join(w.zh for w in said), "; ".join(w.en for w in said))
