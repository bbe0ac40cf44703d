"""The terms of one facility: who owes, what is pledged, and what the contract says about value."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Any, Final, Literal, TypeVar

import msgspec

from wuxin.finance.eligibility import Limit, read_criterion
from wuxin.finance.schedule import Repayment
from wuxin.terms.clock import duration, moment
from wuxin.terms.errors import BadInput
from wuxin.terms.money import money
from wuxin.terms.names import ThingKey, thing_key

RATIO_PLACES: Final = Decimal("0.000001")
"""Ratios are written to six places."""

_REQUIRED: Final = (
    "id", "obligor", "pool", "currency", "principal", "opened", "haircut",
    "maximum_loan_to_value", "target_loan_to_value", "call_deadline", "minimum_transfer",
)  # fmt: skip
_OPTIONAL: Final = (
    "pack", "rounding", "valuation_days", "on_overdue", "terms", "process", "lien", "junior",
    "repayment", "eligibility", "concentration", "evidence_haircut", "dynamic_haircut",
    "supervision_days",
)  # fmt: skip


class Dynamic(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """By which price's volatility the haircut moves, over how many days, at which confidence."""

    series: str
    horizon_days: Annotated[int, msgspec.Meta(ge=1, le=250)] = 20
    confidence: Annotated[float, msgspec.Meta(ge=0.5, lt=1)] = 0.99


