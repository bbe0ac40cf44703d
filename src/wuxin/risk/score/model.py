"""A score as a value: trees, calibration and baselines in one plain text with its digest.

The text is all there is: a model that has just been fitted is read back from it, so that what is
judged, what is kept and what is loaded later are the same to the last bit. Nothing is pickled.
"""

import hashlib
from dataclasses import dataclass
from typing import Final

import lightgbm as lgb
import msgspec
import numpy as np

from wuxin.risk.score.calibration import Calibrator, Kind
from wuxin.risk.score.features import Feature, Floats, clean
from wuxin.risk.score.stability import Baseline, Stability, watch
from wuxin.terms.errors import BadInput, Tampered

FIRST: Final = "wuxin score 1"
LAST: Final = "sha256 "
RAW: Final = "raw_score"
"""The name of the score itself among the baselines."""


class Settings(msgspec.Struct, frozen=True):
    """How trees are grown; the defaults are small trees and slow learning, for small books.

    ``trees`` of at most ``leaves`` leaves with at least ``least`` cases each, each tree weighed by
    ``rate`` and made from ``share`` of cases and of features; ``ridge`` draws leaves to zero.
    ``folds`` are held out in turn for the calibration.
    """

    trees: int = 200
    leaves: int = 8
    least: int = 20
    rate: float = 0.05
    share: float = 0.8
    ridge: float = 5.0
    folds: int = 5
    calibration: Kind = "platt"
    seed: int = 0


class Head(msgspec.Struct, frozen=True):
    """What stands above the trees.

    ``middles`` are the features' medians. ``gaps`` says which features were missing somewhere in
    training: where one never was, the trees have no way for a missing value and would read it as
    zero, so the median is put in and the reasons say so.
    """

    features: tuple[Feature, ...]
    settings: Settings
    calibrator: Calibrator
    baselines: tuple[Baseline, ...]
    middles: tuple[float, ...]
    gaps: tuple[bool, ...]
    cases: int
    bad: int


@dataclass(frozen=True, eq=False)
class Model:
    """A fitted score; ``text`` is the whole of it and ``digest`` its SHA-256."""

    head: Head
    text: str
    digest: str
    booster: lgb.Booster

    @property
    def features(self) -> tuple[Feature, ...]:
        """The columns that the model reads, in their order."""
        return self.head.features

    def raw(self, x: Floats) -> Floats:
        """The log odds of default, before calibration, of cases (n, k)."""
        return np.asarray(self._predict(x, raw_score=True), np.float64)

    def probability(self, x: Floats) -> Floats:
        """The probability of default of cases (n, k), calibrated."""
        return self.head.calibrator.probability(self.raw(x))

    def contributions(self, x: Floats) -> Floats:
        """What each feature adds to the log odds of cases, and what all begin with.

        Returns:
            Shape (n, k + 1), the last column the same for all; a row's sum is its raw score.

        Source: Lundberg, Erion and Lee, Consistent individualized feature attribution for tree
        ensembles, arXiv:1802.03888 (2018), as lightgbm has it in ``pred_contrib``.
        """
        return np.asarray(self._predict(x, pred_contrib=True), np.float64)

    def stability(self, x: Floats) -> tuple[Stability, ...]:
        """Whether cases of today (n, k) and their scores are like those of the making."""
        known = clean(self.features, x)
        return watch(self.head.baselines, [*known.T, self.raw(x)])

    def _predict(self, x: Floats, *, raw_score: bool = False, pred_contrib: bool = False) -> Floats:
        found = clean(self.features, x)
        if not len(found):
            return np.empty((0, len(self.features) + 1) if pred_contrib else 0)
        for column in np.flatnonzero(~np.array(self.head.gaps)):
            values = found[:, column]
            values[np.isnan(values)] = self.head.middles[column]
        asked = self.booster.predict(
            found, raw_score=raw_score, pred_contrib=pred_contrib, num_threads=1
        )
        return np.asarray(asked)


def assemble(head: Head, trees: str) -> Model:
    """Make a model from its head and lightgbm's text."""
    body = f"{FIRST}\n{msgspec.json.encode(head).decode()}\n{trees.rstrip()}\n"
    digest = hashlib.sha256(body.encode()).hexdigest()
    return load(f"{body}{LAST}{digest}\n")


def load(text: str, *, digest: str | None = None) -> Model:
    """Read a model's text.

    The digest in the text finds damage, not forgery: whoever forges can make a new one. Give the
    digest that stands in the record to find both; lightgbm does not guard itself against trees
    that were made to harm.

    Args:
        text: what :attr:`Model.text` was.
        digest: the digest on record, hexadecimal.

    Raises:
        BadInput: this is not a score's text, or not of this edition.
        Tampered: the text is not what its digest says, or not the one on record.
    """
    body, mark, said = text.rpartition(LAST)
    parts = body.split("\n", maxsplit=2)
    if not mark or len(parts) != 3 or parts[0] != FIRST:
        raise BadInput(f"This is not a score; its text begins with {FIRST!r} and ends in a digest.")
    found = hashlib.sha256(body.encode()).hexdigest()
    if said != f"{found}\n":
        raise Tampered("The score's text is not what its digest says.")
    if digest is not None and digest != found:
        raise Tampered(f"The score's digest is {found}, and the one on record is {digest}.")
    try:
        head = msgspec.json.decode(parts[1], type=Head)
        booster = lgb.Booster(model_str=parts[2])
    except (msgspec.MsgspecError, lgb.basic.LightGBMError) as error:
        raise BadInput(f"The score's text cannot be read: {error}.") from error
    if booster.feature_name() != [each.name for each in head.features]:
        raise BadInput("The score's trees are not of the features that stand above them.")
    return Model(head, text, found, booster)
