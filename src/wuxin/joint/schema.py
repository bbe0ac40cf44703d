"""What a table that is joined looks like: its columns, their kinds and shapes.

Sizes are part of a program and stand in the contract: a computation on shares does the same work
whatever the values, so it has to know how many there may be.
"""

from collections.abc import Mapping
from math import prod
from typing import Annotated, Any, Final, Literal

import msgspec
import numpy as np

from wuxin.joint.opening import NAME
from wuxin.terms.errors import BadInput

Kind = Literal["real", "integer"]
"""``real``: fixed point with 18 bits after the point; ``integer``: 62 bits and a sign."""

DTYPE: Final[Mapping[str, Any]] = {"real": np.float32, "integer": np.int64}
MOST: Final = {"real": float(1 << 20), "integer": float(1 << 62)}
"""The largest magnitude of a value: beyond, sums and comparisons would wrap in 64 bits. Products of
two reals wrap from 2^27 on, which nobody can see from outside: columns that are multiplied are
standardised, and :mod:`wuxin.joint.plan` asks for it."""


class Column(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One column: its kind, and its shape with the rows first."""

    kind: Kind
    shape: Annotated[
        tuple[Annotated[int, msgspec.Meta(ge=1)], ...], msgspec.Meta(min_length=1, max_length=4)
    ]

    @property
    def size(self) -> int:
        """How many values it has."""
        return prod(self.shape)

    @property
    def example(self) -> Any:
        """An array of zeros of this kind and shape, for compiling."""
        return np.zeros(self.shape, DTYPE[self.kind])


Schema = Mapping[str, Mapping[str, Column]]
"""Tables by name, each with its columns by name."""

Table = Mapping[str, Any]
"""A party's table: columns by name, each an array with the rows first."""


def described(tables: Mapping[str, Table]) -> dict[str, dict[str, Column]]:
    """The schema of tables at hand: integers and flags as ``integer``, the rest as ``real``."""
    return {
        table: {name: _column(np.asarray(values)) for name, values in columns.items()}
        for table, columns in tables.items()
    }


def checked(values: Any, column: Column, *, name: str) -> Any:
    """An array as its column declares it.

    Args:
        values: anything NumPy can make an array of.
        column: the declared kind and shape.
        name: how a refusal calls it.

    Raises:
        BadInput: the shape differs, a value is not finite, not whole or too large for the ring.
    """
    array = np.asarray(values)
    if array.shape != column.shape:
        raise BadInput(f"{name} has the shape {array.shape}, the contract says {column.shape}")
    if array.dtype.kind not in "fiub":
        raise BadInput(f"{name} holds no numbers but {array.dtype}")
    if not np.isfinite(array).all():
        raise BadInput(f"{name} has a value that is not finite; fill or leave out such rows first")
    if column.kind == "integer" and array.dtype.kind == "f" and (array != np.rint(array)).any():
        raise BadInput(f"{name} is declared as integer and has a value that is not whole")
    if array.size and max(abs(float(array.max())), abs(float(array.min()))) >= MOST[column.kind]:
        raise BadInput(f"{name} has a value beyond {MOST[column.kind]:.0f}; scale it first")
    return array.astype(DTYPE[column.kind])


def flat(schema: Schema) -> dict[str, Column]:
    """Columns by ``table.column``, in the order of a program's inputs: sorted.

    Raises:
        BadInput: a name is not lower-case letters, digits and underscores.
    """
    for name in (*schema, *(column for columns in schema.values() for column in columns)):
        if not NAME.fullmatch(name):
            raise BadInput(f"a table or column is lower-case letters, digits and _, not {name!r}")
    return {
        f"{table}.{name}": column
        for table, columns in sorted(schema.items())
        for name, column in sorted(columns.items())
    }


def _column(array: Any) -> Column:
    return Column("integer" if array.dtype.kind in "iub" else "real", array.shape)
