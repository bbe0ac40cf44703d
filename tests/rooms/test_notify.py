"""Subscribers are told: signed, in order, at least once, and nobody waits for a dead receiver."""

import base64
import hashlib
import hmac
import json
import socket
import ssl
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.handlers import Message as Kept
from hypothesis import given
from hypothesis import strategies as st

from tests.homes import Wall
from tests.receivers import Receiver, receiver
from tests.rooms.authority import Authority
from tests.servers import free_port
from wuxin.home import Home
from wuxin.notify import hooks, mail
from wuxin.notify.courier import Courier, Ways, secret_of
from wuxin.notify.hooks import NotTaken, Unsafe, pinned, public
from wuxin.notify.outbox import FIRST, GIVE_UP, LONGEST, Message, pause
from wuxin.terms.clock import DAY, HOUR, MINUTE, moment
from wuxin.terms.errors import BadInput, Conflict, Forbidden, NotFound
from wuxin.terms.records import Command

START = moment("2026-03-01T06:00:00Z")
LOOSE = Ways(private=True)
_TOLD = {
    "timestamp": "2026-03-01T06:00:00Z",
    "data": {
        "tenant": "bank", "facility": "F-1",
        "record": {"figures": {"zh": "静默", "en": "silent"}},
    },
}  # fmt: skip


@pytest.fixture
def wall() -> Wall:
    return Wall(START)


@pytest.fixture
def home(tmp_path: Path, wall: Wall) -> Iterator[Home]:
    with Home(tmp_path, clock=wall) as house:
        yield house


@pytest.fixture
def there() -> Iterator[Receiver]:
    with receiver() as made:
        yield made


def order(home: Home, do: str, *, by: str = "risk_officer:lin", **body: Any) -> Any:
    at = home.clock()
    return home.order(Command(do, at, by, "", body, by.partition(":")[0], ""))


def subscribe(home: Home, **body: Any) -> str:
    order(home, "subscribe", **{"kinds": ["device"], **body})
    return [*home.flow.bank.subscribers.subscriptions][-1]


def happen(home: Home, count: int = 1) -> None:
    """Let devices be delivered, each of which is an act."""
    if "boxes" not in home.flow.sources:
        home.attend("boxes", "logistics", things=[{"kind": "lot", "id": "L1"}])
    known = len(home.flow.sources["boxes"].devices)
    for n in range(known, known + count):
        body = {"device": f"box-{n}", "to": "delivered", "reason": "it came"}
        home.order(Command("device", home.clock(), "installer:i", "", body), source="boxes")


def deliver(home: Home, ways: Ways = LOOSE) -> Courier:
    courier = Courier(home, ways)
    courier.collect()
    for subscription in courier.outbox.ready(home.clock()):
        courier.serve(subscription)
    return courier


def devices(there: Receiver) -> list[str]:
    return [json.loads(s.body)["data"]["record"]["figures"]["device"] for s in there.taken]


def test_a_receiver_can_check_what_it_is_sent(home: Home, there: Receiver) -> None:
    name = subscribe(home, url=there.url())
    happen(home)
    deliver(home)
    [sent] = there.taken
    said = json.loads(sent.body)
    assert said["type"] == "device"
    [act] = home.book.acts(home.tenant, {"kind": "device"})
    assert said["data"]["id"] == act["id"]
    secret = secret_of(home, home.flow.bank.subscribers.subscriptions[name])
    key = base64.b64decode(secret.removeprefix("whsec_"))
    assert len(key) == 32
    signed = f"{sent.id}.{sent.headers['webhook-timestamp']}.{sent.body}".encode()
    wanted = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    assert sent.headers["webhook-signature"] == f"v1,{wanted}"
    assert sent.headers["idempotency-key"] == sent.id
    told = home.folder / home.tenant / "keys" / "webhooks" / f"{name}.key"
    assert told.stat().st_mode & 0o777 == 0o600
    for segment in (home.folder / home.tenant / "journal").rglob("*"):
        assert secret.encode() not in (segment.read_bytes() if segment.is_file() else b"")


def test_the_signature_is_that_of_the_specifications_example() -> None:
    made = hooks.signature(
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "msg_p5jXN8AQM9LWM0D4loKWxJek", at=1614265330,
        body='{"test": 2432232314}',
    )  # fmt: skip
    assert made == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_only_what_was_asked_for_and_came_after_is_sent(
    home: Home, there: Receiver, wall: Wall
) -> None:
    happen(home)
    wall.at += MINUTE
    subscribe(home, url=there.url())
    subscribe(home, url=there.url("/none"), kinds=["margin_call"])
    happen(home)
    deliver(home)
    deliver(home)
    assert devices(there) == ["box-1"]


