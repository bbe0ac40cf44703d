"""What a forger does to a case file, and who finds it."""

import hashlib
import io
import json
import random
import zipfile
from collections.abc import Iterator

from tests import strangers
from wuxin.evidence import case


def parts_of(data: bytes) -> dict[str, bytes]:
    """Read the parts of a case file with code that is not ours."""
    with zipfile.ZipFile(io.BytesIO(data)) as file:
        return {name: file.read(name) for name in file.namelist()}


def repacked(parts: dict[str, bytes]) -> bytes:
    """Pack parts as a careful forger would: with a manifest that fits them."""
    manifest = json.loads(parts["manifest.json"])
    rest = {name: data for name, data in parts.items() if name != "manifest.json"}
    manifest["files"] = {name: hashlib.sha256(data).hexdigest() for name, data in rest.items()}
    return case.pack(rest | {"manifest.json": case.plain_json(manifest)})


def refused(data: bytes, vkey: str) -> tuple[bool, bool]:
    """Return whether our verifier, and that of strangers, finds a file wrong."""
    try:
        case.check_case(data, key=vkey)
        ours = False
    except case.WrongError:
        ours = True
    try:
        strangers.check_case(data, vkey)
        theirs = False
    except Exception:  # noqa: BLE001 - whatever a stranger's code stumbles over counts
        theirs = True
    return ours, theirs


def changed_at_random(data: bytes, count: int, *, seed: int) -> Iterator[tuple[str, bytes]]:
    """Change a file so many times, each time in one way at one place; says how and gives it."""
    dice = random.Random(seed)  # noqa: S311 - a repeatable choice, nothing secret
    while count:
        changed, at = bytearray(data), dice.randrange(len(data))
        how = dice.choice(("flip", "flip", "cut", "insert", "swap"))
        if how == "flip":
            changed[at] ^= dice.randrange(1, 256)
        elif how == "cut":
            del changed[at : at + dice.randrange(1, 40)]
        elif how == "insert":
            changed[at:at] = dice.randbytes(dice.randrange(1, 40))
        else:
            other = dice.randrange(len(data) - 64)
            changed[at : at + 64], changed[other : other + 64] = (
                changed[other : other + 64], changed[at : at + 64],
            )  # fmt: skip
        if bytes(changed) != data:
            count -= 1
            yield f"{how} at {at}", bytes(changed)


def passed(data: bytes, vkey: str, *, count: int, seed: int) -> list[str]:
    """Return those of so many random changes that one of the two verifiers lets pass.

    A ZIP has bytes that say nothing about its parts; ours holds these to their values too.
    """
    found, whole = [], parts_of(data)
    for how, changed in changed_at_random(data, count, seed=seed):
        ours, theirs = refused(changed, vkey)
        if not ours or (not theirs and parts_of(changed) != whole):
            found.append(f"{how}: ours {ours}, theirs {theirs}")
    return found
