"""The nightly check: two homes' books, the flags that each receives, and what each then knows."""

from pathlib import Path
from typing import Any

import msgspec
import pytest
from click.testing import CliRunner

from tests.faults.test_pledged_twice import TERMS
from tests.homes import findings, still
from wuxin.cli import main
from wuxin.home import Home
from wuxin.joint.algorithms.keys import rows_from
from wuxin.joint.plan import Plan
from wuxin.joint.program import find
from wuxin.joint.programs import matching
from wuxin.terms.errors import BadInput
from wuxin.terms.records import Command

BANKS = ("bank-a", "bank-b")


def home(folder: Path, *receipts: str) -> None:
    """A home with a lot pledged for each receipt, written in this bank's way."""
    with Home(folder, clock=still) as made:
        things = [{"kind": "warehouse", "id": "W"}]
        things += [
            {"kind": "lot", "id": receipt, "parent": "warehouse:W"}
            for receipt, _ in enumerate(receipts)
        ]
        things = [{**each, "id": str(each["id"])} for each in things]
        made.attend("yard", "logistics", things=things)
        body: dict[str, Any] = {**TERMS, "id": "F", "pool": {"root": "warehouse:W", "kind": "lot"}}
        made.order(Command("open_facility", still(), "approver:a", "F", body), source="yard")
        for number, receipt in enumerate(receipts):
            said = {
                "thing": f"lot:{number}", "owner": "trader", "custodian": "中储",
                "identities": [{"scheme": "receipt", "text": receipt, "issuer": "中储发展"}],
                "place": {"name": "W"},
            }  # fmt: skip
            at = still() + 1 + number
            made.order(Command("pledge", at, "risk_officer:r", "F", said, key=receipt))


def wuxin(*words: str) -> str:
    told = CliRunner().invoke(main, ["joint", *words])
    assert told.exit_code == 0, told.output
    return told.output


def flags_of(tmp_path: Path) -> None:
    """The hidden check, in plain: each bank's flags for its own identifiers, as `run` writes."""
    plan = msgspec.convert(
        {
            "purpose": "a night", "program": "wuxin.joint.programs.matching:duplicates_2",
            "parties": [], "nodes": ["node-a", "node-b", "node-c"], "to": {},
            "joins": {"goods": {"placed": 50, "listed": 50}},
            "tables": {
                f"bank_{at}": {"party": name, "join": "goods", "lay": "both"}
                for at, name in enumerate(BANKS, 1)
            },
        },
        Plan,
    )  # fmt: skip
    brought = {
        f"bank_{at}": plan.bring(f"bank_{at}", tmp_path / f"{name}.csv")
        for at, name in enumerate(BANKS, 1)
    }
    found = find(plan.program).plain({name: each.table for name, each in brought.items()})
    for at, name in enumerate(BANKS, 1):
        own = brought[f"bank_{at}"]
        assert own.at is not None
        flags = rows_from(found[f"flags_{at}"], own.at, rows=len(own.ids))
        lines = ["id,flags", *(f"{id_},{flag}" for id_, flag in zip(own.ids, flags, strict=True))]
        (tmp_path / f"{name}.flags.csv").write_text("\n".join(lines), "utf-8")


def test_goods_pledged_at_two_banks_are_found_at_night_by_both(tmp_path: Path) -> None:
    home(tmp_path / "bank-a", "CR-2024 0017", "CR-18")
    home(tmp_path / "bank-b", "仓单号：ＣＲ-2024-0017", "CR-19", "CR-20")
    for name in BANKS:
        told = wuxin("book", "--home", str(tmp_path / name), "--to", str(tmp_path / f"{name}.csv"))
        assert f"{2 if name == 'bank-a' else 3} pledges" in told
        assert (tmp_path / f"{name}.csv").stat().st_mode & 0o077 == 0
    flags_of(tmp_path)
    for name in BANKS:
        file = str(tmp_path / f"{name}.flags.csv")
        told = wuxin("nightly", file, "--book", str(tmp_path / f"{name}.csv"),
                     "--home", str(tmp_path / name))  # fmt: skip
        assert "pledged elsewhere: F/lot:0 (" in told
        assert "1 of the pledges that stand, 1 flagged" in told
        with Home(tmp_path / name, clock=still) as made:
            found = [each for each in findings(made) if each["rule"] == "pledged_elsewhere"]
            assert [(each["level"], each["to"]) for each in found] == [("red", None)]


def test_as_many_banks_as_a_contract_has() -> None:
    assert find("wuxin.joint.programs.matching:duplicates_12").tables[-1] == "bank_12"
    for name in ("duplicates_1", "duplicates_21", "duplicates_"):
        assert not hasattr(matching, name)
    with pytest.raises(BadInput, match="is not a program"):
        find("wuxin.joint.programs.matching:duplicates_21")
