"""Homes for tests: a clock that stands still, recordings brought in, findings and acts as JSON."""

import importlib.util
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

from wuxin.home import Home
from wuxin.portal import views
from wuxin.terms.clock import Nanos, moment
from wuxin.wire.recording import open_recording

EXAMPLES = Path(__file__).resolve().parents[1] / "examples"
NOW = moment("2026-01-05T08:00:00Z")


STOCK = """
pack = "logistics"
[[stream]]
file = "stock.csv"
time = { column = "time", format = "iso" }
thing = { kind = "lot", id = "lot", parent = { kind = "warehouse", fixed = "WH" } }
[stream.readings]
net_weight = { column = "weight", unit = "t" }
authorised_weight = { column = "book", unit = "t" }
"""


class Wall:
    """A clock that a test sets."""

    def __init__(self, at: int) -> None:
        self.at = at

    def __call__(self) -> Nanos:
        return Nanos(self.at)


def stocked(folder: Path) -> Path:
    """Write a recording of three lots, of which a third is missing from the 21st on."""
    rows = [f"2024-03-{d:02d}T08:00:00Z,L-{d % 3},{25 - 8 * (d > 20)},25" for d in range(1, 29)]
    (folder / "stock.csv").write_text("time,lot,weight,book\n" + "\n".join(rows) + "\n")
    (folder / "recording.toml").write_text(STOCK)
    return folder / "recording.toml"


def still() -> Nanos:
    """Return the same arrival time always, so that runs can be compared bit for bit."""
    return NOW


@contextmanager
def brought_in(manifest: Path, folder: Path, *, batch_rows: int = 10_000) -> Iterator[Home]:
    """Replay a recording into a home."""
    with Home(folder, clock=still) as home:
        for _ in home.replay(open_recording(manifest), batch_rows=batch_rows):
            pass
        yield home


def findings(home: Home, **where: Any) -> list[dict[str, Any]]:
    """Return the findings of a home, oldest first."""
    return [views.finding(r) for r in reversed(home.book.findings(home.tenant, where))]


def acts(home: Home, **where: Any) -> list[dict[str, Any]]:
    """Return the acts of a home, oldest first."""
    return [views.act(r) for r in reversed(home.book.acts(home.tenant, where))]


def generator(example: str, name: str = "generate") -> ModuleType:
    """Load the script that writes an example's generated files."""
    spec = importlib.util.spec_from_file_location(name, EXAMPLES / example / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
