"""The central system against charging stations of the `ocpp` library, over a real WebSocket."""

import asyncio
import base64
import json
import ssl
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from ocpp.routing import on
from ocpp.v16 import ChargePoint as Point16
from ocpp.v16 import call as call16
from ocpp.v16 import call_result as result16
from ocpp.v201 import ChargePoint as Point201
from ocpp.v201 import call as call201
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from tests.rooms.frames import load, mutated
from tests.rooms.wires import Held, certificate, intake, until
from wuxin.protocols import ocpp
from wuxin.terms.clock import Nanos
from wuxin.terms.envelope import unwrap, wrap
from wuxin.terms.errors import BadInput, Conflict, NotFound
from wuxin.terms.ports import Offer, Trust
from wuxin.wire.charging import CentralSystem, Doors, Place
from wuxin.wire.charging_answers import Sessions
from wuxin.wire.charging_cards import Card, Cards
from wuxin.wire.charging_station import Station
from wuxin.wire.charging_transactions import transaction_id

NOON = Nanos(1_717_228_800_000_000_000)
TIME = "2024-06-01T08:00:00Z"


class Keeper:
    """Lets in the stations whose names begin with CS-, by a password or by a certificate."""

    def admits(self, device: str, secret: str) -> Trust | None:
        is_known = device.startswith("CS-") and secret == "secret"  # noqa: S105
        return Trust.CODE if is_known else None

    def code(self, device: str) -> str | None:
        return "code" if device.startswith("CS-") else None


authorize = Cards([Card("GOOD", several=True)])


@asynccontextmanager
async def system(offer: Offer, **place: Any) -> AsyncIterator[tuple[CentralSystem, str]]:
    doors = Doors(Keeper(), authorize)
    central = CentralSystem(offer, lambda: NOON, doors=doors, place=Place(port=0, **place))
    port = await central.start()
    try:
        yield central, f"ws://127.0.0.1:{port}/ocpp"
    finally:
        await central.stop()


def station(
    url: str,
    name: str,
    *,
    version: str = "ocpp1.6",
    password: str = "secret",  # noqa: S107
) -> Any:
    token = base64.b64encode(f"{name}:{password}".encode()).decode()
    return connect(
        f"{url}/{name}", subprotocols=[version],
        additional_headers={"Authorization": f"Basic {token}"},
    )  # fmt: skip


class Point(Point16):
    @on("RemoteStartTransaction")
    def remote_start(self, **_: Any) -> Any:
        return result16.RemoteStartTransaction(status="Accepted")


@asynccontextmanager
async def running(point: Any) -> AsyncIterator[Any]:
    task = asyncio.create_task(point.start())
    try:
        yield point
    finally:
        task.cancel()


def exchange(socket: ClientConnection, *parts: Any) -> Any:
    async def both() -> list[Any]:
        await socket.send(json.dumps(parts))
        return json.loads(await asyncio.wait_for(socket.recv(), 5))

    return both()


def test_a_session_of_1_6_is_answered_and_every_message_can_be_understood_alone() -> None:
    async def session(offer: Offer) -> int:
        async with (
            system(offer) as (_, url),
            station(url, "CS-1") as socket,
            running(Point("CS-1", socket)) as point,
        ):
            boot = await point.call(
                call16.BootNotification(charge_point_model="M", charge_point_vendor="V")
            )
            assert (boot.status, boot.current_time, boot.interval) == ("Accepted", TIME, 300)
            assert (await point.call(call16.Heartbeat())).current_time == TIME
            card = await point.call(call16.Authorize(id_tag="BAD"))
            assert card.id_tag_info["status"] == "Invalid"
            await point.call(
                call16.StatusNotification(connector_id=2, error_code="NoError", status="Charging")
            )
            begun = await point.call(
                call16.StartTransaction(
                    connector_id=2, id_tag="GOOD", meter_start=1000, timestamp=TIME
                )
            )
            assert begun.id_tag_info["status"] == "Accepted"
            sample = {"timestamp": TIME, "sampled_value": [{"value": "1500"}]}
            await point.call(
                call16.MeterValues(
                    connector_id=2, meter_value=[sample], transaction_id=begun.transaction_id
                )
            )
            await point.call(
                call16.StopTransaction(
                    meter_stop=4000, timestamp=TIME, transaction_id=begun.transaction_id
                )
            )
            return int(begun.transaction_id)

    with intake() as (journal, taken):
        number = asyncio.run(session(taken.offer))
    answers = [ocpp.decode(payload) for payload in journal.payloads]
    assert all(answer["ok"] for answer in answers)
    assert [answer["message"] for answer in answers] == [
        "BootNotification", "Heartbeat", "Authorize", "StatusNotification", "StartTransaction",
        "MeterValues", "StopTransaction",
    ]  # fmt: skip
    assert answers[0]["time"] == TIME
    assert journal.said[0][0]["trust"] == "code"
    assert answers[-1]["transaction"]["id"] == number
    assert {
        "indicator": "session_energy",
        "value": 3000.0,
        "unit": "Wh",
        "thing": "evse:CS-1-2",
    } in (answers[-1]["readings"])


