"""ISO 20022 camt.053: a bank's statement of an account, as neutral lines.

``read`` takes versions .02 to .12 of the message through the data classes of ``pyiso20022``, which
are loaded when a statement of that version is first read. Only booked entries are lines. A batch
booking gives a line for each transaction in it where their amounts are told and add up, else one
line for the whole; a transaction that names several documents with amounts gives a line for each.

Source: ISO 20022, Bank-to-Customer Cash Management, message BankToCustomerStatement
(camt.053.001.02, .08); external code lists for balances (OPBD, PRCD, CLBD, ITBD) and entry status.
"""

import re
from collections.abc import Iterator
from decimal import Decimal
from importlib import import_module
from typing import Any, Final

import msgspec
from lxml import etree  # type: ignore[import-untyped]

from wuxin.terms.errors import BadInput
from wuxin.terms.names import digest
from wuxin.terms.statement import BankStatement, StatementLine

LONGEST: Final = 16 * 1024 * 1024
"""The most bytes of a message."""

_SPACE: Final = re.compile(r"urn:iso:std:iso:20022:tech:xsd:camt\.053\.001\.(0[2-9]|1[0-2])")
_LINES: Final = 50_000
_TEXT: Final = 20_000
_SHORT: Final = 500
_ZERO: Final = Decimal(0)


def read(data: bytes) -> list[BankStatement]:
    """The statements of a message, in order.

    Raises:
        BadInput: it is no camt.053 of a known version, declares entities, or a statement has no
            account, currency or balances.
    """
    if len(data) > LONGEST:
        raise BadInput(f"a statement has at most {LONGEST} bytes")
    document = _parsed(data)
    told = [_statement(one, digest(data)) for one in document.bk_to_cstmr_stmt.stmt]
    if not told:
        raise BadInput("the message has no statement")
    return told


def _parsed(data: bytes) -> Any:
    if b"<!DOCTYPE" in data or b"<!ENTITY" in data or b"\0" in data:
        raise BadInput("a statement declares no entities and is written in UTF-8")
    parser = etree.XMLParser(
        resolve_entities=False, load_dtd=False, no_network=True, huge_tree=False
    )
    try:
        root = etree.fromstring(data, parser)
    except (etree.XMLSyntaxError, ValueError, LookupError) as wrong:
        first = (str(wrong).splitlines() or ["nothing"])[0]
        raise BadInput(f"this is not XML: {first[:200]}") from None
    found = _SPACE.fullmatch(etree.QName(root).namespace or "")
    if not found or etree.QName(root).localname != "Document":
        raise BadInput("this is no camt.053 of version 02 to 12")
    from_xml = import_module("xsdata.formats.dataclass.parsers")
    wrongs = import_module("xsdata.exceptions")
    form = import_module(f"pyiso20022.camt.camt_053_001_{found[1]}")
    config = from_xml.config.ParserConfig(
        fail_on_unknown_properties=False, fail_on_converter_warnings=True
    )
    try:
        return from_xml.XmlParser(config=config).from_bytes(data, form.Document)
    except (wrongs.ParserError, wrongs.ConverterError, wrongs.ConverterWarning, TypeError,
            ValueError, ArithmeticError) as wrong:  # fmt: skip
        raise BadInput(f"the statement cannot be read: {str(wrong)[:200]}") from None


def _statement(one: Any, document: str) -> BankStatement:
    opening, closing = _balances(one)
    currency = _plain(one.acct.ccy) or opening.amt.ccy
    booked = [entry for entry in one.ntry if _status(entry) == "BOOK"]
    lines = [line for entry in booked for line in _lines(entry, currency)]
    if len(lines) > _LINES:
        raise BadInput(f"a statement has at most {_LINES} lines")
    owner = _plain(one.acct.ownr.nm) if one.acct.ownr is not None else ""
    told = {
        "id": one.id, "account": _account(one.acct), "currency": currency,
        "opening": f"{_signed(opening):f}", "closing": f"{_signed(closing):f}",
        "lines": [msgspec.to_builtins(line) for line in lines], "owner": owner[:_SHORT],
        "document": document, "pending": len(one.ntry) - len(booked),
    }  # fmt: skip
    try:
        return msgspec.convert(told, BankStatement)
    except msgspec.ValidationError as wrong:
        raise BadInput(f"statement {str(one.id)[:80]!r}: {wrong}") from None


def _balances(one: Any) -> tuple[Any, Any]:
    """The opening and the closing balance; of a page in the middle the interim ones."""
    by_code: dict[str, list[Any]] = {}
    for balance in one.bal:
        code = balance.tp.cd_or_prtry.cd
        by_code.setdefault(str(getattr(code, "value", code)), []).append(balance)
    opening = by_code.get("OPBD") or by_code.get("PRCD") or by_code.get("ITBD", [])[:1]
    closing = by_code.get("CLBD") or by_code.get("ITBD", [])[-1:]
    if not opening or not closing or (len(by_code) < 2 and len(one.bal) < 2):
        raise BadInput(f"statement {str(one.id)[:80]!r} has no opening or no closing balance")
    return opening[0], closing[-1]


def _account(account: Any) -> str:
    held = account.id
    name = (_plain(held.iban) or (_plain(held.othr.id) if held.othr else "")) if held else ""
    if not name:
        raise BadInput("a statement names its account by IBAN or another number")
    return name.replace(" ", "")


