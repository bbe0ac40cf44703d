"""Canary rows: cases whose answer is known beforehand, mixed among the others before sharing.

Shares do not tell which rows they are, so a node that computes something else, or a program that is
not the agreed one, is wrong on them too. A node cannot be right on the canaries alone; it could
be wrong on a few rows and be lucky: with c canaries among n rows, wrong on w rows at random, it
stays unseen with a chance of about (1 - c/n)^w.
"""

import jax.numpy as jnp

from wuxin.joint.algorithms.join import Array, bits


def canaries_failed(found: Array, *, known: Array, canary: Array, tolerance: float) -> Array:
    """Say whether any canary's answer is not the known one.

    Args:
        found: what the job computed for each row, (n,).
        known: the answer beforehand where a row is a canary, (n,); anything elsewhere.
        canary: 1 where a row is one, else 0, (n,).
        tolerance: how far an answer may be off: fixed point is to about 1e-3.

    Returns:
        One truth value: all that is let out. It does not say which row, nor by how much.

    Source: known-answer rows as ringers: Golle and Mironov, Uncheatable Distributed Computations,
        CT-RSA 2001.
    """
    off = bits(jnp.abs(found - known) > tolerance)
    return jnp.sum(off * canary) > 0
