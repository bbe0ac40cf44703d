"""Signed batches: the working group's example, and that nothing which was changed is believed."""

import json
import random
from typing import Any

import cbor2
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests.rooms.frames import mutated, proper, registered
from wuxin.protocols import cose, native, native_cbor
from wuxin.protocols.octets import BadFrame
from wuxin.terms.errors import BadInput

KEY = bytes.fromhex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60")
PUBLIC = bytes.fromhex("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a")
"""RFC 8032 §7.1, test 1; the key of the examples too."""
EXAMPLE = bytes.fromhex(
    "d28445a201270300a10442313154546869732069732074686520636f6e74656e742e58407142fd2ff96d56db"
    "85bee905a76ba1d0b7321a95c8c4d3607c5781932b7afb8711497dfa751bf40b58b3bcc32300b1487f3db340"
    "85eef013bf08f4a44d6fef0d"
)
"""COSE WG Examples, eddsa-examples/eddsa-sig-01: text, not a frame."""
EXAMPLE_448 = bytes.fromhex(
    "d28443a10127a10445336434343854546869732069732074686520636f6e74656e742e5872988240a3a2f189bd"
    "486de14aa77f54686c576a09f2e7ed9bae910df9139c2ac3be7c27b7e10a20fa17c9d57d3510a2cf1f634bc0"
    "345ab9be00849842171d1e9e98b2674c0e38bfcf6c557a1692b01b71015a47ac9f7748840cad1da80cbb5b34"
    "9309febb912672b377c8b2072af1598b3700"
)
"""The same, eddsa-sig-02: by Ed448, which no device of ours signs with."""

AT = 1_641_124_800_000_000_000


def measured(seq: int, device: str = "inverter:A1") -> bytes:
    return native_cbor.encode(device, {"ac_power": 5.0}, boot="b1", seq=seq, time=AT + seq * 10**9)


def signed(payload: bytes | None = None) -> bytes:
    payload = cose.batch([measured(1), measured(2, "meter:M1")]) if payload is None else payload
    return cose.sign(payload, KEY, kid=b"inverter:A1#1")


def test_the_working_groups_example_is_signed_by_its_key() -> None:
    said = cose.opened(EXAMPLE)
    assert said.payload == b"This is the content."
    assert said.kid == b"11"
    assert Ed25519PrivateKey.from_private_bytes(KEY).sign(said.signed) == said.signature
    answer = cose.decode(EXAMPLE, public_key=PUBLIC)
    assert answer["at"] != "$[3]", "the signature is true; the payload is what is no frame"
    other = bytearray(EXAMPLE)
    other[-1] ^= 1
    assert cose.decode(bytes(other), public_key=PUBLIC)["at"] == "$[3]"


def test_another_curve_is_refused() -> None:
    with pytest.raises(BadFrame, match="64 bytes"):
        cose.opened(EXAMPLE_448)


def test_a_batch_tells_of_every_frame_when_it_is_signed_by_the_key() -> None:
    answer = cose.decode(signed(), public_key=PUBLIC)
    assert answer["ok"], answer
    assert answer["device"] == "inverter:A1"
    assert answer["fields"]["signature"] == "true"
    assert answer["fields"]["kid"] == "inverter:A1#1"
    assert [f["seq"] for f in answer["fields"]["frames"]] == [1, 2]
    assert answer["readings"] == [
        {"indicator": "ac_power", "value": 5.0, "unit": "", "time": "2022-01-02T12:00:01Z"},
        {"indicator": "ac_power", "value": 5.0, "unit": "", "time": "2022-01-02T12:00:02Z",
         "thing": "meter:M1"},
    ]  # fmt: skip
    assert "seq" not in answer, "a batch of two has no one number"


def test_without_a_key_the_signature_is_said_to_be_unchecked() -> None:
    answer = cose.decode(signed())
    assert answer["ok"]
    assert answer["fields"]["signature"] == "unchecked"
    assert cose.decode(signed().hex().encode()) == answer


def test_one_frame_may_be_signed_alone_in_cbor_or_json() -> None:
    text = (
        b'{"device":"inverter:A1","boot":"b1","seq":7,"time":"2022-01-02T12:00:07Z",'
        b'"readings":{"ac_power":5}}'
    )
    answers = [cose.decode(signed(payload), public_key=PUBLIC) for payload in (measured(7), text)]
    assert answers[0] == answers[1]
    assert {"seq": 7, "boot": "b1", "time": native.decode(text)["time"]}.items() <= answers[
        0
    ].items()


