"""A party's table as a file: comma-separated, a line of names, an identifier in each row."""

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from wuxin.terms.errors import BadInput


class Rows(NamedTuple):
    """Rows of one owner: identifiers, and columns by name, whole numbers as integers."""

    ids: list[str]
    columns: dict[str, Any]

    def where(self, kept: Any) -> "Rows":
        """The rows for which ``kept`` (booleans) holds."""
        ids = [name for name, keep in zip(self.ids, kept, strict=True) if keep]
        return Rows(ids, {name: values[kept] for name, values in self.columns.items()})


def read(path: Path, *, identifier: str = "", columns: Sequence[str] | None = None) -> Rows:
    """Read a table.

    Args:
        path: the file, UTF-8.
        identifier: the column that says who a row is of; the first where none is named.
        columns: which others are read, each holding a number in every row; all where left out.

    Raises:
        BadInput: it is not there, has not the columns, no rows, or a cell that is no number; the
            sentence names the line and the column.
    """
    try:
        lines = list(csv.reader(path.read_text("utf-8-sig").splitlines()))
    except (OSError, UnicodeDecodeError, csv.Error) as wrong:
        raise BadInput(f"{path} cannot be read as a table: {wrong}") from None
    names = lines[0] if lines else []
    if len(lines) < 2:
        raise BadInput(f"{path} is no table: it has no rows below a line of names")
    known = {name: at for at, name in enumerate(names)}
    own = identifier or names[0]
    asked = [name for name in names if name != own] if columns is None else list(columns)
    if missing := [name for name in (own, *asked) if name not in known]:
        raise BadInput(f"{path} has no column {', '.join(missing)}; it has {', '.join(names)}")
    for number, row in enumerate(lines[1:], 2):
        if len(row) != len(names):
            raise BadInput(f"{path}, line {number}: {len(row)} cells where {len(names)} are named")
    cells = {name: [row[known[name]].strip() for row in lines[1:]] for name in (own, *asked)}
    found = {name: _column(cells[name], name=name, path=path) for name in asked}
    return Rows(cells[own], found)


def _column(cells: Sequence[str], *, name: str, path: Path) -> Any:
    values = np.empty(len(cells))
    whole = True
    for at, cell in enumerate(cells):
        try:
            values[at] = float(cell)
        except ValueError:
            what = f"{cell!r} is no number" if cell.strip() else "a cell is empty"
            raise BadInput(f"{path}, line {at + 2}, column {name}: {what}") from None
        whole = whole and "." not in cell and "e" not in cell.lower()
    return values.astype(np.int64) if whole and np.isfinite(values).all() else values
