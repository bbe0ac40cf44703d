"""The pattern of Foshan, May 2022: 30,000 t of aluminium financed, 9,000 t there.

What is known: one lender had financed more than 30,000 t and could move 8,000 to 10,000 t. What is
assumed: 150 lots of 200 t in one yard, of which 45 are there; 3,000 US dollars a tonne; every
lot weighed, tagged and located by signed devices once a day. The four ways to see it are played one
by one, each on a night on which the three others show nothing; then the lendable value falls before
a further drawing.
"""

import json
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.homes import acts, findings
from wuxin.audit import audit
from wuxin.home import Home
from wuxin.stores.journal import Arrived
from wuxin.terms.clock import DAY, HOUR, Nanos, iso, moment
from wuxin.terms.errors import Conflict
from wuxin.terms.ports import Trust
from wuxin.terms.records import Command
from wuxin.wire.packed import packed

START = moment("2022-05-01T00:00:00Z")
LOTS = [f"AL-{n:03}" for n in range(1, 151)]
THERE, GONE = LOTS[:45], LOTS[45:]
TONNES = 200
PRICE = 3000
YARD = (23.02, 113.12)
AWAY = (23.40, 113.60)
TERMS: dict[str, Any] = {
    "id": "FS-1", "obligor": "trading house", "pool": {"root": "warehouse:YARD", "kind": "lot"},
    "currency": "USD", "principal": "60000000", "opened": iso(START + 2 * DAY), "haircut": "0.25",
    "maximum_loan_to_value": "0.75", "target_loan_to_value": "0.70", "call_deadline": "3 d",
    "minimum_transfer": "100000", "evidence_haircut": True,
    "terms": {"price": "price_series:aluminium", "price_unit": "USD/t",
              "weight_tolerance_kg": 5000},
}  # fmt: skip


class Yard:
    """A home with the yard, in which days pass and devices report."""

    def __init__(self, folder: Path) -> None:
        self.now, self.sequence = START, 0
        self.home = Home(folder, clock=lambda: Nanos(self.now))
        facts = {"latitude": YARD[0], "longitude": YARD[1], "fence_radius": 100_000.0}
        things = [{"kind": "warehouse", "id": "YARD", "facts": facts}]
        things += [{"kind": "lot", "id": name, "parent": "warehouse:YARD"} for name in LOTS]
        things.append({"kind": "price_series", "id": "aluminium"})
        self.home.attend("yard", "logistics", things=things)
        self.weight = dict.fromkeys(LOTS, float(TONNES * 1000))
        self.place = dict.fromkeys(LOTS, YARD)

    def day(self) -> None:
        """Let a day pass on which every lot, the book and the price report."""
        self.now += DAY - HOUR
        said = [self.said("price_series:aluminium", price=float(PRICE))]
        for name in LOTS:
            latitude, longitude = self.place[name]
            said.append(
                self.said(f"lot:{name}", net_weight=self.weight[name], latitude=latitude,
                          longitude=longitude, authorised_weight=float(TONNES * 1000))
            )  # fmt: skip
        frame = packed("yard", said, stream=Trust.SIGNED)
        self.home.accept(Arrived("yard", self.now, (frame,)))
        self.now += HOUR + 1
        self.order("pass_time", facility="FS-1")

    def said(self, device: str, **readings: float) -> bytes:
        self.sequence += 1
        said = {"device": device, "boot": "b", "seq": self.sequence, "time": iso(self.now),
                "readings": readings}  # fmt: skip
        return json.dumps(said).encode()

    def order(self, do: str, *, facility: str = "FS-1", **body: Any) -> None:
        command = Command(do, self.now, "risk_officer:ro", facility, body)
        self.home.order(command, source="yard")

    def pledge(self, name: str, *, facility: str = "FS-1", thing: str = "") -> None:
        self.order(
            "pledge", facility=facility, thing=f"lot:{thing or name}", owner="trading house",
            custodian="yard keeper", weight=TONNES, unit="t",
            identities=[{"scheme": "receipt", "text": f"WR-{name}", "issuer": "yard keeper"}],
            place={"name": "yard", "latitude": YARD[0], "longitude": YARD[1]},
        )  # fmt: skip

    @property
    def lendable(self) -> Decimal:
        [found] = self.home.flow.bank.desk.facilities(["FS-1"])
        return Decimal(found["lendable"])

    def rules(self) -> set[str]:
        return {f["rule"] for f in findings(self.home)} - {"silence"}


