"""What a bank's statement of an account says, whatever message it came in. Money is decimal text.

It is the body of the order ``bank_statement`` and what :mod:`wuxin.protocols.camt053` reads.
"""

from typing import Annotated, Literal

import msgspec

_Text = Annotated[str, msgspec.Meta(max_length=500)]


class StatementLine(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An amount (not below zero) that was booked ``in`` to the account or ``out`` of it.

    ``at`` is the booking day or time, ISO 8601. A ``reversal`` takes back an earlier line of the
    other way. ``references`` are the documents that the payer names in structured form, ``text``
    what is written besides; ``party`` is the name of the other side.
    """

    reference: _Text
    at: str
    amount: str | int
    way: Literal["in", "out"]
    reversal: bool = False
    end_to_end: _Text = ""
    references: Annotated[list[_Text], msgspec.Meta(max_length=1000)] = []
    text: Annotated[str, msgspec.Meta(max_length=20_000)] = ""
    party: _Text = ""


class BankStatement(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A statement of one account in one currency, with its booked lines.

    ``opening`` and ``closing`` may be below zero. ``document`` is the SHA-256 of the message that
    it was read from; ``pending`` how many entries of it are not booked and so are not lines.
    """

    id: _Text
    account: _Text
    currency: Annotated[str, msgspec.Meta(pattern="^[A-Z]{3}$")]
    opening: str | int
    closing: str | int
    lines: Annotated[list[StatementLine], msgspec.Meta(max_length=50_000)]
    owner: _Text = ""
    document: Annotated[str, msgspec.Meta(pattern="^([0-9a-f]{64})?$")] = ""
    pending: Annotated[int, msgspec.Meta(ge=0)] = 0
