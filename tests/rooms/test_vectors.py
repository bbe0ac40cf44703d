"""Every protocol has vectors: messages that are read or refused, each with its source."""

from typing import Any

import pytest

from tests.rooms.frames import frame_of, holds, load, protocols
from wuxin.protocols.decoders import find

VECTORS = {name: load(name) for name in protocols()}
KEYS = {"hj212": "sm4_key", "wuxin_cose": "public_key"}
"""What a vector's key is called by a decoder."""


def cases(kind: str) -> list[Any]:
    return [
        pytest.param(name, vector, id=f"{name}: {vector['name']}")
        for name, vectors in VECTORS.items()
        for vector in vectors[kind]
    ]


def answer(protocol: str, vector: dict[str, Any]) -> dict[str, Any]:
    key = {KEYS[protocol]: bytes.fromhex(vector["key"])} if "key" in vector else {}
    return find(protocol)(frame_of(vector), **key)


@pytest.mark.parametrize("protocol", VECTORS)
def test_a_protocol_has_vectors_of_both_kinds_with_their_source(protocol: str) -> None:
    assert VECTORS[protocol].keys() == {"accept", "refuse"}
    for vectors in VECTORS[protocol].values():
        assert vectors
        assert all(each["name"] and each["source"] for each in vectors)
        names = [each["name"] for each in vectors]
        assert len(names) == len(set(names))


@pytest.mark.parametrize(("protocol", "vector"), cases("accept"))
def test_a_good_message_means_what_its_vector_says(protocol: str, vector: dict[str, Any]) -> None:
    said = answer(protocol, vector)
    assert said["ok"], said
    assert holds(said, vector.get("want", {})), said


@pytest.mark.parametrize(("protocol", "vector"), cases("refuse"))
def test_a_bad_message_is_refused_with_its_reason(protocol: str, vector: dict[str, Any]) -> None:
    said = answer(protocol, vector)
    assert not said["ok"], said
    assert vector["error"] in said["error"]
    assert said["at"] == vector["at"]
