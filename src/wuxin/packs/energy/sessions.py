"""Charging sessions: read from any operator's table, checked, counted, and priced.

A session that cannot be is kept and named, with what is wrong: no energy, two cars at one
connector, more power than the pile has, an end before its begin.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, tzinfo
from decimal import Decimal, InvalidOperation
from email.utils import parsedate_to_datetime
from typing import Final, NamedTuple

from wuxin.packs.energy.tariff import Tariff
from wuxin.packs.energy.traps import FORMS, date_order
from wuxin.terms.clock import DAY, HOUR, MINUTE, from_datetime, iso, moment, to_datetime
from wuxin.terms.errors import BadInput

NO_ENERGY: Final = Decimal("0.05")
"""Below this many kWh a session sold nothing: a plug tried, a hand-shake, a meter's rounding."""

COLUMNS: Final[Mapping[str, tuple[str, ...]]] = {
    "evse": ("chargingstation", "stationid", "evse", "evseid", "pile", "connectorid", "spaceid",
             "charger", "chargerid", "stationname", "充电桩"),
    "begin": ("connectionstartdatetime", "connectiontime", "starttime", "begin", "created",
              "startdate", "transactionstart", "startdatetime", "充电开始时间"),
    "end": ("connectionenddatetime", "disconnecttime", "endtime", "end", "ended", "enddate",
            "transactionstop", "enddatetime", "充电结束时间"),
    "charge_begin": ("chargingstartdatetime", "chargingstart"),
    "charge_end": ("chargingenddatetime", "donechargingtime", "chargingend"),
    "energy": ("energy", "kwhdelivered", "kwhtotal", "energykwh", "kwh", "totalkwh", "energywh",
               "energydelivered", "meterwh", "充电电量"),
    "amount": ("amount", "dollars", "fee", "cost", "revenue", "receipt", "price", "totalcost",
               "金额"),
    "id": ("session", "sessionid", "id", "transactionid", "plugineventid"),
    "user": ("userid", "user", "driverid", "cardid"),
}  # fmt: skip
"""Names under which operators write what a session is, in small letters without blanks or marks."""


class Session(NamedTuple):
    """One charging session; times in ns UTC, energy in kWh, amount in the operator's currency.

    ``charge_end`` is when the car took no more; where it is not told, or lies outside of the
    session, that is the end of the session.
    """

    id: str
    evse: str
    begin: int
    end: int
    charge_begin: int
    charge_end: int
    energy: Decimal | None
    amount: Decimal | None
    user: str = ""


class Refused(NamedTuple):
    """A row that is no session: its number (from 1) and why."""

    row: int
    why: str


class Overlap(NamedTuple):
    """A session that began while all connectors of its pile were taken, and one that took them."""

    session: Session
    holder: Session


class Bill(NamedTuple):
    """Revenue recomputed: of each session (the same order), of each local month, in all.

    ``unpriced`` are sessions whose energy is not known.
    """

    each: tuple[Decimal, ...]
    months: Mapping[str, Decimal]
    total: Decimal
    unpriced: int


class Gap(NamedTuple):
    """A session whose receipt differs from its energy at the tariff (receipt less recomputed)."""

    session: Session
    recomputed: Decimal
    difference: Decimal


def read_sessions(
    rows: Sequence[Mapping[str, str]], *, zone: tzinfo, columns: Mapping[str, str] | None = None
) -> tuple[list[Session], list[Refused]]:
    """Read sessions of any operator's table.

    Args:
        rows: a table's rows as text, column names as the operator writes them.
        zone: of times that state none. The published ACN tables are in UTC, not in local time.
        columns: a name of :data:`COLUMNS` → the table's own, where they cannot be guessed.

    Returns:
        Sessions in the table's order, and the rows that are none. Energy is in kWh; a column
        whose name ends in Wh but not kWh is divided by 1000. The order of dates is told from the
        whole column (:func:`~.traps.date_order`); a year written 0014, as one operator exports it,
        is 2014.

    Raises:
        BadInput: the table has no column for pile, begin, end or energy, or dates of no one order.
    """
    if not rows:
        return [], []
    named = _columns(rows[0], columns or {})
    if missing := [n for n in ("evse", "begin", "end", "energy") if n not in named]:
        raise BadInput(f"the sessions have no column for {', '.join(missing)}; {list(rows[0])}")
    form = _form([row[named["begin"]] or "" for row in rows])
    bare = _bare(named["energy"])
    scale = Decimal(1000) if bare.endswith("wh") and not bare.endswith("kwh") else Decimal(1)
    good, bad = [], []
    for number, row in enumerate(rows, start=1):
        try:
            good.append(_session(row, named, form=form, zone=zone, scale=scale, number=number))
        except BadInput as wrong:
            bad.append(Refused(number, str(wrong)))
    return good, bad


def _bare(name: str) -> str:
    return "".join(c for c in name.casefold() if c.isalnum())


