"""The cold chain: mean kinetic temperature, hours out of range, shelf life used and left.

Between two readings the temperature is taken to be that in the middle, as long as they are within
six hours of one another. A longer gap is told, and counts with the warmer of its two ends: who
switches a logger off does not gain by it.
"""

from collections.abc import Mapping
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from wuxin.packs.logistics.figures import Floats, Times, as_of, of_day
from wuxin.terms.clock import DAY, HOUR, SECOND
from wuxin.terms.errors import BadInput
from wuxin.terms.standards import DayView, Derived

GAS: Final = 8.314462618
"""Molar gas constant (J/(mol·K)), CODATA 2018."""

ACTIVATION: Final = 83_144.0
"""Activation energy (J/mol) that USP <1079.2> and ICH Q1 take where none was measured."""

GAP: Final = 6 * HOUR
"""Beyond this (ns) the temperature between two readings is not known."""


_WEEK: Final = 7 * DAY


class Steps(NamedTuple):
    """A history in steps (n): temperature (K) that held, for how long (s), whether it is known."""

    temperature: Floats
    seconds: Floats
    known: NDArray[np.bool_]


class Keeping(NamedTuple):
    """How long a good keeps: shelf life (s) at a reference temperature (K), and how that changes.

    Either ``q10`` (1), by how much faster it spoils 10 K warmer, or ``activation`` (J/mol).
    """

    life: float
    reference: float
    q10: float | None = None
    activation: float | None = None


class Chain(NamedTuple):
    """What a journey did: mean kinetic temperature (K), seconds above and below, not known."""

    kinetic: float
    above: float
    below: float
    unknown: float


def steps_of(t: Times, temperature: Floats) -> Steps:
    """A history in steps between readings; single readings that are no number are left out.

    Args:
        t: of each reading (n), ns, in order.
        temperature: K (n).
    """
    good = np.isfinite(temperature)
    at, v = t[good], temperature[good]
    apart = np.diff(at)
    known = apart <= GAP
    middle = np.where(known, (v[1:] + v[:-1]) / 2, np.maximum(v[1:], v[:-1]))
    return Steps(middle, apart / SECOND, known)


def mean_kinetic(steps: Steps, *, activation: float = ACTIVATION) -> float:
    """The mean kinetic temperature (K) of a history; NaN where it has no length.

    The constant temperature at which as much would have decayed.

    Source: Haynes, J. Pharm. Sci. 60 (1971) 927; USP <1079.2>, which asks for 24 hours where goods
    are kept cold and for 30 days at controlled room temperature.
    """
    total = float(steps.seconds.sum())
    if not total:
        return float("nan")
    ratio = activation / GAS
    coldest = float(steps.temperature.min())
    # Exponents beside the coldest step, so that none of them is too small for a float.
    weight = np.exp(ratio / coldest - ratio / steps.temperature)
    mean = float((weight * steps.seconds).sum()) / total
    return ratio / (ratio / coldest - float(np.log(mean)))


def follow(steps: Steps, *, low: float, high: float, activation: float = ACTIVATION) -> Chain:
    """What a journey did: its mean kinetic temperature and how long it was out of range (s)."""
    above = float(steps.seconds[steps.temperature > high].sum())
    below = float(steps.seconds[steps.temperature < low].sum())
    unknown = float(steps.seconds[~steps.known].sum())
    return Chain(mean_kinetic(steps, activation=activation), above, below, unknown)


def spoiling(temperature: Floats | float, keeping: Keeping) -> Floats:
    """How many times as fast a good spoils as at its reference temperature (n).

    Raises:
        BadInput: neither or both of Q10 and activation energy are given, or they are not positive.

    Source: Labuza, Shelf-life Dating of Foods, 1982 (Q10); Arrhenius, Z. Phys. Chem. 4 (1889) 226.
    """
    t = np.asarray(temperature, np.float64)
    if (keeping.q10 is None) == (keeping.activation is None):
        raise BadInput("a good keeps by Q10 or by an activation energy: give one of the two")
    if keeping.q10 is not None:
        if keeping.q10 <= 0:
            raise BadInput(f"q10 is {keeping.q10:g}, and must be above zero")
        return np.asarray(keeping.q10 ** ((t - keeping.reference) / 10), np.float64)
    assert keeping.activation is not None
    if keeping.activation <= 0:
        raise BadInput(f"the activation energy is {keeping.activation:g}, and must be above zero")
    ratio = keeping.activation / GAS
    return np.asarray(np.exp(ratio / keeping.reference - ratio / t), np.float64)


