"""Messages over HTTP: answered when durable, refused with a place, believed as far as known."""

import asyncio
import base64
import json
import threading
from collections import Counter
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import cbor2
import httpx
import pytest
import uvicorn
from fastapi import FastAPI

from tests import servers
from tests.rooms.authority import Authority
from tests.rooms.frames import mutated
from tests.rooms.wires import Hall, until
from wuxin.terms.clock import Nanos
from wuxin.terms.envelope import unwrap
from wuxin.terms.errors import Conflict
from wuxin.terms.ports import Trust
from wuxin.wire.cbor_item import end_of
from wuxin.wire.web import routes
from wuxin.wire.web_bodies import READERS, Limits, Problem, parts
from wuxin.wire.web_identity import Desk

NOON = Nanos(1_717_228_800_000_000_000)
POSTED = "/v1/sources/devices/messages"
SECRETS = {"meter:1": "code", "hive": "hook"}
BASIC = ("meter%3A1", "code")
ONE = {"device": "meter:1", "boot": "b", "seq": 1}
JSON = {"Content-Type": "application/json"}


class Porter:
    """A gate that knows two names."""

    def __init__(self, source: str) -> None:
        assert source in {"devices", "hive"}

    def admits(self, device: str, secret: str) -> Trust | None:
        return Trust.CERTIFICATE if SECRETS.get(device) == secret else None

    def code(self, device: str) -> str | None:
        return SECRETS.get(device)


def application(hall: Any, counts: Counter[str] | None = None, **desk: Any) -> FastAPI:
    app = FastAPI()
    desk = {
        "messages": {"devices": READERS},
        "documents": {"hive": {"zone": "Asia/Shanghai"}},
        **desk,
    }
    app.include_router(routes(hall, lambda: NOON, desk=Desk(Porter, **desk), counts=counts))
    return app


@asynccontextmanager
async def client(hall: Any, **desk: Any) -> AsyncIterator[httpx.AsyncClient]:
    carrier = httpx.ASGITransport(application(hall, **desk))
    async with httpx.AsyncClient(transport=carrier, base_url="http://test", auth=BASIC) as found:
        yield found


def run(talk: Coroutine[Any, Any, None]) -> None:
    asyncio.run(asyncio.wait_for(talk, 20))


def sent(content: bytes, hall: Any, *, kind: str = "application/json", **more: Any) -> Any:
    """Send one request and return the answer."""
    path, desk = more.pop("path", POSTED), more.pop("desk", {})
    more["headers"] = {"Content-Type": kind, **more.get("headers", {})}

    async def talk() -> httpx.Response:
        async with client(hall, **desk) as speaker:
            return await speaker.post(path, content=content, **more)

    return asyncio.run(asyncio.wait_for(talk(), 20))


def test_the_answer_waits_until_all_messages_are_durable() -> None:
    async def talk() -> None:
        hall = Hall()
        async with client(hall) as speaker:
            lines = b"\n".join(json.dumps({**ONE, "seq": n}).encode() for n in range(3)) + b"\n\n"
            kind = {"Content-Type": "application/x-ndjson; charset=utf-8"}
            asked = asyncio.create_task(speaker.post(POSTED, content=lines, headers=kind))
            await until(lambda: len(hall.taken) == 3)
            for each in hall.taken[:2]:
                each.acknowledge()
            await asyncio.sleep(0.1)
            assert not asked.done()
            hall.taken[2].acknowledge()
            answer = await asked
        assert (answer.status_code, answer.json()) == (200, {"accepted": 3})
        assert [json.loads(payload)["seq"] for payload in hall.payloads] == [0, 1, 2]
        assert {(each.source, each.trust) for each in hall.taken} == {("devices", Trust.CODE)}

    run(talk())


PACKED = cbor2.dumps(ONE)
SIGNED = cbor2.dumps(cbor2.CBORTag(18, [b"", {}, PACKED, b"x"]))


@pytest.mark.parametrize(
    ("content", "kind", "trust"),
    [
        (json.dumps(ONE).encode(), "application/json", Trust.CODE),
        (PACKED, "application/cbor", Trust.CODE),
        (SIGNED, 'application/cose; cose-type="cose-sign1"', Trust.UNPROVEN),
        (json.dumps({**ONE, "device": "meter:2"}).encode(), "application/json", Trust.UNPROVEN),
        (b"{}", "application/json", Trust.UNPROVEN),
    ],
)
def test_a_message_is_believed_where_it_names_who_signed_in(
    content: bytes, kind: str, trust: Trust
) -> None:
    hall = Hall(durable=True)
    assert sent(content, hall, kind=kind).json() == {"accepted": 1}
    assert [(each.payload, each.trust) for each in hall.taken] == [(content, trust)]


