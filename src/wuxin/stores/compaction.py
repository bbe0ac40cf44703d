"""Compaction: flushed files become files of whole hours, sorted by thing, and states between them.

Every step writes new files, then replaces the manifest, then removes the old files. A crash leaves
the manifest of before or after, and files that it does not name, which the next step removes.

Hours with few rows share a file: a span is cut where it holds enough. Rows that come late for a
span go to another file of it, and these are merged when they are many. The state at a span's
beginning is the latest value of every series before it.

Full spans that follow one another are merged into wider ones, so that one thing's readings of a day
stand in few places. The blocks stay as they are: states of fleets are read from those.
"""

from collections.abc import Container, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
import pyarrow as pa
from msgspec.structs import replace
from numpy.typing import NDArray

from wuxin.stores import columns, latest, merging
from wuxin.stores.manifest import Block, DataFile, Latest, Manifest, Span
from wuxin.terms.clock import HOUR, MINUTE


class Sizes(NamedTuple):
    """How much is put together.

    Rows after which a span ends, and after which a block does; the most rows in memory; one over
    the share of late rows at which a span is merged, and how many files of late rows it may have;
    the most rows of a span that is put together of others.
    """

    span: int = 2_000_000
    block: int = 1_300_000
    memory: int = 8_000_000
    late: int = 8
    files: int = 4
    wide: int = 128_000_000


SIZES: Final = Sizes()
_SLOT: Final = 5 * MINUTE
_TOGETHER: Final = 4
"""How many spans become one: to read one thing takes about 0.7 ms for each file."""
_ALIKE: Final = 3
"""Spans are alike where none has so many times the rows of another."""
_STATES: Final = 96
"""The most states made anew in one compaction, the newest first; bounds its time."""


