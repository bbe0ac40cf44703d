"""What the API answers about credit and the books: entries, applications, ratings, liquidations.

All of it is read from the acts on record, so that it can be proved; balances are the ledger's.
"""

import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

from wuxin.finance.ledger import CHART
from wuxin.home import Home
from wuxin.portal import queries, views
from wuxin.portal.access import Session
from wuxin.terms.errors import BadInput, NotFound

RECOVERED: Final = Decimal("0.70")
ALLOWED: Final = Decimal("0.10")
"""CRR Art. 199(6)(d): proceeds below 70 % of the value in at most a tenth of liquidations."""

APPLYING: Final = (
    "credit_applied", "credit_decided", "credit_reviewed", "limit_set", "credit_declined",
    "application_withdrawn",
)  # fmt: skip
TOLD: Final = ("statement_assessed", "claim_told", "claims_agree", "credit_scored")
_STATES: Final = {
    "credit_decided": "decided", "credit_reviewed": "reviewed", "limit_set": "approved",
    "credit_declined": "declined", "application_withdrawn": "withdrawn",
}  # fmt: skip
_ZERO: Final = Decimal(0)
_NUMBERED: Final = re.compile(r"([a-z]+)_(\d+)(?:_([a-z_]+))?")
_LISTED: Final = 200
Page = tuple[int, int]


def ledger(
    home: Home, session: Session, *, facility: str = "", account: str = "", page: Page
) -> dict[str, Any]:
    """Journal entries, newest first, and the trial balance of all that the session may see.

    Raises:
        BadInput: there is no such account in the chart.
    """
    if account and account not in CHART:
        raise BadInput(f"there is no account {account!r}; the chart has {', '.join(CHART)}")
    mine = _facilities(home, session, facility=facility)
    total, rows = home.book.entries(session.tenant, mine, account=account, page=page)
    return {
        "total": total,
        "rows": [_entry(views.act(row)) for row in rows],
        "balance": _balance(home, mine),
    }


def applications(home: Home, session: Session, *, page: Page) -> dict[str, Any]:
    """Applications, newest first, each with what it came to."""
    found = [_summary(one) for one in _applications(home, session).values()][::-1]
    start, size = page
    return {"total": len(found), "rows": found[start : start + size]}


def application(home: Home, session: Session, *, name: str) -> dict[str, Any]:
    """One application with its decision explained, and every act of its life.

    Raises:
        NotFound: there is none that the session may see.
    """
    one = _applications(home, session).get(name)
    if one is None:
        raise NotFound(f"there is no application {name!r}")
    figures = one["credit_decided"]["figures"]
    inputs = {k.removeprefix("input_"): v or None
              for k, v in figures.items() if k.startswith("input_")}  # fmt: skip
    names = home.flow.bank.credit.ports.engine.names
    return {
        **_summary(one),
        "inputs": [{"input": n, "value": v, **_words(names, n)} for n, v in inputs.items()],
        "decided_by": numbered(figures, "row"),
        "marks": numbered(figures, "mark"),
        "acts": [one[kind] for kind in APPLYING if kind in one],
    }


def obligors(home: Home, session: Session) -> list[dict[str, Any]]:
    """Obligors with a grade, the worst first."""
    latest: dict[str, dict[str, Any]] = {}
    for act in _acts(home, session, kind="credit_rerated"):
        latest.setdefault(act["figures"]["obligor"], act)
    found = [
        {"obligor": name, "grade": act["figures"]["to"], "before": act["figures"]["from"],
         "at": act["at"], "act": act["act"]}
        for name, act in latest.items()
    ]  # fmt: skip
    return sorted(found, key=lambda one: (_descending(one["grade"]), one["obligor"]))


def rating(home: Home, session: Session, *, obligor: str) -> dict[str, Any]:
    """An obligor's grades through time with what moved them, and all that was told of it.

    Raises:
        NotFound: nothing is known of it, or the session may not see it.
    """
    names = home.flow.bank.credit.ports.engine.names
    history = [
        _rating(act, names) for act in _of(home, session, kind="credit_rerated", obligor=obligor)
    ]
    told = {kind: _of(home, session, kind=kind, obligor=obligor)[:_LISTED] for kind in TOLD}
    limits: dict[str, Any] = {}
    for act in _of(home, session, kind="limit_set", obligor=obligor):
        limits.setdefault(act["figures"]["currency"], act)
    mine = [f for f in queries.facilities(home, session) if f["obligor"] == obligor]
    if not (history or mine or any(told.values())):
        raise NotFound(f"nothing is known of an obligor {obligor!r}")
    return {
        "obligor": obligor,
        "grade": history[0]["to"] if history else None,
        "grades": list(home.flow.bank.credit.ports.engine.grades),
        "history": history,
        "limits": [_limit(home, act, currency=c) for c, act in limits.items()],
        "statement": _statement(told["statement_assessed"]),
        "facts": _facts(told["claim_told"], told["claims_agree"]),
        "scores": [_scored(act) for act in told["credit_scored"]],
        "facilities": [{k: f[k] for k in ("id", "pack", "currency", "principal", "outstanding",
                                          "state")} for f in mine],
        "warnings": _warnings(home, session, obligor=obligor),
        "applications": [one for one in applications(home, session, page=(0, _LISTED))["rows"]
                         if one["obligor"] == obligor],
    }  # fmt: skip


