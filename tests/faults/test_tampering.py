"""One changed byte in journal, tiles or checkpoint is named, and the command exits with 1."""

import random
import shutil
from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner

from tests.homes import brought_in, stocked
from wuxin.audit import audit
from wuxin.cli import main
from wuxin.home import DEFAULT_TENANT
from wuxin.terms.names import Digest


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tamper")
    with brought_in(stocked(folder), folder / "home", batch_rows=7):
        pass
    return folder / "home"


def changed(home: Path, copy: Path, *, file: Path, at: int, flip: int) -> Path:
    """Copy a home and change one byte of one of its files."""
    shutil.copytree(home, copy)
    target = copy / file.relative_to(home)
    data = bytearray(target.read_bytes())
    data[at] ^= flip
    target.write_bytes(data)
    return copy


def test_an_untouched_home_verifies(home: Path) -> None:
    result = CliRunner().invoke(main, ["verify", str(home)])
    assert result.exit_code == 0, result.output
    assert result.output.startswith("verified:")


@pytest.mark.parametrize("part", ["journal", "log"])
def test_one_flipped_byte_is_named(home: Path, tmp_path: Path, part: str) -> None:
    files = [f for f in (home / DEFAULT_TENANT / part).rglob("*") if f.is_file()]
    dice = random.Random(part)  # noqa: S311 - a repeatable choice, nothing secret
    for number in range(25):
        file = dice.choice(files)
        at, flip = dice.randrange(file.stat().st_size), dice.randrange(1, 256)
        copy = changed(home, tmp_path / f"{number}", file=file, at=at, flip=flip)
        found = audit(copy, DEFAULT_TENANT)
        assert found.faults, f"byte {at} of {file} changed by {flip} was not noticed"
        named = file.relative_to(home / DEFAULT_TENANT).as_posix()
        assert any(named in fault for fault in found.faults), (named, found.faults)


def test_the_command_exits_with_one_and_names_the_place(home: Path, tmp_path: Path) -> None:
    file = next((home / DEFAULT_TENANT / "journal").glob("*.seg"))
    copy = changed(home, tmp_path / "copy", file=file, at=400, flip=1)
    result = CliRunner().invoke(main, ["verify", str(copy)])
    assert result.exit_code == 1
    assert f"journal/{file.name}" in result.output


def test_a_finding_changed_in_the_book_has_no_proof(home: Path, tmp_path: Path) -> None:
    import sqlite3

    copy = tmp_path / "copy"
    shutil.copytree(home, copy)
    with sqlite3.connect(copy / "book.sqlite") as book:
        book.execute("UPDATE receipt SET leaf = leaf + 1 WHERE kind = 'finding'")
    assert any(f.startswith("book:") for f in audit(copy, DEFAULT_TENANT).faults)


def test_what_is_no_home_is_refused_in_one_line(tmp_path: Path) -> None:
    result = CliRunner().invoke(main, ["verify", str(tmp_path)])
    assert result.exit_code == 2
    assert len(result.output.strip().splitlines()) == 1


def test_a_pack_that_has_changed_is_said_and_not_called_tampering(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from wuxin.packs import schema

    pack = schema.load("logistics")
    changed_pack = msgspec.structs.replace(pack, digest=Digest("0" * 64))
    monkeypatch.setattr(schema, "load", lambda _: changed_pack)
    report = audit(home, DEFAULT_TENANT)
    assert report.faults == []
    assert any("pack logistics" in note for note in report.notes)
