"""A premium by use: a frequency of claims, how far and how the vehicle is driven.

    premium = base × kilometres' factor × behaviour's factor, within bounds

The frequency model is a Poisson regression with exposure as its offset, which an insurer fits on
its own policies. What kilometres do to it is from the literature; what harsh events do is an expert
table, because no claims with telematics could be had, and is said to be one.
"""

from collections.abc import Mapping
from decimal import ROUND_HALF_UP, Decimal
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from wuxin.terms.errors import BadInput
from wuxin.terms.money import Money, exact
from wuxin.terms.records import Words

Floats = NDArray[np.float64]

REFERENCE: Final = Decimal(15_000)
"""Kilometres a year at which the factor is 1."""

ELASTICITY: Final = Decimal("0.5")
"""Claims grow with the square root of kilometres: who drives much drives well, on roads with fewer
crossings. Less than in proportion: Boucher, Pérez-Marín and Santolino, Anales del Instituto de
Actuarios Españoles 19 (2013) 135 (from general knowledge); the exponent is this project's."""

BOUNDS: Final = (Decimal("0.6"), Decimal("1.5"))
"""The least and the most that use may do to a premium."""

TABLE: Final[Mapping[str, tuple[Decimal, Decimal]]] = {
    "harsh_braking": (Decimal(4), Decimal("0.010")),
    "harsh_acceleration": (Decimal(4), Decimal("0.006")),
    "harsh_turn": (Decimal(4), Decimal("0.006")),
    "phone": (Decimal(1), Decimal("0.020")),
    "fatigue": (Decimal("0.5"), Decimal("0.040")),
}
"""By event: how many in 100 km are usual, and what each more (or less) adds to the factor. An
expert table without claims behind it: an insurer replaces it by its own."""

SHARES: Final[Mapping[str, tuple[Decimal, Decimal]]] = {
    "night": (Decimal("0.10"), Decimal("0.50")),
    "speeding": (Decimal("0.05"), Decimal("0.60")),
    "close_following": (Decimal("0.05"), Decimal("0.50")),
}
"""By share of driving time: what is usual, and what a whole more would add."""

LEAST_KM: Final = Decimal(300)
"""Kilometres below which behaviour says nothing yet."""


class Fit(NamedTuple):
    """A fitted frequency.

    Its factors, their coefficients (k + 1, the first is the constant), and the mean claims of a
    year.
    """

    names: tuple[str, ...]
    coefficients: Floats
    mean: float


class Premium(NamedTuple):
    """A premium, the factors behind it, and in words what each did."""

    money: Money
    kilometres: Decimal
    behaviour: Decimal
    reasons: tuple[Words, ...]


def fit_frequency(
    x: Floats, claims: Floats, *, exposure: Floats, names: tuple[str, ...], ridge: float = 1e-4
) -> Fit:
    """Fit claims a year by iteratively reweighted least squares.

    Args:
        x: factors of policies (n, k), each of about unit size.
        claims: how many (n).
        exposure: years (n), above zero.
        names: of the factors (k).
        ridge: a little shrinkage (in policies), so that a factor nobody has does no harm.

    Raises:
        BadInput: the shapes differ, or an exposure is not above zero.

    Source: McCullagh and Nelder, Generalized Linear Models (1989), 2.5 and 6.2: Poisson, log link,
    the exposure's logarithm as offset.
    """
    if len(x) != len(claims) or len(x) != len(exposure) or x.shape[1] != len(names):
        raise BadInput(f"{x.shape} factors, {len(claims)} claims and {len(exposure)} exposures")
    if not (np.isfinite(exposure) & (exposure > 0)).all():
        raise BadInput("an exposure is not above zero")
    whole = np.column_stack([np.ones(len(x)), x])
    mean = float(claims.sum() / exposure.sum())
    beta = np.zeros(whole.shape[1])
    beta[0] = np.log(max(mean, 1e-9))
    penalty = ridge * len(x) * np.eye(whole.shape[1])
    penalty[0, 0] = 0.0
    for _ in range(50):
        expected = exposure * np.exp(np.clip(whole @ beta, -20, 5))
        step = np.linalg.solve(
            (whole * expected[:, None]).T @ whole + penalty,
            whole.T @ (claims - expected) - penalty @ beta,
        )
        beta = beta + step
        if float(np.abs(step).max()) < 1e-8:
            break
    return Fit(names, beta, mean)


