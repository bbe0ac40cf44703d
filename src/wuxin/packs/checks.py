"""The conformance suite of packs: what a pack must declare, with examples that do what they say.

Public, for packs of third parties as for ours: ``assert check(schema.load("mine")) == []`` is the
test that a pack needs. Each fault is one sentence that begins with file and place. Nothing is
raised for a fault; a file that cannot be read at all is refused earlier, by :mod:`.schema`.
"""

import string
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final, NamedTuple

from wuxin.finance.facts import FACTS
from wuxin.packs.trial import Trial
from wuxin.risk.rules import ANY, undeclared
from wuxin.terms.errors import BadInput
from wuxin.terms.records import Words
from wuxin.terms.standards import Device, Indicator, Kind, Model, Pack, Rule
from wuxin.terms.units import conversion

HOUSE_DERIVES: Final = (
    "silence", "named_by", "collateral_value", "outstanding", "loan_to_value",
    "maximum_loan_to_value",
)  # fmt: skip
"""Derived indicators that the house computes itself (twin and finance), so that no model must."""

STANDARDS: Final = (
    ("C1", "objects.toml", "monitored objects"),
    ("C2", "devices.toml", "supervision devices"),
    ("C3", "process.bpmn", "business process"),
    ("C4", "rules.toml", "early-warning rules"),
    ("C4", "models.py", "models"),
)
"""The four standards, with the file in which a pack writes each (the fourth has two)."""

STAGES: Final = (
    "set_up", "valuation", "supervision_plan", "installation", "commissioning", "disbursement",
    "collection", "transmission", "analysis", "early_warning", "extension",
)  # fmt: skip
"""The steps that every process has (C3), or says why not."""

FILL_IN: Final = "FILL IN"
"""What a new pack has where something is left to say."""

_SAID: Final = {"value", "limit"}


class Coverage(NamedTuple):
    """One file of one standard: what it declares, and what is missing (nothing: done)."""

    standard: str
    file: str
    title: str
    declares: str
    missing: tuple[str, ...]
    exempt: str = ""

    @property
    def done(self) -> bool:
        """Whether nothing is missing."""
        return not self.missing

    @property
    def state(self) -> str:
        """Done, exempt with the reason, or how many faults there are."""
        if self.missing:
            return f"{len(self.missing)} faults"
        return f"exempt: {self.exempt}" if self.exempt else "done"


def check(pack: Pack) -> list[str]:
    """Check a pack against the four standards and run every example of its rules.

    Args:
        pack: as :func:`wuxin.packs.schema.load` gives it, with the common part laid under it.

    Returns:
        One sentence for each fault, in the order of the standards; empty where there is none.
    """
    found = [
        *_said("objects.toml [pack]", name=pack.words),
        *_each("objects.toml [kind.{}]", pack.kinds, faults=lambda k: _kind(k, pack)),
        *_each(
            "objects.toml [indicator.{}]", pack.indicators, faults=lambda i: _indicator(i, pack)
        ),
        *_aliases(pack.indicators),
        *_report(pack),
        *_each("devices.toml [device.{}]", pack.devices, faults=lambda d: _device(d, pack)),
        *_unfed(pack),
        *_steps(pack),
        *_each("rules.toml [rule.{}]", pack.rules, faults=lambda r: _rule(r, pack)),
        *_each("models.py model {}", pack.models, faults=lambda m: _model(m, pack)),
        *_underived(pack),
        *_unvalued(pack),
    ]
    left = [fault for fault in found if not fault.startswith(tuple(pack.exempt))]
    return [*left, *_needless(pack.exempt, found)]


