"""camt.053 in two versions: bookings, batches, reversals, references, and what is refused."""

import subprocess
import sys
from decimal import Decimal

import pytest

from wuxin.protocols.camt053 import read
from wuxin.terms.errors import BadInput
from wuxin.terms.names import digest

DAY = "2026-01-02"


def party(name: str, version: str) -> str:
    return f"<Nm>{name}</Nm>" if version < "08" else f"<Pty><Nm>{name}</Nm></Pty>"


def details(
    version: str, *, amount: str = "", end: str = "E2E", remit: str = "", other: str = "mine",
) -> str:  # fmt: skip
    told = f'<Amt Ccy="CNY">{amount}</Amt>' if version != "02" else (
        f'<AmtDtls><TxAmt><Amt Ccy="CNY">{amount}</Amt></TxAmt></AmtDtls>')  # fmt: skip
    sides = f"<Dbtr>{party('mill', version)}</Dbtr><Cdtr>{party(other, version)}</Cdtr>"
    return (
        f"<TxDtls><Refs><EndToEndId>{end}</EndToEndId></Refs>{told if amount else ''}"
        f"<RltdPties>{sides}</RltdPties><RmtInf>{remit}</RmtInf></TxDtls>"
    )


def entry(
    version: str, amount: str, *, way: str, dtls: str = "", sts: str = "BOOK", more: str = "",
) -> str:  # fmt: skip
    status = sts if version < "08" else f"<Cd>{sts}</Cd>"
    code = "<BkTxCd><Prtry><Cd>X</Cd></Prtry></BkTxCd>"
    return (
        f'<Ntry><Amt Ccy="CNY">{amount}</Amt><CdtDbtInd>{way}</CdtDbtInd>{more}'
        f"<Sts>{status}</Sts><BookgDt><Dt>{DAY}</Dt></BookgDt><AcctSvcrRef>B{amount}</AcctSvcrRef>"
        f"{code}<NtryDtls>{dtls}</NtryDtls></Ntry>"
    )


def balance(code: str, amount: str, *, way: str = "CRDT") -> str:
    return (
        f'<Bal><Tp><CdOrPrtry><Cd>{code}</Cd></CdOrPrtry></Tp><Amt Ccy="CNY">{amount}</Amt>'
        f"<CdtDbtInd>{way}</CdtDbtInd><Dt><Dt>{DAY}</Dt></Dt></Bal>"
    )


def message(version: str, *entries: str, closing: str = "0", bal: str | None = None) -> bytes:
    balances = balance("OPBD", "5000") + balance("CLBD", closing) if bal is None else bal
    return (
        f'<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.{version}"><BkToCstmrStmt>'
        f"<GrpHdr><MsgId>M</MsgId><CreDtTm>{DAY}T20:00:00</CreDtTm></GrpHdr><Stmt><Id>S-1</Id>"
        f"<CreDtTm>{DAY}T20:00:00</CreDtTm><Acct><Id><IBAN>DE02 1203 0000 0000 2020 51</IBAN></Id>"
        f"<Ccy>CNY</Ccy><Ownr><Nm>mill</Nm></Ownr></Acct>{balances}{''.join(entries)}"
        "</Stmt></BkToCstmrStmt></Document>"
    ).encode()


STRD = "<Strd><RfrdDocInf><Nb>{}</Nb></RfrdDocInf>{}</Strd>"
PAID = '<RfrdDocAmt><RmtdAmt Ccy="CNY">{}</RmtdAmt></RfrdDocAmt>'


@pytest.mark.parametrize("version", ["02", "08", "12"])
def test_a_booking_is_a_line_with_its_references_and_the_other_side(version: str) -> None:
    remit = "<Ustrd>for copper</Ustrd>" + STRD.format("INV-1", "")
    part = details(version, remit=remit)
    data = message(version, entry(version, "1000.50", way="DBIT", dtls=part), closing="3999.50")
    [found] = read(data)
    assert (found.id, found.account, found.currency) == ("S-1", "DE02120300000000202051", "CNY")
    assert (found.opening, found.closing, found.owner) == ("5000", "3999.50", "mill")
    assert found.document == digest(data)
    [line] = found.lines
    assert (line.amount, line.way, line.reversal, line.at) == ("1000.50", "out", False, DAY)
    assert (line.reference, line.end_to_end, line.party) == ("B1000.50", "E2E", "mine")
    assert (line.references, line.text) == (["INV-1"], "for copper")


