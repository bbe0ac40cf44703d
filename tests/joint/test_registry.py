"""The registry in one process, with the real messages: each claim of claims/registry.md."""

import json
from pathlib import Path
from typing import Any

import cbor2
import pytest
from nacl.public import SealedBox

from tests.joint.members import Members, claim
from wuxin.joint.registry import group, oprf, shares
from wuxin.joint.registry.chain import check
from wuxin.joint.registry.client import Tag, guard_of
from wuxin.joint.registry.gate import seed_of
from wuxin.joint.registry.group import Scalar
from wuxin.joint.registry.refresh import Leader
from wuxin.joint.registry.roster import Policy, read
from wuxin.joint.registry.signed import Signer
from wuxin.terms.clock import HOUR, MINUTE
from wuxin.terms.errors import BadInput, Conflict, Forbidden, Tampered
from wuxin.terms.pledging import GoodsNumber

TEXT = "receipt|中储|17"


@pytest.fixture
def members(tmp_path: Path) -> Members:
    return Members(tmp_path)


def test_the_same_receipt_gives_the_same_tag_at_two_banks(members: Members) -> None:
    tags = [members.client(bank).tags([TEXT])[0] for bank in ("bank-a", "bank-b")]
    assert tags[0] == tags[1] != members.client("bank-a").tags([TEXT + "8"])[0]


def test_no_node_sees_the_same_element_twice(members: Members) -> None:
    client = members.client("bank-a")
    client.tags([TEXT])
    client.tags([TEXT])
    asked = [
        cbor2.loads(cbor2.loads(data)[0])["said"]["elements"]
        for name, data, _ in members.carried if name == "key-a" and b"evaluate" in data
    ]  # fmt: skip
    assert len(asked) == 2
    assert asked[0] != asked[1]


def test_no_two_nodes_can_make_a_tag(members: Members) -> None:
    right = members.client("bank-a").tags([TEXT])[0].tag
    parts = [members.servers[name]._part for name in ("key-a", "key-b", "key-c")]
    blinded = oprf.blind(TEXT.encode())
    given = [oprf.evaluate(Scalar(p.secret), [blinded.element])[0] for p in parts]
    assert oprf.finalize(blinded, given)[:32] == right
    for left_out in range(3):
        pair = given[:left_out] + given[left_out + 1 :]
        assert oprf.finalize(blinded, pair)[:32] != right


def test_a_node_that_uses_another_key_is_named(members: Members) -> None:
    members.servers["key-b"]._part = shares.new()
    members.servers["key-b"]._public = lambda _: {"epoch": 0, "public": honest}
    honest = group.element(bytes.fromhex(members.roster.node("key-b").part))
    members.servers["key-b"]._does = {
        **members.servers["key-b"]._does, "part": lambda _: {"epoch": 0, "public": honest},
    }  # fmt: skip
    with pytest.raises(Tampered, match="key-b did not use the key"):
        members.client("bank-a").tags([TEXT])


def test_parts_that_do_not_add_up_to_the_roster_s_key_are_refused(members: Members) -> None:
    members.servers["key-b"]._part = shares.new()
    with pytest.raises(Tampered, match="do not add up"):
        members.client("bank-a").tags([TEXT])


def test_without_one_node_there_is_no_tag(members: Members) -> None:
    del members.servers["key-c"]
    with pytest.raises(Conflict, match="key-c"):
        members.client("bank-a").tags([TEXT])


def test_a_refresh_changes_every_part_and_no_tag(members: Members) -> None:
    client = members.client("bank-a")
    before = client.tags([TEXT])
    parts = {name: members.servers[name]._part for name in ("key-a", "key-b", "key-c")}
    leader = Leader(
        members.signer("key-a"), members.roster, carry=members.carry, clock=members.clock
    )
    assert leader.refresh() == 1
    members.start("key-b")  # what was taken is on the disk
    after = {name: members.servers[name]._part for name in parts}
    assert all(parts[name].secret != after[name].secret for name in parts)
    assert client.tags([TEXT]) == before
    mixed = [parts["key-a"], after["key-b"], after["key-c"]]
    blinded = oprf.blind(TEXT.encode())
    given = [oprf.evaluate(Scalar(p.secret), [blinded.element])[0] for p in mixed]
    assert oprf.finalize(blinded, given)[:32] != before[0].tag


