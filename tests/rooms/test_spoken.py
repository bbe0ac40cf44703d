"""Devices of any protocol walk the whole house once they are registered, each for its thing."""

import json
from collections.abc import Iterator
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from tests.homes import still
from wuxin import frozen
from wuxin.audit import audit
from wuxin.flow import Outcome
from wuxin.home import Home
from wuxin.live import Gate, Live
from wuxin.stores.journal import Arrived, Told
from wuxin.terms.clock import HOUR, MINUTE, iso
from wuxin.terms.envelope import wrap
from wuxin.terms.errors import BadInput, Conflict, NotFound
from wuxin.terms.names import ThingKey
from wuxin.terms.ports import Trust
from wuxin.terms.records import Act, Command, Finding, Measured
from wuxin.twin.devices import Devices
from wuxin.wire.packed import packed

START = 480_000 * HOUR
LOT, OTHER = ThingKey("lot", "L1"), ThingKey("lot", "L2")
BOOK = {"authorised_weight": 25.0, "weight": 25.0}


def changed(device: str, minutes: float, **tonnes: float) -> bytes:
    """What a scale's OPC UA server says, as the wire writes it down."""
    at = iso(START + int(minutes * MINUTE))
    changes = [
        {"node": name, "name": name, "value": value, "type": "Double", "source": at, "unit": "t"}
        for name, value in tonnes.items()
    ]
    return wrap({"device": device, "received": at}, json.dumps({"changes": changes}).encode())


def moved(home: Home, minutes: float, **body: str) -> Outcome:
    at = START + int(minutes * MINUTE)
    return home.accept(Told("scales", home.clock(), Command("device", at, "installer", "", body)))


def brought(home: Home, *messages: bytes, trust: Trust = Trust.UNPROVEN) -> Outcome:
    frame = packed("scales", messages, stream=trust)
    return home.accept(Arrived("scales", home.clock(), (frame,)))


def weight(home: Home, thing: ThingKey) -> Measured | None:
    return home.flow.lines["logistics"].twin.latest(thing, "net_weight")


def opened(folder: Path) -> Home:
    home = Home(folder, clock=still)
    home.attend(
        "scales", "logistics", protocol="opcua", indicators={"weight": "net_weight"},
        things=[{"kind": "lot", "id": "L1"}, {"kind": "lot", "id": "L2"}],
    )  # fmt: skip
    return home


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    with opened(tmp_path) as house:
        yield house


# ---- what a message is of --------------------------------------------------------------------


def test_what_a_device_says_is_of_the_thing_that_it_hung_on_then(home: Home) -> None:
    moved(home, 0, device="scale-7", to="installed", thing="lot:L1")
    moved(home, 60, device="scale-7", to="installed", thing="lot:L2")
    brought(home, changed("scale-7", 59, weight=25), changed("scale-7", 60, weight=20))
    brought(home, changed("scale-7", 30, weight=24))  # late, from before it was moved
    assert (found := weight(home, LOT)) is not None
    assert found.value == 25_000
    assert (found := weight(home, OTHER)) is not None
    assert found.value == 20_000
    kept = home.history.query("SELECT thing, count(*) AS n FROM readings GROUP BY 1 ORDER BY 1")
    assert kept.to_pydict() == {"thing": ["L1", "L2"], "n": [2, 1]}


def test_a_device_that_is_bound_to_nothing_is_refused_with_its_place(home: Home) -> None:
    outcome = brought(home, changed("scale-9", 1, weight=25))
    assert [(r.line, r.reason) for r in outcome.refusals] == [
        (0, "device 'scale-9' is not bound to a thing (indicator net_weight)")
    ]
    assert outcome.accepted == 0


def test_what_the_pack_does_not_know_stays_in_the_journal(home: Home) -> None:
    moved(home, 0, device="scale-7", to="installed", thing="lot:L1")
    outcome = brought(home, changed("scale-7", 1, oil_level=3, weight=25), b"\x1e nonsense")
    assert outcome.accepted == 1
    assert [r.line for r in outcome.refusals] == [1]


def test_a_finding_says_how_well_the_sender_was_known(home: Home) -> None:
    moved(home, 0, device="scale-7", to="installed", thing="lot:L1")
    brought(home, changed("scale-7", 1, **BOOK), trust=Trust.CERTIFICATE)
    outcome = brought(home, changed("scale-7", 2, weight=12), trust=Trust.CODE)
    [found] = [r for r in outcome.records if isinstance(r, Finding)]
    assert found.thing == LOT
    assert [cause.trust for cause in found.because] == ["code"]


def test_a_home_that_is_opened_again_knows_its_devices(tmp_path: Path) -> None:
    with opened(tmp_path) as home:
        moved(home, 0, device="scale-7", to="installed", thing="lot:L1")
        brought(home, changed("scale-7", 1, weight=25))
        before = frozen.digest(home.flow)
    with Home(tmp_path, clock=still) as again:
        assert not again.passed
        assert frozen.digest(again.flow) == before
        brought(again, changed("scale-7", 2, weight=24))
        assert (found := weight(again, LOT)) is not None
        assert found.value == 24_000
    assert not audit(tmp_path, home.tenant).faults


# ---- the life of a device --------------------------------------------------------------------


