"""What an event standard tells about goods that are traded, as it is handed to the bank.

Quantities are decimal text in the unit that is said. What an event does not tell is ``missing``, in
words; it is not guessed.
"""

from typing import Literal

import msgspec

from wuxin.terms.records import Words


class GoodsPart(msgspec.Struct, frozen=True):
    """A quantity of one lot; ``weighed`` is what a scale said of it, empty where none did."""

    lot: str
    quantity: str
    unit: str
    weighed: str = ""


class GoodsTold(msgspec.Struct, frozen=True):
    """One event about goods, at an event time (ns).

    ``what`` is "moved" (``outputs`` came in or went out, by ``way``) or "made" (``inputs`` became
    ``outputs``). ``reference`` is the same for the same event, whoever tells it. A ``void`` event
    is one that its author declares wrong.
    """

    at: int
    reference: str
    what: Literal["moved", "made"]
    way: Literal["in", "out", ""] = ""
    orders: tuple[str, ...] = ()
    invoices: tuple[str, ...] = ()
    advices: tuple[str, ...] = ()
    inputs: tuple[GoodsPart, ...] = ()
    outputs: tuple[GoodsPart, ...] = ()
    missing: tuple[Words, ...] = ()
    void: bool = False
