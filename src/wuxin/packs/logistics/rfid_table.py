"""Tables of RFID reads as readers and their tools export them, by tag; what cannot be read is told.

Known columns (any order, any case): a time (``first_seen_timestamp``, ``timestamp``, ``time``,
``milliseconds``), ``epc`` (or ``tid``, ``tag``, ``serial``), ``antenna`` or ``antenna_port``,
``rssi`` or ``peak_rssi``, and where the reader has them ``phase_angle`` (4096ths of a turn, as LLRP
readers of Impinj report it), ``phase`` (rad) and ``channel_index``.

Source: Impinj, Octane LLRP (ImpinjRFPhaseAngle: 0 to 4095 for 0 to 2π); Impinj IoT device
interface (``peakRssiCdbm`` is not read here; ``peak_rssi`` is in dBm).
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Final, NamedTuple

import numpy as np

from wuxin.packs.logistics.rfid import Reads

_TIMES: Final = ("first_seen_timestamp", "timestamp", "time", "milliseconds")
_TAGS: Final = ("epc", "tid", "tag", "serial")
_LEVELS: Final = ("rssi", "peak_rssi")
_ANTENNAS: Final = ("antenna", "antenna_port")
_BYTES: Final = re.compile(r"b['\"](.*)['\"]")
_TURN: Final = 4096
_POWERS: Final = ((1e17, 1), (1e14, 1_000), (1e11, 1_000_000), (0.0, 1_000_000_000))
"""From which number on a count of time since 1970 is in ns, µs, ms, s: all mean 1973 or later."""


class Refused(NamedTuple):
    """A cell that could not be read: row (from 1), column and its text."""

    row: int
    column: str
    text: str


class Table(NamedTuple):
    """Reads by tag, and what could not be read."""

    tags: dict[str, Reads]
    refused: tuple[Refused, ...]


def read_table(rows: Iterable[Mapping[str, str]]) -> Table:
    """Reads of RFID tags by tag, in order of time.

    Args:
        rows: of a table, with its columns' names as keys.

    Returns:
        The reads, and each row that had no time, tag or level. A phase, channel or antenna that
        is missing or no number is unknown (NaN, -1, 0) and does not cost the row.
    """
    found: dict[str, list[tuple[int, int, float, float, int]]] = defaultdict(list)
    refused = []
    for number, raw in enumerate(rows, 1):
        row = {str(k).strip().lower(): str(v).strip() for k, v in raw.items() if v is not None}
        read = _read(row)
        if isinstance(read, str):
            refused.append(Refused(number, read, row.get(read, "")))
        else:
            tag, values = read
            found[tag].append(values)
    return Table({tag: _reads(many) for tag, many in found.items()}, tuple(refused))


def _reads(many: list[tuple[int, int, float, float, int]]) -> Reads:
    t, antenna, rssi, phase, channel = zip(*sorted(many), strict=True)
    return Reads(
        np.array(t, np.int64), np.array(antenna, np.int64), np.array(rssi, np.float64),
        np.array(phase, np.float64), np.array(channel, np.int64),
    )  # fmt: skip


def _read(row: Mapping[str, str]) -> tuple[str, tuple[int, int, float, float, int]] | str:
    """A row's tag and values; the name of the column that is missing or cannot be read."""
    time, tag, level, antenna = (
        next((n for n in names if row.get(n)), names[0])
        for names in (_TIMES, _TAGS, _LEVELS, _ANTENNAS)
    )
    at, rssi = _time(row.get(time, ""), time), _number(row.get(level, ""))
    if at is None:
        return time
    if rssi is None:
        return level
    name = row.get(tag, "")
    bare = _BYTES.fullmatch(name)
    name = (bare[1] if bare else name).lower()
    if not name:
        return tag
    phase = _number(row.get("phase", ""))
    turns = _number(row.get("phase_angle", ""))
    if phase is None and turns is not None:
        phase = turns / _TURN * 2 * np.pi
    port, channel = (_number(row.get(c, "")) for c in (antenna, "channel_index"))
    return name, (at, int(port or 0), rssi, np.nan if phase is None else phase,
                  -1 if channel is None else int(channel))  # fmt: skip


def _number(text: str) -> float | None:
    try:
        found = float(text)
    except ValueError:
        return None
    return found if np.isfinite(found) else None


def _time(text: str, column: str) -> int | None:
    """A moment (ns): a count since 1970 in ns, µs, ms or s, or since the start, or a date."""
    if column == "milliseconds":
        ms = _number(text)
        return None if ms is None else round(ms * 1e6)
    count = _number(text)
    if count is None:
        try:
            at = datetime.fromisoformat(text)
        except ValueError:
            return None
        return round((at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp() * 1e6) * 1_000
    factor = next(f for least, f in _POWERS if count >= least or not least)
    whole, _, rest = text.partition(".")
    if not whole.lstrip("-").isdigit() or (rest and not rest.isdigit()):
        return round(count * factor)
    digits = len(str(factor)) - 1
    return int(whole) * factor + int((rest + "0" * digits)[:digits] or 0)
