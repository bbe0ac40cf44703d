"""The devices of a home for people: which there are, how they are heard, and how they are changed.

A device is heard by the readings of the thing to which it is bound: those that its model feeds,
where the model is known. Silence is counted in event time, against the clock of its source: that of
the recording, and for what is live the wall clock.
"""

import json
import threading
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, Literal, NamedTuple

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from pydantic import BaseModel, Field

from wuxin.flow import DEVICE
from wuxin.home import Home
from wuxin.live import gate_to
from wuxin.portal import queries, views
from wuxin.portal.access import DEVICES, ROLES, Session
from wuxin.portal.visit import present
from wuxin.sources import Source
from wuxin.stores.journal import Told
from wuxin.terms.clock import iso, moment
from wuxin.terms.counter import check_writable
from wuxin.terms.errors import BadInput, Conflict, NotFound
from wuxin.terms.names import ThingKey, thing_key
from wuxin.terms.records import Command, Measured
from wuxin.twin.devices import HEARD, MOVES, Device
from wuxin.twin.layout import NEVER

Hearing = Literal["silent", "never", "heard", "not_heard"]
HEARINGS: Final[tuple[Hearing, ...]] = ("silent", "never", "heard", "not_heard")
"""How a device is heard: longer silent than allowed, never since it hangs there, well; or it is
suspended, retired or not yet installed, so that nobody listens to it."""

RECORDED: Final = "recorded"
"""The trust in what a recording says: nobody knows who spoke, the file is what it is."""

_NAME: Final = 64
_STEP: Final = 1000
"""How far apart (ns) two changes are at least: what is written has microseconds."""

_CHANGING: Final = threading.Lock()


class Change(BaseModel):
    """What somebody wants of a device, and why; what is left out stays as it is."""

    to: str = Field("", max_length=40, description="the state; left out: only keys change")
    thing: str = Field("", max_length=200, description="to what it is bound, kind:id")
    model: str = Field("", max_length=80, description="what the pack calls such a device")
    since: str = Field("", max_length=40, description="from when it is bound, ISO 8601")
    at: str = Field("", max_length=40, description="from when that holds, ISO 8601; now")
    secret: str = Field("", max_length=200, description="its password; only a digest is kept")
    public_key: str = Field("", max_length=4000, description="PEM")
    reason: str = Field("", max_length=500)


class Heard(NamedTuple):
    """The latest readings of a device: by indicator, the newest time (ns), and who vouches."""

    values: Mapping[str, Measured]
    time: int | None = None
    trust: str | None = None


def listed(
    home: Home, session: Session, *, where: Mapping[str, str], page: tuple[int, int]
) -> dict[str, Any]:
    """The devices that the session may see, by filter; the silent ones first.

    Args:
        home: whose devices.
        session: who asks.
        where: ``source``, ``state``, ``hearing``, and parts of ``thing`` (kind:id) and of a
            name (``q``).
        page: offset and number of rows.
    """
    every = [row for source in _sources(home, session) for row in _rows(home, source)]
    rows = [row for row in every if _fits(row, where)]
    rank = {hearing: n for n, hearing in enumerate(HEARINGS)}
    rows.sort(key=lambda r: (rank[r["hearing"]], r["source"], r["id"]))
    start, size = page
    return {
        "total": len(rows),
        "hearing": {name: sum(r["hearing"] == name for r in every) for name in HEARINGS},
        "sources": sorted({r["source"] for r in every}),
        "rows": rows[start : start + min(size, queries.PAGE)],
    }


def one(home: Home, session: Session, *, key: tuple[str, str]) -> dict[str, Any]:
    """One device (source and name): its life, bindings, latest readings and next steps.

    Raises:
        NotFound: there is none that the session may see.
    """
    source = _source(home, session, name=key[0])
    device = source.devices.get(key[1])
    if device is None:
        raise NotFound(f"source {key[0]!r} has no device {key[1]!r}")
    heard, pack = _heard(home, source, device=device), source.line.pack
    ends = [*device.bound[1:], None]
    bindings = zip(device.bound, ends, device.things, strict=False)
    return {
        **_row(home, source, device=device),
        "keys": {"secret": bool(device.secret), "public_key": device.public_key},
        "acts": _acts(home, session, key=key),
        "bindings": [
            {"from": iso(start), "to": iso(end) if end is not None else None, "thing": thing}
            for start, end, thing in bindings
        ][::-1],
        "readings": [
            {"indicator": name, "time": iso(m.event_time), "unit": pack.indicators[name].show,
             "value": views.figure(m.value, pack.indicators[name]),
             **queries.words(pack.indicators[name].words)}
            for name, m in heard.values.items()
        ],
        "next": [*MOVES[device.state]],
        "may_change": DEVICES in ROLES.get(session.role, ()),
    }  # fmt: skip


