"""The emergency call: from a suspicion to help on the way, with who did what and when.

    quiet ─ crash, airbag, button ─► suspected ─ confirmed, or nobody answers ─► calling ─► helped
                                        └──────── the driver says no ─────────► cancelled

A button or an airbag calls at once. A collision that only the speed shows is asked about first, for
thirty seconds: a wrong call takes an ambulance from somebody else.
"""

from collections.abc import Mapping
from typing import Any, Final, Literal

import msgspec

from wuxin.terms.clock import MINUTE, SECOND, iso
from wuxin.terms.errors import BadInput, Conflict

ANSWER_WITHIN: Final = 30 * SECOND
"""How long (ns) the driver is asked before silence counts as a yes."""

ESCALATE_AFTER: Final = 3 * MINUTE
"""How long (ns) a call may wait for the rescue centre before a person is told again."""

Stage = Literal["quiet", "suspected", "calling", "helped", "cancelled"]
Sign = Literal["button", "airbag", "crash", "collision", "possible_collision"]
Word = Literal["driver_needs_help", "driver_is_well", "centre_has_it", "rescue_arrived"]

_AT_ONCE: Final = frozenset(("button", "airbag", "crash"))


class Call(msgspec.Struct, frozen=True):
    """One emergency: its stage, since when (ns), what began it, and all that was said."""

    vehicle: str
    stage: Stage = "quiet"
    since: int = 0
    sign: str = ""
    history: tuple[tuple[int, str], ...] = ()


def noticed(call: Call, sign: Sign, *, at: int) -> Call:
    """A sign of an accident: a button, an airbag, a crash pulse, or a collision by speed."""
    if call.stage in {"calling", "helped"} or (
        call.stage == "suspected" and sign not in _AT_ONCE and sign != "collision"
    ):
        return _note(call, sign, at=at)
    stage: Stage = "calling" if sign in _AT_ONCE else "suspected"
    return _moved(call, stage, at=at, why=sign, sign=sign)


def waited(call: Call, *, at: int) -> Call:
    """Time has passed: a suspicion that nobody denied in time becomes a call."""
    if call.stage == "suspected" and at - call.since >= ANSWER_WITHIN:
        if call.sign == "possible_collision":
            return _note(call, "unanswered_for_a_person_to_judge", at=at)
        return _moved(call, "calling", at=at, why="no answer", sign=call.sign)
    return call


def said(call: Call, word: Word, *, at: int) -> Call:
    """What the driver, the rescue centre or the rescuers said.

    Raises:
        Conflict: the stage does not allow it.
    """
    match (call.stage, word):
        case ("suspected", "driver_needs_help"):
            return _moved(call, "calling", at=at, why=word, sign=call.sign)
        case ("suspected" | "calling", "driver_is_well"):
            return _moved(call, "cancelled", at=at, why=word, sign=call.sign)
        case ("calling", "centre_has_it"):
            return _note(call, word, at=at)
        case ("calling", "rescue_arrived"):
            return _moved(call, "helped", at=at, why=word, sign=call.sign)
    raise Conflict(f"a call that is {call.stage} cannot be told {word!r}")


def is_overdue(call: Call, *, at: int) -> bool:
    """Whether a call has waited for the centre for too long."""
    heard = any(why == "centre_has_it" for _, why in call.history)
    return call.stage == "calling" and not heard and at - call.since >= ESCALATE_AFTER


def message(call: Call, *, place: Mapping[str, Any]) -> dict[str, Any]:
    """What the rescue centre is told: the minimum set of data.

    Args:
        call: which stage it has.
        place: ``latitude``, ``longitude`` (degrees), ``direction`` (degrees), ``at`` (ns of the
            position), and ``occupants``, ``energy`` (what it runs on) where known.

    Raises:
        BadInput: there is no position: a voice call goes on without it.

    Source: the contents of EN 15722 (eCall minimum set of data): identification, time, position,
    direction, propulsion, number of passengers, automatic or by hand. The encoding is not that of
    the standard.
    """
    for name in ("latitude", "longitude", "at"):
        if name not in place:
            raise BadInput(f"the emergency message has no {name}")
    return {
        "vehicle": call.vehicle,
        "time": iso(call.since),
        "automatic": call.sign != "button",
        "sign": call.sign,
        "latitude": place["latitude"],
        "longitude": place["longitude"],
        "position_time": iso(int(place["at"])),
        "position_can_be_trusted": call.since - int(place["at"]) <= MINUTE,
        **{k: place[k] for k in ("direction", "occupants", "energy") if k in place},
    }


def _moved(call: Call, stage: Stage, *, at: int, why: str, sign: str) -> Call:
    return Call(call.vehicle, stage, at, sign, (*call.history, (at, why)))


def _note(call: Call, why: str, *, at: int) -> Call:
    return msgspec.structs.replace(call, history=(*call.history, (at, why)))
