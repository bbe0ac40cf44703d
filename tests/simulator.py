"""Days of devices, carriers, power cuts and a real home, in seconds and always the same.

    python -m tests.simulator --seed 7 --days 2 --devices 12

Deterministic simulation: one dice, one simulated clock, no waiting. The field (``field.py``) sends,
the bank takes what has arrived, and now and then the power goes: the house is left as it lies, all
in memory is gone, the journal may have a torn tail, and opening it again may be cut short as well
(``power.py``). After each crash and at the end ``truth.py`` says what must be so.
"""

import argparse
import hashlib
import os
import random
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.field import START, Carrier, Device, Key, Message, World, spoilt, things
from tests.power import (
    BETWEEN,
    KEEPING,
    OPENING,
    POINTS,
    SEGMENT_BYTES,
    SIZES,
    Crash,
    Fuse,
    guarded,
    left,
)
from tests.truth import Truth, told
from wuxin.audit import audit
from wuxin.home import DEFAULT_TENANT, Home, Written, keys
from wuxin.stores.journal import Arrived, Entry, Told
from wuxin.terms.clock import DAY, HOUR, MINUTE, SECOND, Nanos, iso
from wuxin.terms.durable import private_file
from wuxin.terms.records import Command
from wuxin.wire.packed import packed

SOURCE: Final = "field"


