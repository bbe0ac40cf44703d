"""The workload of the hot path: a fleet that reports, with a share of late, doubled and wrong data.

50,000 devices report eight values every ten seconds of event time in Wuxin's own JSON frame; 1 % of
the messages are up to five minutes late, 0.5 % come twice, 0.3 % of them hold a value out of range.
Twenty rules: values with hysteresis, rates, means and maxima over panes, a geofence; seven with a
duration. The figures are random walks; nothing here is measured.
"""

import json
from typing import NamedTuple

import numpy as np

from wuxin.terms.clock import HOUR, MINUTE, SECOND, iso
from wuxin.terms.names import Digest, ThingKey
from wuxin.terms.records import Words
from wuxin.terms.standards import Device, Indicator, Kind, Pack, Rule
from wuxin.terms.standards import Valuation as Worthless

START = 490_000 * HOUR
W = Words("基准", "benchmark")
NAMES = ("current", "power", "speed", "heat", "latitude", "longitude", "torque", "noise")
LOW, HIGH = -180.0, 1000.0
YARD = [[31.0 + 0.2 * np.sin(a), 121.0 + 0.2 * np.cos(a)] for a in np.linspace(0, 6.28, 9)[:-1]]


class Law(NamedTuple):
    """A rule: its condition, that of its end (empty: the first no longer holds), minutes."""

    when: str
    clear: str
    minutes: int = 0


def laws() -> list[Law]:
    """The twenty rules."""
    found = [
        Law(f"{n} > {h}", f"{n} < {h - 8}", k % 3)
        for k, (n, h) in enumerate(
            zip(
                ("current", "power", "speed", "heat", "torque", "noise"),
                (70, 71, 72, 69, 73, 70),
                strict=True,
            )
        )
    ]
    found += [
        Law(f"rate({n}) > {r}", "") for n, r in (("current", 2.2), ("power", 2.3), ("heat", 2.4))
    ]
    found += [
        Law(f"avg_over_time({n}, '10 min') > {h}", f"avg_over_time({n}, '10 min') < {h - 2}", m)
        for n, h, m in (("heat", 58, 1), ("power", 58, 0), ("noise", 59, 2))
    ]
    found += [
        Law(f"max_over_time({n}, '10 min') - min_over_time({n}, '10 min') > 34", "", m)
        for n, m in (("heat", 0), ("power", 1))
    ]
    found += [
        Law("inside_geofence = 0 AND speed > 40", ""),
        Law("current > 60 AND speed < 38", "", 1),
        Law("power > 62 AND current < 36", ""),
        Law("heat > 62 AND noise > 64", "", 0),
        Law("abs(torque - noise) > 85", ""),
        Law("coalesce(torque, 0) + speed > 190", "torque + speed < 185", 0),
    ]
    return found


def pack() -> Pack:
    """The fleet's pack: one kind, eight indicators and two that are derived, twenty rules."""
    indicators = {
        n: Indicator(n, W, ("machine",), "1", "1", LOW, HIGH, W, "mqtt", "owner") for n in NAMES
    }
    for name in ("inside_geofence", "silence"):
        indicators[name] = Indicator(
            name, W, ("machine",), "1", "1", -1.0, 1e9, W, "twin", "bank", derived=True
        )
    rules = {
        f"r{k:02d}": Rule(
            name=f"r{k:02d}",
            kind="machine",
            level="amber",
            when=law.when,
            clear=law.clear,
            lasting=law.minutes * MINUTE,
            value="heat",
            limit=None,
            clear_limit=None,
            words=W,
            bank=W,
            enterprise=W,
            examples=(),
        )
        for k, law in enumerate(laws())
    }
    device = Device(
        name="box",
        words=W,
        of="machine",
        feeds=NAMES,
        protocol="wuxin",
        accuracy="",
        resolution="",
        period=10 * SECOND,
        allowed_silence=30 * MINUTE,
        synchrony="",
        health=W,
        remote=W,
        emergency=W,
    )
    return Pack(
        "benchmark",
        W,
        {"machine": Kind("machine", W), "facility": Kind("facility", W)},
        indicators,
        {"box": device},
        rules,
        {},
        (),
        b"",
        lambda *_: Worthless((), None, (W,), ()),
        Digest("0" * 64),
    )


def things(count: int) -> list[ThingKey]:
    """The machines."""
    return [ThingKey("machine", f"M{n:06d}") for n in range(count)]


def batches(devices: int, messages: int, *, size: int = 10_000) -> list[list[bytes]]:
    """Messages in order of arrival, cut into batches."""
    dice = np.random.default_rng(42)
    base = dice.normal(50, 6, (devices, len(NAMES)))
    found: list[bytes] = []
    for k in range(messages):
        device, turn = k % devices, k // devices
        values = np.round(base[device] + dice.normal(0, 4, len(NAMES)), 2).tolist()
        values[4] = round(31.0 + dice.normal(0, 0.06), 6)
        values[5] = round(121.0 + dice.normal(0, 0.06), 6)
        chance = dice.random()
        if chance < 0.003:
            values[1] = 1e6
        late = int(dice.integers(1, 300)) * SECOND if 0.003 <= chance < 0.013 else 0
        said = {
            "device": f"machine:M{device:06d}",
            "boot": "b1",
            "seq": turn,
            "time": iso(START + turn * 10 * SECOND - late),
            "readings": dict(zip(NAMES, values, strict=True)),
        }
        found.append(json.dumps(said, separators=(",", ":")).encode())
        if 0.013 <= chance < 0.018:
            found.append(found[-1])
    found = found[:messages]
    return [found[a : a + size] for a in range(0, len(found), size)]


def burst(count: int) -> list[bytes]:
    """One device that was out of reach sends all at once, as a satellite modem does."""
    return batches(1, count, size=count)[0]
