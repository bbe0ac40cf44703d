"""Frames on their way into `wuxin decode`, and what they say written for people.

A decoder's answer is plain JSON for programs. For people each field stands on a line of its own,
under the standard's English name and, in Chinese, the standard's own term beside it.
"""

import json
from collections.abc import Iterator
from functools import cache
from typing import Any, BinaryIO, Final

from wuxin.packs import schema
from wuxin.protocols.vocabulary import Words, words
from wuxin.terms.envelope import START, wrap
from wuxin.terms.errors import BadInput

LIMIT: Final = 64 * 1024 * 1024
"""The longest document that is read as one frame, in bytes."""

_TEXT: Final = frozenset(b"\t\n\r\f") | set(range(0x20, 0x7F)) | set(range(0x80, 0x100))
_ALSO: Final = ("ok", "error", "at", "message", "fields", "readings", "marks")
_STEP: Final = "  "
_DOCUMENTS: Final = {b"1e", b"3c", b"5b", b"7b"}
_NOTHING: Final = "—"


def frames(file: BinaryIO, *, whole: bool = False) -> Iterator[bytes]:
    """The frames of a file: one a line, or the file itself where it is one message.

    A file is one message if it is XML, JSON over several lines, bytes that are no text, or begins
    with the line that a carrier has put before a message.

    Args:
        file: what is read; lines end with LF or CR LF.
        whole: whether the file is one message whatever it looks like.

    Raises:
        BadInput: one message is longer than 64 MiB.
    """
    head = file.read(65536)
    if whole or _is_one(head):
        data = head + file.read(LIMIT)
        if len(data) > LIMIT:
            raise BadInput(f"a message of more than {LIMIT} bytes is not read")
        if data:
            yield data
        return
    rest = b""
    while head:
        *lines, rest = (rest + head).split(b"\n")
        if len(rest) > LIMIT:
            raise BadInput(f"a line of more than {LIMIT} bytes is not read")
        yield from filter(None, map(_plain, lines))
        head = file.read(65536)
    if rest.strip():
        yield _plain(rest)


def _plain(line: bytes) -> bytes:
    """A line without the space around it; what is text in hexadecimal is made text again.

    Decoders of bytes read hexadecimal themselves. A document, or a message behind what its carrier
    says, is told by how it begins: no frame of bytes begins so.
    """
    line = line.strip()
    if line[:2].lower() not in _DOCUMENTS:
        return line
    try:
        return bytes.fromhex(line.decode("ascii"))
    except ValueError:
        return line


def _is_one(head: bytes) -> bool:
    start = head.lstrip()
    if start[:1] in (b"<", START):
        return True
    if start[:1] in (b"{", b"["):
        line, _, more = start.partition(b"\n")
        return bool(more.strip()) and not _is_json(line)
    return not _TEXT.issuperset(head)


def _is_json(text: bytes) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def behind(said: str, frame: bytes) -> bytes:
    """A frame behind what its carrier says, as a live source would have put it there.

    Args:
        said: a JSON object, such as ``{"topic": "spBv1.0/plant/NDATA/edge-1"}``.
        frame: the message, in bytes or in hexadecimal.

    Raises:
        BadInput: it is no JSON object.
    """
    try:
        line = json.loads(said)
    except ValueError as wrong:
        raise BadInput(f"what the carrier says is no JSON: {wrong}") from None
    if not isinstance(line, dict):
        raise BadInput('what the carrier says is no JSON object such as {"topic": "…"}')
    try:
        return wrap(line, bytes.fromhex(frame.decode("ascii")))
    except ValueError:
        return wrap(line, frame)


def text(answer: dict[str, Any], protocol: str, *, chinese: bool) -> str:
    """What a decoder answered, for people: one line a field, then readings with their units.

    Args:
        answer: of a decoder.
        protocol: its name, by which the words are found.
        chinese: whether names have their Chinese word beside them.
    """
    shown = _Shown(words(protocol) if chinese else None)
    if not answer["ok"]:
        shown.line("", "refused", word="拒收", value=f"{answer['error']} ({answer['at']})")
    message = str(answer.get("message", "" if not answer["ok"] else "frame"))
    if message:
        shown.title(message, shown.said.messages.get(message, "") if shown.said else "")
    for name, value in answer.items():
        if name not in _ALSO:
            shown.tree(name, value, indent=_STEP, within=("answer",))
    if answer.get("fields"):
        shown.title("fields", "字段")
        for name, value in answer["fields"].items():
            shown.tree(name, value, indent=_STEP)
    for part, title in (("readings", "读数"), ("marks", "质量标记")):
        if answer.get(part):
            shown.title(part, title)
            for each in answer[part]:
                shown.reading(each)
    return "\n".join(shown.lines)


