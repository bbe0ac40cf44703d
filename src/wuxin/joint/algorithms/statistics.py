"""Tables of figures over joined rows: means, correlation, sums by group, weight of evidence."""

from typing import NamedTuple

import jax.numpy as jnp

from wuxin.joint.algorithms.fixed import across, times
from wuxin.joint.algorithms.join import Array, bits

SMALLEST = 1 / 64
"""A variance below is taken as this: a column that is almost constant says nothing."""


class Standardised(NamedTuple):
    """Columns with mean 0 and variance 1, (n, p), and what was taken out, each (p,)."""

    columns: Array
    mean: Array
    deviation: Array


class Groups(NamedTuple):
    """Figures by group, (groups,) and (groups, p); zero where a group has too few rows."""

    rows: Array
    total: Array


class Evidence(NamedTuple):
    """Weight of evidence of each bin, (bins,), zero where it has too few rows; and their sum."""

    weight: Array
    value: Array


def mean(x: Array, *, member: Array | None = None) -> Array:
    """Average over the rows that count.

    Args:
        x: (n, p), a column's sum below 2^40.
        member: 0 or 1, (n,); at least one row in 1000 counts. Without it all do.

    Returns:
        (p,), to about 1e-5.
    """
    if member is None:
        return times(jnp.sum(x, axis=0), 1 / x.shape[0])
    kept = jnp.sum(x * member.astype(x.dtype)[:, None], axis=0)
    return times(kept, 1 / x.shape[0]) / times(jnp.sum(member).astype(x.dtype), 1 / x.shape[0])


def standardise(x: Array, *, member: Array | None = None) -> Standardised:
    """Bring columns to mean 0 and variance 1 over the rows that count.

    Args:
        x: (n, p), of the order of 1 to 100; fixed point does not know the variance of more.
        member: 0 or 1, (n,).

    Returns:
        The columns of all rows, and what was taken out.
    """
    middle = mean(x, member=member)
    away = x - middle
    spread = jnp.sqrt(jnp.maximum(mean(away * away, member=member), SMALLEST))
    return Standardised(away * (1.0 / spread), middle, spread)


def correlation(x: Array, *, member: Array | None = None) -> Array:
    """Correlate every column with every other over the rows that count.

    Args:
        x: (n, p), as for :func:`standardise`.
        member: 0 or 1, (n,).

    Returns:
        (p, p), Pearson's; ones on the diagonal to about 1e-3.
    """
    even = standardise(x, member=member).columns
    kept = even if member is None else even * member.astype(x.dtype)[:, None]
    share = times(across(kept, kept), 1 / x.shape[0])
    if member is None:
        return share
    return share / times(jnp.sum(member).astype(x.dtype), 1 / x.shape[0])


def by_group(codes: Array, values: Array, *, groups: int, minimum: int) -> Groups:
    """Sum by group; a group with fewer rows than the minimum shows neither sum nor count.

    Args:
        codes: 0 to groups - 1, (n,), integer; any other belongs to no group.
        values: (n, p), real, a group's sum below 2^40.
        groups: how many.
        minimum: rows that a group has at least to be shown, from the contract.

    Returns:
        Counts and sums. A group just above the minimum still tells much about its last rows to
        whoever knows the others; the contract may add noise to it.
    """
    there = indicator(codes, groups)
    count = jnp.sum(there, axis=0)
    shown = bits(count >= minimum)
    total = across(there.astype(values.dtype), values)
    return Groups(count * shown, total * shown.astype(values.dtype)[:, None])


def evidence(codes: Array, bad: Array, *, bins: int, minimum: int) -> Evidence:
    """Weigh how much a bin says about default.

    Args:
        codes: the bin of each row by its owner, 0 to bins - 1, (n,), integer; others count nowhere.
        bad: 1 for a default, 0 for none, (n,).
        bins: how many.
        minimum: rows that a bin has at least to be weighed.

    Returns:
        ln(share of the good / share of the bad), half a row added to each so that none is empty,
        to about 1e-2; and the information value.

    Source: Siddiqi, Credit Risk Scorecards, Wiley 2006, ch. 6.
    """
    there = indicator(codes, bins).astype(bad.dtype)
    both = jnp.stack([1.0 - bad, bad], axis=1)
    count = across(there, both)
    shown = bits(jnp.sum(count, axis=1) >= minimum).astype(bad.dtype)
    scaled = (count + 0.5) * (1.0 / 64)  # counts to thousands, where the logarithm is sharp
    totals = jnp.sum(scaled, axis=0)
    logs, share = jnp.log(scaled) - jnp.log(totals), scaled / totals
    weight = (logs[:, 0] - logs[:, 1]) * shown
    return Evidence(weight, jnp.sum((share[:, 0] - share[:, 1]) * weight))


def indicator(codes: Array, groups: int) -> Array:
    """Mark of which group each row is.

    Args:
        codes: (n,), integer; outside of 0 to groups - 1 a row is of none.
        groups: how many.

    Returns:
        One column per group, 1 where a row is of it, (n, groups).
    """
    return jnp.stack([1 - bits(codes != group) for group in range(groups)], axis=1)
