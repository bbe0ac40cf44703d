"""The page of a pack in the docs: what it says about itself, and its four standards as tables.

    python -m wuxin.packs.pages docs/packs

The prose is the pack's own ``about.md``; the tables are what its files declare, without what is
common to all packs.
"""

import sys
from collections.abc import Iterable, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Final

from wuxin.packs import schema
from wuxin.terms.clock import DAY, HOUR, MINUTE, SECOND
from wuxin.terms.records import Words
from wuxin.terms.standards import Device, Indicator, Model, Pack, Rule
from wuxin.terms.units import shown

ABOUT: Final = "about.md"
_LEVELS: Final = {"red": "红 red", "amber": "黄 amber", "info": "知 info"}
_SPANS: Final = ((DAY, "d"), (HOUR, "h"), (MINUTE, "min"), (SECOND, "s"))


def page(name: str) -> str:
    """The page of an installed pack.

    Raises:
        NotFound: there is no such pack.
    """
    pack, common = schema.load(name), schema.load(schema.COMMON)
    own = files(schema.installed()[name]) / ABOUT
    about = own.read_text("utf-8").rstrip() if own.is_file() else f"# {_both(pack.words)}"
    indicators = [i for i in pack.indicators.values() if i.name not in common.indicators]
    kinds = [
        (f"`{k.name}`", k.words.zh, k.words.en, ", ".join(k.within), ", ".join(k.facts))
        for k in pack.kinds.values() if k.name not in common.kinds
    ]  # fmt: skip
    devices = [d for d in pack.devices.values() if d.name not in common.devices]
    rules = [r for r in pack.rules.values() if r.name not in common.rules]
    parts = [
        about,
        "<!-- What follows is written by python -m wuxin.packs.pages from the pack's files. -->",
        *_exempt(pack),
        "## C1 Monitored objects 监控对象",
        _table(("kind", "中文", "English", "stands within", "facts"), kinds),
        _table(
            ("indicator", "中文", "English", "of", "unit", "range", "from", "for"),
            map(_indicator, indicators),
        ),
        "## C2 Supervision devices 监管设备",
        _table(
            ("device", "中文", "of", "protocol", "accuracy", "period", "may be silent"),
            map(_device, devices),
        ),
        "## C3 Business process 业务流程",
        _table(("step", "中文", "English", "who", "needs"), _steps(pack)),
        "## C4 Early warnings 风控规则",
        _table(("rule", "level", "says", "the bank", "the enterprise"), map(_rule, rules)),
        *_runbooks(rules),
        "## C4 Models 风控模型",
        *map(_model, pack.models.values()),
        "## The enterprise's own report 经营报表",
        _table(("figure", "中文", "of", "taken", "better"), _report(pack)),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _exempt(pack: Pack) -> list[str]:
    """What of the standards the pack leaves out, and why."""
    rows = [(f"`{place}`", why) for place, why in pack.exempt.items()]
    return ["## Left out 豁免", _table(("part", "why"), rows)] if rows else []


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [f"| {' | '.join(map(_cell, row))} |" for row in rows]
    if not lines:
        return ""
    return "\n".join([f"| {' | '.join(head)} |", f"|{'---|' * len(head)}", *lines])


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ") or "—"


def _both(words: Words) -> str:
    return f"{words.zh} · {words.en}"


def _indicator(one: Indicator) -> tuple[str, ...]:
    low, high = (shown(v, one.unit, show=one.show) for v in (one.low, one.high))
    unit = "" if one.show == "1" else one.show
    return (
        f"`{one.name}`", one.words.zh, one.words.en, ", ".join(one.of), unit,
        f"{low:.6g} … {high:.6g}", "model" if one.derived else one.interface, one.purpose.en,
    )  # fmt: skip


def _device(one: Device) -> tuple[str, ...]:
    return (
        one.words.en, one.words.zh, one.of, one.protocol, one.accuracy, _span(one.period),
        _span(one.allowed_silence),
    )  # fmt: skip


def _span(ns: int) -> str:
    size, unit = next(((s, u) for s, u in _SPANS if ns % s == 0), _SPANS[-1])
    return f"{ns // size} {unit}"


def _steps(pack: Pack) -> list[tuple[str, ...]]:
    return [(f"`{s.id}`", s.words.zh, s.words.en, s.owner, ", ".join(s.needs)) for s in pack.steps]


def _report(pack: Pack) -> list[tuple[str, ...]]:
    return [
        (f"`{one.indicator}`", pack.indicators[one.indicator].words.zh, one.of, one.take,
         one.better)
        for one in pack.report
    ]  # fmt: skip


def _rule(one: Rule) -> tuple[str, ...]:
    said = f"{one.words.zh}<br>{one.words.en}"
    return (
        f"`{one.name}`", _LEVELS[one.level], said, f"{one.bank.zh}<br>{one.bank.en}",
        f"{one.enterprise.zh}<br>{one.enterprise.en}",
    )  # fmt: skip


def _runbooks(rules: Iterable[Rule]) -> list[str]:
    said = [(r.name, r.runbook) for r in rules if r.runbook is not None]
    lines = [f"* `{name}` {book.zh}\n  {book.en}" for name, book in said if book]
    return ["### Runbooks 处置手册", "\n".join(lines)] if lines else []


def _model(one: Model) -> str:
    rows = (
        ("reads", ", ".join(f"`{name}`" for name in one.reads)),
        ("derives", ", ".join(f"`{name}`" for name in one.derives)),
        ("方法", one.method.zh),
        ("method", one.method.en),
        ("source", one.source),
        ("valid for", one.validity),
        ("validated", one.validated),
    )
    return f"### {_both(one.words)} `{one.name}`\n\n{_table(('', ''), rows)}"


def main(folder: Path) -> None:
    """Write the pages of all installed packs of this project into a folder."""
    for name in schema.installed():
        (folder / f"{name}.md").write_text(page(name), "utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
