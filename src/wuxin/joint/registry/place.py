"""Place and weight as text: cells on the ground and on a scale, so wide that no near lot is missed.

Cells are twice the tolerance wide, each way. What lies within the tolerance of a lot is in its own
cell or in one of at most seven that its tolerance reaches into (:func:`near`); what lies further
off than three tolerances is in none of them. East-west cells are counted within their own band of
latitude, since metres per degree change from band to band.
"""

import math
from itertools import product
from typing import Final, NamedTuple

from wuxin.terms.datum import EARTH_M

METRES: Final = 30.0
"""How near is the same spot; a settings choice of the members, as in the bank's own register."""

WEIGHT: Final = 0.005
"""How near is the same weight, as a share of it; the same."""

_METRE_DEG: Final = math.degrees(1 / EARTH_M)


class Lot(NamedTuple):
    """Where goods lie, WGS-84 degrees, and what they weigh, grams, above zero."""

    latitude_deg: float
    longitude_deg: float
    weight_g: float


def spot(lot: Lot) -> str:
    """The one cell in which a lot is entered."""
    band = _cell(lot.latitude_deg, 2 * METRES * _METRE_DEG)
    east = _cell(lot.longitude_deg, 2 * METRES * _east_deg(band))
    return _text(band, east, weight=_cell(math.log(lot.weight_g), 2 * WEIGHT))


def near(lot: Lot) -> list[str]:
    """The cells, at most eight, in which a lot within the tolerance may have been entered."""
    reach = METRES * _METRE_DEG
    found: dict[str, None] = {}
    for north in (-reach, reach):
        band = _cell(lot.latitude_deg + north, 2 * reach)
        wide = METRES * _east_deg(band)
        for east, heavy in product((-wide, wide), (-WEIGHT, WEIGHT)):
            column = _cell(lot.longitude_deg + east, 2 * wide)
            weight = _cell(math.log(lot.weight_g) + heavy, 2 * WEIGHT)
            found[_text(band, column, weight=weight)] = None
    return [*found]


def shifted(lot: Lot) -> list[str]:
    """Eight cells of eight grids, each half a cell apart: near lots share at least one.

    Where only equal keys are found, as in the hidden check over a whole night's books, neighbours
    cannot be looked up; two lots within the tolerance share a cell of one of the grids. The bands
    of latitude must be the same for that, so that east-west is counted in half degrees' bands.
    """
    reach = METRES * _METRE_DEG
    wide = reach / math.cos(math.radians(min(abs(round(2 * lot.latitude_deg) / 2), 89.0)))
    found = []
    for grid in product((0, 1), repeat=3):
        north = _cell(lot.latitude_deg + grid[0] * reach, 2 * reach)
        east = _cell(lot.longitude_deg + grid[1] * wide, 2 * wide)
        weight = _cell(math.log(lot.weight_g) + grid[2] * WEIGHT, 2 * WEIGHT)
        found.append(f"{''.join(map(str, grid))}|{_text(north, east, weight=weight)}")
    return found


def _cell(value: float, width: float) -> int:
    return math.floor(value / width)


def _east_deg(band: int) -> float:
    """How many degrees a metre to the east is, in the middle of a band."""
    middle = (band + 0.5) * 2 * METRES * _METRE_DEG
    return _METRE_DEG / max(math.cos(math.radians(middle)), 1e-3)


def _text(north: int, east: int, *, weight: int) -> str:
    return f"spot|{north}|{east}|{weight}"
