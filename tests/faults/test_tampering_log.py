"""Three hundred random changes to a log: our verifier and one that we did not write find them."""

import random
import shutil
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests import strangers
from wuxin.evidence.log import Log
from wuxin.evidence.note import Ed25519Signer
from wuxin.evidence.verify import verify_log

ORIGIN = "bank.example/log"
SIGNER = Ed25519Signer(ORIGIN, Ed25519PrivateKey.from_private_bytes(b"k" * 32))


@pytest.fixture(scope="module", params=[40, 270])
def log(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("log") / "log"
    with Log.open(folder, origin=ORIGIN, signer=SIGNER, size=0) as opened:
        opened.publish(opened.append([b"entry %d" % n for n in range(request.param)]))
    return folder


def accepted_by_strangers(folder: Path) -> bool:
    try:
        strangers.check_log(folder, SIGNER.vkey)
    except Exception:  # noqa: BLE001 - whatever a stranger's code stumbles over counts
        return False
    return True


def spoil(folder: Path, dice: random.Random) -> str:
    """Change a log in one of the ways in which a log is lied about; returns what was done."""
    file = dice.choice(sorted(p for p in folder.rglob("*") if p.is_file()))
    data = bytearray(file.read_bytes())
    at, how = dice.randrange(len(data)), dice.choice(("flip", "flip", "cut", "delete", "swap"))
    if how == "flip":
        data[at] ^= dice.randrange(1, 256)
    elif how == "cut":
        del data[at:]
    elif how == "swap" and len(data) > 64:
        at = dice.randrange(len(data) - 64)
        data[at : at + 64] = data[at + 32 : at + 64] + data[at : at + 32]
    else:
        file.unlink()
        return f"delete {file.name}"
    file.write_bytes(data)
    return f"{how} {file.relative_to(folder)} at {at}"


def test_both_find_an_untouched_log_in_order(log: Path) -> None:
    assert verify_log(log, SIGNER.vkey).ok
    assert accepted_by_strangers(log)


def test_every_change_is_found_by_both(log: Path, tmp_path: Path) -> None:
    small = not (log / "tile" / "1").exists()
    dice, missed = random.Random(20), []  # noqa: S311 - a repeatable choice, nothing secret
    for number in range(260 if small else 40):
        copy = shutil.copytree(log, tmp_path / f"{number}")
        what = spoil(copy, dice)
        if verify_log(copy, SIGNER.vkey).ok or accepted_by_strangers(copy):
            missed.append((what, verify_log(copy, SIGNER.vkey).ok))
        shutil.rmtree(copy)
    assert not missed
