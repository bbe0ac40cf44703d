"""The manufacturing models: what each concludes of a workshop's day, and what it will not."""

import numpy as np
import pytest

from tests.packs.workday import ONE, SHOP, START, TWO, Workday, daily, shifts, told
from wuxin.packs.manufacturing import activity, health, output, payroll, places, running
from wuxin.packs.manufacturing import shifts as nights
from wuxin.risk import crosscheck
from wuxin.terms.clock import DAY, HOUR, MINUTE

HOURS = 3600.0


def test_a_day_is_parted_into_work_idling_and_rest() -> None:
    day = Workday().tell(ONE, "power", rows=shifts(14))
    found = told(running.run_states(day))
    assert found["working_time"] == 7 * HOURS
    assert found["idle_time"] == 1 * HOURS
    assert found["operating_rate"] == pytest.approx(7 / 24)
    states = next(d for d in running.run_states(day) if d.indicator == "run_state")
    assert states.v.tolist() == [0, 2, 1, 2, 0]
    assert ((states.t - START) // HOUR).tolist() == [0, 8, 12, 13, 16]


def test_current_alone_tells_the_same() -> None:
    amps = [(t, v / 400) for t, v in shifts(14)]
    found = told(running.run_states(Workday().tell(ONE, "current", rows=amps)))
    assert found["working_time"] == 7 * HOURS


def test_an_alarm_of_the_control_comes_before_what_is_drawn() -> None:
    day = Workday().tell(ONE, "power", rows=shifts(14))
    day.tell(ONE, "status", rows=[(k * HOUR // 4, 3.0 if 36 <= k < 40 else 2.0) for k in range(96)])
    found = told(running.run_states(day))
    assert (found["alarm_time"], found["working_time"]) == (1 * HOURS, 6 * HOURS)


def test_effectiveness_is_not_made_up_where_no_rejects_are_reported() -> None:
    day = Workday().register(ONE, planned_time=8 * HOURS, ideal_cycle=60.0)
    day.tell(ONE, "working_time", rows=daily(1, 6 * HOURS)).tell(
        ONE, "items", rows=[(10 * HOUR, 324.0)]
    )
    found = told(running.effectiveness(day))
    assert found["availability"] == pytest.approx(0.75)
    assert found["performance"] == pytest.approx(0.9)
    assert "oee" not in found
    day.tell(ONE, "rejects", rows=[(10 * HOUR, 32.4)])
    found = told(running.effectiveness(day))
    assert found["quality"] == pytest.approx(0.9)
    assert found["oee"] == pytest.approx(0.75 * 0.9 * 0.9)


# ---- output ----------------------------------------------------------------------------------


def made(days: int = 8, products: int = 1) -> output.Made:
    """Days of 500 items at 2 of energy and 1 of time each, with a little scatter."""
    rng = np.random.default_rng(3)
    time = np.zeros((days, products))
    time[np.arange(days), np.arange(days) % products] = 500 * rng.normal(1, 0.02, days)
    items = np.round(time * rng.normal(1, 0.02, time.shape))
    return output.Made(items, 2 * time * rng.normal(1, 0.02, time.shape), time)


def changed(one: output.Made, factor: float, *, product: int = 0) -> output.Made:
    items = one.items.copy()
    items[-1, product] *= factor
    return one._replace(items=items)


@pytest.mark.parametrize(("factor", "sign"), [(1.0, 0), (1.5, 1), (0.6, -1), (1.1, 0)])
def test_a_count_that_energy_and_time_do_not_bear_out_is_off_by_a_stated_share(
    factor: float, sign: int
) -> None:
    found = output.compare(changed(made(), factor), 7, others=range(7))
    assert found is not None
    assert np.sign(found.excess) == sign
    if sign:
        assert found.excess == pytest.approx(factor - 1, abs=0.08)


def test_one_source_that_bears_the_count_out_is_enough() -> None:
    one = made()
    time = one.time.copy()
    time[-1] /= 2
    found = output.compare(one._replace(time=time), 7, others=range(7))
    assert found is not None
    assert found.excess == 0
    assert found.state == crosscheck.ODD


def test_a_product_that_was_never_seen_is_not_compared() -> None:
    one = made(8)
    moved = [np.hstack([x, np.zeros_like(x)]) for x in one]
    for x in moved:
        x[-1] = x[-1, ::-1]
    assert output.compare(output.Made(*moved), 7, others=range(7)) is None


def test_a_product_has_its_own_energy_and_time() -> None:
    one = made(12, products=2)
    for x in (one.energy, one.time):
        x[:, 1] *= 3  # product 1 takes three times as much
    found = output.compare(one, 11, others=range(11))
    assert found is not None
    assert found.excess == 0


def test_the_day_of_a_machine_goes_into_the_comparison() -> None:
    day = Workday().tell(ONE, "power", rows=shifts(14))
    items = [(t, 30.0 if v > 5_000 else 0.0) for t, v in shifts(14)]
    assert told(output.outputs(day.tell(ONE, "items", rows=items)))["count_excess"] == 0
    false = [(t, v * (1.5 if t >= 0 else 1)) for t, v in items]
    found = told(
        output.outputs(Workday().tell(ONE, "power", rows=shifts(14)).tell(ONE, "items", rows=false))
    )
    assert found["count_excess"] == pytest.approx(0.5, abs=0.02)
    assert found["output_by_energy"] == pytest.approx(840, rel=0.02)


# ---- energy and work -------------------------------------------------------------------------


def test_a_workshop_without_a_meter_has_the_sum_of_its_machines() -> None:
    day = Workday(machines=[ONE, TWO])
    day.tell(ONE, "power", rows=[(k * HOUR // 4, 1_000.0) for k in range(96)])
    day.tell(TWO, "power", rows=[(k * HOUR // 4, 2_000.0) for k in range(96)])
    found = told(nights.energies(day), SHOP)
    assert found["energy_day"] == pytest.approx(3_000 * 86_400)
    assert found["night_share"] == pytest.approx(8 / 24)


def test_half_a_sum_is_no_sum() -> None:
    day = Workday(machines=[ONE, TWO]).tell(TWO, "energy_day", rows=daily(5, 1e8, until=0))
    day.tell(ONE, "power", rows=[(k * HOUR // 4, 1_000.0) for k in range(96)])
    assert told(nights.energies(day), SHOP) == {}


@pytest.mark.parametrize("nightly", [40.0, 100.0])
def test_a_night_shift_that_is_lost_shows_in_a_week(nightly: float) -> None:
    day = Workday().tell(SHOP, "energy_day", rows=daily(30, 500.0 * 3.6e6, until=0))
    before = [(t, v) for t, v in daily(30, 100.0 * 3.6e6, until=0) if t < -6 * DAY]
    week = [(t, v) for t, v in daily(30, nightly * 3.6e6, until=0) if t >= -6 * DAY]
    day.tell(SHOP, "energy_night", rows=[*before, *week])
    power = nightly / 8 * 1000
    day.tell(SHOP, "power", rows=[(k * HOUR // 4, power) for k in range(96)])
    change = told(nights.energies(day), SHOP)["night_change"]
    assert (change < 0.5) is (nightly < 50)


def test_a_quarter_of_an_hour_is_no_day() -> None:
    day = Workday().tell(ONE, "power", rows=[(t, v) for t, v in shifts(14) if t <= 0])
    assert "operating_rate" not in told(running.run_states(day))
    assert told(nights.energies(day)) == {}


def test_no_night_shift_cannot_be_lost() -> None:
    day = Workday().tell(SHOP, "energy_day", rows=daily(30, 500.0, until=0))
    day.tell(SHOP, "energy_night", rows=daily(30, 1.0, until=0))
    day.tell(SHOP, "power", rows=[(k * HOUR // 4, 1.0) for k in range(96)])
    assert "night_change" not in told(nights.energies(day), SHOP)


def test_payroll_that_fits_the_energy_is_no_excess() -> None:
    day = Workday().tell(SHOP, "energy_day", rows=daily(20, 3.6e9))
    evening = [(t - HOUR, 200 * HOURS) for t, _ in daily(20, 0)]
    day.tell(SHOP, "paid_hours", rows=evening)
    assert told(payroll.payrolls(day), SHOP)["payroll_excess"] == 0
    false = [*evening[:-1], (evening[-1][0], 340 * HOURS)]
    day = (
        Workday()
        .tell(SHOP, "energy_day", rows=daily(20, 3.6e9))
        .tell(SHOP, "paid_hours", rows=false)
    )
    assert told(payroll.payrolls(day), SHOP)["payroll_excess"] == pytest.approx(0.7)


def test_steady_work_is_stable_without_trend_and_growth_is_seen() -> None:
    day = Workday().tell(SHOP, "energy_day", rows=daily(84, 3.6e9))
    day.tell(SHOP, "ordered", rows=daily(30, 100)).tell(SHOP, "delivered", rows=daily(30, 90))
    day.tell(ONE, "operating_rate", rows=daily(30, 0.4))
    found = told(activity.features(day), SHOP)
    assert found["stability"] == pytest.approx(1)
    assert found["trend"] == pytest.approx(0)
    assert found["energy_30d"] == pytest.approx(30 * 3.6e9)
    assert (found["utilisation"], found["order_fill"]) == (pytest.approx(0.4), pytest.approx(0.9))
    assert activity.slope(np.array([1.0, 1.1, 1.21, 1.331])) == pytest.approx(
        1.1**4.348 - 1, abs=0.01
    )


# ---- health ----------------------------------------------------------------------------------


def signals(days: int, *, shake: float = 0.0) -> Workday:
    """Return a machine at steady work with two signals, of which one grows by ``shake`` today."""
    rng = np.random.default_rng(5)
    day = Workday()
    times = [d * DAY + k * 15 * MINUTE for d in range(1 - days, 1) for k in range(96)]
    noise = rng.normal(0, 1, (len(times), 2))
    late = np.array([t >= 0 for t in times])
    day.tell(
        ONE, "vibration", rows=list(zip(times, 5 + 0.1 * noise[:, 0] + shake * late, strict=True))
    )
    return day.tell(ONE, "temperature", rows=list(zip(times, 320 + noise[:, 1], strict=True)))


def test_a_machine_as_it_was_is_healthy_and_a_shaken_one_is_not() -> None:
    sound, shaken = (told(health.anomalies(signals(20, shake=s))) for s in (0.0, 0.5))
    assert sound["health_index"] > 0.6
    assert sound["anomaly_score"] < 1
    assert shaken["health_index"] < 0.35
    assert shaken["anomaly_score"] > 4


def test_one_signal_alone_is_not_judged_together() -> None:
    day = Workday().tell(ONE, "vibration", rows=[(k * MINUTE, 1.0) for k in range(1000)])
    assert health.anomalies(day) == []


def test_a_machine_at_rest_is_not_cold() -> None:
    day = Workday().tell(ONE, "power", rows=shifts(20))
    warm = [(t, 330.0 + (k % 5) if v > 1_000 else 295.0) for k, (t, v) in enumerate(shifts(20))]
    day.tell(ONE, "temperature", rows=warm)
    [found] = health.temperatures(day)
    assert np.abs(found.v).max() < 1.5


def test_overheating_is_seen_within_half_a_day() -> None:
    times = [d * DAY + k * 15 * MINUTE for d in range(-10, 1) for k in range(96)]
    rows = [(t, 330.0 + (k % 7) + (25 if t > 0 else 0)) for k, t in enumerate(times)]
    [found] = health.temperatures(Workday().tell(ONE, "temperature", rows=rows))
    assert found.v[0] < 3 < found.v[11]


def test_nothing_is_said_of_a_temperature_that_is_known_for_three_days() -> None:
    rows = [(d * DAY + k * HOUR, 330.0) for d in range(-2, 1) for k in range(24)]
    assert health.temperatures(Workday().tell(ONE, "temperature", rows=rows)) == []


def test_wear_is_drawn_on_to_failure_and_soundness_is_not() -> None:
    # the distance from normal grows by 0.25 a day from 0.25; at 4 the index is 0.2
    worn = [(k * DAY - 1 - 9 * DAY + DAY, 1 / (1 + 0.25 * (k + 1))) for k in range(10)]
    found = told(health.lifetimes(Workday().tell(ONE, "health_index", rows=worn)))
    assert found["remaining_life"] == pytest.approx(6 * DAY / 1e9, rel=1e-6)
    assert health.lifetimes(Workday().tell(ONE, "health_index", rows=daily(10, 0.8))) == []


def test_a_machine_is_as_far_away_as_the_circle_says() -> None:
    day = Workday().register(ONE, latitude=30.0, longitude=120.0)
    day.tell(ONE, "latitude", rows=[(HOUR, 30.01)]).tell(ONE, "longitude", rows=[(HOUR, 120.0)])
    assert told(places.displacements(day))["displacement"] == pytest.approx(1111.95, abs=0.1)
    assert places.displacements(Workday().tell(ONE, "latitude", rows=[(HOUR, 30.0)])) == []
