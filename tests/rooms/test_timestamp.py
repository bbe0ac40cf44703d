"""A timestamp of a checkpoint, by an authority that is made here with Debian's OpenSSL."""

import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests import strangers
from tests.homes import EXAMPLES, brought_in
from tests.rooms.tampers import refused, repacked
from wuxin.anchoring import Outsiders, anchor
from wuxin.casefile import bundle
from wuxin.cli import main
from wuxin.evidence import case, timestamp
from wuxin.evidence.anchors import Seat
from wuxin.evidence.chains import FileChain, chain_digest
from wuxin.evidence.cosignature import Cosigner
from wuxin.evidence.note import Ed25519Signer
from wuxin.evidence.witness import Witness
from wuxin.home import DEFAULT_TENANT, keys, origin
from wuxin.terms.errors import Tampered

OTHER = b"file notary.txt\t0\t" + b"0" * 64 + b"\n"
TEXT = b"bank.example/log\n1\nAAAA\n\nsignatures\n"
CONFIG = """
[tsa]
default_tsa = here
[here]
serial = serial
default_policy = 1.2.3.4.1
digests = sha256
accuracy = secs:1
ess_cert_id_alg = sha256
signer_digest = sha256
[ca]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
[stamp]
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = critical, timeStamping
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
"""


class Authority:
    """A timestamp authority with a root of its own, in a folder."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self.folder = folder
        (folder / "conf").write_text(CONFIG)
        (folder / "serial").write_text("01\n")
        new = "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -config /dev/null"
        self.run(f"req -x509 {new} -subj /CN=root -keyout ca.key -out bare.pem -days 2")
        self.run("x509 -x509toreq -in bare.pem -signkey ca.key -out ca.csr")
        self.run("x509 -req -in ca.csr -signkey ca.key -extfile conf -extensions ca -days 2 "
                 "-out ca.pem")  # fmt: skip
        self.run(f"req {new} -subj /CN=stamp -keyout tsa.key -out tsa.csr")
        self.run("x509 -req -in tsa.csr -CA ca.pem -CAkey ca.key -CAcreateserial -extfile conf "
                 "-extensions stamp -days 2 -out tsa.pem")  # fmt: skip
        self.root = x509.load_pem_x509_certificate((folder / "ca.pem").read_bytes())

    def run(self, command: str) -> None:
        done = subprocess.run(
            ["openssl", *command.split()], cwd=self.folder, capture_output=True, check=False
        )
        assert done.returncode == 0, done.stderr.decode()

    def answer(self, query: bytes) -> bytes:
        (self.folder / "query").write_bytes(query)
        self.run("ts -reply -config conf -queryfile query -signer tsa.pem -inkey tsa.key "
                 "-out answer")  # fmt: skip
        return (self.folder / "answer").read_bytes()


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("tsa") / "here")


@pytest.fixture(scope="module")
def stamp(authority: Authority) -> bytes:
    return authority.answer(timestamp.request(TEXT))


def test_a_timestamp_says_when(authority: Authority, stamp: bytes) -> None:
    at = timestamp.check(stamp, TEXT, roots=[authority.root])
    assert abs(at - datetime.now(UTC)) < timedelta(minutes=5)
    assert timestamp.granted(stamp) == at


def test_openssl_agrees(authority: Authority, stamp: bytes) -> None:
    (authority.folder / "text").write_bytes(TEXT)
    (authority.folder / "stamp").write_bytes(stamp)
    authority.run("ts -verify -data text -in stamp -CAfile ca.pem")


def test_another_text_or_another_root_is_refused(
    authority: Authority, stamp: bytes, tmp_path: Path
) -> None:
    with pytest.raises(Tampered):
        timestamp.check(stamp, TEXT + b" ", roots=[authority.root])
    with pytest.raises(Tampered):
        timestamp.check(stamp, TEXT, roots=[Authority(tmp_path / "other").root])
    with pytest.raises(Tampered):
        timestamp.check(b"no timestamp", TEXT, roots=[authority.root])
    assert timestamp.granted(b"no timestamp") is None


def test_a_changed_timestamp_is_refused(authority: Authority, stamp: bytes) -> None:
    """A byte of what was signed: the text's hash, the serial number, the time, the signature."""
    begin = stamp.index(timestamp.decode_timestamp_response(stamp).tst_info.message_imprint.message)
    for at in [*range(begin, begin + 60, 7), *range(len(stamp) - 60, len(stamp), 7)]:
        changed = bytearray(stamp)
        changed[at] ^= 1
        with pytest.raises(Tampered):
            timestamp.check(bytes(changed), TEXT, roots=[authority.root])


