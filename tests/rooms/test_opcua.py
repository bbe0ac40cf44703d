"""OPC UA: vectors of changes, and the subscriber against real servers on the loopback."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from asyncua import Server, ua

from tests.rooms.frames import holds, load, mutated, named, proper, registered
from tests.rooms.wires import Held, Journal, certificate, intake, until
from wuxin.protocols import opcua
from wuxin.terms.clock import Nanos
from wuxin.terms.envelope import wrap
from wuxin.terms.ports import Offer
from wuxin.terms.units import checked
from wuxin.wire.opcua_changes import GATHERED, MOST, Gathered, Item
from wuxin.wire.subscribe_opcua import OpcuaSubscriber, Plant

VECTORS = load("opcua")
NOON = Nanos(1_717_228_800_000_000_000)


def framed(vector: dict[str, Any]) -> bytes:
    payload = vector["text"].encode()
    return wrap(json.loads(vector["said"]), payload) if "said" in vector else payload


@pytest.mark.parametrize("vector", VECTORS["accept"], ids=named)
def test_good_changes_become_fields_and_readings(vector: dict[str, Any]) -> None:
    answer = opcua.decode(framed(vector))
    assert holds(answer, {"ok": True, **vector["want"]}), answer


@pytest.mark.parametrize("vector", VECTORS["refuse"], ids=named)
def test_bad_changes_are_refused_with_reason_and_place(vector: dict[str, Any]) -> None:
    answer = opcua.decode(framed(vector))
    assert answer["ok"] is False
    assert vector["error"] in answer["error"]
    assert answer["at"] == vector["at"]


def test_every_vector_says_where_it_is_from() -> None:
    assert all(v["name"] and v["source"] for kind in VECTORS.values() for v in kind)


def test_the_unit_of_a_code_is_known_here_and_that_of_none_is_empty() -> None:
    for code in opcua._UNITS:
        checked(opcua.unit_of(int.from_bytes(code.encode())))
    assert opcua.unit_of(int.from_bytes(b"CEL")) == "degC"
    assert [opcua.unit_of(code) for code in (None, -1, 0, 2**31, 1, 0xFFFFFF)] == [""] * 6


def test_no_mutation_of_a_good_message_raises() -> None:
    taken = 0
    for vector in VECTORS["accept"]:
        said = json.loads(vector["said"])
        for data in mutated([vector["text"].encode()], 4_000, seed=4840):
            answer = opcua.decode(wrap(said, data))
            proper(answer, most=40_000)
            taken += answer["ok"]
    assert 300 < taken < 7_500
    for data in mutated([framed(vector) for vector in VECTORS["accept"]], 2_000, seed=4841):
        proper(opcua.decode(data), most=40_000)


def test_the_decoder_is_registered_under_its_protocols_name() -> None:
    assert registered("opcua") == opcua.__name__


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


class Works:
    """A server with an oven, whose temperature has a unit, and a door; it can be switched off."""

    def __init__(self, server: Server, nodes: dict[str, Any], *, port: int) -> None:
        self.server, self.nodes, self.port = server, nodes, port

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        await self.nodes["t"].write_value(20.5)
        async with self.server:
            yield


async def built(*, security: tuple[Path, Path] | None = None) -> Works:
    server, port = Server(), free_port()
    await server.init()
    server.set_endpoint(f"opc.tcp://127.0.0.1:{port}/")
    if security is not None:
        server.set_security_policy([ua.SecurityPolicyType.Basic256Sha256_SignAndEncrypt])
        await server.load_certificate(str(security[0]))
        await server.load_private_key(str(security[1]))
    index = await server.register_namespace("urn:test")
    oven = await server.nodes.objects.add_object(index, "Oven")
    nodes = {
        "t": await oven.add_variable(ua.NodeId("T", index), "Temperature", 20.5),
        "d": await oven.add_variable(ua.NodeId("D", index), "Door", False),  # noqa: FBT003
    }
    unit = ua.EUInformation(UnitId=int.from_bytes(b"CEL"), DisplayName=ua.LocalizedText("°C"))
    await nodes["t"].add_property(0, "EngineeringUnits", unit)
    return Works(server, nodes, port=port)


@pytest.fixture(scope="module")
def runner() -> Iterator[asyncio.Runner]:
    """Run all sessions in one loop, as building a server's address space takes seconds."""
    with asyncio.Runner() as found:
        yield found


@pytest.fixture(scope="module")
def works(runner: asyncio.Runner) -> Works:
    """Return the server that the tests share."""
    return runner.run(built())


@asynccontextmanager
async def watching(offer: Offer, port: int, *items: Item, **more: Any) -> AsyncIterator[Any]:
    url = f"opc.tcp://127.0.0.1:{port}/"
    watched = Plant("plc:P-1", url, items, period_s=0.02, timeout_s=2.0, **more)
    subscriber = OpcuaSubscriber(offer, lambda: NOON, plants=[watched], first_pause_s=0.05)
    await subscriber.start()
    try:
        yield subscriber
    finally:
        await subscriber.stop()