@pytest.mark.parametrize(
    ("content", "kind", "status", "at"),
    [
        (b"", "application/json", 400, "byte 0"),
        (b"\n\n", "application/x-ndjson", 400, "byte 0"),
        (b"[1]", "application/json", 400, "byte 0"),
        (b'{"a":1}\n{"a":}', "application/x-ndjson", 400, "line 2, byte 5"),
        (b'{"a":1}\n{"a":"\xff"}', "application/x-ndjson", 400, "line 2, byte 6"),
        (b'{"a":1}{"a":2}', "application/json", 400, "byte 8"),
        (b'{"a":' + b"[" * 99_999, "application/json", 400, None),
        (b"\xa1\x61", "application/cbor", 400, "byte 2"),
        (PACKED + b"\0", "application/cbor", 400, f"byte {len(PACKED)}"),
        (b"\x81" * 999 + b"\0", "application/cose", 400, "byte 32"),
        (b"{}", "text/plain", 415, None),
        (b"{}", "", 415, None),
        (b"{}\n" * 11, "application/x-ndjson", 413, None),
        (b"{}\n{" + b" " * 500 + b"}", "application/x-ndjson", 413, "message 2"),
        (b" " * 100_001, "application/json", 413, None),
    ],
)
def test_what_cannot_be_a_message_is_refused_with_its_place_and_nothing_of_it_is_taken(
    content: bytes, kind: str, status: int, at: str | None
) -> None:
    hall = Hall(durable=True)
    desk = {"limits": Limits(body_bytes=100_010, message_bytes=400, messages=10)}
    if at is None and status == 413 and content.startswith(b" "):
        desk = {"limits": Limits(body_bytes=1000)}
    answer = sent(content, hall, kind=kind, desk=desk)
    said = answer.json()
    assert (answer.status_code, hall.taken) == (status, [])
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert said["status"] == status
    assert at is None or said["at"] == at


def test_a_body_of_unknown_length_is_cut_off_at_the_limit() -> None:
    asked = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal asked
        for asked in range(1000):  # noqa: B007 - how far it came
            yield b" " * 100

    async def talk() -> None:
        async with client(Hall(), limits=Limits(body_bytes=1000)) as speaker:
            answer = await speaker.post(POSTED, content=endless(), headers=JSON)
        assert answer.status_code == 413

    run(talk())


@pytest.mark.parametrize(
    "headers",
    [
        {"Authorization": ""},
        {"Authorization": "Basic " + base64.b64encode(b"meter%3A1:wrong").decode()},
        {"Authorization": "Basic " + base64.b64encode(b"meter%3A1:").decode()},
        {"Authorization": "Basic " + base64.b64encode(b"meter:1:code").decode()},
        {"Authorization": "Basic ?"},
        {"Authorization": "Bearer code"},
        {"Wuxin-Device": "meter:1"},
        {"Authorization": "Bearer code", "Wuxin-Device": "meter:2"},
        {"Authorization": "Digest code", "Wuxin-Device": "meter:1"},
    ],
)
def test_who_is_not_known_is_asked_to_sign_in(headers: dict[str, str]) -> None:
    hall = Hall(durable=True)
    answer = sent(b"{}", hall, headers=headers, auth=httpx.Auth())
    assert (answer.status_code, hall.taken) == (401, [])
    assert answer.headers["WWW-Authenticate"].startswith("Basic ")


def test_a_bearer_code_and_a_name_are_enough() -> None:
    hall, headers = Hall(durable=True), {"Authorization": "Bearer code", "Wuxin-Device": "meter:1"}
    answer = sent(json.dumps(ONE).encode(), hall, headers=headers, auth=httpx.Auth())
    assert answer.status_code == 200
    assert hall.taken[0].trust is Trust.CODE


def test_a_document_stands_behind_what_its_carrier_said() -> None:
    hall, bearer = Hall(durable=True), {"Authorization": "Bearer hook"}
    path = "/v1/sources/hive/documents/milkings?event=up"
    kind = "application/ld+json; charset=utf-8"
    answer = sent(b'{"a": 1}', hall, kind=kind, path=path, headers=bearer, auth=httpx.Auth())
    assert answer.json() == {"accepted": 1}
    said, document = unwrap(hall.payloads[0])
    assert document == b'{"a": 1}'
    assert said == {
        "content_type": "application/ld+json", "path": "/v1/sources/hive/documents/milkings",
        "query": "event=up", "zone": "Asia/Shanghai",
    }  # fmt: skip
    assert (hall.taken[0].source, hall.taken[0].trust) == ("hive", Trust.CODE)


