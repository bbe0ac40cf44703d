"""Charging stations: sessions of any table, tariffs, revenue, pile states, post-loan watch."""

from decimal import Decimal
from typing import Any

import numpy as np
import pytest

from tests.packs.sunny import Plant
from tests.packs.test_energy_pack import TERMS as PHOTOVOLTAIC
from wuxin.packs.energy import sessions
from wuxin.packs.energy.models import value
from wuxin.packs.energy.tariff import Tariff, flat, read_tariff
from wuxin.terms.clock import DAY, HOUR, MINUTE, moment, zone
from wuxin.terms.errors import BadInput
from wuxin.terms.names import Digest, ThingKey
from wuxin.terms.records import Cause, Measured

STATION = ThingKey("charging_station", "CS")
PILE = ThingKey("evse", "P1")
OTHER = ThingKey("evse", "P2")
KWH = 3.6e6
BEGIN = moment("2025-03-03")  # a Monday
PACIFIC = zone("America/Los_Angeles")

TOU: dict[str, Any] = {
    "name": "two prices",
    "schedule": [
        {"id": "summer", "effective_start": "06-01", "effective_end": "09-30",
         "dow_mask": "WEEKDAYS", "times": [0, 8, 20], "tariffs": [0.1, 0.3, 0.1]},
        {"id": "winter", "effective_start": "10-01", "effective_end": "05-31",
         "dow_mask": "WEEKDAYS", "times": [0, 8, 20], "tariffs": [0.1, 0.2, 0.1]},
        {"id": "weekend", "effective_start": "01-01", "effective_end": "12-31",
         "dow_mask": ["SAT", "SUN"], "times": [0], "tariffs": [0.05]},
    ],
}  # fmt: skip


def row(**more: str) -> dict[str, str]:
    told = {"Session": "S1", "ConnectionStartDateTime": "2025-03-03 14:00:00",
            "ConnectionEndDateTime": "2025-03-03 17:00:00", "Energy": "12.5",
            "ChargingStation": "1-1"}  # fmt: skip
    return {**told, **more}


def session(begin: str, end: str, *, energy: str = "10", evse: str = "A") -> sessions.Session:
    a, b = moment(begin), moment(end)
    return sessions.Session(begin, evse, a, b, a, b, Decimal(energy), None)


# ---- tables --------------------------------------------------------------------------------------


def test_sessions_are_read_whatever_their_columns_are_called_and_in_any_order() -> None:
    [one], bad = sessions.read_sessions([row()], zone=zone("UTC"))
    assert bad == []
    acn = {
        "kWhDelivered": "12.5", "disconnectTime": "Mon, 03 Mar 2025 17:00:00 GMT",
        "connectionTime": "2025-03-03T14:00:00Z", "stationID": "1-1", "sessionID": "S1",
    }  # fmt: skip
    assert sessions.read_sessions([acn], zone=zone("UTC"))[0] == [one]
    chinese = {
        "充电桩": "1-1", "充电电量": "12.5", "金额": "¥15.00",
        "充电开始时间": "2025/03/03 22:00:00", "充电结束时间": "2025/03/04 01:00:00",
    }  # fmt: skip
    [same], _ = sessions.read_sessions([chinese], zone=zone("Asia/Shanghai"))
    assert (same.begin, same.end, same.energy) == (one.begin, one.end, one.energy)
    assert same.amount == Decimal("15.00")
    watts = {"evse": "1-1", "start time": "03/13/2025 14:00", "end time": "03/13/2025 17:00",
             "Energy (Wh)": "12500"}  # fmt: skip
    [small], _ = sessions.read_sessions([watts], zone=zone("UTC"))
    assert small.energy == Decimal("12.5")


