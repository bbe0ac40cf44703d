"""A witness cosigns only what extends what it cosigned; others' programs accept what it says."""

import base64
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import metamorphic_log
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from fastapi.testclient import TestClient
from tlog_scales.signing import Vkey
from tlog_scales.tiles import leaf_hash
from tlog_scales.tlog import Checkpoint, ConsistencyProof

from wuxin.evidence.anchors import Seat, collect
from wuxin.evidence.chains import SimulatedChain, chain_digest
from wuxin.evidence.cosignature import Cosigner, witnessed
from wuxin.evidence.log import Log
from wuxin.evidence.note import Ed25519Signer, Head, open_checkpoint, sign_checkpoint
from wuxin.evidence.proof import prove
from wuxin.evidence.witness import Asked, Witness, check_extends, read_request, write_request
from wuxin.portal.witness import app_of
from wuxin.terms.errors import BadInput, Tampered

ORIGIN = "bank.example/log"
SIGNER = Ed25519Signer(ORIGIN, Ed25519PrivateKey.from_private_bytes(b"k" * 32))
COSIGNER = Cosigner(Ed25519Signer("w.example", Ed25519PrivateKey.from_private_bytes(b"w" * 32)))
NOW = 1_679_315_147

# Requests that torchwood's litewitness is tested with: a log's key, and checkpoints that it signed
# at 1, 3 and 5 entries. Source: github.com/FiloSottile/torchwood, internal/witness/witness_test.go.
SIGSUM = "sigsum.org/v1/tree/4d6d8825a6bb689d459628312889dfbb0bcd41b5211d9e1ce768b0ff0309e562"
SIGSUM_KEY = bytes.fromhex("ffdc2d4d98e4124d3feaf788c0c2f9abfd796083d1f0495437f302ec79cf100f")
SIGNED = (
    "UgIom7fPZTqpxWWhyjWduBvTvGVqsokMbqTArsQilegKoFBJQjUFAmQ0+YeSPM3wfUQMFSzVnnNuWRTYrajXpNUbIQY=",
    "UgIom2VbtIcdFbwFAy1n7s6IkAxIY6J/GQOTuZF2ORV39d75cbAj2aQYwyJre36kezNobZs4SUUdrcawfAB8WVrx6go=",
    "UgIomw/EOJmWi0i1FQsOj+etB7F8IccFam/jgd6wzRns4QPVmyEZtdvl1U2KEmLOZ/ASRcWJi0tW90dJWAShei7sDww=",
)
FIRST = f"""old 0

{SIGSUM}
1
KgAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=

— {SIGSUM} {SIGNED[0]}
"""
THIRD = f"""old 1
KgEAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=
KgIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=

{SIGSUM}
3
RcCI1Nk56ZcSmIEfIn0SleqtV7uvrlXNccFx595Iwl0=

— {SIGSUM} {SIGNED[1]}
"""
FIFTH = f"""old 1
KgEAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=
+fUDV+k970B4I3uKrqJM4aP1lloPZP8mvr2Z4wRw2LI=
KgQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=

{SIGSUM}
5
QrtXrQZCCvpIgsSmOsah7HdICzMLLyDfxToMql9WTjY=

— {SIGSUM} {SIGNED[2]}
"""


@pytest.fixture
def log(tmp_path: Path) -> Log:
    log = Log.open(tmp_path / "log", origin=ORIGIN, signer=SIGNER, size=0)
    log.publish(log.append([b"entry %d" % n for n in range(300)]))
    return log


@pytest.fixture
def witness(tmp_path: Path) -> Witness:
    return Witness(tmp_path / "witness", cosigner=COSIGNER, logs={ORIGIN: SIGNER.vkey})


def ask(log: Log, old: int, *, head: Head | None = None) -> bytes:
    """Return a request over a log's head, with the proof from an old size."""
    head = head or log.head
    path = tuple(log.consistency(old, head.size)) if old else ()
    return write_request(Asked(old, path, sign_checkpoint(head, SIGNER))).encode()


