"""Records have one form: what the log commits to is what a stranger's verifier computes."""

import struct

from hypothesis import given
from hypothesis import strategies as st

from wuxin.evidence.case import cbor
from wuxin.terms.names import canonical

PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.text(max_size=40)
    | st.binary(max_size=8) | st.floats(allow_nan=False)
    | st.floats(30000, 65504, width=16),
    lambda inner: st.lists(inner, max_size=5)
    | st.dictionaries(st.text(max_size=30), inner, max_size=5),
    max_leaves=12,
)  # fmt: skip


@given(PLAIN)
def test_the_log_and_the_verifier_write_a_record_alike(record: object) -> None:
    assert canonical(record) == cbor(record)


def test_every_float_of_two_bytes_has_two_bytes() -> None:
    for bits in range(65536):
        [value] = struct.unpack(">e", struct.pack(">H", bits))
        if value == value:  # noqa: PLR0124 - what is not a number has one form
            assert len(canonical(value)) == 3, value


def test_ten_hours_in_seconds_are_written_as_the_standard_says() -> None:
    # RFC 8949 clause 4.2.1: the shortest form; 36,000 = 1125 × 2^5 is 0x7865 as a half
    assert canonical(36000.0).hex() == "f97865"
    assert canonical({"value": [36000.0, -43200.0]}).hex() == "a16576616c756582f97865f9f946"
