"""Messages of devices walk the whole house: state, findings, refusals, and back to their bytes."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.homes import still
from wuxin import frozen
from wuxin.home import Home
from wuxin.portal import proofs
from wuxin.portal.access import Session
from wuxin.stores.journal import Arrived
from wuxin.terms.clock import HOUR, MINUTE, iso
from wuxin.terms.errors import BadInput
from wuxin.terms.names import ThingKey
from wuxin.terms.records import Finding, Quality
from wuxin.twin.frames import Frames
from wuxin.wire.packed import message, packed

START = 480_000 * HOUR
LOT = ThingKey("lot", "L1")


def said(seq: int, minutes: float, **values: float) -> bytes:
    return json.dumps(
        {
            "device": "lot:L1", "boot": "b", "seq": seq, "time": iso(START + int(minutes * MINUTE)),
            "readings": values,
        },
        separators=(",", ":"),
    ).encode()  # fmt: skip


def brought(home: Home, *messages: bytes) -> Any:
    return home.accept(Arrived("boxes", home.clock(), (packed("boxes", messages),)))


@pytest.fixture
def home(tmp_path: Path) -> Any:
    with Home(tmp_path, clock=still) as house:
        house.attend("boxes", "logistics", things=[{"kind": "lot", "id": "L1"}])
        yield house


def test_a_message_becomes_state_and_a_finding_that_leads_back_to_it(home: Home) -> None:
    brought(home, said(1, 0, net_weight=25_000, authorised_weight=25_000))
    outcome = brought(home, said(2, 1, net_weight=25_000), said(3, 2, net_weight=12_000))
    latest = home.flow.lines["logistics"].twin.latest(LOT, "net_weight")
    assert latest is not None
    assert latest.value == 12_000
    [found] = [r for r in outcome.records if isinstance(r, Finding)]
    assert found.thing == LOT
    [cause] = found.because
    assert cause.lines == (1, 1)
    entry = home.journal.entry(outcome.number)
    assert isinstance(entry, Arrived)
    [frame] = entry.frames
    assert frame.id == cause.id
    assert message(frame, 1) == said(3, 2, net_weight=12_000)


def test_a_message_that_is_sent_again_changes_nothing(home: Home) -> None:
    brought(home, said(1, 0, net_weight=25_000), said(2, 1, net_weight=25_000))
    before = home.flow.lines["logistics"].twin.digest()
    outcome = brought(home, said(2, 1, net_weight=25_000), said(1, 0, net_weight=25_000))
    assert home.flow.lines["logistics"].twin.digest() == before
    assert [int(q) & Quality.DUPLICATE for rows in outcome.rows for q in rows.quality] == [4, 4]


def test_what_was_kept_of_an_earlier_run_and_is_sent_again_changes_nothing(home: Home) -> None:
    kept = said(1, 0, net_weight=25_000), said(2, 1, net_weight=24_990)
    brought(home, *kept)
    wrong_clock = said(0, -525_600, net_weight=24_970).replace(b'"b"', b'"c"')
    brought(home, wrong_clock, said(1, 2, net_weight=24_980).replace(b'"b"', b'"c"'))
    before = home.flow.lines["logistics"].twin.latest(LOT, "net_weight")
    outcome = brought(home, *kept, wrong_clock)
    marks = [int(q) & Quality.DUPLICATE for rows in outcome.rows for q in rows.quality]
    assert marks == 3 * [Quality.DUPLICATE]
    assert home.flow.lines["logistics"].twin.latest(LOT, "net_weight") == before


def test_what_cannot_be_understood_is_refused_with_its_place(home: Home) -> None:
    stranger = said(1, 0, net_weight=1).replace(b"lot:L1", b"ghost:G")
    outcome = brought(home, b"{", said(1, 0, net_weight=1, unheard=2), stranger)
    assert [(r.line, r.column) for r in outcome.refusals] == [(0, ""), (1, ""), (2, "device")]
    assert outcome.accepted == 1


def test_a_device_is_silent_by_its_own_clock_and_wakes(home: Home) -> None:
    line = home.flow.lines["logistics"]
    allowed = line.registry.allowed_silence(line.registry.slot(LOT))
    other = said(1, 0, net_weight=5).replace(b"lot:L1", b"lot:L2")
    brought(home, said(1, 0, net_weight=5, authorised_weight=5), other)
    minutes = allowed / MINUTE
    late = said(2, minutes + 5, net_weight=5).replace(b"lot:L1", b"lot:L2")
    brought(home, said(9, minutes - 1, net_weight=5).replace(b"lot:L1", b"lot:L2"), late)
    silence = line.twin.latest(LOT, "silence")
    assert silence is not None
    assert silence.value == allowed / 1e9
    brought(home, said(2, minutes + 6, net_weight=5))
    assert line.twin.latest(LOT, "silence").value == 0  # type: ignore[union-attr] # it is there


def test_any_cut_of_the_messages_gives_the_same(tmp_path: Path) -> None:
    messages = [
        said(k, k / 3, net_weight=25_000 - 90 * k, authorised_weight=25_000) for k in range(90)
    ]
    told = []
    for name, size, lanes in (("a", 90, 1), ("b", 7, 1), ("c", 31, 3)):
        with Home(tmp_path / name, clock=still, lanes=lanes) as house:
            house.attend("boxes", "logistics", things=[{"kind": "lot", "id": "L1"}])
            outcomes = [brought(house, *messages[a : a + size]) for a in range(0, 90, size)]
            records = [r for o in outcomes for r in o.records if isinstance(r, Finding)]
            told.append([(r.thing, r.rule, r.since, r.raised, r.value) for r in records])
    assert told[0]
    assert told[1] == told[0]
    assert told[2] == told[0]


def test_a_live_source_goes_on_after_the_house_was_closed(tmp_path: Path) -> None:
    with Home(tmp_path, clock=still) as house:
        house.attend("boxes", "logistics", things=[{"kind": "lot", "id": "L1"}])
        brought(house, said(1, 0, net_weight=5), said(2, 1, net_weight=5))
        before = frozen.digest(house.flow)
    with Home(tmp_path, clock=still) as house:
        house.attend("boxes", "logistics")
        assert frozen.digest(house.flow) == before
        outcome = brought(house, said(2, 1, net_weight=5), said(3, 2, net_weight=6))
        assert next(int(q) for rows in outcome.rows for q in rows.quality) & Quality.DUPLICATE


def test_a_source_that_cannot_be_meant_is_refused_and_leaves_no_trace(home: Home) -> None:
    last = home.journal.last
    for wrong in (
        {"timezone": "Mars/Phobos"},
        {"things": [{"kind": "ghost", "id": "G"}]},
        {"geofences": {"yard": [[0, 0], [1, 1]]}},
        {"things": [{"kind": "lot", "id": "L2", "geofence": "nowhere"}]},
    ):
        with pytest.raises(BadInput):
            home.attend("more", "logistics", **wrong)  # type: ignore[arg-type] # by name
    assert home.journal.last == last


def test_the_evidence_of_a_live_finding_shows_its_message(home: Home) -> None:
    brought(home, said(1, 0, net_weight=25_000, authorised_weight=25_000))
    outcome = brought(home, said(2, 1, net_weight=25_000), said(3, 2, net_weight=12_000))
    [found] = [r for r in outcome.records if isinstance(r, Finding)]
    who = Session(home.tenant, "o", "risk_officer", "", must_change=False, expires=1 << 62)
    [cause] = proofs.of_record(home, who, record=found.id)["because"]
    assert cause["bytes"] == said(3, 2, net_weight=12_000).decode()
    key = ("logistics", *LOT)
    at = iso(START + 2 * MINUTE)
    seen = proofs.of_reading(home, who, key=key, indicator="net_weight", time=at)
    assert [frame["bytes"] for frame in seen["frames"]] == [cause["bytes"]]


@pytest.mark.parametrize("least", [2, 5, 10_000])
def test_frames_that_nothing_refers_to_are_forgotten_and_findings_lead_back_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, least: int
) -> None:
    monkeypatch.setattr(Frames.__init__, "__defaults__", (least,))
    causes = []
    with Home(tmp_path, clock=still) as home:
        home.attend("boxes", "logistics", things=[{"kind": "lot", "id": "L1"}])
        for n in range(40):
            values = {"authorised_tag_count": 290 + n}  # which no model reads
            if n % 10 == 0:
                weight = 12_000 if n % 20 else 25_000
                values = {"net_weight": weight, "authorised_weight": 25_000}
            outcome = brought(home, said(n, n, **values))
            causes += [r.because for r in outcome.records if isinstance(r, Finding)]
        kept = len(home.flow.frames)
        before = frozen.digest(home.flow)
    assert kept < 20 if least < 10_000 else kept == 40
    assert len(causes) == 2
    assert {(c.kind, c.lines) for because in causes for c in because} == {("frame", (0, 0))}
    assert len({c.id for because in causes for c in because}) == 2
    with Home(tmp_path, clock=still) as home:
        assert frozen.digest(home.flow) == before
        brought(home, said(99, 99, net_weight=25_000))
