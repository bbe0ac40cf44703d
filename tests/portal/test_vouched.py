"""Outsiders on the log, as the API, the metrics and the evidence drawer show them."""

import base64
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import metamorphic_log
import pytest
from fastapi.testclient import TestClient
from tlog_scales.signing import Vkey
from tlog_scales.tiles import leaf_hash
from tlog_scales.tlog import Checkpoint, InclusionProof

from tests.homes import EXAMPLES, brought_in
from tests.portal.test_api import signed
from tests.rooms.test_vouching import Outside, rounds
from wuxin.home import Home
from wuxin.portal.access import Accounts
from wuxin.portal.api import build
from wuxin.terms.clock import system_clock


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    folder = tmp_path_factory.mktemp("vouched")
    with brought_in(EXAMPLES / "logistics" / "recording.toml", folder / "home") as opened:
        yield opened


@pytest.fixture
def client(home: Home) -> TestClient:
    app = build(home, Accounts(home.book, system_clock))
    return signed(TestClient(app, base_url="https://testserver"), home, role="risk_officer")


def shown(client: TestClient) -> dict[str, Any]:
    """What the API says of outsiders."""
    found: dict[str, Any] = client.get("/api/vouched").json()
    return found


def test_a_proof_that_is_handed_over_carries_cosignatures_that_strangers_accept(
    client: TestClient, home: Home, tmp_path: Path
) -> None:
    assert shown(client) == {"asked": 0, "reached": None}
    outside = Outside(home, tmp_path)
    client.app.state.rounds = asking = rounds(home, outside, quorum=2)  # type: ignore[attr-defined]
    asking.turn()
    assert shown(client)["reached"] is True
    act = home.book.acts(home.tenant, {"kind": "margin_call"})[0]["id"]
    text = client.get(f"/api/evidence/{act}/proof").text
    receipt = home.book.receipt(home.tenant, act)
    assert receipt is not None
    top, _, checkpoint = text.partition("\n\n")
    first, index, *lines = top.split("\n")
    assert (first, index) == ("c2sp.org/tlog-proof@v1", f"index {receipt['leaf']}")
    path = [base64.b64decode(line, validate=True) for line in lines]
    hashed = leaf_hash(home.log.entry(receipt["leaf"]))
    signed_head = Checkpoint.from_text(checkpoint)
    keys = [home.signer.vkey, *(seat.vkey for seat in outside.seats)]
    for key in keys:
        signed_head.verify(Vkey.from_string(key))
    InclusionProof(receipt["leaf"], signed_head.size, path).check(hashed, signed_head.root_hash)
    metamorphic_log.checkpoint_verify_inclusion(
        checkpoint, [home.signer.vkey], receipt["leaf"], hashed, path
    )
    with pytest.raises(metamorphic_log.VerifyError):
        metamorphic_log.checkpoint_verify_inclusion(
            checkpoint, [home.signer.vkey], receipt["leaf"] + 1, hashed, path
        )


def test_a_quorum_that_is_not_reached_is_counted_and_told(
    client: TestClient, home: Home, tmp_path: Path
) -> None:
    outside = Outside(home, tmp_path)
    outside.down = {"http://one.example"}
    client.app.state.rounds = asking = rounds(home, outside, quorum=2)  # type: ignore[attr-defined]
    asking.turn()
    asking.turn()
    told = shown(client)
    assert (told["reached"], told["failed"], told["quorum"]) == (False, 2, 2)
    assert "one.example" in told["refused"][0]
    assert 'vouched{of="failed"} 2.0' in client.get("/metrics").text
    outside.down = set()
    asking.turn()
    assert (shown(client)["reached"], shown(client)["failed"]) == (True, 0)
