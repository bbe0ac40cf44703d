"""What a bank asks a registry of pledges that several banks keep, and what it is told.

The registry itself is a room of the joint wing; the bank knows it by this port alone.
"""

from typing import Literal, Protocol

import msgspec

State = Literal["clear", "held", "alike", "unreached"]
"""``held``: a number is pledged elsewhere. ``alike``: goods of that weight are pledged elsewhere on
the same spot. ``unreached``: nobody could say."""

Then = Literal["enter", "mark", "refuse"]
"""What the bank does: enter the pledge; enter it, with a finding that speaks against the goods
until the registry says otherwise; refuse it."""


class GoodsNumber(msgspec.Struct, frozen=True):
    """A number that goods carry: its scheme, the number, and who gave it, as the bank has them."""

    scheme: str
    value: str
    issuer: str = ""

    def __str__(self) -> str:
        return f"{self.scheme} {self.value}" + (f" of {self.issuer}" if self.issuer else "")


class Claim(msgspec.Struct, frozen=True):
    """Goods that are to stand behind a loan, by all that another bank could know them by.

    ``pledge`` is the bank's own name for the pledge. Places are WGS-84 degrees, weights grams;
    ``documents`` are SHA-256 digests of papers.
    """

    pledge: str
    numbers: tuple[GoodsNumber, ...]
    documents: tuple[str, ...] = ()
    latitude_deg: float | None = None
    longitude_deg: float | None = None
    weight_g: int | None = None
    lien: int = 1
    junior: bool = False


class Elsewhere(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a registry said of a claim at a moment (ns), and what the bank's settings make of it.

    ``by`` are the numbers that are held; ``contact`` is whom to call, where the holder and the
    registry's policy let it be told; ``why`` says why nobody could be reached.
    """

    state: State
    then: Then
    at: int
    by: tuple[str, ...] = ()
    contact: str = ""
    why: str = ""


class PledgeGate(Protocol):
    """A bank's way to a registry of pledges."""

    def lodge(self, claim: Claim) -> Elsewhere:
        """Ask whether goods are pledged elsewhere, and enter them if they are not.

        It answers in a bounded time, and with ``unreached`` rather than with an error.
        """
        ...

    def withdraw(self, pledge: str) -> bool:
        """Take a pledge out of the registry; False where that has to be tried again."""
        ...

    def lodged(self) -> frozenset[str]:
        """The names of the pledges that stand in the registry, or may do so."""
        ...