class Bank:
    """The other end: a real home, what has arrived and waits, and who was told what."""

    def __init__(self, world: World, folder: Path, *, fuse: Fuse) -> None:
        self.world, self.folder, self.fuse = world, folder, fuse
        self.things: list[str] = []
        self.devices: dict[str, Device] = {}
        self.carriers: dict[str, Carrier] = {}
        self.acknowledged: set[Key] = set()
        self.home: Home | None = None
        self._waiting: list[Message] = []
        self._written: list[Written] = []
        self._back = 0
        self.truth: Truth | None = None

    def start(self) -> None:
        """Open the house and begin to take turns."""
        self._open()
        self.world.after(self.world.wait(20 * MINUTE), self._turn)

    def arrive(self, message: Message) -> None:
        """A packet has come out of a carrier; where nobody is in, it is lost."""
        if self.home is None:
            self.world.count("lost")
        else:
            self._waiting.append(message)

    def close(self) -> None:
        """Judge and keep everything, and close the house."""
        self.fuse.disarm()
        if self.home is None:
            self._open()
        assert self.home
        self._judge(self.home)
        self.check()
        self.home.close()
        self.home = None

    def check(self) -> None:
        """Compare with the truth.

        Raises:
            AssertionError: something is not as it must be.
        """
        assert self.home
        if self.truth is None:
            sent = {name: device.sent for name, device in self.devices.items()}
            self.truth = Truth(keys(self.folder, DEFAULT_TENANT)[1], sent, DEFAULT_TENANT)
        self.truth.follow(self.home, self.world.dice)
        wrong = list(self.truth.faults(self.home, self.acknowledged))
        assert not wrong, f"after {self.fuse.burnt[-4:]}: {wrong[:3]}, {len(wrong)} faults"

    def _clock(self) -> Nanos:
        """The machine's clock, which is set back now and then."""
        if self.world.chance(0.02):
            self._back = self.world.dice.choice([0, 5 * SECOND, HOUR])
        return Nanos(self.world.now - self._back)

    def _open(self) -> None:
        """Open the house, as often as it takes, and introduce the field."""
        while True:
            if self.world.chance(0.4):
                self.fuse.arm(OPENING)
                self.fuse.left = 0
            home = Home.__new__(Home)
            try:
                lanes = self.world.dice.choice([1, 1, 1, 2])
                home.__init__(self.folder, clock=self._clock, lanes=lanes)  # type: ignore[misc]
                self._introduce(home)
            except Crash:
                self.world.count("crashes while opening")
                left(home)
                continue
            self.fuse.disarm()
            home.journal._segment_bytes, home.history._sizes = SEGMENT_BYTES, SIZES
            self.home = home
            return

    def _introduce(self, home: Home) -> None:
        split = [thing.split(":") for thing in self.things]
        known = [{"kind": "warehouse", "id": "WH"}] + [
            {"kind": kind, "id": name} if kind != "lot" else
            {"kind": kind, "id": name, "parent": "warehouse:WH", "geofence": "yard"}
            for kind, name in split
        ]  # fmt: skip
        yard = {"yard": [[0, 0], [0, 10], [10, 10], [10, 0]]}
        home.attend(SOURCE, "logistics", things=known, geofences=yard)
        if not home.flow.bank.desk.facilities():
            command = Command("open_facility", START, "approver", "F-1", FACILITY)
            home.accept(Told(SOURCE, home.clock(), command))

    def _turn(self) -> None:
        """Take what has arrived; now and then keep or restart, and now and then the power goes."""
        world = self.world
        world.after(world.wait(45 * MINUTE), self._turn)
        if self.home is None:
            return
        if world.chance(0.25):
            self.fuse.arm((*POINTS, *BETWEEN))
        taken, self._waiting = self._waiting, []
        try:
            self._take(self.home, taken=taken)
            self._keep(self.home, 0.1)
            if world.chance(0.03):
                world.count("restarts")
                self.home.close()
                self._written = []
                self._open()
        except Crash:
            self._fall()

    def _take(self, home: Home, *, taken: list[Message]) -> None:
        world, entries = self.world, list[Entry]()
        left_over = taken
        while left_over:
            cut = world.dice.randrange(1, 100)
            some, left_over = left_over[:cut], left_over[cut:]
            frame = packed(SOURCE, [m.payload for m in some])
            entries.append(Arrived(SOURCE, home.clock(), (frame,), f"turn {world.now}"))
        if world.chance(0.02):
            body = {"amount": f"{world.dice.randrange(1, 90)}00.00"}
            command = Command("top_up", world.now, "obligor", "F-1", body)
            entries.append(Told(SOURCE, home.clock(), command))
        if not entries:
            return
        world.count("batches")
        self._written.append(home.append(entries))
        for message in taken:
            self._acknowledge(message)
        self.fuse.passes("appended")
        if not world.chance(0.2):
            self._judge(home)

    def _judge(self, home: Home) -> None:
        """Judge what is written, one piece at a time; a home may be kept between two."""
        while self._written:
            cut = self.world.dice.randrange(1, len(self._written) + 1)
            home.process(self._written[cut - 1])
            del self._written[:cut]
            self.fuse.passes("judged")
            self._keep(home, 0.05)

    def _keep(self, home: Home, share: float) -> None:
        if self.fuse.point in KEEPING or self.world.chance(share):
            self.world.count("keeps")
            home.keep()

    def _acknowledge(self, message: Message) -> None:
        """Tell the sender, by the same carrier; a spoilt packet is none to a carrier's checksum."""
        if not message.spoilt:
            self.acknowledged.add(message.key)
            device = self.devices[message.key[0]]
            back = Message(message.key, b"")
            self.carriers[message.key[0]].carry(back, device.hear)

    def _fall(self) -> None:
        """The power goes, may take a state file with it, and is back at once or after a while."""
        assert self.home
        self.world.count("crashes")
        left(self.home)
        self.home, self._waiting, self._written = None, [], []
        states = sorted((self.folder / DEFAULT_TENANT / "state").glob("*.snap"))
        if states and self.world.chance(0.15):
            self.world.count("state files damaged")
            states[-1].write_bytes(spoilt(states[-1].read_bytes(), self.world.dice))
        if self.world.chance(0.3):
            self.world.after(self.world.wait(HOUR), self._rise)
        else:
            self._rise()

    def _rise(self) -> None:
        self._open()
        self.check()


FACILITY: Final = {
    "id": "F-1", "obligor": "A trader", "pack": "logistics", "currency": "USD",
    "pool": {"root": "warehouse:WH", "kind": "lot"}, "principal": "900000.00",
    "opened": iso(START), "haircut": "0.30", "maximum_loan_to_value": "0.60",
    "target_loan_to_value": "0.50", "call_deadline": "6 h", "minimum_transfer": "1000.00",
    "rounding": "100.00", "on_overdue": "escalate",
    "terms": {"price": "price_series:copper", "price_unit": "USD/t", "price_valid_for": "30 d"},
}  # fmt: skip