def test_one_dead_receiver_delays_nobody_and_keeps_its_order(
    home: Home, there: Receiver, wall: Wall
) -> None:
    there.answer = lambda sent: 500 if sent.path == "/dead" else 200
    subscribe(home, url=there.url("/dead"))
    subscribe(home, url=there.url("/well"))
    happen(home, 5)
    courier = deliver(home)
    assert [s.path for s in there.taken] == ["/well"] * 5
    assert [s.path for s in there.refused] == ["/dead"]
    waiting = courier.outbox.listed([*home.flow.bank.subscribers.subscriptions])
    assert len(waiting) == 5
    assert waiting[-1]["said"] == "status 500: not taken"
    assert courier.outbox.ready(wall.at) == []
    wall.at += 2 * FIRST
    there.answer, there.taken[:] = lambda _: 200, []
    deliver(home)
    assert devices(there) == [f"box-{n}" for n in range(5)]
    assert there.taken[0].id == there.refused[0].id


def test_after_a_day_a_message_is_parked_and_shown(home: Home, there: Receiver, wall: Wall) -> None:
    there.answer = lambda _: 503
    name = subscribe(home, url=there.url())
    happen(home)
    tries = 0
    while not (parked := deliver(home).outbox.listed([name], "parked")):
        wall.at += 10 * MINUTE
        tries += 1
        assert tries < 200
    assert wall.at - START >= GIVE_UP
    assert 20 < parked[0]["tries"] == len(there.refused) < 60
    there.answer = lambda _: 200
    happen(home)
    deliver(home)
    assert devices(there) == ["box-1"]


def test_what_is_gone_is_parked_at_once_and_redirects_are_not_followed(
    home: Home, there: Receiver
) -> None:
    there.answer = lambda sent: 410 if sent.path == "/gone" else 302
    gone = subscribe(home, url=there.url("/gone"))
    moved = subscribe(home, url=there.url("/moved"))
    happen(home)
    outbox = deliver(home).outbox
    assert [row["state"] for row in outbox.listed([gone])] == ["parked"]
    [row] = outbox.listed([moved])
    assert (row["state"], row["said"]) == (
        "waiting", "status 302: a redirect, which is not followed",
    )  # fmt: skip
    assert {s.path for s in there.refused} == {"/gone", "/moved"}


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "10.1.2.3", "192.168.0.1", "169.254.169.254", "100.64.0.1", "224.0.0.1",
        "::1", "fe80::1", "fd00::1", "::ffff:10.0.0.1", "64:ff9b::a00:1", "2002:a00:1::",
        "0.0.0.0",  # noqa: S104 - nothing listens there
    ],
)  # fmt: skip
def test_addresses_that_are_not_public_are_not_called(address: str) -> None:
    assert not public(address)
    where = f"[{address}]" if ":" in address else address
    with pytest.raises(Unsafe, match="not public"):
        pinned(f"https://{where}/hook", private=False)


def test_the_address_that_was_checked_is_the_one_that_is_called(
    monkeypatch: pytest.MonkeyPatch, there: Receiver
) -> None:
    asked = []

    def looked_up(host: str, port: int, **_: Any) -> Any:
        asked.append(host)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))]

    monkeypatch.setattr(hooks.socket, "getaddrinfo", looked_up)
    message = Message("m", "s", "device", "{}", START, 0)
    with pytest.raises(NotTaken, match="TLS"):
        hooks.send(there.url(host="bank.example"), message, secret="", at=1, private=False)
    assert pinned("https://bank.example/x?y=1", private=True) == (
        "https://127.0.0.1:443/x?y=1", "bank.example",
    )  # fmt: skip
    with pytest.raises(Unsafe):
        pinned("https://bank.example/", private=False)
    assert asked == ["bank.example"] * 2


@given(st.integers(0, 10_000))
def test_waiting_grows_and_stays_below_an_hour_and_a_half(tries: int) -> None:
    wait = pause(tries)
    assert FIRST // 2 <= wait <= LONGEST * 3 // 2
    if tries > 20:
        assert wait >= LONGEST // 2


@pytest.fixture
def post() -> Iterator[tuple[int, list[Any]]]:
    got: list[Any] = []

    class Box(Kept):
        def handle_message(self, message: Any) -> None:
            got.append(message)

    port = free_port()
    server = Controller(Box(), hostname="127.0.0.1", port=port)
    server.start()
    yield port, got
    server.stop()


def test_mail_is_taken_by_a_real_server_with_both_languages(
    home: Home, post: tuple[int, list[Any]]
) -> None:
    port, got = post
    ways = Ways(mail.Server("127.0.0.1", port, starttls=False, sender="bank@example.com"))
    subscribe(home, email="officer@example.com")
    happen(home)
    deliver(home, ways)
    [message] = got
    assert message["X-RcptTo"] == "officer@example.com"
    assert message["Message-ID"].endswith("@demo-bank.wuxin>")
    text = message.get_payload(decode=True).decode()
    assert "box-0" in text