def test_a_session_of_2_0_1_is_answered_and_its_transaction_keeps_its_evse() -> None:
    async def session(offer: Offer) -> None:
        async with (
            system(offer) as (_, url),
            station(url, "CS-2", version="ocpp2.0.1") as socket,
            running(Point201("CS-2", socket)) as point,
        ):
            boot = await point.call(
                call201.BootNotification(
                    charging_station={"model": "M", "vendor_name": "V"}, reason="PowerUp"
                )
            )
            assert boot.status == "Accepted"
            first = {
                "timestamp": TIME, "trigger_reason": "Authorized", "seq_no": 0,
                "transaction_info": {"transaction_id": "T-1"},
            }  # fmt: skip
            begun = await point.call(
                call201.TransactionEvent(
                    event_type="Started",
                    **first,
                    evse={"id": 3},
                    id_token={"id_token": "GOOD", "type": "Central"},
                )
            )
            assert begun.id_token_info["status"] == "Accepted"
            sample = {"timestamp": TIME, "sampled_value": [{"value": 1500}]}
            await point.call(
                call201.TransactionEvent(
                    event_type="Updated", **{**first, "seq_no": 1}, meter_value=[sample]
                )
            )

    with intake() as (journal, taken):
        asyncio.run(session(taken.offer))
    answers = [ocpp.decode(payload) for payload in journal.payloads]
    assert all(answer["ok"] for answer in answers)
    assert answers[-1]["transaction"]["id_tag"] == "GOOD"
    assert {reading["thing"] for reading in answers[-1]["readings"]} == {"evse:CS-2-3"}


def test_nothing_is_answered_before_it_is_durable() -> None:
    async def session() -> None:
        held = Held()
        async with system(held) as (central, url), station(url, "CS-1") as socket:
            await socket.send('[2,"1","Heartbeat",{}]')
            await until(lambda: bool(held.offered))
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(socket.recv(), 0.1)
            await asyncio.to_thread(held.offered[0].acknowledge)
            assert json.loads(await socket.recv()) == [3, "1", {"currentTime": TIME}]
            assert central.counts["answered"] == 1

    asyncio.run(session())


def test_a_call_that_is_sent_again_is_answered_alike_and_journalled_once() -> None:
    start = {"connectorId": 1, "idTag": "GOOD", "meterStart": 5, "timestamp": TIME}

    async def session(offer: Offer) -> list[Any]:
        async with system(offer) as (central, url):
            async with station(url, "CS-1") as socket:
                first = await exchange(socket, 2, "77", "StartTransaction", start)
            async with station(url, "CS-1") as socket:
                again = await exchange(socket, 2, "77", "StartTransaction", start)
                anew = await exchange(socket, 2, "78", "StartTransaction", start)
            assert central.counts["again"] == 1
        return [first, again, anew]

    with intake() as (journal, taken):
        first, again, anew = asyncio.run(session(taken.offer))
    assert first == again
    assert anew[2]["transactionId"] == first[2]["transactionId"] == transaction_id("CS-1", start)
    assert transaction_id("CS-9", start) != transaction_id("CS-1", start)
    assert len(journal.messages) == 2


