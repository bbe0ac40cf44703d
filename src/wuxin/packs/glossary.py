"""The glossary: kinds, indicators, rules, process steps, and the protocols' words, zh and en.

python -m wuxin.packs.glossary > docs/glossary.md
"""

import sys
from collections.abc import Sequence

from wuxin.packs import schema
from wuxin.protocols import vocabulary
from wuxin.terms.standards import Pack


def text() -> str:
    """The glossary as Markdown, one table per pack and standard."""
    parts = ["# Glossary 术语表", "", "Made from the packs by `python -m wuxin.packs.glossary`."]
    for name in schema.installed():
        pack = schema.load(name)
        parts += ["", f"## {pack.words.en} {pack.words.zh} (`{name}`)"]
        for title, rows in _tables(pack):
            parts += [
                "",
                f"### {title}",
                "",
                "| name | English | 中文 | note |",
                "|---|---|---|---|",
            ]
            parts += [f"| `{n}` | {en} | {zh} | {note} |" for n, en, zh, note in rows]
    parts += ["", "## Protocols 协议", "", "Made from `src/wuxin/protocols/words/*.toml`."]
    for name in vocabulary.spoken():
        parts += ["", f"### `{name}`"]
        for title, words in _spoken(name):
            parts += ["", f"#### {title}", "", "| name | 中文 |", "|---|---|"]
            parts += [f"| `{word}` | {zh} |" for word, zh in words.items()]
    return "\n".join(parts) + "\n"


def _spoken(protocol: str) -> list[tuple[str, dict[str, str]]]:
    words = vocabulary.own(protocol)
    titles = (
        ("Messages 消息", words.messages),
        ("Fields 字段", words.fields),
        ("Values 取值", words.values),
        ("Readings 读数", words.readings),
        ("Endings of readings 读数后缀", words.endings),
        ("Marks 质量标记", words.marks),
    )
    return [(title, rows) for title, rows in titles if rows]


def _tables(pack: Pack) -> list[tuple[str, Sequence[tuple[str, str, str, str]]]]:
    kinds = [(k.name, k.words.en, k.words.zh, ", ".join(k.within)) for k in pack.kinds.values()]
    indicators = [
        (i.name, i.words.en, i.words.zh, "" if i.show == "1" else i.show)
        for i in pack.indicators.values()
    ]
    rules = [
        (r.name, r.words.en.replace("|", "/"), r.words.zh, r.level) for r in pack.rules.values()
    ]
    steps = [(s.id, s.words.en, s.words.zh, s.owner) for s in pack.steps]
    return [
        ("Monitored objects 监控对象", kinds),
        ("Indicators 指标", indicators),
        ("Early warnings 预警", rules),
        ("Process 业务流程", steps),
    ]


if __name__ == "__main__":
    sys.stdout.write(text())
