"""The words of protocols in Chinese, as tables in ``words/*.toml``; nothing of them is in code.

    [messages]   a message's name
    [fields]     a field's name; "motors.speed" is said of a speed inside of motors
    [values]     a value that is a word, or "gear.none" of one field
    [readings]   an indicator, or how indicators begin; # stands for a number
    [endings]    what follows a beginning: temperature_3, voltage_l1_n; * stands for anything
    [marks]      why there is no reading

What a protocol does not have is looked for in ``words/common.toml``. A name without a word is one
that its site has given, or that the standard leaves to the maker.

Source: own format; the standards stand in the tables.
"""

import re
import tomllib
from functools import cache
from importlib.resources import files
from typing import Final, NamedTuple

_TABLES: Final = ("messages", "fields", "values", "readings", "endings", "marks")
_COMMON: Final = "common"
_NUMBER: Final = re.compile(r"(?<![A-Za-z0-9])\d+(?![A-Za-z0-9])")
_LONGEST: Final = 200
"""The longest name that is looked up, in characters: devices make some of them."""


class Words(NamedTuple):
    """The tables of one protocol, each from a name to its Chinese word."""

    messages: dict[str, str]
    fields: dict[str, str]
    values: dict[str, str]
    readings: dict[str, str]
    endings: dict[str, str]
    marks: dict[str, str]

    def field(self, name: str, *, within: tuple[str, ...] = ()) -> str:
        """The word of a field, or nothing; ``within`` is what it stands in, the nearest first."""
        inside = (self.fields.get(f"{outer}.{name}", "") for outer in within)
        found = next(filter(None, inside), "") or self.fields.get(name, "")
        # HJ 212 writes what is measured and how into the name of a field: w01018-Avg.
        return found or (self.reading(name.replace("-", "_")) if "-" in name else "")

    def value(self, text: str, *, of: str = "") -> str:
        """The word of a value of a field, or nothing."""
        return self.values.get(f"{of}.{text}") or self.values.get(text, "")

    def reading(self, indicator: str) -> str:
        """The word of an indicator, or nothing: its own, or that of its beginning and its end."""
        name = indicator.lower()
        if len(name) > _LONGEST:
            return ""
        whole = _numbered(self.readings, name)
        if whole:
            return whole
        cuts = [at for at, sign in enumerate(name) if sign == "_"]
        for cut in reversed(cuts):
            begin, end = _numbered(self.readings, name[:cut]), name[cut + 1 :]
            if begin:
                rest = _numbered(self.endings, end) or self.endings.get("*", "").replace("*", end)
                return begin + rest if rest else ""
        return ""


def _numbered(table: dict[str, str], name: str) -> str:
    """The word of a name; where it has none, that of its form, numbers put in one by one."""
    if name in table:
        return table[name]
    numbers = _NUMBER.findall(name.replace("_", " "))
    form = _NUMBER.sub("#", name.replace("_", " ")).replace(" ", "_")
    word = table.get(form, "") if numbers else ""
    for number in numbers if word else ():
        word = word.replace("#", number, 1)
    return word


@cache
def words(protocol: str) -> Words:
    """The words of a protocol with the common ones behind them; the common ones of any other."""
    shared, its = _read(_COMMON), _read(protocol)
    return Words(*({**shared.get(name, {}), **its.get(name, {})} for name in _TABLES))


def own(protocol: str) -> Words:
    """The words of a protocol's own table alone, for the glossary."""
    found = _read(protocol)
    return Words(*(found.get(name, {}) for name in _TABLES))


def spoken() -> tuple[str, ...]:
    """The protocols that have words, in order, the common ones first."""
    folder = files("wuxin.protocols") / "words"
    names = {path.name.removesuffix(".toml") for path in folder.iterdir()}
    return (_COMMON, *sorted(names - {_COMMON}))


def _read(protocol: str) -> dict[str, dict[str, str]]:
    path = files("wuxin.protocols") / "words" / f"{protocol}.toml"
    if not protocol.isidentifier() or not path.is_file():
        return {}
    return tomllib.loads(path.read_text("utf-8"))
