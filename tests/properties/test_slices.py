"""The slice: any cut of a journal and any number of lanes gives the same leaves and state."""

import random
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from tests.homes import EXAMPLES, brought_in, still
from wuxin import frozen
from wuxin.evidence.leaf import Sealer
from wuxin.flow import Flow
from wuxin.home import DEFAULT_TENANT, Home
from wuxin.packs import schema
from wuxin.slices import Piece, Result, run_slice, run_stored
from wuxin.stores.journal import Journal
from wuxin.terms.errors import NotFound

SEALER = Sealer(b"s" * 32)
COPPER = EXAMPLES / "logistics" / "recording.toml"


@pytest.fixture(scope="module")
def entries(tmp_path_factory: pytest.TempPathFactory) -> Piece:
    folder = tmp_path_factory.mktemp("slices")
    with brought_in(COPPER, folder, batch_rows=400):
        pass
    journal = Journal(folder / DEFAULT_TENANT / "journal")
    found = list(journal.read())
    journal.close()
    return found


def told(results: list[Result]) -> list[Any]:
    """Everything that would be published: leaves and records, in order."""
    return [(p.sealed, [r for r, _ in p.records]) for result in results for p in result.prepared]


@pytest.fixture(scope="module")
def whole(entries: Piece) -> tuple[list[Any], str]:
    flow = Flow(DEFAULT_TENANT, schema.load)
    return told([run_slice(flow, entries, sealer=SEALER)]), frozen.digest(flow)


@pytest.mark.parametrize(("seed", "lanes"), [(1, 1), (2, 2), (3, 5)])
def test_any_cut_into_slices_and_lanes_gives_the_same(
    entries: Piece, whole: tuple[list[Any], str], tmp_path: Path, seed: int, lanes: int
) -> None:
    dice = random.Random(seed)  # noqa: S311 - repeatable, nothing secret
    cuts = sorted({0, len(entries), *(dice.randrange(len(entries)) for _ in range(6))})
    results = [
        run_stored(tmp_path, entries[a:b], tenant=DEFAULT_TENANT, sealer=SEALER, lanes=lanes)
        for a, b in pairwise(cuts)
    ]
    assert told(results) == whole[0]
    from wuxin.stores import snapshot

    kept = snapshot.newest(tmp_path, frozen.SCHEMA, at_most=len(entries)).snapshot
    assert kept is not None
    assert kept.number == len(entries)
    flow = frozen.thaw(kept, DEFAULT_TENANT, packs=schema.load)
    assert flow is not None
    assert frozen.digest(flow) == whole[1]


def test_a_slice_that_is_run_twice_gives_the_same_bytes(entries: Piece, tmp_path: Path) -> None:
    middle, states = len(entries) // 2, []
    for name in ("one", "two"):
        args = {"tenant": DEFAULT_TENANT, "sealer": SEALER}
        run_stored(tmp_path / name, entries[:middle], **args)  # type: ignore[arg-type] # by name
        result = run_stored(tmp_path / name, entries[middle:], **args)  # type: ignore[arg-type]
        states.append(result.manifest)
    assert states[0] == states[1]
    assert states[0].state


def test_a_slice_without_its_state_is_refused(entries: Piece, tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="no state file for entry 3"):
        run_stored(tmp_path, entries[3:], tenant=DEFAULT_TENANT, sealer=SEALER)


def test_a_home_goes_on_from_its_state_and_not_from_the_beginning(
    entries: Piece, whole: tuple[list[Any], str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Home(tmp_path, clock=still) as home:
        home.accept_many([said for _, _, said in entries[:7]])
        root = home.log.head.root
    taken: list[int] = []
    step = Flow.step

    def counted(self: Flow, number: int, *args: Any, **named: Any) -> Any:
        taken.append(number)
        return step(self, number, *args, **named)

    monkeypatch.setattr(Flow, "step", counted)
    with Home(tmp_path, clock=still) as home:
        assert taken == []
        assert home.log.head.root == root
        home.accept_many([said for _, _, said in entries[7:]])
        assert frozen.digest(home.flow) == whole[1]


def test_a_damaged_state_is_passed_over_and_said(entries: Piece, tmp_path: Path) -> None:
    with Home(tmp_path, clock=still) as home:
        home.accept_many([said for _, _, said in entries])
        wanted, root = frozen.digest(home.flow), home.log.head.root
    [path] = (tmp_path / DEFAULT_TENANT / "state").glob("*.snap")
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    with Home(tmp_path, clock=still) as home:
        assert any(path.name in reason for reason in home.passed)
        assert (frozen.digest(home.flow), home.log.head.root) == (wanted, root)


def test_the_state_of_another_journal_is_passed_over_and_said(
    entries: Piece, tmp_path: Path
) -> None:
    told = [said for _, _, said in entries]
    with Home(tmp_path / "other", clock=still) as home:
        home.accept_many([*told[:1], *told[2:6]])
    with Home(tmp_path / "ours", clock=still) as home:
        home.accept_many(told[:8])
        wanted = frozen.digest(home.flow)
    stale = tmp_path / "ours" / DEFAULT_TENANT / "state"
    for path in stale.glob("*.snap"):
        path.unlink()
    for path in (tmp_path / "other" / DEFAULT_TENANT / "state").glob("*.snap"):
        path.rename(stale / path.name)
    with Home(tmp_path / "ours", clock=still) as home:
        assert any("another journal" in reason for reason in home.passed)
        assert frozen.digest(home.flow) == wanted


def test_an_arrival_is_never_earlier_than_the_one_before(entries: Piece, tmp_path: Path) -> None:
    from msgspec.structs import replace

    with Home(tmp_path, clock=still) as home:
        first, second = (said for _, _, said in entries[:2])
        home.accept(first)
        [outcome] = home.accept_many([replace(second, arrival=first.arrival - 10**12)])
        assert outcome.arrival == first.arrival
