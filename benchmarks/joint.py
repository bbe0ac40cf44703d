"""The joint wing: real processes over TCP, bytes counted, against NumPy and scikit-learn.

Every job runs through contract, push, three node processes and fetch, on loopback. With the right
to make a network namespace (root) the process moves into one of its own, so that the interface's
counter is exact; else only what SPU itself counts (its payload) is shown.

    wuxin bench joint [JOB ...]        jobs: model count join duplicates split
"""

import argparse
import ctypes
import fcntl
import json
import os
import socket
import struct
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from wuxin.joint import trial
from wuxin.joint.algorithms.keys import geometry
from wuxin.joint.catalogue import Terms, draft
from wuxin.joint.contract import Signed
from wuxin.joint.layout import listed, placed, salt_of
from wuxin.joint.local import Local
from wuxin.joint.program import Program, Setting
from wuxin.joint.programs.credit import RIDGE, default_model, hidden_model, vertical_model
from wuxin.joint.programs.matching import common, duplicates_5
from wuxin.joint.split import example
from wuxin.terms.clock import system_clock

Figures = dict[str, Any]
Tables = Mapping[str, Mapping[str, Any]]

DELAY_S, RATE = 0.020, 100e6 / 8
CLONE_NEWNET, SIOCSIFFLAGS, UP = 0x40000000, 0x8914, 0x1
SALT = salt_of("wuxin bench joint")