def compact(
    folder: Path, known: Manifest, *, series: int, sizes: Sizes = SIZES
) -> Iterator[Manifest]:
    """Merge the flushed files into spans of hours, step by step.

    Args:
        folder: where the files are.
        known: the manifest to begin with.
        series: how many series have numbers.
        sizes: how much is put together.

    Yields:
        The manifest after each step. The caller makes it durable, which is the step's commit.
    """
    while known.fresh:
        taken = _some(known.fresh, sizes.memory // 2)
        known = _bring_in(folder, known, taken=taken, sizes=sizes)
        yield known
    while narrow := _narrow(known.spans, wide=sizes.wide):
        known = _widened(folder, known, narrow=narrow, most=sizes.memory // 2)
        yield known
    for before in _due(known, sizes):
        known = _keep_latest(folder, known, before=before, series=series)
        yield known
    known = _tidied(known)
    yield known


def stored(
    folder: Path, name: str, *, table: pa.Table, parts: Sequence[tuple[int, pa.Table]] = ()
) -> DataFile:
    """Write rows in order into a file, and their blocks into files of their own; describe them.

    Args:
        folder: where to.
        name: the file's name.
        table: readings or refusals.
        parts: the beginning (ns) and the rows of each block; one of all rows if none are told.
    """
    columns.write(folder / name, [table], schema=table.schema)
    blocks = [
        _block(folder, f"block-{number}-{name}", low=low, table=some)
        for number, (low, some) in enumerate(parts or [(0, table)])
    ]
    return DataFile(name, tuple(blocks))


def _block(folder: Path, name: str, *, low: int, table: pa.Table) -> Block:
    """Write a block of readings into a file; refusals have none."""
    batch = _bounds(table, "batch")
    if "series" not in table.schema.names:
        return Block(low, table.num_rows, "", 0, 0, *batch)
    state = table.select(columns.STATE.names)
    columns.write(folder / name, [state], schema=columns.STATE)
    return Block(low, table.num_rows, name, *_bounds(table, "event_time"), *batch)


def _bounds(table: pa.Table, name: str) -> tuple[int, int]:
    found = columns.numbers(table, name)
    return int(found.min()), int(found.max())


def _some(files: Sequence[DataFile], most: int) -> list[DataFile]:
    """The first files, as many as fit, and one at least."""
    taken, rows = list(files[:1]), files[0].rows
    for file in files[1:]:
        rows += file.rows
        if rows > most:
            break
        taken.append(file)
    return taken


def _bring_in(
    folder: Path, known: Manifest, *, taken: Sequence[DataFile], sizes: Sizes
) -> Manifest:
    """Bring the rows of some flushed files into the spans of their hours."""
    rows = columns.whole(pa.concat_tables(columns.read(folder / f.name) for f in taken))
    hours = columns.numbers(rows, "event_time") // HOUR
    spans, serial = _placed(known.spans, hours, enough=sizes.span), known.serial
    place = np.searchsorted(np.array([s.low for s in spans]), hours, side="right") - 1
    found: list[Span] = []
    for number, span in enumerate(spans):
        picked = np.flatnonzero(place == number)
        if len(picked):
            made = _merged(
                folder, span, rows=rows.take(pa.array(picked)), serial=serial, sizes=sizes
            )
            found += made
            serial += sum(len(s.files) for s in made)
        else:
            found.append(span)
    fresh = tuple(f for f in known.fresh if f not in taken)
    return replace(known, fresh=fresh, spans=tuple(found), serial=serial)


def _placed(spans: Sequence[Span], hours: NDArray[np.int64], *, enough: int) -> list[Span]:
    """The spans with those added, or lengthened, that new hours need; in order, none overlapping.

    A full span ends with its last hour; what comes after it begins a new one.
    """
    found = list(spans)
    numbers, counts = np.unique(hours, return_counts=True)
    coming: dict[int, int] = {}
    for hour, count in zip(numbers.tolist(), counts.tolist(), strict=True):
        at = _before(found, hour)
        span = found[at] if at >= 0 else None
        rows = span.rows + coming.get(span.low, 0) if span else 0
        if span is None or (hour >= span.high and rows >= enough):
            span = Span(hour, hour + 1, ())
            found.insert(at + 1, span)
        elif hour >= span.high:
            span = found[at] = replace(span, high=hour + 1)
        coming[span.low] = coming.get(span.low, 0) + count
    return found


def _before(spans: Sequence[Span], hour: int) -> int:
    """The place of the last span that begins at this hour or earlier, or -1."""
    return int(np.searchsorted(np.array([s.low for s in spans], np.int64), hour, side="right")) - 1


def _merged(folder: Path, span: Span, *, rows: pa.Table, serial: int, sizes: Sizes) -> list[Span]:
    """A span with more rows: in a file more, or merged with as many of its files as fit memory."""
    late = sum(f.rows for f in span.files[1:]) + rows.num_rows
    merge: list[DataFile] = []
    if span.files and (late * sizes.late >= span.files[0].rows or len(span.files) > sizes.files):
        size = rows.num_rows
        for file in reversed(span.files):
            size += file.rows
            if size > sizes.memory:
                break
            merge.insert(0, file)
    left = span.files[: len(span.files) - len(merge)]
    parts = [columns.read(folder / f.name) for f in merge]
    table = columns.in_order(pa.concat_tables([*parts, rows]))
    del parts, rows
    if left:
        file = stored(folder, _name(span, serial), table=table, parts=[(span.low * HOUR, table)])
        return [replace(span, files=(*left, file))]
    cuts = {block.low for file in merge for block in file.blocks}
    found = []
    for number, (low, high, part) in enumerate(_cut(span, table, enough=sizes.span)):
        own = Span(low, high, ())
        parts = blocks(own, part, cuts=cuts, enough=sizes.block)
        file = stored(folder, _name(own, serial + number), table=part, parts=parts)
        found.append(replace(own, files=(file,)))
    return found


def _name(span: Span, serial: int) -> str:
    return f"hour-{span.low}-{span.high}-{serial:08d}.parquet"


def _narrow(spans: Sequence[Span], *, wide: int) -> list[Span]:
    """The first spans in a row that are alike in size; the last of all may still grow.

    So a row is written anew once for each time that its span becomes some times larger.
    """
    for at in range(len(spans) - _TOGETHER):
        run = list(spans[at : at + _TOGETHER])
        rows = [s.rows for s in run]
        if max(rows) < _ALIKE * min(rows) and sum(rows) <= wide:
            return run
    return []


def _widened(
    folder: Path, known: Manifest, *, narrow: Sequence[Span], most: int
) -> Manifest:  # fmt: skip
    """Put spans together: their rows in one file, a share of the series at a time."""
    span = Span(narrow[0].low, narrow[-1].high, ())
    name = _name(span, known.serial)
    files = [f for s in narrow for f in s.files]
    rows = merging.by_series([folder / f.name for f in files], most=most)
    columns.write(folder / name, rows, schema=columns.STORED)
    parts = sorted((b for f in files for b in f.blocks), key=lambda b: b.low)
    span = replace(span, files=(DataFile(name, tuple(parts)),))
    at = known.spans.index(narrow[0])
    spans = (*known.spans[:at], span, *known.spans[at + len(narrow) :])
    return replace(known, spans=spans, serial=known.serial + 1)


def blocks(
    span: Span, table: pa.Table, *, cuts: Container[int] = (), enough: int
) -> list[tuple[int, pa.Table]]:
    """Cut rows into blocks of time, where a block has enough, or half and was cut there before.

    Args:
        span: the hours of the rows.
        table: the rows, in order.
        cuts: beginnings of blocks (ns) that were there before.
        enough: rows of a block.

    Returns:
        The beginning of each block (ns) and its rows, with the columns of a state.
    """
    table = table.select(columns.STATE.names)
    if table.num_rows <= enough:
        return [(span.low * HOUR, table)]
    slots = columns.numbers(table, "event_time") // _SLOT
    numbers, counts = np.unique(slots, return_counts=True)
    lows, filled = [span.low * (HOUR // _SLOT)], 0
    for slot, count in zip(numbers.tolist(), counts.tolist(), strict=True):
        if filled >= enough or (filled >= enough // 2 and slot * _SLOT in cuts):
            lows.append(slot)
            filled = 0
        filled += count
    place = np.searchsorted(np.array(lows), slots, side="right") - 1
    return [
        (low * _SLOT, table.filter(pa.array(place == number))) for number, low in enumerate(lows)
    ]


def _cut(span: Span, table: pa.Table, *, enough: int) -> Iterable[tuple[int, int, pa.Table]]:
    """Cut a span that has grown to twice its size where its hours are full."""
    if table.num_rows < 2 * enough or span.high - span.low == 1:
        return [(span.low, span.high, table)]
    hours = columns.numbers(table, "event_time") // HOUR
    numbers, counts = np.unique(hours, return_counts=True)
    filled, lows = enough, list[int]()
    for hour, count in zip(numbers.tolist(), counts.tolist(), strict=True):
        if filled >= enough:
            lows.append(hour)
            filled = 0
        filled += count
    lows[0] = span.low
    ends = [*lows[1:], span.high]
    picked = ((hours >= low) & (hours < high) for low, high in zip(lows, ends, strict=True))
    return [
        (low, high, table.filter(pa.array(mask)))
        for low, high, mask in zip(lows, ends, picked, strict=True)
    ]


def _due(known: Manifest, sizes: Sizes) -> list[int]:
    """The boundaries (ns) whose state is missing or has become old, in order of time."""
    due = []
    for before in _boundaries(known):
        asked = latest.Moment(before - 1, known.durable)
        found = latest.plan(known, asked, exact=before)
        if found.state is None or found.rows > sizes.block // 2:
            due.append(before)
    return due[-_STATES:]


def _boundaries(known: Manifest) -> list[int]:
    """Where blocks begin that have so much before them that a state is worth its place."""
    blocks = [b for s in known.spans for b in s.files[0].blocks]
    series = max((s.rows for s in known.latest), default=0)
    found, rows = list[int](), 0
    for block in blocks:
        if rows and rows >= series:
            found.append(block.low)
            rows = 0
        rows += block.rows
    return found


def _keep_latest(folder: Path, known: Manifest, *, before: int, series: int) -> Manifest:
    """Write the state at a boundary, as known now; the first one made of it stays beside it."""
    asked = latest.Moment(before - 1, known.durable)
    fleet = latest.collect(folder, latest.plan(known, asked), asked=asked, size=series)
    table = latest.state_of(fleet)
    name = f"latest-{before // _SLOT}-{known.durable:012d}-{known.serial:08d}.parquet"
    columns.write(folder / name, [table], schema=columns.STATE)
    made = Latest(name, table.num_rows, before, known.durable)
    others = [s for s in known.latest if s.before != before]
    kept = (*others, *latest.earliest(known.latest, before)[:1], made)
    return replace(known, latest=kept, serial=known.serial + 1)


def _tidied(known: Manifest) -> Manifest:
    """Without states at what is no longer the beginning of a block."""
    lows = {b.low for s in known.spans for b in s.files[0].blocks}
    return replace(known, latest=tuple(s for s in known.latest if s.before in lows))


def cut_after(folder: Path, known: Manifest, *, batch: int) -> Manifest:
    """The manifest without any row of a later batch; the caller makes it durable."""
    serial = known.serial

    def rest(files: Iterable[DataFile]) -> Iterator[DataFile]:
        nonlocal serial
        for file in files:
            if file.last <= batch:
                yield file
            elif file.first <= batch:
                serial += 1
                stem = file.name.removesuffix(".parquet").rpartition("-")[0]
                yield _until(folder, file, name=f"{stem}-{serial:08d}.parquet", batch=batch)

    spans = (replace(s, files=tuple(rest(s.files))) for s in known.spans)
    return Manifest(
        durable=min(known.durable, batch),
        fresh=tuple(rest(known.fresh)),
        refused=tuple(rest(known.refused)),
        spans=tuple(s for s in spans if s.files),
        latest=tuple(s for s in known.latest if s.known <= batch),
        serial=serial + 1,
        keys=known.keys,
    )


def _until(folder: Path, file: DataFile, *, name: str, batch: int) -> DataFile:
    """A file and its blocks without the rows of later batches."""

    def known(table: pa.Table) -> pa.Table:
        return table.filter(pa.array(columns.numbers(table, "batch") <= batch)).combine_chunks()

    if not file.blocks[0].file:
        return stored(folder, name, table=known(columns.read(folder / file.name)))
    rows = merging.by_series([folder / file.name], most=SIZES.memory // 2)
    columns.write(folder / name, map(known, rows), schema=columns.STORED)
    blocks = []
    for number, block in enumerate(file.blocks):
        if block.last <= batch:
            blocks.append(block)
        elif block.first <= batch:
            table = known(columns.read(folder / block.file))
            made = _block(folder, f"block-{number}-{name}", low=block.low, table=table)
            blocks.append(made)
    return DataFile(name, tuple(blocks))
