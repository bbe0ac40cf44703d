"""The four standards that every pack declares (mission C1 to C4), as records.

Packs write them as TOML, BPMN and Python (``packs/schema.py`` reads them); rooms see only these.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import tzinfo
from decimal import Decimal
from math import inf
from typing import Any, Final, Literal, Protocol

import msgspec
import numpy as np
from numpy.typing import NDArray

from wuxin.terms.clock import MINUTE
from wuxin.terms.errors import BadInput
from wuxin.terms.money import Money
from wuxin.terms.names import Digest, ThingKey
from wuxin.terms.records import Cause, Level, Measured, Words


class Fact(msgspec.Struct, frozen=True):
    """Something fixed about a thing that is registered, not measured (rated power, latitude)."""

    unit: str
    show: str
    words: Words


class Kind(msgspec.Struct, frozen=True):
    """A kind of thing (C1): what it may stand within, its facts, and what it names exclusively.

    ``names`` is a kind of which one individual may be named by one of ours only, as a warehouse
    receipt names a lot.
    """

    name: str
    words: Words
    within: tuple[str, ...] = ()
    facts: Mapping[str, Fact] = {}
    names: str = ""


class Indicator(msgspec.Struct, frozen=True):
    """What is watched on a thing (C1). ``unit`` is SI, ``show`` is what people read.

    ``low`` and ``high`` bound what can be meant, in ``unit``. ``derived`` ones come from models.
    A ``quoted`` one (a price) stays in the unit in which it is quoted, whatever that is.
    ``max_rate`` is the largest plausible change, in ``unit`` per second; ``stuck_after`` the time
    (ns) without any change after which a value counts as stuck, 0 for never.
    """

    name: str
    words: Words
    of: tuple[str, ...]
    unit: str
    show: str
    low: float
    high: float
    purpose: Words
    interface: str
    permission: str
    derived: bool = False
    aliases: tuple[str, ...] = ()
    quoted: bool = False
    max_rate: float = inf
    stuck_after: int = 0


class Device(msgspec.Struct, frozen=True):
    """With what things are watched (C2), and how the quality of that is assured."""

    name: str
    words: Words
    of: str
    feeds: tuple[str, ...]
    protocol: str
    accuracy: str
    resolution: str
    period: int
    allowed_silence: int
    synchrony: str
    health: Words
    remote: Words
    emergency: Words


class Example(msgspec.Struct, frozen=True):
    """Rows of indicator values at offsets from the start; they must fire, or must stay silent."""

    name: str
    fires: bool
    rows: tuple[Mapping[str, Any], ...]


class Rule(msgspec.Struct, frozen=True):
    """An early-warning rule as data (C4).

    ``when`` and ``clear`` are SQL conditions over declared indicators; ``:limit`` stands for
    ``limit``, ``:clear`` for ``clear_limit``; ``limit_of`` names an indicator that is the limit.
    The condition must hold for ``lasting`` ns of event time. ``words`` is the sentence that
    people read, with ``{value}`` and ``{limit}``. A rule that is judged ``by`` code (the counter's
    or model's name) has no condition and no examples. ``runbook`` is what to do about it, in
    steps; ``respond`` the time (ns) within which somebody must acknowledge, 0: by its level.
    One that ``contradicts`` says that other evidence speaks against the thing. Rules of the same
    ``cause`` are one warning where they fire together; a rule that names none is a cause by itself.
    ``does`` is what the devices on site are ordered to do the moment it fires, such as to close a
    gate.
    """

    name: str
    kind: str
    level: Level
    when: str
    clear: str
    lasting: int
    value: str
    limit: float | None
    clear_limit: float | None
    words: Words
    bank: Words
    enterprise: Words
    examples: tuple[Example, ...]
    limit_of: str = ""
    by: str = ""
    runbook: Words | None = None
    respond: int = 0
    contradicts: bool = False
    cause: str = ""
    does: str = ""


PANE: Final = 5 * MINUTE
"""The grain of windows over event time (ns)."""

MOMENTARY: Final = ("rate", "age")
OVER_TIME: Final = (
    "avg_over_time", "min_over_time", "max_over_time", "sum_over_time", "count_over_time",
)  # fmt: skip
"""What a rule may read of an indicator beyond its latest value, now and over panes."""


class Step(msgspec.Struct, frozen=True):
    """One step of the business process (C3): who owns it and what it needs before it may begin.

    ``does`` is what its completion does (``disburse``: the loan is paid out). It is to be completed
    ``within`` a time (ns, 0: any) from when the process has reached it; where that is exceeded, it
    is told to the role ``escalate``.
    """

    id: str
    words: Words
    owner: str
    needs: tuple[str, ...]
    does: str = ""
    within: int = 0
    escalate: str = ""


@dataclass(frozen=True, slots=True)
class Series:
    """Values of one indicator in order of event time: ``t`` int64 ns (n), ``v`` float64 SI (n)."""

    t: NDArray[np.int64]
    v: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.t)


@dataclass(frozen=True, slots=True)
class Derived:
    """What a model concludes of one thing: values ``v`` (n) of a derived indicator at ``t`` (n)."""

    thing: ThingKey
    indicator: str
    t: NDArray[np.int64]
    v: NDArray[np.float64]


class DayView(Protocol):
    """One group of things (a root such as a plant, and all below it) on one closed local day."""

    @property
    def root(self) -> ThingKey:
        """The topmost thing of the group."""
        ...

    @property
    def start(self) -> int:
        """The local midnight (ns) at which the day begins."""
        ...

    @property
    def end(self) -> int:
        """The local midnight (ns) at which it ends."""
        ...

    @property
    def zone(self) -> tzinfo:
        """The zone of the local day."""
        ...

    def of(self, kind: str) -> Sequence[ThingKey]:
        """The group's things of one kind, in order of registration (root included)."""
        ...

    def facts(self, thing: ThingKey) -> Mapping[str, float]:
        """The registered facts of a thing, in SI units."""
        ...

    def period(self, thing: ThingKey) -> int:
        """How often the thing reports (ns), as its recording or device declares."""
        ...

    def series(self, thing: ThingKey, indicator: str, *, days: int = 1) -> Series:
        """Usable values in the ``days`` local days that end with this one."""
        ...


class Model(msgspec.Struct, frozen=True):
    """A model and its card (C4): reads, derives, method, authority, validity, validation."""

    name: str
    words: Words
    reads: tuple[str, ...]
    derives: tuple[str, ...]
    method: Words
    source: str
    validity: str
    validated: str
    run: Callable[[DayView], list[Derived]]


class TwinReader(Protocol):
    """The twin as finance sees it."""

    def within(self, root: ThingKey, kind: str) -> Sequence[ThingKey]:
        """The things of one kind at or below a root, in order of registration."""
        ...

    def latest(self, thing: ThingKey, indicator: str) -> Measured | None:
        """The latest usable value of an indicator, or None if there never was one."""
        ...

    def facts(self, thing: ThingKey) -> Mapping[str, float]:
        """The registered facts of a thing, in SI units."""
        ...

    def causes(self, measured: Measured) -> tuple[Cause, ...]:
        """The frames and lines behind a value."""
        ...

    def above(self, thing: ThingKey) -> Sequence[ThingKey]:
        """The things that a thing stands within, the nearest first."""
        ...

    def witnesses(self, thing: ThingKey) -> Sequence["Witness"]:
        """The devices that speak for a thing."""
        ...


class Witness(msgspec.Struct, frozen=True):
    """A device that speaks for a thing.

    ``trust`` is how well its sender is known (:class:`wuxin.terms.ports.Trust`, in small letters),
    empty for a recording; ``heard`` the event time (ns) of its last usable message, None where it
    never spoke; ``allowed`` how long it may be silent (ns). ``state`` and ``since`` (ns) are of the
    register of devices, empty and 0 where it is in none.
    """

    name: str
    trust: str
    heard: int | None
    allowed: int
    state: str = ""
    since: int = 0


class Worth(msgspec.Struct, frozen=True):
    """What one thing of a pool is worth, and how that was found."""

    thing: ThingKey
    quantity: Decimal
    unit: str
    price: Decimal
    value: Money


class Valuation(msgspec.Struct, frozen=True):
    """The value of a pool; where something is ``missing`` there is no value, never a zero.

    ``shown`` are further exact figures that go on record with it (an estimated revenue).
    """

    lines: tuple[Worth, ...]
    value: Money | None
    missing: tuple[Words, ...]
    because: tuple[Cause, ...]
    shown: Mapping[str, str] = {}


Valuer = Callable[[Mapping[str, Any], TwinReader, int], Valuation]
"""A pack's valuation model: (the facility's terms, the twin, the moment in ns) → valuation."""


def worthless(terms: Mapping[str, Any], *_: Any) -> Valuation:
    """The valuation of a pack that has none: nothing can be lent against what it watches.

    Raises:
        BadInput: always.
    """
    name = terms.get("facility", "")
    raise BadInput(f"facility {name!r} is of a pack that values nothing: it cannot be lent against")


class ReportFigure(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A line of the enterprise's own report: one indicator of one kind, taken together.

    ``take`` is over all values of all things in the time; ``last`` is the mean of each thing's last
    value. ``better`` says which way is the better one for the enterprise, empty where neither is.
    """

    of: str
    indicator: str
    take: Literal["mean", "sum", "minimum", "maximum", "last"]
    better: Literal["higher", "lower", ""] = ""


class Pack(msgspec.Struct, frozen=True):
    """One industry: the four standards, complete, with the digest of all their files.

    ``exempt`` names files, or parts of them, whose standard the pack does not keep, each with the
    reason.
    """

    name: str
    words: Words
    kinds: Mapping[str, Kind]
    indicators: Mapping[str, Indicator]
    devices: Mapping[str, Device]
    rules: Mapping[str, Rule]
    models: Mapping[str, Model]
    steps: tuple[Step, ...]
    process: bytes
    value: Valuer
    digest: Digest
    exempt: Mapping[str, str] = {}
    report: tuple[ReportFigure, ...] = ()

    @property
    def lends(self) -> bool:
        """Whether the pack can value what it watches, so that something can be lent against it."""
        return self.value is not worthless
