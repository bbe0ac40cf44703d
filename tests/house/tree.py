"""The project's files, as the house tests see them."""

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CODE = ("src", "tests", "benchmarks")
Offence = tuple[int, str]  # the line and what is wrong there
MADE = {".git", ".venv", "__pycache__", ".hypothesis"}


def python_files(*folders: str) -> list[Path]:
    """Return the Python files below folders of the project, sorted."""
    return sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py"))


def kept_files() -> list[Path]:
    """Return the files that are, or on the next `git add` would be, kept in the repository.

    Without git, or in a copy that is no repository, these are all files which `make` has not made.
    """
    if git := shutil.which("git"):
        command = [git, "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
        answer = subprocess.run(command, cwd=ROOT, capture_output=True, check=False)
        if answer.returncode == 0:
            names = {name for name in answer.stdout.decode().split("\0") if name}
            return sorted(ROOT / name for name in names if (ROOT / name).is_file())
    return sorted(_walk(ROOT))


def _walk(folder: Path) -> Iterator[Path]:
    for path in folder.iterdir():
        made = path.name in MADE or path.name.endswith(("_cache", ".egg-info"))
        if path.is_dir() and not path.is_symlink() and not made:
            yield from _walk(path)
        elif path.is_file() and not path.name.startswith(".coverage"):
            yield path


def report(offences: dict[Path, list[Offence]]) -> str:
    """Return all files' offences, each as `path:line: what`; an empty string if there are none."""
    return "\n".join(
        f"{path.relative_to(ROOT)}:{line}: {what}"
        for path, found in offences.items()
        for line, what in found
    )
