"""What a score may look at: features with unit, source, direction and the reason for it.

A direction is a promise about the model and not a finding of it: where a feature ``raises`` the
risk, no case is ever scored safer because the feature has grown while all else stood still.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Final, Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

from wuxin.terms.errors import BadInput
from wuxin.terms.records import Words

Floats = NDArray[np.float64]
Direction = Literal["raises", "lowers", "free"]
"""What a larger value does to the probability of default; ``free`` promises nothing."""

Source = Literal["machine", "bank", "statement", "application", "register"]
"""Where a feature comes from: devices, account transactions, statements, the form, a register."""

SIGN: Final[Mapping[Direction, int]] = {"raises": 1, "lowers": -1, "free": 0}
_NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,62}")


class Feature(msgspec.Struct, frozen=True):
    """One column of a score's table.

    ``why`` is the reason for the direction, or for having none. ``levels`` are the names of the
    values 0, 1, 2 … of a feature without an order; it has no direction.
    """

    name: str
    unit: str
    source: Source
    direction: Direction
    why: str
    words: Words
    levels: tuple[Words, ...] = ()


def check(features: Sequence[Feature]) -> None:
    """Hold a table of features to its form.

    Raises:
        BadInput: there is none, a name is odd or stands twice, a direction has no reason, or a
            feature without an order has one.
    """
    if not features:
        raise BadInput("A score needs at least one feature.")
    seen: set[str] = set()
    for each in features:
        if not _NAME.fullmatch(each.name):
            raise BadInput(f"Feature {each.name!r}: a name has small letters, digits and _ only.")
        if each.name in seen:
            raise BadInput(f"Feature {each.name!r} stands twice in the table.")
        seen.add(each.name)
        if not each.why.strip():
            raise BadInput(f"Feature {each.name!r} does not say why it is {each.direction!r}.")
        if each.levels and each.direction != "free":
            raise BadInput(f"Feature {each.name!r} has levels without order, and so no direction.")


def table(features: Sequence[Feature], cases: Sequence[Mapping[str, float | None]]) -> Floats:
    """Put cases into the columns of a table of features.

    Args:
        features: the columns (k).
        cases: values by the feature's name (n); what is not there, or None, is missing.

    Returns:
        Values, shape (n, k), NaN where missing.

    Raises:
        BadInput: a case has a value for which there is no feature.
    """
    names = {each.name for each in features}
    for case in cases:
        if odd := sorted(set(case) - names):
            raise BadInput(f"There is no feature {odd[0]!r} in this score.")
    rows = [[case.get(each.name) for each in features] for case in cases]
    filled = [[np.nan if value is None else float(value) for value in row] for row in rows]
    return clean(features, np.array(filled, np.float64).reshape(len(cases), len(features)))


def clean(features: Sequence[Feature], x: Floats) -> Floats:
    """Take what cannot be a value as missing: infinities, and levels that have no name.

    Args:
        features: the columns (k).
        x: values, shape (n, k).

    Returns:
        A copy, NaN where missing.

    Raises:
        BadInput: the shape is not (n, k).
    """
    found = np.array(x, np.float64)
    if found.ndim != 2 or found.shape[1] != len(features):
        raise BadInput(f"The table has shape {found.shape}, and {len(features)} features are read.")
    found[~np.isfinite(found)] = np.nan
    for column, each in enumerate(features):
        if each.levels:
            values = found[:, column]
            known = np.isin(values, np.arange(len(each.levels)))
            found[:, column] = np.where(known, values, np.nan)
    return found
