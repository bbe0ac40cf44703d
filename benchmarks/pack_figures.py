"""What the tables of the packs are made of: a figure, the rows of a set, and one printed object."""

import argparse
import csv
import gzip
import io
import json
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

FOLDER = Path(__file__).resolve().parents[2] / "shared/data"


class Figure(NamedTuple):
    """One figure of the table."""

    what: str
    ours: str
    aim: str
    reference: str
    holds: bool
    data: str


Parts = Mapping[str, Callable[[Path], list[Figure]]]
"""What measures each set, by the set's folder."""


def rows_of(path: Path, delimiter: str = ",") -> list[dict[str, str]]:
    """The rows of a table, plain or compressed."""
    raw = path.read_bytes()
    if path.suffix == ".zip":
        with zipfile.ZipFile(io.BytesIO(raw)) as packed:
            raw = packed.read(packed.namelist()[0])
    elif path.suffix == ".gz":
        raw = gzip.decompress(raw)
    text = io.StringIO(raw.decode("utf-8"), newline="")
    return list(csv.DictReader(text, delimiter=delimiter, skipinitialspace=True))


def shown(pack: str, figures: list[Figure], *, missing: list[str]) -> bool:
    """Print a pack's figures as one JSON object; whether all of them hold."""
    told = {"pack": pack, "figures": [f._asdict() for f in figures], "missing": missing}
    print(json.dumps(told, ensure_ascii=False, indent=1, default=bool))
    return all(f.holds for f in figures)


def measured(pack: str, parts: Parts, *, folder: Path, about: str) -> bool:
    """Measure a pack on the sets that are in a folder, and print; see :func:`shown`."""
    parser = argparse.ArgumentParser(description=about)
    parser.add_argument("--data", type=Path, default=folder)
    data = parser.parse_args().data
    found = [f for name, part in parts.items() if (data / name).is_dir() for f in part(data)]
    return shown(pack, found, missing=[name for name in parts if not (data / name).is_dir()])
