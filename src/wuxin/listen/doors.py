"""Who may charge at a source of charging stations, what is open there, who shows a certificate."""

import ssl
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import msgspec

from wuxin.home import Home
from wuxin.stores import schema
from wuxin.terms.clock import DAY
from wuxin.terms.envelope import START, unwrap
from wuxin.terms.errors import BadInput
from wuxin.terms.records import Frame
from wuxin.wire.charging_cards import Card, Cards
from wuxin.wire.packed import messages

RECALLED_NS: Final = 7 * DAY
"""How far back the journal is asked for transactions; a car does not charge for a week."""


_WORD: Final = b'"transaction":'


class Listed(msgspec.Struct, forbid_unknown_fields=True):
    """A card in the file of sources: :class:`wuxin.wire.charging_cards.Card`."""

    id: str
    group: str = ""
    expires: str = ""
    blocked: bool = False
    several: bool = False


def cards(source: str, listed: Sequence[Listed], *, any_card: bool) -> Cards:
    """The cards of a source.

    Raises:
        BadInput: a card cannot be meant; names the source.
    """
    try:
        return Cards([Card(*msgspec.structs.astuple(card)) for card in listed], any_card=any_card)
    except BadInput as wrong:
        raise BadInput(f"source {source!r}: {wrong}") from None


def who_charges(source: str, listed: Sequence[Listed], *, any_card: bool) -> str:
    """One line for the operator about which cards may charge at a source."""
    if any_card:
        return f"{source}: any card may charge"
    if listed:
        return f"{source}: {len(listed)} cards are listed; no other may charge"
    return f"{source}: no card is listed, so nobody may charge; list cards or say any_card = true"


def recalled(home: Home, source: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """The transactions that the journal has of a source, in order: station, and what is known.

    The line before each message was written down with it, before the station was answered, so
    this is all that any station has been told of within :data:`RECALLED_NS`.
    """
    rows = home.book.rows(schema.batch, home.tenant, source=source)
    since = home.clock() - RECALLED_NS
    numbers = [row["n"] for row in rows if row["arrival"] >= since]
    if not numbers:
        return
    for _, entry in home.journal.arrived(source, after=min(numbers) - 1):
        for frame in entry.frames:
            yield from _transactions(frame)


def _transactions(frame: Frame) -> Iterator[tuple[str, dict[str, Any]]]:
    if _WORD not in frame.payload:
        return
    for said in messages(frame):
        # Of many stations nearly all that they say is what they measure, which opens and ends none.
        if not said.startswith(START) or _WORD not in said or b'"MeterValues"' in said:
            continue
        line, _ = unwrap(said)
        if isinstance(line.get("transaction"), dict) and "id" in line["transaction"]:
            yield str(line.get("station", "")), line["transaction"]


def ask_for_certificates(tls: ssl.SSLContext, authority: str, *, source: str) -> None:
    """Have a server demand of its peers a certificate that an authority (a PEM file) has given.

    Raises:
        BadInput: there is no such file, or no certificate in it; names the source.
    """
    try:
        tls.load_verify_locations(cadata=Path(authority).read_text("ascii"))
    except (OSError, ValueError) as wrong:  # an SSLError is an OSError
        raise BadInput(f"source {source!r}: its tls_ca: {wrong}") from None
    tls.verify_mode = ssl.CERT_REQUIRED
