"""Rounds in which outsiders are asked to vouch: quorum, failures, proofs with cosignatures."""

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests.homes import still
from wuxin.anchoring import Outsiders, covering, latest
from wuxin.evidence.anchors import Seat
from wuxin.evidence.chains import SimulatedChain, chain, chain_digest
from wuxin.evidence.cosignature import Cosigner
from wuxin.evidence.note import Ed25519Signer
from wuxin.evidence.witness import Witness
from wuxin.home import Home, origin
from wuxin.portal.demo import rounds_of
from wuxin.settings import Settings
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
    ask = Outsiders(outside.seats, post=outside.post)
    return Rounds(home, ask=ask, quorum=quorum, period_s=0.01)


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
    assert text.count("\u2014 ") == 3  # the log and both witnesses, not the one that came first
    home.attend("b", "energy")
    assert covering(home.folder / home.tenant, home.log.size - 1) is None
    assert asking.turn().size == home.log.size


def test_a_house_goes_on_while_nobody_answers(home: Home, tmp_path: Path) -> None:
    outside = Outside(home, tmp_path)
    outside.down = set(outside.witnesses)
    with rounds(home, outside, quorum=1) as asking:
        for n in range(3):
            home.attend(f"s{n}", "energy")
        deadline = time.monotonic() + 60
        while asking.vouched.failed < 3:
            assert time.monotonic() < deadline
            time.sleep(0.01)
    assert not asking.vouched.reached
    assert [*(home.folder / home.tenant).glob("anchors/*")] == []


def test_a_witness_that_is_down_fills_no_disk(home: Home, tmp_path: Path) -> None:
    outside = Outside(home, tmp_path)
    asking = rounds(home, outside, quorum=2)
    outside.down = {"http://two.example"}
    for failed in range(1, 5):
        assert asking.turn().failed == failed
    assert len([*(home.folder / home.tenant).glob("anchors/*")]) == 1
    outside.down = set()
    assert asking.turn().reached
    assert len([*(home.folder / home.tenant).glob("anchors/*")]) == 2
    newest = latest(home.folder / home.tenant, at_most=home.log.size)
    assert newest["witnesses.vkey"].count(b"\n") == 2


def test_a_chain_is_asked_once_for_each_size_and_again_where_it_could_not_be_reached(
    home: Home, tmp_path: Path
) -> None:
    place = tmp_path / "notary" / "digests.txt"
    kept = chain(f"file:{place}")
    asking = Rounds(home, ask=Outsiders(chain=kept), quorum=0, period_s=1)
    first = asking.turn()
    assert (first.failed, first.chained) == (1, False)
    assert "No such file" in first.refused[0]
    place.parent.mkdir()
    held = asking.turn()
    assert (held.reached, held.chained, held.size) == (True, True, home.log.size)
    assert Rounds(home, ask=Outsiders(chain=kept), quorum=0, period_s=1).turn().chained
    checkpoint = home.log.checkpoint() or ""
    assert place.read_text() == f"{chain_digest(checkpoint).hex()}\n"
    home.attend("b", "energy")
    asking.turn()
    assert kept.get("1") == chain_digest(home.log.checkpoint() or "")
    assert kept.get("2") is None


def test_chains_are_found_by_entry_point() -> None:
    simulated = chain("simulated")
    assert "proves nothing" in simulated.name
    with pytest.raises(BadInput, match="there is no chain 'gold'; chains are file, simulated"):
        chain("gold:bar")
    with pytest.raises(BadInput, match="file:PATH"):
        chain("file")


def test_the_settings_name_whom_to_ask(home: Home, tmp_path: Path) -> None:
    outside = Outside(home, tmp_path)
    seats = ", ".join(f"{seat.url} {seat.vkey}" for seat in outside.seats)
    with rounds_of(home, Settings()) as nobody:
        assert nobody is None
    named = {"vouch_witnesses": seats, "vouch_quorum": 2, "vouch_chain": f"file:{tmp_path / 'f'}"}
    asking = rounds_of(home, Settings().model_copy(update=named))
    assert isinstance(asking, Rounds)
    assert (asking.vouched.asked, asking.vouched.quorum) == (2, 2)
    for wrong in ({"vouch_quorum": 3}, {"vouch_witnesses": "http://w.example"}):
        with pytest.raises(BadInput):
            rounds_of(home, Settings().model_copy(update=named | wrong))


def test_asking_that_dies_is_seen(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    class Broken(SimulatedChain):
        """An adapter that does not keep to its word."""

        def put(self, digest: bytes) -> str:
            raise LookupError(digest.hex())

    told = list[object]()
    monkeypatch.setattr(threading, "excepthook", told.append)
    with Rounds(home, ask=Outsiders(chain=Broken()), quorum=0, period_s=1) as asking:
        deadline = time.monotonic() + 60
        while not told:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        assert asking.vouched.refused == ("asking has stopped after an error",)
    assert not asking.vouched.reached


def test_more_than_are_asked_cannot_be_wanted(home: Home, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="a quorum of 3 is more than the 2"):
        rounds(home, Outside(home, tmp_path), quorum=3)
