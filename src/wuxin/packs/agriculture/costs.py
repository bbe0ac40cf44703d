"""What supervision, feed, labour and time to market cost, with and without devices: a simulation.

Every assumption is a range (:data:`RANGES`), drawn evenly and independently ten thousand times from
a fixed seed. The ranges are this project's assumptions, not measurements, and they were not fitted
to the published figures; the simulation shows under what assumptions those come about, and how wide
the answer is.
"""

from collections.abc import Mapping
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

DRAWS: Final = 10_000
SEED: Final = 20_240_401
CYCLE: Final = 21.0
"""Days from one heat of a cow to the next."""

RANGES: Final[Mapping[str, tuple[float, float, str]]] = {
    "head": (100, 500, "cows in milk"),
    "counts": (52, 104, "counts by people in a year, before"),
    "count_days": (0.8, 1.2, "days of work of a count of 250 head"),
    "day": (250, 350, "CNY a day of work"),
    "visits_before": (10, 14, "visits of the bank in a year, before"),
    "visits_after": (3, 5, "visits in a year, after"),
    "visit": (1_200, 1_800, "CNY a visit"),
    "device_share": (40, 90, "CNY a head and year: the supervision's share of the devices"),
    "refusal_before": (0.06, 0.10, "share of the feed offered that is left, one ration for all"),
    "refusal_after": (0.03, 0.05, "the same where the ration follows intake"),
    "grouping": (0.05, 0.10, "feed saved by feeding groups by their yield"),
    "hours": (35, 50, "hours of work a cow and year, before"),
    "heat_hours": (3.5, 5.5, "of these, watching for heat"),
    "health_hours": (2.5, 4.0, "of these, health rounds"),
    "count_hours": (0.6, 1.2, "of these, counting"),
    "search_hours": (0.5, 1.0, "of these, finding animals"),
    "spared": (0.60, 0.90, "share of that work that the devices spare"),
    "seen_before": (0.50, 0.65, "share of heats seen by eye"),
    "seen_after": (0.75, 0.90, "share of heats seen by activity"),
    "conceive": (0.35, 0.45, "share of served cows that conceive"),
}
"""Each assumption: lowest, highest, and what it is."""


class Saving(NamedTuple):
    """One saving: the 5th, 50th and 95th of a hundred draws, and what was published."""

    what: str
    low: float
    middle: float
    high: float
    published: str
    within: bool
    unit: str = "%"

    def says(self, value: float) -> str:
        """A value of it, as people read it."""
        return f"{value:.1f} d" if self.unit == "d" else f"{value:.0%}"


def simulate(*, draws: int = DRAWS, seed: int = SEED) -> list[Saving]:
    """The four savings that were published, as the assumptions give them.

    One is ``within`` where the published figure, or part of its range, is within 90 % of the draws.
    """
    random = np.random.default_rng(seed)
    of = {name: random.uniform(low, high, draws) for name, (low, high, _) in RANGES.items()}
    found: list[tuple[str, Floats, tuple[float, float], str, str]] = [
        ("supervision cost saved", supervision(of), (0.50, 0.50), "50 %", "%"),
        ("feed saved", feed(of), (0.10, 0.15), "10 to 15 %", "%"),
        ("labour saved", labour(of), (0.17, 0.20), "17 to 20 %", "%"),
        ("days earlier to market", earlier(of), (23, 26), "23 to 26 days", "d"),
    ]
    savings = []
    for what, values, (least, most), published, unit in found:
        low, middle, high = (float(x) for x in np.quantile(values, [0.05, 0.5, 0.95]))
        within = low <= most and least <= high
        savings.append(Saving(what, low, middle, high, published, within, unit))
    return savings


def supervision(of: Mapping[str, Floats]) -> Floats:
    """Share of the bank's cost of supervision that is saved: counts and visits against devices."""
    work = of["counts"] * of["count_days"] * of["head"] / 250 * of["day"]
    before = work + of["visits_before"] * of["visit"]
    after = of["visits_after"] * of["visit"] + of["device_share"] * of["head"]
    return np.asarray(1 - after / before, np.float64)


def feed(of: Mapping[str, Floats]) -> Floats:
    """Share of feed that is saved: less is left, and groups are fed by their yield."""
    before = 1 / (1 - of["refusal_before"])
    return np.asarray(1 - (1 - of["grouping"]) / (1 - of["refusal_after"]) / before, np.float64)


def labour(of: Mapping[str, Floats]) -> Floats:
    """Share of hours of work that is spared: heat, health, counting, finding."""
    watched = of["heat_hours"] + of["health_hours"] + of["count_hours"] + of["search_hours"]
    return np.asarray(watched * of["spared"] / of["hours"], np.float64)


def earlier(of: Mapping[str, Floats]) -> Floats:
    """Days by which a cow conceives earlier: a heat that is not seen costs a cycle."""
    cycles = 1 / of["seen_before"] - 1 / of["seen_after"]
    return np.asarray(CYCLE * cycles / of["conceive"], np.float64)