def _lines(entry: Any, currency: str) -> Iterator[StatementLine]:
    """The lines of an entry: one, or one for each transaction that is booked with it."""
    if entry.amt.ccy != currency:
        raise BadInput(f"an entry is in {entry.amt.ccy}, its account in {currency}")
    whole = _moved(entry, entry.amt.value)
    details = [each for group in entry.ntry_dtls for each in group.tx_dtls]
    amounts = [_amount(each, currency) for each in details]
    told = [a for a in amounts if a is not None]
    if len(details) == 1:
        told = [entry.amt.value]
    way = [_moved(each, amount, entry=entry) for each, amount in zip(details, told, strict=False)]
    if not details or len(told) < len(details) or sum(way, _ZERO) != whole:
        yield _line(entry, details, amount=whole, parts=len(details))
        return
    for n, (each, amount) in enumerate(zip(details, way, strict=True)):
        for k, (part, numbers) in enumerate(_documents(each, amount)):
            tail = f"/{n + 1}" if len(details) > 1 else ""
            tail += f"/{k + 1}" if k else ""
            yield _line(entry, [each], amount=part, tail=tail, references=numbers)


def _line(
    entry: Any, details: list[Any], *, amount: Decimal, tail: str = "",
    references: list[str] | None = None, parts: int = 1,
) -> StatementLine:  # fmt: skip
    only = details[0] if parts == 1 and details else None
    refs = only.refs if only is not None else None
    end_to_end = _plain(refs.end_to_end_id) if refs is not None else ""
    own = _plain(entry.acct_svcr_ref) or _plain(entry.ntry_ref)
    named = [one for each in details for one in _structured(each)]
    texts = [*(text for each in details for text in _written(each)),
             _plain(entry.addtl_ntry_inf)]  # fmt: skip
    credit = amount >= 0
    return StatementLine(
        reference=f"{own or end_to_end or 'entry'}{tail}"[:_SHORT], at=_day(entry),
        amount=f"{abs(amount):f}", way="in" if credit else "out",
        reversal=bool(entry.rvsl_ind), end_to_end=end_to_end[:_SHORT],
        references=[one[:_SHORT] for one in (named if references is None else references)][:1000],
        text=" ".join(filter(None, texts))[:_TEXT],
        party=_party(only, credit=credit != bool(entry.rvsl_ind))[:_SHORT],
    )  # fmt: skip


def _documents(each: Any, amount: Decimal) -> list[tuple[Decimal, list[str]]]:
    """A transaction by the documents that it pays, where each has its amount and they add up."""
    info = each.rmt_inf
    parts = []
    for one in info.strd if info is not None else ():
        numbers = _numbers(one)
        paid = one.rfrd_doc_amt.rmtd_amt if one.rfrd_doc_amt is not None else None
        value = paid[0] if isinstance(paid, list) and paid else paid
        if len(numbers) == 1 and value:
            parts.append((value.value, numbers))
    if len(parts) > 1 and sum((part for part, _ in parts), _ZERO) == abs(amount):
        return [(part if amount >= 0 else -part, numbers) for part, numbers in parts]
    return [(amount, _structured(each))]


def _structured(each: Any) -> list[str]:
    info = each.rmt_inf
    found = [one for strd in (info.strd if info is not None else ()) for one in _numbers(strd)]
    return [*dict.fromkeys(found)]


def _numbers(strd: Any) -> list[str]:
    """Numbers of documents, and the creditor's reference."""
    found = [_plain(doc.nb) for doc in strd.rfrd_doc_inf]
    if strd.cdtr_ref_inf is not None:
        found.append(_plain(strd.cdtr_ref_inf.ref))
    return [one for one in found if one]


def _written(each: Any) -> list[str]:
    info = each.rmt_inf
    texts = [*info.ustrd] if info is not None else []
    for strd in info.strd if info is not None else ():
        texts += strd.addtl_rmt_inf
    return [*(_plain(text) for text in texts), _plain(each.addtl_tx_inf)]


def _party(each: Any, *, credit: bool) -> str:
    """The other side's name: who paid what came in, whom was paid what went out."""
    parties = each.rltd_pties if each is not None else None
    if parties is None:
        return ""
    names = ("dbtr", "ultmt_dbtr") if credit else ("cdtr", "ultmt_cdtr")
    for name in names:
        said = getattr(parties, name)
        said = getattr(said, "pty", said)  # a choice since version .08
        if said is not None and _plain(said.nm):
            return _plain(said.nm)
    return ""


def _amount(each: Any, currency: str) -> Decimal | None:
    """The amount of a transaction in the account's currency, if it is told."""
    own = getattr(each, "amt", None)
    if own is None and each.amt_dtls is not None and each.amt_dtls.tx_amt is not None:
        own = each.amt_dtls.tx_amt.amt
    return own.value if own is not None and own.ccy == currency else None


def _moved(one: Any, amount: Decimal, *, entry: Any = None) -> Decimal:
    """An amount with its sign: above zero into the account; a part says it, or its entry does."""
    said = getattr(one, "cdt_dbt_ind", None) or entry.cdt_dbt_ind
    return amount if said.value == "CRDT" else -amount


def _signed(balance: Any) -> Decimal:
    value: Decimal = balance.amt.value
    return value if balance.cdt_dbt_ind.value == "CRDT" else -value


def _status(entry: Any) -> str:
    said = entry.sts
    code = getattr(said, "cd", said)  # a choice since version .08
    return str(getattr(code, "value", code))


def _day(entry: Any) -> str:
    said = entry.bookg_dt or entry.val_dt
    if said is None:
        raise BadInput("an entry has neither booking nor value date")
    return str(said.dt if said.dt is not None else said.dt_tm)


def _plain(text: Any) -> str:
    return "" if text is None else str(text).strip()
