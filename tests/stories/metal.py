"""A bank that lends on bulk metal: a warehouse, a clock that tests move, facts by order."""

from pathlib import Path
from typing import Any

from tests.homes import NOW
from wuxin.flow import Outcome
from wuxin.home import Home
from wuxin.terms.clock import DAY, Nanos
from wuxin.terms.records import Act, Cleared, Command, Finding

TERMS: dict[str, Any] = {
    "obligor": "mill", "currency": "CNY", "opened": "2026-01-01", "haircut": "0.30",
    "maximum_loan_to_value": "0.60", "target_loan_to_value": "0.50", "call_deadline": "7 d",
    "minimum_transfer": "1000", "pool": {"root": "warehouse:WH", "kind": "lot"},
}  # fmt: skip
PRICE = {"price": "price_series:copper", "price_unit": "CNY/t", "price_valid_for": "62 d"}


class Wall:
    """A clock that tests move."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> Nanos:
        return self.now

    def pass_days(self, days: float) -> None:
        """Move it on."""
        self.now = Nanos(self.now + int(days * DAY))


class Metal:
    """A house with a live warehouse and its trades."""

    def __init__(self, folder: Path) -> None:
        self.wall, self.folder = Wall(), folder
        self.home = Home(folder, clock=self.wall)
        lots = [{"kind": "lot", "id": n, "parent": "warehouse:WH"} for n in ("raw", "rod", "bar")]
        things = [{"kind": "warehouse", "id": "WH"}, *lots]
        self.home.attend("yard", "logistics", things=things)

    def reopen(self) -> None:
        """Close the house and go on from its state file."""
        self.home.close()
        self.home = Home(self.folder, clock=self.wall)
        assert self.home.passed == []

    def tell(self, do: str, *, role: str = "core_system", **body: Any) -> Outcome:
        """Give an order of the bank."""
        self.wall.now = Nanos(self.wall.now + 1)
        command = Command(do, self.wall.now, f"{role}:{role}", "", body, role)
        return self.home.order(command)

    def pass_days(self, days: float) -> Outcome:
        """Let time pass on the bank's own source."""
        self.wall.pass_days(days)
        return self.home.order(Command("pass_time", self.wall.now, "clock:wall"), source="bank")

    def lend(self, facility: str, principal: str, **trade: str) -> Outcome:
        """Open a facility that is lent on a stage of the trade, and pays out at once."""
        terms = {**TERMS, "id": facility, "principal": principal,
                 "terms": {**PRICE, "trade": trade}}  # fmt: skip
        if trade["stage"] != "lot":  # paper is lent on here, no goods
            terms["pool"] = {"root": f"warehouse:{facility}", "kind": "lot"}
        self.wall.now = Nanos(self.wall.now + 1)
        command = Command("open_facility", self.wall.now, "approver:a", facility, terms, "approver")
        return self.home.order(command, source="yard")

    def repay(self, facility: str, amount: str) -> Outcome:
        """Repay."""
        self.wall.now = Nanos(self.wall.now + 1)
        body = {"amount": amount}
        who = ("core_system:core", facility, body, "core_system")
        return self.home.order(Command("repay", self.wall.now, *who))

    def open(self) -> set[tuple[str, str]]:
        """Say the rules and subjects of all open findings on trades."""
        rows = self.home.book.findings(self.home.tenant, {"open": True, "kind": "trade"})
        return {(row["rule"], row["thing"]) for row in rows}

    # ---- papers of one trade ---------------------------------------------------------------

    def order(self, number: str = "PO-1", **more: Any) -> Outcome:
        said = {"buyer": "mill", "seller": "mine", "good": "copper", "quantity": "100", "unit": "t",
                "amount": "6000000.00", "currency": "CNY"}  # fmt: skip
        return self.tell("tell_order", **{"number": number, **said, **more})

    def invoice(self, number: str = "INV-1", tonnes: str = "100", **more: Any) -> Outcome:
        total = f"{int(tonnes) * 60000}.00"
        said = {"seller": "mine", "buyer": "mill", "order": "PO-1", "unit": "t", "total": total,
                "lines": [{"good": "copper", "quantity": tonnes, "amount": total}],
                "currency": "CNY"}  # fmt: skip
        return self.tell("tell_invoice", **{"number": number, **said, **more})

    def moved(self, way: str, kg: str, *, lot: str = "lot:raw", **more: Any) -> Outcome:
        said = {"reference": f"R{self.wall.now}", "order": "PO-1", "unit": "kg", "weighed": kg}
        told = {**said, "lot": lot, "way": way, "quantity": kg, **more}
        return self.tell("tell_movement", role="supervisor", **told)

    def paid(self, *lines: dict[str, Any], opening: str = "0", name: str = "S-1") -> Outcome:
        """Tell a statement of the mill's account with these lines."""
        total = sum(int(x["amount"]) * (1 if x["way"] == "in" else -1) for x in lines)
        return self.tell("bank_statement", id=name, account="MILL", currency="CNY",
                         opening=opening, closing=str(int(opening) + total),
                         lines=[*lines])  # fmt: skip


def line(amount: int, way: str, *, text: str = "", **more: Any) -> dict[str, Any]:
    """Write a line of a statement."""
    return {"reference": "B", "at": "2026-01-05", "amount": str(amount), "way": way,
            "text": text, **more}  # fmt: skip


def found(outcome: Outcome) -> set[tuple[str, str]]:
    """Say the rules and subjects of the findings that were raised."""
    said = [r for r in outcome.records if isinstance(r, Finding)]
    return {(r.rule, r.thing.id) for r in said if r.thing.kind == "trade"}


def ended(outcome: Outcome) -> int:
    """Count the findings that ended."""
    return sum(isinstance(r, Cleared) for r in outcome.records)


def warned(outcome: Outcome) -> set[tuple[str, str]]:
    """Say which facilities were warned, and of which rule."""
    said = [r for r in outcome.records if isinstance(r, Act) and r.kind == "early_warning"]
    return {(r.facility, r.figures["rule"]) for r in said}


def fact_of(outcome: Outcome) -> str:
    """Say the identity of the fact that was told."""
    return next(r.figures["fact"] for r in outcome.records
                if isinstance(r, Act) and r.kind == "trade_fact")  # fmt: skip
