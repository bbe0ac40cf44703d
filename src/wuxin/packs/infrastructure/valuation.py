"""What a site is worth to its lender: the work that stands, at contract prices.

    value = Σ contract sum × min(measured, claimed) × (1 − retention)

All in Decimal. A package that is due and not measured leaves the site without a value, never zero.
"""

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any, Final, NamedTuple

from wuxin.terms.clock import duration, iso
from wuxin.terms.errors import BadInput
from wuxin.terms.money import Money, exact
from wuxin.terms.names import ThingKey, thing_key
from wuxin.terms.records import Cause, Measured, Words
from wuxin.terms.standards import TwinReader, Valuation, Valuer, Worth

_SHARE: Final = Decimal("0.0001")


class _Terms(NamedTuple):
    root: ThingKey
    kind: str
    currency: str
    sums: Mapping[str, Decimal]
    retention: Decimal
    valid: int


def work_in_place(terms: Mapping[str, Any], twin: TwinReader, *, at: int) -> Valuation:
    """Value the work in place, package by package.

    A package counts with the smaller of what was measured and what was claimed; without a claim
    with what was measured. Not measured and not yet due counts as not begun.

    Args:
        terms: ``pool`` (``root``: the site, ``kind``: work_package), ``currency``, ``packages``
            (contract sum of each package by its id), ``retention`` (share kept back, default
            0.05), ``survey_valid_for`` (default 45 d).
        twin: the twin at that moment.
        at: the moment (ns).

    Raises:
        BadInput: a term is missing or cannot be meant; the text names it.

    Source: cost approach on work in place (IVS 105, 2022, section 60), at contract prices as
    progress payments are; a retention of at most 3 % to 5 % is customary in construction.
    """
    read = _read(terms)
    lines: list[Worth] = []
    missing: list[Words] = []
    because: list[Cause] = []
    for package in twin.within(read.root, read.kind):
        if package.id not in read.sums:
            zh, en = f"{package.id} 没有合同造价", f"{package.id} has no contract sum"
            missing.append(Words(zh, en))
            continue
        share = _share(package, read, twin=twin, at=at, missing=missing, because=because)
        if share is not None:
            price = read.sums[package.id] * (1 - read.retention)
            worth = Money(share * price, read.currency).rounded()
            lines.append(Worth(package, share, "1", price, worth))
    if not lines and not missing:
        zh, en = f"{read.root} 下没有 {read.kind}", f"there is no {read.kind} in {read.root}"
        missing.append(Words(zh, en))
    causes = tuple(dict.fromkeys(because))
    if missing:
        return Valuation((), None, tuple(missing), causes)
    total = sum((line.value for line in lines), Money(Decimal(0), read.currency))
    return Valuation(tuple(lines), total, (), causes)


value: Final[Valuer] = lambda terms, twin, at: work_in_place(terms, twin, at=at)  # noqa: E731
"""The pack's valuation, :func:`work_in_place`, with its three arguments by place as asked for."""


def _share(
    package: ThingKey,
    read: _Terms,
    *,
    twin: TwinReader,
    at: int,
    missing: list[Words],
    because: list[Cause],
) -> Decimal | None:
    """The share of a package that counts; None where that is not known, and why is said."""
    planned, seen, claim = (
        twin.latest(package, f"progress_{name}") for name in ("planned", "measured", "claimed")
    )
    if seen is None:
        if planned is not None and planned.value <= 0:
            return Decimal(0)
        missing.append(Words(f"{package.id} 尚无实测进度", f"{package.id} was never surveyed"))
        return None
    because += twin.causes(seen)
    if at - seen.event_time > read.valid:
        day = iso(seen.event_time)[:10]
        zh = f"{package.id} 的实测停在 {day}，已过有效期"
        missing.append(Words(zh, f"{package.id} was last surveyed on {day}: no longer valid"))
        return None
    if claim is not None:
        because += twin.causes(claim)
    return min(_of(seen), _of(claim) if claim is not None else Decimal(1))


def _of(measured: Measured) -> Decimal:
    return min(max(exact(measured.value), Decimal(0)), Decimal(1)).quantize(_SHARE)


def _read(terms: Mapping[str, Any]) -> _Terms:
    try:
        pool, currency, sums = terms["pool"], str(terms["currency"]), terms["packages"]
        root = thing_key(pool["root"])
    except KeyError as absent:
        raise BadInput(f"the facility's terms have no {absent.args[0]}") from None
    if not isinstance(sums, Mapping) or not sums:
        raise BadInput('packages has no contract sums; write { WP-1 = "2500000.00" }')
    read = {str(k): _amount(f"packages.{k}", v) for k, v in sums.items()}
    retention = _amount("retention", terms.get("retention", "0.05"))
    if retention >= 1:
        raise BadInput("retention is a share below 1")
    valid = duration(str(terms.get("survey_valid_for", "45 d")))
    kind = str(pool.get("kind", "work_package"))
    return _Terms(root, kind, currency, read, retention, valid)


def _amount(name: str, text: Any) -> Decimal:
    try:
        found = Decimal(str(text))
    except InvalidOperation:
        raise BadInput(f"the facility's term {name} = {text!r} is no number") from None
    if not (found.is_finite() and found >= 0):
        raise BadInput(f"the facility's term {name} = {text!r} is below zero")
    return found
