"""Tables of shipments: texts in columns of numbers read or told, references followed, sums checked.

A cell that is no number is never dropped: it has a state that says what its text means, and what
has no meaning known here is ``strange`` and listed. Weight and freight of a shipment stand on its
first line; other lines refer to that by its ID.
"""

import csv
import io
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Final, Literal, NamedTuple

from wuxin.terms.clock import DAY, SECOND

State = Literal[
    "stated", "referred", "included", "separate", "not_captured", "not_applicable", "absent",
    "strange",
]  # fmt: skip
"""What a cell says: a value; a reference to another line; freight in the price of the goods;
captured or invoiced separately; a date nobody noted; not applicable; nothing; something else."""

CENT: Final = Decimal("0.01")

NUMBERS: Final = {
    "quantity": "Line Item Quantity", "value": "Line Item Value", "pack_price": "Pack Price",
    "unit_price": "Unit Price", "per_pack": "Unit of Measure (Per Pack)",
    "weight": "Weight (Kilograms)", "freight": "Freight Cost (USD)",
    "insurance": "Line Item Insurance (USD)",
}  # fmt: skip
"""Columns of numbers, as the table of the USAID supply chain for health names them."""

DATES: Final = {
    "quoted": "PQ First Sent to Client Date", "ordered": "PO Sent to Vendor Date",
    "scheduled": "Scheduled Delivery Date", "delivered": "Delivered to Client Date",
    "recorded": "Delivery Recorded Date",
}  # fmt: skip

TEXTS: Final = {
    "id": "ID", "shipment": "ASN/DN #", "country": "Country", "mode": "Shipment Mode",
    "terms": "Vendor INCO Term", "vendor": "Vendor",
}  # fmt: skip

_REFERENCE: Final = re.compile(r"see\s+(.+?)\s*\(ID#:\s*(\d+)\s*\)", re.IGNORECASE)
_MEANS: Final[tuple[tuple[str, State], ...]] = (
    ("included in commodity", "included"), ("separately", "separate"),
    ("not captured", "not_captured"), ("pre-pq process", "not_applicable"),
    ("n/a", "not_applicable"),
)  # fmt: skip
_FORMS: Final = ("%d-%b-%y", "%m/%d/%y", "%d-%b-%Y", "%m/%d/%Y", "%Y-%m-%d")


class Number(NamedTuple):
    """A number of a cell: its state, the value where one is stated, the line it refers to."""

    state: State
    value: Decimal | None
    text: str
    line: str = ""
    shipment: str = ""


class Date(NamedTuple):
    """A date of a cell: its state, the midnight (ns UTC) where one is stated."""

    state: State
    at: int | None
    text: str


class Line(NamedTuple):
    """One line of a shipment; numbers, dates and texts by the names of this module."""

    row: int
    texts: Mapping[str, str]
    numbers: Mapping[str, Number]
    dates: Mapping[str, Date]

    @property
    def cells(self) -> list[tuple[str, State, str]]:
        """Every cell of a column of numbers or dates: its name, state and text."""
        return [
            *((name, cell.state, cell.text) for name, cell in self.numbers.items()),
            *((name, cell.state, cell.text) for name, cell in self.dates.items()),
        ]


def read_rows(data: bytes) -> list[dict[str, str]]:
    """The rows of a table in text, whatever parts its cells (tab, comma, semicolon) and lines.

    UTF-8 with or without a mark, else Windows-1252. A cell that lacks at the end is empty.
    """
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = data.decode("cp1252", "replace")
    head = re.split(r"[\r\n]", text, maxsplit=1)[0]
    delimiter = max("\t,;", key=head.count)
    rows = csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter, restval="")
    return [{str(k).strip(): v for k, v in row.items() if isinstance(v, str)} for row in rows]


def read_number(text: str) -> Number:
    """What a cell of a column of numbers says."""
    bare = text.strip()
    if not bare:
        return Number("absent", None, text)
    try:
        value = Decimal(bare.replace(",", "").removeprefix("$"))
    except InvalidOperation:
        referred = _REFERENCE.search(bare)
        if referred:
            return Number("referred", None, text, referred[2], referred[1])
        return Number(_meaning(bare), None, text)
    return Number("stated", value, text) if value.is_finite() else Number("strange", None, text)


def read_date(text: str) -> Date:
    """What a cell of a column of dates says; years of two digits are of 1969 to 2068."""
    bare = text.strip()
    if not bare:
        return Date("absent", None, text)
    for form in _FORMS:
        try:
            at = datetime.strptime(bare, form).replace(tzinfo=UTC)
        except ValueError:
            continue
        return Date("stated", int(at.timestamp()) * SECOND, text)
    return Date(_meaning(bare), None, text)


def read_lines(rows: Iterable[Mapping[str, str]]) -> list[Line]:
    """The lines of a table; a column that is not there is absent in every line."""
    return [
        Line(
            row,
            {name: cells.get(column, "").strip() for name, column in TEXTS.items()},
            {name: read_number(cells.get(column, "")) for name, column in NUMBERS.items()},
            {name: read_date(cells.get(column, "")) for name, column in DATES.items()},
        )
        for row, cells in enumerate(rows, 1)
    ]


def states(lines: Sequence[Line]) -> dict[str, Counter[State]]:
    """How many cells of each column of numbers and dates say what: they add up to the lines."""
    found: dict[str, Counter[State]] = defaultdict(Counter)
    for line in lines:
        for name, state, _ in line.cells:
            found[name][state] += 1
    return dict(found)


def listed(lines: Sequence[Line]) -> list[tuple[int, str, State, str]]:
    """Every cell of a column of numbers or dates that is none: row, column, state, text."""
    return [
        (line.row, name, state, text)
        for line in lines
        for name, state, text in line.cells
        if state != "stated"
    ]


def _meaning(text: str) -> State:
    low = text.lower()
    return next((state for part, state in _MEANS if part in low), "strange")


def delay(line: Line) -> float | None:
    """By how many days a line came later than scheduled (below 0: earlier); None: not known."""
    due, came = line.dates["scheduled"].at, line.dates["delivered"].at
    return None if due is None or came is None else (came - due) / DAY