ITEMS = (Item("ns=2;s=T"), Item("ns=2;s=D", "door_open"))


def told(journal: Journal) -> list[tuple[str, float, str]]:
    answers = [opcua.decode(payload) for payload in journal.payloads]
    assert all(answer["ok"] for answer in answers)
    return [(r["indicator"], r["value"], r["unit"]) for a in answers for r in a["readings"]]


def test_values_and_their_changes_arrive_with_name_unit_and_time(
    runner: asyncio.Runner, works: Works
) -> None:
    async def session(offer: Offer, journal: Journal) -> None:
        items, nodes = (*ITEMS, Item("ns=2;s=Nowhere")), works.nodes
        async with works.running(), watching(offer, works.port, *items) as subscriber:
            await until(lambda: len(told(journal)) >= 2)
            await nodes["t"].write_value(21.25)
            await until(lambda: ("Temperature", 21.25, "degC") in told(journal))
            bad = ua.DataValue(ua.Variant(0.0), ua.StatusCode(ua.StatusCodes.BadSensorFailure))
            await nodes["t"].write_value(bad)
            await until(lambda: b"2156658688" in journal.payloads[-1])
            assert subscriber.counts["not_watched"] == 1

    with intake() as (journal, taken):
        runner.run(session(taken.offer, journal))
    assert told(journal)[:2] == [("Temperature", 20.5, "degC"), ("door_open", 0.0, "")]
    first, last = (opcua.decode(journal.payloads[at]) for at in (0, -1))
    assert first["fields"]["missing"] == {"ns=2;s=Nowhere": "BadNodeIdUnknown"}
    assert last["marks"] == [{"indicator": "Temperature", "mark": "bad_0x808c0000"}]
    assert first["readings"][0]["time"] > "2025"


def test_a_server_that_returns_is_watched_again_and_the_gap_is_told(
    runner: asyncio.Runner, works: Works
) -> None:
    async def session(offer: Offer, journal: Journal) -> None:
        async with watching(offer, works.port, *ITEMS) as subscriber:
            await until(lambda: subscriber.counts["failures"] >= 1)
            async with works.running():
                await until(lambda: len(told(journal)) >= 2)
            async with works.running():
                await until(lambda: subscriber.counts["gaps"] == 1, within_s=15)
                await until(lambda: len(told(journal)) >= 4)

    with intake() as (journal, taken):
        runner.run(session(taken.offer, journal))
    assert [said["gap"] for said, _ in journal.said if "gap" in said] == [
        {"since": "2024-06-01T08:00:00Z"}
    ]


def test_while_a_message_is_made_durable_the_next_changes_gather(
    runner: asyncio.Runner, works: Works
) -> None:
    async def session() -> None:
        held, nodes = Held(), works.nodes
        async with works.running(), watching(held, works.port, *ITEMS):
            await until(lambda: len(held.offered) == 1)
            for value in (31.0, 32.0, 33.0):
                await nodes["t"].write_value(value)
                await asyncio.sleep(0.1)
            assert len(held.offered) == 1
            await asyncio.to_thread(held.offered[0].acknowledge)
            await until(lambda: len(held.offered) == 2)
            answer = opcua.decode(held.offered[1].payload)
            assert [each["value"] for each in answer["readings"]] == [31.0, 32.0, 33.0]

    runner.run(session())


def test_where_nothing_changes_the_state_of_the_server_is_told(
    runner: asyncio.Runner, works: Works
) -> None:
    async def session(offer: Offer, journal: Journal) -> None:
        async with works.running(), watching(offer, works.port, *ITEMS, alive_s=0.05):
            await until(lambda: ("server_state", 0.0, "1") in told(journal))

    with intake() as (journal, taken):
        runner.run(session(taken.offer, journal))


def test_what_is_more_than_can_wait_is_counted_and_not_silently_gone() -> None:
    class Notified:
        class monitored_item:  # noqa: N801 - as the library names it
            Value = ua.DataValue(ua.Variant(1.0))

    async def session() -> None:
        gathered = Gathered()
        for _ in range(GATHERED + 5):
            gathered.datachange_notification(None, 1.0, Notified)
        assert gathered.lost == 5
        assert len(await gathered.next()) == MOST

    asyncio.run(session())


def test_a_signed_and_encrypted_session_brings_the_same_values(
    runner: asyncio.Runner, tmp_path: Path
) -> None:
    async def session(offer: Offer, journal: Journal) -> None:
        own, peer = (certificate(tmp_path, name)[:2] for name in ("client", "server"))
        security = f"Basic256Sha256,SignAndEncrypt,{own[0]},{own[1]}"
        secured = await built(security=peer)
        async with secured.running():
            async with watching(offer, secured.port, *ITEMS) as plain:
                await until(lambda: plain.counts["failures"] >= 1)
                assert not journal.messages
            async with watching(offer, secured.port, *ITEMS, security=security):
                await until(lambda: len(told(journal)) >= 2)

    with intake() as (journal, taken):
        runner.run(session(taken.offer, journal))
