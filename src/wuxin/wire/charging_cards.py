"""OCPP: which cards may charge, from a list that the operator keeps.

Source: OCPP 1.6 §7.2 (AuthorizationStatus), §7.27 (IdTagInfo), §7.28 and §7.15 (IdToken is a
CiString20Type: capitals and small letters are the same); 2.0.1 Part 2 §2 (IdTokenInfoType).
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, NamedTuple

from wuxin.terms.clock import iso, moment
from wuxin.terms.errors import BadInput

ACCEPTED: Final = "Accepted"


class Card(NamedTuple):
    """A card of the list: its id, its group, until when it is valid (ISO 8601; empty: for ever).

    A card that is ``blocked`` may not charge; one with ``several`` may at several points at once.
    """

    id: str
    group: str = ""
    expires: str = ""
    blocked: bool = False
    several: bool = False


class Verdict(NamedTuple):
    """What is said of a card: a status of the standard, its group, its end (ISO 8601).

    With ``alone`` the card may charge at one point at a time.
    """

    status: str
    group: str = ""
    expires: str = ""
    alone: bool = False

    def info(self, version: str) -> dict[str, Any]:
        """The ``idTagInfo`` of 1.6, or the ``idTokenInfo`` of 2.x."""
        info: dict[str, Any] = {"status": self.status}
        if version == "1.6":
            if self.expires:
                info["expiryDate"] = self.expires
            return info | ({"parentIdTag": self.group} if self.group else {})
        if self.expires:
            info["cacheExpiryDateTime"] = self.expires
        token = {"idToken": self.group, "type": "Central"}
        return info | ({"groupIdToken": token} if self.group else {})


Authorize = Callable[[str, str], Verdict]
"""Card and time (ISO 8601) to what is said of the card."""


class Cards:
    """The cards of a source.

    Args:
        cards: the list.
        any_card: whether a card that is not in the list may charge, too.

    Raises:
        BadInput: a card has no id or one that is too long, stands there twice, or its end is no
            time.
    """

    def __init__(self, cards: Sequence[Card], *, any_card: bool = False) -> None:
        self._any = any_card
        self._cards: dict[str, Card] = {}
        self._ends: dict[str, int] = {}
        for card in cards:
            key = card.id.casefold()
            if not 1 <= len(card.id) <= 36 or len(card.group) > 20:
                raise BadInput(f"card {card.id!r}: an id has 1 to 36 characters, a group up to 20")
            if key in self._cards:
                raise BadInput(f"card {card.id!r} stands there twice")
            self._cards[key] = card
            if card.expires:
                self._ends[key] = moment(card.expires)

    def __call__(self, card: str, now: str) -> Verdict:
        """What is said of a card at a time; an :data:`Authorize`."""
        key = card.casefold()
        known = self._cards.get(key)
        if known is None:
            return Verdict(ACCEPTED if self._any else "Invalid")
        status = ACCEPTED
        if known.blocked:
            status = "Blocked"
        elif key in self._ends and moment(now) >= self._ends[key]:
            status = "Expired"
        end = iso(self._ends[key]) if key in self._ends else ""
        return Verdict(status, known.group, end, alone=not known.several)


def card_of(payload: Mapping[str, Any]) -> str:
    """The card that a call names, in any version; empty if none."""
    token = payload.get("idToken")
    return str(payload.get("idTag") or (token.get("idToken", "") if token else ""))
