"""What must be true of a home whatever happened to it, worked out from its journal alone.

The journal is read in other cuts into a flow that nothing ever happened to, and its messages are
followed one by one in plain Python: who sent them, whether they were there before, and where they
have to stand in history.
"""

import json
import random
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from tests.field import WINDOW, Key
from wuxin import frozen
from wuxin.evidence.leaf import Sealer
from wuxin.flow import AHEAD, EARLIEST, Flow
from wuxin.home import Home
from wuxin.packs import schema
from wuxin.slices import run_slice
from wuxin.stores import schema as tables
from wuxin.stores.journal import Arrived, Entry
from wuxin.terms.clock import moment
from wuxin.terms.records import Quality
from wuxin.wire.packed import message

RUNS: Final = 3
"""How many runs of a device a house remembers."""

REPORTED: Final = ("net_weight", "authorised_weight", "latitude", "longitude", "price")
_FIELDS: Final = "first, indicator, event_time, value, quality"
_READINGS: Final = f"SELECT {_FIELDS} FROM readings WHERE indicator IN {REPORTED}"  # noqa: S608


@dataclass
class Arrival:
    """One message in the journal: where it stands, when it came, and whose it is, if readable."""

    ref: int
    arrival: int
    key: Key | None
    time: int = 0
    wanted: Sequence[tuple[str, int, float]] = ()
    repeated: bool = False
    remembered: bool = True

    @property
    def is_plausible(self) -> bool:
        """Whether it may be believed that it was measured then."""
        return EARLIEST <= self.time <= self.arrival + AHEAD


