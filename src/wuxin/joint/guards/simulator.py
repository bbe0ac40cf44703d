"""A simulator of banks whose machines report, some of them forged: stated assumptions, no data.

Five banks, each with its own customers and machines. Labels follow from columns by one logistic
model for all, with a little difference between banks; a meter follows from the output of its
machine with an error of a fifth.
"""

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


@dataclass
class Banks:
    """Tables of the banks; the shapes are (banks, rows, columns) and (banks, rows)."""

    x: Floats
    y: Floats
    reading: Floats
    expected: Floats
    weights: Floats
    chance: np.random.Generator = field(repr=False)

    def flip(self, bank: int, share: float) -> None:
        """Turn a share of a bank's labels."""
        turned = self.chance.random(self.y.shape[1]) < share
        self.y[bank] = np.where(turned, 1 - self.y[bank], self.y[bank])

    def poison(self, bank: int, share: float) -> None:
        """Put in cases that look as bad as can be and are said to go well, to bend the model."""
        rows = int(share * self.y.shape[1])
        self.x[bank, :rows] = 3 * self.weights / np.linalg.norm(self.weights)
        self.y[bank, :rows] = 0.0

    def move(self, bank: int, by: float) -> None:
        """Shift one column, as another kind of customer would."""
        self.x[bank, :, 0] += by

    def blow_up(self, bank: int, share: float) -> None:
        """Write some values of one column in another unit."""
        rows = int(share * self.x.shape[1])
        self.x[bank, :rows, 0] *= 20

    def make_up(self, bank: int) -> None:
        """Report numbers of the right size that have nothing to do with the machine."""
        self.reading[bank] = self.chance.permutation(self.reading[bank])

    def calculate(self, bank: int) -> None:
        """Report what the meter should say, with next to no error."""
        error = self.chance.normal(scale=0.02, size=self.reading.shape[1])
        self.reading[bank] = 2 + self.expected[bank] + error

    def rescale(self, bank: int, factor: float) -> None:
        """Report a multiple of the true reading."""
        self.reading[bank] *= factor


def banks(
    seed: int, *, rows: int = 400, columns: int = 8, owners: int = 5, correlation: float = 0.0
) -> Banks:
    """Make honest banks; ``weights`` are those of all together.

    Columns have variance 1 and any two of a bank's the same ``correlation``, 0 to 1. Banks' odds
    differ by 0.42, one standard deviation, where those of customers differ by 1.5.
    """
    chance = np.random.default_rng(seed)
    weights = chance.normal(size=columns)
    alike = (1 - correlation) * np.eye(columns) + correlation
    weights *= 1.5 / np.sqrt(weights @ alike @ weights)  # an AUC of about 0.8
    x = chance.normal(size=(owners, rows, columns))
    # the more columns there are, the less each differs, so that odds differ by as much
    own = weights + chance.normal(scale=0.15 * np.sqrt(8 / columns), size=(owners, columns))
    if correlation:
        shared = chance.normal(size=(owners, rows, 1))
        x = np.sqrt(1 - correlation) * x + np.sqrt(correlation) * shared
    odds = np.einsum("brc,bc->br", x, own) - 0.7
    y = (chance.random((owners, rows)) < 1 / (1 + np.exp(-odds))).astype(float)
    expected = chance.normal(5, 1, size=(owners, rows))
    reading = 2 + expected + chance.normal(scale=0.2, size=(owners, rows))
    return Banks(x, y, reading, expected, weights, chance)