def test_a_refresh_that_stopped_between_commits_is_finished_by_repeating_it(
    members: Members,
) -> None:
    leader = Leader(
        members.signer("key-a"), members.roster, carry=members.carry, clock=members.clock
    )
    before = members.client("bank-a").tags([TEXT])
    away = members.servers["key-c"]
    calm = away.handle
    away.handle = lambda data: b"" if b"commit" in data else calm(data)
    with pytest.raises(Tampered):
        leader.refresh()
    with pytest.raises(Conflict, match="between two epochs"):
        members.client("bank-a").tags([TEXT])
    members.start("key-c")
    assert leader.commit(1) == 1
    assert members.client("bank-a").tags([TEXT]) == before


def test_a_bank_may_not_lead_a_refresh_nor_a_node_make_tags(members: Members) -> None:
    node = members.roster.nodes[0]
    with pytest.raises(Forbidden, match="led by a key node"):
        members.client("bank-a").ask(node, "begin", said={})
    with pytest.raises(Forbidden, match="make no tags"):
        members.client("key-b").ask(node, "evaluate", said={"elements": [], "epoch": 0})


def test_the_second_bank_is_told_and_the_first_is_not_named(members: Members) -> None:
    first = members.gate("bank-a", contact="押品部 021-5555").lodge(claim())
    assert (first.state, first.then) == ("clear", "enter")
    other = GoodsNumber("receipt", "仓单号：ｃｒ２０２４００１７", "中储发展")
    said = members.gate("bank-b").lodge(claim("X", other))
    assert (said.state, said.then, said.contact) == ("held", "refuse", "押品部 021-5555")
    assert said.by == (str(other),)
    answers = [data for name, _, data in members.carried if name == "registry"]
    assert not any(b"bank-a" in data for data in answers)


def test_whom_to_call_is_told_only_where_the_policy_says_so(tmp_path: Path) -> None:
    members = Members(tmp_path, Policy(contact=False))
    members.gate("bank-a", contact="021-5555").lodge(claim())
    said = members.gate("bank-b").lodge(claim())
    assert (said.state, said.contact) == ("held", "")


def test_a_stolen_table_names_neither_goods_nor_banks_but_the_supervisor_can(
    members: Members,
) -> None:
    members.gate("bank-a", contact="021-5555").lodge(claim())
    table = (members.founded.folders["registry"] / "held.sqlite").read_bytes()
    table += (members.founded.folders["registry"] / "held.sqlite-wal").read_bytes()
    assert not any(word in table for word in (b"bank-a", b"0017", b"021-5555", "中储".encode()))
    rows = members.servers["registry"]._table.execute("select holder from held").fetchall()
    holder = cbor2.loads(SealedBox(members.founded.supervisor).decrypt(rows[0][0]))
    assert holder == ["bank-a", members.clock.at]


def test_what_is_released_is_free_and_only_its_holder_can_release_it(members: Members) -> None:
    gates = [members.gate(bank) for bank in ("bank-a", "bank-b")]
    gates[0].lodge(claim())
    tag = members.client("bank-b").tags(["receipt|中储发展|CR2024OO17".replace("O", "0")])[0]
    said = members.client("bank-b").change(release=[(tag.tag, bytes(32))])
    assert said["released"] == 0
    assert gates[1].lodge(claim()).state == "held"
    assert gates[0].withdraw("F-1/lot:L-1")
    assert gates[0].lodged() == frozenset()
    assert gates[1].lodge(claim()).state == "clear"


def test_an_exchange_is_done_as_a_whole_or_not_at_all(members: Members) -> None:
    a, b = members.client("bank-a"), members.client("bank-b")
    tags = a.tags(["receipt|x|1", "receipt|x|2"])
    entry = lambda tag, who: {"tag": tag.tag, "guard": who * 32}  # noqa: E731
    secret, guard = b"s" * 32, __import__("hashlib").sha256(b"s" * 32).digest()
    a.change(enter=[{"tag": tags[0].tag, "guard": guard}])
    b.change(enter=[entry(tags[1], b"b")])
    with pytest.raises(BadInput, match="nothing was exchanged"):
        a.change(enter=[entry(tags[1], b"a")], release=[(tags[0].tag, secret)])
    assert b.held([tags[0]], seed=b"b" * 32) == [[""]]
    b_out = b.tags(["receipt|x|3"])[0]
    done = a.change(enter=[entry(b_out, b"a")], release=[(tags[0].tag, secret)])
    assert (done["entered"], done["released"]) == (True, 1)
    assert b.held([tags[0], b_out], seed=b"b" * 32) == [[], [""]]