def change(home: Home, session: Session, *, key: tuple[str, str], told: Change) -> dict[str, Any]:
    """Change a device by a command in the journal; ``changed`` is false where all holds already.

    Args:
        home: whose device.
        session: who wants that.
        key: the source, and the name under which the device reports.
        told: what is wanted, and why.

    Raises:
        BadInput: it cannot be meant.
        Conflict: the device cannot go there, or its source is still being replayed.
        NotFound: there is no such source.
    """
    session.need(DEVICES)
    source = _source(home, session, name=key[0])
    if len(told.reason.strip()) < 3:
        raise BadInput("reason is missing: say why, in three letters or more")
    if source.decoder is None and not source.ended:  # a replay counts its own entries to go on
        raise Conflict(f"{source.name} is still being replayed; its devices change after its end")
    body = _body(home, source, name=key[1], told=told)
    with _CHANGING:
        known = source.devices.get(key[1])
        changed = not _holds(known, body)
        if changed:
            at = _at(home, session, source=source, key=key, said=told.at)
            source.devices.moved(body, at)  # refuses what cannot be done before it is journalled
            by = f"{session.role}:{session.name}"
            command = Command(DEVICE, at, by, "", {**body, "reason": told.reason.strip()})
            check_writable(command)
            refusals = home.accept(Told(source.name, home.clock(), command)).refusals
            if refusals:
                raise Conflict(refusals[0].reason)
    return {**one(home, session, key=key), "changed": changed}


def _body(home: Home, source: Source, *, name: str, told: Change) -> dict[str, str]:
    """The command's body, without the reason, of what can be meant."""
    if not 1 <= len(name) <= _NAME or not name.isprintable():
        raise BadInput(f"a device's name has 1 to {_NAME} printable letters")
    said = {k: getattr(told, k).strip() for k in ("to", "thing", "model", "since", "public_key")}
    pack = source.line.pack
    known = source.devices.get(name)
    kind = thing_key(said["thing"]).kind if said["thing"] else ""
    if kind and kind not in pack.kinds:
        raise BadInput(f"{pack.name} has no kind {kind!r}; there are {', '.join(pack.kinds)}")
    kind = kind or (thing_key(known.things[-1]).kind if known and known.things else "")
    if said["model"]:
        models = [d.name for d in pack.devices.values() if d.of == kind or not kind]
        if said["model"] not in models:
            raise BadInput(f"no device {said['model']!r} feeds that; there are {', '.join(models)}")
    if said["public_key"]:
        try:
            load_pem_public_key(said["public_key"].encode())
        except (ValueError, UnsupportedAlgorithm):
            raise BadInput("public_key is no public key in PEM") from None
    if told.secret:
        said["secret"] = gate_to(home, source.name).digest(name, told.secret)
    if not any(v for k, v in said.items() if k != "since"):
        raise BadInput("nothing is wanted: say to which state, to what bound, or with which key")
    return {"device": name, **{k: v for k, v in said.items() if v}}


def _holds(known: Device | None, body: Mapping[str, str]) -> bool:
    """Whether a device is already all that a command wants."""
    if known is None:
        return False
    now = {
        "device": known.name, "to": known.state, "thing": (known.things or [""])[-1],
        "model": known.model, "secret": known.secret, "public_key": known.public_key,
        "since": iso(known.bound[-1]) if known.bound else "",
    }  # fmt: skip
    wanted = dict(body)
    if "since" in wanted:
        wanted["since"] = iso(moment(wanted["since"]))
    return all(now[k] == v for k, v in wanted.items())


def _at(home: Home, session: Session, *, source: Source, key: tuple[str, str], said: str) -> int:
    """From when a change holds (ns): after the one before, and not after the source's present."""
    now = present(home, source)
    before = max((int(r["at"]) for r in _act_rows(home, session, key=key)), default=-_STEP)
    if not said:
        return max(now, before + _STEP)
    at = int(moment(said))
    if at > now:
        raise BadInput(f"at is {said}, and for {source.name} it is {iso(now)}: nothing is foretold")
    if at < before + _STEP:
        raise Conflict(f"device {key[1]!r} was changed at {iso(before)} already; say a later time")
    return at


