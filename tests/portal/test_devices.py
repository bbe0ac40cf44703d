"""Devices through the API and the command line: who may change what, and what is then known."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from fastapi.testclient import TestClient

from tests.homes import NOW, still, stocked
from wuxin.audit import audit
from wuxin.cli import main
from wuxin.home import Home
from wuxin.live import gate_to
from wuxin.portal.access import Accounts
from wuxin.portal.api import build
from wuxin.stores.journal import Arrived
from wuxin.terms.clock import DAY, HOUR, iso, system_clock
from wuxin.terms.ports import Trust
from wuxin.wire.packed import packed
from wuxin.wire.recording import open_recording

BOX = "/api/devices/boxes/box:7"
INSTALLED = {"to": "installed", "thing": "lot:L1", "reason": "mounted on site"}
FIRST, SECOND = {"secret": "first"}, {"secret": "second"}
PEM = (
    Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
    .public_key()
    .public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    .decode()
)


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    """Open a home with a live source, in which nothing is registered yet."""
    with Home(tmp_path / "home", clock=still) as house:
        house.attend("boxes", "logistics", things=[{"kind": "lot", "id": "L1"}], strangers=False)
        yield house


@pytest.fixture
def client(home: Home) -> TestClient:
    """Sign a supervisor in."""
    client = TestClient(build(home, Accounts(home.book, system_clock)), base_url="https://test")
    return signed(client, home, role="supervisor")


def signed(client: TestClient, home: Home, *, role: str, party: str = "") -> TestClient:
    accounts: Accounts = client.app.state.accounts  # type: ignore[attr-defined]
    password = accounts.create(home.tenant, role, role=role, party=party)
    assert client.post("/api/session", json={"name": role, "password": password}).is_success
    return client


def told(client: TestClient, **body: str) -> dict[str, Any]:
    answer = client.post(BOX, json={"reason": "as planned", **body})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def heard(home: Home, at: int, *, trust: Trust = Trust.UNPROVEN, **values: float) -> None:
    """Let the box say something at an event time."""
    said = {"device": "box:7", "boot": "b", "seq": at // HOUR, "time": iso(at), "readings": values}
    frame = json.dumps(said, separators=(",", ":")).encode()
    outcome = home.accept(Arrived("boxes", NOW, (packed("boxes", [frame], stream=trust),)))
    assert not outcome.refusals


def test_a_device_goes_through_its_life_by_commands_that_leave_receipts(
    client: TestClient, home: Home
) -> None:
    told(client, **INSTALLED)
    for state in ("commissioned", "in_service", "suspended", "in_service"):
        assert told(client, to=state)["state"] == state
    found = client.get(BOX).json()
    states = [a["figures"]["state"] for a in found["acts"]]
    assert states == ["in_service", "suspended", "in_service", "commissioned", "installed"]
    assert found["acts"][-1]["figures"]["reason"] == "mounted on site"
    assert {a["mandate"] for a in found["acts"]} == {"supervisor:supervisor"}
    assert found["next"] == ["installed", "suspended", "retired"]
    for act in found["acts"]:
        proof = client.get(f"/api/evidence/{act['act']}").json()
        assert proof["leaf"] == act["leaf"]
    folder, tenant = home.folder, home.tenant
    home.close()
    assert audit(folder, tenant).faults == []


def test_what_holds_already_is_not_done_twice(client: TestClient, home: Home) -> None:
    assert told(client, **INSTALLED, **FIRST)["changed"] is True
    entries = home.journal.last
    assert told(client, **INSTALLED, **FIRST)["changed"] is False
    assert home.journal.last == entries
    assert told(client, **SECOND)["changed"] is True
    assert home.journal.last == entries + 1


def test_a_secret_is_kept_as_its_digest_and_never_said_again(
    client: TestClient, home: Home
) -> None:
    answers = [client.post(BOX, json={**INSTALLED, "secret": "open sesame"}).text]
    answers += [client.get(BOX).text, client.get("/api/devices").text]
    act = client.get(BOX).json()["acts"][0]["act"]
    answers.append(client.get(f"/api/evidence/{act}").text)
    device = home.flow.sources["boxes"].devices.get("box:7")
    assert device is not None
    for answer in answers:
        assert "open sesame" not in answer
        assert device.secret not in answer
    gate = gate_to(home, "boxes")
    assert gate.admits("box:7", "open sesame") is Trust.CODE
    assert gate.admits("box:7", "open barley") is None
    told(client, **SECOND)
    assert gate.admits("box:7", SECOND["secret"]) is Trust.CODE
    assert gate.admits("box:7", "open sesame") is None
    too_long = client.post(BOX, json={**INSTALLED, "secret": "s3cret" * 100})
    assert too_long.status_code == 422
    assert "s3cret" not in too_long.text


def test_a_public_key_is_kept_and_shown(client: TestClient) -> None:
    told(client, **INSTALLED)
    found = told(client, public_key=PEM)
    assert found["keys"] == {"secret": False, "public_key": PEM.strip()}
    assert found["acts"][0]["figures"]["keys"] == "public_key"
    assert found["state"] == "installed"


@pytest.mark.parametrize(
    ("body", "status", "said"),
    [
        ({"to": "installed"}, 400, "device 'box:7' is installed on nothing; say which thing"),
        ({"to": "in_service"}, 409, "device 'box:7' is not registered, not to be in_service"),
        ({"to": "asleep"}, 400, "'asleep' is no state of a device"),
        ({"thing": "L1", "to": "installed"}, 400, "'L1' does not name a thing"),
        ({"thing": "ship:L1", "to": "installed"}, 400, "logistics has no kind 'ship'"),
        ({**INSTALLED, "model": "camera"}, 400, "no device 'camera' feeds that; there are weigh"),
        ({**INSTALLED, "public_key": "mine"}, 400, "public_key is no public key in PEM"),
        ({**INSTALLED, "at": "soon"}, 400, "soon"),
        ({**INSTALLED, "at": "2030-01-01"}, 400, "nothing is foretold"),
        ({**INSTALLED, "reason": " "}, 400, "reason is missing"),
        ({"reason": "just so"}, 400, "nothing is wanted"),
        ({**INSTALLED, "to": "x" * 41}, 422, "to: String should have at most 40 characters"),
        ({**INSTALLED, "to": 7}, 422, "to: Input should be a valid string"),
    ],
)
def test_what_cannot_be_meant_is_one_sentence_and_stands_in_no_journal(
    client: TestClient, home: Home, body: dict[str, Any], status: int, said: str
) -> None:
    entries = home.journal.last
    answer = client.post(BOX, json={"reason": "as planned", **body})
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert said in answer.json()["detail"]
    assert home.journal.last == entries


def test_a_change_is_not_dated_before_the_one_that_it_follows(client: TestClient) -> None:
    told(client, **INSTALLED, at="2026-01-02T08:00Z")
    late = {"to": "commissioned", "at": "2026-01-02T08:00Z", "reason": "as planned"}
    answer = client.post(BOX, json=late)
    assert answer.status_code == 409
    assert "say a later time" in answer.json()["detail"]


@pytest.mark.parametrize("role", ["risk_officer", "relationship_manager", "borrower"])
def test_who_lends_or_borrows_does_not_change_devices(
    client: TestClient, home: Home, role: str
) -> None:
    told(client, **INSTALLED)
    signed(client, home, role=role, party="somebody")
    answer = client.post(BOX, json={"to": "suspended", "reason": "I say so"})
    assert answer.status_code == 403
    assert answer.json()["detail"] == f"the role {role} may not change devices"
    device = home.flow.sources["boxes"].devices.get("box:7")
    assert device is not None
    assert device.state == "installed"


def test_a_borrower_does_not_even_see_devices_of_others(client: TestClient, home: Home) -> None:
    act = told(client, **INSTALLED)["acts"][0]["act"]
    assert client.get("/api/devices").json()["total"] == 1
    signed(client, home, role="borrower", party="somebody else")
    seen = client.get("/api/devices").json()
    assert (seen["total"], seen["sources"], sum(seen["hearing"].values())) == (0, [], 0)
    for path in (BOX, f"/api/evidence/{act}", f"/api/evidence/{act}/proof"):
        assert client.get(path).status_code == 404, path


def test_what_is_not_there_is_not_found(client: TestClient) -> None:
    assert client.get(BOX).status_code == 404
    for path in ("/api/devices/trucks/box:7", "/api/devices/boxes/" + "b" * 65):
        assert client.post(path, json=INSTALLED).status_code in {400, 404}


def test_a_device_is_heard_by_its_own_event_times_and_silent_after_its_gap(
    client: TestClient, home: Home
) -> None:
    told(client, **INSTALLED, model="weighing_platform", at=iso(NOW - 5 * DAY))
    assert client.get(BOX).json()["hearing"] == "never"
    heard(home, NOW - 3 * DAY, net_weight=25_000)
    found = client.get(BOX).json()
    assert (found["hearing"], found["heard"]) == ("silent", iso(NOW - 3 * DAY))
    assert (found["silence_s"], found["allowed_s"]) == (3 * 86400, 2 * 86400)
    assert [r["indicator"] for r in found["readings"]] == ["net_weight"]
    heard(home, NOW - HOUR, tag_count=10)  # which no platform feeds
    assert client.get(BOX).json()["hearing"] == "silent"
    heard(home, NOW, net_weight=25_000)
    assert client.get(BOX).json()["hearing"] == "heard"
    told(client, to="commissioned")
    assert told(client, to="suspended")["hearing"] == "not_heard"


@pytest.mark.parametrize("trust", [Trust.UNPROVEN, Trust.CODE, Trust.CERTIFICATE, Trust.SIGNED])
def test_trust_is_that_of_the_last_reading(client: TestClient, home: Home, trust: Trust) -> None:
    told(client, **INSTALLED, at=iso(NOW - DAY))
    assert client.get(BOX).json()["trust"] is None
    heard(home, NOW, trust=trust, net_weight=25_000)
    assert client.get(BOX).json()["trust"] == trust.name.lower()


def test_where_it_is_bound_anew_what_it_said_elsewhere_is_not_its_own(
    client: TestClient, home: Home
) -> None:
    told(client, **INSTALLED, at=iso(NOW - 2 * DAY))
    heard(home, NOW - DAY, net_weight=25_000)
    moved = told(client, to="installed", thing="lot:L2", at=iso(NOW - HOUR))
    assert [b["thing"] for b in moved["bindings"]] == ["lot:L2", "lot:L1"]
    assert moved["bindings"][1]["to"] == moved["bindings"][0]["from"] == iso(NOW - HOUR)
    assert (moved["hearing"], moved["readings"]) == ("never", [])


def test_filters_find_devices_by_state_thing_name_and_how_they_are_heard(
    client: TestClient,
) -> None:
    told(client, **INSTALLED)
    body = {"to": "delivered", "reason": "came by post"}
    assert client.post("/api/devices/boxes/box:8", json=body).is_success
    for query, names in (
        ("", ["box:7", "box:8"]), ("?state=delivered", ["box:8"]), ("?thing=lot:l1", ["box:7"]),
        ("?q=:8", ["box:8"]), ("?hearing=never", ["box:7"]), ("?source=trucks", []),
        ("?limit=1", ["box:7"]),
    ):  # fmt: skip
        assert [r["id"] for r in client.get(f"/api/devices{query}").json()["rows"]] == names, query


def test_a_recordings_devices_change_only_after_its_end_and_it_can_be_taken_up_again(
    tmp_path: Path, client: TestClient, home: Home
) -> None:
    recording = open_recording(stocked(tmp_path))
    replay = home.replay(recording, batch_rows=10)
    next(replay)
    path = f"/api/devices/{recording.source}/scale"
    body = {"to": "installed", "thing": "lot:L-1", "reason": "it weighed"}
    answer = client.post(path, json=body)
    assert answer.status_code == 409
    assert "still being replayed" in answer.json()["detail"]
    assert [progress.rows for progress, _ in home.replay(recording, batch_rows=10)][-1] == 28
    found = client.post(path, json={**body, "at": "2024-03-02"}).json()
    assert (found["trust"], found["hearing"]) == ("recorded", "heard")
    assert [*home.replay(recording, batch_rows=10)] == []


def test_the_command_line_lists_shows_moves_and_binds(home: Home) -> None:
    folder = str(home.folder)
    home.close()

    def run(*words: str) -> str:
        result = CliRunner().invoke(main, ["device", *words, "--home", folder])
        assert result.exit_code == 0, result.output
        return result.output

    why = ("--reason", "mounted on site")
    assert "installed" in run("bind", "boxes", "box:7", "lot:L1", *why)
    assert "commissioned" in run("move", "boxes", "box:7", "commissioned", *why)
    assert "nothing changed" in run("move", "boxes", "box:7", "commissioned", *why)
    (row,) = [json.loads(line) for line in run("list", "--json").splitlines()]
    assert (row["id"], row["state"], row["thing"]) == ("box:7", "commissioned", "lot:L1")
    shown = run("show", "boxes", "box:7")
    assert "mounted on site" in shown
    wrong = ["device", "move", "boxes", "box:7", "delivered", *why, "--home", folder]
    result = CliRunner().invoke(main, wrong)
    assert result.exit_code == 2
    assert result.output == "wuxin: device 'box:7' is commissioned, not to be delivered\n"


@pytest.mark.parametrize("command", ["list", "show", "move", "bind"])
def test_every_command_has_help_in_both_languages_with_an_example(command: str) -> None:
    said = CliRunner().invoke(main, ["device", command, "--help"]).output
    assert f"wuxin device {command}" in said
    assert "设备" in said