def frequency(fit: Fit, x: Floats) -> Floats:
    """Claims a year (n) that a fit expects of policies (n, k)."""
    whole = np.column_stack([np.ones(len(x)), x])
    return np.asarray(np.exp(np.clip(whole @ fit.coefficients, -20, 5)), np.float64)


def gini(expected: Floats, claims: Floats, *, exposure: Floats) -> float:
    """How well an order of policies by expected claims finds the claims, 0 (not) to 1."""
    order = np.argsort(expected / np.maximum(exposure, 1e-12), kind="stable")
    share = np.concatenate([[0], np.cumsum(exposure[order])]) / exposure.sum()
    found = np.concatenate([[0], np.cumsum(claims[order])]) / max(claims.sum(), 1e-12)
    return float(1 - np.trapezoid(found, share) * 2)


def premium(
    base: Money, *, kilometres_a_year: float, events: Mapping[str, float],
    shares: Mapping[str, float], observed_km: float,
) -> Premium:  # fmt: skip
    """The premium of a year by use.

    Args:
        base: what the insurer asks of such a vehicle and driver at 15,000 km.
        kilometres_a_year: as measured, brought to a year.
        events: by name in :data:`TABLE`, how many in 100 km.
        shares: by name in :data:`SHARES`, 0 to 1.
        observed_km: how far behaviour was observed; below 300 km its factor is 1.

    Raises:
        BadInput: an unknown name, or a figure below zero.
    """
    for name in (*events, *shares):
        if name not in TABLE and name not in SHARES:
            raise BadInput(f"{name!r} is no part of the premium's tables")
    if kilometres_a_year < 0 or any(v < 0 for v in (*events.values(), *shares.values())):
        raise BadInput("kilometres, events and shares are not below zero")
    km = exact(kilometres_a_year)
    by_km = (max(km, Decimal(1_000)) / REFERENCE) ** ELASTICITY
    reasons = [_said("行驶里程", "kilometres a year", value=f"{km:.0f}", part=by_km)]
    by_use = Decimal(1)
    if exact(observed_km) >= LEAST_KM:
        for name, (usual, each) in (*TABLE.items(), *SHARES.items()):
            seen = events.get(name, shares.get(name))
            if seen is not None:
                part = 1 + each * (min(exact(seen), 5 * usual + 1) - usual)
                by_use *= part
                reasons.append(_said(name, name.replace("_", " "), value=f"{seen:.3g}", part=part))
    else:
        zh = f"驾驶行为观测不足 {LEAST_KM} 公里，系数为 1"
        reasons.append(Words(zh, f"fewer than {LEAST_KM} km observed: behaviour counts 1"))
    low, high = BOUNDS
    factor = min(max(by_km * by_use, low), high)
    amount = (base.amount * factor).quantize(Decimal("0.01"), ROUND_HALF_UP)
    places = Decimal("0.0001")
    return Premium(
        Money(amount, base.currency), by_km.quantize(places), by_use.quantize(places),
        tuple(reasons),
    )  # fmt: skip


def score(*, events: Mapping[str, float], shares: Mapping[str, float]) -> float:
    """A driver's score, 100 down to 0: 100 is nothing harsh at all; from the premium's tables."""
    off = 0.0
    for name, (usual, each) in (*TABLE.items(), *SHARES.items()):
        seen = events.get(name, shares.get(name))
        if seen is not None:
            off += float(each) * min(seen, 5 * float(usual) + 1)
    return max(0.0, 100.0 * (1.0 - off / 0.6))


def _said(zh: str, en: str, *, value: str, part: Decimal) -> Words:
    change = f"{100 * (part - 1):+.1f} %"
    return Words(f"{zh} {value}：{change}", f"{en} {value}: {change}")
