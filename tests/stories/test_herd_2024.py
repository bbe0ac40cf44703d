"""A loan on twelve cows, six weeks of 2024: theft, illness, a permitted sale (generated)."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.homes import EXAMPLES, acts, brought_in, findings
from wuxin.audit import audit
from wuxin.casefile import bundle
from wuxin.evidence import case
from wuxin.home import DEFAULT_TENANT, Home, keys

LOAN = "DC-2024-01"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    folder = tmp_path_factory.mktemp("herd")
    with brought_in(EXAMPLES / "agriculture" / "recording.toml", folder) as opened:
        yield opened


def marked(home: Home, day: str) -> dict[str, str]:
    """Return the mark that follows a day (UTC date of the local midnight)."""
    [one] = [a for a in acts(home, kind="revaluation") if a["at"].startswith(day)]
    figures: dict[str, str] = one["figures"]
    return figures


def of(home: Home, rule: str) -> list[tuple[Any, ...]]:
    return [(f["thing"], f["from"]) for f in findings(home, rule=rule)]


def test_the_stolen_cow_is_seen_at_the_gate_at_the_fence_by_count_and_by_name(home: Home) -> None:
    assert of(home, "animals_leave_without_permit") == [("G-1", "2024-04-27T18:00:00Z")]
    assert of(home, "intrusion") == [("G-1", "2024-04-27T18:00:00Z")]
    assert of(home, "unauthorised_removal") == [("109", "2024-04-27T19:10:00Z")]
    assert of(home, "head_count_short") == [("F-1", "2024-04-28T12:00:00Z")]
    assert [thing for thing, _ in of(home, "animal_missing")] == ["109"]


def test_the_theft_orders_the_gate_closed_were_it_not_told_years_later(home: Home) -> None:
    ordered = acts(home, kind="device_order")
    assert [(a["figures"]["do"], a["figures"]["thing"]) for a in ordered] == [
        ("close_gates", "gate:G-1"), ("sound_alarm", "gate:G-1"), ("close_gates", "cow:109")
    ]  # fmt: skip
    assert {a["facility"] for a in ordered} == {LOAN}
    assert {a["figures"]["delivery"] for a in ordered} == {"too late"}


def test_the_theft_takes_the_cow_out_of_the_value_and_margin_is_called(home: Home) -> None:
    before, after = marked(home, "2024-04-27"), marked(home, "2024-04-28")
    assert (before["animals_healthy"], after["animals_healthy"]) == ("12", "11")
    assert float(before["value"]) - float(after["value"]) > 15_000
    [call] = acts(home, kind="margin_call")
    assert call["at"] == "2024-04-28T16:00:00Z"
    assert [a["at"] for a in acts(home, kind="margin_call_met")] == ["2024-05-02T02:00:00Z"]


def test_the_sale_with_a_permit_raises_nothing(home: Home) -> None:
    removed = {thing for rule in ("unauthorised_removal", "animal_missing", "silence")
               for thing, _ in of(home, rule)}  # fmt: skip
    assert "112" not in removed
    assert marked(home, "2024-05-04")["animals_released"] == "1"


def test_the_ill_cow_and_no_other_counts_at_its_cull_value(home: Home) -> None:
    assert [thing for thing, _ in of(home, "illness")] == ["105"]
    assert [thing for thing, _ in of(home, "milk_drop")] == ["105"]
    assert marked(home, "2024-04-22")["animals_ill"] == "1"
    assert marked(home, "2024-04-26")["animals_ill"] == "0"


def test_the_heat_is_an_opportunity_at_the_hour_it_began(home: Home) -> None:
    [found] = findings(home, rule="oestrus")
    assert (found["thing"], found["from"], found["level"]) == (
        "103", "2024-04-13T14:00:00Z", "info"
    )  # fmt: skip


def test_both_barns_are_in_heat_stress_on_the_three_hot_days(home: Home) -> None:
    days = {(thing, at[:10]) for thing, at in of(home, "heat_stress")}
    assert {thing for thing, _ in days} == {"B-1", "B-2"}
    assert min(at for _, at in days) >= "2024-05-06"


def test_the_value_at_risk_stands_beside_the_value(home: Home) -> None:
    figures = marked(home, "2024-04-20")
    assert 0 < float(figures["value_at_risk"]) < 0.2 * float(figures["value"])


def test_the_case_file_verifies_for_a_stranger(home: Home) -> None:
    assert audit(home.folder, home.tenant).faults == []
    data = bundle(home.folder, DEFAULT_TENANT, facility=LOAN)
    vkey = keys(home.folder, DEFAULT_TENANT)[0].vkey
    assert case.check_case(data, key=vkey)
    with pytest.raises(case.WrongError):
        case.check_case(data, key="other+00000000+AAAA")