def coverage(pack: Pack) -> list[Coverage]:
    """What a pack declares for each standard and what is missing, for a table.

    Args:
        pack: see :func:`check`.

    Returns:
        One row per file, in the order of :data:`STANDARDS`; their ``missing`` together are what
        :func:`check` returns.
    """
    faults = check(pack)
    examples = sum(len(rule.examples) for rule in pack.rules.values())
    declares = {
        "objects.toml": f"{len(pack.kinds)} kinds, {len(pack.indicators)} indicators",
        "devices.toml": f"{len(pack.devices)} devices",
        "process.bpmn": f"{len(pack.steps)} steps, {len({s.owner for s in pack.steps})} roles",
        "rules.toml": f"{len(pack.rules)} rules, {examples} examples",
        "models.py": f"{len(pack.models)} models, {int(pack.lends)} valuation",
    }
    return [
        Coverage(
            standard, file, title, declares[file],
            tuple(fault for fault in faults if fault.startswith(file)),
            _excused(pack, file),
        )
        for standard, file, title in STANDARDS
    ]  # fmt: skip


def _excused(pack: Pack, file: str) -> str:
    """Why a file, or parts of it, are left out."""
    parts = {place.removeprefix(file).strip(): why for place, why in pack.exempt.items()
             if place.partition(" ")[0] == file}  # fmt: skip
    return "; ".join(f"{part}: {why}" if part else why for part, why in parts.items())


def _needless(exempt: Mapping[str, str], found: list[str]) -> Iterator[str]:
    """What is excused and not missing: an excuse that has outlived its reason."""
    for place in exempt:
        if not any(fault.startswith(place) for fault in found):
            yield f"objects.toml [exempt]: {place!r} excuses nothing"


# ---- what all of them share ------------------------------------------------------------------


def _each(
    place: str, records: Mapping[str, Any], *, faults: Callable[[Any], Iterable[str]]
) -> Iterator[str]:
    for name, record in records.items():
        yield from (f"{place.format(name)}: {fault}" for fault in faults(record))


def _said(place: str, **texts: Words | str) -> Iterator[str]:
    """Texts and words that must not be empty."""
    yield from (f"{place}: {fault}" for fault in _empty(**texts))


def _empty(**texts: Words | str) -> Iterator[str]:
    for name, text in texts.items():
        shown = name.replace("_", " ")
        if isinstance(text, str):
            if not text.strip():
                yield f"has no {shown}"
            elif FILL_IN in text:
                yield f"its {shown} has to be filled in"
            continue
        for language, said in (("zh", text.zh), ("en", text.en)):
            if not said.strip():
                yield f"has no {shown} in {language}"
            elif FILL_IN in said:
                yield f"its {shown} in {language} has to be filled in"


def _of(kind: str, indicator: Indicator) -> bool:
    return bool({kind, ANY} & {*indicator.of})


# ---- C1: objects -----------------------------------------------------------------------------


def _kind(kind: Kind, pack: Pack) -> Iterator[str]:
    yield from _empty(name=kind.words)
    for other in kind.within:
        if other not in pack.kinds:
            yield f"stands within {other!r}, which is no declared kind"
    if kind.names and kind.names not in pack.kinds:
        yield f"names {kind.names!r}, which is no declared kind"
    elif kind.names and kind.within and kind.names not in kind.within:
        yield f"names {kind.names!r} but may not stand within it, so it can never name one"
    for name, fact in kind.facts.items():
        yield from (f"fact {name} {fault}" for fault in _empty(name=fact.words, unit=fact.unit))
        if fact.unit.strip():
            yield from (f"fact {name}: {fault}" for fault in _unit(fact.unit, fact.show))


def _indicator(indicator: Indicator, pack: Pack) -> Iterator[str]:
    yield from _empty(
        name=indicator.words,
        unit=indicator.unit,
        purpose=indicator.purpose,
        interface=indicator.interface,
        permission=indicator.permission,
    )
    if indicator.unit.strip():
        yield from _unit(indicator.unit, indicator.show)
    if not indicator.low < indicator.high:
        yield f"its range has low {indicator.low:g}, which is not below high {indicator.high:g}"
    if not indicator.of:
        yield "belongs to no kind"
    for kind in indicator.of:
        if kind != ANY and kind not in pack.kinds:
            yield f"belongs to {kind!r}, which is no declared kind"


