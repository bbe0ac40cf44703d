"""Compaction: flushed files become files of whole hours, sorted by thing, and states between them.

Every step writes new files, then replaces the manifest, then removes the old files. A crash leaves
the manifest of before or after, and files that it does not name, which the next step removes.

Hours with few rows share a file: a span is cut where it holds enough. Rows that come late for a
span go to another file of it, and these are merged when they are many. The state at a span's
beginning is the latest value of every series before it.
"""

from collections.abc import Container, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
import pyarrow as pa
from msgspec.structs import replace
from numpy.typing import NDArray

from wuxin.stores import columns, latest
from wuxin.stores.manifest import Block, DataFile, Latest, Manifest, Span
from wuxin.terms.clock import HOUR, MINUTE


class Sizes(NamedTuple):
    """How much is put together.

    Rows after which a span ends, and after which a block does; the most rows in memory; one over
    the share of late rows at which a span is merged, and how many files of late rows it may have.
    """

    span: int = 2_000_000
    block: int = 1_300_000
    memory: int = 8_000_000
    late: int = 8
    files: int = 4


SIZES: Final = Sizes()
_SLOT: Final = 5 * MINUTE
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
    for before in _due(known, sizes):
        known = _keep_latest(folder, known, before=before, series=series)
        yield known
    known = _tidied(known)
    yield known


def stored(folder: Path, name: str, *, parts: Sequence[tuple[int, pa.Table]]) -> DataFile:
    """Write blocks, each with its beginning (ns) and its rows in order, and describe the file."""
    groups = columns.write(folder / name, [table for _, table in parts])
    blocks = []
    for (low, table), count in zip(parts, groups, strict=True):
        batch, time = _bounds(table, "batch"), (0, 0)
        if "event_time" in table.schema.names:
            time = _bounds(table, "event_time")
        blocks.append(Block(low, table.num_rows, count, *time, *batch))
    return DataFile(name, tuple(blocks))


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
        return [_with(folder, span, parts=[(span.low * HOUR, table)], serial=serial, left=left)]
    cuts = {block.low for file in merge for block in file.blocks}
    found = []
    for number, (low, high, part) in enumerate(_cut(span, table, enough=sizes.span)):
        own = Span(low, high, ())
        parts = blocks(own, part, cuts=cuts, enough=sizes.block)
        found.append(_with(folder, own, parts=parts, serial=serial + number))
    return found


def _with(
    folder: Path, span: Span, *,
    parts: Sequence[tuple[int, pa.Table]], serial: int, left: Sequence[DataFile] = (),
) -> Span:  # fmt: skip
    name = f"hour-{span.low}-{span.high}-{serial:08d}.parquet"
    return replace(span, files=(*left, stored(folder, name, parts=parts)))


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
        The beginning of each block (ns) and its rows.
    """
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
    columns.write(folder / name, [table])
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
                parts = _until(folder, file, batch=batch)
                yield stored(folder, f"{stem}-{serial:08d}.parquet", parts=parts)

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


def _until(folder: Path, file: DataFile, *, batch: int) -> list[tuple[int, pa.Table]]:
    """The blocks of a file without the rows of later batches."""
    found, begin = [], 0
    for block in file.blocks:
        groups, begin = range(begin, begin + block.groups), begin + block.groups
        if block.first <= batch:
            table = columns.read(folder / file.name, groups=groups)
            table = table.filter(pa.array(columns.numbers(table, "batch") <= batch))
            found.append((block.low, table.combine_chunks()))
    return found
