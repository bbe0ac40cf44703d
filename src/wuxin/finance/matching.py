"""Which order goes to which factory: whole orders placed within spare hours, by a solver.

The solver is HiGHS through SciPy (Huangfu and Hall, Math. Prog. Comp. 10 (2018) 119). Whole hours
only, so that equal books give equal matches.
"""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from wuxin.terms.clock import moment
from wuxin.terms.errors import BadInput
from wuxin.terms.records import Words

Pairs = Sequence[tuple[int, int]]


class OfferCapacity(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Spare hours of a factory: what its machines can do, until when, at which price an hour.

    ``reliability`` (0 to 100 %) is the factory's order fill as its machines' data give it.
    """

    id: str
    factory: str
    skill: str
    hours: int
    free_from: str
    free_until: str
    price: str | int
    currency: str
    reliability: int = 100


class SeekCapacity(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An order that waits for capacity: hours of a skill, by when, at which price at most.

    ``parts`` is among how many factories it may be divided, ``reliability`` the least order fill.
    """

    id: str
    factory: str
    skill: str
    hours: int
    begins: str
    due: str
    price: str | int
    currency: str
    parts: int = 1
    reliability: int = 0


class Standing(NamedTuple):
    """What is registered and not yet matched, in comparable form."""

    offers: list[OfferCapacity]
    needs: list[SeekCapacity]


class Placed(NamedTuple):
    """So many hours of a need (its place) at an offer (its place)."""

    need: int
    offer: int
    hours: int


def fits(need: SeekCapacity, offer: OfferCapacity) -> list[Words]:
    """Why an offer does not serve a need; empty where it does."""
    why = []
    if offer.factory == need.factory:
        why.append(Words("同一工厂", "the same factory"))
    if offer.skill != need.skill:
        why.append(Words(f"工艺为{offer.skill}", f"its skill is {offer.skill}"))
    if offer.currency != need.currency:
        why.append(Words("币种不同", "another currency"))
    elif Decimal(str(offer.price)) > Decimal(str(need.price)):
        why.append(Words(f"每小时{offer.price}超出限价", f"{offer.price} an hour is too dear"))
    if moment(offer.free_from) > moment(need.due) or moment(offer.free_until) < moment(need.begins):
        why.append(Words("空余期与交期不合", "it is free at another time"))
    if offer.reliability < need.reliability:
        why.append(Words(f"订单满足率{offer.reliability}%", f"order fill {offer.reliability} %"))
    return why


def match(standing: Standing) -> list[Placed]:
    """Place as many whole orders as hours allow; among equals the cheapest.

    A need is placed in full or not at all, at ``parts`` factories at most. Maximised are the hours
    placed; then the sum of what is saved below the needs' prices.

    Returns:
        What is placed, in the order of needs and offers.

    Raises:
        BadInput: the solver finds no answer; there always is one, if only to place nothing.
    """
    from scipy import optimize  # noqa: PLC0415 - slow to import, and only needed here

    pairs = [
        (n, o)
        for n, need in enumerate(standing.needs)
        for o, offer in enumerate(standing.offers)
        if not fits(need, offer)
    ]
    if not pairs:
        return []
    most = [min(standing.needs[n].hours, standing.offers[o].hours) for n, o in pairs]
    tops = np.concatenate([most, np.ones(len(pairs) + len(standing.needs))])
    found = optimize.milp(
        -_gains(standing, pairs, most=most),
        integrality=np.ones(len(tops)),
        bounds=optimize.Bounds(0, tops),
        constraints=_constraints(standing, pairs, most=most),
        options={"mip_rel_gap": 0.0},
    )
    if found.x is None:
        raise BadInput(f"the capacities cannot be matched: {found.message}")
    hours = np.rint(found.x[: len(pairs)]).astype(int).tolist()
    return [Placed(*pair, h) for pair, h in zip(pairs, hours, strict=True) if h > 0]


def _gains(standing: Standing, pairs: Pairs, *, most: Sequence[int]) -> NDArray[np.float64]:
    """What an hour of each pair is worth: 1, and half an hour in all for what can be saved."""
    needs, offers = standing.needs, standing.offers
    saved = [float(Decimal(str(needs[n].price)) - Decimal(str(offers[o].price))) for n, o in pairs]
    total = sum(m * s for m, s in zip(most, saved, strict=True))
    gains = np.zeros(2 * len(pairs) + len(needs))
    gains[: len(pairs)] = 1.0 + (0.5 * np.array(saved) / total if total > 0 else 0.0)
    return gains


def _constraints(standing: Standing, pairs: Pairs, *, most: Sequence[int]) -> Any:
    """What must hold of the unknowns: hours of each pair, whether it is used, whether a need is."""
    from scipy import optimize, sparse  # noqa: PLC0415 - as above

    count, needs, offers = len(pairs), len(standing.needs), len(standing.offers)
    size = 2 * count + needs
    matrix = sparse.lil_matrix((2 * needs + offers + count, size))
    low, high = np.zeros(matrix.shape[0]), np.zeros(matrix.shape[0])
    low[2 * needs + offers :] = -np.inf
    for k, (n, o) in enumerate(pairs):
        matrix[n, k] = 1.0  # a need's hours are all of it or none
        matrix[needs + n, count + k] = 1.0  # at so many factories at most
        matrix[2 * needs + o, k] = 1.0  # an offer's hours suffice
        matrix[2 * needs + offers + k, k] = 1.0  # hours only where the pair is used
        matrix[2 * needs + offers + k, count + k] = -float(most[k])
    for n, need in enumerate(standing.needs):
        matrix[n, 2 * count + n] = -float(need.hours)
        high[needs + n] = need.parts
    high[2 * needs : 2 * needs + offers] = [offer.hours for offer in standing.offers]
    return optimize.LinearConstraint(matrix.tocsr(), low, high)
