"""The field: devices and carriers under one simulated clock and one dice, without a bank.

A device keeps each message until somebody acknowledges it, over reboots too, and sends it again
meanwhile. It has at most 64 numbers of one run on their way, as the house remembers no more. Its
clock is wrong, drifts and is set now and then. A carrier loses, doubles, delays, spoils and gathers
what it is given, in both directions, and is cut off for hours.
"""

import heapq
import itertools
import json
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from wuxin.terms.clock import DAY, HOUR, MINUTE, SECOND, iso

START: Final = 480_000 * HOUR
WINDOW: Final = 64
MILLISECOND: Final = SECOND // 1000

Key = tuple[str, str, int]
"""A message's name: device, run (boot) and number in it."""


class Message(NamedTuple):
    """A message as it was sent, or as it arrived."""

    key: Key
    payload: bytes
    spoilt: bool = False


@dataclass
class World:
    """What happens when: a heap of things to come, and the dice that all throw."""

    dice: random.Random
    now: int = START
    counts: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._order = itertools.count()
        self._coming: list[tuple[int, int, Callable[[], None]]] = []

    def after(self, delay_ns: float, do: Callable[[], None]) -> None:
        """Do something later."""
        heapq.heappush(self._coming, (self.now + int(delay_ns), next(self._order), do))

    def run(self, until: int) -> None:
        """Let time pass."""
        while self._coming and self._coming[0][0] <= until:
            self.now, _, do = heapq.heappop(self._coming)
            do()
        self.now = until

    def chance(self, share: float) -> bool:
        """Throw the dice."""
        return self.dice.random() < share

    def wait(self, mean_ns: float) -> int:
        """A time to wait, often short and sometimes long."""
        return int(self.dice.expovariate(1 / mean_ns))

    def count(self, what: str, more: int = 1) -> None:
        """Count for the trace."""
        self.counts[what] = self.counts.get(what, 0) + more


@dataclass
class Carrier:
    """A network between some devices and the bank.

    Args:
        world: clock and dice.
        loss: share of packets that are lost; as many are doubled, a quarter of it is spoilt.
        delay_ns: the mean delay; one packet in fifty takes a hundred times as long.
        pass_ns: packets wait for the next pass of a gateway or satellite; 0 for none.
    """

    world: World
    loss: float
    delay_ns: int
    pass_ns: int
    cut_until: int = 0

    def start(self) -> None:
        """Begin to be cut off now and then."""
        self.world.after(self.world.wait(10 * HOUR), self._cut)

    def carry(self, message: Message, deliver: Callable[[Message], None]) -> None:
        """Take a packet; it arrives some time, never, or twice."""
        world = self.world
        if world.now < self.cut_until or world.chance(self.loss):
            world.count("lost")
            return
        copies = 1 + world.chance(self.loss)
        world.count("doubled", copies - 1)
        for _ in range(copies):
            slow = 100 if world.chance(0.02) else 1
            at = world.now + world.wait(self.delay_ns * slow)
            if self.pass_ns:
                at += -at % self.pass_ns + world.wait(SECOND)
            arrived = message
            if message.payload and world.chance(self.loss / 4):
                arrived = Message(message.key, spoilt(message.payload, world.dice), spoilt=True)
                world.count("spoilt")
            world.after(at - world.now, lambda m=arrived: deliver(m))  # type: ignore[misc]

    def _cut(self) -> None:
        self.cut_until = self.world.now + self.world.wait(3 * HOUR)
        self.world.count("partitions")
        self.start()


def spoilt(payload: bytes, dice: random.Random) -> bytes:
    """Bytes of which one has its highest bit turned over: no text any more, if they were one."""
    data = bytearray(payload)
    data[dice.randrange(len(data))] ^= 0x80
    return bytes(data)


@dataclass
class _Kept:
    message: Message
    tries: int = 0
    due: int = 0


