"""One cell of a decision table: a test of one value, read once, answered the same way in SQL.

ZEN's own behaviour is kept, traps included, where it is plain (measured on zen-engine 2.1.3):

* a comparison or a range fails on a missing value, and with it the whole cell, so that
  ``> 5, null`` never meets a missing value while ``null, > 5`` does;
* ``!= 5`` and ``not in ["a"]`` are met by a missing value;
* ``and`` binds no tighter there than ``or`` and the comma (``1 or 2 and < 2`` is not met by 1),
  against what the eye expects: together they are refused;
* a cell that ZEN cannot read (``> .5``, ``-``, ``not 5``, a range of dates) is skipped there in
  silence. Here ``-`` means "any" and the rest is refused when the table is read.
"""

import re
from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Final, Literal, NamedTuple

from wuxin.terms.errors import BadInput

BEFORE, AFTER = 18, 10
"""Digits that a number may have before and after the point; ZEN's decimals hold 28 in all."""

NUMBER: Final = f"DECIMAL({BEFORE + AFTER}, {AFTER})"
ANY: Final = ("", "-")

Kind = Literal["number", "text", "truth", "date"]
Value = Decimal | str | bool | date

_TOKEN: Final = re.compile(
    r"""\s*(?:
      (?P<date>d\(\s*(?:"\d{4}-\d\d-\d\d"|'\d{4}-\d\d-\d\d')\s*\))
    | (?P<text>"[^"\\]*"|'[^'\\]*')
    | (?P<number>-?\d+(?:\.\d+)?(?![\w.]*\w))
    | (?P<number_in_range>-?\d+(?:\.\d+)?(?=\.\.))
    | (?P<word>[A-Za-z]+)
    | (?P<mark>\.\.|>=|<=|==|!=|[<>\[\]\(\),])
    )""",
    re.VERBOSE,
)


class Compare(NamedTuple):
    """A value against one literal; ``literal`` is None for the test of being missing."""

    sign: str
    literal: Value | None


class Within(NamedTuple):
    """A number within a range, ends included or not, or (``negated``) outside of it."""

    low: Decimal
    high: Decimal
    low_closed: bool
    high_closed: bool
    negated: bool


class OneOf(NamedTuple):
    """A value in a list, or (``negated``) in none of its places."""

    literals: tuple[Value, ...]
    negated: bool


class Both(NamedTuple):
    """Tests that must all be met, read from left to right."""

    parts: "tuple[Test, ...]"


class Either(NamedTuple):
    """Tests of which one must be met, read from left to right."""

    parts: "tuple[Test, ...]"


Test = Compare | Within | OneOf | Both | Either


def read(text: str) -> Test | None:
    """Read a cell; None where it is met by everything.

    Raises:
        BadInput: the cell is outside of what is compiled; the text says which part.
    """
    if text.strip() in ANY:
        return None
    reader = _Reader(text)
    test = reader.alternatives(",")
    if not reader.at_end():
        raise BadInput(f"{reader.rest()!r} is not understood")
    if {"and"} < reader.joined:
        raise BadInput('"and" cannot stand with "or" or a comma in one cell')
    kind(test)
    return test


def kind(test: Test) -> Kind | None:
    """Of what kind the values are that a test is about; None where it asks only if there is one.

    Raises:
        BadInput: it mixes kinds, or compares what has no order.
    """
    kinds = {_kind(v) for v in _literals(test)}
    if len(kinds) > 1:
        raise BadInput(f"it compares one value with {' and '.join(sorted(kinds))}")
    return kinds.pop() if kinds else None


def when_missing(test: Test) -> bool | None:
    """What ZEN answers where the value is missing; None where its comparison fails."""
    match test:
        case Compare(sign, literal):
            if sign in {"==", "!="}:
                return (literal is None) == (sign == "==")
            return None
        case Within():
            return None
        case OneOf(_, negated):
            return negated
        case Both(parts):
            return _in_order(parts, stops_at=False)
        case Either(parts):
            return _in_order(parts, stops_at=True)


def sql(test: Test, column: str) -> str:
    """The test as a condition in SQL that is never NULL, over a quoted column's name."""
    missing = "TRUE" if when_missing(test) else "FALSE"
    return f"CASE WHEN {column} IS NULL THEN {missing} ELSE {_present(test, column)} END"


def literal_sql(value: Value | None) -> str:
    """A literal as DuckDB reads it."""
    match value:
        case None:
            return "NULL"
        case bool():
            return "TRUE" if value else "FALSE"
        case str():
            return "'" + value.replace("'", "''") + "'"
        case date():
            return f"DATE '{value.isoformat()}'"
        case _:
            return f"{value:f}::{NUMBER}"


def literal(text: str) -> Value | None:
    """Read an output cell: a number, a text in quotes, true, false, null, or nothing.

    Raises:
        BadInput: it is an expression; outputs are literals.
    """
    if text.strip() in {"", "null"}:
        return None
    reader = _Reader(text)
    value = reader.value() if reader.at_value() else None
    if value is None or not reader.at_end() or isinstance(value, date):
        raise BadInput("an output is a number, a text in quotes, true, false or null")
    return value


def number(text: str) -> Decimal:
    """Read a number that both engines can hold exactly.

    Raises:
        BadInput: it has too many digits.
    """
    value = Decimal(text)
    exponent = value.as_tuple().exponent
    assert isinstance(exponent, int), "the pattern lets only finite numbers through"
    if value.adjusted() >= BEFORE or -exponent > AFTER:
        raise BadInput(f"{text} has more than {BEFORE} digits before or {AFTER} after the point")
    return value


