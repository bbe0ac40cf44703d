"""No bytes whatever bring a decoder of ours down, hold it up or make it large.

``WUXIN_EVERY_MUTANT=1`` tries 100,000 mutants of each decoder, which takes three minutes in all,
and another number 100,000 others; otherwise a repeatable few thousand are. ``-s`` prints what came.
"""

import json
import math
import os
import resource
import time
import tracemalloc
from collections.abc import Iterator
from typing import Any, Final

import pytest

from tests.rooms.documents import disturbed
from tests.rooms.dressed import Case, good, insides, vectors
from tests.rooms.frames import frame_of, protocols
from tests.rooms.mutants import BLOWN, OPENINGS, mutants
from wuxin.protocols.decoders import find

ALL: Final = int(os.environ.get("WUXIN_EVERY_MUTANT") or 0)
COUNT: Final = 100_000 if ALL else 3_000
SECONDS: Final = 0.5
"""CPU time that one frame may take: fifty times what the slowest does, and still an end."""

LONG: Final = (4_000, 15_000, 60_000, 1 << 20)
LONG_SECONDS: Final = 3.0
"""Bytes of a frame that goes on and on, some of them within each decoder's limit; and CPU time."""

GROWTH: Final = 64 << 10
"""KiB by which the process may grow over all mutants, libraries in C included."""

MEMORY: Final = 2 << 20
PER_BYTE: Final = 400
"""Memory that one frame may take in bytes: a part that is fixed, and one for each byte of it."""

ANSWER: Final = 20_000
PER_ANSWER: Final = 80
"""Length of the answer in JSON, in the same way."""

PROTOCOLS: Final = (
    "epc", "epcis", "gb32960", "hj212", "icar", "jt808", "lorawan", "modbus_map", "mtconnect",
    "ocpp", "opcua", "sbd", "sparkplug", "sunspec", "wuxin", "wuxin_cbor", "wuxin_cose",
)  # fmt: skip
"""The decoders of the project; a test holds that none is left out."""


def spoilt(protocol: str, count: int, *, blown: bool = False) -> Iterator[bytes]:
    """Mutants of a protocol's whole frames, of their insides, and of their documents' values."""
    fine = [frame_of(each) for each in good(protocol)]
    all_of_them = [frame_of(each) for each in vectors(protocol)]
    cases = [Case(protocol, fine), *insides(protocol), Case(protocol, all_of_them)]
    texts = [seed for seed in fine if seed[:1] in (b"{", b"[")]
    share = -(-count // (len(cases) + bool(texts)))
    for number, case in enumerate(cases):
        ways = {"ways": BLOWN} if blown else {}
        for data in mutants(case.seeds, share, seed=100 * ALL + number, **ways):
            yield case.dress(data)
    if texts:
        yield from disturbed([json.loads(text) for text in texts], share, seed=100 * ALL + 99)


def endless(protocol: str) -> Iterator[bytes]:
    """A run that is repeated again and again: alone, and in the middle of a good message."""
    runs = (*OPENINGS, b"0", b"9", b" ", b"a", b",", b";", b"=", b'"', b"\0", b"\xff")
    cases = [*insides(protocol), Case(protocol, [frame_of(each) for each in good(protocol)])]
    for size in LONG:
        for run in runs:
            yield run * (size // len(run))
        for case in cases:
            for seed in case.seeds[:3]:
                for at in (len(seed) // 3, len(seed) // 2, max(len(seed) - 8, 0)):
                    part = seed[at : at + 24]
                    yield case.dress(seed[:at] + part * (size // len(part)) + seed[at:])


def proper(answer: Any, size: int) -> bool:
    """An answer is of the two forms, plain, finite, and not much larger than the frame."""
    text = json.dumps(answer, ensure_ascii=False, allow_nan=False)
    assert len(text.encode("utf-8")) <= ANSWER + PER_ANSWER * size
    if answer["ok"]:
        assert "fields" in answer or "device" in answer
        for reading in answer["readings"]:
            assert reading["indicator"]
            assert isinstance(reading["unit"], str)
            assert math.isfinite(reading["value"])
        for mark in answer.get("marks", ()):
            assert mark["mark"]
    else:
        assert answer["error"]
        assert "\n" not in answer["error"]
        assert answer["at"]
    return bool(answer["ok"])


@pytest.mark.timeout(7200 if ALL else 120)
@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_no_mutant_raises_or_holds_up(protocol: str) -> None:
    decode, taken, tried, slowest = find(protocol), 0, 0, 0.0
    large = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for tried, frame in enumerate(spoilt(protocol, COUNT), 1):
        start = time.thread_time()
        try:
            answer = decode(frame)
        except Exception as wrong:  # noqa: BLE001 - whatever it is, its frame is to be seen
            pytest.fail(f"{type(wrong).__name__}: {wrong} from {frame[:2000].hex()}")
        took = time.thread_time() - start
        slowest = max(slowest, took)
        assert took < SECONDS, frame[:2000].hex()
        taken += proper(answer, len(frame))
        if tried % 100 == 0:
            assert decode(frame) == answer, "the same bytes mean the same"
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - large
    assert grown <= GROWTH
    told = f"{tried} mutants, {taken} taken, {slowest * 1000:.1f} ms, {grown} KiB"
    print(f"{protocol}: {told}")  # noqa: T201
    assert tried >= COUNT
    assert tried * 0.002 < taken < tried * 0.95, "both ways are walked"


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_frame_that_goes_on_and_on_comes_to_an_end(protocol: str) -> None:
    decode, slowest = find(protocol), 0.0
    for frame in endless(protocol):
        start = time.thread_time()
        answer = decode(frame)
        took = time.thread_time() - start
        slowest = max(slowest, took)
        assert took < LONG_SECONDS, frame[:200]
        proper(answer, len(frame))
    print(f"{protocol}: a long frame takes at most {slowest * 1000:.0f} ms")  # noqa: T201


@pytest.mark.timeout(600)
@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_what_claims_to_be_large_takes_no_memory(protocol: str) -> None:
    decode, most = find(protocol), 0.0
    frames = list(spoilt(protocol, 2_000 if ALL else 150, blown=True))
    tracemalloc.start()
    try:
        for frame in frames:
            tracemalloc.reset_peak()
            before, _ = tracemalloc.get_traced_memory()
            decode(frame)
            used = tracemalloc.get_traced_memory()[1] - before
            most = max(most, used)
            assert used <= MEMORY + PER_BYTE * len(frame), frame[:2000].hex()
    finally:
        tracemalloc.stop()
    print(f"{protocol}: at most {most / 1024:.0f} KiB for a frame")  # noqa: T201


def test_every_decoder_of_the_project_is_tried() -> None:
    assert set(protocols()) == set(PROTOCOLS)


def test_a_decoder_that_raises_is_caught() -> None:
    """The mutants of JSON bring a reader down that has no bounds."""
    seeds = [b'{"a": [1, 2, 3]}']
    wrong = 0
    for data in mutants(seeds, 3_000, seed=1):
        try:
            json.loads(data)
        except RecursionError:
            wrong += 1
        except ValueError:
            continue
    assert wrong