@pytest.fixture
def yard(tmp_path: Path) -> Iterator[Yard]:
    """Open the yard on the third day: 30,000 t pledged by receipt, weight and place."""
    made = Yard(tmp_path)
    made.day()
    made.day()
    made.order("open_facility", **TERMS)
    for name in LOTS:
        made.pledge(name)
    made.day()
    assert made.lendable == 150 * TONNES * PRICE * Decimal("0.75")
    assert made.rules() == set()
    yield made
    made.home.close()
    report = audit(tmp_path, made.home.tenant)
    assert report.faults == []


def fell(yard: Yard, share: str) -> None:
    """Check that what is lent against has fallen to no more than a share of the whole."""
    yard.day()
    assert yard.lendable <= 150 * TONNES * PRICE * Decimal("0.75") * Decimal(share)
    called = acts(yard.home, kind="margin_call")
    with pytest.raises(Conflict, match=r"would cover|open call"):
        yard.order("release_things", things=["lot:AL-001"], reason="wanted for sale")
    assert called or yard.rules()


def test_by_count(yard: Yard) -> None:
    read = [{"scheme": "receipt", "text": f"WR-{name}", "issuer": "yard keeper"} for name in THERE]
    yard.order("survey", seen=read, device="handheld reader")
    assert yard.rules() == {"count_gap"}
    assert "150 things are pledged, 45 were read, 105 were not" in str(findings(yard.home))
    fell(yard, "0.70")


def test_by_weight(yard: Yard) -> None:
    yard.order("survey", weight=str(len(THERE) * TONNES), unit="t", device="weighbridge")
    assert yard.rules() == {"weight_gap"}
    assert "30,000 t are pledged, 9,000 t were weighed, 21,000 t are short" in str(
        findings(yard.home)
    )
    fell(yard, "0.50")


def test_by_position(yard: Yard) -> None:
    for name in GONE:
        yard.place[name] = AWAY
    yard.day()
    assert yard.rules() <= {"position_gap", "position_disagreement"}
    assert "position_gap" in yard.rules()
    assert "105 of them more than 200 m" in str(findings(yard.home))
    fell(yard, "0.70")


def test_by_double_naming(yard: Yard) -> None:
    things = [{"kind": "warehouse", "id": "YARD-2"}]
    things += [{"kind": "lot", "id": f"X-{n}", "parent": "warehouse:YARD-2"} for n in range(105)]
    yard.home.attend("yard-2", "logistics", things=things)
    second = {**TERMS, "id": "FS-2", "pool": {"root": "warehouse:YARD-2", "kind": "lot"}}
    yard.order("open_facility", facility="FS-2", **second)
    for n, name in enumerate(GONE):
        with pytest.raises(Conflict, match=f"receipt WR-{name} of YARDKEEPER is pledged to FS-1"):
            yard.pledge(name, facility="FS-2", thing=f"X-{n}")
        yard.now += HOUR // 60
    assert yard.rules() == {"pledged_twice"}
    assert len(findings(yard.home, rule="pledged_twice")) == 105


def test_what_the_scales_say_every_day_is_enough(yard: Yard) -> None:
    for name in GONE:
        yard.weight[name] = 0.0
    yard.day()
    assert {"weight_gap", "unauthorised_removal_weight"} <= yard.rules()
    assert "30,000 t are pledged, 9,000 t were weighed" in str(findings(yard.home))
    assert acts(yard.home, kind="margin_call")
    fell(yard, "0.31")
