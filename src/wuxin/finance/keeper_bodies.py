"""The forms of the orders about pledges. Weights are text with a unit, moments ISO 8601."""

from collections.abc import Sequence
from decimal import Decimal, InvalidOperation
from typing import Annotated, Any, Final, Literal

import msgspec

from wuxin.finance.identity import Identity, identity
from wuxin.finance.pledges import Insurance, Place
from wuxin.terms.clock import moment
from wuxin.terms.errors import BadInput
from wuxin.terms.names import Digest
from wuxin.terms.pledging import Elsewhere

Unit = Literal["g", "kg", "t"]
_GRAMS: Final = {"g": 1, "kg": 1_000, "t": 1_000_000}
_HEAVIEST: Final = 10**15
Sha256 = Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$")]
Latitude = Annotated[float, msgspec.Meta(ge=-90, le=90)]
Longitude = Annotated[float, msgspec.Meta(ge=-180, le=180)]


class Number(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A number that goods carry: its scheme (serial, lot, tag, ear, receipt, box, gs1) and text."""

    scheme: str
    text: str
    issuer: str = ""


class PlaceSaid(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where goods lie: a name, and WGS-84 degrees where they are known."""

    name: str
    latitude: Latitude | None = None
    longitude: Longitude | None = None

    def place(self) -> Place:
        """The place as the register has it."""
        return Place(self.name, self.latitude, self.longitude)


class InsuranceSaid(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The policy on the goods, and when it ends."""

    policy: str
    insurer: str
    ends: str

    def insurance(self) -> Insurance:
        """The policy as the register has it."""
        return Insurance(self.policy, self.insurer, moment(self.ends))


class PledgeThing(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A thing (``kind:id``) that is pledged, by what it is known, where it lies, whose it is.

    ``elsewhere`` is what a registry of several banks said; it is asked, and cannot be ordered.
    """

    thing: str
    identities: Annotated[list[Number], msgspec.Meta(min_length=1, max_length=20)]
    owner: str
    custodian: str
    place: PlaceSaid
    lien: Annotated[int, msgspec.Meta(ge=1, le=9)] | None = None
    junior: bool | None = None
    registry: str = ""
    weight: str | int | None = None
    unit: Unit = "kg"
    insurance: InsuranceSaid | None = None
    documents: list[Sha256] = []
    elsewhere: Elsewhere | None = None

    def papers(self) -> tuple[Digest, ...]:
        """The title documents by their digests."""
        return tuple(Digest(one) for one in dict.fromkeys(self.documents))


class AmendPledge(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What has changed about a pledge, and why; what is left out stays as it is."""

    thing: str
    reason: str
    custodian: str | None = None
    place: PlaceSaid | None = None
    registry: str | None = None
    weight: str | int | None = None
    unit: Unit = "kg"
    insurance: InsuranceSaid | None = None
    documents: list[Sha256] | None = None

    def changes(self) -> dict[str, Any]:
        """What is to be different in the register."""
        found: dict[str, Any] = {}
        if self.custodian is not None:
            found["custodian"] = self.custodian
        if self.registry is not None:
            found["registry"] = self.registry
        if self.place is not None:
            found["place"] = self.place.place()
        if self.weight is not None:
            found["weight_g"] = grams(self.weight, self.unit)
        if self.insurance is not None:
            found["insurance"] = self.insurance.insurance()
        if self.documents is not None:
            found["documents"] = tuple(Digest(one) for one in dict.fromkeys(self.documents))
        return found


class RegistryAnswer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a registry of several banks says of a thing that is pledged here already."""

    thing: str
    elsewhere: Elsewhere


class Spot(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where a thing was found, WGS-84 degrees."""

    thing: str
    latitude: Latitude
    longitude: Longitude


class Survey(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What was found of a pool: the numbers that were read, what was weighed, where things are.

    ``counted`` says that all were looked for, so that none being read is a count of none;
    ``device`` is with what it was done.
    """

    seen: list[Number] = []
    counted: bool = False
    weight: str | int | None = None
    unit: Unit = "kg"
    places: list[Spot] = []
    device: str = ""


def identities(numbers: Sequence[Number]) -> tuple[Identity, ...]:
    """Numbers in their one form, each once.

    Raises:
        BadInput: one of them is none; the text names it.
    """
    found = (identity(one.scheme, one.text, issuer=one.issuer) for one in numbers)
    return tuple(dict.fromkeys(found))


def grams(weight: str | int | None, unit: Unit) -> int | None:
    """A weight in whole grams; None where there is none.

    Raises:
        BadInput: it is no weight, is below zero, or finer than a gram.
    """
    if weight is None:
        return None
    try:
        found = Decimal(str(weight)) * _GRAMS[unit]
    except InvalidOperation:
        raise BadInput(f"weight {weight!r} is no number") from None
    if not found.is_finite() or not 0 <= found <= _HEAVIEST or found != int(found):
        raise BadInput(f"weight {weight!r} {unit} is no weight of whole grams")
    return int(found)
