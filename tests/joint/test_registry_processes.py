"""The registry as real processes on loopback: mTLS, a dead node, a foreign certificate."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from tests.joint.members import claim
from wuxin.joint.certificates import authority, papers
from wuxin.joint.registry.ceremony import NODES, found
from wuxin.joint.registry.client import Client, Lines
from wuxin.joint.registry.command import registry
from wuxin.joint.registry.gate import Gate
from wuxin.joint.registry.local import Processes
from wuxin.joint.registry.roster import read
from wuxin.joint.registry.signed import Signer
from wuxin.terms.clock import system_clock
from wuxin.terms.errors import Refused
from wuxin.terms.pledging import GoodsNumber


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Processes]:
    founded = found(tmp_path_factory.mktemp("registry"), ("bank-a", "bank-b"), clock=system_clock)
    with Processes(founded, clock=system_clock) as processes:
        yield processes


def gate(running: Processes, bank: str) -> Gate:
    file = running.founded.folders[bank] / "gate.toml"
    file.write_text(f'name = "{bank}"\ncontact = "desk of {bank}"\npatience_s = 2.0\n')
    return Gate.of(file, clock=system_clock)


def test_four_processes_find_a_receipt_pledged_at_two_banks(running: Processes) -> None:
    one, other = gate(running, "bank-a"), gate(running, "bank-b")
    assert one.lodge(claim()).state == "clear"
    said = other.lodge(claim())
    assert (said.state, said.contact) == ("held", "desk of bank-a")
    assert one.withdraw("F-1/lot:L-1")
    assert other.lodge(claim()).state == "clear"


def test_a_dead_key_node_is_said_within_the_patience_and_comes_back(running: Processes) -> None:
    asking = gate(running, "bank-a")
    running.stop(NODES[1])
    said = asking.lodge(claim("other"))
    assert (said.state, said.then) == ("unreached", "refuse")
    assert NODES[1] in said.why
    running.start(NODES[1])
    running.wait_for(running.founded.roster.node(NODES[1]))
    assert asking.lodge(claim("other")).state in {"clear", "held"}


def test_a_foreign_certificate_gets_no_answer(running: Processes, tmp_path: Path) -> None:
    strange = authority("somebody else", now=system_clock())
    own = papers(tmp_path, "bank-a", issued_by=strange, now=system_clock())
    ours = running.founded.folders["bank-a"]
    (tmp_path / "authority.pem").write_bytes((ours / "authority.pem").read_bytes())
    lines = Lines(own, patience_s=2)
    signer = Signer.of_file("bank-a", ours / "signing.key")
    client = Client(signer, running.founded.roster, carry=lines, clock=system_clock)
    with pytest.raises(Refused, match=r"certificate|does not answer"):
        client.tags(["receipt|x|1"])
    client.close()


def test_the_commands_ask_and_refresh(running: Processes) -> None:
    folders = running.founded.folders
    assert gate(running, "bank-a").lodge(claim("third", GoodsNumber("lot", "L-9", "x")))

    def say(*words: str) -> str:
        told = CliRunner().invoke(registry, words)
        assert told.exit_code == 0, told.output
        return told.output

    asked = ("ask", str(folders["bank-b"]), "--as", "bank-b", "--scheme", "lot", "--issuer", "X")
    assert "已在他行质押 · pledged elsewhere: desk of bank-a" in say(*asked, "批号：l 9")
    assert "未见他行质押" in say(*asked, "L-10")
    own = ("ask", str(folders["bank-a"]), "--as", "bank-a", *asked[4:])
    assert "未见他行质押" in say(*own, "L-9")
    assert say("refresh", str(folders[NODES[0]])) == "epoch 1\n"
    assert "已在他行质押" in say(*asked, "L-9")


def test_a_registry_is_set_up_with_a_folder_for_every_member(tmp_path: Path) -> None:
    told = CliRunner().invoke(registry, ["found", str(tmp_path), "--bank", "b-1", "--bank", "b-2"])
    assert told.exit_code == 0
    assert read(tmp_path / "b-1" / "roster.toml") == read(tmp_path / NODES[0] / "roster.toml")
    assert (tmp_path / NODES[0] / "part").stat().st_mode & 0o077 == 0
    assert not (tmp_path / "b-1" / "part").exists()
