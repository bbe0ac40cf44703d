"""State files: the same state gives the same bytes; what is not whole is passed over and said."""

import errno
import os
import random
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

import numpy as np
import pytest
from numpy.typing import NDArray

from wuxin.stores import snapshot
from wuxin.stores.snapshot import Snapshot, newest, write
from wuxin.terms.errors import BadInput, Tampered

META = {"frames": [["a.csv", "0" * 64]], "open": [], "arrival": 2**62, "price": None, "铜": -0.5}


def arrays() -> dict[str, NDArray[Any]]:
    dice = np.random.default_rng(7)
    return {
        "whole": dice.integers(-(2**62), 2**62, (13, 3)),
        "real": np.array([0.1, np.nan, -0.0, np.inf]),
        "mark": dice.integers(0, 255, 5).astype(np.uint8),
        "truth": np.array([True, False, True]),
        "every_other": np.arange(20, dtype=np.int32)[::2],
        "columns_first": np.asfortranarray(dice.random((4, 3))),
        "nothing": np.empty((0, 4), np.float32),
        "one": np.array(7),
        "moment": np.array(["2008-09-15"], "M8[ns]"),
        "name": np.array(["铜", "copper"]),
        "network_order": np.arange(3, dtype=">i8"),
    }


def state(number: int = 42, schema: str = "1", *, meta: Any = META) -> Snapshot:
    return Snapshot(number, schema, meta, arrays())


def same(one: Mapping[str, NDArray[Any]], other: Mapping[str, NDArray[Any]]) -> bool:
    def told(held: Mapping[str, NDArray[Any]]) -> dict[str, Any]:
        return {k: (v.dtype.str, v.shape, v.tobytes()) for k, v in held.items()}

    return told(one) == told(other)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def numbers(folder: Path) -> list[int]:
    return [int(name[6:18]) for name in names(folder)]


def found(folder: Path, at_most: int = 10**9) -> tuple[int | None, list[str]]:
    result = newest(folder, "1", at_most=at_most)
    return result.snapshot and result.snapshot.number, result.passed


def test_what_was_written_is_found_again_to_the_last_bit(tmp_path: Path) -> None:
    write(tmp_path, state())
    result = newest(tmp_path, "1", at_most=42)
    assert result.passed == []
    assert result.snapshot is not None
    assert result.snapshot[:3] == (42, "1", META)
    assert same(result.snapshot.arrays, arrays())


def test_arrays_can_be_written_to_and_lie_where_the_processor_wants_them(tmp_path: Path) -> None:
    write(tmp_path, state())
    kept = newest(tmp_path, "1", at_most=42).snapshot
    assert kept is not None
    for array in kept.arrays.values():
        assert array.flags.writeable
        assert array.flags.aligned


def test_the_same_state_gives_the_same_bytes(tmp_path: Path) -> None:
    one = write(tmp_path / "one", state())
    backwards = dict(reversed(arrays().items()))
    two = write(tmp_path / "two", state()._replace(arrays=backwards))
    assert one.read_bytes() == two.read_bytes()
    three = write(tmp_path / "three", state(meta={**META, "arrival": 0}))
    assert one.read_bytes() != three.read_bytes()


def test_a_state_without_arrays_can_be_kept(tmp_path: Path) -> None:
    write(tmp_path, Snapshot(1, "1", None, {}))
    assert newest(tmp_path, "1", at_most=1).snapshot == Snapshot(1, "1", None, {})


@pytest.mark.parametrize(
    "array",
    [np.array([None]), np.zeros(2, [("a", np.int64), ("b", object)]), np.zeros(2, [("a", "i8")])],
)
def test_objects_and_fields_are_refused_and_leave_nothing(
    tmp_path: Path, array: NDArray[Any]
) -> None:
    with pytest.raises(BadInput, match="'wrong'"):
        write(tmp_path, Snapshot(1, "1", {}, {"wrong": array}))
    assert names(tmp_path) == []


# ---- damage -------------------------------------------------------------------------------------


def test_damage_at_any_byte_is_found(tmp_path: Path) -> None:
    path = write(tmp_path, state())
    whole = path.read_bytes()
    dice = random.Random(50)  # noqa: S311 - repeatable, nothing secret
    places = {0, 7, 8, 15, 16, len(whole) - 32, len(whole) - 1, *dice.sample(range(len(whole)), 50)}
    for at in places:
        spoilt = bytearray(whole)
        spoilt[at] ^= 1 << dice.randrange(8)
        path.write_bytes(spoilt)
        assert found(tmp_path) == (None, [f"{path.name} does not match its checksum"]), at


@pytest.mark.parametrize("size", [0, 1, 8, 31, 32, 40, 64, -33, -32, -1])
def test_a_file_that_is_cut_short_is_found(tmp_path: Path, size: int) -> None:
    path = write(tmp_path, state())
    path.write_bytes(path.read_bytes()[:size])
    assert found(tmp_path) == (None, [f"{path.name} does not match its checksum"])
    with pytest.raises(Tampered, match=path.name):
        snapshot.read(path)


