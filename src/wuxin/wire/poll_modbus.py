"""Polls devices over Modbus TCP: SunSpec devices as they describe themselves, others by a table.

Every device has a task and a connection of its own, so that one that is slow holds up no other. A
round reads all its registers in blocks and hands them in as one message; the next round waits until
that is durable. After a failure the connection is made anew, after a pause that doubles.

Source: Modbus Application Protocol 1.1b3 §6.3, §6.4 (at most 125 registers); SunSpec Device
Information Model Specification 1.1 §6 (marker at 40000, 50000 or 0; chain of models).
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, Final, NamedTuple

import msgspec
from pymodbus.client import AsyncModbusTcpClient
from pymodbus.exceptions import ModbusException

from wuxin.terms.clock import Clock, iso
from wuxin.terms.envelope import HEADER_BYTES, wrap
from wuxin.terms.errors import Conflict
from wuxin.terms.ports import Offer
from wuxin.wire.durable_answers import in_this_loop
from wuxin.wire.patience import FIRST_PAUSE_S, Peer, Unreadable, ended, persist, succeeded

MOST: Final = 125
"""Registers that one request can read."""

BASES: Final = (40000, 50000, 0)
MARKER: Final = [0x5375, 0x6E53]
END: Final = 0xFFFF
MODELS: Final = 128
SIZES: Final = {"int32": 2, "uint32": 2, "float32": 2, "int64": 4, "uint64": 4, "float64": 4}
GAP: Final = 8
"""Registers between two wanted ones that are read along rather than asked for apart."""

_LOG: Final = logging.getLogger("wuxin.wire.modbus")

Block = tuple[int, int]
"""First address and number of registers."""


class Target(NamedTuple):
    """A device to be polled; without a ``table`` it is a SunSpec device and is asked what it has.

    The rows of a table are as in ``modbus_map``; ``input`` registers are read instead of holding
    registers where the manual says so.
    """

    device: str
    host: str
    port: int = 502
    unit: int = 1
    period_s: float = 60.0
    timeout_s: float = 3.0
    table: tuple[Mapping[str, Any], ...] = ()
    input: bool = False


class ModbusPoller:
    """Polls its targets until it is stopped; ``counts`` tells rounds, failures and their kinds."""

    def __init__(
        self,
        offer: Offer,
        clock: Clock,
        *,
        targets: Sequence[Target],
        first_pause_s: float = FIRST_PAUSE_S,
        source: str = "modbus",
    ) -> None:
        self.counts: Counter[str] = Counter()
        self._offer, self._clock, self._source = offer, clock, source
        self._targets, self._first_pause_s = targets, first_pause_s
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Begin to poll; devices that cannot be reached are tried again and again."""
        self._tasks = [asyncio.create_task(self._keep(target)) for target in self._targets]

    async def stop(self) -> None:
        """End all polling.

        Raises:
            BaseException: a task had ended by an error that is none of a device.
        """
        await ended(self._tasks)

    async def _keep(self, target: Target) -> None:
        failures = (Unreadable, ModbusException, OSError, TimeoutError, Conflict)
        peer = Peer(target.device, failures, self._first_pause_s)
        await persist(partial(self._connected, target), peer=peer, counts=self.counts, log=_LOG)

    async def _connected(self, target: Target) -> None:
        client = AsyncModbusTcpClient(
            target.host, port=target.port, timeout=target.timeout_s, retries=1,
            reconnect_delay=0, name=target.device,
        )  # fmt: skip
        try:
            await self._poll(client, target)
        finally:
            client.close()

    async def _poll(self, client: AsyncModbusTcpClient, target: Target) -> None:
        """Read a device round after round; returns only by an error."""
        if not await client.connect():
            raise Unreadable(f"{target.host}:{target.port} cannot be reached")
        blocks, said = await self._plan(client, target)
        loop = asyncio.get_running_loop()
        while True:
            begun = loop.time()
            moment = iso(self._clock())
            registers: list[int] = []
            for address, count in blocks:
                registers += await _read(client, target, block=(address, count))
            durable = asyncio.Event()
            self._offer(
                wrap({**said, "time": moment}, b"".join(each.to_bytes(2) for each in registers)),
                source=self._source, position=moment,
                acknowledge=in_this_loop(durable.set),
            )  # fmt: skip
            await durable.wait()
            succeeded(self.counts, target.device)
            await asyncio.sleep(max(0.0, target.period_s - (loop.time() - begun)))

    async def _plan(
        self, client: AsyncModbusTcpClient, target: Target
    ) -> tuple[list[Block], dict[str, Any]]:
        """What to read in each round, and what is said before its registers."""
        said: dict[str, Any] = {"device": target.device, "unit": target.unit}
        if target.table:
            blocks = table_blocks(target.table)
            said |= {"table": list(target.table), "blocks": blocks}
            if len(msgspec.json.encode(said)) > HEADER_BYTES - 100:
                raise Unreadable(f"its table takes more than {HEADER_BYTES} bytes; divide it")
            return blocks, said
        base, models = await _discover(client, target)
        return chain_blocks(base, models), {**said, "base": base}


async def _read(client: AsyncModbusTcpClient, target: Target, *, block: Block) -> list[int]:
    ask = client.read_input_registers if target.input else client.read_holding_registers
    address, count = block
    answer = await ask(address, count=count, device_id=target.unit)
    if answer.isError() or len(answer.registers) != count:
        raise Unreadable(f"{count} registers from {address} cannot be read: {answer}")
    return list(answer.registers)


async def _discover(client: AsyncModbusTcpClient, target: Target) -> tuple[int, list[Block]]:
    """Where the marker is, and the address and length of each model with its header."""
    for base in BASES:
        try:
            found = await _read(client, target, block=(base, 2))
        except Unreadable:
            continue
        if found == MARKER:
            return base, await _models(client, target, at=base + 2)
    raise Unreadable("there is no SunSpec marker at 40000, 50000 or 0")


async def _models(client: AsyncModbusTcpClient, target: Target, *, at: int) -> list[Block]:
    models: list[Block] = []
    while len(models) < MODELS:
        number, length = await _read(client, target, block=(at, 2))
        if number == END:
            return [*models, (at, 2)]
        if at + 2 + length > END:
            raise Unreadable(f"model {number} at {at} says that it has {length} registers")
        models.append((at, 2 + length))
        at += 2 + length
    raise Unreadable(f"there are more than {MODELS} models")


def chain_blocks(base: int, models: Sequence[Block]) -> list[Block]:
    """Blocks that hold the marker and whole models as long as they fit; longer ones are cut."""
    blocks: list[Block] = [(base, 2)]
    for address, count in models:
        start, before = blocks[-1]
        if before + count <= MOST:
            blocks[-1] = (start, before + count)
            continue
        blocks += [
            (at, min(MOST, address + count - at)) for at in range(address, address + count, MOST)
        ]
    return blocks


def table_blocks(table: Sequence[Mapping[str, Any]]) -> list[Block]:
    """Blocks that hold all rows of a table; small gaps are read along."""
    blocks: list[Block] = []
    for address, end in sorted(
        (row["address"], row["address"] + row.get("registers", SIZES.get(row["type"], 1)))
        for row in table
    ):
        start, count = blocks[-1] if blocks else (address, 0)
        if blocks and address <= start + count + GAP and max(end, start + count) - start <= MOST:
            blocks[-1] = (start, max(count, end - start))
        else:
            blocks.append((address, end - address))
    return blocks
