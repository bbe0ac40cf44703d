"""What a command may say at all: whatever journal, book and log can all keep and read back."""

import math
from collections.abc import Mapping
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wuxin.terms.counter import DEEPEST, LONGEST, check_writable
from wuxin.terms.errors import BadInput
from wuxin.terms.records import Command

anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters()),
    lambda parts: st.lists(parts) | st.dictionaries(st.text(st.characters()), parts),
    max_leaves=8,
)


def told(body: Mapping[str, Any]) -> Command:
    return Command("repay", 1, "core_system:core", "F-1", body)


def nested(depth: int) -> Any:
    return [nested(depth - 1)] if depth else "end"


@pytest.mark.parametrize(
    "value",
    [2**63, -(2**63) - 1, 10**40, math.nan, math.inf, "\ud800", "a\0b", {"\udfff": 1},
     [{"x": "\0"}], nested(DEEPEST), "x" * (LONGEST + 1),
     ["x" * 1000] * 300, [None] * (LONGEST + 1)],
)  # fmt: skip
def test_what_could_not_be_kept_is_refused(value: Any) -> None:
    with pytest.raises(BadInput, match="cannot be kept"):
        check_writable(told({"amount": value}))


@pytest.mark.parametrize("field", ["by", "facility", "key"])
def test_who_and_which_are_text_too(field: str) -> None:
    said: dict[str, str] = {"by": "a", "facility": "F", "key": "k", field: "\ud800"}
    with pytest.raises(BadInput, match=f"{field} cannot be kept"):
        check_writable(Command("repay", 1, said["by"], said["facility"], key=said["key"]))


@given(st.dictionaries(st.text(st.characters()), anything))
def test_what_passes_is_read_back_as_it_was(body: dict[str, Any]) -> None:
    command = told(body)
    try:
        check_writable(command)
    except BadInput:
        return
    for way in (msgspec.msgpack, msgspec.json):
        assert way.decode(way.encode(command), type=Command) == command
    assert len(command.id) == 64
