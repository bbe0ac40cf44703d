"""The other end of the nursery: builds the disk that fails, starts the process, sends it jobs."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
SHARED_MEMORY = Path("/dev/shm")  # noqa: S108 - a folder of our own is made in it


def missing() -> str:
    """What this machine lacks for a disk that fails, or nothing."""
    if not sys.platform.startswith("linux"):
        return "faults are injected with LD_PRELOAD, which is Linux's"
    return "" if shutil.which("cc") else "there is no C compiler (cc) to build the failing disk"


class Jobs:
    """A running nursery."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process
        self.counts = self._answer()

    def __call__(self, do: str, **job: Any) -> dict[str, Any]:
        """Send one job and wait for its answer."""
        assert self._process.stdin
        self._process.stdin.write(json.dumps({"do": do, **job}) + "\n")
        self._process.stdin.flush()
        return self._answer()

    def _answer(self) -> dict[str, Any]:
        assert self._process.stdout
        line = self._process.stdout.readline()
        assert line, "the nursery has died; its reason stands above"
        answer: dict[str, Any] = json.loads(line)
        return answer


@contextmanager
def nursery() -> Iterator[Jobs]:
    """A nursery with a failing disk under it, in memory where there is room."""
    place = SHARED_MEMORY if os.access(SHARED_MEMORY, os.W_OK) else None
    with tempfile.TemporaryDirectory(prefix="wuxin-faults-", dir=place) as folder:
        library = Path(folder) / "disk.so"
        source = Path(__file__).with_name("disk.c")
        build = ["cc", "-O1", "-shared", "-fPIC", "-o", str(library), str(source), "-ldl"]
        subprocess.run(build, check=True)
        paths = os.pathsep.join(filter(None, (str(ROOT / "src"), str(ROOT))))
        with subprocess.Popen(
            [sys.executable, "-m", "tests.faults.nursery", folder],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT,
            env={**os.environ, "LD_PRELOAD": str(library), "PYTHONPATH": paths},
        ) as process:  # fmt: skip
            try:
                yield Jobs(process)
            finally:
                assert process.stdin
                process.stdin.close()