def liquidations(home: Home, session: Session) -> dict[str, Any]:
    """Disposals with their proceeds against value, and by kind the share that fell short."""
    kinds = {f["id"]: (f["pack"], f["pool"]["kind"]) for f in queries.facilities(home, session)}
    rows, groups = [], dict[tuple[str, str], list[Decimal | None]]()
    for act in _acts(home, session, kind="disposal"):
        pack, kind = kinds.get(act["facility"], (act["pack"], ""))
        share = act["figures"].get("proceeds_to_value")
        groups.setdefault((pack, kind), []).append(None if share is None else Decimal(share))
        told = ("proceeds", "value_before", "proceeds_to_value")
        rows.append({"facility": act["facility"], "pack": pack, "kind": kind, "at": act["at"],
                     "act": act["act"], **{k: act["figures"].get(k) for k in told}})  # fmt: skip
    return {
        "source": "Regulation (EU) 575/2013, Art. 199(6)(d)",
        "threshold": str(RECOVERED),
        "allowed": str(ALLOWED),
        "kinds": [_kind(pack, kind, shares=shares) for (pack, kind), shares in groups.items()],
        "rows": rows,
    }


def numbered(figures: Mapping[str, str], name: str) -> list[dict[str, str]]:
    """Figures of an act that are numbered (``row_1``, ``row_1_zh``, …) as a list of mappings."""
    found: dict[int, dict[str, str]] = {}
    for key, value in figures.items():
        parts = _NUMBERED.fullmatch(key)
        if parts and parts[1] == name:
            found.setdefault(int(parts[2]), {})[parts[3] or name] = value
    return [found[number] for number in sorted(found)]


# ---- parts ---------------------------------------------------------------------------------


def _acts(home: Home, session: Session, *, kind: str) -> list[dict[str, Any]]:
    """The acts of a kind that the session may see, newest first."""
    found = [views.act(row) for row in home.book.acts(session.tenant, {"kind": kind})]
    if session.sees_all:
        return found
    own = set(_facilities(home, session) or ())
    return [
        a for a in found
        if a["facility"] in own or a["figures"].get("obligor") == session.party
    ]  # fmt: skip


def _of(home: Home, session: Session, *, kind: str, obligor: str) -> list[dict[str, Any]]:
    return [a for a in _acts(home, session, kind=kind) if a["figures"]["obligor"] == obligor]


def _facilities(home: Home, session: Session, *, facility: str = "") -> list[str] | None:
    """The facilities that are asked for and may be seen; None where that is all of them."""
    if session.sees_all:
        return [facility] if facility else None
    own = [f["id"] for f in queries.facilities(home, session)]
    return [name for name in own if facility in {"", name}]


def _entry(act: Mapping[str, Any]) -> dict[str, Any]:
    figures = act["figures"]
    lines = [
        {"account": name, "side": CHART[name],
         "debit": value if Decimal(value) > 0 else None,
         "credit": str(-Decimal(value)) if Decimal(value) < 0 else None}
        for name, value in figures.items() if name in CHART
    ]  # fmt: skip
    return {
        "entry": int(figures["entry"]), "booking": figures["booking"], "at": act["at"],
        "facility": act["facility"], "currency": figures["currency"], "lines": lines,
        "mandate": act["mandate"], "act": act["act"], "because": act["because"],
    }  # fmt: skip


def _balance(home: Home, facilities: Sequence[str] | None) -> dict[str, Any]:
    """The trial balance by currency and account; debits less credits are zero in each currency."""
    sums: dict[tuple[str, str], Decimal] = {}
    for line in home.flow.bank.books.ledger.trial_balance():
        if facilities is None or line.facility in facilities:
            key = (line.currency, line.account)
            sums[key] = sums.get(key, _ZERO) + line.debit - line.credit
    lines = [
        {"currency": currency, "account": account, "side": CHART[account],
         "debit": str(max(amount, _ZERO)), "credit": str(max(-amount, _ZERO))}
        for (currency, account), amount in sorted(sums.items())
    ]  # fmt: skip
    totals = {
        currency: {
            side: str(sum((Decimal(one[side]) for one in lines if one["currency"] == currency),
                          _ZERO))
            for side in ("debit", "credit")
        }
        for currency in dict.fromkeys(c for c, _ in sorted(sums))
    }  # fmt: skip
    for total in totals.values():
        total["difference"] = str(Decimal(total["debit"]) - Decimal(total["credit"]))
    return {"lines": lines, "totals": totals}


def _applications(home: Home, session: Session) -> dict[str, dict[str, Any]]:
    """The acts of each application by their kind, in order of the applications."""
    found: dict[str, dict[str, Any]] = {}
    for kind in APPLYING:
        for act in reversed(_acts(home, session, kind=kind)):
            found.setdefault(act["figures"]["application"], {})[kind] = act
    return found