def test_a_bank_s_own_entry_does_not_stand_in_its_way(members: Members) -> None:
    gate = members.gate("bank-a")
    assert [gate.lodge(claim()).state for _ in range(2)] == ["clear", "clear"]
    rows = members.servers["registry"]._table.execute("select count(*) from held").fetchone()
    assert rows == (1,)


@pytest.mark.parametrize("metres", [11, 22, 33, 44, 55])
def test_a_bank_s_own_lot_beside_is_not_said_to_be_another_s(members: Members, metres: int) -> None:
    spot: dict[str, Any] = {"latitude_deg": 31.2, "longitude_deg": 121.4, "weight_g": 25_000_000}
    gate = members.gate("bank-a")
    gate.lodge(claim("p", **spot))
    for at, (north, east) in enumerate(((0, 1), (1, 0), (0, -1), (-1, 0), (1, 1))):
        step = metres / 111_195
        beside = {
            "latitude_deg": 31.2 + north * step, "longitude_deg": 121.4 + east * step,
            "weight_g": 25_090_000,
        }  # fmt: skip
        own = GoodsNumber("receipt", f"ZZ-{at}", "中储")
        assert gate.lodge(claim(f"q{at}", own, **beside)).state == "clear"


def test_a_bank_s_own_entry_does_not_hide_another_s_beside_it(members: Members) -> None:
    spot: dict[str, Any] = {"latitude_deg": 31.2, "longitude_deg": 121.4, "weight_g": 25_000_000}
    for bank, number in (("bank-a", "A-1"), ("bank-b", "B-1")):
        members.gate(bank).lodge(claim("p", GoodsNumber("receipt", number, "x"), **spot))
    moved = {**spot, "latitude_deg": 31.20018, "weight_g": 25_090_000}
    said = members.gate("bank-a").lodge(claim("q", GoodsNumber("receipt", "A-2", "x"), **moved))
    assert (said.state, said.by) == ("alike", ("place and weight",))


def test_who_looks_up_a_number_of_its_own_is_told_of_others_alone(members: Members) -> None:
    members.gate("bank-a", contact="021-5555").lodge(claim())
    seeds = {
        bank: seed_of(members.founded.folders[bank] / "signing.key")
        for bank in ("bank-a", "bank-b")
    }
    tags = members.client("bank-a").tags(["receipt|中储发展|CR20240017"])
    assert members.client("bank-a").held(tags, seed=seeds["bank-a"]) == [[]]
    assert members.client("bank-b").held(tags, seed=seeds["bank-b"]) == [["021-5555"]]
    members.gate("bank-b", held="mark").lodge(claim())
    assert members.client("bank-a").held(tags, seed=seeds["bank-a"]) == [[""]]


def test_what_is_looked_up_shows_the_registry_no_more_than_an_entry_and_is_not_kept(
    members: Members,
) -> None:
    seed, client = b"s" * 32, members.client("bank-a")
    tags = client.tags([TEXT, TEXT + "8"])
    client.held(tags, seed=seed)
    said = cbor2.loads(cbor2.loads(members.carried[-1][1])[0])["said"]
    assert said == {"look": [[one.tag, guard_of(seed, one.tag)] for one in tags]}
    assert said["look"][0][1] != said["look"][1][1]
    folder = members.founded.folders["registry"]
    kept = b"".join(path.read_bytes() for path in folder.glob("held.sqlite*"))
    kept += (folder / "log.jsonl").read_bytes()
    for part in (part for pair in said["look"] for part in pair):
        assert part not in kept
        assert part.hex().encode() not in kept


def test_a_lower_lien_may_follow_where_the_first_allows_it(members: Members) -> None:
    members.gate("bank-a").lodge(claim(junior=True))
    assert members.gate("bank-b").lodge(claim(lien=2)).state == "clear"
    assert members.gate("bank-c").lodge(claim(lien=1)).state == "held"


def test_the_same_lot_under_another_number_is_alike(members: Members) -> None:
    spot: dict[str, Any] = {"latitude_deg": 31.2, "longitude_deg": 121.4, "weight_g": 25_000_000}
    members.gate("bank-a").lodge(claim("p", **spot))
    moved = {**spot, "latitude_deg": 31.20018, "weight_g": 25_090_000}
    other = GoodsNumber("receipt", "ZZ-9", "another warehouse")
    said = members.gate("bank-b").lodge(claim("q", other, **moved))
    assert (said.state, said.then, said.by) == ("alike", "mark", ("place and weight",))
    assert members.gate("bank-c").lodge(claim("r", other)).state == "held"


