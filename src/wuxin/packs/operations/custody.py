"""Custody: whether a thing lies in its cabinet, or somebody answers for it, at every moment.

The cabinet counts tags, the register says who holds what. A thing that is in neither is in a gap,
and one that is in both is a contradiction. A source that said nothing is not taken for a gap.
"""

import itertools
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from wuxin.packs.operations.spans import Span, during, of_day, total
from wuxin.terms.clock import HOUR, MINUTE, SECOND
from wuxin.terms.names import ThingKey
from wuxin.terms.standards import DayView, Derived, Series

HELD: Final = ("seal", "bank_key", "voucher", "invoice")
"""The kinds that are in custody."""

STALE: Final = 4 * HOUR
"""How long (ns) a cabinet's count stands: the silence that its device is allowed."""

GRACE: Final = 2 * MINUTE
"""How long (ns) a hand-over may take before nobody answering is a gap."""

LEAVING: Final = 5 * MINUTE
"""How long (ns) a holder may be outside of the door before that counts."""

DUTIES: Final[Mapping[str, float]] = {"seal": 1, "voucher": 3}
"""The duty of a thing whose facts name none; a key is of the duty of what it opens."""


class Sources(NamedTuple):
    """What the two sources say of one thing."""

    cabinet: Series
    holder: Series
    confirmed: Series


def gaps(said: Sources, *, start: int, end: int, grace: int = GRACE) -> list[Span]:
    """Times in which a thing was out of its cabinet and nobody had signed for it.

    Args:
        said: the cabinet's counts and the register, with some of the time before.
        start: the beginning (ns).
        end: the end (ns).
        grace: what a hand-over may take (ns).

    Returns:
        The gaps that are longer than ``grace``, whole.
    """
    found = during(
        lambda there, holder, signed: (
            there is not None and there < 1 and not ((holder or 0) > 0 and (signed or 0) > 0)
        ),
        *said, start=start, end=end, stale=(STALE,),
    )  # fmt: skip
    return [span for span in found if span.length > grace]


def conflicts(said: Sources, *, start: int, end: int) -> list[Span]:
    """Times in which a thing lay in its cabinet while the register said that somebody had it."""
    return during(
        lambda there, holder: there is not None and there > 0 and (holder or 0) > 0,
        said.cabinet, said.holder, start=start, end=end, stale=(STALE,),
    )  # fmt: skip


def outside(said: Sources, zones: Mapping[int, Series], *, start: int, end: int) -> list[Span]:
    """Times in which a thing was out and its holder had left the branch (zone 0).

    Args:
        said: the cabinet's counts and the register.
        zones: the passages of each employee, by number.
        start: the beginning (ns).
        end: the end (ns).
    """
    found: list[Span] = []
    numbers = sorted({int(v) for v in said.holder.v} & {*zones})
    for number in numbers:
        found += during(
            lambda there, holder, zone, n=number: (
                there is not None and there < 1 and holder == n and zone is not None and zone < 1
            ),
            said.cabinet, said.holder, zones[number], start=start, end=end, stale=(STALE,),
        )  # fmt: skip
    return sorted(span for span in found if span.length > LEAVING)


def held_together(things: Sequence[tuple[float, Sources]], *, start: int, end: int) -> list[Span]:
    """Times in which one person held things of two duties that are to be kept apart.

    Args:
        things: the duty (1 seals, 2 ciphers, 3 vouchers) and the sources of each.
        start: the beginning (ns).
        end: the end (ns).

    Source: separation of seals, ciphers and vouchers (印押证三分管), an accounting rule of banks.
    """
    found: list[Span] = []
    for (a, one), (b, two) in itertools.combinations(things, 2):
        if a != b:
            found += during(
                lambda there, holder, there_too, holder_too: (
                    (there is not None and there < 1)
                    and (there_too is not None and there_too < 1)
                    and (holder or 0) > 0
                    and holder == holder_too
                ),
                one.cabinet, one.holder, two.cabinet, two.holder,
                start=start, end=end, stale=(STALE, 0, STALE, 0),
            )  # fmt: skip
    return _joined(found)


