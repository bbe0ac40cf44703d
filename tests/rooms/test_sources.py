"""Every kind of source of a file, from its device to the history: posted, asked, by a broker."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import gmqtt
import httpx
import pytest
from fastapi.testclient import TestClient

from tests import servers
from tests.homes import still
from tests.rooms.authority import Authority
from tests.rooms.sparkplug_bytes import metric, payload
from tests.rooms.test_poll_modbus import device, words
from tests.rooms.test_poll_mtconnect import Machine, serving
from tests.rooms.wires import until
from wuxin.home import Home
from wuxin.listen import Listening, read
from wuxin.portal import server
from wuxin.portal.brought import bring
from wuxin.settings import load
from wuxin.terms.errors import BadInput, NotFound

HEAD = """
[[source]]
name = "scales"
pack = "logistics"
timezone = "Asia/Shanghai"
indicators = { weight = "net_weight", Weight = "net_weight", Temperature = "net_weight" }
"""
LOT = '[[source.device]]\nthing = "lot:L1"\n'
FRAME = {
    "device": "lot:L1", "boot": "b", "seq": 1, "time": "2026-01-05T08:00:00Z",
    "readings": {"net_weight": 24_000},
}  # fmt: skip


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    with Home(tmp_path / "home", clock=still) as house:
        yield house


def listening(folder: Path, home: Home, *, text: str) -> Listening:
    path = folder / "sources.toml"
    path.write_text(HEAD + text, "utf-8")
    return Listening(home, read(path), say=lambda _: None)


def adapters(house: Listening) -> list[Any]:
    return [*house.servers["scales"]]


def weights(home: Home) -> list[tuple[str, float]]:
    kept = home.history.query(
        "SELECT thing, value FROM readings WHERE indicator = 'net_weight' ORDER BY event_time"
    )
    return list(zip(*kept.to_pydict().values(), strict=True))


# ---- posted ----------------------------------------------------------------------------------


def test_what_a_device_posts_to_the_portal_is_in_the_history(tmp_path: Path, home: Home) -> None:
    text = f'protocol = "wuxin"\nlisten = "portal"\n{LOT}id = "lot:L1"\npassword = "s3cret"\n'
    with listening(tmp_path, home, text=text) as house:
        client = TestClient(server.application(home, load(), posted=house.posted()))
        path = "/v1/sources/scales/messages"
        said = {"auth": ("lot%3AL1", "s3cret"), "json": FRAME}
        assert client.post(path, **said).json() == {"accepted": 1}
        assert client.post(path, **said | {"auth": ("lot%3AL1", "guess")}).status_code == 401
        assert client.post(path, **said | {"auth": ("lot%3AL2", "s3cret")}).status_code == 401
        assert client.post("/v1/sources/other/messages", **said).status_code == 404
        wrong = client.post(path, auth=said["auth"], content=b"\xa0",
                            headers={"Content-Type": "application/cbor"})  # fmt: skip
        assert wrong.status_code == 415
        assert "application/json" in wrong.json()["detail"]
    assert weights(home) == [("L1", 24_000.0)]


def event(minute: int, serial: int, *, kind: str = "ObjectEvent") -> dict[str, Any]:
    return {
        "type": kind, "eventTime": f"2026-01-05T08:{minute:02d}:00Z",
        "eventTimeZoneOffset": "+08:00", "action": "OBSERVE",
        "epcList": [f"urn:epc:id:sgtin:0614141.107346.{serial}"],
    }  # fmt: skip


def document(*events: dict[str, Any]) -> dict[str, Any]:
    return {
        "@context": "https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld",
        "type": "EPCISDocument", "schemaVersion": "2.0", "creationDate": "2026-01-05T08:00:00Z",
        "epcisBody": {"eventList": [*events]},
    }  # fmt: skip


def test_what_was_captured_by_epcis_is_found_by_its_query_interface(
    tmp_path: Path, home: Home
) -> None:
    text = 'protocol = "epcis"\nlisten = "portal"\nstrangers = true\n'
    with listening(tmp_path, home, text=text) as house:
        client = TestClient(server.application(home, load(), posted=house.posted()))
        client.headers["Wuxin-Device"] = "scales"
        base = "/v1/sources/scales/documents"
        for first in (0, 3):
            told = document(*(event(first + k, first + k) for k in range(3)))
            answer = client.post(f"{base}/capture", json=told)
            assert answer.status_code == 202
        job = client.get(answer.headers["Location"]).json()
        assert (job["success"], job["running"], job["errors"]) == (True, False, [])
        bad = client.post(f"{base}/capture", json=document(event(1, 1, kind="BirthdayEvent")))
        assert client.get(bad.headers["Location"]).json()["errors"] != []

        def asked(path: str) -> list[str]:
            answer = client.get(path)
            assert answer.status_code == 200, answer.text
            events = answer.json()["epcisBody"]["queryResults"]["resultsBody"]["eventList"]
            more = answer.links.get("next", {}).get("url")
            return [e["eventTime"][14:16] for e in events] + (asked(more) if more else [])

        assert asked(f"{base}/events") == ["00", "01", "02", "03", "04", "05"]
        assert asked(f"{base}/events?perPage=2") == ["00", "01", "02", "03", "04", "05"]
        assert asked(f"{base}/events?perPage=4&GE_eventTime=2026-01-05T08:02:00Z") == [
            "02", "03", "04", "05",
        ]  # fmt: skip
        epc = "urn:epc:id:sgtin:0614141.107346"
        assert asked(f"{base}/events?MATCH_epc={epc}.4|{epc}.1") == ["01", "04"]
        assert asked(f"{base}/events?eventType=AggregationEvent") == []
        for wrong in ("colour=red", "perPage=0", "nextPageToken=x", "GE_eventTime=today"):
            answer = client.get(f"{base}/events?{wrong}")
            assert answer.status_code == 400, wrong
            assert answer.json()["detail"]
        assert client.get(f"{base}/capture/0").status_code == 404
        assert client.get("/v1/sources/other/documents/events").status_code == 404


async def rested(poller: Any) -> None:
    await until(lambda: poller.counts["empty"] >= 1)


# ---- asked -----------------------------------------------------------------------------------


def test_a_device_is_asked_by_modbus_and_what_it_says_is_of_its_thing(
    tmp_path: Path, home: Home
) -> None:
    async def session() -> None:
        async with device(words(bytes((0, 24))), at=10) as port:
            table = '{ name = "weight", address = 10, type = "uint16", unit = "t" }'
            text = (
                f'protocol = "modbus_map"\nperiod_s = 0.05\ntable = [{table}]\n'
                f'{LOT}id = "scale-7"\nendpoint = "modbus://127.0.0.1:{port}/1"\n'
            )
            house = await asyncio.to_thread(listening, tmp_path, home, text=text)
            [poller] = adapters(house)
            await until(lambda: poller.counts["rounds"] >= 1)
            await asyncio.to_thread(house.close)

    asyncio.run(session())
    assert weights(home)[0] == ("L1", 24_000.0)


def test_an_agent_is_read_on_where_the_house_stood_when_it_was_closed(
    tmp_path: Path, home: Home
) -> None:
    machine = Machine()
    machine.runs(3)
    with serving(machine) as url:
        text = (
            f'protocol = "mtconnect"\nperiod_s = 0.05\nkinds = {{ "" = "lot" }}\n'
            f'[[source.device]]\nid = "shop"\nendpoint = "{url}"\n'
        )
        for more in (0, 4):
            machine.runs(more)
            with listening(tmp_path, home, text=text) as house:
                [poller] = adapters(house)
                asyncio.run(rested(poller))
    assert "/sample?from=4&count=500" in machine.asked
    assert home.flow.sources["scales"].position == '{"shop":"7:8"}'


# ---- by a broker -----------------------------------------------------------------------------


@asynccontextmanager
async def edge(mosquitto: servers.Broker, heard: list[Any]) -> AsyncIterator[gmqtt.Client]:
    """An edge node's connection, which notes what is published to it and about the host."""
    client = gmqtt.Client("edge")
    client.on_message = lambda _c, topic, data, _q, _p: heard.append((topic, bytes(data)))
    await client.connect(mosquitto.host, mosquitto.port)
    client.subscribe("spBv1.0/STATE/#", qos=1)
    client.subscribe("spBv1.0/plant/NCMD/edge", qos=1)
    yield client
    await client.disconnect()


