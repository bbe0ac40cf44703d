"""The same tasks through the wing: what its programs open, read from their compiled text.

The run here is a simulation: the true protocol (ABY3) between three threads of this process.
``wuxin joint demo`` runs three node processes.
"""

import time
from collections.abc import Mapping
from typing import Any

import numpy as np

from wuxin.joint.algorithms.keys import enlist, geometry, hashed, keys_at, place
from wuxin.joint.attacks import programs
from wuxin.joint.attacks.shown import Through
from wuxin.joint.baselines.steps import How, scored, trained
from wuxin.joint.engine import simulate
from wuxin.joint.program import Program
from wuxin.joint.schema import Table, described
from wuxin.joint.split import Split, auc, halves
from wuxin.terms.records import Words


def train(split: Split) -> Through:
    """Train on shares; the plain model by the same steps stands beside it."""
    fit, test = halves(split)
    tables = {"bank": {"x": fit.bank, "y": fit.y}, "partner": {"x": fit.partner}}
    weights, opens, seconds = _run(programs.train, tables)
    plain = auc(scored(test.joined, trained(fit.joined, fit.y, how=How())), test.y)
    shared = auc(scored(test.joined, weights["weights"]), test.y)
    return Through(
        "train", opens, {"auc": shared, "plain_auc": plain, "seconds": seconds},
        Words(f"AUC {shared:.4f}（明文 {plain:.4f}）；无梯度、残差或名单给任何人",
              f"AUC {shared:.4f}, plain {plain:.4f}; no gradient, residual or list to anybody"),
    )  # fmt: skip


def count(split: Split, seed: int = 1) -> Through:
    """Count the customers that both have, on the same halves as the attack's."""
    order = np.random.default_rng(seed).permutation(len(split.ids))
    cut = len(order) * 2 // 3
    bank = [split.ids[int(n)] for n in order[:cut]]
    partner = [split.ids[int(n)] for n in order[len(order) - cut :]]
    shape = geometry(len(bank), len(partner))
    noise = np.random.default_rng()
    salt = b"salt of this contract"
    mine, theirs = (hashed(ids, salt=salt, bins=shape) for ids in (bank, partner))
    tables = {
        "bank": {"key": keys_at(mine, place(mine, shape), noise=noise)},
        "partner": {"key": keys_at(theirs, enlist(theirs, shape), noise=noise)},
    }
    found, opens, seconds = _run(programs.count, tables)
    met, true = int(found["count"]), len({*bank} & {*partner})
    return Through(
        "count", opens, {"count": float(met), "true": float(true), "seconds": seconds},
        Words(f"只有人数 {met}，没有名单", f"the number {met}, no list"),
    )  # fmt: skip


def tag() -> Through:
    """The registry is no program on shares: what its servers see stands in its claims."""
    return Through(
        "tag", ("tag 32 bytes (registry)",), {},
        Words("密钥节点只见盲化元素；登记处只见标签",
              "key nodes see blinded elements, the registry sees tags"),
    )  # fmt: skip


def _run(
    program: Program, tables: Mapping[str, Table]
) -> tuple[dict[str, Any], tuple[str, ...], float]:
    compiled = program.compile(described(tables))
    opens = tuple(f"{one.name} {one.type} ({one.where})" for one in compiled.openings)
    start = time.perf_counter()
    found = simulate(program, tables)
    return found, opens, time.perf_counter() - start
