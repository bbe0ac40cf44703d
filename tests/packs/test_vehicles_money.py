"""Vehicles as collateral and as risks: audits, values, leases, orders, premiums, claims, calls."""

from decimal import Decimal

import numpy as np
import pytest

from wuxin.packs.vehicles import audit, business, claim, emergency, premium
from wuxin.packs.vehicles.motion import collisions, marked
from wuxin.packs.vehicles.valuation import by_age, by_mileage, newness
from wuxin.terms.clock import DAY, HOUR, MINUTE, SECOND
from wuxin.terms.errors import BadInput, Conflict
from wuxin.terms.money import Money
from wuxin.terms.names import ThingKey
from wuxin.twin.track import track

START = 20_000 * DAY
CAR = ThingKey("vehicle", "V")
FULL = audit.Unit(CAR, 0.0, START, START, certificate=True, keys=1)


# ---- the audit ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "state"),
    [
        ({}, audit.PRESENT),
        ({"distance": 500.0, "scanned_at": START - HOUR}, audit.AWAY),
        ({"distance": 500.0, "seen_at": START - HOUR}, audit.PRESENT),
        ({"distance": 500.0, "scanned_at": None, "released": True}, audit.AUTHORISED),
        ({"distance": 500.0, "scanned_at": None, "left_at": START - 3 * DAY}, audit.OUT_OF_TRUST),
        ({"seen_at": None, "scanned_at": START - 2 * DAY}, audit.UNSEEN),
        ({"sold_at": START - DAY}, audit.PRESENT),
        ({"sold_at": START - 3 * DAY}, audit.OUT_OF_TRUST),
        ({"sold_at": START - 3 * DAY, "paid": True}, audit.SETTLED),
    ],
)
def test_what_an_audit_finds(change: dict[str, object], state: int) -> None:
    assert audit.state_of(FULL._replace(**change), at=START) == state  # type: ignore[arg-type]


def test_custody_that_nobody_knows_of_is_missing() -> None:
    units = [FULL, FULL._replace(certificate=None), FULL._replace(keys=None, keys_due=2)]
    report = audit.audit([*units, FULL._replace(paid=True, certificate=None)], at=START)
    assert (report.on_books, report.papers_missing, report.keys_missing) == (3, 1, 2)
    assert report.coverage == 1.0


# ---- value -------------------------------------------------------------------------------------


def test_a_car_keeps_55_percent_after_three_years_and_no_less_than_scrap() -> None:
    assert by_age(Decimal(3)) == Decimal("0.55")
    assert by_age(Decimal(7)) == Decimal("0.15")
    assert by_age(Decimal(30)) == Decimal("0.05")
    assert by_age(Decimal(-1)) == 1


def test_sixty_thousand_kilometres_take_a_third() -> None:
    assert by_mileage(Decimal(60_000)).quantize(Decimal("0.001")) == Decimal("0.667")
    assert by_mileage(Decimal(600_000)) == Decimal("0.05")


def test_the_less_of_age_and_mileage_counts_and_an_inspection_is_weighed() -> None:
    old = newness(Decimal(5), kilometres=Decimal(10_000), condition=None)
    assert old == Decimal("0.3500")
    worn = newness(Decimal(1), kilometres=Decimal(200_000), condition=None)
    assert worn < Decimal("0.2")
    assert newness(Decimal(5), kilometres=None, condition=Decimal(60)) == Decimal("0.4500")
    # An inspection of 100 points does not make an old car new.
    assert newness(Decimal(9), kilometres=None, condition=Decimal(100)) <= Decimal("0.53")


# ---- leases, orders ----------------------------------------------------------------------------


def test_idle_and_in_arrears_may_be_abandoned() -> None:
    lease = business.Lease(20e6, Decimal(10_000), Decimal(8_000))
    state = business.lease_state(lease, metres=5e5, days=30, idle_days=15)
    assert state.abandoned
    assert state.arrears == Decimal("0.2")
    paid = lease._replace(paid=Decimal(10_000))
    assert not business.lease_state(paid, metres=0, days=30, idle_days=30).abandoned


def test_mileage_that_orders_exceed_is_contested_and_empty_runs_are_not() -> None:
    span = {"start": 0, "end": DAY}
    agreed = business.check_mileage(odometer=100e3, track=97e3, orders=60e3, **span)
    assert agreed.state == "agreed"
    more = business.check_mileage(odometer=100e3, track=97e3, orders=150e3, **span)
    assert more.odd == ("orders",)


ORDER = business.Order(
    (30.0, 104.0), (31.0, 104.0), START, START + DAY, Money(Decimal(5000), "CNY")
)


