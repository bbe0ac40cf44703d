"""A flow at rest: all that it remembers as plain values and arrays, and a flow from those again.

What is frozen is a function of the journal alone, so a state file can be made anywhere and twice.
"""

import hashlib
from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from wuxin import __version__
from wuxin.flow import Flow
from wuxin.stores.journal import Opened
from wuxin.stores.snapshot import Snapshot
from wuxin.terms.names import Digest, Tenant, ThingKey
from wuxin.terms.records import Finding
from wuxin.terms.standards import Pack

SCHEMA: Final = f"10/{__version__}"
"""What must be equal for a state file to be used: its form, counted, and Wuxin's version."""

_Arrays = dict[str, NDArray[Any]]
_CLOCK: Final = ("watermark", "closed", "midnight", "tick", "ended", "position", "told")


def freeze(flow: Flow, number: int) -> Snapshot:
    """What a flow remembers after entry ``number``: plain values, and arrays by name."""
    registered = {name: line.registry.freeze() for name, line in flow.lines.items()}
    meta = {
        "packs": {name: line.pack.digest for name, line in flow.lines.items()},
        "lines": [[name, told] for name, (told, _) in registered.items()],
        "sources": [
            [
                msgspec.to_builtins(s.opened),
                [getattr(s, c) for c in _CLOCK],
                s.devices.freeze(),
                s.contents.freeze() if s.contents is not None else b"",
            ]
            for s in flow.sources.values()
        ],
        "frames": flow.frames.freeze(),
        "bank": flow.bank.freeze(),
        "recent": [*flow.recent],
        "open": [
            [pack, list(key), rule, msgspec.to_builtins(found)]
            for (pack, key, rule), found in flow.open.items()
        ],
        "arrival": flow.arrival,
        "entry": flow.entry,
    }
    arrays = {
        f"{name}.{k}": v
        for name, line in flow.lines.items()
        for k, v in _of_line(registered[name][1], line.twin.freeze()).items()
    }
    return Snapshot(number, SCHEMA, meta, arrays)


def thaw(
    kept: Snapshot, tenant: Tenant, *, packs: Callable[[str], Pack], lanes: int = 1
) -> Flow | None:
    """A flow from what :func:`freeze` gave; None where a pack has changed since."""
    meta, flow = kept.meta, Flow(tenant, packs, lanes=lanes)
    if any(packs(name).digest != digest for name, digest in meta["packs"].items()):
        return None
    for name, registered in meta["lines"]:
        line = flow.lines[name] = flow.line_of(name)
        own = _under(f"{name}.", kept.arrays)
        line.registry.thaw(registered, _under("registry.", own))
        line.twin.thaw(own)
    for opened, clock, devices, contents in meta["sources"]:
        source = flow.source_of(msgspec.convert(opened, Opened))
        for name, value in zip(_CLOCK, clock, strict=True):
            setattr(source, name, value)
        source.devices.thaw(devices)
        if source.contents is not None:
            source.contents.thaw(contents)
    flow.frames.thaw(meta["frames"])
    flow.bank.thaw(meta["bank"])
    flow.recent = dict.fromkeys(map(Digest, meta["recent"]))
    for pack, key, rule, found in meta["open"]:
        flow.open[pack, ThingKey(*key), rule] = msgspec.convert(found, Finding)
    flow.arrival, flow.entry = meta["arrival"], Digest(meta["entry"])
    return flow


def digest(flow: Flow) -> str:
    """SHA-256 over all that a flow remembers, in hexadecimal."""
    kept = freeze(flow, 0)
    found = hashlib.sha256(msgspec.msgpack.encode(kept.meta))
    for name, array in sorted(kept.arrays.items()):
        found.update(name.encode())
        found.update(np.ascontiguousarray(array).data.cast("B") if array.size else b"")
    return found.hexdigest()


def _of_line(registered: Mapping[str, NDArray[Any]], twin: Mapping[str, NDArray[Any]]) -> _Arrays:
    return {**{f"registry.{name}": array for name, array in registered.items()}, **twin}


def _under(prefix: str, arrays: Mapping[str, NDArray[Any]]) -> _Arrays:
    return {k[len(prefix) :]: v for k, v in arrays.items() if k.startswith(prefix)}
