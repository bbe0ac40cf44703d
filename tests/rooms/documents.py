"""Good JSON documents made bad inside, and the schemas that judge them beside us."""

import copy
import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

STRANGE: list[Any] = [
    None, True, 0, -1, 1e308, 2**70, "", " ", "x", "a:b", "2024-02-30T00:00:00Z", [], {}, [[]],
    {"id": 1}, ["a", "a"], "\u0000", "1" * 400, {"": None}, "9999-12-31T23:59:59-14:00",
]  # fmt: skip


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The path of every value inside a document."""
    inner = enumerate(value) if isinstance(value, list) else value.items()
    for key, one in inner:
        yield (*path, key)
        if isinstance(one, dict | list):
            yield from places(one, (*path, key))


def holder(value: Any, path: tuple[Any, ...]) -> Any:
    """What holds the value at a path."""
    for key in path[:-1]:
        value = value[key]
    return value


def without(document: Any, path: tuple[Any, ...]) -> Any:
    """A copy of a document without the value at a path."""
    changed = copy.deepcopy(document)
    del holder(changed, path)[path[-1]]
    return changed


def disturbed(documents: list[Any], count: int, *, seed: int) -> Iterator[bytes]:
    """Good documents with values taken out, or replaced by what cannot be."""
    chance = random.Random(seed)  # noqa: S311 - to be repeated, not to be secret
    spots = [list(places(one)) for one in documents]
    for _ in range(count):
        which = chance.randrange(len(documents))
        document = copy.deepcopy(documents[which])
        path = chance.choice(spots[which])
        if chance.random() < 0.3:
            del holder(document, path)[path[-1]]
        else:
            holder(document, path)[path[-1]] = chance.choice(STRANGE)
        yield json.dumps(document).encode()


def read(path: Path) -> Any:
    """A JSON file's value."""
    return json.loads(path.read_text("utf-8"))
