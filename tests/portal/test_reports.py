"""The enterprise's own report: figures of a period against the one before, and what to do."""

import csv
import io
from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient

from tests.homes import EXAMPLES, brought_in
from tests.portal.test_api import signed
from wuxin.home import Home
from wuxin.packs import schema
from wuxin.portal.access import Accounts
from wuxin.portal.api import build
from wuxin.portal.reports import Part, taken
from wuxin.terms.clock import moment, system_clock
from wuxin.terms.records import UNUSABLE
from wuxin.terms.standards import ReportFigure

END = "2024-05-06T00:00:00+08:00"
FROM = moment("2024-04-29T00:00:00+08:00")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    folder = tmp_path_factory.mktemp("herd")
    with brought_in(EXAMPLES / "agriculture" / "recording.toml", folder) as opened:
        yield opened


@pytest.fixture
def client(home: Home) -> TestClient:
    return TestClient(build(home, Accounts(home.book, system_clock)), base_url="https://testserver")


def figures(told: dict[str, object]) -> dict[str, dict[str, object]]:
    return {one["indicator"]: one for one in told["figures"]}  # type: ignore[attr-defined]


def test_a_week_is_added_up_from_its_readings(client: TestClient, home: Home) -> None:
    who = signed(client, home, role="risk_officer")
    told = who.get("/api/reports/agriculture", params={"period": "week", "end": END}).json()
    milk = figures(told)["milk_collected"]
    rows = home.history.query(
        "SELECT event_time, value / 1000 AS value FROM readings "  # the report tells tonnes
        "WHERE indicator = 'milk_collected' AND (quality & $unusable) = 0",
        {"unusable": int(UNUSABLE)},
    ).to_pylist()
    week = 7 * 86_400_000_000_000
    now = sum(row["value"] for row in rows if FROM < row["event_time"] <= FROM + week)
    before = sum(row["value"] for row in rows if FROM - week < row["event_time"] <= FROM)
    assert now > 0
    assert milk["value"] == pytest.approx(now)
    assert milk["before"] == pytest.approx(before)
    assert sum(milk["days"]) == pytest.approx(now)  # type: ignore[call-overload]
    assert len(milk["days"]) == 7  # type: ignore[arg-type]


def test_what_fired_comes_with_what_the_enterprise_should_do(
    client: TestClient, home: Home
) -> None:
    who = signed(client, home, role="risk_officer")
    told = who.get("/api/reports/agriculture", params={"period": "month"}).json()
    stress = next(one for one in told["advice"] if one["rule"] == "heat_stress")
    assert stress["advice"] == {
        "zh": schema.load("agriculture").rules["heat_stress"].enterprise.zh,
        "en": schema.load("agriculture").rules["heat_stress"].enterprise.en,
    }
    assert stress["times"] >= 1
    assert [one["level"] for one in told["advice"]] == sorted(
        (one["level"] for one in told["advice"]), key=["red", "amber", "info"].index
    )


def test_the_table_has_a_row_for_each_figure(client: TestClient, home: Home) -> None:
    who = signed(client, home, role="risk_officer")
    answer = who.get("/api/reports/agriculture/figures", params={"end": END})
    assert answer.headers["content-type"].startswith("text/csv")
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert [row["indicator"] for row in rows] == [
        one.indicator for one in schema.load("agriculture").report
    ]


def test_a_borrower_reads_its_own_report_and_no_other(client: TestClient, home: Home) -> None:
    [owner] = parties(client, home)
    own = signed(client, home, role="borrower", party=owner)
    assert own.get("/api/reports/agriculture").status_code == 200
    stranger = signed(client, home, role="borrower", party="somebody else")
    assert stranger.get("/api/reports").json() == []
    assert stranger.get("/api/reports/agriculture").status_code == 404
    assert stranger.get("/api/reports/agriculture", params={"party": owner}).status_code == 404


def parties(client: TestClient, home: Home) -> list[str]:
    who = signed(client, home, role="risk_officer")
    [pack] = who.get("/api/reports").json()
    found: list[str] = pack["parties"]
    return found


def test_what_cannot_be_meant_is_refused(client: TestClient, home: Home) -> None:
    who = signed(client, home, role="risk_officer")
    assert who.get("/api/reports/nothing").status_code == 404
    assert who.get("/api/reports/agriculture", params={"end": "soon"}).status_code == 400
    assert who.get("/api/reports/agriculture", params={"period": "year"}).status_code == 422


@pytest.mark.parametrize(
    ("take", "value"), [("sum", 10), ("mean", 2.5), ("minimum", 1), ("maximum", 4), ("last", 3)]
)
def test_parts_are_taken_together_as_the_figure_says(take: str, value: float) -> None:
    parts = [Part("a", 0, 3, 2, 1, 2, 2), Part("a", 1, 3, 1, 3, 3, 3), Part("b", 0, 4, 1, 3, 4, 3)]
    figure = ReportFigure("cow", "milk_day", take)  # type: ignore[arg-type]
    assert taken(figure, parts) == value
    assert taken(figure, []) is None