def test_years_that_an_export_cut_short_are_read() -> None:
    bad = {"stationId": "7", "created": "0014-11-18 15:40:26", "ended": "0014-11-18 17:11:04",
           "kwhTotal": "7.78", "dollars": "0.00"}  # fmt: skip
    [one], refused = sessions.read_sessions([bad], zone=zone("UTC"))
    assert refused == []
    assert one.begin == moment("2014-11-18T15:40:26Z")
    assert one.amount == 0


def test_rows_that_are_no_sessions_are_kept_with_the_reason() -> None:
    rows = [
        row(),
        row(ConnectionEndDateTime="2025-03-03 13:00:00"),
        row(Energy="a lot"),
        row(Energy=""),
        row(ConnectionStartDateTime="yesterday"),
        row(ChargingStation=" "),
        row(Energy="-3"),
    ]
    good, bad = sessions.read_sessions(rows, zone=zone("UTC"))
    assert [s.energy for s in good] == [Decimal("12.5"), None]
    assert [b.row for b in bad] == [2, 3, 5, 6, 7]
    assert all(b.why for b in bad)


def test_a_table_without_energy_is_refused_by_name() -> None:
    bare = {k: v for k, v in row().items() if k != "Energy"}
    with pytest.raises(BadInput, match="no column for energy"):
        sessions.read_sessions([bare], zone=zone("UTC"))
    named = {**bare, "delivered": "7"}
    [one], _ = sessions.read_sessions([named], zone=zone("UTC"), columns={"energy": "delivered"})
    assert one.energy == Decimal(7)
    assert sessions.read_sessions([], zone=zone("UTC")) == ([], [])


# ---- what cannot be ------------------------------------------------------------------------------


def test_empty_overlapping_and_overpowered_sessions_are_told() -> None:
    day = [
        session("2025-03-03T08:00Z", "2025-03-03T10:00Z"),
        session("2025-03-03T10:00Z", "2025-03-03T11:00Z", energy="0.01"),
        session("2025-03-03T10:30Z", "2025-03-03T12:00Z"),
        session("2025-03-03T10:30Z", "2025-03-03T12:00Z", evse="B"),
        session("2025-03-03T20:00Z", "2025-03-03T21:00Z", energy="30"),
    ]
    assert sessions.zero_energy(day) == [day[1]]
    [double] = sessions.overlapping(reversed(day))
    assert (double.session, double.holder) == (day[2], day[1])
    assert sessions.overlapping(day, connectors=2) == []
    assert sessions.overpowered(day, Decimal(11)) == [day[4]]
    assert sessions.overpowered(day, {"B": Decimal(1)}) == [day[3]]


def test_a_long_session_under_many_short_ones_overlaps_with_each() -> None:
    long = session("2025-03-03T08:00Z", "2025-03-04T08:00Z")
    short = [session(f"2025-03-03T{h}:00Z", f"2025-03-03T{h}:30Z") for h in (10, 12, 14)]
    assert [o.session for o in sessions.overlapping([long, *short])] == short


def test_utilisation_counts_a_moment_once() -> None:
    day = [
        session("2025-03-02T22:00Z", "2025-03-03T02:00Z"),
        session("2025-03-03T01:00Z", "2025-03-03T04:00Z"),
    ]
    found = sessions.utilisation(day, span=(BEGIN, BEGIN + DAY))
    assert found == {"A": pytest.approx((4 / 24, 4 / 24))}
    idle = sessions.days_idle(day, at=BEGIN + 2 * DAY)
    assert idle == {"A": pytest.approx(2 - 4 / 24)}


# ---- tariffs and revenue -------------------------------------------------------------------------


def tariff() -> Tariff:
    return read_tariff(TOU, zone=PACIFIC)


def test_a_session_over_a_change_of_price_pays_both() -> None:
    # Monday 3 March, 19:00 to 21:00 in Los Angeles: an hour at 0.2, an hour at 0.1
    one = session("2025-03-04T03:00Z", "2025-03-04T05:00Z")
    assert sessions.bill([one], tariff()).total == Decimal("1.5")


