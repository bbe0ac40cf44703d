"""A batch's messages are hashed as hashlib does it, and each can be shown without the others."""

import ctypes
import hashlib
import os
import random
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from numpy.typing import NDArray

from wuxin.evidence import bulk, merkle

SIZES = [1, 2, 15, 16, 17, 31, 32, 255, 256, 257, 300]
ONCE_MORE = """
import numpy as np
from wuxin.evidence import bulk
assert bulk.message_hashes(b"ab", np.array([1, 2], np.int32)).shape == (2, 32)
print(sum(bulk._hash_all.stats.cache_hits.values()))
"""


def messages(count: int) -> list[bytes]:
    dice = random.Random(count)  # noqa: S311 - repeatable, nothing secret
    return [dice.randbytes(dice.choice([0, 1, 54, 55, 56, 63, 64, 65, 178])) for _ in range(count)]


def cut(said: list[bytes]) -> tuple[bytes, NDArray[np.int32]]:
    return b"".join(said), np.cumsum([len(m) for m in said], dtype=np.int64).astype(np.int32)


def hashes(said: list[bytes]) -> NDArray[np.uint8]:
    return bulk.message_hashes(*cut(said))


def wanted(said: list[bytes]) -> list[bytes]:
    return [hashlib.sha256(b"\0" + m).digest() for m in said]


def by_definition(row: list[bytes], size: int) -> bytes:
    """The root as the module's head defines it, written without looking at its code."""
    while len(row) > 1:
        row = [
            hashlib.sha256(b"\x10" + b"".join(row[a : a + 16])).digest()
            for a in range(0, len(row), 16)
        ]
    return hashlib.sha256(b"\x11" + size.to_bytes(8, "big") + b"".join(row)).digest()


def test_the_leaf_of_nothing_is_the_one_in_the_standards_test_data() -> None:
    known = "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"
    assert hashes([b""]).tobytes().hex() == known
    assert merkle.leaf_hash(b"").hex() == known


@pytest.mark.parametrize("linked", [True, False])
def test_hashes_are_those_of_hashlib(*, linked: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if linked and not bulk.linked():
        pytest.skip("this Python does not show its OpenSSL")
    monkeypatch.setattr(bulk, "_LINKED", linked)
    said = [bytes(n % 251 for n in range(size)) for size in range(300)] + messages(3000)
    found = hashes(said)
    assert found.shape == (3300, 32)
    assert [row.tobytes() for row in found] == wanted(said)
    assert hashes([]).shape == (0, 32)


def test_where_openssl_does_not_show_its_functions_none_are_linked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with monkeypatch.context() as built_in:
        built_in.setattr(bulk, "import_module", lambda _: SimpleNamespace())
        assert not bulk.linked()
    with monkeypatch.context() as bare:
        bare.setattr(ctypes, "CDLL", lambda _: SimpleNamespace())
        assert not bulk.linked()
    with monkeypatch.context() as gone:
        gone.setattr(bulk, "import_module", lambda _: SimpleNamespace(__file__="/nowhere.so"))
        assert not bulk.linked()


def test_two_threads_hash_the_halves_of_a_batch() -> None:
    said = messages(4000)
    payload, ends = cut(said)
    at = int(ends[1999])
    with ThreadPoolExecutor(2) as threads:
        halves = threads.map(
            bulk.message_hashes,
            [memoryview(payload)[:at], memoryview(payload)[at:]],
            [ends[:2000], ends[2000:] - np.int32(at)],
        )
        assert np.concatenate(list(halves)).tobytes() == b"".join(wanted(said))


@pytest.mark.parametrize("ends", [[], [-1, 9], [5, 3, 9], [8], [10], [10**9, 9]])
def test_bytes_outside_of_the_messages_stop_the_program(ends: list[int]) -> None:
    with pytest.raises(AssertionError):
        bulk.message_hashes(b"123456789", np.array(ends, np.int32))


@pytest.mark.parametrize("size", [0, *SIZES])
def test_the_root_is_what_its_definition_says(size: int) -> None:
    said = messages(size)
    assert bulk.root(hashes(said)) == by_definition(wanted(said), size)


@pytest.mark.parametrize("size", SIZES)
def test_each_message_can_be_shown_alone(size: int) -> None:
    said = messages(size)
    found = hashes(said)
    top = bulk.root(found)
    for index, message in enumerate(said):
        way = bulk.path(found, index)
        assert bulk.check(message, index, size=size, path=way, root=top)
        assert not any(message in part for part in way if len(message) > 1)


@pytest.mark.parametrize("size", SIZES)
def test_a_message_that_is_not_there_cannot_be_shown(size: int) -> None:
    said = [b"%d" % n for n in range(size)]
    found = hashes(said)
    top = bulk.root(found)
    for index in {0, size // 2, size - 1}:
        way = bulk.path(found, index)
        claims = [
            (b"other", index, size, way),
            (said[index], index, size + 1, way),
            (said[index], index, size - 1, way),
            (said[index], index, size + 16, way),
            (said[index], index + 1, size, way),
            (said[index], index - 1, size, way),
            (said[index], index + 16, size, way),
            (said[index], index, size, [*way, b""]),
            (said[index], index, size, [*way, bytes(480)]),
            (said[index], index, 0, way),
        ]
        if way:
            claims += [
                (said[index], index, size, way[:-1]),
                (said[index], index, size, way[1:]),
                (said[index], index, size, [way[0] + bytes(32), *way[1:]]),
                (said[index], index, size, [*way[:-1], bytes([way[-1][0] ^ 1]) + way[-1][1:]]),
            ]
        for message, at, count, path in claims:
            assert not bulk.check(message, at, size=count, path=path, root=top), (at, count)
        assert not bulk.check(said[index], index, size=size, path=way, root=bytes(32))


def test_an_inner_node_is_no_message() -> None:
    said = [b"%d" % n for n in range(32)]
    row = hashes(said)
    inner = b"".join(h.tobytes() for h in row[:16])
    node = hashlib.sha256(b"\x10" + row[16:].tobytes()).digest()
    for forged in (inner, b"\x10" + inner):
        assert not bulk.check(forged, 0, size=2, path=[node], root=bulk.root(row))


def test_order_and_number_change_the_root() -> None:
    said = messages(40)
    top = bulk.root(hashes(said))
    assert len({top, *(bulk.root(hashes(s)) for s in (said[::-1], said[:-1], [*said, b""]))}) == 4


def test_compiled_code_is_kept_on_disk_and_works_when_read_again(tmp_path: Path) -> None:
    if not bulk.linked():
        pytest.skip("this Python does not show its OpenSSL")
    there = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path)}
    hits = [
        subprocess.run(
            [sys.executable, "-c", ONCE_MORE], env=there, check=True, capture_output=True
        ).stdout
        for _ in range(2)
    ]
    assert hits == [b"0\n", b"1\n"]