def _summary(one: Mapping[str, Any]) -> dict[str, Any]:
    applied, decided = one["credit_applied"]["figures"], one["credit_decided"]["figures"]
    last = [kind for kind in APPLYING if kind in one][-1]
    ended = one.get("limit_set", {}).get("figures", {})
    shown = ("application", "obligor", "product", "amount", "currency", "purpose")
    return {
        **{name: applied[name] for name in shown},
        "at": one["credit_applied"]["at"],
        "by": one["credit_applied"]["mandate"],
        "grade": decided["grade"],
        "action": decided["action"],
        "table_limit": decided["limit"] or None,
        "rate": decided["rate"] or None,
        "state": _STATES[last],
        "limit": ended.get("limit"),
        "act": one["credit_decided"]["act"],
    }


def _rating(act: Mapping[str, Any], names: Mapping[str, Any]) -> dict[str, Any]:
    figures = act["figures"]
    changed = [k.removeprefix("now_") for k in figures if k.startswith("now_")]
    return {
        "act": act["act"], "at": act["at"], "from": figures["from"] or None, "to": figures["to"],
        "changed": [
            {"input": n, "was": figures[f"was_{n}"] or None, "now": figures[f"now_{n}"] or None,
             **_words(names, n)}
            for n in changed
        ],
        "rows": numbered(figures, "row"),
        "because": act["because"],
    }  # fmt: skip


def _words(names: Mapping[str, Any], name: str) -> dict[str, str]:
    known = names.get(name)
    return queries.words(known) if known else {"zh": name, "en": name}


def _limit(home: Home, act: Mapping[str, Any], *, currency: str) -> dict[str, Any]:
    credit = home.flow.bank.credit
    used = credit.used(act["figures"]["obligor"], currency)
    return {"currency": currency, "limit": act["figures"]["limit"], "used": str(used),
            "at": act["at"], "act": act["act"]}  # fmt: skip


def _statement(assessed: Sequence[Mapping[str, Any]]) -> dict[str, Any] | None:
    if not assessed:
        return None
    latest = assessed[0]
    figures = latest["figures"]
    return {
        **{k: figures[k] for k in ("company", "currency", "latest", "months")},
        "revenue_of_a_year": figures["revenue_of_a_year"] or None,
        "at": latest["at"], "act": latest["act"],
        "flags": numbered(figures, "flag"), "missing": numbered(figures, "missing"),
    }  # fmt: skip


def _facts(
    claims: Sequence[Mapping[str, Any]], agreed: Sequence[Mapping[str, Any]]
) -> list[dict[str, Any]]:
    """Facts, the newest first, each with what its sources said last and whether they agree."""
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for act in claims:
        figures = act["figures"]
        key = (figures["fact"], figures["period"])
        one = found.setdefault(key, {"fact": key[0], "period": key[1], "sides": {}})
        one["sides"].setdefault(figures["source"], {
            **{k: figures.get(k) for k in ("source", "value", "unit", "tolerance_share", "reason",
                                           "measured", "rate", "rate_reason")},
            "at": act["at"], "act": act["act"], "number": int(figures["number"]),
        })  # fmt: skip
    for act in agreed:
        key = (act["figures"]["fact"], act["figures"]["period"])
        newest = (
            max((side["number"] for side in found[key]["sides"].values()), default=0)
            if key in found
            else 0
        )
        if key in found and int(act["figures"]["number"]) > newest:
            found[key].setdefault("trust", act["figures"]["trust"])
    return [
        {**one, "trust": one.get("trust"), "sides": [*one["sides"].values()]}
        for one in found.values()
    ]


def _scored(act: Mapping[str, Any]) -> dict[str, Any]:
    figures = act["figures"]
    return {
        "at": act["at"], "act": act["act"], "model": figures["model"],
        "probability": figures["probability"] or None,
        **{f"{name}s" if name == "reason" else name: numbered(figures, name)
           for name in ("reason", "missing", "stability")},
    }  # fmt: skip


def _warnings(home: Home, session: Session, *, obligor: str) -> list[dict[str, Any]]:
    where = {"kind": "obligor", "thing": obligor}
    if session.sees_all or session.party == obligor:
        rows = home.book.findings(session.tenant, where)
        return [queries.both(row) for row in rows[:_LISTED]]
    return []


def _kind(pack: str, kind: str, *, shares: Sequence[Decimal | None]) -> dict[str, Any]:
    known = [share for share in shares if share is not None]
    short = sum(share < RECOVERED for share in known)
    share = Decimal(short) / len(known) if known else None
    return {
        "pack": pack, "kind": kind, "liquidations": len(shares), "valued": len(known),
        "short": short, "share_short": None if share is None else f"{share:.6f}",
        "within": None if share is None else share <= ALLOWED,
    }  # fmt: skip


def _descending(grade: str) -> tuple[int, ...]:
    return tuple(-ord(letter) for letter in grade)
