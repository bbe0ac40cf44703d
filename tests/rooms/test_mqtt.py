"""The MQTT subscriber against a real Mosquitto: what is acknowledged, and when; who is believed."""

import asyncio
import json
import signal
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import gmqtt
import pytest

from tests import servers
from tests.rooms.authority import Authority
from tests.rooms.wires import Hall, until
from wuxin.terms.clock import Nanos
from wuxin.terms.envelope import unwrap
from wuxin.terms.errors import BadInput, Conflict, NotFound, Refused
from wuxin.terms.ports import Trust
from wuxin.wire.durable_answers import in_this_loop
from wuxin.wire.mqtt import Broker, MqttSubscriber, Route
from wuxin.wire.speaker import cbor_device, json_device
from wuxin.wire.topics import topics

GOOD, BAD = "right", "wrong"
NOON = Nanos(1_717_228_800_000_000_000)
ROUTES = (Route("devices/#", "field", wrap_topic=False),)


@asynccontextmanager
async def subscribed(
    broker: servers.Broker, hall: Hall, *routes: Route, **who: Any
) -> AsyncIterator[MqttSubscriber]:
    place = Broker(broker.host, broker.port, **who)
    subscriber = MqttSubscriber(hall, lambda: NOON, broker=place, routes=routes or ROUTES)
    await subscriber.start()
    try:
        yield subscriber
    finally:
        await subscriber.stop()


@asynccontextmanager
async def device(broker: servers.Broker, **tls: Any) -> AsyncIterator[gmqtt.Client]:
    client = gmqtt.Client("")
    await client.connect(broker.host, broker.port, **tls)
    try:
        yield client
    finally:
        await client.disconnect()


def run(talk: Coroutine[Any, Any, None]) -> None:
    asyncio.run(asyncio.wait_for(talk, 20))


def test_what_was_not_durable_comes_again_and_what_was_does_not(mosquitto: servers.Broker) -> None:
    async def talk() -> None:
        first, second, third = Hall(), Hall(), Hall()
        async with subscribed(mosquitto, first), device(mosquitto) as sender:
            for number in range(3):
                sender.publish("devices/a", b"%d" % number, qos=1)
            await until(lambda: len(first.taken) == 3)
            first.taken[0].acknowledge()
            await asyncio.sleep(0.1)
        async with subscribed(mosquitto, second) as subscriber:
            await until(lambda: len(second.taken) == 2)
            assert second.payloads == [b"1", b"2"]
            assert subscriber.counts["again"] == 2
            for each in second.taken:
                each.acknowledge()
            await until(lambda: subscriber.counts["acknowledged"] == 2)
            await asyncio.sleep(0.1)
        async with subscribed(mosquitto, third):
            await asyncio.sleep(0.2)
        assert third.taken == []
        assert first.taken[0].position == "2024-06-01T08:00:00Z"

    run(talk())


def test_an_acknowledgement_is_not_sent_over_a_later_connection(mosquitto: servers.Broker) -> None:
    async def talk() -> None:
        before, after = Hall(), Hall()
        async with subscribed(mosquitto, before) as subscriber, device(mosquitto) as sender:
            sender.publish("devices/a", b"x", qos=1)
            await until(lambda: len(before.taken) == 1)
            assert subscriber._link is not None
            subscriber._link.give_up("the test")
            await until(lambda: len(before.taken) == 2 and subscriber.connected)
            assert subscriber.counts["failures"] == 1
            before.taken[0].acknowledge()  # of the connection that is lost
            await until(lambda: subscriber.counts["acknowledged"] == 1)
            await asyncio.sleep(0.1)
        async with subscribed(mosquitto, after):
            await until(lambda: after.payloads == [b"x"])

    run(talk())


KILLED = """
import asyncio, os, sys, time
from wuxin.terms.clock import system_clock
from wuxin.wire.intake import Intake
from wuxin.wire.mqtt import Broker, MqttSubscriber, Route

def append(batch):
    for message in batch:
        if message.payload == b"50":
            time.sleep(3600)
        os.write(1, message.payload + b"\\n")

async def main():
    intake = Intake(append, lambda _: None, most=7)
    offer = lambda payload, *, trust, **said: intake.offer(payload, **said)
    broker = Broker("127.0.0.1", int(sys.argv[1]))
    routes = [Route("devices/#", "field", wrap_topic=False)]
    await MqttSubscriber(offer, system_clock, broker=broker, routes=routes).start()
    await asyncio.sleep(3600)

asyncio.run(main())
"""