def haul(hours: float, *, to: float = 31.0) -> tuple[np.ndarray, np.ndarray]:
    n = int(hours * 12) + 1
    t = START + HOUR + (np.arange(n) * 5 * MINUTE)
    return t.astype(np.int64), np.linspace(30.0, to, n)


def test_an_order_is_financed_as_its_track_proves_it() -> None:
    t, lat = haul(3)
    found = business.deliver(ORDER, track(t, lat, longitude=np.full(len(t), 104.0)))
    assert (found.verified, found.why) == (True, "delivered")
    assert business.advance(ORDER, found, rate=Decimal("0.8")).amount == Decimal("4000.00")
    short = track(*haul(3, to=30.5), longitude=np.full(len(t), 104.0))
    half = business.deliver(ORDER, short)
    assert half.why == "not delivered in time"
    assert business.advance(ORDER, half, rate=Decimal("0.8")).amount == Decimal("2000.00")
    away = business.deliver(ORDER, track(t, lat + 3, longitude=np.full(len(t), 104.0)))
    assert business.advance(ORDER, away, rate=Decimal("0.8")).amount == 0


def test_a_vehicle_that_was_at_the_destination_first_has_not_delivered() -> None:
    t, lat = haul(3)
    back = business.deliver(ORDER, track(t, lat[::-1].copy(), longitude=np.full(len(t), 104.0)))
    assert not back.verified


# ---- premiums ----------------------------------------------------------------------------------


def test_a_poisson_regression_finds_what_was_planted() -> None:
    rng = np.random.default_rng(1)
    x = rng.normal(size=(40_000, 2))
    exposure = rng.uniform(0.2, 1.0, 40_000)
    claims = rng.poisson(exposure * np.exp(-2 + 0.5 * x[:, 0] - 0.2 * x[:, 1]))
    fit = premium.fit_frequency(x, claims.astype(float), exposure=exposure, names=("a", "b"))
    assert fit.coefficients == pytest.approx([-2, 0.5, -0.2], abs=0.05)
    order = premium.gini(premium.frequency(fit, x) * exposure, claims * 1.0, exposure=exposure)
    assert order > 0.2


def test_a_premium_says_what_each_part_did_and_stays_within_bounds() -> None:
    base = Money(Decimal(4000), "CNY")
    quiet = premium.premium(base, kilometres_a_year=15_000, events={"harsh_braking": 0},
                            shares={"night": 0.0}, observed_km=2_000)  # fmt: skip
    assert quiet.money.amount == Decimal("3648.00")  # 4000 × 0.96 × 0.95
    assert len(quiet.reasons) == 3
    wild = premium.premium(base, kilometres_a_year=60_000, events={"harsh_braking": 15},
                           shares={"speeding": 0.5}, observed_km=2_000)  # fmt: skip
    assert wild.money.amount == Decimal("6000.00")
    new = premium.premium(base, kilometres_a_year=15_000, events={"harsh_braking": 15},
                          shares={}, observed_km=100)  # fmt: skip
    assert new.behaviour == 1
    with pytest.raises(BadInput):
        premium.premium(base, kilometres_a_year=1, events={"singing": 1}, shares={}, observed_km=1)


# ---- claims ------------------------------------------------------------------------------------

CLAIM = claim.Claimed(START + HOUR, 30.0, 104.0, moving=True, reported=START + 2 * HOUR,
                      policy_from=START - 200 * DAY)  # fmt: skip


def drive(latitude: float) -> tuple[object, object]:
    t = START + HOUR + (np.arange(-300, 300) * SECOND)
    v = np.where(np.arange(600) < 300, 15.0, 0.0)
    return track(t, np.full(600, latitude), longitude=np.full(600, 104.0)), marked(t, v)


def test_a_true_claim_is_borne_out() -> None:
    seen, speed = drive(30.0)
    result = claim.check_claim(
        CLAIM, seen=seen, speed=speed, collisions=collisions(speed),  # type: ignore[arg-type]
        others=[claim.Other("road unit", CLAIM.at + MINUTE, 30.0, 104.0)],
    )  # fmt: skip
    assert [c.answer for c in result.checks] == ["yes", "yes", "yes", "yes", "no"]
    assert (result.against, result.unknown) == (0, 0)


def test_a_vehicle_elsewhere_that_stood_speaks_against_the_claim() -> None:
    seen, _ = drive(30.2)
    t = START + HOUR + (np.arange(-300, 300) * SECOND)
    still = marked(t, np.zeros(600))
    others = CLAIM._replace(others=1, policy_from=CLAIM.at - DAY)
    result = claim.check_claim(
        others, seen=seen, speed=still, collisions=[], others=()  # type: ignore[arg-type]
    )  # fmt: skip
    assert result.against == 5
    assert "22," in result.checks[0].why.en