def _unit(unit: str, show: str) -> Iterator[str]:
    try:
        conversion(show, unit)
    except BadInput as wrong:
        yield str(wrong)


def _aliases(indicators: Mapping[str, Indicator]) -> Iterator[str]:
    """Names and aliases must be unique without regard to letters' case, as recordings are read."""
    owner = {name.casefold(): name for name in indicators}
    for name, indicator in indicators.items():
        place = f"objects.toml [indicator.{name}]"
        if owner[name.casefold()] != name:
            yield f"{place}: differs from indicator {owner[name.casefold()]!r} by case alone"
        for alias in indicator.aliases:
            if not alias.strip():
                yield f"{place}: has an empty alias"
            elif alias.casefold() in owner:
                yield f"{place}: alias {alias!r} already stands for {owner[alias.casefold()]!r}"
            owner.setdefault(alias.casefold(), name)


def _report(pack: Pack) -> Iterator[str]:
    """The enterprise's report: figures of declared indicators, no two alike."""
    place = "objects.toml [report]"
    if not pack.report:
        yield f"{place}: the enterprise's own report has no figure"
    for one, times in Counter(pack.report).items():
        indicator = pack.indicators.get(one.indicator)
        if one.of not in pack.kinds:
            yield f"{place}: {one.of!r} is no declared kind"
        elif indicator is None or not _of(one.of, indicator):
            yield f"{place}: {one.indicator!r} is no declared indicator of kind {one.of!r}"
        if times > 1:
            yield f"{place}: {one.take} of {one.indicator!r} stands {times} times"


# ---- C2: devices -----------------------------------------------------------------------------


def _device(device: Device, pack: Pack) -> Iterator[str]:
    yield from _empty(
        name=device.words,
        protocol=device.protocol,
        accuracy=device.accuracy,
        resolution=device.resolution,
        synchrony=device.synchrony,
    )
    yield from _empty(health=device.health, remote=device.remote, emergency=device.emergency)
    if device.of not in pack.kinds:
        yield f"is of {device.of!r}, which is no declared kind"
    if not device.feeds:
        yield "feeds no indicator"
    for name, times in Counter(device.feeds).items():
        indicator = pack.indicators.get(name)
        if indicator is None:
            yield f"feeds {name!r}, which is no declared indicator"
        elif indicator.derived:
            yield f"feeds {name!r}, which is derived, not measured"
        elif not _of(device.of, indicator):
            yield f"feeds {name!r}, which does not belong to kind {device.of!r}"
        if times > 1:
            yield f"feeds {name!r} {times} times"
    if device.period <= 0:
        yield "its period is not above zero"
    if device.period > device.allowed_silence:
        yield "its allowed_silence is shorter than its period, so it would always be silent"


def _unfed(pack: Pack) -> Iterator[str]:
    """Every measured indicator is fed, on each kind to which it belongs."""
    fed = {(device.of, name) for device in pack.devices.values() for name in device.feeds}
    for name, indicator in pack.indicators.items():
        if indicator.derived:
            continue
        for kind in indicator.of:
            if kind == ANY and not any(feeds == name for _, feeds in fed):
                yield f"devices.toml: no device feeds indicator {name!r}"
            elif kind != ANY and (kind, name) not in fed:
                yield f"devices.toml: no device of kind {kind!r} feeds indicator {name!r}"


# ---- C3: process -----------------------------------------------------------------------------


def _steps(pack: Pack) -> Iterator[str]:
    if not pack.steps:
        yield "process.bpmn: has no step"
    for ident, times in Counter(step.id for step in pack.steps).items():
        if times > 1:
            yield f"process.bpmn step {ident}: {times} steps have this id"
    ids = {step.id for step in pack.steps}
    yield from (f"process.bpmn {s}: there is no such step" for s in STAGES if ids and s not in ids)
    for number, step in enumerate(pack.steps):
        place = f"process.bpmn step {step.id}"
        yield from _said(place, name=step.words, owner=step.owner)
        if number and not step.needs:
            yield f"{place}: needs nothing; only the first step may begin by itself"
        for need in step.needs:
            if need == step.id:
                yield f"{place}: needs itself"
            elif need not in ids and need not in FACTS:
                yield f"{place}: needs {need!r}, which is neither a step nor a fact of the house"


