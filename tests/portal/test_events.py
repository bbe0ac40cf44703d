"""The stream of events: complete, the session's own alone, and no burden on the house."""

import asyncio
import json
import logging
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from tests.homes import still, stocked
from tests.portal.test_api import signed
from tests.portal.test_orders_api import FACILITY, REPAY
from wuxin.home import Home
from wuxin.portal import events
from wuxin.portal.access import Accounts, Session
from wuxin.portal.api import build
from wuxin.portal.events import How
from wuxin.terms.clock import HOUR, Nanos, system_clock
from wuxin.terms.records import Command
from wuxin.wire.recording import open_recording

NOTHING = {"kind": "", "level": "", "facility": ""}
START = (0, 0)
ALL = {"Last-Event-ID": "0.0"}
ENDING = "/api/events?follow=false"


class Wall:
    """A clock that tests may move."""

    def __init__(self) -> None:
        self.now = system_clock()

    def __call__(self) -> Nanos:
        return self.now


def returned(folder: Path) -> Path:
    """Write a recording of three lots, of which a third is missing for five days."""
    recording, stock = stocked(folder), folder / "stock.csv"
    lines = stock.read_text().splitlines(keepends=True)
    stock.write_text("".join(x.replace(",17,", ",25,") if x > "2024-03-26" else x for x in lines))
    return recording


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    """Open a home with three lots, a facility on them, and what was said about both."""
    folder = Path(tmp_path_factory.mktemp("events"))
    (folder / "in").mkdir()
    with Home(folder / "home", clock=still) as opened:
        for _ in opened.replay(open_recording(returned(folder / "in")), batch_rows=7):
            pass
        opening = Command("open_facility", still(), "approver:a", "F-1", FACILITY)
        opened.order(opening, source=next(iter(opened.flow.sources)))
        yield opened


@pytest.fixture
def wall() -> Wall:
    return Wall()


@pytest.fixture
def client(home: Home, wall: Wall) -> TestClient:
    app = build(home, Accounts(home.book, wall))
    return TestClient(app, base_url="https://testserver")


def session(home: Home) -> Session:
    return Session(home.tenant, "x", "risk_officer", "", must_change=False, expires=0)


def told(text: str) -> list[tuple[str, dict[str, Any]]]:
    """Read ids and events from the text of a stream."""
    found = []
    for block in text.split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.split("\n") if not line.startswith(":")
                      and line)  # fmt: skip
        if "id" in fields:
            found.append((fields["id"], json.loads(fields["data"])))
    return found


def test_all_that_is_on_record_is_sent_once_and_in_order(client: TestClient, home: Home) -> None:
    signed(client, home, role="risk_officer")
    answer = client.get(ENDING, headers=ALL)
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert answer.headers["x-content-type-options"] == "nosniff"
    found = told(answer.text)
    places = [events.position(home, name) for name, _ in found]
    assert places == sorted(set(places))
    of = [event["event"] for _, event in found]
    raised = home.book.findings(home.tenant)
    assert of.count("finding") == len(raised) > 0
    assert of.count("cleared") == sum(row["cleared"] is not None for row in raised) > 0
    assert of.count("act") == len(home.book.acts(home.tenant)) > 0


def test_who_comes_back_misses_nothing_and_hears_nothing_twice(
    client: TestClient, home: Home
) -> None:
    signed(client, home, role="risk_officer")
    whole = told(client.get(ENDING, headers=ALL).text)
    for number, (name, _) in enumerate(whole):
        rest = told(client.get(ENDING, headers={"Last-Event-ID": name}).text)
        assert rest == whole[number + 1 :]
    assert told(client.get(ENDING).text) == []  # from now on, and there is nothing new


@pytest.mark.parametrize(
    ("asked", "fits"),
    [
        ("kind=act", lambda e: e["event"] == "act"),
        ("kind=facility_opened", lambda e: e.get("kind") == "facility_opened"),
        ("kind=finding", lambda e: e["event"] == "finding"),
        ("level=red", lambda e: e.get("level") == "red"),
        ("facility=F-1", lambda e: e["facility"] == "F-1"),
        ("kind=cleared", lambda e: e["event"] == "cleared"),
    ],
)
def test_filters_choose_and_leave_ids_as_they_are(
    client: TestClient, home: Home, *, asked: str, fits: Any
) -> None:
    signed(client, home, role="risk_officer")
    whole = told(client.get(ENDING, headers=ALL).text)
    chosen = told(client.get(f"{ENDING}&{asked}", headers=ALL).text)
    assert chosen == [one for one in whole if fits(one[1])]
    assert 0 < len(chosen) < len(whole)


