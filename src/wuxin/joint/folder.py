"""A party's folder: the tables that it committed to, and the results that it received.

    FOLDER/signing.key, certificate.pem, key.pem, authority.pem
    FOLDER/tables/COMMITMENT.npz     shares of a table, whose rows they are and where they lie
    FOLDER/results/CONTRACT.json     what was received; CONTRACT-RESULT.csv, a line for each row

A table's file holds all three parts of its shares, which is the table: only its owner may read it,
and it goes when the contract has run.
"""

import csv
import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

import msgspec
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
    """A table committed to: what was promised, shares, whose rows they are, results by row."""

    made: Input
    parts: tuple[Part, Part, Part]
    brought: Brought
    by_row: tuple[str, ...]


def keep(
    folder: Path, made: Input, *, parts: Sequence[Part], brought: Brought, by_row: Sequence[str]
) -> None:
    """Keep what was committed to until the contract is run, readable for its owner alone."""
    promised = np.frombuffer(msgspec.json.encode(made), np.uint8)
    arrays: dict[str, Any] = {
        "ids": np.array(brought.ids), "by_row": np.array(by_row, str), "made": promised,
    }  # fmt: skip
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
        BadInput: the table was not committed to in this folder, the contract says something else
            of it than was promised here, or others may read its file.
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
        promised = msgspec.json.decode(file["made"].tobytes(), type=Input)
        if promised != made:
            raise BadInput(
                f"the contract does not say of {made.table} what was committed to here (columns, "
                "shares or budget); do not sign it"
            )
        return Kept(made, (parts[0], parts[1], parts[2]), brought, by_row)


def write_results(
    folder: Path, contract: Contract, *, found: Mapping[str, Any], tables: Sequence[Kept]
) -> list[Path]:
    """Write what was received: one file for all, and one for each result that is of rows."""
    own = folder / "results"
    plain = {name: np.asarray(values).tolist() for name, values in found.items()}
    text = json.dumps(plain, ensure_ascii=False, sort_keys=True, indent=1)
    written = {
        own / f"{contract.id[:16]}.json": f"{text}\n".encode(),
        own / f"{contract.id[:16]}.contract.json": msgspec.json.encode(contract),
    }
    for each in tables:
        for name in set(each.by_row) & set(found):
            values, at = np.asarray(found[name]), each.brought.at
            if values.size != (len(each.brought.ids) if at is None else at.size):
                continue  # the plan calls by row what is not; all is in the JSON
            if at is not None:
                values = rows_from(values, at, rows=len(each.brought.ids))
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


def read_contract(folder: Path, contract: str) -> Contract | None:
    """A contract whose results are in this folder, None where there are none."""
    path = folder / "results" / f"{contract[:16]}.contract.json"
    return msgspec.json.decode(path.read_bytes(), type=Contract) if path.exists() else None


def forget(folder: Path, tables: Sequence[Kept]) -> None:
    """Delete the shares of tables whose contract has run: all three parts are the table."""
    for each in tables:
        _path(folder, each.made).unlink(missing_ok=True)


def repeated(folder: Path, contract: Contract, *, found: Mapping[str, Any]) -> list[str]:
    """Hold a run against the one that it repeats; returns the results that differ.

    Raises:
        BadInput: the earlier run is not in this folder, had another program, or one of its nodes.
    """
    earlier, before = (
        read_contract(folder, contract.repeats),
        read_results(folder, contract.repeats),
    )
    if earlier is None or before is None:
        raise BadInput(f"{contract.repeats[:12]} is to be repeated, and did not run from {folder}")
    if (earlier.program, earlier.settings) != (contract.program, contract.settings):
        raise BadInput(f"{contract.repeats[:12]} had another program or other settings")
    if common := sorted({earlier.party(name).key for name in earlier.nodes}
                        & {contract.party(name).key for name in contract.nodes}):  # fmt: skip
        raise BadInput(f"the same node ran {contract.repeats[:12]}: {common[0][:16]}")
    return differing(before, found)


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
