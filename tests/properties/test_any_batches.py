"""Where batches are cut makes no difference, a broken-off replay goes on, reopening agrees."""

from pathlib import Path
from typing import Any

import pytest

from tests.homes import EXAMPLES as SHIPPED
from tests.homes import acts, brought_in, findings, still
from wuxin.home import Home
from wuxin.wire.recording import open_recording

COPPER = SHIPPED / "logistics" / "recording.toml"


def told(home: Home) -> tuple[list[Any], list[Any]]:
    """Return findings and acts without what names a batch."""
    bare = ("batch", "because")
    return tuple(
        [{k: v for k, v in row.items() if k not in bare} for row in rows]
        for rows in (findings(home), acts(home))
    )  # type: ignore[return-value] # two lists


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[Any], list[Any]]:
    with brought_in(COPPER, tmp_path_factory.mktemp("whole")) as home:
        return told(home)


@pytest.mark.parametrize("rows", [113, 1999])
def test_any_cut_gives_the_same_findings_and_acts(
    whole: tuple[list[Any], list[Any]], tmp_path: Path, rows: int
) -> None:
    with brought_in(COPPER, tmp_path, batch_rows=rows) as home:
        assert told(home) == whole


def test_a_replay_that_was_broken_off_goes_on(
    whole: tuple[list[Any], list[Any]], tmp_path: Path
) -> None:
    recording = open_recording(COPPER)
    with Home(tmp_path, clock=still) as home:
        for number, _ in enumerate(home.replay(recording, batch_rows=1000)):
            if number == 3:
                break
    with Home(tmp_path, clock=still) as home:
        for _ in home.replay(recording, batch_rows=1000):
            pass
        assert told(home) == whole
        root = home.log.head.root
        assert list(home.replay(recording, batch_rows=1000)) == []
        assert home.log.head.root == root


def test_the_same_journal_gives_the_same_root(tmp_path: Path) -> None:
    with brought_in(COPPER, tmp_path / "one", batch_rows=3000) as home:
        root = home.log.head.root
    (tmp_path / "two" / "demo-bank").mkdir(parents=True)
    for part in ("journal", "keys"):
        (tmp_path / "one" / "demo-bank" / part).rename(tmp_path / "two" / "demo-bank" / part)
    with Home(tmp_path / "two", clock=still) as home:
        assert home.log.head.root == root
