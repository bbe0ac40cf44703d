"""Reads a pack's four standards from its folder into :class:`wuxin.terms.standards.Pack`.

A pack is a Python package with ``objects.toml`` (C1), ``devices.toml`` (C2), ``process.bpmn`` (C3),
``rules.toml`` and ``models.py`` (C4), found through the entry point group ``wuxin.packs``. What all
loans need (the facility, prices, silence) stands once in ``packs/common`` and is laid under each.
"""

import hashlib
import importlib
import math
import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.metadata import entry_points
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any, Final, TypeVar

import msgspec

from wuxin.finance.process import read_steps
from wuxin.terms.clock import SECOND, duration
from wuxin.terms.errors import BadInput, NotFound
from wuxin.terms.names import Digest
from wuxin.terms.records import Words
from wuxin.terms.standards import (
    Device,
    Example,
    Fact,
    Indicator,
    Kind,
    Model,
    Pack,
    ReportFigure,
    Rule,
    worthless,
)
from wuxin.terms.units import conversion

STANDARDS: Final = ("objects.toml", "devices.toml", "process.bpmn", "rules.toml", "models.py")
_COMMON: Final = "wuxin.packs.common"
COMMON: Final = "common"
"""The pack of what concerns all packs alike: it has rules and words, and nothing to value."""
_T = TypeVar("_T")


def installed() -> dict[str, str]:
    """The packs that are installed: name → Python package."""
    return {e.name: e.value for e in sorted(entry_points(group="wuxin.packs"))}


@cache
def load(name: str) -> Pack:
    """The pack of that name, with the common part laid under it.

    Raises:
        NotFound: no such pack is installed.
        BadInput: a standard is missing or cannot be read; the text names file and place.
    """
    if name == COMMON:
        return _common()
    package = installed().get(name)
    if package is None:
        raise NotFound(f"there is no pack {name!r}; installed: {', '.join(installed())}")
    return read(name, package)


def read(name: str, package: str) -> Pack:
    """Read a pack from its Python package (see :func:`load` for what is raised)."""
    common, own = files(_COMMON), files(package)
    objects = _merged(common, own, name="objects.toml")
    models = importlib.import_module(f"{package}.models")
    process = _bytes(own, "process.bpmn")
    return Pack(
        name=name,
        words=_convert(objects["pack"], Words, where=f"{name}/objects.toml [pack]"),
        kinds={k: _kind(k, v) for k, v in objects.get("kind", {}).items()},
        indicators={k: _indicator(k, v) for k, v in objects.get("indicator", {}).items()},
        devices=_devices(_merged(common, own, name="devices.toml")),
        rules=_rules(_merged(common, own, name="rules.toml")),
        models={m.name: m for m in _models(models, name)},
        steps=read_steps(process),
        process=process,
        value=getattr(models, "value", worthless),
        digest=_digest(common, own),
        exempt=_exempt(objects.get("exempt", {}), where=f"{name}/objects.toml [exempt]"),
        report=_report(objects.get("report", {}), where=f"{name}/objects.toml [report]"),
    )


def _common() -> Pack:
    """What is common to all packs, as a pack of its own."""
    own = files(_COMMON)
    objects = _merged(own, own, name="objects.toml")
    return Pack(
        name=COMMON,
        words=Words("通用", "Common to all"),
        kinds={k: _kind(k, v) for k, v in objects.get("kind", {}).items()},
        indicators={k: _indicator(k, v) for k, v in objects.get("indicator", {}).items()},
        devices=_devices(_merged(own, own, name="devices.toml")),
        rules=_rules(_merged(own, own, name="rules.toml")),
        models={},
        steps=(),
        process=b"",
        value=worthless,
        digest=_digest(own, own),
    )


def _exempt(table: Mapping[str, Any], *, where: str) -> dict[str, str]:
    """A file, or ``file part`` (``process.bpmn disbursement``), and why it is left out."""
    for place, reason in table.items():
        file = place.partition(" ")[0]
        if file not in STANDARDS or not isinstance(reason, str) or not reason.strip():
            known = ", ".join(STANDARDS)
            raise BadInput(
                f"{where}: {place!r} needs a reason, and is one of {known}, or of a part"
            )
    return dict(table)


def _report(table: Mapping[str, Any], *, where: str) -> tuple[ReportFigure, ...]:
    return tuple(_convert(one, ReportFigure, where=where) for one in table.get("figure", []))


def _bytes(folder: Traversable, name: str) -> bytes:
    try:
        return (folder / name).read_bytes()
    except FileNotFoundError:
        raise BadInput(f"{folder}/{name} is missing; a pack has {', '.join(STANDARDS)}") from None


def _digest(common: Traversable, own: Traversable) -> Digest:
    """SHA-256 over the files of both folders: what this pack says, and how it computes."""
    sha = hashlib.sha256()
    for folder in (common, own):
        for part in sorted(folder.iterdir(), key=lambda part: part.name):
            if part.name.endswith((".toml", ".bpmn", ".py")):
                sha.update(part.name.encode() + b"\0" + part.read_bytes() + b"\0")
    return Digest(sha.hexdigest())


