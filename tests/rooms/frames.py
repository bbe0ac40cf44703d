"""Vectors of a protocol, and good frames made bad, for the tests of decoders."""

import json
import random
import tomllib
from collections.abc import Callable, Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

Decoder = Callable[[bytes], dict[str, Any]]


def load(protocol: str) -> dict[str, list[dict[str, Any]]]:
    text = (files("wuxin.protocols") / "vectors" / f"{protocol}.toml").read_text("utf-8")
    return tomllib.loads(text)


def registered(protocol: str) -> str:
    """The module that the project registers for a protocol, whether or not it is installed."""
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text("utf-8"))
    return project["project"]["entry-points"]["wuxin.protocols"][protocol]


def named(vector: dict[str, Any]) -> str:
    return vector["name"]


def bytes_of(vector: dict[str, Any]) -> bytes:
    """The frame: `text` as it is, or `hex` in digits with spaces between them."""
    if "hex" in vector:
        return "".join(vector["hex"].split()).encode()
    return vector["text"].encode()


def holds(answer: Any, wanted: Any) -> bool:
    """Whether all that is wanted is in the answer; lists must be as long as each other."""
    if isinstance(wanted, dict):
        return isinstance(answer, dict) and all(
            key in answer and holds(answer[key], value) for key, value in wanted.items()
        )
    if isinstance(wanted, list):
        return (
            isinstance(answer, list)
            and len(answer) == len(wanted)
            and all(map(holds, answer, wanted))
        )
    if isinstance(wanted, bool) or isinstance(answer, bool):
        return answer is wanted
    return answer == wanted


def mutated(frames: list[bytes], count: int, *, seed: int) -> Iterator[bytes]:
    """Good frames with bytes changed, cut out, put in, doubled or cut off."""
    chance = random.Random(seed)  # noqa: S311 - to be repeated, not to be secret
    for _ in range(count):
        data = bytearray(chance.choice(frames))
        for _ in range(chance.randint(1, 4)):
            at, way = chance.randrange(len(data) + 1), chance.randrange(5)
            if way == 0 and at < len(data):
                data[at] = chance.randrange(256)
            elif way == 1:
                del data[at : at + chance.randint(1, 8)]
            elif way == 2:
                data[at:at] = chance.randbytes(chance.randint(1, 8))
            elif way == 3:
                data[at:at] = data[at : at + chance.randint(1, 16)]
            else:
                del data[at + 30 :]
        yield bytes(data)


def proper(answer: dict[str, Any], *, most: int) -> None:
    """An answer can be written as JSON, is of the two forms, and is not larger than `most`."""
    text = json.dumps(answer, ensure_ascii=False, allow_nan=False)
    assert len(text.encode("utf-8")) <= most
    if answer["ok"]:
        assert {"message", "version", "device", "fields", "readings"} <= answer.keys()
        for reading in answer["readings"]:
            assert {"indicator", "value", "unit"} <= reading.keys()
    else:
        assert answer.keys() == {"ok", "error", "at"}
        assert answer["error"]
        assert "\n" not in answer["error"]
        assert answer["at"]