@pytest.mark.parametrize(
    ("path", "secret", "kind", "status"),
    [
        ("/v1/sources/other/documents", "hook", "application/json", 404),
        ("/v1/sources/hive/documents", "code", "application/json", 401),
        ("/v1/sources/hive/documents", "hook", "text/html", 415),
        ("/v1/sources/hive/documents", "hook", "application/xml", 200),
    ],
)
def test_a_document_is_for_a_source_that_is_known(
    path: str, secret: str, kind: str, status: int
) -> None:
    headers = {"Authorization": f"Bearer {secret}"}
    answer = sent(
        b"<a/>", Hall(durable=True), path=path, kind=kind, headers=headers, auth=httpx.Auth()
    )
    assert answer.status_code == status


def test_a_device_cannot_send_documents_in_the_name_of_a_source() -> None:
    answer = sent(b"{}", Hall(durable=True), path="/v1/sources/hive/documents")
    assert answer.status_code == 401


def again(answer: httpx.Response) -> bool:
    return (answer.status_code, answer.headers.get("Retry-After")) == (503, "5")


def test_an_intake_that_is_closed_or_too_slow_asks_to_send_again() -> None:
    closed = Hall()
    closed.refuses = Conflict("the intake is closed")
    answer = sent(b"{}", closed)
    assert again(answer)
    assert "closed" in answer.json()["detail"]
    assert again(sent(b"{}", Hall(), desk={"durable_s": 0.1}))


def test_a_full_intake_holds_up_neither_the_loop_nor_more_than_a_few_threads() -> None:
    full, offered = threading.Event(), list[bytes]()

    def offer(payload: bytes, *, acknowledge: Callable[[], None], **_: Any) -> None:
        offered.append(payload)
        full.wait(10)
        acknowledge()

    async def talk() -> None:
        async with client(offer, waiting=2, durable_s=0.3) as speaker:
            asked = [speaker.post(POSTED, content=b"{}", headers=JSON) for _ in range(5)]
            assert all(again(answer) for answer in await asyncio.gather(*asked))
            assert len(offered) == 2
            assert again(await speaker.post(POSTED, content=b"{}", headers=JSON))
            assert len(offered) == 2  # those whom nobody waits for any more keep their place
            full.set()
            await asyncio.sleep(0.1)
            answer = await speaker.post(POSTED, content=b"{}", headers=JSON)
            assert answer.status_code == 200

    try:
        run(talk())
    finally:
        full.set()


def test_within_tls_a_secret_is_worth_what_the_gate_says(tmp_path: Path) -> None:
    authority, hall, counts = Authority(tmp_path), Hall(durable=True), Counter[str]()
    certificate, key = authority.issue("portal")
    port = servers.free_port()
    app = application(hall, counts)
    config = uvicorn.Config(
        app, port=port, log_config=None, ssl_certfile=certificate, ssl_keyfile=key
    )

    async def talk() -> None:
        server = uvicorn.Server(config)
        serving = asyncio.create_task(server.serve())
        await until(lambda: server.started)
        async with httpx.AsyncClient(verify=authority.trusting(), auth=BASIC) as speaker:
            answer = await speaker.post(f"https://127.0.0.1:{port}{POSTED}", json=ONE)
            assert answer.json() == {"accepted": 1}
            answer = await speaker.post(f"https://127.0.0.1:{port}{POSTED}", content=b"?")
            assert answer.status_code == 415
        server.should_exit = True
        await serving

    run(talk())
    assert [each.trust for each in hall.taken] == [Trust.CERTIFICATE]
    assert counts == {"accepted": 1, "415": 1, "other_device": 0}


def test_where_an_item_of_cbor_ends_is_found_without_its_values() -> None:
    for value in (0, -500, 1.5, "text", b"bytes", [1, [2, {}]], {"a": {"b": None}}, 2**70, ONE):
        data = cbor2.dumps(value)
        assert end_of(data + b"\0") == len(data)
        for cut in range(len(data)):
            with pytest.raises(ValueError, match="at byte"):
                end_of(data[:cut])
    whole = ("5f42010243030405ff", "9f01820203ff", "bf6161019f02ff03ff", "f97e00", "c063616263")
    assert [end_of(bytes.fromhex(text)) for text in whole] == [9, 6, 9, 3, 5]
    for broken in ("5f4101", "9f01", "bf01ff", "ff", "1c", "5f6161ff", "5f5f4101ffff", "1f"):
        with pytest.raises(ValueError, match="at byte"):
            end_of(bytes.fromhex(broken))


@pytest.mark.parametrize("kind", ["application/x-ndjson", "application/cbor", "application/cose"])
def test_whatever_the_bytes_a_body_has_parts_or_a_problem(kind: str) -> None:
    whole = b'{"device":"meter:1"}\n' * 3 if kind.endswith("json") else SIGNED
    refused: list[Problem] = []
    for body in mutated([whole, PACKED], 5_000, seed=8949):
        try:
            assert parts(kind, body, limits=Limits())
        except Problem as wrong:
            refused.append(wrong)
    assert {(wrong.status, bool(wrong.at)) for wrong in refused} == {(400, True)}
    assert 500 < len(refused) < 5_000
