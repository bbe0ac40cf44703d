"""A case file is checked by a stranger: with ours, with others' code, and after any change."""

import base64
import hashlib
import json
import random
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from tests import strangers
from tests.homes import EXAMPLES, brought_in, still
from tests.rooms.tampers import parts_of, passed, refused, repacked
from wuxin.casefile import bundle
from wuxin.cli import main
from wuxin.evidence import case
from wuxin.home import DEFAULT_TENANT, Home, keys
from wuxin.stores import archive
from wuxin.stores.segments import records, segments
from wuxin.terms.errors import NotFound
from wuxin.terms.names import canonical

LOAN = "CU-2008-01"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("case")
    with brought_in(EXAMPLES / "logistics" / "recording.toml", folder / "home"):
        pass
    return folder / "home"


@pytest.fixture(scope="module")
def data(home: Path) -> bytes:
    return bundle(home, DEFAULT_TENANT, facility=LOAN)


@pytest.fixture(scope="module")
def vkey(home: Path) -> str:
    return keys(home, DEFAULT_TENANT)[0].vkey


def test_two_verifiers_find_an_untouched_case_in_order(data: bytes, vkey: str) -> None:
    assert refused(data, vkey) == (False, False)
    parts = parts_of(data)
    kinds = [about["kind"] for about in json.loads(parts["records.json"])]
    assert {kind: kinds.count(kind) for kind in ("act", "finding")} == {"act": 43, "finding": 9}
    assert strangers.check_case(data, vkey) == len(kinds)
    assert sum(name.endswith(".payload") for name in parts) == len(json.loads(parts["frames.json"]))


def test_the_same_state_gives_the_same_bytes(home: Path, data: bytes, tmp_path: Path) -> None:
    assert bundle(home, DEFAULT_TENANT, facility=LOAN) == data
    copy = shutil.copytree(home, tmp_path / "elsewhere")
    with Home(copy, clock=still):  # opened and closed, archived, but nothing new
        assert bundle(copy, DEFAULT_TENANT, facility=LOAN) == data


def test_it_is_checked_by_python_alone(data: bytes, vkey: str, tmp_path: Path) -> None:
    (tmp_path / "case.zip").write_bytes(data)
    (tmp_path / "verify.py").write_bytes(parts_of(data)["verify.py"])
    # -I and -S: no environment, no installed package can be imported
    command = [sys.executable, "-I", "-S", "verify.py", "case.zip", "--key", vkey]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "43 acts, 9 findings" in done.stdout
    assert "行动 43、发现 9" in done.stdout
    changed = bytearray(data)
    changed[-4000] ^= 1
    (tmp_path / "case.zip").write_bytes(changed)
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("WRONG")


def test_the_commands_write_and_check_it(home: Path, data: bytes, tmp_path: Path) -> None:
    out = tmp_path / "case.zip"
    said = CliRunner().invoke(main, ["bundle", LOAN, "--home", str(home), "--out", str(out)])
    assert said.exit_code == 0, said.output
    assert hashlib.sha256(data).hexdigest() in said.output
    assert out.read_bytes() == data
    assert CliRunner().invoke(main, ["verify", str(out)]).exit_code == 0
    wrong = CliRunner().invoke(main, ["verify", str(out), "--key", "other+00000000+AAAA"])
    assert wrong.exit_code == 1
    assert "not the one given" in wrong.output


def test_a_facility_that_nothing_was_done_on_has_no_case(home: Path) -> None:
    with pytest.raises(NotFound, match="no act concerns"):
        bundle(home, DEFAULT_TENANT, facility="NOBODY")


def test_a_thousand_random_changes_are_all_found(data: bytes, vkey: str) -> None:
    assert passed(data, vkey, count=1000, seed=20081002) == []


def test_a_forger_who_mends_the_manifest_is_found(data: bytes, vkey: str) -> None:
    """The parts from which something is concluded; README.txt and verify.py prove nothing."""
    whole = parts_of(data)
    names = [n for n in whole if n not in ("manifest.json", "README.txt", "verify.py")]
    plain = {"frames.json": (b'"batch"', b'"file"'), "commands.json": (b'"batch"',)}
    dice, passed = random.Random(7), []  # noqa: S311
    for _ in range(120):
        name = dice.choice(names)
        changed = bytearray(whole[name])
        at = dice.randrange(len(changed))
        line = whole[name][: at + 1].rsplit(b"\n", 1)[-1] + whole[name][at + 1 :].split(b"\n")[0]
        if line.strip().startswith(plain.get(name, (b"\0",))) or chr(changed[at]).isspace():
            continue  # where a frame stood is told, not proven; spaces in JSON mean nothing
        changed[at] ^= 1 << dice.randrange(8)
        if name.endswith(".tlog-proof") and read_alike(bytes(changed), whole[name]):
            continue  # the last bits of a line in base64 say nothing, and some do not read them
        found = refused(repacked(whole | {name: bytes(changed)}), vkey)
        if found != (True, True):
            passed.append((name, at, line, found))
    assert not passed