class _Shown:
    """Lines that are gathered, with Chinese words or without."""

    def __init__(self, said: Words | None) -> None:
        self.said = said
        self.lines: list[str] = []

    def title(self, name: str, word: str) -> None:
        self.lines.append(self._both(name, word))

    def line(self, indent: str, name: str, *, word: str, value: str = "") -> None:
        self.lines.append(f"{indent}{self._both(name, word)}:{value and ' '}{value}")

    def tree(self, name: str, value: Any, *, indent: str, within: tuple[str, ...] = ()) -> None:
        """A field with all that is in it; rows of a list are numbered from 1."""
        word = self._field(name, within)
        if isinstance(value, dict) and value:
            self.line(indent, name, word=word)
            for inner, each in value.items():
                self.tree(inner, each, indent=indent + _STEP, within=(name,))
        elif isinstance(value, list) and any(isinstance(each, dict | list) for each in value):
            self.line(indent, name, word=word)
            for number, each in enumerate(value, 1):
                self._row(number, each, name=name, indent=indent + _STEP)
        else:
            self.line(indent, name, word=word, value=self._value(value, of=name))

    def _row(self, number: int, value: Any, *, name: str, indent: str) -> None:
        mark, start = f"{number}. ", len(self.lines)
        if not isinstance(value, dict) or not value:
            self.lines.append(f"{indent}{mark}{self._value(value, of=name)}")
            return
        # What a row calls itself says more of its fields than the list does that it stands in.
        within = (str(value.get("name", "")), name)
        inside = indent + " " * len(mark)
        for inner, each in value.items():
            self.tree(inner, each, indent=inside, within=within)
        self.lines[start] = f"{indent}{mark}{self.lines[start].removeprefix(inside)}"

    def _field(self, name: str, within: tuple[str, ...] = ()) -> str:
        return self.said.field(name, within=within) if self.said else ""

    def _value(self, value: Any, *, of: str) -> str:
        if value is None or value in ("", [], {}):
            return _NOTHING
        if isinstance(value, bool):
            return ("是" if value else "否") if self.said else ("yes" if value else "no")
        if isinstance(value, list):
            return ", ".join(self._value(each, of=of) for each in value)
        if isinstance(value, str):
            return self._both(_shown(value), self.said.value(value, of=of) if self.said else "")
        return str(value)

    def reading(self, said: dict[str, Any]) -> None:
        """A reading or a mark: what, how much of which unit, and what else is said of it."""
        name = str(said["indicator"])
        word = _word(self.said, name) if self.said else ""
        if "mark" in said:
            mark = str(said["mark"])
            value = self._both(mark, self.said.marks.get(mark, "") if self.said else "")
        else:
            unit = said["unit"] if said["unit"] != "1" else ""
            value = f"{said['value']} {unit}".rstrip()
        others = [
            f"{self._both(key, self._field(key))} {self._value(each, of=key)}"
            for key, each in said.items()
            if key not in ("indicator", "value", "unit", "mark")
        ]
        self.line(_STEP, name, word=word, value="  ".join([value, *others]))

    def _both(self, name: str, word: str) -> str:
        return f"{name} {word}" if self.said and word else name


def _shown(value: str) -> str:
    """A text on one line: what would move the cursor is written out."""
    return value if value.isprintable() else json.dumps(value, ensure_ascii=False)


def _word(said: Words, indicator: str) -> str:
    return said.reading(indicator) or _of_packs().get(indicator, "")


@cache
def _of_packs() -> dict[str, str]:
    """The Chinese words of every pack's indicators."""
    return {
        name: indicator.words.zh
        for pack in map(schema.load, schema.installed())
        for name, indicator in pack.indicators.items()
    }