def test_nothing_known_is_no_suspicion() -> None:
    result = claim.check_claim(CLAIM, seen=None)
    assert (result.against, result.unknown) == (0, 4)


def test_nobody_to_ask_is_no_suspicion_though_others_are_said_to_be_in_it() -> None:
    seen, speed = drive(30.0)
    result = claim.check_claim(
        CLAIM._replace(others=1), seen=seen, speed=speed,  # type: ignore[arg-type]
        collisions=collisions(speed),  # type: ignore[arg-type]
    )  # fmt: skip
    assert (result.checks[3].answer, result.against) == ("unknown", 0)


@pytest.mark.parametrize(("parked", "against"), [(120, False), (20, True)])
def test_a_parked_car_may_have_driven_there_a_light_is_no_parking(
    parked: int, *, against: bool
) -> None:
    seconds = np.arange(-300, 300)
    v = np.clip(2.0 * (np.abs(seconds) - parked / 2), 0, 15.0)  # brakes, stands, pulls away
    speed = marked(CLAIM.at + seconds * SECOND, v)
    result = claim.check_claim(CLAIM._replace(moving=False), seen=None, speed=speed)
    assert result.checks[1].against is against


@pytest.mark.parametrize(("every", "shows"), [(1, True), (2, False), (10, False)])
def test_a_speed_that_comes_seldom_shows_no_impact(every: int, *, shows: bool) -> None:
    t = CLAIM.at + np.arange(-600, 600, every) * SECOND
    assert claim.would_show(marked(t, np.full(len(t), 15.0)), CLAIM.at) is shows
    gone = np.abs(t - CLAIM.at) > 2 * MINUTE
    assert not claim.would_show(marked(t[gone], np.full(gone.sum(), 15.0)), CLAIM.at)


def test_evidence_changes_with_one_sample() -> None:
    _, speed = drive(30.0)
    one = claim.evidence("V", speed=speed, at=CLAIM.at)  # type: ignore[arg-type]
    speed.v[295] = 14.0  # type: ignore[attr-defined]
    two = claim.evidence("V", speed=speed, at=CLAIM.at)  # type: ignore[arg-type]
    assert len(one["sha256"]) == 64  # type: ignore[arg-type]
    assert one["sha256"] != two["sha256"]


# ---- the emergency call ------------------------------------------------------------------------


def test_an_airbag_calls_at_once_and_is_helped() -> None:
    call = emergency.noticed(emergency.Call("V"), "airbag", at=START)
    assert call.stage == "calling"
    assert emergency.is_overdue(call, at=START + 4 * MINUTE)
    call = emergency.said(call, "centre_has_it", at=START + MINUTE)
    assert not emergency.is_overdue(call, at=START + 4 * MINUTE)
    assert emergency.said(call, "rescue_arrived", at=START + HOUR).stage == "helped"


def test_a_collision_asks_first_and_silence_is_a_yes() -> None:
    call = emergency.noticed(emergency.Call("V"), "collision", at=START)
    assert call.stage == "suspected"
    assert emergency.waited(call, at=START + 10 * SECOND).stage == "suspected"
    assert emergency.waited(call, at=START + 31 * SECOND).stage == "calling"
    assert emergency.said(call, "driver_is_well", at=START + 5 * SECOND).stage == "cancelled"


def test_a_possible_collision_never_calls_by_itself() -> None:
    call = emergency.noticed(emergency.Call("V"), "possible_collision", at=START)
    assert emergency.waited(call, at=START + HOUR).stage == "suspected"
    assert emergency.noticed(call, "airbag", at=START + SECOND).stage == "calling"


def test_what_was_closed_cannot_be_told_more() -> None:
    call = emergency.noticed(emergency.Call("V"), "collision", at=START)
    done = emergency.said(call, "driver_is_well", at=START + SECOND)
    with pytest.raises(Conflict):
        emergency.said(done, "rescue_arrived", at=START + MINUTE)


def test_the_message_says_how_old_its_position_is() -> None:
    call = emergency.noticed(emergency.Call("V"), "button", at=START)
    place = {"latitude": 30.0, "longitude": 104.0, "at": START - HOUR, "occupants": 2}
    told = emergency.message(call, place=place)
    assert (told["automatic"], told["position_can_be_trusted"], told["occupants"]) == (
        False, False, 2
    )  # fmt: skip
    with pytest.raises(BadInput):
        emergency.message(call, place={"latitude": 30.0})
