"""What shipments cost and are worth: line values checked, freight shared out, insurance held up."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from decimal import ROUND_DOWN, Decimal
from statistics import median
from typing import Final, NamedTuple

from wuxin.packs.logistics.shipments import CENT, Line, State, delay

_HALF: Final = Decimal("0.005")
_FEWEST: Final = 20
SPAN: Final = Decimal(2)
"""How many times the usual rate of insurance a line may have before it is told."""


class Gap(NamedTuple):
    """A figure that does not agree with the others of its line: row, which, said, reckoned."""

    row: int
    what: str
    said: Decimal
    reckoned: Decimal


class Resolved(NamedTuple):
    """A weight or freight once its reference is followed.

    ``state`` is that of the cell it ends at, or ``dangling`` where there is no such line, it names
    another shipment, or goes round in a circle. ``whole`` is the shipment's, ``share`` the line's,
    None where nothing is stated; ``line`` the ID of the line that states it.
    """

    state: State | str
    whole: Decimal | None
    share: Decimal | None
    line: str


class Totals(NamedTuple):
    """The sums of a table, in the currency of its columns.

    ``freight`` is what cells state, ``shared`` what was shared out over the lines: the two agree
    where every reference holds. ``unknown`` counts the lines without a freight by why.
    """

    value: Decimal
    freight: Decimal
    shared: Decimal
    insurance: Decimal
    unknown: Mapping[str, int]


class Late(NamedTuple):
    """How often and how far lines of one sort came late: lines, share late, median days late."""

    lines: int
    share: float
    days: float


def check_values(lines: Sequence[Line]) -> list[Gap]:
    """Lines whose value is not quantity × price, or whose unit price is not that of the pack.

    Prices are rounded to cents, so that a value may differ by half a cent for each pack.
    """
    found = []
    for line in lines:
        quantity, value, pack, unit, per = (
            line.numbers[n].value for n in ("quantity", "value", "pack_price", "unit_price",
                                            "per_pack")
        )  # fmt: skip
        if quantity is not None and pack is not None and value is not None:
            reckoned = quantity * pack
            if abs(reckoned - value) > quantity * _HALF + CENT:
                found.append(Gap(line.row, "value", value, reckoned))
        if pack is not None and unit is not None and per:
            reckoned = pack / per
            if abs(reckoned - unit) > _HALF + _HALF / per:
                found.append(Gap(line.row, "unit_price", unit, reckoned))
    return found


def resolve(lines: Sequence[Line], name: str) -> dict[int, Resolved]:
    """Follow the references of a column (``weight``, ``freight``) and share out what they lead to.

    A whole is shared by the lines' values over the line that states it and all that refer to it,
    to the cent, so that the shares add up to the whole; by equal parts where no line has a value.

    Returns:
        By row.
    """
    by_id = {line.texts["id"]: line for line in lines if line.texts["id"]}
    ends = {line.row: _end(line, name, by_id=by_id) for line in lines}
    groups: dict[int, list[Line]] = defaultdict(list)
    for line in lines:
        end = ends[line.row]
        if end is not None and end.numbers[name].value is not None:
            groups[end.row].append(line)
    shares: dict[int, Decimal] = {}
    rows = {line.row: line for line in lines}
    for row, members in groups.items():
        shares |= _shared(rows[row].numbers[name].value or Decimal(0), members)
    found = {}
    for line in lines:
        end = ends[line.row]
        if end is None:
            found[line.row] = Resolved("dangling", None, None, line.numbers[name].line)
            continue
        cell = end.numbers[name]
        found[line.row] = Resolved(cell.state, cell.value, shares.get(line.row), end.texts["id"])
    return found


def _end(line: Line, name: str, *, by_id: Mapping[str, Line]) -> Line | None:
    """The line that a reference ends at; None where it ends nowhere."""
    seen: set[int] = set()
    while line.numbers[name].state == "referred":
        cell = line.numbers[name]
        other = by_id.get(cell.line)
        if other is None or other.row in seen or other.texts["shipment"] != cell.shipment:
            return None
        seen.add(line.row)
        line = other
    return line


def _shared(whole: Decimal, members: Sequence[Line]) -> dict[int, Decimal]:
    values = {m.row: m.numbers["value"].value or Decimal(0) for m in members}
    total = sum(values.values(), Decimal(0))
    if total <= 0:
        values, total = dict.fromkeys(values, Decimal(1)), Decimal(len(members))
    cut = {row: (whole * v / total).quantize(CENT, ROUND_DOWN) for row, v in values.items()}
    first = max(values, key=lambda row: (values[row], -row))
    cut[first] += whole - sum(cut.values(), Decimal(0))
    return cut


def totals(lines: Sequence[Line]) -> Totals:
    """The sums of a table, with freight shared out over its lines."""
    resolved = resolve(lines, "freight")

    def stated(name: str) -> Decimal:
        return sum((line.numbers[name].value or Decimal(0) for line in lines), Decimal(0))

    unknown = Counter(str(r.state) for r in resolved.values() if r.share is None)
    shared = sum((r.share or Decimal(0) for r in resolved.values()), Decimal(0))
    return Totals(stated("value"), stated("freight"), shared, stated("insurance"), dict(unknown))


def usual_rates(lines: Sequence[Line]) -> dict[str, Decimal]:
    """The usual rate of insurance (premium over value) by year of delivery; "" is over all."""
    rates: dict[str, list[Decimal]] = defaultdict(list)
    for line in lines:
        rate, year = _rate(line), _year(line)
        if rate is not None:
            rates[""].append(rate)
            rates[year].append(rate)
    return {year: median(many) for year, many in rates.items() if len(many) >= _FEWEST or not year}


def odd_insurance(lines: Sequence[Line], usual: Mapping[str, Decimal]) -> list[Gap]:
    """Lines whose premium is less than half or more than twice what is usual for their year.

    Args:
        lines: to be judged.
        usual: :func:`usual_rates` of other lines. A line of no value is judged by its premium: it
            should have none.
    """
    found = []
    for line in lines:
        premium, value = line.numbers["insurance"].value, line.numbers["value"].value
        rate = usual.get(_year(line), usual.get(""))
        if premium is None or value is None or rate is None:
            continue
        due = value * rate
        if not due / SPAN - CENT <= premium <= due * SPAN + CENT:
            found.append(Gap(line.row, "insurance", premium, due.quantize(CENT)))
    return found


def _rate(line: Line) -> Decimal | None:
    premium, value = line.numbers["insurance"].value, line.numbers["value"].value
    return premium / value if premium is not None and value else None


def _year(line: Line) -> str:
    return line.dates["delivered"].text.strip()[-2:]


def late_by(lines: Sequence[Line], *names: str) -> dict[tuple[str, ...], Late]:
    """How late lines came, by texts such as ``country`` and ``mode``; () where none is asked for.

    Lines without both dates are left out; how many those are stands in
    :func:`wuxin.packs.logistics.shipments.states`.
    """
    days: dict[tuple[str, ...], list[float]] = defaultdict(list)
    for line in lines:
        late = delay(line)
        if late is not None:
            days[tuple(line.texts[name] for name in names)].append(late)
    return {key: _late(many) for key, many in days.items()}


def _late(days: Sequence[float]) -> Late:
    behind = [d for d in days if d > 0]
    return Late(len(days), len(behind) / len(days), median(behind) if behind else 0.0)


def late_chance(
    past: Sequence[Line], lines: Sequence[Line], *names: str, weight: float = 20.0
) -> list[float]:
    """The chance (n) that each line comes late, from past ones of the same texts.

    A sort with few lines is drawn to the rate of all: its own rate counts by its lines against
    ``weight`` (empirical Bayes with a fixed strength).
    """
    overall = late_by(past).get((), Late(0, 0.5, 0.0)).share
    sorts = late_by(past, *names)
    found = []
    for line in lines:
        own = sorts.get(tuple(line.texts[name] for name in names), Late(0, 0.0, 0.0))
        found.append((own.share * own.lines + overall * weight) / (own.lines + weight))
    return found