def test_a_sparkplug_host_tells_of_its_life_asks_for_births_and_keeps_what_is_measured(
    tmp_path: Path, home: Home, mosquitto: servers.Broker
) -> None:
    text = (
        f'protocol = "sparkplug"\nlisten = "mqtt://127.0.0.1:{mosquitto.port}"\n'
        f'{LOT}id = "plant/edge"\n'
    )
    born = payload(
        metric("bdSeq", kind=4, whole=0),
        metric("Weight", 1, kind=10, real=24.0, unit="t"), seq=0,
    )  # fmt: skip
    later = payload(metric("", 1, kind=10, real=23.0), seq=1, at=1_767_600_000_000)
    heard: list[tuple[str, bytes]] = []

    async def session() -> None:
        async with edge(mosquitto, heard) as client:
            house = await asyncio.to_thread(listening, tmp_path, home, text=text)
            [subscriber] = adapters(house)
            await until(lambda: any(b'"online": true' in data for _, data in heard))
            client.publish("spBv1.0/plant/NDATA/edge", later, qos=1)  # before its birth
            await until(lambda: any("NCMD" in topic for topic, _ in heard))
            client.publish("spBv1.0/plant/NBIRTH/edge", born, qos=1)
            client.publish("spBv1.0/plant/NDATA/edge", later, qos=1)
            await until(lambda: subscriber.counts["acknowledged"] >= 3)
            await asyncio.to_thread(house.close)
            await until(lambda: b'"online": false' in heard[-1][1])

    asyncio.run(session())
    assert [value for _, value in weights(home)][-1] == 23_000.0
    assert json.loads(heard[0][1])["online"] is True
    assert b"Rebirth" in next(data for topic, data in heard if "NCMD" in topic)