def test_mail_waits_where_there_is_no_server_and_where_tls_is_refused(
    home: Home, post: tuple[int, list[Any]]
) -> None:
    name = subscribe(home, email="officer@example.com")
    happen(home)
    courier = deliver(home)
    assert "WUXIN_SMTP_HOST" in courier.outbox.listed([name])[0]["said"]
    message = courier.outbox.head(name, home.clock() + HOUR)
    assert message is not None
    with pytest.raises(NotTaken, match="STARTTLS"):
        mail.send("a@example.com", message, server=mail.Server("127.0.0.1", post[0]))
    assert post[1] == []


def test_mail_goes_under_tls_to_a_server_whose_certificate_is_trusted(tmp_path: Path) -> None:
    authority, got = Authority(tmp_path), []
    certificate, key = authority.issue("mail")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)

    class Box(Kept):
        def handle_message(self, message: Any) -> None:
            got.append(message)

    port = free_port()
    server = Controller(
        Box(), hostname="127.0.0.1", port=port, tls_context=context, require_starttls=True
    )
    server.start()
    message = Message("m", "s", "device", json.dumps(_TOLD), START, 0)
    through = mail.Server("127.0.0.1", port, certificates=str(authority.path))
    mail.send("a@example.com", message, server=through)
    assert len(got) == 1
    with pytest.raises(NotTaken, match="CERTIFICATE_VERIFY_FAILED"):
        mail.send("a@example.com", message, server=through._replace(certificates=""))
    assert len(got) == 1
    server.stop()


def test_words_of_a_warning_stand_in_the_mail_in_both_languages() -> None:
    body = json.dumps(_TOLD)
    made = mail.written(
        "a@b.example", Message("m", "s", "warning_raised", body, 0, 0), sender="x@y"
    )
    assert made["Subject"] == "[物信 Wuxin] F-1: warning raised"
    assert made.get_content().splitlines()[:2] == ["静默", "silent"]


def test_a_receiver_may_bring_its_own_secret(home: Home, there: Receiver) -> None:
    secret = "whsec_" + base64.b64encode(b"k" * 32).decode()
    digest = hashlib.sha256(secret.encode()).hexdigest()
    name = subscribe(home, url=there.url(), secret_digest=digest)
    happen(home)
    assert "its secret is not there" in deliver(home).outbox.listed([name])[0]["said"]
    place = home.folder / home.tenant / "keys" / "webhooks"
    place.mkdir(parents=True)
    (place / f"{digest}.key").write_text(secret + "\n")
    (place / f"{digest}.key").chmod(0o600)
    known = home.flow.bank.subscribers.subscriptions[name]
    assert secret_of(home, known) == secret
    (place / f"{digest}.key").write_text("another")
    with pytest.raises(BadInput, match="another secret"):
        secret_of(home, known)


@pytest.mark.parametrize(
    "body",
    [{}, {"url": "https://a.example", "email": "a@b.example"}, {"url": "ftp://a.example"},
     {"url": "https://u:p@a.example"}, {"url": "https://a.example/#x"}, {"url": "https://"},
     {"url": "https://a.example:99999"}, {"url": "https://a.example/ x"}, {"email": "no one"},
     {"email": "a@b.example\nBcc: c@d.example"}, {"url": "https://a.example", "kinds": []},
     {"url": "https://a.example", "kinds": ["No"]},
     {"url": "https://a.example", "levels": ["pink"]},
     {"url": "https://a.example", "secret_digest": "abc"}],
)  # fmt: skip
def test_subscriptions_that_cannot_be_meant_are_refused(home: Home, body: dict[str, Any]) -> None:
    with pytest.raises(BadInput):
        order(home, "subscribe", **{"kinds": ["device"], **body})
    assert not home.flow.bank.subscribers.subscriptions


def test_ending_a_subscription_ends_what_waits(home: Home, there: Receiver, wall: Wall) -> None:
    there.answer = lambda _: 500
    name = subscribe(home, url=there.url())
    with pytest.raises(Conflict):
        subscribe(home, url=there.url())  # at the same moment, by the same
    happen(home, 3)
    courier = deliver(home)
    with pytest.raises(Forbidden):
        order(home, "unsubscribe", by="borrower:bo", subscription=name)
    with pytest.raises(NotFound):
        order(home, "unsubscribe", subscription="0" * 64)
    order(home, "unsubscribe", subscription=name)
    wall.at += DAY
    deliver(home)
    assert len(there.refused) == 1
    assert courier.outbox.listed([name]) == []


def test_the_thread_tells_within_a_moment_of_the_commit(home: Home, there: Receiver) -> None:
    with Courier(home, LOOSE, every_s=0.01):
        subscribe(home, url=there.url())
        happen(home, 20)
        _until(lambda: len(there.taken) == 20)
    assert devices(there) == [f"box-{n}" for n in range(20)]


def _until(done: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not done():
        assert time.monotonic() < deadline
        time.sleep(0.01)