def read_alike(one: bytes, other: bytes) -> bool:
    """Return whether two texts are equal once their lines in base64 are read."""

    def read(line: bytes) -> bytes:
        """Read a line in base64, or leave it as it is."""
        try:
            return base64.b64decode(line, validate=True)
        except ValueError:
            return line

    lines = [[read(line) for line in text.split(b"\n")] for text in (one, other)]
    return lines[0] == lines[1]


def test_what_is_left_out_or_put_elsewhere_is_found(data: bytes, vkey: str) -> None:
    whole = parts_of(data)
    names = sorted(set(whole) - {"manifest.json", "README.txt", "verify.py"})
    for name in random.Random(3).sample(names, 40):  # noqa: S311
        less = {other: part for other, part in whole.items() if other != name}
        assert refused(repacked(less), vkey) == (True, True), name
    leaves = sorted(name for name in whole if name.startswith("leaves/"))
    swapped = whole | {leaves[0]: whole[leaves[1]], leaves[1]: whole[leaves[0]]}
    assert refused(repacked(swapped), vkey) == (True, True)


def test_a_case_that_another_key_signed_is_refused(data: bytes, vkey: str) -> None:
    whole = parts_of(data)
    fake = Ed25519PrivateKey.from_private_bytes(b"f" * 32)
    name = vkey.split("+", 1)[0]
    public = b"\1" + fake.public_key().public_bytes_raw()
    ident = hashlib.sha256(name.encode() + b"\n" + public).digest()[:4]
    body = whole["checkpoint"].decode().partition("\n\n")[0] + "\n"
    blob = case.base64.b64encode(ident + fake.sign(body.encode())).decode()
    forged = f"{body}\n— {name} {blob}\n"
    told = f"{name}+{ident.hex()}+{case.base64.b64encode(public).decode()}"
    proofs = {
        n: part.partition(b"\n\n")[0] + b"\n\n" + forged.encode()
        for n, part in whole.items() if n.startswith("proofs/")
    }  # fmt: skip
    mine = {"checkpoint": forged.encode(), "log.vkey": told.encode()}
    file = repacked(whole | proofs | mine)
    assert case.check_case(file)  # in itself it is in order, and says whose key it is …
    assert refused(file, vkey) == (True, True)  # … which is why the key is compared


def test_bytes_that_a_policy_deleted_are_said_to_be_gone(
    home: Path, vkey: str, tmp_path: Path
) -> None:
    copy = shutil.copytree(home, tmp_path / "home")
    folder = copy / DEFAULT_TENANT / "journal"
    path = segments(folder)[0]
    last = max(number for number, _, _ in records(path))
    archive.keep(path, folder / "archive", last=last)
    path.unlink()
    paths = segments(folder)
    archive.discard(paths, folder / "archive", policy="raw data: five years", at=still())
    data = bundle(copy, DEFAULT_TENANT, facility=LOAN)
    assert refused(data, vkey) == (False, False)
    frames = json.loads(parts_of(data)["frames.json"])
    assert {f["gone"]["policy"] for f in frames} == {"raw data: five years"}
    assert "0 frames and commands byte for byte; 20 as digests" in case.report(data)


@settings(max_examples=60)
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(max_size=30), inner),
        max_leaves=10,
    )
)
def test_its_cbor_is_that_of_the_house(value: object) -> None:
    assert case.cbor(value) == canonical(value)


@pytest.mark.parametrize("value", [32767.0, 32768.0, 43200.0, 65504.0, 65536.0, -43200.0, 2.0**-24])
def test_a_number_about_the_end_of_the_halves_is_written_as_the_house_writes_it(
    value: float,
) -> None:
    assert case.cbor(value) == canonical(value)


@settings(max_examples=20)
@given(st.binary(min_size=32, max_size=32), st.binary(max_size=200), st.integers(0, 95))
def test_its_ed25519_agrees_with_openssl(secret: bytes, message: bytes, at: int) -> None:
    key = Ed25519PrivateKey.from_private_bytes(secret)
    public, signature = key.public_key().public_bytes_raw(), key.sign(message)
    assert case.signed(public, message, signature=signature)
    spoilt = bytearray(public + signature)
    spoilt[at] ^= 1 << at % 8
    assert not case.signed(bytes(spoilt[:32]), message, signature=bytes(spoilt[32:]))