def test_a_call_that_is_none_is_journalled_and_answered_with_an_error() -> None:
    async def session(offer: Offer) -> list[Any]:
        async with system(offer) as (central, url), station(url, "CS-1") as socket:
            answers = [
                await exchange(socket, 2, "1", "StatusNotification", {"connectorId": 1}),
                await exchange(socket, 2, "2", "../Heartbeat", {}),
                await exchange(socket, 2, "3", "Reset", {"type": "Soft"}),
            ]
            await socket.send("{")
            await until(lambda: central.counts["received"] == 4)
            assert central.counts["refused"] == 2
            assert central.counts["unreadable"] == 1
        return answers

    with intake() as (journal, taken):
        answers = asyncio.run(session(taken.offer))
    assert [answer[:3] for answer in answers] == [
        [4, "1", "FormationViolation"], [4, "2", "NotImplemented"], [4, "3", "NotSupported"],
    ]  # fmt: skip
    assert [ocpp.decode(payload)["ok"] for payload in journal.payloads] == [
        False, False, True, False,
    ]  # fmt: skip


def test_no_message_whatever_brings_the_central_system_down() -> None:
    sessions, counts = Sessions(authorize, heartbeat_s=300), Counter[str]()
    huge = f'[2,"1","StartTransaction",{{"connectorId":{10**30},"idTag":"A","meterStart":-{10**30},'
    good = [
        (json.loads(vector["said"]), vector["text"].encode())
        for vector in load("ocpp")["accept"]
        if "said" in vector
    ]
    for number, (said, text) in enumerate(good):
        own = Station("CS-1", lambda: NOON, counts=counts)
        own._version = said["version"]
        odd = [b"[[2],1]", b"[{},{},{}]", b"[3,[]]", f'{huge}"timestamp":"x"}}]'.encode()]
        for data in [*odd, *mutated([text], 300, seed=number)]:
            call, fault = own.read(data)
            counts["calls"] += call is not None
            counts["faults"] += fault is not None
            if call is not None and not own.again(data):
                context = sessions.context(call)
                line = {**said, **own.asked(data), "transaction": context}
                own.result(data, sessions.answer(call, transaction=context, now=TIME))
                assert unwrap(wrap(line, data))[1] == data
            assert own.asked(data) == {}
    assert min(counts["calls"], counts["faults"], counts["unreadable"]) > 50


def test_a_stranger_is_turned_away() -> None:
    async def session() -> None:
        async with system(Held()) as (central, url):
            for name, word, status in (
                ("CS-1", "wrong", 401), ("XX-1", "secret", 401), ("CS%201", "secret", 404),
            ):  # fmt: skip
                with pytest.raises(InvalidStatus) as refused:
                    await station(url, name, password=word)
                assert refused.value.response.status_code == status
            assert central.counts["turned_away"] == 2

    asyncio.run(session())


def test_a_station_with_a_certificate_of_its_name_needs_no_password(tmp_path: Path) -> None:
    known = {name: certificate(tmp_path, name) for name in ("CS-1", "server")}
    served = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    served.load_cert_chain(known["server"][2], known["server"][1])
    served.load_verify_locations(known["CS-1"][2])
    served.verify_mode = ssl.CERT_OPTIONAL

    def client(*, shows: bool) -> ssl.SSLContext:
        found = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        found.check_hostname = False
        found.load_verify_locations(known["server"][2])
        if shows:
            found.load_cert_chain(known["CS-1"][2], known["CS-1"][1])
        return found

    async def session(offer: Offer) -> None:
        doors = Doors(Keeper(), authorize)
        place = Place(port=0, tls=served)
        central = CentralSystem(offer, lambda: NOON, doors=doors, place=place)
        url = f"wss://127.0.0.1:{await central.start()}"
        async with connect(f"{url}/CS-1", subprotocols=["ocpp1.6"], ssl=client(shows=True)) as own:
            assert (await exchange(own, 2, "1", "Heartbeat", {}))[0] == 3
        for name, shows, password in (
            ("CS-2", True, None), ("CS-1", False, None), ("CS-1", False, ""),
        ):  # fmt: skip
            token = base64.b64encode(f"{name}:".encode()).decode()
            headers = {} if password is None else {"Authorization": f"Basic {token}"}
            with pytest.raises(InvalidStatus):
                await connect(
                    f"{url}/{name}", subprotocols=["ocpp1.6"], ssl=client(shows=shows),
                    additional_headers=headers,
                )  # fmt: skip
        await central.stop()

    with intake() as (journal, taken):
        asyncio.run(session(taken.offer))
    assert [said["trust"] for said, _ in journal.said] == ["certificate"]