def test_seasons_wrap_around_the_new_year_and_weekends_have_their_own_price() -> None:
    for text, price in (
        ("2025-01-06T12:00-08:00", "0.2"), ("2025-06-02T12:00-07:00", "0.3"),
        ("2025-09-30T12:00-07:00", "0.3"), ("2025-10-01T12:00-07:00", "0.2"),
        ("2025-06-07T12:00-07:00", "0.05"), ("2025-06-02T07:59-07:00", "0.1"),
    ):  # fmt: skip
        assert tariff().price(moment(text)) == Decimal(price), text


@pytest.mark.parametrize("night", ["2025-03-08T20:00-08:00", "2025-11-01T20:00-07:00"])
def test_nights_of_23_and_25_hours_are_priced_to_the_end(night: str) -> None:
    begin = moment(night)
    spans = list(tariff().pieces(begin, begin + 20 * HOUR))
    assert sum(n for n, _ in spans) == 20 * HOUR
    assert {p for _, p in spans} == {Decimal("0.05")}


def test_receipts_are_held_against_energy_times_price() -> None:
    paid = [
        session("2025-03-03T18:00Z", "2025-03-03T19:00Z")._replace(amount=Decimal(x))
        for x in ("2.00", "2.03", "1.50", "3.00")
    ]
    billed = sessions.bill(paid, tariff())
    gaps = sessions.against_receipts(paid, billed)
    assert [g.difference for g in gaps] == [Decimal("-0.50"), Decimal("1.00")]
    assert billed.months == {"2025-03": Decimal("8.0")}


def test_unknown_energy_is_counted_and_earns_nothing() -> None:
    one = session("2025-03-03T18:00Z", "2025-03-03T19:00Z")._replace(energy=None)
    billed = sessions.bill([one], flat(Decimal(1), zone=PACIFIC))
    assert (billed.total, billed.unpriced) == (Decimal(0), 1)


def test_the_peak_of_a_month_is_of_all_piles_together() -> None:
    day = [
        session("2025-03-03T18:00Z", "2025-03-03T20:00Z"),
        session("2025-03-03T19:00Z", "2025-03-03T20:00Z", evse="B"),
    ]
    assert sessions.peaks(day, zone=PACIFIC) == {"2025-03": Decimal(15)}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"times": [1], "tariffs": [0.1]}, "times must rise"),
        ({"times": [0, 8], "tariffs": [0.1]}, "times must rise"),
        ({"times": [0, 25], "tariffs": [0.1, 0.2]}, "day ends"),
        ({"dow_mask": "HOLIDAYS"}, "dow_mask"),
        ({"effective_start": "13-01"}, "cannot be meant"),
    ],
)
def test_a_tariff_that_cannot_be_meant_is_refused(change: dict[str, Any], said: str) -> None:
    with pytest.raises(BadInput, match=said):
        read_tariff({"schedule": [{**TOU["schedule"][0], **change}]}, zone=PACIFIC)
    with pytest.raises(BadInput, match="no schedule"):
        read_tariff({}, zone=PACIFIC)


def test_a_day_without_a_schedule_is_refused_by_its_date() -> None:
    summer = read_tariff({"name": "s", "schedule": TOU["schedule"][:1]}, zone=PACIFIC)
    with pytest.raises(BadInput, match="2025-03-03"):
        summer.price(moment("2025-03-03T12:00-08:00"))


# ---- the pack's day ------------------------------------------------------------------------------


def charged(days: int, *, each: int = 4, **facts: float) -> Plant:
    """A pile that sells 20 kWh in half an hour, four times a day from 08:00 at 1.00 a kWh."""
    station = Plant(STATION)
    station.register(STATION, tariff=1.0, **facts)
    station.register(PILE, rated_power=6e4)
    ends = np.array(
        [BEGIN + d * DAY + (8 + 2 * k) * HOUR for d in range(days) for k in range(each)]
    )
    sold(station, PILE, ends=ends)
    station.add(
        STATION, "receipts", t=BEGIN + np.arange(days) * DAY + 23 * HOUR, v=[20.0 * each] * days
    )
    return station