def test_the_life_of_a_device_is_on_record(home: Home) -> None:
    for minutes, to in enumerate(("delivered", "installed", "commissioned", "in_service")):
        outcome = moved(home, minutes, device="D", to=to, thing="lot:L1")
        [act] = [r for r in outcome.records if isinstance(r, Act)]
        assert act.figures["state"] == to
        assert act.mandate == "installer"
    assert [r["kind"] for r in home.book.acts(home.tenant)] == ["device"] * 4


def test_a_step_that_a_device_cannot_take_is_a_refusal_on_record(home: Home) -> None:
    outcome = moved(home, 0, device="D", to="in_service")
    [refused] = outcome.refusals
    assert "device 'D' is not registered, not to be in_service" in refused.reason


@pytest.mark.parametrize(
    ("body", "error", "why"),
    [
        ({"to": "installed"}, BadInput, "device is missing"),
        ({"device": "D", "to": "lost"}, BadInput, "'lost' is no state of a device"),
        ({"device": "D", "to": "installed"}, BadInput, "installed on nothing"),
        ({"device": "D", "to": "installed", "thing": "L1"}, BadInput, "does not name a thing"),
        ({"device": "D", "to": "retired"}, Conflict, "not registered, not to be retired"),
    ],
)
def test_what_cannot_be_meant_changes_nothing(
    body: dict[str, str], error: type[Exception], why: str
) -> None:
    devices = Devices()
    with pytest.raises(error, match=why):
        devices.move(body, START)
    assert len(devices) == 0


def test_a_device_is_not_bound_backwards() -> None:
    devices = Devices()
    devices.move({"device": "D", "to": "installed", "thing": "lot:L1"}, 100)
    with pytest.raises(Conflict, match="bound later"):
        devices.move({"device": "D", "to": "installed", "thing": "lot:L2"}, 99)
    assert devices.thing_of("D", 99) is None
    assert devices.thing_of("D", 100) == "lot:L1"


# ---- live ------------------------------------------------------------------------------------


def test_a_message_is_answered_when_it_is_durable_and_judged_after(home: Home) -> None:
    moved(home, 0, device="scale-7", to="installed", thing="lot:L1")
    answered: list[int] = []
    done = Event()

    def acknowledge() -> None:
        answered.append(home.journal.last)
        done.set()

    before = home.journal.last
    with Live(home) as live:
        live.offer(
            changed("scale-7", 1, weight=25), source="scales", position="1",
            acknowledge=acknowledge, trust=Trust.CODE,
        )  # fmt: skip
        assert done.wait(20)
    assert answered == [before + 1]
    assert (found := weight(home, LOT)) is not None
    assert found.value == 25_000
    entry: Any = home.journal.entry(before + 1)
    assert [frame.stream for frame in entry.frames] == [Trust.CODE]
    assert entry.position == "1"


def test_nothing_is_taken_for_a_source_that_nobody_opened(home: Home) -> None:
    with Live(home) as live, pytest.raises(NotFound, match="no source 'ships'"):
        live.offer(b"x", source="ships", position="", acknowledge=lambda: None)


@pytest.fixture
def gate(home: Home) -> Iterator[Gate]:
    with Live(home) as live:
        yield live.gate("scales")


def test_only_devices_that_are_in_use_may_speak(home: Home, gate: Gate) -> None:
    assert gate.admits("scale-7", "") is None
    moved(home, 0, device="scale-7", to="delivered")
    assert gate.admits("scale-7", "") is None
    moved(home, 1, device="scale-7", to="installed", thing="lot:L1")
    assert gate.admits("scale-7", "") is Trust.UNPROVEN
    moved(home, 2, device="scale-7", to="commissioned")
    moved(home, 3, device="scale-7", to="suspended")
    assert gate.admits("scale-7", "") is None


def test_a_code_or_a_password_is_believed_and_a_wrong_one_is_not(home: Home, gate: Gate) -> None:
    secret = gate.digest("scale-7", "密码")
    moved(home, 0, device="scale-7", to="installed", thing="lot:L1", secret=secret)
    assert gate.admits("scale-7", "密码") is Trust.CODE
    assert gate.admits("scale-7", "") is None
    assert gate.admits("scale-7", "guess") is None
    code = gate.code("scale-7")
    assert code
    assert gate.admits("scale-7", code) is Trust.CODE
    assert gate.code("scale-8") is None


def test_strangers_are_let_in_only_where_that_was_said(home: Home) -> None:
    with Live(home) as live:
        assert live.gate("scales", strangers=True).admits("new", "") is Trust.UNPROVEN
        assert live.gate("scales").admits("new", "") is None


def test_messages_without_a_number_that_come_again_are_known_by_their_content(
    tmp_path: Path,
) -> None:
    said = [changed("scale-7", minute, weight=20 + minute) for minute in range(1, 6)]
    with opened(tmp_path) as home:
        moved(home, 0, device="scale-7", to="installed", thing="lot:L1")
        brought(home, *said)
    with opened(tmp_path) as home:  # killed before the sender was answered, who sends all again
        outcome = brought(home, *said, changed("scale-7", 6, weight=26))
        assert outcome.marked == len(said)
        kept = home.history.query(
            "SELECT value, count(*) AS n FROM readings WHERE quality & 4 = 0 "
            "AND indicator = 'net_weight' GROUP BY 1"
        ).to_pydict()
        assert sorted(kept["value"]) == [21_000, 22_000, 23_000, 24_000, 25_000, 26_000]
        assert set(kept["n"]) == {1}