# ---- what cannot be meant --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ('protocol = "wuxin"', "nothing is heard"),
        ('protocol = "wuxin"\nlisten = "mqtt://127.0.0.1:1"', "topic is missing"),
        (f'protocol = "wuxin"\n{LOT}id = "a"\nendpoint = "x"', "not asked in wuxin"),
        (f'protocol = "sunspec"\n{LOT}id = "a"\nendpoint = "tcp://h"', "write modbus://192.0.2.7"),
        (f'protocol = "opcua"\n{LOT}id = "a"\nendpoint = "opc.tcp://"', "is no endpoint"),
        ('protocol = "wuxin"\nlisten = "portal"\n[[source.device]]\nid = "a"', "neither a thing"),
        ('protocol = "fax"\nlisten = "portal"', "there is no protocol 'fax'"),
    ],
)
def test_a_source_that_cannot_be_meant_is_refused_in_one_sentence(
    tmp_path: Path, text: str, why: str
) -> None:
    path = tmp_path / "sources.toml"
    path.write_text(HEAD + text, "utf-8")
    with pytest.raises((BadInput, NotFound), match=why):
        read(path)


# ---- certificates ----------------------------------------------------------------------------


def trusts(home: Home) -> set[str]:
    return {known.trust for known in home.flow.frames._known.values()}


def test_a_device_is_known_by_the_certificate_that_it_shows_over_https(
    tmp_path: Path, home: Home
) -> None:
    authority = Authority(tmp_path)
    certificate, key = authority.issue("house")
    port = servers.free_port()
    text = (
        f'protocol = "wuxin"\nlisten = "https://127.0.0.1:{port}"\ntls_ca = "{authority.path}"\n'
        f'tls_certificate = "{certificate}"\ntls_key = "{key}"\n{LOT}id = "lot:L1"\n'
    )
    to = f"https://127.0.0.1:{port}/v1/sources/scales/messages"
    named = {"Wuxin-Device": "lot:L1"}
    with listening(tmp_path, home, text=text):
        with pytest.raises(httpx.HTTPError):
            httpx.post(to, json=FRAME, headers=named, verify=authority.trusting())
        other = authority.trusting(*authority.issue("lot:L2"))
        assert httpx.post(to, json=FRAME, headers=named, verify=other).status_code == 401
        own = authority.trusting(*authority.issue("lot:L1"))
        answer = httpx.post(to, json=FRAME, headers=named, verify=own)
        assert answer.json() == {"accepted": 1}
    assert weights(home) == [("L1", 24_000.0)]
    assert trusts(home) == {"certificate"}