@pytest.mark.parametrize("setting", ["refuse", "mark"])
def test_an_unreachable_registry_is_said_and_handled_as_the_bank_has_set(
    members: Members, setting: str
) -> None:
    del members.servers["registry"]
    gate = members.gate("bank-a", unreached=setting)
    said = gate.lodge(claim())
    assert (said.state, said.then) == ("unreached", setting)
    assert "registry" in said.why
    assert gate.lodged()  # it may stand there: to be taken out, or asked again
    assert not gate.withdraw("F-1/lot:L-1")


# ---- who may ask, and how often ---------------------------------------------------------------


def test_a_stranger_an_altered_and_a_repeated_request_are_refused(members: Members) -> None:
    node, at = members.roster.nodes[0], members.clock.at
    stranger = Signer("bank-a", b"x" * 32)
    data = stranger.request(node.name, "part", said={}, at=at, nonce=b"n" * 16)
    server = members.servers[node.name]

    def refused(data: bytes) -> str:
        table = cbor2.loads(cbor2.loads(server.handle(data))[0])
        return str(table.get("refused", ""))

    assert "signature" in refused(data)
    assert "no member" in refused(Signer("eve", b"x" * 32).request(
        node.name, "part", said={}, at=at, nonce=b"n" * 16))  # fmt: skip
    own = members.signer("bank-a")
    good = own.request(node.name, "part", said={}, at=at, nonce=b"n" * 16)
    assert not refused(good)
    assert "before" in refused(good)
    assert "is for" in refused(own.request("key-b", "part", said={}, at=at, nonce=b"m" * 16))
    late = own.request(node.name, "part", said={}, at=at - 3 * MINUTE, nonce=b"o" * 16)
    assert "dated" in refused(late)
    assert refused(b"rubbish")


def test_a_bank_cannot_guess_a_series_of_receipts(tmp_path: Path) -> None:
    members = Members(tmp_path, Policy(an_hour=100, burst=50))
    client = members.client("bank-b")
    client.tags([f"receipt|x|{n}" for n in range(50)])
    with pytest.raises(Conflict, match="again in"):
        client.tags(["receipt|x|50"])
    members.clock.at += HOUR // 100
    client.tags(["receipt|x|50"])
    lines = (members.founded.folders["key-a"] / "log.jsonl").read_text().splitlines()
    told = [json.loads(line) for line in lines]
    assert sum(line["count"] for line in told if "request" in line) == 51
    assert any("again in" in line.get("refused", "") for line in told)


def test_logs_hold_no_number_and_show_a_changed_line(members: Members) -> None:
    members.gate("bank-a").lodge(claim())
    path = members.founded.folders["registry"] / "log.jsonl"
    text = path.read_text()
    assert "bank-a" in text
    assert "0017" not in text
    count, _ = check(path)
    assert count == 1
    path.write_text(text.replace("bank-a", "bank-b"))
    with pytest.raises(Tampered, match="line 1"):
        check(path)


def test_a_roster_with_a_rogue_part_is_refused(members: Members, tmp_path: Path) -> None:
    text = (members.founded.folders["bank-a"] / "roster.toml").read_text()
    assert read(members.founded.folders["bank-a"] / "roster.toml") == members.roster
    nodes = members.roster.nodes
    (tmp_path / "bad.toml").write_text(text.replace(nodes[0].part, shares.new().public.hex()))
    with pytest.raises(BadInput, match="has not proved"):
        read(tmp_path / "bad.toml")


def test_a_contact_is_read_only_by_who_has_the_number(members: Members) -> None:
    tags = members.client("bank-a").tags([TEXT, TEXT + "8"])
    sealed = tags[0].sealed("021-5555")
    assert tags[0].opened(sealed) == "021-5555"
    assert tags[1].opened(sealed) == ""
    assert Tag(tags[0].tag, bytes(32)).opened(sealed) == ""


def test_a_node_s_part_can_be_copied_for_its_recovery_key_alone() -> None:
    from nacl.public import PrivateKey

    part, key = shares.new(), PrivateKey.generate()
    copy = part.sealed(bytes(key.public_key))
    assert shares.opened(copy, key) == part
    with pytest.raises(BadInput):
        shares.opened(copy, PrivateKey.generate())