@pytest.mark.parametrize("count", [1, 23, 24, 255, 256, 1024])
def test_a_batch_of_any_size_is_read_again(count: int) -> None:
    payload = cose.batch([measured(seq) for seq in range(count)])
    answer = cose.decode(signed(payload), public_key=PUBLIC)
    assert len(answer["fields"]["frames"]) == count


def built(protected: Any, unprotected: Any, *, payload: Any = b"\xa0") -> bytes:
    inner = protected if isinstance(protected, bytes) else cbor2.dumps(protected)
    return cbor2.dumps(cbor2.CBORTag(18, [inner, unprotected, payload, bytes(64)]))


@pytest.mark.parametrize(
    ("frame", "error"),
    [
        (built({1: -7}, {}), "algorithm -7"),
        (built({}, {1: -8}), "algorithm None"),
        (built({1: -8}, {1: -8}), "both protected and not"),
        (built({1: -8, 2: [99], 99: 1}, {}), "critical"),
        (built({1: -8, 4: "text"}, {}), "key's id"),
        (built({1: -8, 4: bytes(65)}, {}), "key's id"),
        (built({1: -8}, {}, payload=None), "not in the message"),
        (built(bytes.fromhex("a201270126"), {}), "given twice"),
        (built(b"\x01", {}), "not a map"),
        (cbor2.dumps(cbor2.CBORTag(98, [b"", {}, b"", []])), "tag 98"),
        (cbor2.dumps([b"", {}, b""]), "list of four"),
        (b"hello", "byte|item|length|needs"),
        (signed(b"\x80"), "1 to 1024"),
        (signed(cbor2.dumps([1])), "a frame is a map"),
        (signed(cose.batch([measured(1), measured(1, "A1")])), "does not name a thing"),
    ],
)
def test_a_bad_message_is_refused_with_its_reason(frame: bytes, error: str) -> None:
    answer = cose.decode(frame)
    assert not answer["ok"]
    assert any(part in answer["error"] for part in error.split("|")), answer


def test_a_frame_that_cannot_be_read_is_named() -> None:
    answer = cose.decode(signed(cose.batch([measured(1), measured(1, "A1")])))
    assert answer["at"] == "payload[1] $.device"


def test_a_key_of_another_device_or_none_at_all_is_refused() -> None:
    other = Ed25519PrivateKey.from_private_bytes(bytes(32)).public_key().public_bytes_raw()
    assert cose.decode(signed(), public_key=other)["at"] == "$[3]"
    assert cose.decode(signed(), public_key=b"short")["at"] == "key"


def test_what_a_device_cannot_sign_is_not_signed() -> None:
    for key, kid in ((b"short", b"k"), (KEY, bytes(65))):
        with pytest.raises(BadInput):
            cose.sign(b"", key, kid=kid)
    for frames in ([], [b"\xa0"] * 1025):
        with pytest.raises(BadInput):
            cose.batch(frames)


def test_no_bit_of_what_is_signed_can_be_changed() -> None:
    good = signed()
    said = cose.decode(good, public_key=PUBLIC)
    for at in range(len(good)):
        changed = bytearray(good)
        changed[at] ^= 1 << random.Random(at).randrange(8)  # noqa: S311 - to be repeated
        answer = cose.decode(bytes(changed), public_key=PUBLIC)
        assert not answer["ok"] or answer == said, at


def test_no_mutation_raises_and_none_is_believed() -> None:
    good = [signed(), signed(measured(3)), EXAMPLE]
    said = [cose.decode(each, public_key=PUBLIC) for each in good[:2]]
    unchecked = 0
    for data in mutated(good, 10_000, seed=9052):
        answer = cose.decode(data)
        proper(answer, most=20_000)
        unchecked += answer["ok"]
        if answer["ok"]:
            checked = cose.decode(data, public_key=PUBLIC)
            assert not checked["ok"] or checked in said, json.dumps(checked)
    assert unchecked > 100, "mutants that can be read are what the signature is for"


def test_the_decoder_is_registered() -> None:
    assert registered("wuxin_cose") == cose.__name__