@pytest.mark.parametrize("version", ["02", "08"])
def test_a_batch_is_a_line_for_each_transaction_where_they_add_up(version: str) -> None:
    parts = [details(version, amount=a, end=f"E{a}") for a in ("600", "400")]
    [found] = read(message(version, entry(version, "1000", way="CRDT", dtls="".join(parts))))
    assert [(x.amount, x.way, x.end_to_end, x.party) for x in found.lines] == [
        ("600", "in", "E600", "mill"), ("400", "in", "E400", "mill"),
    ]  # fmt: skip
    assert [line.reference for line in found.lines] == ["B1000/1", "B1000/2"]
    [short] = read(message(version, entry(version, "1001", way="CRDT", dtls="".join(parts))))
    assert [(line.amount, line.end_to_end) for line in short.lines] == [("1001", "")]
    untold = "".join(details(version) for _ in range(2))
    assert len(read(message(version, entry(version, "9", way="CRDT", dtls=untold)))[0].lines) == 1


def test_a_transaction_that_pays_several_documents_is_a_line_for_each() -> None:
    remit = STRD.format("INV-1", PAID.format("700")) + STRD.format("INV-2", PAID.format("300"))
    [found] = read(message("08", entry("08", "1000", way="DBIT", dtls=details("08", remit=remit))))
    assert [(x.amount, x.references) for x in found.lines] == [
        ("700", ["INV-1"]), ("300", ["INV-2"]),
    ]  # fmt: skip
    odd = remit.replace("700", "701")
    [found] = read(message("08", entry("08", "1000", way="DBIT", dtls=details("08", remit=odd))))
    assert [(x.amount, x.references) for x in found.lines] == [("1000", ["INV-1", "INV-2"])]


def test_a_reversal_says_so_and_what_is_not_booked_is_no_line() -> None:
    back = entry("08", "1000", way="CRDT", dtls=details("08"), more="<RvslInd>true</RvslInd>")
    [found] = read(message("08", back, entry("08", "5", way="DBIT", sts="PDNG")))
    [line] = found.lines
    assert (line.way, line.reversal, line.party, found.pending) == ("in", True, "mine", 1)


def test_balances_may_be_below_zero_and_interim_on_a_page_in_the_middle() -> None:
    bal = balance("ITBD", "5", way="DBIT") + balance("ITBD", "7.10")
    [found] = read(message("02", bal=bal))
    assert (Decimal(found.opening), Decimal(found.closing)) == (Decimal(-5), Decimal("7.10"))


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "this is not XML"),
        (b"<Document/>", "no camt.053"),
        (message("02").replace(b"053.001.02", b"052.001.02"), "no camt.053"),
        (message("02").replace(b"001.02", b"001.99"), "no camt.053"),
        (b'<!DOCTYPE a [<!ENTITY b "c">]>' + message("02"), "declares no entities"),
        (message("02", bal=balance("OPBD", "1")), "no opening or no closing balance"),
        (message("02", bal=""), "no opening or no closing balance"),
        (message("08").replace(b"<IBAN>DE02 1203 0000 0000 2020 51</IBAN>", b""), "names its"),
        (message("08", entry("08", "x", way="DBIT")), "cannot be read"),
        (
            message("08", entry("08", "1", way="DBIT").replace('Ccy="CNY"', 'Ccy="EUR"')),
            "is in EUR",
        ),
        (message("08").replace(b"<Id>S-1</Id>", b""), "cannot be read"),
    ],
)
def test_what_is_no_statement_is_refused_and_says_why(data: bytes, why: str) -> None:
    with pytest.raises(BadInput, match=why):
        read(data)


def test_the_library_is_loaded_when_a_statement_is_read_and_not_before() -> None:
    code = (
        "import sys, wuxin.protocols.camt053\n"
        "assert not [m for m in sys.modules if m.startswith(('pyiso20022', 'xsdata'))]"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