def _columns(row: Mapping[str, str], given: Mapping[str, str]) -> dict[str, str]:
    found = {_bare(name): name for name in row}
    named = dict(given)
    for what, names in COLUMNS.items():
        hit = next((found[name] for name in names if name in found), None)
        if what not in named and hit is not None:
            named[what] = hit
    return named


def _form(texts: Sequence[str]) -> str | None:
    """The form of its times; None where they are ISO 8601 or carry offsets."""
    told = [text for text in texts if text.strip()]
    try:
        for text in told[:50]:
            _moment(text, UTC)
    except BadInput:
        try:
            return date_order(told[:5000]).form
        except BadInput:
            return _loose(told)
    return None


def _loose(told: Sequence[str]) -> str | None:
    """A form that reads most of the column, where some cells are no times."""
    for form in (form for forms in FORMS.values() for form in forms):
        good = sum(_parsed(text, form) is not None for text in told[:500])
        if good > len(told[:500]) / 2:
            return form
    return None


def _parsed(text: str, form: str) -> datetime | None:
    try:
        return datetime.strptime(text.strip(), form)  # noqa: DTZ007 - the zone comes later
    except ValueError:
        return None


def _session(
    row: Mapping[str, str], named: Mapping[str, str], *, form: str | None, zone: tzinfo,
    scale: Decimal, number: int,
) -> Session:  # fmt: skip
    begin, end = (_time(row[named[n]], form, zone=zone, what=n) for n in ("begin", "end"))
    if end < begin:
        raise BadInput(f"it ends at {iso(end)}, before it begins at {iso(begin)}")
    charge = {}
    for name in ("charge_begin", "charge_end"):
        text = (row.get(named.get(name, ""), "") or "").strip()
        charge[name] = _time(text, form, zone=zone, what=name) if text else None
    charged = charge["charge_begin"], charge["charge_end"]
    first = charged[0] if charged[0] is not None and begin <= charged[0] <= end else begin
    last = charged[1] if charged[1] is not None and first <= charged[1] <= end else end
    evse = (row[named["evse"]] or "").strip()
    if not evse:
        raise BadInput("it names no pile")
    energy = _number(row[named["energy"]], "energy")
    amount = _number(row.get(named.get("amount", ""), ""), "amount")
    return Session(
        (row.get(named.get("id", ""), "") or str(number)).strip(), evse, begin, end, first, last,
        None if energy is None else energy / scale, amount,
        (row.get(named.get("user", ""), "") or "").strip(),
    )  # fmt: skip


def _time(text: str | None, form: str | None, *, zone: tzinfo, what: str) -> int:
    text = (text or "").strip()
    found = _parsed(text, form) if form is not None else None
    if found is not None:
        return int(from_datetime(found.replace(tzinfo=zone)))
    try:
        return _moment(text, zone)
    except BadInput:
        raise BadInput(f"its {what} {text!r} is no time") from None


def _moment(text: str, zone: tzinfo) -> int:
    """ISO 8601, or the form of RFC 5322 in which the ACN service answers; a year 0014 is 2014."""
    text = text.strip()
    if text[:2] == "00" and text[4:5] == "-":
        text = f"20{text[2:]}"
    try:
        return int(moment(text, zone))
    except BadInput:
        pass
    try:
        return int(from_datetime(parsedate_to_datetime(text).astimezone(UTC)))
    except (ValueError, TypeError):
        raise BadInput(f"{text!r} is no time") from None


def _number(text: str | None, what: str) -> Decimal | None:
    text = (text or "").strip().lstrip("$€¥").replace(",", "")
    if text.casefold() in {"", "na", "nan", "null", "none", "-"}:
        return None
    try:
        value = Decimal(text)
    except InvalidOperation:
        raise BadInput(f"its {what} {text!r} is no number") from None
    if not value.is_finite() or (what == "energy" and value < 0):
        raise BadInput(f"its {what} {text!r} cannot be meant")
    return value


def zero_energy(sessions: Iterable[Session], *, least: Decimal = NO_ENERGY) -> list[Session]:
    """Sessions in which nothing was sold: energy known, and below ``least`` (kWh)."""
    return [s for s in sessions if s.energy is not None and s.energy < least]


def overlapping(sessions: Iterable[Session], *, connectors: int = 1) -> list[Overlap]:
    """Sessions that began while every connector of their pile was taken.

    Args:
        sessions: in any order; one that ends when another begins does not overlap it.
        connectors: how many cars a pile can charge at once.

    Returns:
        In order of pile and begin, each with the session that had come last before it.
    """
    piles: dict[str, list[Session]] = defaultdict(list)
    for session in sessions:
        piles[session.evse].append(session)
    found = []
    for name in sorted(piles):
        open_: list[Session] = []
        for one in sorted(piles[name], key=lambda s: (s.begin, s.end)):
            open_ = [s for s in open_ if s.end > one.begin]
            if len(open_) >= connectors and one.end > one.begin:
                found.append(Overlap(one, open_[-1]))
            open_.append(one)
    return found


