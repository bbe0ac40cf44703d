"""A message behind what its carrier said about it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wuxin.terms.envelope import HEADER_BYTES, unwrap, wrap
from wuxin.terms.errors import BadInput

PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner),
    max_leaves=8,
)


@given(st.dictionaries(st.text(max_size=9), PLAIN, max_size=4), st.binary(max_size=50))
def test_what_is_wrapped_comes_back(said: dict[str, object], payload: bytes) -> None:
    assert unwrap(wrap(said, payload)) == (said, payload)


def test_the_order_of_names_changes_nothing() -> None:
    assert wrap({"b": 1, "a": 2}, b"x") == wrap({"a": 2, "b": 1}, b"x") == b'\x1e{"a":2,"b":1}\nx'


@given(st.binary(max_size=80).filter(lambda b: not b.startswith(b"\x1e")))
def test_a_message_without_a_line_is_its_own_payload(message: bytes) -> None:
    assert unwrap(message) == ({}, message)


@pytest.mark.parametrize(
    ("message", "why"),
    [
        (b"\x1e{}", "does not end"),
        (b"\x1e[1]\nx", "not a JSON object"),
        (b"\x1e{\xff}\nx", "not a JSON object"),
        (b'\x1e{"a":"\xff"}\nx', "not a JSON object"),
        (b"\x1e" + b'{"a":' * 20_000 + b"\n", "does not end"),
        (b"\x1e" + b'{"a":' * (HEADER_BYTES // 6) + b"\n", "not a JSON object"),
    ],
)
def test_a_line_that_cannot_be_read_is_refused(message: bytes, why: str) -> None:
    with pytest.raises(BadInput, match=why):
        unwrap(message)