def _merged(common: Traversable, own: Traversable, *, name: str) -> dict[str, Any]:
    merged: dict[str, Any] = {}
    for folder in (common, own):
        try:
            tables = tomllib.loads(_bytes(folder, name).decode())
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as wrong:
            raise BadInput(f"{folder}/{name}: {wrong}") from None
        for section, table in tables.items():
            if isinstance(table, dict):
                merged[section] = {**merged.get(section, {}), **table}
            else:
                merged[section] = merged.get(section, []) + table
    return merged


def _convert(table: Any, into: type[_T], *, where: str) -> _T:
    try:
        return msgspec.convert(table, into)
    except msgspec.ValidationError as wrong:
        raise BadInput(f"{where}: {wrong}") from None


def _flat(table: Mapping[str, Any]) -> dict[str, Any]:
    """TOML writes ``zh`` and ``en`` beside the rest; the record keeps them as ``words``."""
    rest = {k: v for k, v in table.items() if k not in {"zh", "en"}}
    return {**rest, "words": {"zh": table.get("zh", ""), "en": table.get("en", "")}}


def _kind(name: str, table: Mapping[str, Any]) -> Kind:
    facts = {
        k: _convert(
            {"show": v.get("unit"), **_flat(v)}, Fact, where=f"objects.toml [kind.{name}.facts]"
        )
        for k, v in table.get("facts", {}).items()
    }
    bare = {k: v for k, v in table.items() if k != "facts"}
    kind = _convert({"name": name, **_flat(bare)}, Kind, where=f"objects.toml [kind.{name}]")
    return msgspec.structs.replace(kind, facts=facts)


def _indicator(name: str, table: Mapping[str, Any]) -> Indicator:
    where = f"objects.toml [indicator.{name}]"
    bare = {k: v for k, v in table.items() if k not in {"max_rate", "stuck_after"}}
    found = _convert(
        {"name": name, "show": table.get("unit"), **_flat(bare)}, Indicator, where=where
    )
    try:
        conversion(found.show, found.unit)
        return _plausible(found, table)
    except BadInput as wrong:
        raise BadInput(f"{where}: {wrong}") from None


def _plausible(found: Indicator, table: Mapping[str, Any]) -> Indicator:
    """The indicator with how fast it may change and how long it may stand still."""
    given = [k for k in ("max_rate", "stuck_after") if k in table]
    if given and found.derived:
        raise BadInput(f"{given[0]} is for what is measured, and this indicator is derived")
    changes: dict[str, Any] = {}
    if "max_rate" in table:
        changes["max_rate"] = _rate(table["max_rate"], found.unit)
    if "stuck_after" in table:
        changes["stuck_after"] = _positive(table["stuck_after"], "stuck_after")
    return msgspec.structs.replace(found, **changes)


def _rate(given: Any, unit: str) -> float:
    """A rate of change in SI per second: a number as it is, or ``{ value, unit, per }``."""
    form = 'write a number in SI per second, or { value = 5, unit = "degC", per = "1 min" }'
    table = {"value": given, "unit": unit} if not isinstance(given, dict) else given
    value = table.get("value")
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise BadInput(f"max_rate has the value {value!r}; {form}")
    if not {"value", "unit"} <= table.keys() <= {"value", "unit", "per"}:
        raise BadInput(f"max_rate has {', '.join(table)}; {form}")
    if not 0 < value < math.inf:
        raise BadInput(f"max_rate is {value:g}, and must be above zero")
    factor = conversion(str(table["unit"]), unit).factor
    return value * factor / (_positive(table.get("per", "1 s"), "max_rate per") / SECOND)


def _positive(text: Any, name: str) -> int:
    """A duration (ns) that is longer than nothing."""
    try:
        found = duration(str(text))
    except BadInput as wrong:
        raise BadInput(f"{name}: {wrong}") from None
    if not found:
        raise BadInput(f"{name} is {text!r}, and must be longer than nothing")
    return found


def _devices(tables: Mapping[str, Any]) -> dict[str, Device]:
    devices = {}
    for name, table in tables.get("device", {}).items():
        where = f"devices.toml [device.{name}]"
        times = {k: duration(table[k]) for k in ("period", "allowed_silence") if k in table}
        devices[name] = _convert({"name": name, **_flat(table), **times}, Device, where=where)
    return devices


def _rules(tables: Mapping[str, Any]) -> dict[str, Rule]:
    rules = {}
    for name, table in tables.get("rule", {}).items():
        where = f"rules.toml [rule.{name}]"
        examples = [
            {"name": case.get("name", ""), "fires": fires, "rows": case["rows"]}
            for key, fires in (("fires", True), ("silent", False))
            for case in table.get(key, [])
        ]
        bare = {k: v for k, v in table.items() if k not in {"fires", "silent", "for"}}
        filled = {"clear": "", "value": "", "limit": None, "clear_limit": None, **_flat(bare)}
        if "by" in filled:
            filled.setdefault("when", "")
        if "respond" in filled:
            filled["respond"] = duration(str(filled["respond"]))
        lasting = duration(table.get("for", "0 s"))
        rules[name] = _convert(
            {"name": name, **filled, "lasting": lasting, "examples": examples}, Rule, where=where
        )
    return rules


def _models(module: Any, name: str) -> tuple[Model, ...]:
    models = getattr(module, "MODELS", None)
    if not (isinstance(models, tuple) and all(isinstance(m, Model) for m in models)):
        raise BadInput(f"{name}/models.py has no MODELS, a tuple of Model")
    return models


__all__ = ["STANDARDS", "Example", "installed", "load", "read"]