def sold(
    station: Plant, pile: ThingKey, *, ends: Any, kwh: float = 20.0, minutes: float = 30
) -> None:
    t = np.asarray(ends, np.int64)
    station.add(pile, "session_energy", t=t, v=np.full(len(t), kwh * KWH))
    station.add(pile, "session_duration", t=t, v=np.full(len(t), minutes * 60.0))


def test_a_day_of_a_pile_is_counted() -> None:
    station = charged(3)
    station.walk()
    assert station.values(PILE, "sessions") == [4.0] * 3
    assert station.values(PILE, "energy_sold") == [80 * KWH] * 3
    assert station.values(STATION, "utilisation") == pytest.approx([2 / 24] * 3)
    assert station.values(PILE, "overlapping_sessions") == [0.0] * 3
    assert station.values(STATION, "revenue_recomputed") == pytest.approx([80.0] * 3)
    assert station.values(STATION, "receipts_gap") == pytest.approx([0.0])


def test_records_that_cannot_be_are_counted_and_are_not_certain() -> None:
    station = charged(3)
    t = station.series[PILE, "session_energy"].t
    more = np.sort(np.append(t, [t[5] + 10 * MINUTE]))
    sold(station, PILE, ends=more)
    station.series[PILE, "session_energy"].v[-1] = 99 * KWH
    station.walk()
    assert station.values(PILE, "overlapping_sessions") == [0.0, 1.0, 0.0]
    assert station.values(PILE, "overpowered_sessions") == [0.0, 0.0, 1.0]
    # the doubled one is taken off what came in; so is the one that no pile can give
    assert station.values(STATION, "revenue_certain") == pytest.approx([80.0, 60.0, 0.0])


def test_two_connectors_charge_two_cars() -> None:
    station = charged(1)
    station.register(PILE, connectors=2.0)
    t = station.series[PILE, "session_energy"].t
    sold(station, PILE, ends=np.sort(np.append(t, [t[1] + 10 * MINUTE])))
    station.walk()
    assert station.values(PILE, "overlapping_sessions") == [0.0]


def test_a_posted_price_is_paid_for_the_minutes_it_stood() -> None:
    station = charged(1, each=1)
    changes = [BEGIN, BEGIN + 8 * HOUR - 15 * MINUTE]
    station.add(STATION, "energy_price", t=np.array(changes), v=[1.0, 3.0])
    station.walk()
    assert station.values(STATION, "revenue_recomputed") == pytest.approx([40.0])


def test_a_session_that_ocpp_tells_lasts_from_its_begin() -> None:
    station = charged(1, each=1)
    del station.series[PILE, "session_duration"]
    t = np.array([BEGIN + 5 * HOUR, BEGIN + 8 * HOUR])
    station.add(PILE, "session_active", t=t, v=[1.0, 0.0])
    station.walk()
    assert station.values(PILE, "utilisation") == pytest.approx([3 / 24])


def test_faults_and_downtime_are_added_up_from_states() -> None:
    station = charged(2)
    t = BEGIN + np.array([0, 10, 13, 30, 36]) * HOUR
    station.add(PILE, "connector_status", t=t, v=[0, 8, 0, 7, 0])
    station.walk()
    assert station.values(PILE, "fault_time") == [3 * 3600.0, 0.0]
    assert station.values(PILE, "available_share") == pytest.approx([21 / 24, 18 / 24])


