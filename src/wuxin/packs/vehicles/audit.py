"""The audit of a dealer's lot: each vehicle on the books is there, with its papers and its keys.

The bank holds the certificate of conformity and one set of keys of every vehicle that it finances;
the dealer gets them against payment. What has left the lot with nothing paid is *out of trust*.
"""

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from wuxin.terms.clock import DAY
from wuxin.terms.names import ThingKey

PRESENT, AUTHORISED, AWAY, UNSEEN, OUT_OF_TRUST, SETTLED = range(6)
"""What an audit finds of a vehicle. Away: seen elsewhere without leave. Unseen: not seen at all.
Out of trust: sold, or gone for longer than the grace, and not paid. Settled: paid and released."""

NAMES: Final = ("present", "authorised", "away", "unseen", "out of trust", "settled")
"""The same in words."""

SEEN_WITHIN: Final = DAY
"""How old (ns) a position or a scan may be for the vehicle to be seen."""

GRACE: Final = 2 * DAY
"""How long (ns) after a sale or a departure the dealer has to pay: two banking days."""


class Unit(NamedTuple):
    """One vehicle on the books at the time of an audit.

    ``distance`` is metres beyond its place's border (0 or less: within), ``seen_at`` when that was
    (ns), ``scanned_at`` when a person or a gate read it on the lot (ns); None: never. ``left_at``
    is since when it has been away (ns). Custody: ``certificate``, ``keys`` against ``keys_due``.
    """

    thing: ThingKey
    distance: float | None = None
    seen_at: int | None = None
    scanned_at: int | None = None
    left_at: int | None = None
    sold_at: int | None = None
    paid: bool = False
    released: bool = False
    certificate: bool | None = None
    keys: int | None = None
    keys_due: int = 1


class Found(NamedTuple):
    """What the audit says of one vehicle: its state, and what is missing in custody."""

    thing: ThingKey
    state: int
    papers_missing: bool
    keys_missing: int


class Report(NamedTuple):
    """An audit: every vehicle, and the counts that a rule judges.

    ``coverage`` is the share of the books of which a device, a person or a paper says where it is.
    """

    units: tuple[Found, ...]
    on_books: int
    counts: Mapping[int, int]
    papers_missing: int
    keys_missing: int
    coverage: float


def state_of(unit: Unit, *, at: int) -> int:
    """What an audit at a moment (ns) finds of a vehicle."""
    if unit.paid:
        return SETTLED
    if unit.sold_at is not None and at - unit.sold_at > GRACE:
        return OUT_OF_TRUST
    seen = unit.seen_at is not None and at - unit.seen_at <= SEEN_WITHIN
    scanned = unit.scanned_at is not None and at - unit.scanned_at <= SEEN_WITHIN
    away = seen and unit.distance is not None and unit.distance > 0
    # The later of the two speaks: a scan before it drove off is no proof that it is here.
    if scanned and away and (unit.scanned_at or 0) > (unit.seen_at or 0):
        away = False
    if away:
        if unit.released:
            return AUTHORISED
        gone = unit.left_at is not None and at - unit.left_at > GRACE
        return OUT_OF_TRUST if gone else AWAY
    if seen or scanned:
        return PRESENT
    return AUTHORISED if unit.released else UNSEEN


def audit(units: Sequence[Unit], *, at: int) -> Report:
    """Audit a lot.

    Papers and keys of a vehicle that is paid and released are not asked for; custody of which
    nothing is known counts as missing, because an audit finds what it can show.

    Args:
        units: every vehicle on the books.
        at: the moment of the audit (ns).
    """
    found = []
    for unit in units:
        state = state_of(unit, at=at)
        due = state != SETTLED
        keys = max(0, unit.keys_due - (unit.keys or 0)) if due else 0
        found.append(Found(unit.thing, state, due and not unit.certificate, keys))
    counts = {state: sum(f.state == state for f in found) for state in range(6)}
    open_units = len(found) - counts[SETTLED]
    seen = open_units - counts[UNSEEN]
    return Report(
        tuple(found), open_units, counts,
        sum(f.papers_missing for f in found), sum(f.keys_missing for f in found),
        seen / open_units if open_units else 1.0,
    )  # fmt: skip
