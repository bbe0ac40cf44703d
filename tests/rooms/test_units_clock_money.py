"""Units, times and money at the edge: converted exactly, or refused in one line."""

import subprocess
import sys
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from wuxin.terms import clock
from wuxin.terms.clock import DAY, HOUR, MINUTE, SECOND
from wuxin.terms.errors import BadInput
from wuxin.terms.money import Money, exact, money
from wuxin.terms.units import conversion, shown

# ---- units -----------------------------------------------------------------------------------

PAIRS = [
    ("kW", "W", 2.5, 2500.0), ("kWh", "J", 1.0, 3.6e6), ("t", "kg", 25.0, 25_000.0),
    ("%", "1", 98.0, 0.98), ("degC", "K", 25.0, 298.15), ("℃", "K", -40.0, 233.15),
    ("°C", "K", 0.0, 273.15), ("degF", "K", -40.0, 233.15), ("h", "s", 2.0, 7200.0),
    ("W/m²", "W/m2", 1000.0, 1000.0), ("kW/m2", "W/m2", 1.0, 1000.0), ("km/h", "m/s", 36.0, 10.0),
    ("USD/t", "USD/kg", 7000.0, 7.0), ("m^3/h", "m**3/s", 3600.0, 1.0), ("1", "1", 3.0, 3.0),
]  # fmt: skip


@pytest.mark.parametrize(("outside", "inside", "value", "converted"), PAIRS)
def test_a_value_becomes_si_and_is_shown_again(
    outside: str, inside: str, value: float, converted: float
) -> None:
    rule = conversion(outside, inside)
    assert value * rule.factor + rule.offset == pytest.approx(converted, rel=1e-12)
    assert shown(converted, inside, show=outside) == pytest.approx(value, rel=1e-12, abs=1e-9)


@pytest.mark.parametrize(
    ("outside", "inside", "why"),
    [
        ("kg", "W", "cannot be converted"), ("USD/t", "CNY/kg", "cannot be converted"),
        ("", "W", "cannot be converted"), ("parsec_hours", "W", "unknown unit"),
        ("2 kW", "W", "unknown unit"), ("(", "W", "unknown unit"), ("W)", "W", "unknown unit"),
        ("9**9**9", "1", "unknown unit"), ("m**9**9**9", "m", "unknown unit"),
        ("__import__('os')", "1", "unknown unit"), ("W\n", "W", "unknown unit"),
        ("dBm", "W", "is not linear"), ("A^0", "1", "unknown unit"),
    ],
)  # fmt: skip
def test_a_unit_that_cannot_be_meant_is_refused(outside: str, inside: str, why: str) -> None:
    with pytest.raises(BadInput, match=why):
        conversion(outside, inside)


@settings(deadline=None, max_examples=200)
@given(st.text(max_size=20) | st.text("kWhm/*^()0123.- ²", max_size=20))
@example("¼")
def test_any_text_is_a_unit_or_refused(text: str) -> None:
    try:
        conversion(text, "W")
    except BadInput:
        return


# ---- clock -----------------------------------------------------------------------------------

MOMENTS = st.integers(-(2**63) + 1000, 2**63 - 1)
THIS_CENTURY = st.integers(946_684_800 * SECOND, 4_102_444_800 * SECOND)
ZONES = ("Asia/Shanghai", "Asia/Kolkata", "America/Havana", "Australia/Lord_Howe", "+05:30", "UTC")


@given(MOMENTS)
def test_a_moment_is_written_to_the_microsecond_and_read_again(nanos: int) -> None:
    cut = nanos - nanos % 1000
    assert clock.from_datetime(clock.to_datetime(nanos)) == cut
    assert clock.moment(clock.iso(nanos)) == cut
    assert clock.iso(nanos).endswith("Z")


@pytest.mark.parametrize(
    ("text", "zone", "meant"),
    [
        ("2008-12-01", "UTC", "2008-12-01T00:00:00Z"),
        ("2008-12-01", "Asia/Shanghai", "2008-11-30T16:00:00Z"),
        ("2008-12-01T08:00Z", "Asia/Shanghai", "2008-12-01T08:00:00Z"),
        ("2008-12-01 08:00:00.5+08:00", "UTC", "2008-12-01T00:00:00.500000Z"),
    ],
)
def test_a_date_without_offset_is_local(text: str, zone: str, meant: str) -> None:
    assert clock.iso(clock.moment(text, clock.zone(zone))) == meant


@pytest.mark.parametrize(
    "text", ["", "yesterday", "2008-13-01", "2022-02-30", "0001-01-01", "9999"]
)
def test_what_is_no_date_is_refused(text: str) -> None:
    with pytest.raises(BadInput):
        clock.moment(text)


