"""The design that the kernel is compared with: one message at a time, msgspec and dictionaries.

Written as well as that design allows: typed decoding, slotted objects, rules as compiled Python
expressions, no garbage collector. It gives the same findings as the kernel on the same messages.
"""

import math
from datetime import datetime
from typing import Any

import msgspec

from fleet import HIGH, LOW, NAMES, YARD, Law, laws
from wuxin.risk.rules import Compiled
from wuxin.terms.clock import DAY, MINUTE
from wuxin.terms.standards import PANE

EPOCH = datetime.fromisoformat("1970-01-01T00:00:00+00:00")
INDEX = {name: k for k, name in enumerate((*NAMES, "inside_geofence", "silence"))}
NAN = math.nan


class Message(msgspec.Struct):
    """One message as it stands in the frame."""

    device: str
    boot: str
    seq: int
    time: datetime
    readings: dict[str, float]


class Machine:
    """All that is remembered of one machine."""

    __slots__ = (
        "bits",
        "boot",
        "high",
        "panes",
        "rate",
        "seen",
        "since",
        "status",
        "time",
        "value",
    )

    def __init__(self, rules: int) -> None:
        n = len(INDEX)
        self.value, self.time, self.rate = [NAN] * n, [-1] * n, [NAN] * n
        self.panes: list[dict[int, list[float]]] = [{} for _ in range(n)]
        self.status, self.since = [0] * rules, [0] * rules
        self.boot, self.high, self.bits, self.seen = "", 0, 0, 0


def python_of(text: str) -> Any:
    """A rule's SQL as a compiled Python expression over ``m`` (a machine) and ``t`` (ns)."""
    code = text.replace(" = ", " == ").replace("AND", "and").replace(", '10 min'", "")
    for term in ("avg", "max", "min"):
        code = code.replace(f"{term}_over_time(", f"{term}_of(m, t, ")
    code = code.replace("rate(", "rate_of(m, ").replace("coalesce(torque, 0)", "torque")
    for name, k in INDEX.items():
        code = code.replace(f"rate_of(m, {name})", f"m.rate[{k}]")
        for term in ("avg", "max", "min"):
            code = code.replace(f"{term}_of(m, t, {name})", f"{term}_of(m, t, k={k})")
        code = code.replace(name, f"v[{k}]")
    scope = {"avg_of": average, "max_of": highest, "min_of": lowest}
    ready = compile(f"lambda m, v, t: {code}", text, "eval")
    return eval(ready, scope)  # noqa: S307 - our own text


def average(m: Machine, t: int, *, k: int) -> float:
    """Mean over this pane and the one before."""
    p, panes = t // PANE, m.panes[k]
    a, b = panes.get(p - 1), panes.get(p)
    count, total = (
        (a[0] if a else 0) + (b[0] if b else 0),
        (a[1] if a else 0.0) + (b[1] if b else 0.0),
    )
    return total / count if count else NAN


def highest(m: Machine, t: int, *, k: int) -> float:
    """Maximum over this pane and the one before."""
    p, panes = t // PANE, m.panes[k]
    a, b = panes.get(p - 1), panes.get(p)
    return max(a[3] if a else -math.inf, b[3] if b else -math.inf)


def lowest(m: Machine, t: int, *, k: int) -> float:
    """Minimum over this pane and the one before."""
    p, panes = t // PANE, m.panes[k]
    a, b = panes.get(p - 1), panes.get(p)
    return min(a[2] if a else math.inf, b[2] if b else math.inf)


class PerMessage:
    """The twin, one message at a time."""

    def __init__(self, compiled: Compiled) -> None:
        self.machines: dict[str, Machine] = {}
        self.decode = msgspec.json.Decoder(Message).decode
        self.over_time = {INDEX[t.indicator] for t in compiled.terms if t.panes}
        self.rules = [self._rule(law, compiled, k=k) for k, law in enumerate(laws())]
        self.zone = [(y, x) for y, x in YARD]

    def _rule(self, law: Law, compiled: Compiled, *, k: int) -> tuple[Any, Any, int, int]:
        reads = sum(1 << INDEX[name] for name in compiled.reads(k))
        end = python_of(law.clear) if law.clear else None
        return python_of(law.when), end, law.minutes * MINUTE, reads

    def take(self, payload: bytes, *, latest: int, out: list[Any]) -> None:
        """Take one message; what begins and ends goes to ``out``."""
        said = self.decode(payload)
        delta = said.time - EPOCH
        t = (delta.days * 86_400 + delta.seconds) * 1_000_000_000 + delta.microseconds * 1000
        m = self.machines.get(said.device)
        if m is None:
            m = self.machines[said.device] = Machine(len(self.rules))
        if not 0 <= t <= latest + DAY or self._repeated(m, said):
            return
        touched, value, time = 0, m.value, m.time
        for name, v in said.readings.items():
            k = INDEX[name]
            known = time[k]
            if not LOW <= v <= HIGH or t == known:
                continue
            m.seen = max(m.seen, t)
            if k in self.over_time:
                self._land(m, k, t=t, v=v)
            if t > known:
                if known >= 0:
                    m.rate[k] = (v - value[k]) / ((t - known) / 1e9)
                value[k], time[k] = v, t
                touched |= 1 << k
        if touched & 48:
            value[8], time[8] = float(self._inside(value[4], value[5])), t
            touched |= 256
        if touched:
            self._judge(m, t, device=said.device, touched=touched, out=out)

    def _repeated(self, m: Machine, said: Message) -> bool:
        if said.boot != m.boot:
            m.boot, m.high, m.bits = said.boot, said.seq, 1
            return False
        ahead = said.seq - m.high
        if ahead > 0:
            m.bits, m.high = (m.bits << ahead | 1) & (2**64 - 1), said.seq
            return False
        bit = 1 << -ahead
        if ahead <= -64 or m.bits & bit == 0:
            m.bits |= bit if ahead > -64 else 0
            return False
        return True

    def _land(self, m: Machine, k: int, *, t: int, v: float) -> None:
        panes, p = m.panes[k], t // PANE
        pane = panes.get(p)
        if pane is None:
            if panes and p <= max(panes) - 3:
                return
            panes[p] = [1, v, v, v]
            if len(panes) > 3:
                del panes[min(panes)]
            return
        pane[0] += 1
        pane[1] += v
        if v < pane[2]:
            pane[2] = v
        elif v > pane[3]:
            pane[3] = v

    def _inside(self, y: float, x: float) -> bool:
        odd, (yj, xj) = False, self.zone[-1]
        for yk, xk in self.zone:
            if (yk > y) != (yj > y) and x < (xj - xk) * (y - yk) / (yj - yk) + xk:
                odd = not odd
            yj, xj = yk, xk
        return odd

    def _judge(self, m: Machine, t: int, *, device: str, touched: int, out: list[Any]) -> None:
        v = m.value
        for k, (when, end, lasting, reads) in enumerate(self.rules):
            if not touched & reads:
                continue
            status = m.status[k]
            if status == 2:
                if end(m, v, t) if end else not when(m, v, t):
                    m.status[k] = 0
                    out.append((k, device, False, t))
            elif not when(m, v, t):
                m.status[k] = 0
            else:
                if status == 0:
                    m.status[k], m.since[k] = 1, t
                if t - m.since[k] >= lasting:
                    m.status[k] = 2
                    out.append((k, device, True, t))
