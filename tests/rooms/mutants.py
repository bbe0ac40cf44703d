"""Good messages made bad in every way that a line, a disk or an enemy has, from one seed.

Bits flip, ends are cut off, two messages are grown together, lengths claim too much, runs are
repeated, and brackets open that nobody closes. What comes out is at most :data:`MOST` bytes long.
"""

import random
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Final, NamedTuple

MOST: Final = 40_000
"""The longest mutant in bytes: enough for depth and repetition, and a second for thousands."""

OPENINGS: Final = (
    b"[", b'{"a":', b'{"readings":', b"<a>", b"<a><b/>", b"<!DOCTYPE a [", b"&lt;", b"((", b"\x81",
    b"\x9f", b"\xa1\x61a", b"\xd8\x18", b"\xc1", b"\x4a\x7f", b"\x12\x7f", b"&&", b"~", b"}\x02",
)  # fmt: skip
"""What opens something inside of something, in JSON, XML, CBOR and protobuf."""

HUGE: Final = (
    b"\xff", b"\xff\xff", b"\x7f\xff\xff\xff", b"\xff" * 4, b"\xff" * 8, b"\x80" * 9 + b"\x01",
    b"\x1b" + b"\xff" * 8, b"\x5b" + b"\0\0\0\x7f" + b"\xff" * 4, b"\x9a" + b"\xff" * 4,
    b"\xbb" + b"\x7f" * 8,
)  # fmt: skip
NUMBERS: Final = (
    b"99999999", b"-1", b"1e999", b"1e-999", b"NaN", b"0x7f", b"9" * 400, b"9" * 5000, b"null",
    b"2147483648", b"18446744073709551616", b'""', b"9999-12-31T23:59:59.999999999-14:00",
    b"0001-01-01T00:00Z",
)  # fmt: skip
_DIGITS: Final = re.compile(rb"\d+")


class By(NamedTuple):
    """What a message is spoilt by: other messages, and a chance that can be repeated."""

    others: Sequence[bytes]
    chance: random.Random


Way = Callable[[bytearray, By], None]


def _flip(data: bytearray, by: By) -> None:
    for _ in range(by.chance.choice((1, 1, 1, 2, 8)) if data else 0):
        data[by.chance.randrange(len(data))] ^= 1 << by.chance.randrange(8)


def _byte(data: bytearray, by: By) -> None:
    if data:
        data[by.chance.randrange(len(data))] = by.chance.choice((0, 1, 0x7F, 0x80, 0xFE, 0xFF))


def _cut(data: bytearray, by: By) -> None:
    del data[by.chance.randrange(len(data) + 1) :]


def _lose(data: bytearray, by: By) -> None:
    at = by.chance.randrange(len(data) + 1)
    del data[at : at + by.chance.randint(1, 16)]


def _splice(data: bytearray, by: By) -> None:
    other = by.chance.choice(by.others)
    data[by.chance.randrange(len(data) + 1) :] = other[by.chance.randrange(len(other) + 1) :]


def _length(data: bytearray, by: By) -> None:
    """Write a huge number over the bytes at some place, or over decimal digits."""
    digits = [found.span() for found in _DIGITS.finditer(bytes(data))]
    if digits and by.chance.random() < 0.5:
        start, end = by.chance.choice(digits)
        data[start:end] = by.chance.choice(NUMBERS)
    else:
        at, huge = by.chance.randrange(len(data) + 1), by.chance.choice(HUGE)
        data[at : at + len(huge)] = huge


def _repeat(data: bytearray, by: By) -> None:
    at = by.chance.randrange(len(data) + 1)
    part = bytes(data[at : at + by.chance.randint(1, 64)])
    data[at:at] = part * by.chance.choice((2, 3, 20, 300))


def _nest(data: bytearray, by: By) -> None:
    at = by.chance.randrange(len(data) + 1)
    data[at:at] = by.chance.choice(OPENINGS) * by.chance.choice((1, 2, 40, 2000))


def _noise(data: bytearray, by: By) -> None:
    at = by.chance.randrange(len(data) + 1)
    data[at:at] = by.chance.randbytes(by.chance.randint(1, 8))


WAYS: Final[tuple[Way, ...]] = (
    _flip, _flip, _byte, _byte, _cut, _lose, _splice, _length, _length, _repeat, _nest, _noise,
)  # fmt: skip
"""How a message is spoilt; what changes little stands twice, since it gets deeper inside."""

BLOWN: Final[tuple[Way, ...]] = (_length, _repeat, _nest)
"""The ways that claim much with few bytes."""


def mutants(
    seeds: Sequence[bytes], count: int, *, seed: int, ways: Sequence[Way] = WAYS
) -> Iterator[bytes]:
    """Spoilt messages, the same ones for the same seed.

    Args:
        seeds: good messages, or refused ones; at least one.
        count: how many come.
        seed: of the chance that chooses.
        ways: how one is spoilt, one to three times.
    """
    chance = random.Random(seed)  # noqa: S311 - to be repeated, not to be secret
    for _ in range(count):
        data = bytearray(chance.choice(seeds))
        for _ in range(chance.choice((1, 1, 1, 1, 2, 3))):
            chance.choice(ways)(data, By(seeds, chance))
        yield bytes(data[:MOST])