def test_a_case_shows_who_vouched_for_its_log(authority: Authority, tmp_path: Path) -> None:
    folder = tmp_path / "home"
    with brought_in(EXAMPLES / "logistics" / "recording.toml", folder) as home:
        cosigner = Cosigner(
            Ed25519Signer("w.example", Ed25519PrivateKey.from_private_bytes(b"w" * 32))
        )
        vkey = keys(folder, DEFAULT_TENANT)[0].vkey
        logs = {origin(DEFAULT_TENANT): vkey}
        witness = Witness(tmp_path / "witness", cosigner=cosigner, logs=logs)

        def post(url: str, body: bytes, *, kind: str = "text/plain") -> tuple[int, bytes]:
            if kind == timestamp.QUERY:
                return 200, authority.answer(body)
            assert url == "http://w.example/add-checkpoint"
            answer = witness.add_checkpoint(body, now=1_767_600_000)
            return answer.status, answer.body.encode()

        seats = [Seat("http://w.example", cosigner.vkey)]
        chain = FileChain(str(tmp_path / "notary.txt"))
        ask = Outsiders(seats, "http://tsa.example", chain, post)
        told = anchor(folder, DEFAULT_TENANT, ask=ask)
        assert (told.vkeys, told.stamped, told.refused) == ((cosigner.vkey,), True, ())
        kept = {"checkpoint", "witnesses.vkey", "timestamp.tsr", "chain.txt"}
        assert {path.name for path in told.place.iterdir()} == kept  # as it was stamped
        again = anchor(folder, DEFAULT_TENANT, ask=ask._replace(authority="", chain=None))
        assert again.place == told.place  # what says no more is not kept
        anchor(folder, DEFAULT_TENANT, ask=ask)
        assert chain.get("1") is None  # nor put on a chain twice
        published = (folder / DEFAULT_TENANT / "log" / "checkpoint").read_text("utf-8")
        assert chain.get("0") == chain_digest(published)
        size = home.log.size
        home.attend("device", "energy")  # the log grows after it was anchored
        data = bundle(folder, DEFAULT_TENANT, facility="CU-2008-01")
    said = case.report(data, key=vkey)
    assert f"It extends, with nothing removed, the anchored checkpoint of {size} entries." in said
    assert f"The witness {cosigner.vkey} saw it at 2026-01-05T08:00:00+00:00." in said
    assert strangers.check_case(data, vkey)
    parts = case.unpack(data)
    timestamp.check(
        parts["anchor/timestamp.tsr"], parts["anchor/checkpoint"], roots=[authority.root]
    )
    assert f"Look up {chain_digest(published).hex()} at 0 of the file notary.txt." in said
    lines = parts["anchor/consistency"].splitlines(keepends=True)
    changed = {"anchor/consistency": b"".join(lines[1:])}
    with pytest.raises(case.WrongError):
        case.anchored(parts | changed, case.Checkpoint(parts, "checkpoint"))
    for name in ("anchor/timestamp.tsr", "anchor/chain.txt"):
        other = OTHER if name.endswith(".txt") else authority.answer(timestamp.request(TEXT))
        assert refused(repacked(parts | {name: other}), vkey) == (True, True), name
    (tmp_path / "case.zip").write_bytes(data)
    root, strange = authority.folder / "ca.pem", Authority(tmp_path / "other").folder / "ca.pem"
    assert checked(tmp_path / "case.zip", root).exit_code == 0
    assert "The timestamp holds: 20" in checked(tmp_path / "case.zip", root).output
    assert checked(tmp_path / "case.zip", strange).exit_code == 1


def checked(file: Path, roots: Path) -> Result:
    """Check a case file and its timestamp by the command."""
    return CliRunner().invoke(main, ["verify", str(file), "--roots", str(roots)])