# ---- C4: rules and models --------------------------------------------------------------------


def _rule(rule: Rule, pack: Pack) -> Iterator[str]:
    yield from _empty(sentence=rule.words, bank_action=rule.bank, enterprise_action=rule.enterprise)
    if rule.kind != ANY and rule.kind not in pack.kinds:
        yield f"is for kind {rule.kind!r}, which is no declared kind"
    yield from _sentence(rule)
    yield from _runbook(rule)
    if rule.by:  # judged by code, which has tests of its own
        return
    for fires, must in ((True, "must fire"), (False, "must stay silent")):
        if not any(example.fires == fires for example in rule.examples):
            yield f"has no example that {must}"
    try:
        strange = undeclared(rule, pack.indicators)
        limit = pack.indicators.get(rule.limit_of)
        if rule.limit_of and (limit is None or not (rule.kind == ANY or _of(rule.kind, limit))):
            strange = [*strange, rule.limit_of]
        for name in dict.fromkeys(strange):
            yield f"reads {name!r}, which is no declared indicator of kind {rule.kind!r}"
        if strange:
            return
        trial = Trial(rule, pack)
    except BadInput as wrong:
        yield str(wrong).removeprefix(f"rule {rule.name}: ")
        return
    for example in rule.examples:
        yield from (f"example {example.name!r}: {fault}" for fault in trial.faults(example))


def _runbook(rule: Rule) -> Iterator[str]:
    """What asks for action says what to do, in steps."""
    if rule.runbook is not None:
        yield from _empty(runbook=rule.runbook)
    elif rule.level != "info":
        yield "has no runbook: what a person does about it, in steps"


def _sentence(rule: Rule) -> Iterator[str]:
    """The sentence may say value and limit, where the rule has them."""
    for language, text in (("zh", rule.words.zh), ("en", rule.words.en)):
        try:
            named = {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}
            text.format(**{name: "" for name in _SAID | named if name.isidentifier()})
        except (ValueError, LookupError, AttributeError) as wrong:
            yield f"its sentence in {language} cannot be filled in: {wrong}"
            continue
        for name in sorted(named - _SAID):
            yield f"its sentence in {language} has {{{name}}}; it may have {{value}} and {{limit}}"
        if "value" in named and not rule.value:
            yield f"its sentence in {language} has {{value}}, but the rule names no value"
        if "limit" in named and rule.limit is None and not rule.limit_of:
            yield f"its sentence in {language} has {{limit}}, but the rule has no limit"


def _model(model: Model, pack: Pack) -> Iterator[str]:
    yield from _empty(
        name=model.words,
        method=model.method,
        source=model.source,
        validity=model.validity,
        validated=model.validated,
    )
    if not model.reads:
        yield "reads nothing"
    if not model.derives:
        yield "derives nothing"
    for name in model.reads:
        if name not in pack.indicators:
            yield f"reads {name!r}, which is no declared indicator"
    for name in model.derives:
        if name not in pack.indicators:
            yield f"derives {name!r}, which is no declared indicator"
        elif not pack.indicators[name].derived:
            yield f"derives {name!r}, which is declared as measured"
        elif name in HOUSE_DERIVES:
            yield f"derives {name!r}, which the house derives itself"


def _underived(pack: Pack) -> Iterator[str]:
    derived = {name for model in pack.models.values() for name in model.derives}
    for name, indicator in pack.indicators.items():
        if indicator.derived and name not in derived and name not in HOUSE_DERIVES:
            yield f"models.py: no model derives indicator {name!r}"


def _unvalued(pack: Pack) -> Iterator[str]:
    if not pack.lends:
        yield "models.py value: there is no valuation"
