"""The Modbus poller against real Modbus servers on the loopback."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from pymodbus.server import ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice

from tests.rooms.frames import load
from tests.rooms.wires import Held, intake, until
from wuxin.protocols import modbus_map, sunspec
from wuxin.terms.clock import Nanos
from wuxin.terms.ports import Offer
from wuxin.wire.poll_modbus import ModbusPoller, Target, chain_blocks, table_blocks

NOON = Nanos(1_717_228_800_000_000_000)
INVERTER = load("sunspec")["accept"][0]
IMAGE = bytes.fromhex("".join(INVERTER["hex"].split()))


def words(data: bytes) -> list[int]:
    return [int.from_bytes(data[at : at + 2]) for at in range(0, len(data), 2)]


@asynccontextmanager
async def device(registers: list[int], *, at: int = 40000, port: int = 0) -> AsyncIterator[int]:
    data = SimData(address=at, values=registers, datatype=DataType.REGISTERS)
    server = ModbusTcpServer(SimDevice(1, [data]), address=("127.0.0.1", port))
    await server.serve_forever(background=True)
    try:
        yield server.transport.sockets[0].getsockname()[1]
    finally:
        await server.shutdown()


@asynccontextmanager
async def polling(offer: Offer, *targets: Target) -> AsyncIterator[ModbusPoller]:
    poller = ModbusPoller(offer, lambda: NOON, targets=targets, first_pause_s=0.02)
    await poller.start()
    try:
        yield poller
    finally:
        await poller.stop()


def target(port: int, **more: Any) -> Target:
    return Target("INV-1", "127.0.0.1", port, period_s=0.02, timeout_s=0.5, **more)


@pytest.mark.parametrize("base", [40000, 50000, 0])
def test_a_sunspec_device_is_found_and_read_wherever_its_marker_is(base: int) -> None:
    async def session(offer: Offer) -> None:
        async with device(words(IMAGE), at=base) as port, polling(offer, target(port)) as poller:
            await until(lambda: poller.counts["rounds"] >= 2)
            assert poller.counts["failures"] == 0

    with intake() as (journal, taken):
        asyncio.run(session(taken.offer))
    said, registers = journal.said[0]
    assert registers == IMAGE
    assert said["base"] == base
    answer = sunspec.decode(journal.payloads[0])
    assert answer["time"] == "2024-06-01T08:00:00Z"
    assert [each["value"] for each in answer["readings"]] == [
        each["value"] for each in INVERTER["want"]["readings"]
    ]


def test_a_device_without_sunspec_is_read_by_its_table() -> None:
    table = (
        {"name": "voltage", "address": 10, "type": "uint16", "scale": 0.1, "unit": "V"},
        {"name": "energy", "address": 90, "type": "uint32", "unit": "kWh"},
    )

    async def session(offer: Offer) -> None:
        async with (
            device([2310, *[0] * 79, 1, 2], at=10) as port,
            polling(offer, target(port, table=table)) as poller,
        ):
            await until(lambda: poller.counts["rounds"] >= 1)

    with intake() as (journal, taken):
        asyncio.run(session(taken.offer))
    answer = modbus_map.decode(journal.payloads[0])
    assert answer["readings"] == [
        {"indicator": "voltage", "value": 231.0, "unit": "V"},
        {"indicator": "energy", "value": 65538.0, "unit": "kWh"},
    ]


def test_the_next_round_waits_until_the_last_is_durable() -> None:
    async def session() -> None:
        held = Held()
        async with device(words(IMAGE)) as port, polling(held, target(port)):
            await until(lambda: len(held.offered) == 1)
            await asyncio.sleep(0.1)
            assert len(held.offered) == 1
            await asyncio.to_thread(held.offered[0].acknowledge)
            await until(lambda: len(held.offered) == 2)

    asyncio.run(session())


def test_a_device_that_is_silent_holds_up_no_other_and_one_that_returns_is_read_again() -> None:
    async def silent(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(60)
        writer.close()

    async def session(offer: Offer) -> None:
        deaf = await asyncio.start_server(silent, "127.0.0.1", 0)
        slow = target(deaf.sockets[0].getsockname()[1])._replace(device="SLOW", timeout_s=0.2)
        async with device(words(IMAGE)) as port:
            pass
        async with polling(offer, target(port), slow) as poller:
            await until(lambda: poller.counts["failures INV-1"] >= 2)
            async with device(words(IMAGE), port=port):
                await until(lambda: poller.counts["rounds INV-1"] >= 3)
            await until(lambda: poller.counts["failures SLOW"] >= 1)
            assert poller.counts["rounds SLOW"] == 0
        deaf.close()

    with intake() as (journal, taken):
        asyncio.run(session(taken.offer))
    assert all(sunspec.decode(payload)["ok"] for payload in journal.payloads)


def test_a_device_without_a_marker_is_a_failure_and_not_silence() -> None:
    async def session() -> None:
        async with device([1, 2, 3]) as port, polling(Held(), target(port)) as poller:
            await until(lambda: poller.counts["failures"] >= 1)

    asyncio.run(session())


def test_a_table_that_does_not_fit_before_a_message_is_a_failure_and_not_unreadable_rounds() -> (
    None
):
    rows = tuple({"name": f"row {n:0100}", "address": 0, "type": "int16"} for n in range(500))

    async def session() -> None:
        held = Held()
        async with device([1], at=0) as port, polling(held, target(port, table=rows)) as poller:
            await until(lambda: poller.counts["failures"] >= 1)
            assert not held.offered

    asyncio.run(session())


def test_no_request_asks_for_more_than_a_device_may_give_and_nothing_is_left_out() -> None:
    models = [(40002, 68), (40070, 52), (40122, 300), (40422, 2)]
    blocks = chain_blocks(40000, models)
    assert blocks == [(40000, 122), (40122, 125), (40247, 125), (40372, 52)]
    table = [{"address": at, "type": "float64"} for at in (500, 0, 4, 20, 120)]
    assert table_blocks(table) == [(0, 8), (20, 4), (120, 4), (500, 4)]
    assert json.dumps(table_blocks([{"address": 0, "type": "text", "registers": 9}])) == "[[0, 9]]"
