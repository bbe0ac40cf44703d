"""A bank's branch in March 2024: from set-up to the verified case of a finding; nothing is lent.

All of it is generated (examples/operations).
"""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from tests.homes import EXAMPLES, brought_in, findings, still
from wuxin.audit import audit
from wuxin.casefile import bundle
from wuxin.cli import main
from wuxin.evidence import case
from wuxin.finance.process import Case
from wuxin.home import DEFAULT_TENANT, Home, keys
from wuxin.packs import schema
from wuxin.terms.errors import Conflict, NotFound, Refused
from wuxin.terms.records import Command

FACTS = (
    "documented", "devices_installed", "devices_commissioned", "devices_reporting",
    "data_accepted", "no_red_finding",
)  # fmt: skip


def test_the_process_walks_from_set_up_to_its_extension_without_a_loan() -> None:
    pack = schema.load("operations")
    walk = Case.start(pack.process)
    assert [step.does for step in pack.steps] == [""] * len(pack.steps)
    with pytest.raises(Conflict, match="documented"):
        walk.complete("set_up", by_role="relationship_manager", who="om", facts={})
    facts = dict.fromkeys(FACTS, True)
    for step in pack.steps:
        red = {**facts, "no_red_finding": False}
        if step.id == "closing_count":
            with pytest.raises(Conflict, match="no_red_finding"):
                walk.complete(step.id, by_role=step.owner, who="approver:x", facts=red)
        walk.complete(step.id, by_role=step.owner, who=f"{step.owner}:x", facts=facts)
    assert walk.finished


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    folder = tmp_path_factory.mktemp("branch")
    with brought_in(EXAMPLES / "operations" / "recording.toml", folder) as opened:
        yield opened


def case_of(home: Home, rule: str, *, thing: str) -> tuple[str, bytes]:
    """Return a finding's id, and its case file."""
    [found] = findings(home, rule=rule, thing=thing)
    return found["finding"], bundle(home.folder, DEFAULT_TENANT, finding=found["finding"])


def test_the_case_of_a_custody_gap_verifies_and_holds_the_cabinets_own_words(home: Home) -> None:
    assert audit(home.folder, home.tenant).faults == []
    name, data = case_of(home, "custody_open", thing="SEAL-2")
    vkey = keys(home.folder, DEFAULT_TENANT)[0].vkey
    said = case.check_case(data, key=vkey)
    assert any("1 findings, 1 ends" in line for line in said), said
    parts = case.unpack(data)
    assert json.loads(parts["manifest.json"])["finding"] == name
    raw = b"".join(v for k, v in parts.items() if k.startswith("frames/"))
    assert b"2024-03-05T18:30:00+08:00,SEAL-2,0," in raw
    assert bundle(home.folder, DEFAULT_TENANT, finding=name) == data


def test_the_case_of_one_alone_in_the_vault_holds_what_the_camera_said(home: Home) -> None:
    _, data = case_of(home, "alone_in_vault", thing="Z-VAULT")
    parts = case.unpack(data)
    raw = b"".join(v for k, v in parts.items() if k.startswith("frames/"))
    assert b"2024-03-07T17:17:34+08:00,Z-VAULT,1,1," in raw


def test_the_clip_of_a_loiterer_is_named_by_its_digest(home: Home) -> None:
    _, data = case_of(home, "loitering_stays", thing="Z-LOBBY")
    raw = b"".join(v for k, v in case.unpack(data).items() if k.startswith("frames/"))
    lines = [line.split(b",") for line in raw.splitlines() if line.startswith(b"2024-03-06T")]
    assert lines
    assert all(len(line[-1]) == 16 for line in lines if int(line[2]) > 0)


def test_a_case_of_another_finding_is_not_this_one(home: Home) -> None:
    name, data = case_of(home, "custody_open", thing="SEAL-2")
    other, _ = case_of(home, "custody_open", thing="KEY-1")
    parts = case.unpack(data)
    told = {**json.loads(parts["manifest.json"]), "finding": other}
    forged = case.pack({**parts, "manifest.json": case.plain_json(told)})
    with pytest.raises(case.WrongError, match="No record here is of"):
        case.check_case(forged)
    assert name != other


def test_the_command_writes_it_and_verifies_it(home: Home, tmp_path: Path) -> None:
    [found] = findings(home, rule="separation")
    out = tmp_path / "case.zip"
    asked = ["bundle", "--home", str(home.folder), "--out", str(out)]
    done = CliRunner().invoke(main, [*asked, "--finding", found["finding"]])
    assert done.exit_code == 0, done.output
    assert CliRunner().invoke(main, ["verify", str(out)]).exit_code == 0
    assert "name a facility, or --finding" in CliRunner().invoke(main, asked).output
    with pytest.raises(NotFound, match="no finding"):
        bundle(home.folder, DEFAULT_TENANT, finding="f" * 64)


def test_a_loan_against_the_branchs_things_is_refused_in_words(home: Home) -> None:
    [source] = home.flow.sources
    body = {
        "id": "F-1", "obligor": "x", "pool": {"root": "branch:B-1", "kind": "seal"},
        "currency": "CNY", "principal": "1000", "opened": "2024-03-16T00:00:00+08:00",
        "haircut": "0.1", "maximum_loan_to_value": "0.8", "target_loan_to_value": "0.7",
        "call_deadline": "5 d", "minimum_transfer": "1", "terms": {},
    }  # fmt: skip
    order = Command("open_facility", still(), "approver:an", "", body, "approver")
    with pytest.raises(Refused, match="nothing can be lent against branch:B-1"):
        home.order(order, source=source)
    assert audit(home.folder, home.tenant).faults == []
