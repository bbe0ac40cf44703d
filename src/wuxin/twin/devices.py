"""The register of devices: their life, their keys, and to which thing each is bound, through time.

    delivered → installed → commissioned → in_service ⇄ suspended → retired

A device that is suspended or retired is not listened to. What it reported is of the thing to which
it was bound at the time of the measurement, not of the one that it hangs on today.
"""

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from wuxin.terms.clock import moment
from wuxin.terms.errors import BadInput, Conflict
from wuxin.terms.names import thing_key

MOVES: Final[Mapping[str, tuple[str, ...]]] = {
    "": ("delivered", "installed"),
    "delivered": ("installed", "retired"),
    "installed": ("installed", "commissioned", "retired"),
    "commissioned": ("installed", "in_service", "suspended", "retired"),
    "in_service": ("installed", "suspended", "retired"),
    "suspended": ("installed", "in_service", "retired"),
    "retired": (),
}
"""To which states a device may go; one that is installed again may be bound to another thing."""

HEARD: Final = frozenset({"installed", "commissioned", "in_service"})
"""States in which a device may speak: from its installation on, since commissioning needs that."""


@dataclass(slots=True)
class Device:
    """One device: its state since when (ns), the digest of its secret, its public key (PEM).

    ``bound`` has the event times (ns) from which it was bound, ``things`` to what (``kind:id``);
    ``model`` is what the pack calls such a device, where that is known.
    """

    name: str
    state: str = ""
    since: int = 0
    secret: str = ""
    public_key: str = ""
    bound: list[int] = field(default_factory=list)
    things: list[str] = field(default_factory=list)
    model: str = ""


class Devices:
    """The devices of one source.

    Args:
        strangers: whether a device that is not registered is listened to.

    ``version`` is 0 while nothing is registered and nothing has to be, and another number whenever
    what is said of a device may be different from before.
    """

    def __init__(self, *, strangers: bool = True) -> None:
        self.version = 0 if strangers else 1
        self._strangers = strangers
        self._devices: dict[str, Device] = {}
        self._bound: dict[str, list[Device]] = {}
        self._indexed = -1

    def __len__(self) -> int:
        return len(self._devices)

    def get(self, name: str) -> Device | None:
        """A device by the name under which it reports."""
        return self._devices.get(name)

    def bound_to(self, thing: str) -> list[Device]:
        """The devices that are bound to a thing (``kind:id``) now, in order of registration."""
        if self._indexed != self.version:
            self._bound, self._indexed = {}, self.version
            for device in self._devices.values():
                if device.things:
                    self._bound.setdefault(device.things[-1], []).append(device)
        return self._bound.get(thing, [])

    def all(self) -> list[Device]:
        """All devices, in order of registration."""
        return [*self._devices.values()]

    def move(self, body: Mapping[str, Any], at: int) -> Device:
        """Take a device to another state, or give it other keys; see :meth:`moved`."""
        device = self._devices[str(body.get("device", ""))] = self.moved(body, at)
        self.version += 1
        return device

    def moved(self, body: Mapping[str, Any], at: int) -> Device:
        """A device as it would be after a command, which changes nothing here.

        Args:
            body: ``device``; ``to``, the state, left out where only keys or model change;
                ``thing`` (``kind:id``) to which it is bound from then on, needed where it is
                installed; where given ``secret`` (the digest of its password), ``public_key``
                (PEM), ``model`` and ``since`` (ISO 8601), from when it is bound where that is not
                ``at``.
            at: the event time (ns) from which that holds.

        Raises:
            BadInput: a name is missing or cannot be meant.
            Conflict: a device in its state cannot go there.
        """
        name, to = str(body.get("device", "")), str(body.get("to") or "")
        if not name:
            raise BadInput("device is missing: the name under which it reports")
        known = self._devices.get(name, Device(name))
        thing = str(thing_key(str(body["thing"]))) if body.get("thing") else ""
        if to or thing or known.state in {"", "retired"}:
            self._check(known, to, thing=thing)
        since = moment(str(body["since"])) if body.get("since") else at
        if known.bound and thing and since < known.bound[-1]:
            raise Conflict(f"device {name!r} was bound later than that already")
        given = {k: str(body[k]) for k in ("secret", "public_key", "model") if body.get(k)}
        fresh = bool(thing) and known.things[-1:] != [thing]
        return replace(
            known, state=to or known.state, since=at if to else known.since,
            bound=[*known.bound, *([since] if fresh else [])],
            things=[*known.things, *([thing] if fresh else [])], **given,
        )  # fmt: skip

    def _check(self, known: Device, to: str, *, thing: str) -> None:
        """Raise unless a device may go to a state, and knows on what it is installed."""
        if to not in MOVES or not to:
            raise BadInput(f"{to!r} is no state of a device; there are {', '.join([*MOVES][1:])}")
        if to not in MOVES[known.state]:
            now = known.state or "not registered"
            raise Conflict(f"device {known.name!r} is {now}, not to be {to}")
        if to == "installed" and not (thing or known.things):
            raise BadInput(f"device {known.name!r} is installed on nothing; say which thing")

    def refuses(self, *names: str) -> str:
        """Why a device is not listened to; empty if it is.

        The first of the names decides that is registered: the speaker, then of whom it speaks.
        """
        known = next((d for d in map(self._devices.get, names) if d is not None), None)
        if known is None:
            return "" if self._strangers else f"device {names[0]!r} is not registered"
        if known.state in HEARD:
            return ""
        return f"device {known.name!r} is {known.state}, so it is not listened to"

    def bound_since(self, name: str) -> tuple[int, str] | None:
        """From when on (ns) a device is bound to its present thing, and which that is."""
        known = self._devices.get(name)
        return None if known is None or not known.bound else (known.bound[-1], known.things[-1])

    def public_key(self, name: str) -> bytes | None:
        """The public key (PEM) by which a device signs, if it is known."""
        known = self._devices.get(name)
        return known.public_key.encode() if known is not None and known.public_key else None

    def thing_of(self, name: str, at: int) -> str | None:
        """What a device was bound to at an event time (ns); None before it was."""
        known = self._devices.get(name)
        if known is None:
            return None
        place = bisect_right(known.bound, at)
        return known.things[place - 1] if place else None

    def freeze(self) -> list[Any]:
        """All devices as plain values."""
        return [
            [d.name, d.state, d.since, d.secret, d.public_key, d.bound, d.things, d.model]
            for d in self._devices.values()
        ]

    def thaw(self, kept: list[Any]) -> None:
        """Take over what :meth:`freeze` gave."""
        for row in kept:
            name, state, since, secret, key, bound, things, *model = row  # older ones have none
            known = Device(name, state, since, secret, key, [*bound], [*things], *model)
            self._devices[name] = known
            self.version += 1