def test_behind_a_damaged_state_the_one_before_is_found(tmp_path: Path) -> None:
    write(tmp_path, state(41))
    path = write(tmp_path, state(42))
    path.write_bytes(path.read_bytes() + b"\0")
    assert found(tmp_path) == (41, [f"{path.name} does not match its checksum"])


def test_a_state_that_cannot_be_read_is_passed_over_with_the_systems_reason(tmp_path: Path) -> None:
    write(tmp_path, state(41))
    (tmp_path / "state-000000000042.snap").mkdir()
    number, [reason] = found(tmp_path)
    assert number == 41
    assert "state-000000000042.snap" in reason
    assert os.strerror(errno.EISDIR) in reason


def test_a_state_under_another_number_is_passed_over(tmp_path: Path) -> None:
    path = write(tmp_path, state(41))
    path.rename(tmp_path / "state-000000000099.snap")
    assert found(tmp_path) == (None, ["state-000000000099.snap is the state of entry 41"])


def test_another_schema_is_passed_over(tmp_path: Path) -> None:
    write(tmp_path, state(41))
    write(tmp_path, state(42, "0"))
    assert found(tmp_path) == (41, ["state-000000000042.snap is of schema 0, not 1"])


def test_a_state_beyond_the_journal_is_passed_over(tmp_path: Path) -> None:
    write(tmp_path, state(41))
    write(tmp_path, state(42))
    beyond = "state-000000000042.snap is beyond entry 41, the last that all stores have"
    assert found(tmp_path, at_most=41) == (41, [beyond])


def test_where_there_is_no_folder_there_is_no_state(tmp_path: Path) -> None:
    assert found(tmp_path / "state") == (None, [])


# ---- writing that fails, and tidying ------------------------------------------------------------


def test_the_newest_two_stay(tmp_path: Path) -> None:
    for number in (1, 7, 300):
        write(tmp_path, state(number))
    assert numbers(tmp_path) == [7, 300]


def test_an_earlier_state_that_is_written_again_stays_and_so_do_later_ones(tmp_path: Path) -> None:
    for number in (7, 300):
        write(tmp_path, state(number))
    path = write(tmp_path, state(1))
    assert path.exists()
    assert numbers(tmp_path) == [1, 7, 300]


def test_files_of_others_stay(tmp_path: Path) -> None:
    for name in ("state-x.snap", "notes.txt"):
        (tmp_path / name).write_text("mine")
    for number in (1, 7, 300):
        write(tmp_path, state(number))
    assert found(tmp_path) == (300, [])
    assert {"state-x.snap", "notes.txt"} < set(names(tmp_path))


def test_a_crash_between_writing_and_renaming_leaves_the_state_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, state(41))

    def crash(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(Path, "replace", crash)
        patched.setattr(Path, "unlink", crash)  # a crash tidies nothing
        with pytest.raises(KeyboardInterrupt):
            write(tmp_path, state(42))
    assert len(names(tmp_path)) == 2
    assert found(tmp_path) == (41, [])
    assert numbers(tmp_path) == [41]
    write(tmp_path, state(42))
    assert found(tmp_path) == (42, [])


@pytest.mark.parametrize("call", ["write", "fsync"])
def test_a_full_disk_leaves_the_state_before_and_gives_its_room_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    write(tmp_path, state(41))
    before = (tmp_path / names(tmp_path)[0]).read_bytes()

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    class Full:
        def __init__(self, file: Any) -> None:
            self.file = file

        def __enter__(self) -> Self:
            return self

        def __exit__(self, *_: object) -> None:
            self.file.close()

        def write(self, data: Any) -> None:
            self.file.write(bytes(data)[:3])
            full()

    opened = Path.open
    with monkeypatch.context() as patched:
        if call == "fsync":
            patched.setattr(os, "fsync", full)
        else:
            patched.setattr(Path, "open", lambda self, mode: Full(opened(self, mode)))
        with pytest.raises(OSError, match="No space left"):
            write(tmp_path, state(42))
    assert numbers(tmp_path) == [41]
    assert (tmp_path / names(tmp_path)[0]).read_bytes() == before
    assert found(tmp_path) == (41, [])


def test_the_file_is_synced_before_it_has_its_name_and_the_folder_after(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[str] = []
    fsync, replace, unlink = os.fsync, Path.replace, Path.unlink

    def noted_fsync(handle: int) -> None:
        told.append(f"sync {Path(f'/proc/self/fd/{handle}').resolve().name}")
        fsync(handle)

    def noted_replace(self: Path, target: Path) -> Path:
        told.append("rename")
        return replace(self, target)

    def noted_unlink(self: Path, *, missing_ok: bool = False) -> None:
        if self.exists():
            told.append(f"remove {self.name}")
        unlink(self, missing_ok=missing_ok)

    for number in (1, 2):
        write(tmp_path / "states", state(number))
    monkeypatch.setattr(os, "fsync", noted_fsync)
    monkeypatch.setattr(Path, "replace", noted_replace)
    monkeypatch.setattr(Path, "unlink", noted_unlink)
    path = write(tmp_path / "states", state(3))
    first, *rest = told
    assert first.startswith("sync ")
    assert first != f"sync {path.name}"
    assert rest == ["rename", "sync states", "remove state-000000000001.snap"]