def test_the_requests_of_another_implementation_are_answered_as_there(tmp_path: Path) -> None:
    vkey = Vkey(SIGSUM, None, 1, SIGSUM_KEY).serialize()
    witness = Witness(tmp_path, cosigner=COSIGNER, logs={SIGSUM: vkey})
    first = witness.add_checkpoint(FIRST.encode(), now=NOW)
    assert first.status == 200
    text = FIRST.partition("\n\n")[2] + first.body
    Checkpoint.from_text(text).verify(Vkey.from_string(COSIGNER.vkey))
    assert witness.add_checkpoint(FIFTH.encode(), now=NOW).status == 200
    late = witness.add_checkpoint(THIRD.encode(), now=NOW)
    assert late == (409, "5\n", "text/x.tlog.size")
    root = "42bb57ad06420afa4882c4a63ac6a1ec77480b330b2f20dfc53a0caa5f564e36"
    assert witness.known(SIGSUM) == Head(SIGSUM, 5, bytes.fromhex(root))
    many = FIRST.replace(
        "old 0\n", "old 0\n" + "KgEAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n" * 64
    )
    assert witness.add_checkpoint(many.encode(), now=NOW).status == 400


def test_a_log_that_grows_is_cosigned_at_every_size(log: Log, witness: Witness) -> None:
    old = 0
    for _ in range(4):
        answer = witness.add_checkpoint(ask(log, old), now=NOW)
        assert answer.status == 200, answer
        text = sign_checkpoint(log.head, SIGNER) + answer.body
        assert witnessed(text, COSIGNER.vkey).at == NOW
        old = log.size
        log.append([b"more %d" % n for n in range(77)])


def spoil(request: bytes, line: int) -> bytes:
    """Flip a bit in one line of a request, keeping its form."""
    lines = request.split(b"\n")
    lines[line] = lines[line].replace(
        lines[line][5:6], b"A" if lines[line][5:6] != b"A" else b"B", 1
    )
    return b"\n".join(lines)


@pytest.mark.parametrize(
    ("change", "status"),
    [
        (lambda log: ask(log, 0), 409),  # it knows 300
        (lambda log: ask(log, 299), 409),
        (lambda log: ask(log, 300).replace(b"old 300", b"old 0300"), 400),
        (lambda log: ask(log, 300).replace(b"old 300", b"old 401"), 400),
        (lambda log: ask(log, 300).replace(b"\n\n", b"\n", 1), 400),
        (lambda log: b"\xff" + ask(log, 300), 400),
        (lambda _: b"", 400),
        (lambda log: spoil(ask(log, 300), 1), 422),
        (lambda log: ask(log, 300, head=Head(ORIGIN, 400, b"r" * 32)), 422),
        (lambda log: ask(log, 300, head=Head(ORIGIN, 300, b"r" * 32)), 409),
        (lambda log: ask(log, 300, head=Head("other.example/log", 400, b"r" * 32)), 404),
        (lambda log: ask(log, 300).replace(b"\n400\n", b"\n399\n"), 403),
    ],
)  # fmt: skip
def test_what_does_not_extend_the_known_is_not_cosigned(
    log: Log, witness: Witness, change: Callable[[Log], bytes], status: int
) -> None:
    assert witness.add_checkpoint(ask(log, 0), now=NOW).status == 200
    log.append([b"more %d" % n for n in range(100)])
    answer = witness.add_checkpoint(change(log), now=NOW)
    assert answer.status == status, answer
    assert "—" not in answer.body
    assert witness.known(ORIGIN).size == 300
    assert witness.add_checkpoint(ask(log, 300), now=NOW).status == 200


def test_it_remembers_what_it_cosigned_when_it_starts_again(
    log: Log, witness: Witness, tmp_path: Path
) -> None:
    witness.add_checkpoint(ask(log, 0), now=NOW)
    again = Witness(tmp_path / "witness", cosigner=COSIGNER, logs={ORIGIN: SIGNER.vkey})
    assert again.known(ORIGIN) == log.head
    forked = Head(ORIGIN, 300, b"f" * 32)
    assert again.add_checkpoint(ask(log, 300, head=forked), now=NOW).status == 409


def test_of_two_histories_at_the_same_moment_one_is_cosigned(tmp_path: Path) -> None:
    for number in range(20):
        folder = tmp_path / str(number)
        pair = [Witness(folder, cosigner=COSIGNER, logs={ORIGIN: SIGNER.vkey}) for _ in range(2)]
        heads = [Head(ORIGIN, 7, bytes([side]) * 32) for side in range(2)]
        requests = [write_request(Asked(0, (), sign_checkpoint(h, SIGNER))).encode() for h in heads]
        gate = threading.Barrier(2)
        with ThreadPoolExecutor(2) as pool:
            done = pool.map(
                lambda w, r, g=gate: (g.wait(), w.add_checkpoint(r, now=NOW)), pair, requests
            )
        statuses = [answer.status for _, answer in done]
        assert sorted(statuses) == [200, 409]


