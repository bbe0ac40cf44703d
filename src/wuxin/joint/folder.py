"""A party's folder: the tables that it committed to, and the results that it received.

    FOLDER/signing.key, certificate.pem, key.pem, authority.pem
    FOLDER/tables/COMMITMENT.npz     shares of a table, whose rows they are and where they lie
    FOLDER/results/CONTRACT.json     what was received; CONTRACT-RESULT.csv, a line for each row

A table's file holds all three parts of its shares, which is the table: only its owner may read it.
"""

import csv
import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np

from wuxin.joint.algorithms.keys import rows_from
from wuxin.joint.contract import Contract, Input
from wuxin.joint.plan import Brought
from wuxin.joint.shares import Part
from wuxin.terms.durable import private_file, write_files
from wuxin.terms.errors import BadInput

TOLERANCE: Final = 0.01
"""Two runs round differently: a hundredth of the larger value, or of one."""


class Kept(NamedTuple):
    """A table committed to: its name, shares, whose rows they are, and the results by row."""

    table: str
    parts: tuple[Part, Part, Part]
    brought: Brought
    by_row: tuple[str, ...]


def keep(
    folder: Path, made: Input, *, parts: Sequence[Part], brought: Brought, by_row: Sequence[str]
) -> None:
    """Keep what was committed to until the contract is run, readable for its owner alone."""
    arrays: dict[str, Any] = {"ids": np.array(brought.ids), "by_row": np.array(by_row, str)}
    if brought.at is not None:
        arrays["at"] = brought.at
    for number, part in enumerate(parts):
        arrays[f"salt.{number}"] = np.frombuffer(part.salt, np.uint8)
        for name, data in part.columns.items():
            arrays[f"{number}.{name}"] = np.frombuffer(data, np.uint8)
    packed = io.BytesIO()
    np.savez(packed, **arrays)
    private_file(_path(folder, made), packed.getvalue)


def kept(folder: Path, made: Input) -> Kept:
    """What was kept of a table.

    Raises:
        BadInput: the table was not committed to in this folder, or others may read its file.
    """
    path = _path(folder, made)
    if not path.exists():
        raise BadInput(f"{made.table} of this contract was not committed to in {folder}")
    with np.load(io.BytesIO(private_file(path, bytes)), allow_pickle=False) as file:
        parts = tuple(
            Part(
                file[f"salt.{number}"].tobytes(),
                {name: file[f"{number}.{name}"].tobytes() for name in made.columns},
            )
            for number in range(3)
        )
        at = file.get("at")
        brought = Brought({}, file["ids"].tolist(), at)
        by_row = tuple(file["by_row"].tolist())
        return Kept(made.table, (parts[0], parts[1], parts[2]), brought, by_row)


def write_results(
    folder: Path, contract: Contract, *, found: Mapping[str, Any], tables: Sequence[Kept]
) -> list[Path]:
    """Write what was received: one file for all, and one for each result that is of rows."""
    own = folder / "results"
    plain = {name: np.asarray(values).tolist() for name, values in found.items()}
    text = json.dumps(plain, ensure_ascii=False, sort_keys=True, indent=1)
    written = {own / f"{contract.id[:16]}.json": f"{text}\n".encode()}
    for each in tables:
        for name in set(each.by_row) & set(found):
            values = np.asarray(found[name])
            if each.brought.at is not None:
                values = rows_from(values, each.brought.at, rows=len(each.brought.ids))
            lines = io.StringIO()
            table = csv.writer(lines, lineterminator="\n")
            table.writerow(["id", name])
            table.writerows(zip(each.brought.ids, values.tolist(), strict=True))
            written[own / f"{contract.id[:16]}-{name}.csv"] = lines.getvalue().encode()
    write_files(written)
    return list(written)


def read_results(folder: Path, contract: str) -> dict[str, Any] | None:
    """The results of an earlier contract, None where none were received in this folder."""
    path = folder / "results" / f"{contract[:16]}.json"
    return json.loads(path.read_text("utf-8")) if path.exists() else None


def differing(one: Mapping[str, Any], other: Mapping[str, Any]) -> list[str]:
    """The results in which two runs of one program differ by more than rounding."""
    wrong = []
    for name in sorted(set(one) | set(other)):
        left, right = (np.asarray(each.get(name, np.nan), float) for each in (one, other))
        if left.shape != right.shape or not np.allclose(left, right, TOLERANCE, TOLERANCE):
            wrong.append(name)
    return wrong


def _path(folder: Path, made: Input) -> Path:
    return folder / "tables" / f"{made.parts[0][:32]}.npz"