def life_left(steps: Steps, keeping: Keeping, *, before: float | None = None) -> float:
    """Shelf life (s at the reference temperature) that a history leaves; never below 0.

    Args:
        steps: the history.
        keeping: how long the good keeps.
        before: what was left when the history began; None: all of it.
    """
    used = float((spoiling(steps.temperature, keeping) * steps.seconds).sum())
    return max((keeping.life if before is None else before) - used, 0.0)


def left_at(left: float, seconds: float, *, temperature: float, keeping: Keeping) -> float:
    """Shelf life (s at the reference) that is left after some time (s) at a temperature (K)."""
    return max(left - seconds * float(spoiling(temperature, keeping)), 0.0)


def sell_by(left: float, *, temperature: float, keeping: Keeping, required: float = 0.0) -> float:
    """In how many seconds at a temperature (K) the goods have only what a buyer requires (s)."""
    return max(left - required, 0.0) / float(spoiling(temperature, keeping))


def cold_day(view: DayView) -> list[Derived]:
    """Derive each shipment's cold chain of the day, its shelf life, and what arrives of that.

    The life left is taken on from the day before; a day on which nothing was read is made up for by
    the gap in the next history. What arrives is reckoned with the time to go, at the
    median temperature of a week: the question whether to sell before arrival.
    """
    found: list[Derived] = []
    for shipment in view.of("shipment"):
        facts = view.facts(shipment)
        recent = view.series(shipment, "cargo_temperature", days=30)
        last = np.searchsorted(recent.t, view.start, "left")
        if last >= len(recent):
            continue
        today = slice(max(int(last) - 1, 0), None)
        steps = steps_of(recent.t[today], recent.v[today])
        activation = facts.get("activation_energy", ACTIVATION)
        day = follow(steps, low=facts.get("temperature_low", -np.inf),
                     high=facts.get("temperature_high", np.inf), activation=activation)  # fmt: skip
        month = mean_kinetic(steps_of(recent.t, recent.v), activation=activation)
        found += of_day(
            view, shipment, mean_kinetic_day=day.kinetic, mean_kinetic_month=month,
            hours_above=day.above / 3600 if "temperature_high" in facts else None,
            hours_below=day.below / 3600 if "temperature_low" in facts else None,
            hours_unrecorded=day.unknown / 3600,
        )  # fmt: skip
        keeping = keeping_of(facts)
        if keeping is None:
            continue
        known = view.series(shipment, "shelf_life_left", days=60)
        left = life_left(steps, keeping, before=float(known.v[-1]) if len(known) else None)
        to_go = view.series(shipment, "time_to_go")
        told = view.series(shipment, "time_to_arrival", days=3)
        seconds = float(to_go.v[-1]) if len(to_go) else as_of(told, view.end - 1)
        if len(told) and not len(to_go):
            seconds = max(seconds - (view.end - int(told.t[-1])) / SECOND, 0.0)
        arrives = None
        if len(to_go) or len(told):
            usual = float(np.median(recent.v[recent.t >= view.end - _WEEK]))
            arrives = left_at(left, seconds, temperature=usual, keeping=keeping)
            arrives -= facts.get("shelf_life_required", 0.0)
        found += of_day(view, shipment, shelf_life_left=left, shelf_life_spare=arrives)
    return found


def keeping_of(facts: Mapping[str, float]) -> Keeping | None:
    """How long a shipment's goods keep, by its registered facts; None where they do not say."""
    if not {"shelf_life", "reference_temperature"} <= facts.keys():
        return None
    q10 = facts.get("q10")
    activation = None if q10 is not None else facts.get("activation_energy", ACTIVATION)
    return Keeping(facts["shelf_life"], facts["reference_temperature"], q10, activation)
