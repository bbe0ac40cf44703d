"""Commands to the driver and the vehicle: text, events, questions, information, phones, control.

Source: JT/T 808-2013 and -2019, messages 0x0301 to 0x0303 and 0x8300 to 0x8500.
"""

from collections.abc import Mapping
from typing import Any, Final

from wuxin.protocols.jt808.layout import Cursor, Group, Several, Sized, v2013, v2019
from wuxin.protocols.jt808.values import U8, U16, Bits, Choice, Text
from wuxin.terms.errors import BadInput

_SHOWN: Final = {
    2: "on_display", 3: "read_aloud", 4: "on_advertising_screen", 5: "can_fault",
}  # fmt: skip
_TEXT_FLAG: Final = Bits(U8, {0: "urgent"} | _SHOWN)
_TEXT_FLAG_2019: Final = Bits(U8, {0: "service", 1: "urgent"} | _SHOWN)  # both: a notice
_SHORT: Final = Sized(U8, Text())
_LONG: Final = Sized(U16, Text())
_EVENTS: Final = Group(("id", U8), ("text", _SHORT))
_NEWS: Final = Group(("type", U8), ("text", _LONG))
_CALLS: Final = Choice({1: "in", 2: "out", 3: "both"})
_CONTROL: Final = Bits(U8, {0: "lock_doors"})
_SETTING: Final = Choice(
    {0: "delete_all", 1: "replace", 2: "append", 3: "modify", 4: "delete_some"}
)
_BOOK: Final = Choice({0: "delete_all", 1: "replace", 2: "append", 3: "modify"})


class _Controls(Group):
    """Vehicle control of 2019: a count, and for each control its id and one byte.

    Some platforms leave out the count where there is one control; three bytes can be nothing else.
    """

    def __init__(self) -> None:
        self.one = Group(("id", Choice({1: "doors"}, U16)), ("parameter", U8))
        super().__init__(("controls", Several(U16, self.one)))

    def read(self, c: Cursor) -> dict[str, Any]:
        """The controls."""
        return {"controls": [self.one.read(c)]} if c.left == 3 else super().read(c)


class _ByVersion:
    """A body that has nothing in common between the editions."""

    def __init__(self, old: Group, new: Group) -> None:
        self.layouts = {"2013": old, "2019": new}

    def read(self, c: Cursor) -> dict[str, Any]:
        """The fields of the message's edition."""
        return self.layouts[c.version].read(c)

    def write(self, value: Any, version: str) -> bytes:
        """The bytes in that edition."""
        return self.layouts[version].write(value, version)


class _Deletable(Group):
    """A list that is left out where all entries are to be deleted."""

    def read(self, c: Cursor) -> dict[str, Any]:
        """The setting and the entries, none where nothing follows."""
        if c.left == 1:
            (name, kind, _), (entries, _, _) = self.fields
            return {name: kind.read(c), entries: []}
        return super().read(c)

    def write(self, value: Any, version: str) -> bytes:
        """The bytes; an empty list is written with its count."""
        if not isinstance(value, Mapping):
            raise BadInput(f"{value!r} is not a set of named fields")
        return super().write(value, version)


MESSAGES: Final[dict[int, tuple[str, Any]]] = {
    0x0301: ("event_report", Group(("event_id", U8))),
    0x0302: ("question_answer", Group(("reply_serial", U16), ("answer_id", U8))),
    0x0303: (
        "information_demand",
        Group(("type", U8), ("action", Choice({0: "cancel", 1: "order"}))),
    ),
    0x8300: (
        "text",
        Group(
            ("flag", _TEXT_FLAG, v2013),
            ("flag", _TEXT_FLAG_2019, v2019),
            ("type", Choice({1: "notice", 2: "service"}), v2019),
            ("text", Text()),
        ),
    ),
    0x8301: ("set_events", _Deletable(("setting", _SETTING), ("events", Several(U8, _EVENTS)))),
    0x8302: (
        "question",
        Group(
            ("flag", _TEXT_FLAG),
            ("question", _SHORT),
            ("answers", Several(None, Group(("id", U8), ("text", _LONG)))),
        ),
    ),
    0x8303: (
        "set_information_menu",
        _Deletable(("setting", _BOOK), ("entries", Several(U8, _NEWS))),
    ),
    0x8304: ("information", _NEWS),
    0x8400: (
        "call_back",
        Group(("mode", Choice({0: "call", 1: "listen"})), ("phone", Text())),
    ),
    0x8401: (
        "set_phone_book",
        _Deletable(
            ("setting", _BOOK),
            (
                "contacts",
                Several(U8, Group(("calls", _CALLS), ("phone", _SHORT), ("name", _SHORT))),
            ),
        ),
    ),
    0x8500: ("vehicle_control", _ByVersion(Group(("control", _CONTROL)), _Controls())),
}
"""Message id to the standard's name in English and the layout of its body."""