class Device:
    """One device that measures one thing.

    Args:
        world: clock and dice.
        thing: what it measures, kind:id; it speaks in its name.
        carrier: by which it sends.
        send: where its packets come out at the other end.
    """

    def __init__(
        self, world: World, thing: str, *, carrier: Carrier, send: Callable[[Message], None]
    ) -> None:
        dice = world.dice
        self.world, self.thing, self._carrier, self._send = world, thing, carrier, send
        self.sent: dict[Key, bytes] = {}
        self.acknowledged: set[Key] = set()
        self._kept: dict[Key, _Kept] = {}
        self._boot, self._seq = 0, 0
        self._period = dice.choice([10, 15, 20, 30]) * MINUTE
        self._clock_error, self._drift = 0, dice.uniform(-50e-6, 50e-6)
        self._set_at, self._times, self._full = world.now, set[int](), 25_000.0
        self._asleep_until = 0

    def start(self) -> None:
        """Begin to live."""
        self._reboot()
        self._measure()
        self._transmit()

    def hear(self, message: Message) -> None:
        """An acknowledgement has come: the message need not be kept."""
        if self._kept.pop(message.key, None):
            self.acknowledged.add(message.key)
            self.world.count("acknowledged")

    @property
    def waiting(self) -> int:
        """How many messages nobody has acknowledged yet."""
        return len(self._kept)

    def _clock(self) -> int:
        """What its clock says (ns), in whole milliseconds, and never the same twice."""
        now = self.world.now
        said = now + self._clock_error + int((now - self._set_at) * self._drift)
        said -= said % MILLISECOND
        while said in self._times:
            said += MILLISECOND
        self._times.add(said)
        return said

    def _reboot(self) -> None:
        """A new run: numbers begin again, and the clock may be as wrong as it likes."""
        world = self.world
        self._boot, self._seq = self._boot + 1, 0
        wrong = world.dice.choice([0, 0, 0, 0, 90 * SECOND, -20 * MINUTE, 26 * HOUR, -300 * DAY])
        self._clock_error, self._set_at = wrong, world.now
        world.count("reboots")
        world.after(world.wait(16 * HOUR), self._reboot)
        world.after(world.wait(HOUR), self._set_clock)

    def _set_clock(self) -> None:
        self._clock_error = self.world.dice.randrange(-3000, 3000) * MILLISECOND
        self._set_at = self.world.now

    def _measure(self) -> None:
        world = self.world
        world.after(self._period * world.dice.uniform(0.9, 1.1), self._measure)
        if world.now < self._asleep_until:
            return
        if world.chance(0.004):
            self._asleep_until = world.now + world.wait(12 * HOUR)
            world.count("sleeps")
        key, self._seq = (self.thing, f"run-{self._boot}", self._seq), self._seq + 1
        said = {
            "device": self.thing, "boot": key[1], "seq": key[2], "time": iso(self._clock()),
            "readings": self._readings(),
        }  # fmt: skip
        payload = json.dumps(said, separators=(",", ":")).encode()
        self.sent[key] = payload
        self._kept[key] = _Kept(Message(key, payload))
        world.count("messages")
        if world.chance(0.5):
            self._transmit_now()

    def _readings(self) -> dict[str, float]:
        dice = self.world.dice
        if self.thing.startswith("price_series:"):
            return {"price": round(dice.gauss(7000, 700), 2)}
        self._full = 25_000.0 if dice.random() < 0.2 else self._full - dice.choice([0, 0, 0, 2500])
        found: dict[str, Any] = {"net_weight": round(self._full + dice.gauss(0, 20), 1)}
        if self._seq % 7 == 1:
            found["authorised_weight"] = {"value": 25, "unit": "t"}
        if dice.random() < 0.1:
            found |= {"latitude": dice.uniform(0, 12), "longitude": dice.uniform(0, 12)}
        if dice.random() < 0.02:
            found["net_weight"] = -1.0  # out of range
        return found

    def _transmit(self) -> None:
        self.world.after(self.world.wait(10 * MINUTE), self._transmit)
        if self.world.now >= self._asleep_until:
            self._transmit_now()

    def _transmit_now(self) -> None:
        oldest: dict[str, int] = {}
        for (_, boot, seq), kept in self._kept.items():
            first = oldest.setdefault(boot, seq)
            if kept.due <= self.world.now and seq < first + WINDOW:
                self.world.count("sent")
                self.world.count("sent again", kept.tries > 0)
                kept.due = self.world.now + (10 * MINUTE << min(kept.tries, 4))
                kept.tries += 1
                self._carrier.carry(kept.message, self._send)


def things(count: int) -> Sequence[str]:
    """The things of so many devices: lots, and the price of what is in them."""
    return ["price_series:copper", *(f"lot:L{n}" for n in range(1, count))]
