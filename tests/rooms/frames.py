"""Vectors of a protocol, and good frames made bad, for the tests of decoders."""

import json
import random
import tomllib
from collections.abc import Callable, Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

from wuxin.terms.envelope import wrap

Decoder = Callable[[bytes], dict[str, Any]]


def load(protocol: str) -> dict[str, list[dict[str, Any]]]:
    text = (files("wuxin.protocols") / "vectors" / f"{protocol}.toml").read_text("utf-8")
    return tomllib.loads(text)


def protocols() -> dict[str, str]:
    """The modules that the project registers by protocol, whether or not they are installed."""
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text("utf-8"))
    return project["project"]["entry-points"]["wuxin.protocols"]


def registered(protocol: str) -> str:
    """The module that the project registers for a protocol, whether or not it is installed."""
    return protocols()[protocol]


def named(vector: dict[str, Any]) -> str:
    return vector["name"]


def bytes_of(vector: dict[str, Any]) -> bytes:
    """The frame: `text` as it is, or `hex` in digits with spaces between them."""
    if "hex" in vector:
        return "".join(vector["hex"].split()).encode()
    return vector["text"].encode()


def parts_of(vector: dict[str, Any]) -> tuple[dict[str, Any] | None, bytes]:
    """What the carrier says of a vector's message, if anything, and the message in plain bytes."""
    said = vector.get("said", vector.get("line"))
    if "hex" in vector:
        digits = "".join(vector["hex"].split())
        data = digits.encode() if len(digits) % 2 else bytes.fromhex(digits)
    else:
        text = vector["text"] if "text" in vector else vector["frame"]
        if "repeat" in vector:
            text = text.replace("REPEAT", vector["repeat"]["text"] * vector["repeat"]["times"])
        data = text.encode()
    return (None if said is None else json.loads(said)), data


def frame_of(vector: dict[str, Any]) -> bytes:
    """The frame of a vector of any protocol: its message, behind a line where it has one."""
    said, data = parts_of(vector)
    return data if said is None else wrap(said, data)


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
