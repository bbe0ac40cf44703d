"""The pages of the packs are what the packs say; a new pack passes once it is filled in."""

import re
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from wuxin.cli import main
from wuxin.packs import checks, schema
from wuxin.packs.new import new_pack
from wuxin.packs.pages import page
from wuxin.terms.errors import BadInput, Conflict

DOCS = Path(__file__).resolve().parents[2] / "docs" / "packs"


@pytest.mark.parametrize("name", [*schema.installed()])
def test_the_page_of_a_pack_is_current(name: str) -> None:
    said = "run: python -m wuxin.packs.pages docs/packs"
    assert (DOCS / f"{name}.md").read_text("utf-8") == page(name), said


def test_all_installed_packs_declare_the_four_standards() -> None:
    done = CliRunner().invoke(main, ["check"])
    assert done.exit_code == 0, done.output
    rows = done.output.splitlines()
    assert len(rows) == len(checks.STANDARDS) * len(schema.installed())
    assert all(re.search(r"  (done|exempt: .{10,})$", row) for row in rows)


def test_a_new_pack_names_what_is_left_and_passes_once_it_is_filled_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = new_pack("fishery", tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path / "wuxin-fishery"))
    left = checks.check(schema.read("fishery", "wuxin_fishery"))
    assert len(left) > 20
    assert all("has to be filled in" in fault for fault in left), left
    for path in files:
        path.write_text(path.read_text("utf-8").replace("FILL IN", "Filled"), "utf-8")
    for name in [name for name in sys.modules if name.startswith("wuxin_fishery")]:
        del sys.modules[name]
    assert checks.check(schema.read("fishery", "wuxin_fishery")) == []


def test_a_pack_that_is_there_or_cannot_be_named_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="small letters"):
        new_pack("Fish Farm", tmp_path)
    with pytest.raises(Conflict, match="already"):
        new_pack("energy", tmp_path)
    new_pack("fishery", tmp_path)
    with pytest.raises(Conflict, match="exists already"):
        new_pack("fishery", tmp_path)


def test_a_standard_that_a_pack_is_exempt_from_is_shown_with_its_reason() -> None:
    pack = schema.load("energy")
    from msgspec.structs import replace

    bare = replace(pack, steps=(), exempt={"process.bpmn": "run by another system of the bank"})
    rows = {row.file: row.state for row in checks.coverage(bare)}
    assert rows["process.bpmn"] == "exempt: run by another system of the bank"
    assert rows["rules.toml"] == "done"
