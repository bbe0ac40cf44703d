"""A digital loan to a steel plant known by its electricity alone; a loan on three machines.

The plant's energy is measured; contracts, workshop and machines are generated
(examples/manufacturing/README.md).
"""

import csv
import subprocess
import sys
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from tests import strangers
from tests.homes import EXAMPLES, acts, brought_in, findings
from wuxin.audit import audit
from wuxin.casefile import bundle
from wuxin.evidence import case
from wuxin.home import DEFAULT_TENANT, Home, keys
from wuxin.terms.clock import moment
from wuxin.terms.errors import Conflict
from wuxin.terms.names import ThingKey
from wuxin.terms.records import Command

FOLDER = EXAMPLES / "manufacturing"
STEEL = ThingKey("workshop", "STEEL")


@pytest.fixture(scope="module")
def plant(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    with brought_in(FOLDER / "recording.toml", tmp_path_factory.mktemp("plant")) as home:
        yield home


@pytest.fixture(scope="module")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    with brought_in(FOLDER / "workshop.toml", tmp_path_factory.mktemp("workshop")) as home:
        yield home


# ---- the plant ---------------------------------------------------------------------------------


def test_the_limit_opens_at_its_cap_and_falls_with_the_work(plant: Home) -> None:
    limits = {a["at"][:10]: a["figures"] for a in acts(plant, kind="revaluation")}
    first, later = limits["2018-02-05"], limits["2018-04-02"]
    assert (first["value"], first["grade"], first["capped"]) == ("700000000", "1.0000", "yes")
    assert Decimal(later["value"]) < Decimal(first["value"]) / 2
    turnover, grade = Decimal(later["month_turnover"]), Decimal(later["grade"])
    assert Decimal(later["value"]) == pytest.approx(turnover * 2 * grade, rel=Decimal("0.001"))
    assert "-2" in later["reason_trend"]


def test_the_night_shift_that_ends_in_february_is_noticed_before_the_month_is_out(
    plant: Home,
) -> None:
    lost = findings(plant, rule="night_shift_lost")
    assert {f["thing"] for f in lost} == {"STEEL"}
    # the first is the new year's holiday of 15 to 18 February; the second lasts
    assert lost[-1]["from"][:10] == "2018-03-01"
    assert lost[-1]["value"] < 25


def test_a_lower_limit_is_called_and_a_payment_is_on_record(plant: Home) -> None:
    called = acts(plant, kind="margin_call")
    assert called[0]["at"][:10] == "2018-03-04"
    assert acts(plant, kind="repayment")[0]["figures"]["amount"] == "40000000"
    assert {f["rule"] for f in findings(plant, level="red")} == {"loan_to_value_breach"}


def test_a_limit_walks_back_to_the_meters_lines(plant: Home) -> None:
    cause = acts(plant, kind="revaluation")[3]["because"][0]
    assert cause["file"] == "steel.csv"


def test_the_case_file_is_verified_by_a_stranger(plant: Home) -> None:
    vkey = keys(plant.folder, DEFAULT_TENANT)[0].vkey
    data = bundle(plant.folder, DEFAULT_TENANT, facility="DL-2018-01")
    case.check_case(data, key=vkey)
    assert strangers.check_case(data, vkey) > 80
    assert audit(plant.folder, plant.tenant).faults == []


def test_the_cut_is_unchanged_but_for_the_midnights(shared: Path) -> None:
    source = shared / "data/manufacturing/steel_energy/Steel_industry_data.csv"
    with source.open(encoding="utf-8", newline="") as file:
        whole = [r["Usage_kWh"] for r in csv.DictReader(file)]
    with (FOLDER / "steel.csv").open(encoding="utf-8", newline="") as file:
        cut = list(csv.DictReader(file))
    assert [r["usage_kwh"] for r in cut] == whole[: len(cut)]
    assert [r["time"] for r in cut] == sorted({r["time"] for r in cut})


# ---- the workshop ------------------------------------------------------------------------------


def test_what_was_planted_is_found_on_its_day_and_nothing_else_is(workshop: Home) -> None:
    found = {(f["rule"], f["thing"]): f["from"][:10] for f in findings(workshop)
             if f["rule"] != "loan_to_value_breach"}  # fmt: skip
    assert found.pop(("count_inflated", "M-2")) == "2025-05-26"
    assert found.pop(("payroll_contradicted", "WS-1")) == "2025-06-03"
    assert found.pop(("machine_moved", "M-1")) == "2025-06-08"
    assert "2025-05-25" < found.pop(("failure_expected", "M-3")) < "2025-06-02"
    assert {thing for _, thing in found} == {"M-3"}  # its wear, seen in three more ways


def test_the_count_that_was_inflated_is_told_by_how_much(workshop: Home) -> None:
    [inflated] = findings(workshop, rule="count_inflated")
    assert inflated["value"] == pytest.approx(50, abs=4)
    assert inflated["level"] == "red"


def test_a_worn_machine_is_worth_less_and_the_loss_is_called(workshop: Home) -> None:
    prices = [a["figures"]["price"].split("; ") for a in acts(workshop, kind="revaluation")]
    assert Decimal(prices[-5][2]) < Decimal(prices[10][2]) / 2
    assert Decimal(prices[-5][0]) > Decimal(prices[10][0]) * Decimal("0.98")
    assert acts(workshop, kind="margin_call")


def test_a_sound_machine_works_two_shifts_and_is_effective(workshop: Home) -> None:
    twin = workshop.flow.lines["manufacturing"].twin
    for name in ("operating_rate", "oee", "quality", "health_index"):
        measured = twin.latest(ThingKey("machine", "M-1"), name)
        assert measured is not None
        assert 0.4 < measured.value <= 1


def test_spare_hours_of_one_factory_serve_an_order_of_another(workshop: Home) -> None:
    def order(do: str, **body: object) -> None:
        """Give an order to the bank's counter."""
        at = moment("2026-01-05T08:00:00Z")
        workshop.order(Command(do, at, "manager", "", body, "relationship_manager"))

    spare = {"free_from": "2026-02-01T00:00:00Z", "free_until": "2026-03-01T00:00:00Z"}
    wanted = {"begins": "2026-02-05T00:00:00Z", "due": "2026-02-20T00:00:00Z"}
    both = {"skill": "casting", "currency": "CNY", "hours": 80}
    order("offer_capacity", id="o", factory="WS-1", price="90", **spare, **both)
    order("seek_capacity", id="n", factory="WS-2", price="100", **wanted, **both)
    order("match_capacity")
    told = acts(workshop, kind="capacity_matched")
    [recorded] = [act for act in told if act["figures"]["need"] == "pump-housings"]
    assert (recorded["figures"]["factory_1"], recorded["figures"]["cost"]) == (
        "Generated workshop owner",
        "29400.00",
    )  # 240 h × 95 + 60 h × 110
    [act] = [act for act in told if act["figures"]["need"] == "n"]
    assert act["figures"]["part_1"] == "80 h × 90 CNY = 7200.00 → WS-1 (o)"
    again = {"id": "again", "factory": "WS-1", "price": "90", **spare, **both}
    order("offer_capacity", **again)
    with pytest.raises(Conflict):
        order("offer_capacity", **{**again, "hours": 81})


def test_the_generated_part_is_written_anew_byte_for_byte(tmp_path: Path) -> None:
    script = [sys.executable, str(FOLDER / "generate.py"), "--out", str(tmp_path)]
    subprocess.run(script, check=True)
    for name in ("machines.csv", "books.csv", "places.csv"):
        assert (tmp_path / name).read_bytes() == (FOLDER / name).read_bytes()


def test_the_example_is_small() -> None:
    assert sum(p.stat().st_size for p in FOLDER.iterdir() if p.is_file()) <= 700_000