@dataclass(frozen=True)
class Trace:
    """What happened in a simulation, and the digest of what came of it."""

    counts: dict[str, int]
    burnt: list[str]
    digest: str


def simulate(seed: int, *, days: float, devices: int) -> Trace:
    """Run a field and a bank for so many days.

    Raises:
        AssertionError: an invariant does not hold; the text begins with the command to repeat it.
    """
    place = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None  # noqa: S108 - our own folder
    with tempfile.TemporaryDirectory(prefix="wuxin-simulator-", dir=place) as name:
        try:
            return _simulated(Path(name), seed, days=days, devices=devices)
        except Exception as wrong:
            again = f"python -m tests.simulator --seed {seed} --days {days} --devices {devices}"
            raise AssertionError(f"{again}\n{type(wrong).__name__}: {wrong}") from wrong


def _simulated(folder: Path, seed: int, *, days: float, devices: int) -> Trace:
    world = World(random.Random(seed))  # noqa: S311 - repeatable, nothing secret
    for name in ("log.key", "sealing.key"):
        path = folder / "bank" / DEFAULT_TENANT / "keys" / name
        private_file(path, lambda: world.dice.randbytes(32))
    fuse = Fuse(world.dice)
    bank = Bank(world, folder / "bank", fuse=fuse)
    carriers = [
        Carrier(world, 0.02, 5 * SECOND, 0),
        Carrier(world, 0.10, 2 * MINUTE, 0),
        Carrier(world, 0.05, MINUTE, 90 * MINUTE),
    ]
    bank.things = list(things(devices))
    for number, thing in enumerate(bank.things):
        carrier = bank.carriers[thing] = carriers[number % len(carriers)]
        bank.devices[thing] = Device(world, thing, carrier=carrier, send=bank.arrive)
    with guarded(fuse):
        bank.start()
        for carrier in carriers:
            carrier.start()
        for device in bank.devices.values():
            device.start()
        world.run(START + int(days * DAY))
        bank.close()
    found = audit(bank.folder, DEFAULT_TENANT)
    assert found.faults == [], found.faults
    digest = _again(bank, folder / "again")
    assert bank.truth
    world.count("findings and acts", bank.truth.records)
    world.count("repeats beyond memory", bank.truth.forgotten)
    world.count("entries", bank.truth.last)
    return Trace(dict(sorted(world.counts.items())), fuse.burnt, digest)


def _again(bank: Bank, folder: Path) -> str:
    """Bring the same journal through a fresh house in one go, and compare all that came of it."""
    shutil.copytree(bank.folder / DEFAULT_TENANT / "keys", folder / DEFAULT_TENANT / "keys")
    dice = bank.world.dice
    with Home(bank.folder, clock=bank._clock) as home:
        entries = [entry for _, _, entry in home.journal.read()]
        lived = told(home)
    with Home(folder, clock=bank._clock, lanes=3) as fresh:
        while entries:
            cut = dice.randrange(1, 30)
            fresh.accept_many(entries[:cut])
            entries = entries[cut:]
        wanted = told(fresh)
    differ = [part for part in wanted if wanted[part] != lived[part]]
    assert not differ, f"an uninterrupted run has other {differ}"
    return hashlib.sha256(repr(sorted(lived.items())).encode()).hexdigest()


def main() -> None:
    """Run one simulation and print its trace."""
    parser = argparse.ArgumentParser(description="Simulate devices, carriers and power cuts.")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--days", type=float, default=2)
    parser.add_argument("--devices", type=int, default=12)
    given = parser.parse_args()
    trace = simulate(given.seed, days=given.days, devices=given.devices)
    for what, count in trace.counts.items():
        print(f"{what:24}{count:8}")  # noqa: T201 - the trace
    print("power went", ", ".join(trace.burnt))  # noqa: T201 - the trace
    print("digest", trace.digest)  # noqa: T201 - the trace


if __name__ == "__main__":
    main()
