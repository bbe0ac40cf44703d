"""How often guards flag the honest, and how often the forged: simulated banks, many seeds.

Runs in plain JAX; tests hold that flags on shares are the same. ``false`` is the share of honest
banks flagged, ``found`` that of forging ones. The limits were chosen on seeds below 1000 of this
simulator and are measured on others, but of the same simulator: real banks differ more among
themselves. Prints one JSON line for each case.

    .venv/bin/python benchmarks/joint_guards.py [--seeds 500] [--rows 200 400 2000]
        [--columns 8] [--correlation 0 0.8]
"""

import argparse
import json
from collections.abc import Callable
from itertools import product
from typing import Any

import jax
import numpy as np

from wuxin.joint.algorithms import logistic
from wuxin.joint.guards import influence, labels, meters, ranges
from wuxin.joint.guards.simulator import Banks, banks
from wuxin.joint.programs.checks import COMMON, FIFTHS, WIDEST

FORGER = 1


def by_labels(made: dict[str, Any]) -> Any:
    """Agreement with the common direction."""
    return labels.flipped_labels(list(made["x"]), list(made["y"]))


def by_meter(made: dict[str, Any]) -> Any:
    """Readings against what they should be."""
    return meters.forged_meters(list(made["reading"]), list(made["expected"]))


def by_influence(made: dict[str, Any]) -> Any:
    """Pull at the common model."""
    rows = made["x"].reshape(-1, made["x"].shape[-1])
    weights = logistic.train(rows, made["y"].reshape(-1), how=COMMON)
    return influence.undue_influence(list(made["x"]), list(made["y"]), weights=weights)


def by_drift(made: dict[str, Any]) -> Any:
    """Columns against those of the peers."""
    columns = made["x"].shape[-1]
    return ranges.strayed(list(made["x"]), cuts=np.tile(np.array(FIFTHS)[:, None], columns))


def by_range(made: dict[str, Any]) -> Any:
    """Values that a standardised column cannot have."""
    border = np.full(made["x"].shape[-1], WIDEST)
    found = [ranges.out_of_range(each, low=-border, high=border) for each in made["x"]]
    return jax.numpy.stack([each.any() for each in found])


LABELS: dict[str, Callable[[Banks], object]] = {
    "honest": lambda _: None,
    "20 % flipped": lambda b: b.flip(FORGER, 0.2),
    "30 % flipped": lambda b: b.flip(FORGER, 0.3),
    "50 % flipped": lambda b: b.flip(FORGER, 0.5),
    "all flipped": lambda b: b.flip(FORGER, 1.0),
    "5 % poison": lambda b: b.poison(FORGER, 0.05),
    "10 % poison": lambda b: b.poison(FORGER, 0.1),
}
METERS: dict[str, Callable[[Banks], object]] = {
    "honest": lambda _: None,
    "made up": lambda b: b.make_up(FORGER),
    "calculated": lambda b: b.calculate(FORGER),
    "times 1.2": lambda b: b.rescale(FORGER, 1.2),
    "times 1.5": lambda b: b.rescale(FORGER, 1.5),
}
COLUMNS: dict[str, Callable[[Banks], object]] = {
    "honest": lambda _: None,
    "one column moved by 0.3": lambda b: b.move(FORGER, 0.3),
    "one column moved by 0.6": lambda b: b.move(FORGER, 0.6),
    "one column moved by 0.9": lambda b: b.move(FORGER, 0.9),
    "5 % of one column times 20": lambda b: b.blow_up(FORGER, 0.05),
}
FIRST = 10_000
CASES = (
    (by_drift, COLUMNS),
    (by_range, COLUMNS),
    (by_labels, LABELS),
    (by_influence, LABELS),
    (by_meter, METERS),
)


def main() -> None:
    """Measure and print."""
    options = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    options.add_argument("--seeds", type=int, default=500)
    options.add_argument("--rows", type=int, nargs="*", default=[200, 400, 2000])
    options.add_argument("--columns", type=int, nargs="*", default=[8])
    options.add_argument("--correlation", type=float, nargs="*", default=[0.0, 0.8])
    asked = options.parse_args()
    made = [
        {"rows": rows, "columns": columns, "correlation": correlation}
        for columns, correlation, rows in product(asked.columns, asked.correlation, asked.rows)
    ]
    for guard, forgeries in CASES:
        run = jax.jit(guard)
        for how, (name, forge) in product(made, forgeries.items()):
            told = {"guard": guard.__name__, "case": name}
            print(json.dumps(how | _rates(run, forge, how=how, seeds=asked.seeds) | told))


def _rates(
    run: Callable[[Any], Any], forge: Callable[[Banks], object], *, how: dict[str, Any], seeds: int
) -> dict[str, Any]:
    flags = []
    for seed in range(FIRST, FIRST + seeds):
        made = banks(seed, **how)
        forge(made)
        given = {name: getattr(made, name) for name in ("x", "y", "reading", "expected")}
        flags.append(np.asarray(run(given)))
    found = np.mean(flags, axis=0)
    return {
        "seeds": seeds, "found": round(float(found[FORGER]), 4),
        "false": round(float(np.delete(found, FORGER).mean()), 4),
    }  # fmt: skip


if __name__ == "__main__":
    jax.config.update("jax_enable_x64", True)  # noqa: FBT003 - its own form
    main()
