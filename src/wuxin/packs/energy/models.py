"""C4, energy: the models and their cards, and the value of a station."""

from typing import Final

from wuxin.packs.energy.valuation import value
from wuxin.terms.standards import Model

MODELS: Final[tuple[Model, ...]] = ()
"""The pack's models, run on each closed day in this order."""

__all__ = ["MODELS", "value"]