def serials_missing(numbers: Series, issued: Series) -> float | None:
    """Numbers that were used beyond what the system issued or voided; None where one is unknown.

    Args:
        numbers: the first number still in hand.
        issued: what the system issued or voided, cumulative.
    """
    if len(numbers) < 2 or len(issued) < 2:
        return None
    used = float(numbers.v[-1] - numbers.v[0])
    booked = float(issued.v[-1] - issued.v[0])
    return max(0.0, used - booked)


def custody_day(view: DayView) -> list[Derived]:
    """Gaps, time out, contradictions and missing numbers, thing by thing; the branch's figures."""
    zones = _passages(view)
    found: list[Derived] = []
    watched, gapped, lost, held = 0, 0, 0, []
    for thing in (t for kind in HELD for t in view.of(kind)):
        said = _sources(view, thing)
        if not len(said.cabinet):
            continue
        gap = total(gaps(said, start=view.start, end=view.end))
        watched, gapped, lost = watched + 1, gapped + (gap > 0), lost + gap
        found += _thing(view, thing, said=said, gap=gap, zones=zones)
        duty = view.facts(thing).get("duty", DUTIES.get(thing.kind, 0.0))
        if duty:
            held.append((duty, said))
    if watched and view.root.kind == "branch":
        time = watched * (view.end - view.start)
        apart = len(held_together(held, start=view.start, end=view.end))
        for name, value in (
            ("items_held", watched), ("items_with_gap", gapped),
            ("custody_share", 1 - lost / time), ("separation_breaches", apart),
        ):  # fmt: skip
            found.append(of_day(view, view.root, name=name, value=float(value)))
    return found


def _thing(
    view: DayView, thing: ThingKey, *, said: Sources, gap: int, zones: Mapping[int, Series]
) -> list[Derived]:
    span = {"start": view.start, "end": view.end}
    out = during(
        lambda there: there is not None and there < 1, said.cabinet, stale=(STALE,), **span
    )
    away = [] if view.facts(thing).get("may_leave") else outside(said, zones, **span)
    figures = {
        "custody_gap": gap / SECOND, "time_out": total(out) / SECOND,
        "outside_time": total(away) / SECOND,
        "register_conflict": total(conflicts(said, **span)) / SECOND,
    }  # fmt: skip
    if thing.kind == "voucher":
        missing = serials_missing(_anchored(view, thing, name="serial_next"),
                                  _anchored(view, thing, name="issued_count"))  # fmt: skip
        figures |= {} if missing is None else {"serials_missing": missing}
    return [of_day(view, thing, name=name, value=value) for name, value in figures.items()]


def _sources(view: DayView, thing: ThingKey) -> Sources:
    """Two weeks of both sources: a seal may lie untouched for days."""
    return Sources(*(
        view.series(thing, name, days=14) for name in ("in_cabinet", "holder", "holder_confirmed")
    ))  # fmt: skip


def _anchored(view: DayView, thing: ThingKey, *, name: str) -> Series:
    """The day's values behind the last one before it."""
    series = view.series(thing, name, days=14)
    first = max(0, int((series.t < view.start).sum()) - 1)
    return Series(series.t[first:], series.v[first:])


def _passages(view: DayView) -> dict[int, Series]:
    return {
        int(number): view.series(one, "zone_entered", days=2)
        for one in view.of("staff")
        if (number := view.facts(one).get("number")) is not None
    }


def _joined(spans: Sequence[Span]) -> list[Span]:
    found: list[Span] = []
    for span in sorted(spans):
        if found and span.start <= found[-1].end:
            found[-1] = Span(found[-1].start, max(found[-1].end, span.end))
        else:
            found.append(span)
    return found