def test_a_borrower_hears_of_its_own_facilities_alone(client: TestClient, home: Home) -> None:
    signed(client, home, role="borrower", party="somebody else")
    assert told(client.get(ENDING, headers=ALL).text) == []
    signed(client, home, role="borrower", party="trader")
    found = told(client.get(ENDING, headers=ALL).text)
    assert found
    assert {event["facility"] for _, event in found} == {"F-1"}


@pytest.mark.parametrize(
    ("query", "last", "status"),
    [("", "none", 422), ("", "1", 422), ("", "999999999.1", 400), ("&level=purple", "", 422)],
)
def test_what_cannot_be_meant_is_a_problem_before_the_stream_begins(
    client: TestClient, home: Home, *, query: str, last: str, status: int
) -> None:
    signed(client, home, role="risk_officer")
    answer = client.get(ENDING + query, headers={"Last-Event-ID": last})
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"


def listened_to(home: Home) -> None:
    """Wait until somebody listens."""
    while not home.listeners:
        time.sleep(0.01)


async def heard(lines: Any, *, until: str) -> list[str]:
    """Read a stream up to a line that begins so."""
    found = []
    async for line in lines:
        found.append(line)
        if line.startswith(until):
            break
    await lines.aclose()
    return found


def test_what_is_committed_is_told_at_once_and_silence_by_a_heartbeat(
    client: TestClient, home: Home
) -> None:
    signed(client, home, role="core_system")

    async def listen() -> list[str]:
        """Listen, order something meanwhile, and hear it."""
        how = How(heartbeat_s=5)
        after = (home.committed, 2**31)
        lines = events.stream(home, session(home), wanted=NOTHING, after=after, how=how)
        listening = asyncio.create_task(heard(lines, until="id: "))
        await asyncio.wait_for(asyncio.to_thread(listened_to, home), 4)
        await asyncio.to_thread(client.post, REPAY, json={"amount": "500"})
        return await asyncio.wait_for(listening, 4)

    assert "journal_entry" in asyncio.run(listen())[-1]
    assert home.listeners == []
    quiet = events.stream(
        home, session(home), wanted=NOTHING, after=(home.committed, 2**31),
        how=How(heartbeat_s=0.01),
    )  # fmt: skip
    assert asyncio.run(heard(quiet, until=": still")) == [": from here on\n\n", ": still here\n\n"]
    assert home.listeners == []


def test_a_stream_ends_with_its_session(client: TestClient, home: Home, wall: Wall) -> None:
    signed(client, home, role="risk_officer")
    accounts: Accounts = client.app.state.accounts  # type: ignore[attr-defined]
    token = client.cookies["wuxin_session"]
    how = How(stands=lambda: accounts.session(token), heartbeat_s=0.01)
    lines = events.stream(home, session(home), wanted=NOTHING, after=START, how=how)

    async def sign_out() -> list[str]:
        """Listen until the session has run out."""
        found = await heard_of(lines, count=3)
        wall.now = Nanos(wall.now + 13 * HOUR)
        return found + [line async for line in lines]

    found = asyncio.run(sign_out())
    assert found[-1] == 'event: end\ndata: {"event": "end", "reason": "please sign in"}\n\n'
    assert home.listeners == []


async def heard_of(lines: Any, *, count: int) -> list[str]:
    return [await anext(lines) for _ in range(count)]


def test_a_client_that_takes_nothing_is_dropped(
    home: Home, caplog: pytest.LogCaptureFixture
) -> None:
    lines = events.stream(home, session(home), wanted=NOTHING, after=START)
    answer = events.Patient(lines)
    answer.patience_s = 0.05
    taken = []

    async def send(message: Any) -> None:
        """Take the head and the first line, and then nothing."""
        if len(taken) == 2:
            await asyncio.Event().wait()
        taken.append(message)

    async def receive() -> Any:
        """Say nothing: the client is still connected."""
        await asyncio.Event().wait()

    async def listeners() -> list[Any]:
        """Answer, and say who listens after that."""
        scope = {"type": "http", "asgi": {"spec_version": "2.4"}}
        await asyncio.wait_for(answer(scope, receive, send), 5)
        return [*home.listeners]

    with caplog.at_level(logging.WARNING, "wuxin"):
        assert asyncio.run(listeners()) == []
    assert "took nothing for 0.05 s: dropped" in caplog.text
