"""The oblivious function: the RFC's vectors, its key in parts, and liars among the nodes."""

import tomllib
from pathlib import Path

import pytest

from wuxin.joint.registry import group, oprf, shares
from wuxin.joint.registry.group import Element, Scalar
from wuxin.joint.registry.oprf import Proof
from wuxin.terms.errors import BadInput, Tampered

TABLE = tomllib.loads((Path(__file__).parent / "rfc9497.toml").read_text())


def unhex(texts: list[str]) -> list[bytes]:
    return [bytes.fromhex(text) for text in texts]


@pytest.mark.parametrize("vector", TABLE["vector"], ids=["one", "another", "batch"])
def test_the_vectors_of_rfc_9497_come_out(vector: dict[str, list[str]]) -> None:
    key, public = (bytes.fromhex(TABLE[name]) for name in ("secret", "public"))
    factors = unhex(vector["blind"])
    blinded = [
        oprf.blind(text, Scalar(r)) for text, r in zip(unhex(vector["input"]), factors, strict=True)
    ]
    assert [one.element for one in blinded] == unhex(vector["blinded"])
    asked = [one.element for one in blinded]
    given = oprf.evaluate(Scalar(key), asked)
    assert given == unhex(vector["evaluated"])
    nonce = Scalar(bytes.fromhex(str(vector["nonce"])))
    proof = oprf.prove(Scalar(key), Element(public), asked=asked, given=given, nonce=nonce)
    assert [*proof] == unhex(vector["proof"])
    assert oprf.verify(Element(public), proof, asked=asked, given=given)
    out = [oprf.finalize(one, [part]) for one, part in zip(blinded, given, strict=True)]
    assert out == unhex(vector["output"])


def test_three_parts_give_the_output_of_their_sum() -> None:
    parts = [shares.new() for _ in range(3)]
    whole = Scalar(parts[0].secret)
    for one in parts[1:]:
        whole = group.s_plus(whole, Scalar(one.secret))
    one, other = oprf.blind(b"receipt"), oprf.blind(b"receipt")
    assert one.element != other.element
    split = oprf.finalize(one, [oprf.evaluate(Scalar(p.secret), [one.element])[0] for p in parts])
    assert split == oprf.finalize(other, oprf.evaluate(whole, [other.element]))


def test_two_parts_of_three_give_another_output() -> None:
    parts = [shares.new() for _ in range(3)]
    one = oprf.blind(b"receipt")
    given = [oprf.evaluate(Scalar(p.secret), [one.element])[0] for p in parts]
    right = oprf.finalize(one, given)
    assert all(oprf.finalize(one, given[:n] + given[n + 1 :]) != right for n in range(3))


def test_a_proof_with_another_key_or_over_another_batch_fails() -> None:
    part, other = shares.new(), shares.new()
    asked = [oprf.blind(text).element for text in (b"a", b"b")]
    given = oprf.evaluate(Scalar(part.secret), asked)
    proof = oprf.prove(Scalar(part.secret), part.public, asked=asked, given=given)
    assert oprf.verify(part.public, proof, asked=asked, given=given)
    assert not oprf.verify(other.public, proof, asked=asked, given=given)
    assert not oprf.verify(part.public, proof, asked=asked[::-1], given=given)
    false = [given[0], oprf.evaluate(Scalar(other.secret), asked[1:])[0]]
    assert not oprf.verify(part.public, proof, asked=asked, given=false)
    forged = Proof(proof.challenge, bytes(group.s_plus(Scalar(proof.answer), group.fresh())))
    assert not oprf.verify(part.public, forged, asked=asked, given=given)
    for_false = oprf.prove(Scalar(other.secret), part.public, asked=asked, given=false)
    assert not oprf.verify(part.public, for_false, asked=asked, given=false)


@pytest.mark.parametrize("data", [bytes(32), b"\xff" * 32, b"short", b"\x01" + bytes(31)])
def test_what_is_no_element_is_refused(data: bytes) -> None:
    with pytest.raises(BadInput):
        group.element(data)


def test_a_node_that_names_a_part_it_does_not_know_is_found_out() -> None:
    honest = [shares.new(), shares.new()]
    mine = shares.new()
    rogue = group.minus(group.minus(mine.public, honest[0].public), honest[1].public)
    assert not shares.possesses(rogue, mine.possession())
    assert shares.possesses(mine.public, mine.possession())


def test_answers_that_cancel_out_are_no_tag() -> None:
    one = oprf.blind(b"receipt")
    part = group.times(group.fresh(), one.element)
    against = group.minus(group.minus(part, part), part)
    with pytest.raises(Tampered, match="cancel out"):
        oprf.finalize(one, [part, against])