def test_the_client_collects_over_http_and_tells_who_refused(log: Log, witness: Witness) -> None:
    web = TestClient(app_of(witness, lambda: NOW * 10**9))

    def post(url: str, body: bytes, *, kind: str = "text/plain") -> tuple[int, bytes]:
        if "dead" in url:
            return 0, b""
        if "liar" in url:
            return 200, b"\xe2\x80\x94 w.example AAAA\n"
        answer = web.post(url, content=body, headers={"Content-Type": kind})
        return answer.status_code, answer.content

    other = Cosigner(Ed25519Signer("x.example", Ed25519PrivateKey.from_private_bytes(b"x" * 32)))
    seats = [
        Seat("http://testserver/", COSIGNER.vkey), Seat("http://dead/", other.vkey),
        Seat("http://liar/", other.vkey), Seat("http://testserver/", other.vkey),
    ]  # fmt: skip
    for _ in range(2):  # the second time it knows 300 already and is asked from there
        found = collect(log, log.checkpoint(), seats=seats, post=post)
        assert found.vkeys == (COSIGNER.vkey,)
        assert len(found.refused) == 3
        assert open_checkpoint(found.checkpoint, SIGNER.vkey) == log.head
        assert found.checkpoint.count("— w.example ") == 1
        Checkpoint.from_text(found.checkpoint).verify(Vkey.from_string(COSIGNER.vkey))
        log.publish(log.append([b"more"] * 5))
    assert web.post("/add-checkpoint", content=b"x" * 70_000).status_code == 413


def test_a_changed_cosignature_is_refused(log: Log) -> None:
    body = log.head.body
    text = sign_checkpoint(log.head, SIGNER) + COSIGNER.cosign(body, at=NOW) + "\n"
    assert witnessed(text, COSIGNER.vkey).at == NOW
    assert witnessed(sign_checkpoint(log.head, SIGNER), COSIGNER.vkey) is None
    blob = bytearray(base64.b64decode(text.rsplit(" ", 1)[1]))
    for at in range(4, len(blob), 5):  # the time, then the signature
        spoilt = blob.copy()
        spoilt[at] ^= 1
        line = f"— w.example {base64.b64encode(spoilt).decode()}\n"
        with pytest.raises(Tampered):
            witnessed(sign_checkpoint(log.head, SIGNER) + line, COSIGNER.vkey)
    with pytest.raises(BadInput, match="not an Ed25519 cosignature key"):
        witnessed(text, SIGNER.vkey)


def test_a_consistency_proof_is_handed_over_and_checked_by_three_programs(log: Log) -> None:
    old, older = log.head, log.checkpoint()
    log.publish(log.append([b"more %d" % n for n in range(1234)]))
    told = read_request(write_request(
        Asked(old.size, tuple(log.consistency(old.size, log.size)), log.checkpoint())
    ).encode())  # fmt: skip
    assert check_extends(told, old, vkey=SIGNER.vkey) == log.head
    ConsistencyProof(old.size, log.size, [*told.path]).check(old.root, log.head.root)
    metamorphic_log.checkpoint_verify_consistency(
        older, told.checkpoint, [SIGNER.vkey], [*told.path]
    )
    forked = Head(old.origin, old.size, b"f" * 32)
    with pytest.raises(Tampered):
        check_extends(told, forked, vkey=SIGNER.vkey)
    spoilt = [b"x" * 32, *told.path[1:]]
    with pytest.raises(Tampered):
        check_extends(told._replace(path=tuple(spoilt)), old, vkey=SIGNER.vkey)
    with pytest.raises(metamorphic_log.VerifyError):
        metamorphic_log.checkpoint_verify_consistency(older, told.checkpoint, [SIGNER.vkey], spoilt)


def test_a_rust_verifier_accepts_our_inclusion_proofs_and_no_changed_ones(log: Log) -> None:
    for index in (0, 17, 255, 256, 299):
        proof, hashed = prove(log, index), leaf_hash(log.entry(index))
        given = (proof.checkpoint, [SIGNER.vkey], index)
        metamorphic_log.checkpoint_verify_inclusion(*given, hashed, [*proof.hashes])
        with pytest.raises(metamorphic_log.VerifyError):
            metamorphic_log.checkpoint_verify_inclusion(*given, b"x" * 32, [*proof.hashes])


def test_thirty_two_bytes_come_back_from_a_chain(log: Log) -> None:
    chain = SimulatedChain()
    place = chain.put(chain_digest(log.checkpoint()))
    cosigned = log.checkpoint() + COSIGNER.cosign(log.head.body, at=NOW) + "\n"
    assert chain.get(place) == chain_digest(cosigned)  # more signatures, the same statement
    assert chain.get("1") is None