@pytest.mark.parametrize(
    ("text", "nanos"),
    [
        ("250 ms", SECOND // 4), ("15 min", 15 * MINUTE), ("15m", 15 * MINUTE), ("2h", 2 * HOUR),
        ("1.5 d", 36 * HOUR), ("2 w", 14 * DAY), ("0 s", 0),
    ],
)  # fmt: skip
def test_a_duration_is_a_number_and_a_unit(text: str, nanos: int) -> None:
    assert clock.duration(text) == nanos


@pytest.mark.parametrize("text", ["", "15", "h", "-1 h", "1 month", "9" * 400 + " s", "99999 w"])
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(BadInput):
        clock.duration(text)


@pytest.mark.parametrize(
    "name", ["", "Asia", "Asia/", "Mars/Base", "+99:99", "../x", "a" * 5000, "\0"]
)
def test_what_is_no_zone_is_refused(name: str) -> None:
    with pytest.raises(BadInput, match="no time zone"):
        clock.zone(name)


@settings(deadline=None)
@given(nanos=THIS_CENTURY, name=st.sampled_from(ZONES))
def test_every_moment_lies_in_one_local_day(nanos: int, name: str) -> None:
    tz = clock.zone(name)
    start, end = clock.day_start(nanos, tz), clock.next_day(nanos, tz)
    assert start <= nanos < end
    assert end - start in {d * HOUR // 2 for d in (46, 47, 48, 49, 50)}
    assert clock.day_start(start, tz) == start
    assert clock.day_start(end, tz) == end
    assert clock.to_datetime(start, tz).date() == clock.to_datetime(nanos, tz).date()


def test_a_datetime_without_zone_is_utc() -> None:
    naive = datetime(2022, 1, 2)  # noqa: DTZ001 - that is the point
    assert clock.from_datetime(naive) == clock.from_datetime(naive.replace(tzinfo=UTC))


# ---- money -----------------------------------------------------------------------------------

CENTS = st.integers(-(10**17), 10**17).map(lambda cents: str(Decimal(cents).scaleb(-2)))


@given(CENTS, CENTS)
def test_sums_of_money_are_exact(one: str, other: str) -> None:
    a, b = money(one, "CNY"), money(other, "CNY")
    assert (a + b) - b == a
    assert (a < b) == (Decimal(one) < Decimal(other))
    assert (a + b).rounded() == a + b


@pytest.mark.parametrize(
    ("text", "currency", "written"),
    [
        ("1234567.885", "CNY", "1,234,567.88 CNY"), ("1.015", "USD", "1.02 USD"),
        ("0.5", "JPY", "0 JPY"), ("2.5", "JPY", "2 JPY"), ("-3", "EUR", "-3.00 EUR"),
    ],
)  # fmt: skip
def test_money_is_rounded_half_to_even_at_its_minor_unit(
    text: str, currency: str, written: str
) -> None:
    assert str(money(text, currency)) == written


def test_two_currencies_do_not_mix() -> None:
    yuan, dollars = money(1, "CNY"), money(1, "USD")
    for mixed in (lambda: yuan + dollars, lambda: yuan - dollars, lambda: yuan < dollars):
        with pytest.raises(BadInput, match="without a rate"):
            mixed()


@pytest.mark.parametrize(
    ("text", "currency"),
    [
        ("a lot", "CNY"), ("nan", "CNY"), ("inf", "CNY"), ("1e18", "CNY"), ("", "CNY"),
        ("1", "cny"), ("1", "RMB1"), ("1", "ÄÖÜ"), ("1", ""),
    ],
)  # fmt: skip
def test_what_is_no_money_is_refused(text: str, currency: str) -> None:
    with pytest.raises(BadInput):
        money(text, currency)


def test_a_measured_float_becomes_the_decimal_that_was_written() -> None:
    assert exact(0.1) == Decimal("0.1")
    assert Money(exact(2.675), "CNY") * Decimal(100) == money("267.5", "CNY")


def test_units_may_be_asked_for_by_several_threads_at_first() -> None:
    program = (
        "import threading\n"
        "from wuxin.terms.units import conversion\n"
        "wrong = []\n"
        "def ask(a, b):\n"
        "    try:\n"
        "        conversion(a, b)\n"
        "    except BaseException as e:\n"
        "        wrong.append(e)\n"
        "pairs = [('kW', 'W'), ('degC', 'K'), ('t', 'kg'), ('kWh', 'J')]\n"
        "threads = [threading.Thread(target=ask, args=p) for p in pairs]\n"
        "[t.start() for t in threads]\n"
        "[t.join() for t in threads]\n"
        "raise SystemExit(len(wrong))\n"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