@dataclass
class Truth:
    """A flow that nothing happened to, and every message that it was told of.

    Args:
        sealer: that of the home.
        sent: what the devices have sent, by name; others add to it meanwhile.
        tenant: whose home.
    """

    sealer: Sealer
    sent: Mapping[str, Mapping[Key, bytes]]
    tenant: Any
    last: int = 0
    leaves: list[bytes] = field(default_factory=list)
    records: int = 0
    messages: list[Arrival] = field(default_factory=list)
    forgotten: int = 0

    def __post_init__(self) -> None:
        self.flow = Flow(self.tenant, schema.load)
        self._frames = 0
        self._seen: set[Key] = set()
        self._runs: dict[str, dict[str, list[int]]] = {}

    def follow(self, home: Home, dice: random.Random) -> None:
        """Read on in the journal, in cuts of its own."""
        entries = list(home.journal.read(self.last))
        while entries:
            cut = dice.randrange(1, 9)
            piece, entries = entries[:cut], entries[cut:]
            for one in run_slice(self.flow, piece, sealer=self.sealer).prepared:
                self.leaves += [data for _, _, _, data in one.sealed]
                self.records += len(one.records)
            for number, _, said in piece:
                self._take(said)
                self.last = number

    def faults(self, home: Home, acknowledged: Collection[Key]) -> Iterator[str]:
        """What is not as it must be, in words."""
        there = {m.key for m in self.messages}
        for key in acknowledged:
            if key not in there:
                yield f"{key} was acknowledged and is not in the journal"
        for m in self.messages:
            if m.key and m.key not in self.sent.get(m.key[0], {}):
                yield f"{m.key} is in the journal and no device has sent it"
        known = home.book.known(home.tenant)
        if (known.batch, known.log_size) != (self.last, len(self.leaves)):
            yield f"the book knows {known}, the journal has {self.last} entries"
        if list(home.log.entries(0, home.log.size)) != self.leaves:
            yield "the log has other leaves than the journal gives"
        published = home.log.published()
        if self.leaves and (published is None or published.root != known.log_root):
            yield "the checkpoint is not that of the book"
        kinds = ("finding", "cleared", "act")
        kept = [r for k in kinds for r in home.book.rows(tables.receipt, home.tenant, kind=k)]
        if len(kept) != self.records:
            yield f"the book has {len(kept)} records and the journal gives {self.records}"
        if frozen.digest(home.flow) != frozen.digest(self.flow):
            yield "the state is not that of the journal"
        yield from self._history(home)

    def _take(self, said: Entry) -> None:
        for frame in said.frames if isinstance(said, Arrived) else ():
            for number in range(len(frame.lines) // 4):
                found = self._read(message(frame, number))
                one = Arrival(self._frames << 32 | number, said.arrival, *found)
                self.messages.append(one)
                if one.key and one.is_plausible:
                    one.remembered = self._remember(one)
                    one.repeated = one.key in self._seen
                    self._seen.add(one.key)
            self._frames += 1

    def _read(self, payload: bytes) -> tuple[Key | None, int, Sequence[tuple[str, int, float]]]:
        """Whose message it is, of when, and its readings in SI; None where nobody can read it."""
        if not payload.isascii():
            return None, 0, ()
        said = json.loads(payload)
        key, time = (said["device"], said["boot"], said["seq"]), moment(said["time"])
        if self.sent.get(key[0], {}).get(key) != payload:
            key = ("nobody", *key[1:])
        inside = {
            name: float(v) if isinstance(v, float | int) else 1000.0 * v["value"]
            for name, v in said["readings"].items()
        }
        return key, time, sorted((name, time, v) for name, v in inside.items())

    def _remember(self, one: Arrival) -> bool:
        """Whether the house must know this for a repeat: a late run, not too far behind."""
        assert one.key
        device, boot, seq = one.key
        runs = self._runs.setdefault(device, {})
        heard = runs.pop(boot, [])
        runs[boot] = [*heard, seq]
        for old in [*runs][:-RUNS]:
            del runs[old]
        return seq in heard and seq > max(heard) - WINDOW

    def _history(self, home: Home) -> Iterator[str]:
        rows: dict[int, list[tuple[str, int, float, int]]] = {}
        found = home.history.query(_READINGS).to_pydict()
        for ref, name, *figures in zip(*found.values(), strict=True):
            rows.setdefault(ref, []).append((name, *figures))
        self.forgotten = 0
        for m in self.messages:
            have = sorted(rows.pop(m.ref, []))
            if [row[:3] for row in have] != [*m.wanted]:
                yield f"{m.key} stands in history as {have} and was {m.wanted}"
            marks = {bool(row[3] & Quality.DUPLICATE) for row in have}
            if m.key and not m.repeated and marks != {False}:
                yield f"{m.key} came once and is marked as a repeat"
            if m.repeated and marks != {True}:
                self.forgotten += 1
                if m.remembered:
                    yield f"{m.key} came again and is not marked as a repeat"
        if rows:
            yield f"history has readings of {len(rows)} messages that are not in the journal"
        spoilt = sum(m.key is None for m in self.messages)
        query = "SELECT count(*) AS n FROM refused WHERE source = 'field'"
        if (refused := home.history.query(query).to_pydict()["n"][0]) != spoilt:
            yield f"{refused} messages were refused and {spoilt} were spoilt"


def told(home: Home) -> dict[str, Any]:
    """Everything that must not depend on cuts, lanes and crashes, part by part."""
    book, tenant = home.book, home.tenant
    parts: dict[str, Any] = {
        "findings": [dict(row) for row in book.findings(tenant)],
        "acts": [dict(row) for row in book.acts(tenant)],
        "state": frozen.digest(home.flow),
        "log": [home.log.size, home.log.head.root.hex(), home.log.checkpoint()],
    }
    for table in (tables.batch, tables.frame, tables.thing, tables.facility, tables.receipt):
        rows = [dict(row) for row in book.rows(table, tenant)]
        for row in rows:
            row.pop("log_root", None)  # stands where a commit ended
        parts[f"rows of {table.name}"] = rows
    for name in ("readings", "refused"):
        query = f"SELECT * FROM {name} ORDER BY ALL"  # noqa: S608 - two fixed names
        parts[f"history of {name}"] = home.history.query(query).to_pydict()
    return parts