def _sources(home: Home, session: Session) -> list[Source]:
    """The sources that the session may see: a borrower those of its own facilities."""
    named = [{"source": name} for name in [*home.flow.sources]]
    seen = queries.visible(home, session, rows=named)
    return [home.flow.sources[row["source"]] for row in seen]


def _source(home: Home, session: Session, *, name: str) -> Source:
    found = [s for s in _sources(home, session) if s.name == name]
    if not found:
        raise NotFound(f"there is no source {name!r}")
    return found[0]


def _rows(home: Home, source: Source) -> Iterator[dict[str, Any]]:
    for device in source.devices.all():
        yield _row(home, source, device=device)


def _row(home: Home, source: Source, *, device: Device) -> dict[str, Any]:
    pack, heard = source.line.pack, _heard(home, source, device=device)
    model = pack.devices.get(device.model)
    allowed = _allowed(source, device)
    silence = None if heard.time is None else max(0, present(home, source) - heard.time)
    hearing: Hearing = "heard"
    if device.state not in HEARD:
        hearing, silence = "not_heard", None
    elif silence is None:
        hearing = "never"
    elif allowed is not None and silence > allowed:
        hearing = "silent"
    return {
        "source": source.name, "id": device.name, "pack": pack.name,
        "protocol": source.opened.manifest.get("protocol") or (model.protocol if model else ""),
        "recorded": source.decoder is None, "state": device.state, "since": iso(device.since),
        "thing": (device.things or [""])[-1], "model": device.model,
        "words": queries.words(model.words) if model else None,
        "trust": heard.trust, "heard": None if heard.time is None else iso(heard.time),
        "hearing": hearing, "silence_s": None if silence is None else silence // 10**9,
        "allowed_s": None if allowed is None else allowed // 10**9,
    }  # fmt: skip


def _fits(row: Mapping[str, Any], where: Mapping[str, str]) -> bool:
    same = all(row[k] == where[k] for k in ("source", "state", "hearing") if where.get(k))
    parts = ((row["thing"], where.get("thing", "")), (row["id"], where.get("q", "")))
    return same and all(part.casefold() in whole.casefold() for whole, part in parts)


def _allowed(source: Source, device: Device) -> int | None:
    """How long a device may be silent (ns): its model's gap, or the longest of its thing."""
    model = source.line.pack.devices.get(device.model)
    if model is not None:
        return model.allowed_silence
    registry, key = source.line.registry, _thing(source, device)
    allowed = NEVER if key is None else registry.allowed_silence(registry.slot(key))
    return None if allowed == NEVER else allowed


def _thing(source: Source, device: Device) -> ThingKey | None:
    """What a device is bound to, if that is known as a thing."""
    key = thing_key(device.things[-1]) if device.things else None
    return key if key is not None and key in source.line.registry else None


def _heard(home: Home, source: Source, *, device: Device) -> Heard:
    """What a device said since it hangs where it does, and until it was listened to no more."""
    key, pack = _thing(source, device), source.line.pack
    if key is None:
        return Heard({})
    model = pack.devices.get(device.model)
    feeds: Sequence[str] = [i.name for i in pack.indicators.values() if not i.derived]
    feeds = [name for name in feeds if model is None or name in model.feeds]
    found = {name: source.line.twin.latest(key, name) for name in feeds}
    until = NEVER if device.state in HEARD else device.since
    values = {
        name: m for name, m in found.items()
        if m is not None and device.bound[-1] <= m.event_time <= until
    }  # fmt: skip
    if not values:
        return Heard({})
    newest = max(values.values(), key=lambda m: m.event_time)
    [cause] = home.flow.frames.causes(newest.last, newest.last)
    trust = RECORDED if source.decoder is None else cause.trust or "unproven"
    return Heard(values, newest.event_time, trust)


def _act_rows(home: Home, session: Session, *, key: tuple[str, str]) -> list[Any]:
    """The rows of the acts on a device (source and name), newest first."""
    found = home.book.acts(session.tenant, {"kind": DEVICE})
    name = json.dumps(key[1])  # as it stands in the record: most need not be read further
    return [r for r in found if name in r["record"] and _of(views.act(r)["figures"]) == key]


def _of(figures: Mapping[str, str]) -> tuple[str, str]:
    return figures["source"], figures["device"]


def _acts(home: Home, session: Session, *, key: tuple[str, str]) -> list[dict[str, Any]]:
    """What was done with a device, newest first, each with the place of its receipt in the log."""
    found = []
    for row in _act_rows(home, session, key=key):
        receipt = home.book.receipt(session.tenant, row["id"])
        found.append({**views.act(row), "leaf": receipt["leaf"] if receipt else None})
    return found
