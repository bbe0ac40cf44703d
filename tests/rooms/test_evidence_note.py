"""Checkpoints: a foreign one opens, ours opens elsewhere, a changed one does not."""

import stat
from base64 import b64encode
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from wuxin.evidence.note import Ed25519Signer, Head, Verifier, open_checkpoint, sign_checkpoint
from wuxin.terms.errors import BadInput, Tampered

# A checkpoint of the Go checksum database, as it was published.
GO_KEY = "sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8"
GO_CHECKPOINT = """go.sum database tree
20852163
CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=

— sum.golang.org \
Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=
"""

ROOT = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n"
HEAD = Head("bank.example/log", 7, bytes(range(32)))
SIGNER = Ed25519Signer(HEAD.origin, Ed25519PrivateKey.from_private_bytes(b"k" * 32))
OTHER = Ed25519Signer(HEAD.origin, Ed25519PrivateKey.from_private_bytes(b"o" * 32))


def test_a_checkpoint_of_another_log_opens() -> None:
    head = open_checkpoint(GO_CHECKPOINT, GO_KEY)
    assert (head.origin, head.size) == ("go.sum database tree", 20852163)


def test_what_was_signed_opens_again() -> None:
    assert open_checkpoint(sign_checkpoint(HEAD, SIGNER), SIGNER.vkey) == HEAD


def test_signatures_of_unknown_keys_are_ignored() -> None:
    text = sign_checkpoint(HEAD, OTHER, SIGNER)
    assert open_checkpoint(text, SIGNER.vkey) == HEAD
    assert open_checkpoint(text, OTHER.vkey) == HEAD


def test_without_a_signature_of_the_key_nothing_opens() -> None:
    with pytest.raises(Tampered, match="carries no signature"):
        open_checkpoint(sign_checkpoint(HEAD, OTHER), SIGNER.vkey)


def test_every_flipped_bit_is_refused() -> None:
    text = sign_checkpoint(HEAD, SIGNER).encode()
    for at in range(len(text) * 8):
        flipped = bytearray(text)
        flipped[at // 8] ^= 1 << at % 8
        with pytest.raises((Tampered, UnicodeDecodeError)):
            open_checkpoint(flipped.decode(), SIGNER.vkey)


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text[:0],
        lambda text: text[:-1],
        lambda text: text + "\n",
        lambda text: text.replace("\n\n", "\n"),
        lambda text: text.replace("\n7\n", "\n07\n"),
        lambda text: text.replace("\n7\n", "\n+7\n"),
        lambda text: text.replace("\n", "\r\n"),
        lambda text: text.replace("— ", "- "),
        lambda text: "\n" + text,
        lambda text: text + text,
    ],
)
def test_another_spelling_is_refused(change: Callable[[str], str]) -> None:
    with pytest.raises(Tampered):
        open_checkpoint(change(sign_checkpoint(HEAD, SIGNER)), SIGNER.vkey)


@pytest.mark.parametrize("body", ["one line\n", "a\nb\nc\n", "a\n1\nAAAA\n", "a\n01\n" + ROOT])
def test_a_signed_text_that_is_no_checkpoint_is_refused(body: str) -> None:
    blob = b64encode(SIGNER.key_id + SIGNER.sign(body.encode())).decode()
    with pytest.raises(Tampered, match="checkpoint"):
        open_checkpoint(f"{body}\n— {SIGNER.name} {blob}\n", SIGNER.vkey)


def test_a_mistyped_key_is_refused() -> None:
    assert Verifier.parse(GO_KEY).name == "sum.golang.org"
    wrong = ["", "a+b", GO_KEY[:-4], GO_KEY.replace("sum", "s m")]
    wrong += [GO_KEY.replace("+", f"+{digit}", 1) for digit in "1x"]
    wrong += [GO_KEY.replace("+Ac4", change) for change in ("+Ac5", "+Bc4", "+Ac=")]
    for vkey in wrong:
        with pytest.raises(BadInput):
            Verifier.parse(vkey)


def test_the_key_file_is_made_once_and_only_its_owner_reads_it(tmp_path: Path) -> None:
    path = tmp_path / "keys" / "log.pem"
    first = Ed25519Signer.from_file(path, name="bank.example/log")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert Ed25519Signer.from_file(path, name="bank.example/log").vkey == first.vkey
    assert [p.name for p in path.parent.iterdir()] == ["log.pem"]
    path.chmod(0o640)
    with pytest.raises(BadInput, match="may be read by others"):
        Ed25519Signer.from_file(path, name="bank.example/log")


def test_a_key_may_be_its_raw_bytes_but_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "raw"
    path.touch(mode=0o600)
    path.write_bytes(b"k" * 32)
    assert Ed25519Signer.from_file(path, name=HEAD.origin).vkey == SIGNER.vkey
    path.write_bytes(b"not a key")
    with pytest.raises(BadInput, match="holds no unencrypted private key"):
        Ed25519Signer.from_file(path, name=HEAD.origin)
    with pytest.raises(BadInput, match="spaces or plus"):
        Ed25519Signer("two words", SIGNER.key)