def apart() -> bool:
    """Move into a network namespace of one's own; False where that is not allowed."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_NEWNET):
        return False
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as line:
        fcntl.ioctl(line, SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", UP))
    return True


def on_the_wire() -> int:
    """Bytes that have gone over loopback in this namespace, headers included."""
    for line in Path("/proc/net/dev").read_text("ascii").splitlines():
        name, _, counts = line.partition(":")
        if name.strip() == "lo":
            return int(counts.split()[0])
    return 0


def compute(
    nodes: Local, program: Program, *, shared: Tables, alone: bool, **settings: Setting
) -> tuple[dict[str, Any], Figures]:
    """Run one program through a contract; every owner receives every result."""
    owners = {name: nodes.member(f"{name.replace('_', '-')}-owner") for name in shared}
    inputs = [owners[name].commit(name, table) for name, table in shared.items()]
    parties = [each.party("data_owner", "user") for each in owners.values()]
    schema = {each.table: dict(each.columns) for each in inputs}
    results = program.compile(schema, **settings).results
    group = int(settings.pop("minimum_group", 0))
    to = {name: [party.name for party in parties] for name in results}
    contract = draft(
        program, inputs, parties=[*parties, *map(nodes.party, nodes.nodes)], nodes=nodes.nodes,
        terms=Terms(
            purpose="benchmark", to=to, settings=settings, minimum_group=group, wait_s=300,
            run_s=300,
        ),
        now=system_clock(),
    )  # fmt: skip
    signed = Signed(contract)
    for owner in owners.values():
        signed = owner.sign(signed)
    for name in nodes.nodes:
        signed = signed.sign(name, nodes.key(name))
    before, begun = on_the_wire(), time.perf_counter()
    for owner in owners.values():
        owner.push(signed)
    first = next(iter(owners.values()))
    told = first.wait(signed)
    found = first.fetch(signed)
    whole = time.perf_counter() - begun
    rounds = told["messages_sent"] / 3
    figures = {
        "run_s": round(told["seconds"], 2),
        "whole_s": round(whole, 2),
        "cpu_s_per_node": round(told["cpu_seconds"] / 3, 2),
        "payload_mb_all_nodes": round(told["bytes_sent"] / 1e6, 1),
        "wire_mb_with_pushes": round((on_the_wire() - before) / 1e6, 1) if alone else None,
        "messages_per_node": round(rounds),
        "at_20ms_100mbps_s": round(
            told["cpu_seconds"] / 3 + rounds * DELAY_S + told["bytes_sent"] / 3 / RATE, 1
        ),
        "load": round(os.getloadavg()[0], 1),
    }
    return found, figures


def timed(work: Callable[[], Any], times: int = 5) -> tuple[Any, float]:
    """The result, and the shortest of several runs in seconds."""
    best, found = float("inf"), None
    for _ in range(times):
        begun = time.perf_counter()
        found = work()
        best = min(best, time.perf_counter() - begun)
    return found, best


def trained(x: Any, y: Any, *, rounds: int, batch: int, rate: float, steady: bool = False) -> Any:
    """Logistic regression by mini-batches in NumPy: the same steps with the exact sigmoid."""
    momentum, ridge = (0.9, RIDGE) if steady else (0.0, 0.0)
    rows = np.concatenate([np.ones((len(x), 1)), x], axis=1).astype(np.float32)
    weights = pace = np.zeros(rows.shape[1], np.float32)
    labels = y.astype(np.float32)
    for turn in range(rounds):
        at = turn * batch % len(rows)
        part, truth = rows[at : at + batch], labels[at : at + batch]
        away = 1 / (1 + np.exp(-(part @ weights))) - truth
        pace = rate * (away @ part / len(part) + ridge * weights) + momentum * pace
        weights = weights - pace
    return weights


def synthetic(rows: int, columns: int) -> tuple[Any, Any]:
    """Standardised columns and a label that depends on them; seeded."""
    noise = np.random.default_rng(7)
    x = noise.standard_normal((rows, columns)).astype(np.float32)
    odds = x @ noise.standard_normal(columns) * (3 / np.sqrt(columns))
    return x, (noise.random(rows) < 1 / (1 + np.exp(-odds))).astype(np.int64)


def scored(x: Any, y: Any, *, weights: Any) -> float:
    """AUC of a linear model on these rows."""
    return float(roc_auc_score(y, x @ weights[1:] + weights[0]))


def model(nodes: Local, *, alone: bool) -> Figures:
    """Vertical logistic regression, 20,000 x 50, cubic sigmoid, 100 mini-batches of 1,000."""
    x, y = synthetic(20_000, 50)
    how: dict[str, Any] = {"rounds": 100, "batch": 1000, "rate": 0.3}
    shared = {"bank": {"x": x[:, :25], "y": y}, "partner": {"x": x[:, 25:]}}
    found, figures = compute(nodes, vertical_model, shared=shared, alone=alone, form="cubic", **how)
    plain, plain_s = timed(lambda: trained(x, y, **how))
    fitted, fit_s = timed(lambda: LogisticRegression().fit(x, y), 3)
    return figures | {
        "auc": scored(x, y, weights=found["weights"]),
        "auc_numpy": scored(x, y, weights=plain),
        "auc_scikit_learn": float(roc_auc_score(y, fitted.decision_function(x))),
        "numpy_s": round(plain_s, 4),
        "scikit_learn_s": round(fit_s, 3),
        "run_against_scikit_learn": round(figures["run_s"] / fit_s, 1),
    }


def count(nodes: Local, *, alone: bool) -> Figures:
    """Hidden join, 100,000 x 100,000, the count alone opened."""
    rows = 100_000
    left, right = np.arange(rows), np.arange(rows) + 70_000
    bins = geometry(rows, rows)
    shared = {
        "left": _key(placed([str(each) for each in left], {}, salt=SALT, bins=bins).table),
        "right": _key(listed([str(each) for each in right], {}, salt=SALT, bins=bins).table),
    }
    found, figures = compute(nodes, common, shared=shared, alone=alone)
    plain, plain_s = timed(lambda: len(np.intersect1d(left, right)))
    return figures | {"count": int(found["count"]), "plain": plain, "numpy_s": round(plain_s, 4)}


def join(nodes: Local, *, alone: bool) -> Figures:
    """Hidden join of 10,000 x 10,000 rows, 3,000 in common, then a model of 20 columns."""
    rows, both = 10_000, 3_000
    x, y = synthetic(rows, 20)
    theirs = np.arange(rows) + rows - both
    ids, known = [str(each) for each in range(rows)], [str(each) for each in theirs]
    mine = {f"x{at}": x[:, at] for at in range(10)} | {"y": y}
    other = np.random.default_rng(8).standard_normal((rows, 10)).astype(np.float32)
    other[:both] = x[-both:, 10:]
    bins = geometry(rows, rows)
    bank = placed(ids, mine, salt=SALT, bins=bins).table
    shared = {
        "bank": bank,
        "partner": listed(
            known, {f"x{at}": other[:, at] for at in range(10)}, salt=SALT, bins=bins
        ).table,
    }
    rounds = 60
    found, figures = compute(nodes, hidden_model, shared=shared, alone=alone, rounds=rounds)

    def plainly() -> Any:
        _, at, _ = np.intersect1d(np.arange(rows), theirs, return_indices=True)
        return trained(x[at], y[at], rounds=rounds, batch=both, rate=0.3, steady=True)

    plain, plain_s = timed(plainly)
    fitted, fit_s = timed(lambda: LogisticRegression().fit(x[-both:], y[-both:]), 3)
    auc = roc_auc_score(y[-both:], fitted.decision_function(x[-both:]))
    return figures | {
        "auc": scored(x[-both:], y[-both:], weights=found["weights"]),
        "auc_numpy": scored(x[-both:], y[-both:], weights=plain),
        "auc_scikit_learn": float(auc),
        "numpy_s": round(plain_s, 4),
        "scikit_learn_s": round(fit_s, 3),
    }


def duplicates(nodes: Local, *, alone: bool) -> Figures:
    """What is pledged at more than one of five banks of 20,000 receipts each."""
    banks, rows = 5, 20_000
    held = [list(range(at * rows, (at + 1) * rows)) for at in range(banks)]
    for at in range(1, 200):  # pledged at two banks
        held[at % banks][at] = held[(at + 1) % banks][-at]
    bins = geometry(rows, rows)
    laid = [placed([str(each) for each in own], {}, salt=SALT, bins=bins) for own in held]
    shared = {
        f"bank_{at + 1}": {
            "placed": laid[at].table["key"],
            "listed": listed([str(each) for each in own], {}, salt=SALT, bins=bins).table["key"],
        }
        for at, own in enumerate(held)
    }
    found, figures = compute(nodes, duplicates_5, shared=shared, alone=alone)

    def plainly() -> Any:
        values, times = np.unique(np.concatenate(held), return_counts=True)
        twice = values[times > 1]
        return [np.isin(own, twice) for own in held]

    plain, plain_s = timed(plainly)
    right = all(
        np.array_equal(
            _in_order(found[f"flags_{at + 1}"], laid[at].at, rows=rows), plain[at].astype(np.int64)
        )
        for at in range(banks)
    )
    return figures | {
        "flags": int(sum(each.sum() for each in plain)), "all_right": right,
        "numpy_s": round(plain_s, 4),
    }  # fmt: skip


def split(nodes: Local, *, alone: bool) -> Figures:
    """The demo's split table: a model on the hidden intersection against the same in plain."""
    laid = trial.laid(trial.owners(example()), salt=SALT)
    shared = {name: each.table for name, each in laid.items()}
    found, figures = compute(nodes, default_model, shared=shared, alone=alone, minimum_group=3)
    plain = default_model.plain(shared, minimum_group=3)
    return figures | {
        "auc": float(found["auc"]), "auc_plain": float(plain["auc"]),
        "auc_bank_alone": float(plain["auc_bank"]),
        "worst_share": float(abs(found["distribution"] - plain["distribution"]).max()),
    }  # fmt: skip


JOBS = {each.__name__: each for each in (model, count, join, duplicates, split)}


def main(asked: Sequence[str]) -> None:
    """Run the jobs that are asked for, all by default; prints a line of JSON for each."""
    alone = apart()
    with (
        tempfile.TemporaryDirectory(prefix="wuxin-bench-") as folder,
        Local(Path(folder), clock=system_clock) as nodes,
    ):
        for name in asked or JOBS:
            figures = JOBS[name](nodes, alone=alone)
            print(json.dumps({"job": name, **figures}), flush=True)


def _key(table: Mapping[str, Any]) -> dict[str, Any]:
    return {"key": table["key"]}


def _in_order(found: Any, at: Any, *, rows: int) -> Any:
    ordered = np.zeros(rows, np.int64)
    flat, places = np.asarray(found).reshape(-1), at.reshape(-1)
    ordered[places[places >= 0]] = flat[places >= 0]
    return ordered


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("jobs", nargs="*", choices=[*JOBS, []])
    main(parser.parse_args(sys.argv[1:]).jobs)
