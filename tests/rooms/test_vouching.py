"""Rounds in which outsiders are asked to vouch: quorum, failures, proofs with cosignatures."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests.homes import still
from wuxin.anchoring import covering
from wuxin.evidence.anchors import Seat
from wuxin.evidence.cosignature import Cosigner
from wuxin.evidence.note import Ed25519Signer
from wuxin.evidence.witness import Witness
from wuxin.home import Home, origin
from wuxin.terms.errors import BadInput
from wuxin.vouching import Rounds


class Outside:
    """Two witnesses, each of which may be down."""

    def __init__(self, home: Home, folder: Path) -> None:
        self.down: set[str] = set()
        logs = {origin(home.tenant): home.signer.vkey}
        self.witnesses = {}
        for name in ("one", "two"):
            key = Ed25519PrivateKey.from_private_bytes(name.encode().ljust(32, b"."))
            cosigner = Cosigner(Ed25519Signer(f"{name}.example", key))
            self.witnesses[f"http://{name}.example"] = (
                cosigner, Witness(folder / name, cosigner=cosigner, logs=logs),
            )  # fmt: skip

    @property
    def seats(self) -> list[Seat]:
        return [Seat(url, cosigner.vkey) for url, (cosigner, _) in self.witnesses.items()]

    def post(self, url: str, body: bytes, *, kind: str = "text/plain") -> tuple[int, bytes]:
        del kind
        place = url.removesuffix("/add-checkpoint")
        if place in self.down:
            return 0, b"nobody answers"
        answer = self.witnesses[place][1].add_checkpoint(body, now=1_767_600_000)
        return answer.status, answer.body.encode()


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    with Home(tmp_path / "home", clock=still) as opened:
        opened.attend("a", "energy")
        yield opened


def rounds(home: Home, outside: Outside, *, quorum: int) -> Rounds:
    return Rounds(home, seats=outside.seats, authority="", quorum=quorum, period_s=0.01,
                  post=outside.post)  # fmt: skip


def test_a_round_holds_once_its_quorum_cosigned_and_proofs_then_carry_it(
    home: Home, tmp_path: Path
) -> None:
    outside = Outside(home, tmp_path)
    asking = rounds(home, outside, quorum=2)
    outside.down = {"http://two.example"}
    first = asking.turn()
    assert (first.reached, first.failed, first.witnesses) == (False, 1, 0)
    assert "two.example" in first.refused[0]
    outside.down = set()
    held = asking.turn()
    assert (held.reached, held.size, held.witnesses, held.failed) == (True, home.log.size, 2, 0)
    assert asking.turn() is held  # nothing new: nobody is asked
    text = covering(home.folder / home.tenant, 0)
    assert text is not None
    assert text.count("\u2014 ") == 2  # the log, and the one that answered first
    home.attend("b", "energy")
    assert covering(home.folder / home.tenant, home.log.size - 1) is None
    assert asking.turn().size == home.log.size


def test_a_house_goes_on_while_nobody_answers(home: Home, tmp_path: Path) -> None:
    outside = Outside(home, tmp_path)
    outside.down = set(outside.witnesses)
    with rounds(home, outside, quorum=1) as asking:
        for n in range(3):
            home.attend(f"s{n}", "energy")
        while asking.vouched.failed < 3:
            pass
    assert not asking.vouched.reached


def test_more_than_are_asked_cannot_be_wanted(home: Home, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="a quorum of 3 is more than the 2"):
        rounds(home, Outside(home, tmp_path), quorum=3)