def test_a_pile_that_sells_nothing_is_told_by_share_and_time() -> None:
    station = charged(10)
    ends = BEGIN + np.arange(8) * 6 * HOUR + HOUR
    sold(station, OTHER, ends=ends, kwh=0.0, minutes=2)
    station.series[OTHER, "session_energy"].v[0] = 5 * KWH
    station.walk()
    assert station.values(OTHER, "zero_energy_share")[0:2] == pytest.approx(
        [7 / 8, 7 / 8], abs=0.15
    )
    assert station.values(OTHER, "idle_time")[-1] == pytest.approx(10 * 86400 - 3600)


def test_energy_drawn_and_not_sold_is_a_loss() -> None:
    station = charged(8)
    t = BEGIN + np.arange(8) * DAY + 23 * HOUR
    station.add(STATION, "energy_drawn", t=t, v=np.full(8, 100 * KWH))
    station.walk()
    assert station.values(STATION, "charging_loss") == pytest.approx([0.2, 0.2])
    del station.series[STATION, "energy_drawn"]
    register = np.cumsum(np.full(33, 25.0 * KWH))
    quarters = BEGIN + np.arange(33) * 6 * HOUR
    station.add(PILE, "energy_active_import_register", t=quarters[:32], v=register[:32])
    station.derived.clear()
    station.walk()
    assert station.values(STATION, "charging_loss")[-1] == pytest.approx(1 - 560 / (27 * 25))


def test_revenue_and_cover_of_a_month_are_watched() -> None:
    station = charged(62, debt_service=1000.0, operating_cost_share=0.5)
    late = station.series[PILE, "session_energy"].t >= BEGIN + 31 * DAY
    station.series[PILE, "session_energy"].v[late] *= 0.5
    station.walk()
    assert station.values(STATION, "revenue_30d")[0] == pytest.approx(2400.0)
    assert station.values(STATION, "debt_cover")[0] == pytest.approx(1.2)
    assert station.values(STATION, "revenue_change")[-1] == pytest.approx(-0.5, abs=0.02)
    assert station.values(STATION, "receipts_gap")[-1] == pytest.approx(1.0)


# ---- its value -----------------------------------------------------------------------------------


class Twin:
    """A twin that knows the revenue of a month."""

    def latest(self, thing: ThingKey, indicator: str) -> Measured | None:
        if (thing, indicator) == (STATION, "revenue_30d"):
            return Measured(30_000.0, BEGIN - DAY, 1, 2)
        return None

    def causes(self, measured: Measured) -> tuple[Cause, ...]:
        assert measured
        return (Cause("frame", Digest("f" * 64), "sessions.csv", (1, 2)),)


def terms(**more: str) -> dict[str, Any]:
    return {"pool": {"root": str(STATION), "kind": "evse"}, "currency": "CNY",
            "planned_revenue": "40000", "operating_cost_share": "0.7", "discount_rate": "0.07",
            "final_date": "2033-03-03", **more}  # fmt: skip


def test_a_charging_station_is_worth_its_certain_revenue_by_hand() -> None:
    # 8 years of 365.25 days; annuity (1 - 1.07^-8) / 0.07 = 5.971299
    # 30,000 × 365.25 / 30 = 365,250 a year; × 0.3 × 5.971299 = 654,305
    found = value(terms(), Twin(), BEGIN)  # type: ignore[arg-type]
    assert found.value is not None
    assert float(found.value.amount) == pytest.approx(654_305, abs=40)
    assert found.shown == {"revenue_30d": "30000.00"}
    capped = value(terms(planned_revenue="15000"), Twin(), BEGIN)  # type: ignore[arg-type]
    assert capped.value is not None
    assert float(capped.value.amount) == pytest.approx(654_305 / 2, abs=20)


def test_terms_of_a_charging_station_are_its_own() -> None:
    with pytest.raises(BadInput, match="planned_revenue"):
        value({**PHOTOVOLTAIC, "pool": terms()["pool"]}, Twin(), BEGIN)  # type: ignore[arg-type]
    other = value(terms(final_date="2025-01-01"), Twin(), BEGIN)  # type: ignore[arg-type]
    assert other.value is None
    assert other.missing[0].zh
