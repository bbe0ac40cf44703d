"""``wuxin joint demo``: two owners and three nodes on loopback train and score on hidden rows."""

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from rich.console import Console
from rich.table import Table

from wuxin.joint import trial
from wuxin.joint.baselines.compare import Line, compare
from wuxin.joint.catalogue import Catalogue, Entry, Terms, draft
from wuxin.joint.contract import Contract, Signed
from wuxin.joint.layout import salt_of
from wuxin.joint.local import Local
from wuxin.joint.owner import Member
from wuxin.joint.program import Program
from wuxin.joint.programs.credit import default_model
from wuxin.joint.refusals import check_form, check_program
from wuxin.joint.split import example
from wuxin.terms.clock import Clock, system_clock
from wuxin.terms.durable import write_files
from wuxin.terms.errors import Tampered

OWNER = {
    "bank": "bank-a",
    "fresh": "bank-a",
    "partner": "platform-b",
    "partner_fresh": "platform-b",
}
WORDS = {
    "bank": ("以往客户及其违约标记", "past customers and whether they defaulted"),
    "fresh": ("新客户", "fresh customers"),
    "partner": ("平台所知的主体", "whom the platform knows"),
    "partner_fresh": (
        "平台所知的主体，按新客户排布",
        "the same, laid out against the fresh customers",
    ),
}
TO = {name: ["bank-a", "platform-b"] for name in ("auc", "auc_bank", "distribution")}
MINIMUM_GROUP = 3
PURPOSE = (
    "在不出示数据的前提下，以双方数据训练违约模型并为新客户评分 / Train a default model on both "
    "parties' data and score fresh customers, without showing the data"
)


class Shown(NamedTuple):
    """What the demo found: the results, those of the same program on plain data, and figures."""

    signed: Signed
    results: dict[str, Any]
    plain: dict[str, Any]
    figures: dict[str, float]
    plain_seconds: float
    whole_seconds: float
    others: list[Line]


def run(
    home: Path, console: Console, *, table: Path | None = None, bad: str = "1",
    clock: Clock = system_clock,
) -> Shown:  # fmt: skip
    """Start everything, sign, compute, fetch; returns what was found.

    Args:
        home: where every party gets a folder, and the nodes' evidence stays.
        console: where the story is told.
        table: a folder with a split table, see :mod:`wuxin.joint.split`; the example if none.
        bad: the value of the bank's label that is bad.
        clock: the time.
    """
    found = trial.owners(table or example(), bad=bad)
    salt = salt_of(f"{PURPOSE} {clock()}")
    laid = trial.laid(found, salt=salt)
    shared = {name: each.table for name, each in laid.items()}
    default_model.plain(shared, minimum_group=MINIMUM_GROUP)  # JAX compiles once
    begun = time.perf_counter()
    plain = default_model.plain(shared, minimum_group=MINIMUM_GROUP)
    plain_seconds = time.perf_counter() - begun
    console.print(
        f"bank-a: {len(found.bank.ids)} past and {len(found.fresh.ids)} fresh customers; "
        f"platform-b: {len(found.partner.ids)}. 谁在交集之中，谁也不知道 Nobody learns who is in "
        "both."
    )
    with Local(home, clock=clock) as nodes:
        bank, platform = nodes.member("bank-a"), nodes.member("platform-b")
        watch = nodes.member("regulator-c")
        contract = _contract(nodes, (bank, platform, watch), laid=laid, now=clock())
        signed = _signed(contract, nodes, parties=(bank, platform, watch), program=default_model)
        write_files({home / "contract.json": signed.json})
        _tell_contract(signed, console)
        begun = time.perf_counter()
        bank.push(signed)
        platform.push(signed)
        figures = bank.wait(signed)
        results = bank.fetch(signed)
        whole = time.perf_counter() - begun
        seen = platform.fetch(signed)
    if any(not np.array_equal(seen[name], results[name]) for name in results):
        raise Tampered("the two recipients were given different results")
    others = compare(*trial.in_one_place(found))
    shown = Shown(signed, results, plain, figures, plain_seconds, whole, others)
    console.print(_table(shown))
    shares = ", ".join(
        f"{grade}: {share:.0%}" for grade, share in enumerate(results["distribution"])
    )
    console.print(f"新客户评级分布 Grades of fresh customers known to both — {shares}")
    return shown


def _contract(
    nodes: Local, parties: tuple[Member, Member, Member], *, laid: Mapping[str, Any], now: int
) -> Contract:
    bank, platform, watch = parties
    centre, inputs = Catalogue(), []
    for member in (bank, platform):
        for name in sorted(OWNER):
            if OWNER[name] == member.name:
                made = member.commit(name, laid[name].table)
                centre.add(Entry(member.name, name, *WORDS[name], dict(made.columns)))
                inputs.append(made)
    listed = [
        bank.party("data_owner", "user"),
        platform.party("data_owner", "algorithm_provider"),
        watch.party("supervisor"),
        *map(nodes.party, nodes.nodes),
    ]
    terms = Terms(purpose=PURPOSE, to=TO, minimum_group=MINIMUM_GROUP, wait_s=120, run_s=180)
    return draft(default_model, inputs, parties=listed, nodes=nodes.nodes, terms=terms, now=now)


def _signed(
    contract: Contract, nodes: Local, *, parties: tuple[Member, ...], program: Program
) -> Signed:
    """Everybody signs; whoever brings data or gets results compiles the program first."""
    signed = Signed(contract)
    for member in parties:
        check_form(contract)
        compiled = program.compile(contract.schema, **contract.bound)
        check_program(contract, program, compiled=compiled)
        signed = member.sign(signed)
    for name in nodes.nodes:  # they compile when it is proposed to them
        signed = signed.sign(name, nodes.key(name))
    return signed


def _tell_contract(signed: Signed, console: Console) -> None:
    contract = signed.contract
    console.print(f"合约 contract {contract.id[:16]}, program {contract.digest[:16]}, signed by "
                  f"{', '.join(sorted(signed.signatures))}")  # fmt: skip
    for each in contract.openings:
        console.print(
            f"  打开 opens {each.opening.name} {each.opening.type} → {', '.join(each.to)}"
        )


def _table(shown: Shown) -> Table:
    made = Table(title="同一任务，几种做法 One task, several ways")
    for name in ("做法 way", "AUC", "秒 s", "字节 bytes", "泄露 what leaks"):
        made.add_column(name, overflow="fold")
    figures, auc = shown.figures, float(shown.results["auc"])
    made.add_row(
        "仅用银行自己的列 the bank's columns alone", f"{float(shown.plain['auc_bank']):.4f}",
        "", "0", "无 nothing",
    )  # fmt: skip
    made.add_row(
        "明文合并 plain, all in one place", f"{float(shown.plain['auc']):.4f}",
        f"{shown.plain_seconds:.3f}", "", "一切 everything",
    )  # fmt: skip
    for line in shown.others[1:]:  # the first is plain once more
        spent = "" if line.epsilon is None else f", ε {line.epsilon:.2f}"
        made.add_row(
            f"{line.name.zh} {line.name.en}{spent}", f"{line.auc:.4f}", f"{line.seconds:.3f}",
            f"{line.bytes:,}", f"{line.leaks.zh} {line.leaks.en}",
        )  # fmt: skip
    made.add_row(
        "秘密共享 on secret shares", f"{auc:.4f}",
        f"{figures['seconds']:.1f} ({shown.whole_seconds:.1f} 全程 in all)",
        f"{figures['bytes_sent']:,.0f}", "仅合约所列 only what the contract lists; sizes",
    )  # fmt: skip
    return made