class Policy(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What of a pool's value is lent against, beyond one haircut for all.

    ``eligibility`` is a criterion (:mod:`wuxin.finance.eligibility`) that each thing must meet,
    ``concentration`` the largest shares of a group; with ``evidence_haircut`` weak evidence lowers
    what is lent, and ``dynamic_haircut`` names the price whose volatility does.
    """

    eligibility: dict[str, Any] | None = None
    concentration: tuple[Limit, ...] = ()
    evidence_haircut: bool = False
    dynamic_haircut: Dynamic | None = None


_T = TypeVar("_T", bound=msgspec.Struct)


class Terms(msgspec.Struct, frozen=True):
    """What the contract of a facility says.

    ``haircut`` is the part of market value that is not lent against. A call is due above
    ``maximum`` loan to value and restores ``target``. ``call_deadline`` and ``opened`` are ns;
    deadlines run in calendar time. No call is made for less than ``minimum_transfer``; amounts
    called are rounded up to ``rounding``. With ``valuation_days`` a value is marked at most that
    often while prices stand still. ``own`` is what the pack's valuer reads. With ``process``
    nothing is paid out before the pack's process has come to its disbursement;
    ``supervision_days`` is for how long its things must have delivered data by then. ``lien`` is
    the rank among those who lend on the same things, ``junior`` whether others may come behind.

    Source: ISDA 1994 Credit Support Annex (New York law) paragraph 13 (minimum transfer amount,
    rounding, valuation date), FINOS CDM MarginCallBase; CRR Art. 210(c), (d).
    """

    id: str
    obligor: str
    pack: str
    root: ThingKey
    kind: str
    currency: str
    principal: Decimal
    opened: int
    haircut: Decimal
    maximum: Decimal
    target: Decimal
    call_deadline: int
    minimum_transfer: Decimal
    rounding: Decimal
    valuation_days: int
    on_overdue: Literal["dispose", "escalate"]
    own: Mapping[str, Any]
    process: bool = False
    lien: int = 1
    junior: bool = False
    repayment: Repayment | None = None
    policy: Policy = Policy()
    supervision_days: int = 1

    def for_valuer(self) -> dict[str, Any]:
        """What the pack's valuer reads: its own terms, and ``facility``, ``pool``, ``currency``."""
        pool = {"root": str(self.root), "kind": self.kind}
        return {**self.own, "facility": self.id, "pool": pool, "currency": self.currency}


def read_terms(table: Mapping[str, Any]) -> Terms:
    """Read one ``[[facility]]`` table of a manifest, or the body of ``open_facility``.

    Money and rates are written as text (``"0.10"``), so that no binary float stands between the
    contract and the books.

    Raises:
        BadInput: a field is missing, unknown or cannot be meant; the text names it.
    """
    unknown = sorted(set(table) - {*_REQUIRED, *_OPTIONAL})
    missing = [name for name in _REQUIRED if name not in table]
    if unknown or missing:
        what = f"has no {missing[0]}" if missing else f"has an unknown field {unknown[0]!r}"
        raise BadInput(f"facility {table.get('id', '?')!r} {what}")
    field = _Field(table)
    maximum, target = field.rate("maximum_loan_to_value"), field.rate("target_loan_to_value")
    if not 0 < target <= maximum <= 1:
        raise field.wrong("target_loan_to_value", "must be above 0 and at most the maximum (≤ 1)")
    haircut = field.rate("haircut")
    if not 0 <= haircut < 1:
        raise field.wrong("haircut", 'must be at least "0" and below "1"')
    root, kind = field.pool()
    return Terms(
        id=field.text("id"),
        obligor=field.text("obligor"),
        pack=field.text("pack", default=""),
        root=root,
        kind=kind,
        currency=field.text("currency"),
        principal=field.amount("principal"),
        opened=field.time("opened", moment),
        haircut=haircut,
        maximum=maximum,
        target=target,
        call_deadline=field.time("call_deadline", duration),
        minimum_transfer=field.amount("minimum_transfer", zero=True),
        rounding=field.amount("rounding", default="1000"),
        valuation_days=field.days("valuation_days"),
        on_overdue=field.choice("on_overdue"),
        own=field.own("terms"),
        process=bool(table.get("process", False)),
        lien=field.days("lien", 1),
        junior=bool(table.get("junior", False)),
        repayment=field.form("repayment", Repayment) if "repayment" in table else None,
        policy=field.policy(),
        supervision_days=field.days("supervision_days", 1),
    )


def amount(value: Any, currency: str, *, zero: bool = False) -> Decimal:
    """Read an amount of money above zero (or zero where it may be), in whole minor units.

    Raises:
        BadInput: it is a float, no number, below what it may be, or finer than the minor unit.
    """
    if isinstance(value, bool) or not isinstance(value, (str, int, Decimal)):
        raise BadInput(f"{value!r} is not an amount; write it as text, for example '500000.00'")
    read = money(str(value), currency)
    whole = read.rounded().amount
    if whole != read.amount or whole < 0 or (whole == 0 and not zero):
        raise BadInput(f"{value!r} is not an amount above zero in whole minor units of {currency}")
    return whole


class _Field:
    """Reads the fields of one table; every refusal names facility and field."""

    def __init__(self, table: Mapping[str, Any]) -> None:
        self._table = table

    def wrong(self, name: str, why: str) -> BadInput:
        return BadInput(f"facility {self._table['id']!r}: {name} = {self._table.get(name)!r} {why}")

    def text(self, name: str, default: str | None = None) -> str:
        value = self._table.get(name, default)
        if not isinstance(value, str) or (not value.strip() and default is None):
            raise self.wrong(name, "must be text")
        return value

    def rate(self, name: str) -> Decimal:
        value = self._table[name]
        if isinstance(value, bool) or not isinstance(value, (str, int, Decimal)):
            raise self.wrong(name, 'must be text such as "0.10"')
        try:
            rate = money(str(value), "XXX").amount
        except BadInput:
            raise self.wrong(name, "is not a number") from None
        if abs(rate) > 1 or rate.quantize(RATIO_PLACES) != rate:
            raise self.wrong(name, "must lie between 0 and 1, with at most six decimal places")
        return rate

    def amount(self, name: str, *, default: str = "", zero: bool = False) -> Decimal:
        value = self._table.get(name, default)
        try:
            return amount(value, self.text("currency"), zero=zero)
        except BadInput as wrong:
            raise self.wrong(name, f"cannot be meant: {wrong}") from None

    def time(self, name: str, read: Any) -> int:
        try:
            return int(read(str(self._table[name])))
        except BadInput as wrong:
            raise self.wrong(name, f"cannot be read: {wrong}") from None

    def form(self, name: str, form: type[_T], *, value: Any = None) -> _T:
        try:
            return msgspec.convert(self._table[name] if value is None else value, form)
        except msgspec.ValidationError as wrong:
            raise self.wrong(name, f"cannot be meant: {wrong}") from None

    def policy(self) -> Policy:
        names = Policy.__struct_fields__
        found = self.form(
            "policy", Policy, value={n: self._table[n] for n in names if n in self._table}
        )
        if found.eligibility is not None:
            read_criterion(found.eligibility)
        for limit in found.concentration:
            if not 0 < limit.share <= 1:
                raise self.wrong("concentration", "has a share that is not above 0 and at most 1")
        return found

    def days(self, name: str, default: int = 0) -> int:
        value = self._table.get(name, default)
        if isinstance(value, bool) or not isinstance(value, int) or value < 0:
            raise self.wrong(name, "must be a whole number of days")
        return value

    def choice(self, name: str) -> Literal["dispose", "escalate"]:
        value = self._table.get(name, "escalate")
        if value == "dispose":
            return "dispose"
        if value == "escalate":
            return "escalate"
        raise self.wrong(name, 'must be "dispose" or "escalate"')

    def own(self, name: str) -> Mapping[str, Any]:
        value = self._table.get(name, {})
        if not isinstance(value, Mapping):
            raise self.wrong(name, "must be a table")
        return value

    def pool(self) -> tuple[ThingKey, str]:
        pool = self._table["pool"]
        if not isinstance(pool, Mapping) or set(pool) != {"root", "kind"}:
            raise self.wrong("pool", 'must be { root = "warehouse:WH-1", kind = "lot" }')
        try:
            return thing_key(str(pool["root"])), str(pool["kind"])
        except BadInput as wrong:
            raise self.wrong("pool", f"cannot be read: {wrong}") from None
