"""How many rows two have in common, and what is pledged at more than one bank."""

import re
from typing import Any, Final

import jax.numpy as jnp

from wuxin.joint.algorithms.join import Array, bits, matched, members, members_of_any
from wuxin.joint.program import Program, joint, of_tables

Table = dict[str, Array]

MOST_BANKS: Final = 20
"""Each bank's rows are held against those of every other."""


@joint
def common(left: Table, right: Table) -> Table:
    """Count the rows that both have: ``key`` placed by the one, listed by the other."""
    return {"count": matched(left["key"], right["key"])}


@joint
def intersection(left: Table, right: Table) -> Table:
    """Tell the left owner which of its rows the right one has: set intersection with a result.

    ``left`` brings ``key`` placed, ``right`` listed. ``known`` is 1 at the places of rows that both
    have. Whoever agrees to this program agrees to that: it is a list of the other's customers. The
    right owner learns nothing, and neither of the other's remaining rows.
    """
    return {"known": bits(members(left["key"], right["key"])).astype(jnp.int64)}


def duplicates(banks: int) -> Program:
    """The program by which so many banks find what is pledged at another of them as well.

    Each bank brings its keys twice, ``placed`` and ``listed``, and receives ``flags_1`` …: 1 at the
    places of its own rows that another bank has too. It does not learn which bank.
    """
    names = [f"bank_{at}" for at in range(1, banks + 1)]

    def flagged(*tables: Table) -> dict[str, Any]:
        listed = [table["listed"] for table in tables]
        return {
            f"flags_{at + 1}": bits(
                members_of_any(table["placed"], [*listed[:at], *listed[at + 1 :]])
            ).astype(jnp.int64)
            for at, table in enumerate(tables)
        }

    return of_tables(flagged, names, name=f"{__name__}:duplicates_{banks}")


def __getattr__(name: str) -> Program:
    """``duplicates_2`` to ``duplicates_20``: for as many banks as the contract has."""
    asked = re.fullmatch(r"duplicates_(\d+)", name)
    if asked is None or not 2 <= int(asked[1]) <= MOST_BANKS:
        raise AttributeError(name)
    return duplicates(int(asked[1]))