def overpowered(
    sessions: Iterable[Session], rated: Mapping[str, Decimal] | Decimal, *,
    tolerance: Decimal = Decimal("1.1"),
) -> list[Session]:  # fmt: skip
    """Sessions with more energy than their pile can have given while they lasted.

    Args:
        sessions: in any order.
        rated: kW of each pile, or of all; a pile without one is not judged.
        tolerance: what rounding to a minute and a meter's class explain.
    """
    found = []
    for s in sessions:
        most = rated.get(s.evse) if isinstance(rated, Mapping) else rated
        hours = Decimal(s.end - s.begin + MINUTE) / HOUR  # times are rounded to the minute
        if most is not None and s.energy is not None and s.energy > most * hours * tolerance:
            found.append(s)
    return found


def utilisation(
    sessions: Iterable[Session], *, span: tuple[int, int], connectors: int = 1
) -> dict[str, tuple[float, float]]:
    """How much of a span each pile was taken, and how much of it a car took energy.

    Args:
        sessions: in any order; overlapping ones count once.
        span: begin and end (ns).
        connectors: of each pile.

    Returns:
        pile → (taken, charging), shares of the span times the connectors.
    """
    piles: dict[str, list[Session]] = defaultdict(list)
    for s in sessions:
        piles[s.evse].append(s)
    whole = (span[1] - span[0]) * connectors
    return {
        name: (
            _covered([(s.begin, s.end) for s in each], span) / whole,
            _covered([(s.charge_begin, s.charge_end) for s in each], span) / whole,
        )
        for name, each in sorted(piles.items())
    }


def _covered(spans: list[tuple[int, int]], within: tuple[int, int]) -> int:
    total, upto = 0, within[0]
    for first, last in sorted(spans):
        begin, end = max(first, upto), min(last, within[1])
        if end > begin:
            total += end - begin
            upto = end
    return total


def bill(sessions: Sequence[Session], tariff: Tariff) -> Bill:
    """Recompute revenue: each session's energy, spread evenly over its charging time, × tariff.

    Args:
        sessions: energy in kWh.
        tariff: money per kWh by the hour; its zone is the station's.

    Returns:
        Unrounded amounts. Demand charges are the operator's cost and no revenue: they are left out
        (:func:`peaks` gives the power that they are charged on).
    """
    each: list[Decimal] = []
    months: dict[str, Decimal] = defaultdict(Decimal)
    unpriced = 0
    for s in sessions:
        if s.energy is None:
            unpriced += 1
            each.append(Decimal(0))
            continue
        amount = tariff.cost(s.energy, s.charge_begin, end=s.charge_end)
        each.append(amount)
        months[f"{to_datetime(s.charge_begin, tariff.zone):%Y-%m}"] += amount
    return Bill(tuple(each), dict(sorted(months.items())), sum(each, Decimal(0)), unpriced)


def against_receipts(
    sessions: Sequence[Session], billed: Bill, *, tolerance: Decimal = Decimal("0.02"),
    least: Decimal = Decimal("0.05"),
) -> list[Gap]:  # fmt: skip
    """Sessions whose receipt is not what their energy costs at the tariff.

    Args:
        sessions: those with an ``amount`` are judged.
        billed: what :func:`bill` gives for the same sessions.
        tolerance: share of the recomputed amount that rounding of energy and time explains.
        least: and what is always explained (money).
    """
    found = []
    for s, wanted in zip(sessions, billed.each, strict=True):
        if s.amount is None or s.energy is None:
            continue
        difference = s.amount - wanted
        if abs(difference) > max(tolerance * abs(wanted), least):
            found.append(Gap(s, wanted, difference))
    return found


def peaks(sessions: Iterable[Session], *, zone: tzinfo) -> dict[str, Decimal]:
    """The greatest power of all sessions together in each local month (kW).

    Each session is taken at its mean power while charging, so that the true peak is not below.
    """
    events: list[tuple[int, Decimal]] = []
    for s in sessions:
        if s.energy and s.charge_end > s.charge_begin:
            power = s.energy * HOUR / (s.charge_end - s.charge_begin)
            events += [(s.charge_begin, power), (s.charge_end, -power)]
    found: dict[str, Decimal] = defaultdict(Decimal)
    running = Decimal(0)
    for at, change in sorted(events):
        running += change
        month = f"{to_datetime(at, zone):%Y-%m}"
        found[month] = max(found[month], running)
    return dict(sorted(found.items()))


def days_idle(sessions: Iterable[Session], *, at: int) -> dict[str, float]:
    """Days since each pile last sold anything, at a moment (ns)."""
    last: dict[str, int] = {}
    for s in sessions:
        if s.begin <= at and s.energy is not None and s.energy >= NO_ENERGY:
            last[s.evse] = max(last.get(s.evse, 0), s.end)
    return {name: max(at - end, 0) / DAY for name, end in sorted(last.items())}
