"""Imports only go down: the contracts in pyproject.toml, kept."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.house.tree import ROOT

CONTRACT = """
[tool.importlinter]
root_package = "home"

[[tool.importlinter.contracts]]
name = "imports only go down"
type = "layers"
layers = ["home.roof", "home.ground"]
"""


def broken_floors(folder: Path, source: Path) -> str:
    """Run import-linter on a folder's contracts; return what it says when they are broken.

    In a process of its own: it imports what it looks at from `source`, and keeps it.
    """
    run = "from importlinter.cli import lint_imports; raise SystemExit(lint_imports(no_cache=True))"
    answer = subprocess.run(
        [sys.executable, "-c", run],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(source), "COLUMNS": "100"},
        capture_output=True,
        text=True,
        check=False,
    )
    return "" if answer.returncode == 0 else answer.stdout + answer.stderr


def test_imports_only_go_down() -> None:
    broken = broken_floors(ROOT, ROOT / "src")
    assert not broken, broken


@pytest.mark.parametrize(
    ("file", "text", "kept"),
    [("roof.py", "import home.ground", True), ("ground.py", "import home.roof", False)],
)
def test_an_import_that_goes_up_is_found(
    tmp_path: Path, file: str, text: str, *, kept: bool
) -> None:
    (tmp_path / "pyproject.toml").write_text(CONTRACT)
    (tmp_path / "home").mkdir()
    for name in ("__init__.py", "roof.py", "ground.py"):
        (tmp_path / "home" / name).write_text(text if name == file else "")
    broken = broken_floors(tmp_path, tmp_path)
    assert kept == (not broken), broken
    assert kept or "home.ground is not allowed to import home.roof" in broken
