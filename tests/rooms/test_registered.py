"""Who may speak, of what, and how that is known: frames against the register of devices."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.homes import still
from wuxin import frozen
from wuxin.flow import Outcome
from wuxin.home import Home
from wuxin.protocols import cose
from wuxin.stores.journal import Arrived, Told
from wuxin.terms.clock import HOUR, MINUTE, iso
from wuxin.terms.names import ThingKey
from wuxin.terms.records import Command, Finding
from wuxin.wire.packed import packed

START = 480_000 * HOUR
LOTS = [{"kind": "lot", "id": name} for name in ("L1", "L2")]
KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
PEM = KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
RAW = bytes(range(32))


def frame(device: str, seq: int, *, at: float, **values: float) -> bytes:
    when = iso(START + int(at * MINUTE))
    said = {"device": device, "boot": "b", "seq": seq, "time": when, "readings": values}
    return json.dumps(said, separators=(",", ":")).encode()


def moved(home: Home, minutes: float, **body: str) -> Outcome:
    at = START + int(minutes * MINUTE)
    return home.accept(Told("boxes", home.clock(), Command("device", at, "installer", "", body)))


def brought(home: Home, *messages: bytes) -> Outcome:
    return home.accept(Arrived("boxes", home.clock(), (packed("boxes", messages),)))


def weights(home: Home) -> dict[str, list[float]]:
    kept = home.history.query(
        "SELECT thing, list(value ORDER BY event_time) AS v FROM readings "
        "WHERE indicator = 'net_weight' GROUP BY 1"
    ).to_pydict()
    return dict(zip(kept["thing"], kept["v"], strict=True))


def opened(folder: Path, protocol: str = "wuxin", *, strangers: bool = False) -> Home:
    home = Home(folder, clock=still)
    home.attend("boxes", "logistics", protocol=protocol, things=LOTS, strangers=strangers)
    return home


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    with opened(tmp_path) as house:
        yield house


def test_who_is_not_registered_is_refused_with_the_reason_and_the_others_are_heard(
    home: Home,
) -> None:
    moved(home, 0, device="lot:L1", to="installed", thing="lot:L1")
    outcome = brought(
        home, frame("lot:L1", 1, at=1, net_weight=10), frame("lot:L2", 1, at=1, net_weight=20),
        frame("lot:L1", 2, at=2, net_weight=11, authorised_weight=12),
    )  # fmt: skip
    assert [(r.line, r.reason) for r in outcome.refusals] == [
        (1, "device 'lot:L2' is not registered")
    ]
    assert weights(home) == {"L1": [10.0, 11.0]}


def test_a_device_that_is_suspended_is_not_listened_to_until_it_is_in_service_again(
    home: Home,
) -> None:
    for to in ("installed", "commissioned", "in_service", "suspended"):
        moved(home, 0, device="lot:L1", to=to, thing="lot:L1")
    outcome = brought(home, frame("lot:L1", 1, at=1, net_weight=10))
    assert [r.reason for r in outcome.refusals] == [
        "device 'lot:L1' is suspended, so it is not listened to"
    ]
    moved(home, 2, device="lot:L1", to="in_service")
    brought(home, frame("lot:L1", 2, at=3, net_weight=11))
    assert weights(home) == {"L1": [11.0]}


def test_a_box_reports_of_the_lot_on_which_it_hung_when_it_measured(home: Home) -> None:
    moved(home, 0, device="box:7", to="installed", thing="lot:L1")
    moved(home, 60, device="box:7", to="installed", thing="lot:L2")
    outcome = brought(
        home, frame("box:7", 1, at=59, net_weight=10), frame("box:7", 2, at=60, net_weight=20),
        frame("box:7", 3, at=-1, net_weight=9),
    )  # fmt: skip
    assert [r.reason for r in outcome.refusals] == ["device 'box:7' was bound to nothing then"]
    assert weights(home) == {"L1": [10.0], "L2": [20.0]}


def test_the_register_is_what_it_was_after_the_house_was_closed(tmp_path: Path) -> None:
    with opened(tmp_path) as home:
        moved(home, 0, device="box:7", to="installed", thing="lot:L1")
        brought(home, frame("box:7", 1, at=1, net_weight=10))
        before = frozen.digest(home.flow)
    with Home(tmp_path, clock=still) as home:
        assert frozen.digest(home.flow) == before
        outcome = brought(
            home, frame("box:7", 2, at=2, net_weight=11), frame("box:8", 1, at=2, x=1)
        )
        assert len(outcome.refusals) == 1
        assert weights(home) == {"L1": [10.0, 11.0]}


def signed(*frames: bytes, kid: str = "lot:L1", key: bytes = RAW) -> bytes:
    return cose.sign(frames[0], key, kid=kid.encode())


def test_what_the_device_signed_itself_makes_a_finding_that_says_so(tmp_path: Path) -> None:
    with opened(tmp_path, "wuxin_cose", strangers=True) as home:
        moved(home, 0, device="lot:L1", to="installed", thing="lot:L1", public_key=PEM)
        other = signed(frame("lot:L2", 1, at=1, net_weight=25_000), kid="lot:L2")
        first = signed(frame("lot:L1", 1, at=1, net_weight=25_000, authorised_weight=25_000))
        brought(home, first, other)
        outcome = brought(
            home,
            signed(frame("lot:L1", 2, at=2, net_weight=12_000)),
            signed(
                frame("lot:L2", 2, at=2, net_weight=12_000, authorised_weight=25_000), kid="lot:L2"
            ),
        )
        found = [r for r in outcome.records if isinstance(r, Finding)]
        trusts = {f.thing: {cause.trust for cause in f.because} for f in found}
    assert trusts == {ThingKey("lot", "L1"): {"signed"}, ThingKey("lot", "L2"): {"unproven"}}


def test_a_signature_that_is_not_that_of_the_registered_key_is_refused(tmp_path: Path) -> None:
    with opened(tmp_path, "wuxin_cose") as home:
        moved(home, 0, device="lot:L1", to="installed", thing="lot:L1", public_key=PEM)
        forged = signed(frame("lot:L1", 1, at=1, net_weight=9), key=bytes(32))
        outcome = brought(home, forged, signed(frame("lot:L1", 2, at=2, net_weight=10)))
        assert [r.reason for r in outcome.refusals] == [
            "the signature is not that of the key at $[3]"
        ]
        assert weights(home) == {"L1": [10.0]}


def test_a_device_that_signs_for_another_is_not_believed_as_if_that_had_signed(
    tmp_path: Path,
) -> None:
    with opened(tmp_path, "wuxin_cose") as home:
        moved(home, 0, device="lot:L1", to="installed", thing="lot:L1", public_key=PEM)
        book = frame("lot:L2", 1, at=1, net_weight=12_000, authorised_weight=25_000)
        outcome = brought(home, signed(book))
        found = [r for r in outcome.records if isinstance(r, Finding)]
        assert [c.trust for f in found for c in f.because] == ["unproven"]
