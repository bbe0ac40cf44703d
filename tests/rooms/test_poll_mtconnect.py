"""The poller of MTConnect against an agent of a few lines that speaks real HTTP."""

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.rooms.wires import Held, intake, until
from wuxin.protocols import mtconnect
from wuxin.terms.clock import Nanos
from wuxin.terms.ports import Offer
from wuxin.wire.poll_mtconnect import Agent, MtconnectPoller

NOON = Nanos(1_717_228_800_000_000_000)


class Machine:
    """An agent's buffer: observations by their sequence, the oldest of which are forgotten."""

    def __init__(self) -> None:
        self.instance, self.first, self.last = 7, 1, 0
        self.asked: list[str] = []

    def runs(self, count: int, *, forgets: int = 0) -> None:
        self.last += count
        self.first += forgets

    def header(self) -> str:
        return f'<Header creationTime="2024-06-01T08:00:00Z" instanceId="{self.instance}" '

    def answer(self, path: str) -> tuple[int, str]:
        self.asked.append(path)
        asked = urlsplit(path)
        if asked.path == "/probe":
            item = '<DataItem category="SAMPLE" id="t" type="TEMPERATURE" units="CELSIUS"/>'
            return 200, (
                f'<MTConnectDevices>{self.header()}version="1.4"/><Devices><Device id="d" uuid="M">'
                f"<DataItems>{item}</DataItems></Device></Devices></MTConnectDevices>"
            )
        query = {name: int(values[0]) for name, values in parse_qs(asked.query).items()}
        begin = query.get("from", self.last) if asked.path == "/sample" else self.last
        if not self.first <= begin <= self.last + 1:
            return 404, (
                f"<MTConnectError>{self.header()}/><Errors>"
                '<Error errorCode="OUT_OF_RANGE">from</Error></Errors></MTConnectError>'
            )
        end = min(self.last + 1, begin + query.get("count", 100))
        seen = "".join(
            f'<Temperature dataItemId="t" sequence="{n}" timestamp="2024-06-01T08:00:00Z">{n}'
            "</Temperature>"
            for n in range(begin, end)
        )
        after = end if asked.path == "/sample" else self.last + 1
        return 200, (
            f'<MTConnectStreams>{self.header()}firstSequence="{self.first}" '
            f'lastSequence="{self.last}" nextSequence="{after}"/><Streams>'
            f'<DeviceStream uuid="M"><ComponentStream><Samples>{seen}</Samples>'
            "</ComponentStream></DeviceStream></Streams></MTConnectStreams>"
        )


@contextmanager
def serving(machine: Machine) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, text = machine.answer(self.path)
            self.send_response(status)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


@asynccontextmanager
async def polling(
    offer: Offer, url: str, *, position: str = "", **more: Any
) -> AsyncIterator[MtconnectPoller]:
    agent = Agent("shop", url, period_s=0.01, **more)
    poller = MtconnectPoller(
        offer, lambda: NOON, agents=[agent], first_pause_s=0.02, position=position
    )
    await poller.start()
    try:
        yield poller
    finally:
        await poller.stop()


def values(payloads: list[bytes]) -> list[float]:
    answers = [mtconnect.decode(payload) for payload in payloads]
    assert all(answer["ok"] for answer in answers)
    assert {each["unit"] for answer in answers for each in answer["readings"]} <= {"degC"}
    return [each["value"] for answer in answers for each in answer["readings"]]


def test_nothing_in_the_buffer_is_left_out_or_read_twice() -> None:
    machine = Machine()
    machine.runs(5)

    async def session(offer: Offer) -> None:
        with serving(machine) as url:
            async with polling(offer, url, most=3) as poller:
                await until(lambda: poller.counts["empty"] >= 1)
                machine.runs(10)
                await until(lambda: "/sample?from=16&count=3" in machine.asked)
                assert poller.counts["gaps"] == poller.counts["failures"] == 0

    with intake() as (journal, taken):
        asyncio.run(session(taken.offer))
    assert values(journal.payloads) == [5.0, *range(6, 16)]
    assert journal.messages[-1].position == '{"shop":"7:16"}'
    assert b"MTConnectDevices" in journal.payloads[0]


def test_a_buffer_that_has_run_over_leaves_a_gap_on_record() -> None:
    machine = Machine()
    machine.runs(5)

    async def session(offer: Offer) -> None:
        with serving(machine) as url:
            async with polling(offer, url) as poller:
                await until(lambda: poller.counts["empty"] >= 1)
                machine.runs(100, forgets=80)
                await until(lambda: poller.counts["gaps"] == 1)

    with intake() as (journal, taken):
        asyncio.run(session(taken.offer))
    kinds = [mtconnect.decode(payload)["message"] for payload in journal.payloads]
    assert "MTConnectError" in kinds
    [gap] = [said["gap"] for said, _ in journal.said if "gap" in said]
    assert gap == {"why": "the buffer has run over", "from": "6", "to": "106"}


def test_an_agent_that_begins_anew_is_asked_again_what_it_has() -> None:
    machine = Machine()
    machine.runs(5)

    async def session(offer: Offer) -> None:
        with serving(machine) as url:
            async with polling(offer, url) as poller:
                await until(lambda: poller.counts["empty"] >= 1)
                machine.instance, machine.first, machine.last = 8, 1, 2
                await until(lambda: poller.counts["gaps"] == 1)

    with intake() as (journal, taken):
        asyncio.run(session(taken.offer))
    assert machine.asked.count("/probe") == 2
    [gap] = [said["gap"] for said, _ in journal.said if "gap" in said]
    assert gap["why"] == "the agent has begun anew"
    assert values(journal.payloads) == [5.0, 2.0]


def test_reading_goes_on_where_the_journal_stands() -> None:
    machine = Machine()
    machine.runs(9)

    async def session(offer: Offer) -> None:
        with serving(machine) as url:
            async with polling(offer, url, position='{"shop":"7:4"}') as poller:
                await until(lambda: poller.counts["empty"] >= 1)

    with intake() as (journal, taken):
        asyncio.run(session(taken.offer))
    assert values(journal.payloads) == [*range(4, 10)]


def test_where_nothing_changes_the_agent_is_heard_of_now_and_then() -> None:
    machine = Machine()
    machine.runs(1)

    async def session(offer: Offer) -> None:
        with serving(machine) as url:
            async with polling(offer, url, alive_s=0.05) as poller:
                await until(lambda: poller.counts["empty"] >= 12)

    with intake() as (journal, taken):
        asyncio.run(session(taken.offer))
    assert values(journal.payloads) == [1.0]
    assert 3 <= len(journal.messages) < 12


def test_nothing_more_is_asked_before_what_came_is_durable() -> None:
    machine, held = Machine(), Held()

    async def session() -> None:
        with serving(machine) as url:
            async with polling(held, url):
                await until(lambda: len(held.offered) == 1)
                await asyncio.sleep(0.1)
                assert machine.asked == ["/probe"]

    asyncio.run(session())


def test_an_agent_that_is_away_is_a_failure_and_not_silence() -> None:
    machine = Machine()
    machine.runs(1)
    with serving(machine) as url:
        pass

    async def session(offer: Offer) -> None:
        async with polling(offer, url) as poller:
            await until(lambda: poller.counts["failures shop"] >= 2)
            assert poller.counts["rounds"] == 0

    with intake() as (journal, taken):
        asyncio.run(session(taken.offer))
    assert not journal.messages
