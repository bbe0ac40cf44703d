"""Adopts a recording: indicators by name or alias, units to SI, facts, and how often things report.

The result is the mapping that the journal keeps, so that bytes can be understood again without the
manifest and its files.
"""

from collections.abc import Mapping
from typing import Any, Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from wuxin.protocols.table import Mapped, decode, row_times
from wuxin.terms.errors import BadInput
from wuxin.terms.names import thing_key
from wuxin.terms.records import Frame
from wuxin.terms.standards import Indicator, Kind, Pack
from wuxin.terms.units import checked, conversion
from wuxin.wire.recording import Place, Recording, Stream

_SAMPLE_ROWS: Final = 20_000


def adopt(recording: Recording, pack: Pack) -> dict[str, Any]:
    """The manifest with every name and unit resolved, as plain values for the journal.

    Raises:
        BadInput: an indicator, unit, kind or fact is not declared; names file, line and column.
    """
    place = recording.place
    streams: list[Any] = []
    periods: dict[str, int] = {}
    for stream in recording.streams:
        mapped = _stream(stream, pack, place=place)
        streams.append(msgspec.to_builtins(mapped))
        found = _period(stream, mapped, place=place)
        kind = mapped.thing.kind
        periods[kind] = min(found, periods.get(kind, found)) if found else periods.get(kind, 0)
    things = [_thing(table, pack, place=place) for table in recording.manifest["things"]]
    return {**recording.manifest, "streams": streams, "things": things, "period": periods}


def mapped(table: Mapping[str, Any]) -> Mapped:
    """A stream's mapping as the decoder takes it, from its journalled form."""
    return msgspec.convert(table, Mapped)


def named(name: str, pack: Pack) -> Indicator | None:
    """The indicator of that name or alias (letters' case does not matter), if there is one."""
    if name in pack.indicators:
        return pack.indicators[name]
    for indicator in pack.indicators.values():
        if name.casefold() in {a.casefold() for a in (indicator.name, *indicator.aliases)}:
            return indicator
    return None


def _stream(stream: Stream, pack: Pack, *, place: Place) -> Mapped:
    table = stream.mapping
    kind = table["thing"]["kind"]
    above: Mapping[str, Any] | None = table["thing"]
    while above is not None:
        if above["kind"] not in pack.kinds:
            raise BadInput(
                f"{place.of(above['kind'], table['file'])}: kind {above['kind']!r} is not declared "
                f"by pack {pack.name}; declared: {', '.join(pack.kinds)}"
            )
        parent = above.get("parent")
        if parent is not None and parent["kind"] in pack.kinds:
            where = place.of(above["kind"], table["file"])
            _check_within(pack.kinds[above["kind"]], parent["kind"], where=where)
        above = parent
    values = []
    for name, reading in table["readings"].items():
        column = reading["column"]
        where = f"{place.of(name, table['file'])}: {table['file']} column {column!r}"
        indicator = named(name, pack)
        if indicator is None or indicator.derived:
            known = sorted(n for n, i in pack.indicators.items() if not i.derived)
            raise BadInput(
                f"{where}: unknown indicator {name!r}; pack {pack.name} has {', '.join(known)}"
            )
        if not {kind, "*"} & set(indicator.of):
            raise BadInput(
                f"{where}: indicator {indicator.name!r} belongs to {', '.join(indicator.of)}, "
                f"not to {kind}"
            )
        try:
            unit = checked(reading["unit"])
            rule = conversion(indicator.unit if indicator.quoted else unit, indicator.unit)
        except BadInput as wrong:
            raise BadInput(f"{where}: {wrong} (indicator {indicator.name})") from None
        values.append(
            {
                "indicator": indicator.name,
                "column": column,
                "factor": rule.factor,
                "offset": rule.offset,
            }
        )
    try:
        return msgspec.convert({**table, "readings": values}, Mapped)
    except msgspec.ValidationError as wrong:
        raise BadInput(f"{place.of(table['file'])}: {wrong}") from None


def _thing(table: Mapping[str, Any], pack: Pack, *, place: Place) -> dict[str, Any]:
    """A registered thing with its facts in SI: numbers, or ``{ value, unit }``."""
    if not {"kind", "id"} <= set(table):
        raise BadInput(f"{place.of('[[thing]]')}: a thing needs kind and id")
    kind = pack.kinds.get(table["kind"])
    if kind is None:
        raise BadInput(f"{place.of(table['kind'])}: kind {table['kind']!r} is not declared")
    facts = {}
    for name, given in table.get("facts", {}).items():
        where = place.of(name)
        fact = kind.facts.get(name)
        if fact is None:
            raise BadInput(f"{where}: {kind.name} has no fact {name!r}; it has {list(kind.facts)}")
        value, unit = (given["value"], given["unit"]) if isinstance(given, dict) else (
            given, fact.show)  # fmt: skip
        try:
            rule = conversion(unit, fact.unit)
        except BadInput as wrong:
            raise BadInput(f"{where}: {wrong}") from None
        facts[name] = float(value) * rule.factor + rule.offset
    parent = table.get("parent", "")
    if parent:
        above = thing_key(parent)
        if above.kind not in pack.kinds or above == (kind.name, str(table["id"])):
            raise BadInput(f"{place.of(parent)}: {parent!r} is no thing it may stand within")
        _check_within(kind, above.kind, where=place.of(parent))
    return {"kind": kind.name, "id": str(table["id"]), "parent": parent, "facts": facts}


def _check_within(kind: Kind, parent: str, *, where: str) -> None:
    if kind.within and parent not in kind.within:
        raise BadInput(
            f"{where}: a {kind.name} stands within {', '.join(kind.within)}, not {parent}"
        )


def _period(stream: Stream, mapped: Mapped, *, place: Place) -> int:
    """How often one thing of the stream reports (ns): the median step in its first rows.

    Raises:
        BadInput: not one of these rows can be dated, so the mapping cannot be meant.
    """
    rows = stream.rows[:_SAMPLE_ROWS]
    lines = (np.arange(len(rows)) + stream.first_line).astype("<i4").tobytes()
    readings, refused = decode(mapped, Frame("", 0, b"".join(rows), lines))
    undated = [r for r in refused if r.column == mapped.time.column]
    if rows and len(undated) == len(rows):
        one = undated[0]
        raise BadInput(
            f"{place.of(one.column, mapped.file)}: {mapped.file} line {one.line} column "
            f"{one.column!r}: {one.text!r} is {one.reason}, and so are all rows after it"
        )
    order = np.lexsort((readings.event_time, readings.thing))
    thing, t = readings.thing[order], readings.event_time[order]
    steps = np.diff(t)[(np.diff(thing) == 0) & (np.diff(t) > 0)]
    return int(np.median(steps)) if len(steps) else 0


def times(stream: Stream) -> NDArray[np.int64]:
    """Event times of a stream's rows (n), for :meth:`wuxin.wire.recording.Recording.batches`."""
    bare = msgspec.convert({**stream.mapping, "readings": []}, Mapped)
    lines = (np.arange(len(stream.rows)) + stream.first_line).astype("<i4").tobytes()
    return row_times(bare, Frame("", 0, b"".join(stream.rows), lines))