def test_a_device_is_known_by_the_certificate_that_it_shows_to_the_broker(
    tmp_path: Path, home: Home
) -> None:
    authority = Authority(tmp_path)
    access = authority.broker("house")
    ours = authority.issue("house")
    with servers.run_mosquitto(tmp_path, access=access) as broker:
        text = (
            f'protocol = "wuxin"\nlisten = "mqtts://127.0.0.1:{broker.port}"\ntopic = "devices/#"\n'
            f'topic_device = 1\ntls_ca = "{authority.path}"\ntls_certificate = "{ours[0]}"\n'
            f'tls_key = "{ours[1]}"\n{LOT}id = "lot:L1"\n'
        )

        async def session() -> None:
            house = await asyncio.to_thread(listening, tmp_path, home, text=text)
            [subscriber] = adapters(house)
            client = gmqtt.Client("meter")
            own = authority.trusting(*authority.issue("lot:L1"))
            await client.connect("127.0.0.1", broker.port, ssl=own)
            client.publish("devices/lot:L1", json.dumps(FRAME), qos=1)
            await until(lambda: subscriber.counts["acknowledged"] >= 1)
            await client.disconnect()
            await asyncio.to_thread(house.close)

        asyncio.run(session())
    assert weights(home) == [("L1", 24_000.0)]
    assert trusts(home) == {"certificate"}


# ---- brought ---------------------------------------------------------------------------------


def test_a_file_that_is_brought_twice_changes_nothing_the_second_time(
    tmp_path: Path, home: Home
) -> None:
    (tmp_path / "sources.toml").write_text(
        f'{HEAD}protocol = "wuxin"\nlisten = "portal"\n{LOT}id = "lot:L1"\n', "utf-8"
    )
    [source] = read(tmp_path / "sources.toml")
    lines = [json.dumps({**FRAME, "seq": n}) for n in range(3)]
    (tmp_path / "card").write_text("\n".join([*lines, "{", lines[0].replace("L1", "L2")]), "utf-8")
    [first] = bring(home, source, file=tmp_path / "card")
    assert (first.messages, first.accepted) == (5, 3)
    assert [r.line for r in first.refusals] == [3, 4]
    [again] = bring(home, source, file=tmp_path / "card")
    assert again.marked == 3


@pytest.mark.parametrize(
    ("datum", "shown"), [("GCJ-02", (39.9087, 116.3975)), ("BD-09", (39.915, 116.404))]
)
def test_a_place_on_a_chinese_datum_comes_in_on_wgs84(
    tmp_path: Path, home: Home, *, datum: str, shown: tuple[float, float]
) -> None:
    """The Gate of Heavenly Peace, which lies at 39.9073 N 116.3912 E (WGS-84)."""
    (tmp_path / "sources.toml").write_text(
        f'{HEAD}protocol = "wuxin"\nlisten = "portal"\nstrangers = true\ndatum = "{datum}"\n',
        "utf-8",
    )
    [source] = read(tmp_path / "sources.toml")
    place = dict(zip(("latitude", "longitude"), shown, strict=True))
    half = {**FRAME, "seq": 2, "readings": {"net_weight": 1, "latitude": 10.0}}
    said = [{**FRAME, "readings": {**place, "net_weight": 1}}, half]
    (tmp_path / "log").write_text("\n".join(map(json.dumps, said)), "utf-8")
    list(bring(home, source, file=tmp_path / "log"))
    kept = home.history.query("SELECT indicator, value FROM readings").to_pydict()
    found = list(zip(kept["indicator"], kept["value"], strict=True))
    places = [v for name, v in found if name in place]
    assert sorted(places) == pytest.approx([10.0, 39.9073, 116.3912], abs=2e-4)


def test_a_datum_that_there_is_not_is_refused(tmp_path: Path, home: Home) -> None:
    text = 'protocol = "wuxin"\nlisten = "portal"\ndatum = "ED50"\n'
    with pytest.raises(BadInput, match="no datum 'ED50'"):
        listening(tmp_path, home, text=text)
