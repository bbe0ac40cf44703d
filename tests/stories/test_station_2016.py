"""A loan on a photovoltaic roof, summer 2016, from set-up to a verified receipt; then snow in 2022.

Power and weather are measured at NREL; the contract is generated (examples/energy/README.md).
"""

from collections.abc import Iterator, Mapping

import pytest

from tests.homes import EXAMPLES, acts, brought_in, findings
from wuxin.audit import audit
from wuxin.casefile import bundle
from wuxin.evidence import case
from wuxin.evidence.proof import check_proof, read_proof
from wuxin.finance.process import Case
from wuxin.home import DEFAULT_TENANT, Home, keys
from wuxin.packs import schema
from wuxin.portal import proofs
from wuxin.portal.access import Session
from wuxin.terms.errors import Conflict, Forbidden


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    folder = tmp_path_factory.mktemp("station")
    with brought_in(EXAMPLES / "energy" / "recording.toml", folder) as opened:
        yield opened


@pytest.fixture(scope="module")
def snow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    folder = tmp_path_factory.mktemp("snow")
    with brought_in(EXAMPLES / "energy" / "snow.toml", folder) as opened:
        yield opened


def facts(home: Home) -> Mapping[str, bool]:
    """Say what the house knows about the loan at the end, and that papers are on file."""
    flow = home.flow
    [source] = flow.sources.values()
    known = flow.bank.cases.facts("PV-2016-01", flow.now(source, source.watermark))
    return {**known, "documented": True, "data_accepted": True}


def test_no_money_moves_before_the_devices_have_delivered(home: Home) -> None:
    case = Case.start(schema.load("energy").process)
    silent = {**facts(home), "devices_reporting": False}
    people = {
        "set_up": ("relationship_manager", "r"),
        "valuation": ("risk_officer", "o"),
        "supervision_plan": ("supervisor", "s"),
        "installation": ("installer", "i"),
    }
    for step, (role, who) in people.items():
        case.complete(step, by_role=role, who=who, facts=silent)
    with pytest.raises(Conflict, match="devices_reporting"):
        case.complete("commissioning", by_role="supervisor", who="s", facts=silent)
    case.complete("commissioning", by_role="supervisor", who="s", facts=facts(home))
    with pytest.raises(Forbidden):
        case.complete("disbursement_approval", by_role="borrower", who="b", facts=facts(home))
    short = {**facts(home), "data_accepted": False}
    with pytest.raises(Conflict, match="data_accepted"):
        case.complete("disbursement_approval", by_role="approver", who="a", facts=short)
    case.complete("disbursement_approval", by_role="approver", who="a", facts=facts(home))
    case.complete("disbursement", by_role="relationship_manager", who="r", facts=facts(home))
    assert "collection" in [step.id for step in case.ready()]


def test_every_night_the_station_is_valued_by_what_it_yielded(home: Home) -> None:
    marks = acts(home, kind="revaluation")
    assert len(marks) > 60
    first = marks[0]["figures"]
    # 6,000 / value; 9,300 kWh × 0.12 × 0.85 × annuity(6 %, 20 years) is about 10,900 dollars
    assert 10_500 < float(first["value"]) < 11_200
    assert first["loan_to_value"] == "0.552064"
    assert all(m["because"] for m in marks)


def test_revenue_is_what_was_metered_times_the_tariff(home: Home) -> None:
    for mark in acts(home, kind="revaluation")[1:]:
        told = mark["figures"]
        assert float(told["estimated_revenue"]) == pytest.approx(
            float(told["metered_energy"]) * 0.12, abs=0.005
        )
        assert 0 < float(told["metered_energy"]) < 60


def test_a_sound_station_raises_nothing_red(home: Home) -> None:
    assert findings(home, level="red") == []


def test_repayments_are_on_record_with_who_paid(home: Home) -> None:
    paid = [(a["at"][:10], a["mandate"], a["figures"]["amount"]) for a in acts(home)
            if a["kind"] == "repayment"]  # fmt: skip
    assert paid == [("2016-08-15", "obligor", "150.00"), ("2016-09-15", "obligor", "150.00")]


def test_a_value_walks_back_to_the_lines_of_its_day(home: Home) -> None:
    mark = acts(home, kind="revaluation")[10]
    cause = mark["because"][0]
    assert cause["file"] == "serf_east_power.csv"
    first, last = cause["lines"]
    assert last - first == 95  # a day of quarters of an hour


def test_its_receipt_is_verified(home: Home) -> None:
    officer = Session(home.tenant, "o", "risk_officer", "", must_change=False, expires=1 << 62)
    act = acts(home, kind="repayment")[0]["act"]
    proof = read_proof(proofs.file_of(home, officer, record=act))
    receipt = home.book.receipt(home.tenant, act)
    assert receipt is not None
    check_proof(proof, home.log.entry(receipt["leaf"]), vkey=home.signer.vkey)
    report = audit(home.folder, home.tenant)
    assert report.faults == []


def test_the_case_file_of_the_loan_is_verified(home: Home) -> None:
    vkey = keys(home.folder, DEFAULT_TENANT)[0].vkey
    assert case.check_case(bundle(home.folder, DEFAULT_TENANT, facility="PV-2016-01"), key=vkey)


def test_snow_on_both_stations_is_zero_yield_in_full_daylight(snow: Home) -> None:
    nothing = findings(snow, rule="zero_yield_in_daylight")
    on_the_sixth = {f["thing"] for f in nothing if f["from"] >= "2022-01-06"}
    assert on_the_sixth == {"SERF-WEST-1", "RSF-II-METER", "RSF-II-2"}
    assert {f["level"] for f in nothing} == {"red"}
    assert max(f["value"] for f in nothing) > 5  # hours