def test_a_subscriber_that_is_killed_loses_nothing(mosquitto: servers.Broker) -> None:
    async def talk(killed: "subprocess.Popen[bytes]") -> None:
        assert killed.stdout is not None
        async with device(mosquitto) as sender:
            written = b"0\n"
            for number in range(1, 100):
                sender.publish("devices/a", b"%d" % number, qos=1)
                await asyncio.sleep(0.02 if number % 10 == 0 else 0)  # it may have 20 on their way
            while not written.endswith(b"49\n"):
                written += await asyncio.to_thread(killed.stdout.readline)
            killed.send_signal(signal.SIGKILL)
            killed.wait()
            hall = Hall(durable=True)
            async with subscribed(mosquitto, hall):
                await until(lambda: b"99" in hall.payloads)
        assert {*written.split(), *hall.payloads} == {b"%d" % number for number in range(100)}
        assert len(hall.payloads) < 60  # what was durable did not come again, but for one batch

    command = [sys.executable, "-c", KILLED, str(mosquitto.port)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as killed:
        try:
            run(_greeted(mosquitto, killed, talk=talk))
        finally:
            killed.kill()


async def _greeted(
    broker: servers.Broker, process: "subprocess.Popen[bytes]", *, talk: Callable[..., Any]
) -> None:
    """Publish until the process has subscribed: it writes down the first message that comes."""

    async def greet() -> None:
        async with device(broker) as sender:
            while True:
                sender.publish("devices/a", b"0", qos=0)
                await asyncio.sleep(0.05)

    greeting = asyncio.create_task(greet())
    assert process.stdout is not None
    first = await asyncio.to_thread(process.stdout.readline)
    greeting.cancel()
    await asyncio.wait([greeting])
    assert first == b"0\n"
    await talk(process)


@pytest.mark.server
def test_it_comes_back_when_the_broker_does(tmp_path: Path) -> None:
    async def talk() -> None:
        hall = Hall(durable=True)
        with servers.run_mosquitto(tmp_path) as broker:
            place = Broker(broker.host, broker.port)
            subscriber = MqttSubscriber(hall, lambda: NOON, broker=place, routes=ROUTES)
            await subscriber.start()
        try:
            await until(lambda: not subscriber.connected)
            with servers.run_mosquitto(tmp_path, broker.port):
                await until(lambda: subscriber.connected)
                async with device(broker) as sender:
                    sender.publish("devices/a", b"after", qos=1)
                    await until(lambda: hall.payloads == [b"after"])
            assert subscriber.counts["failures"] >= 1
        finally:
            await subscriber.stop()

    run(talk())


@pytest.mark.parametrize("wrong", [Conflict("the intake is closed"), NotFound("no such source")])
def test_what_the_intake_does_not_take_is_not_acknowledged(
    mosquitto: servers.Broker, wrong: Refused
) -> None:
    async def talk() -> None:
        closed, hall = Hall(), Hall()
        closed.refuses = wrong
        async with subscribed(mosquitto, closed) as subscriber, device(mosquitto) as sender:
            sender.publish("devices/a", b"x", qos=1)
            await until(lambda: subscriber.counts["not_taken"] == 1)
            await until(lambda: not subscriber.connected)
        async with subscribed(mosquitto, hall):
            await until(lambda: hall.payloads == [b"x"])

    run(talk())


@pytest.mark.server
def test_a_broker_that_refuses_us_is_named_with_its_reason(tmp_path: Path) -> None:
    passwords = tmp_path / "passwords"
    passwords.write_text(f"wuxin:{GOOD}\n")
    passwords.chmod(0o600)
    hasher = servers.need("mosquitto_passwd")
    subprocess.run([hasher, "-U", passwords], check=True)
    access = f"allow_anonymous false\npassword_file {passwords}\n"

    async def talk() -> None:
        with servers.run_mosquitto(tmp_path, access=access) as broker:
            with pytest.raises(Conflict, match=r"cannot be used: .*(password|authori[sz]ed)"):
                async with subscribed(broker, Hall(), username="wuxin", password=BAD):
                    pass
            async with subscribed(broker, Hall(), username="wuxin", password=GOOD) as known:
                assert known.connected
        with pytest.raises(Conflict, match=f"port {broker.port} cannot be used"):
            async with subscribed(broker, Hall()):
                pass

    run(talk())


@pytest.mark.server
def test_a_device_is_believed_where_the_broker_checks_its_certificate(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    access = authority.broker("wuxin")
    route = Route("devices/#", "field", trusted_topic_device=1, device_of=json_device)
    alone = Route("alone/#", "field", trusted_topic_device=5)

    async def talk(broker: servers.Broker) -> None:
        hall = Hall(durable=True)
        ours = authority.trusting(*authority.issue("wuxin"))
        theirs = authority.trusting(*authority.issue("meter:1"))
        with pytest.raises(Conflict, match=r"cannot be used|closes the connection"):
            async with subscribed(broker, hall, tls=authority.trusting()):
                pass
        async with (
            subscribed(broker, hall, route, alone, tls=ours) as subscriber,
            device(broker, ssl=theirs) as sender,
            device(broker, ssl=ours) as other,
        ):
            sender.publish("devices/meter:2/up", b'{"device":"meter:2"}', qos=1)  # not its topic
            sender.publish("devices/meter:1/up", b'{"device":"meter:1"}', qos=1)
            sender.publish("devices/meter:1/up", b'{"device":"meter:2"}', qos=1)
            await until(lambda: len(hall.taken) == 2)
            other.publish("alone/x", b"{}", qos=1)
            await until(lambda: len(hall.taken) == 3)
        assert [unwrap(each.payload)[1] for each in hall.taken] == [
            b'{"device":"meter:1"}', b'{"device":"meter:2"}', b"{}",
        ]  # fmt: skip
        assert [each.trust for each in hall.taken] == [Trust.CERTIFICATE, *[Trust.UNPROVEN] * 2]
        assert subscriber.counts["other_device"] == 2

    with servers.run_mosquitto(tmp_path, access=access) as broker:
        run(talk(broker))


def test_a_publisher_who_asks_gets_a_receipt_once_its_message_is_durable(
    mosquitto: servers.Broker,
) -> None:
    routes = (
        Route("devices/#", "field", receipt_topic="receipts/+"),
        Route("$share/us/plant/#", "plant"),
    )

    async def talk() -> None:
        hall, heard = Hall(), list[tuple[Any, ...]]()
        async with subscribed(mosquitto, hall, *routes), device(mosquitto) as sender:
            sender.on_message = lambda *said: heard.append(said[1:])
            sender.subscribe("#")
            asks = {"response_topic": "receipts/a", "correlation_data": b"7"}
            sender.publish("devices/a", b"x", qos=1, **asks)
            sender.publish("devices/a", b"x", qos=1, response_topic="valves/open")
            sender.publish("plant/a", b"x", qos=0, response_topic="receipts/a")
            await until(lambda: len(hall.taken) == 3)
            assert not [said for said in heard if said[0] == "receipts/a"]
            for each in hall.taken:
                each.acknowledge()
            await until(lambda: bool([said for said in heard if said[0] == "receipts/a"]))
            await asyncio.sleep(0.1)
        receipts = [said for said in heard if said[0] in {"receipts/a", "valves/open"}]
        assert [(json.loads(said[1]), said[3]["correlation_data"]) for said in receipts] == [
            ({"accepted": True}, [b"7"])
        ]
        assert sorted((each.source, unwrap(each.payload)[0]["topic"]) for each in hall.taken) == [
            ("field", "devices/a"), ("field", "devices/a"), ("plant", "plant/a"),
        ]  # fmt: skip

    run(talk())


def test_a_message_that_the_broker_had_kept_is_marked(mosquitto: servers.Broker) -> None:
    async def talk() -> None:
        hall = Hall(durable=True)
        async with device(mosquitto) as sender:
            sender.publish("plant/a", b"old", qos=1, retain=True)
            await asyncio.sleep(0.1)
            async with subscribed(mosquitto, hall, Route("plant/#", "plant")):
                await until(lambda: len(hall.taken) == 1)
                sender.publish("plant/a", b"new", qos=1, retain=True)
                await until(lambda: len(hall.taken) == 2)
        assert [unwrap(payload) for payload in hall.payloads] == [
            ({"topic": "plant/a", "retained": True}, b"old"), ({"topic": "plant/a"}, b"new"),
        ]  # fmt: skip

    run(talk())


def test_two_subscribers_share_what_comes(mosquitto: servers.Broker) -> None:
    route = Route("$share/bank/devices/#", "field", wrap_topic=False)

    async def talk() -> None:
        one, two = Hall(durable=True), Hall(durable=True)
        async with (
            subscribed(mosquitto, one, route, client_id="one"),
            subscribed(mosquitto, two, route, client_id="two"),
            device(mosquitto) as sender,
        ):
            for number in range(18):
                sender.publish("devices/a", b"%d" % number, qos=1)
            await until(lambda: len(one.taken) + len(two.taken) == 18)
        assert {*one.payloads, *two.payloads} == {b"%d" % number for number in range(18)}
        assert one.taken
        assert two.taken

    run(talk())


@pytest.mark.parametrize(
    ("topic_filter", "topic", "fits"),
    [
        ("#", "a/b", True), ("#", "$SYS/x", False), ("+/x", "$SYS/x", False),
        ("$S/#", "$S/x", True),
        ("sport/#", "sport", True), ("sport/#", "sport/", True), ("sport/#", "sports", False),
        ("sport/+", "sport/", True), ("sport/+", "sport", False), ("+/+", "/finance", True),
        ("+", "/finance", False), ("/+", "/finance", True), ("a.b", "axb", False),
        ("$share/g/a/+/c", "a/b/c", True), ("$share/g/a/+/c", "a/b/b/c", False),
        ("a", "a\n", False),
    ],
)  # fmt: skip
def test_filters_fit_topics_as_the_standard_says(
    topic_filter: str, topic: str, fits: object
) -> None:
    assert bool(topics(topic_filter)(topic)) is fits


@pytest.mark.parametrize("wrong", ["", "a#", "a/#/b", "+a", "$share//a", "$share/+/a", "$share/g"])
def test_what_is_no_filter_is_refused(wrong: str) -> None:
    with pytest.raises(BadInput, match="topic filter"):
        MqttSubscriber(Hall(), lambda: NOON, broker=Broker("x"), routes=[Route(wrong, "s")])


def test_a_message_names_one_device_or_none() -> None:
    said = [
        b'{"device":"a:1"}',
        b'{"device":"a:1","device":"b:2"}',
        b'{"\\u0064evice":"a:1"}',
        b"[",
    ]
    assert [json_device(message) for message in said] == ["a:1", "", "", ""]
    packed = [
        bytes.fromhex(text) for text in ("a1666465766963656161", "a16664657669636501", "ff", "")
    ]
    assert [cbor_device(message) for message in packed] == ["a", "", "", ""]
    assert cbor_device(packed[0] * 2) == ""


def test_answers_of_a_batch_wake_their_loop_once_and_a_wrong_one_holds_up_no_other() -> None:
    done: list[int] = []

    async def talk() -> None:
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda _, said: done.append(-1) if said["exception"] else None)
        wakes, wake = 0, loop.call_soon_threadsafe

        def counted(*said: Any, **more: Any) -> asyncio.Handle:
            nonlocal wakes
            wakes += 1
            return wake(*said, **more)

        loop.call_soon_threadsafe = counted  # type: ignore[method-assign]
        answers = [in_this_loop(partial(done.append, n)) for n in (1, 2, 3)]
        answers.insert(1, in_this_loop(lambda: done.append(1 // 0)))
        batch = threading.Thread(target=lambda: [answer() for answer in answers])
        batch.start()
        batch.join()
        await until(lambda: len(done) == 4)
        assert wakes == 1
        answers[0]()
        await until(lambda: len(done) == 5)
        assert wakes == 2

    run(talk())
    assert done == [1, -1, 2, 3, 1]


def test_an_answer_for_a_loop_that_has_ended_tells_that_the_sender_has_gone() -> None:
    async def talk() -> list[Callable[[], None]]:
        return [in_this_loop(lambda: None) for _ in range(2)]

    for answer in asyncio.run(talk()):
        with pytest.raises(ConnectionError):
            answer()