def test_a_command_is_answered_and_its_answer_is_journalled_with_it() -> None:
    async def session(offer: Offer) -> None:
        async with system(offer) as (central, url):
            with pytest.raises(NotFound):
                await central.call("CS-1", "Reset", payload={"type": "Soft"})
            async with station(url, "CS-1") as socket, running(Point("CS-1", socket)):
                await until(lambda: central.connected == ["CS-1"])
                with pytest.raises(BadInput):
                    await central.call("CS-1", "Reset", payload={"type": "Never"})
                begun = await central.call(
                    "CS-1", "RemoteStartTransaction", payload={"idTag": "GOOD"}
                )
                assert begun == {"status": "Accepted"}
                with pytest.raises(Conflict, match=r"NotImplemented|NotSupported"):
                    await central.call("CS-1", "Reset", payload={"type": "Soft"})

    with intake() as (journal, taken):
        asyncio.run(session(taken.offer))
    answers = [ocpp.decode(payload) for payload in journal.payloads]
    assert [answer["message"] for answer in answers] == [
        "RemoteStartTransactionResponse", "CallError",
    ]  # fmt: skip
    assert journal.said[0][0]["request"] == {"idTag": "GOOD"}


def test_a_command_to_a_station_that_is_silent_or_goes_ends_in_a_conflict() -> None:
    async def session(offer: Offer) -> None:
        async with system(offer, answer_s=0.05) as (central, url), station(url, "CS-1") as socket:
            await until(lambda: central.connected == ["CS-1"])
            with pytest.raises(Conflict, match="did not answer"):
                await central.call("CS-1", "Reset", payload={"type": "Soft"})
            number = json.loads(await socket.recv())[1]
            await socket.send(json.dumps([3, number, {"status": "Accepted"}]))
            await until(lambda: central.counts["unasked"] == 1)
        async with system(offer) as (central, url):
            async with station(url, "CS-1") as socket:
                await until(lambda: central.connected == ["CS-1"])
                asked = asyncio.create_task(central.call("CS-1", "Reset", payload={"type": "Soft"}))
                await socket.recv()
            with pytest.raises(Conflict, match="has gone"):
                await asked

    with intake() as (_, taken):
        asyncio.run(session(taken.offer))


def test_a_closed_intake_ends_the_connection_and_is_counted() -> None:
    async def session(offer: Offer) -> None:
        async with system(offer) as (central, url), station(url, "CS-1") as socket:
            await socket.send('[2,"1","Heartbeat",{}]')
            with pytest.raises(ConnectionClosed):
                await socket.recv()
            assert central.counts["not_taken"] == 1

    with intake() as (_, taken):
        pass
    asyncio.run(session(taken.offer))


def test_a_new_connection_takes_the_place_of_a_dead_one_at_once() -> None:
    async def session() -> None:
        held = Held()
        async with system(held) as (central, url), station(url, "CS-1") as old:
            await old.send('[2,"1","Heartbeat",{}]')
            await until(lambda: bool(held.offered))
            async with station(url, "CS-1") as new:
                await until(lambda: central.counts["replaced"] == 1)
                await asyncio.to_thread(held.offered[0].acknowledge)
                assert json.loads(await new.recv())[1] == "1"
                assert unwrap(held.offered[0].payload)[0]["station"] == "CS-1"

    asyncio.run(session())
