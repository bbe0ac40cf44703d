"""Terms and commands that are refused, each with a sentence that names the field."""

from collections.abc import Mapping
from typing import Any

import pytest

from tests.rooms.test_finance import BANK, TERMS, Bank, Pool, obey
from wuxin.finance.desk import Desk
from wuxin.finance.facility import read_terms
from wuxin.terms.errors import BadInput, Conflict, NotFound, Refused


@pytest.mark.parametrize(
    ("do", "body", "error", "said"),
    [
        ("open_facility", TERMS, Conflict, "already open"),
        ("open_facility", {**TERMS, "id": "F-2"}, BadInput, "its terms are 'F-2'"),
        ("dance", {}, BadInput, "no command 'dance'; commands are open_facility, top_up"),
        ("top_up", {}, BadInput, "top_up: .*`amount`"),
        ("top_up", {"amount": 0.1}, BadInput, "top_up: Expected `int | str`"),
        ("top_up", {"amount": "-5"}, BadInput, "above zero"),
        ("top_up", {"amount": "0.001"}, BadInput, "whole minor units"),
        ("repay", {"amount": "5800000.01"}, Conflict, "more than the 5800000.00"),
        ("dispose", {"price": "6500"}, Conflict, "no one quantity"),
    ],
)
def test_a_refused_command_changes_nothing(
    do: str, body: Mapping[str, Any], error: type[Refused], said: str
) -> None:
    bank = Bank(Pool())
    before = bank.desk.facilities()
    with pytest.raises(error, match=said):
        bank.tell(do, "2008-07-02", **body)
    assert bank.desk.facilities() == before


def test_a_command_for_an_unknown_facility_is_not_found() -> None:
    with pytest.raises(NotFound, match="no facility 'F-1'"):
        obey(Desk(BANK), Pool(), said=("repay", "2008-07-02", {"amount": "1"}))


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("haircut", None, "has no haircut"),
        ("hair_cut", "0.1", "unknown field 'hair_cut'"),
        ("haircut", 0.1, 'haircut = 0.1 must be text such as "0.10"'),
        ("haircut", "1", 'must be at least "0" and below "1"'),
        ("maximum_loan_to_value", "0.69", "target_loan_to_value = '0.70' must be above 0"),
        ("target_loan_to_value", "0.7000001", "six decimal places"),
        ("target_loan_to_value", "seventy", "is not a number"),
        ("principal", "0", "principal = '0' cannot be meant"),
        ("currency", "dollar", "principal = '5800000' cannot be meant: 'dollar' is not an ISO"),
        ("opened", "31.7.2008", "opened = '31.7.2008' cannot be read"),
        ("call_deadline", "soon", "call_deadline = 'soon' cannot be read"),
        ("pool", {"root": "WH-1", "kind": "lot"}, "pool = .* cannot be read"),
        ("pool", "WH-1", "pool = 'WH-1' must be"),
        ("on_overdue", "shrug", 'must be "dispose" or "escalate"'),
        ("valuation_days", -1, "whole number of days"),
        ("obligor", "", "obligor = '' must be text"),
        ("terms", "copper", "terms = 'copper' must be a table"),
    ],
)
def test_terms_that_cannot_be_meant_are_named(field: str, value: Any, said: str) -> None:
    table = {**TERMS, field: value}
    if value is None:
        del table[field]
    with pytest.raises(BadInput, match=f"facility 'F-1'.*{said}"):
        read_terms(table)