def _in_order(parts: Sequence[Test], *, stops_at: bool) -> bool | None:
    for part in parts:
        found = when_missing(part)
        if found is None or found is stops_at:
            return found
    return not stops_at


def _present(test: Test, column: str) -> str:
    match test:
        case Compare(sign, None):
            return "FALSE" if sign == "==" else "TRUE"
        case Compare(sign, value):
            return f"{column} {'=' if sign == '==' else sign} {literal_sql(value)}"
        case Within(low, high, low_closed, high_closed, negated):
            inside = (
                f"({column} {'>=' if low_closed else '>'} {literal_sql(low)} AND "
                f"{column} {'<=' if high_closed else '<'} {literal_sql(high)})"
            )
            return f"NOT {inside}" if negated else inside
        case OneOf(values, negated):
            listed = ", ".join(map(literal_sql, values))
            return f"{column} {'NOT IN' if negated else 'IN'} ({listed})"
        case Both(parts):
            return "(" + " AND ".join(_present(p, column) for p in parts) + ")"
        case Either(parts):
            return "(" + " OR ".join(_present(p, column) for p in parts) + ")"


def _literals(test: Test) -> list[Value]:
    match test:
        case Compare(_, value):
            return [] if value is None else [value]
        case Within(low, high):
            return [low, high]
        case OneOf(values, _):
            return [*values]
        case Both(parts) | Either(parts):
            return [v for p in parts for v in _literals(p)]


def _kind(value: Value) -> Kind:
    if isinstance(value, bool):
        return "truth"
    if isinstance(value, str):
        return "text"
    return "date" if isinstance(value, date) else "number"


class _Reader:
    """Reads a cell by descent: commas, then ``or``, then ``and``, then one test."""

    def __init__(self, text: str) -> None:
        self.text = text.strip()
        self.place = 0
        self.joined: set[str] = set()

    def at_end(self) -> bool:
        return self.place >= len(self.text)

    def rest(self) -> str:
        return self.text[self.place :].strip()

    def peek(self) -> tuple[str, str]:
        """What comes next, as (sort, text); two empty texts at the end or where nothing fits."""
        found = _TOKEN.match(self.text, self.place)
        if not found or not found.lastgroup:
            return "", ""
        return found.lastgroup.removesuffix("_in_range"), found[found.lastgroup]

    def take(self, *wanted: str) -> str:
        """Take the next word or mark if it is one of these; else an empty text."""
        sort, text = self.peek()
        if sort not in {"word", "mark"} or text not in wanted:
            return ""
        self._step()
        return text

    def alternatives(self, between: str) -> Test:
        parts = [self._next(between)]
        while self.take(between):
            self.joined.add(between)
            parts.append(self._next(between))
        if len(parts) == 1:
            return parts[0]
        return Both(tuple(parts)) if between == "and" else Either(tuple(parts))

    def at_value(self) -> bool:
        sort, text = self.peek()
        return sort in {"text", "number"} or text in {"true", "false"}

    def value(self) -> Value | None:
        """The next literal (``null`` is None).

        Raises:
            BadInput: something else stands there.
        """
        sort, text = self.peek()
        if sort == "word" and text in {"true", "false", "null"}:
            self._step()
            return None if text == "null" else text == "true"
        if sort not in {"date", "text", "number"}:
            raise BadInput(f"a value is wanted where {self.rest() or 'the end'!r} stands")
        self._step()
        if sort == "number":
            return number(text)
        if sort == "text":
            return text[1:-1]
        quoted = text[2:-1].strip()[1:-1]
        try:
            return date.fromisoformat(quoted)
        except ValueError:
            raise BadInput(f"{quoted!r} is no date") from None

    def _step(self) -> None:
        found = _TOKEN.match(self.text, self.place)
        assert found, "only what was seen is taken"
        self.place = found.end()

    def _next(self, between: str) -> Test:
        match between:
            case ",":
                return self.alternatives("or")
            case "or":
                return self.alternatives("and")
            case _:
                return self._test()

    def _test(self) -> Test:
        negated = bool(self.take("not"))
        if self.take("in"):
            return self._group(negated=negated)
        if negated:
            raise BadInput('"not" stands only before "in"; elsewhere write !=')
        if sign := self.take(">=", "<=", "==", "!=", ">", "<"):
            return self._compare(sign)
        if self.peek() in {("mark", "["), ("mark", "(")}:
            return self._group(negated=False)
        return Compare("==", self.value())

    def _compare(self, sign: str) -> Compare:
        value = self.value()
        ordered = isinstance(value, Decimal) or type(value) is date
        if sign not in {"==", "!="} and not ordered:
            raise BadInput(f"{sign} compares numbers and dates only")
        return Compare(sign, value)

    def _group(self, *, negated: bool) -> Test:
        opened = self.take("[", "(")
        if not opened:
            raise BadInput('after "in" comes a range or a list in brackets')
        first = self.value()
        if self.take(".."):
            second = self.value()
            closed = self.take("]", ")")
            if type(first) is not Decimal or type(second) is not Decimal or not closed:
                raise BadInput("a range is [1..2], (1..2), [1..2) or (1..2] of two numbers")
            if first > second:
                raise BadInput(f"the range from {first} to {second} holds nothing")
            return Within(first, second, opened == "[", closed == "]", negated)
        values = [first]
        while self.take(","):
            values.append(self.value())
        if opened != "[" or not self.take("]") or None in values:
            raise BadInput('a list is ["a", "b"] or [1, 2], without null')
        return OneOf(tuple(v for v in values if v is not None), negated)
