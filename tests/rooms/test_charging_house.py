"""Charging stations of the `ocpp` library at a house with cards: refused, let in, started again."""

import asyncio
import base64
import signal
import socket as sockets
import ssl
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from ocpp.routing import on
from ocpp.v16 import ChargePoint as Point16
from ocpp.v16 import call as call16
from ocpp.v16 import call_result as call_result16
from ocpp.v201 import ChargePoint as Point201
from ocpp.v201 import call as call201
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus

from tests.homes import still
from wuxin.home import Home
from wuxin.listen import Listening, read
from wuxin.protocols import jt808, ocpp
from wuxin.protocols.jt808 import answers
from wuxin.protocols.jt808.answers import Terminal
from wuxin.stores.journal import Arrived
from wuxin.terms.clock import iso
from wuxin.terms.errors import BadInput, NotFound
from wuxin.terms.ports import Trust
from wuxin.wire.charging import CentralSystem
from wuxin.wire.packed import message
from wuxin.wire.stream import Server

NOW = iso(still())
ROOT = Path(__file__).parents[2]
FILE = """
[[source]]
name = "chargers"
pack = "logistics"
protocol = "ocpp"
listen = "ws://127.0.0.1:0"
"""
DEVICE = """
[[source.device]]
id = "CS-1"
thing = "lot:C1"
password = "s3cret"
"""
CARDS = """
[[source.card]]
id = "GOOD"
group = "FLEET"
expires = "2100-01-01"
[[source.card]]
id = "LOST"
blocked = true
[[source.card]]
id = "OLD"
expires = "2001-01-01T00:00Z"
"""


@contextmanager
def house(folder: Path, text: str) -> Iterator[tuple[Listening, str, list[str]]]:
    """A house that listens by a file of sources, the address of its first server, what it said."""
    path = folder / "sources.toml"
    path.write_text(text, "utf-8")
    said: list[str] = []
    with (
        Home(folder / "home", clock=still) as home,
        Listening(home, read(path), say=said.append) as listening,
    ):
        [server] = next(iter(listening.servers.values()))
        assert isinstance(server, CentralSystem | Server)
        yield listening, server.where, said


@asynccontextmanager
async def point(
    of: Any, url: str, *, secret: str = "s3cret", patience: float = 30, **more: Any  # noqa: S107
) -> Any:  # fmt: skip
    version = "ocpp1.6" if issubclass(of, Point16) else "ocpp2.0.1"
    token = base64.b64encode(f"CS-1:{secret}".encode()).decode()
    headers = {"Authorization": f"Basic {token}"} if secret else {}
    async with connect(
        f"{url}/CS-1", subprotocols=[version], additional_headers=headers, **more
    ) as line:
        own = of("CS-1", line, response_timeout=patience)
        task = asyncio.create_task(own.start())
        try:
            yield own
        finally:
            task.cancel()


def asking(url: str, *calls: Any, of: Any = Point16, **more: Any) -> list[Any]:
    """What a station is answered to its calls, in a connection of its own."""

    async def run() -> list[Any]:
        async with point(of, url, **more) as own:
            return [await own.call(each) for each in calls]

    return asyncio.run(run())


def start(card: str, connector: int = 1, **more: Any) -> Any:
    said = {"meter_start": 1000, "timestamp": NOW, **more}
    return call16.StartTransaction(connector_id=connector, id_tag=card, **said)


def stop(number: int) -> Any:
    return call16.StopTransaction(meter_stop=4000, timestamp=NOW, transaction_id=number)


def event(kind: str, *, seq: int, card: str = "", number: str = "T-1", evse: int = 0) -> Any:
    more: dict[str, Any] = {"id_token": {"id_token": card, "type": "Central"}} if card else {}
    more |= {"evse": {"id": evse}} if evse else {}
    return call201.TransactionEvent(
        event_type=kind, timestamp=NOW, trigger_reason="Authorized", seq_no=seq,
        transaction_info={"transaction_id": number}, **more,
    )  # fmt: skip


def journalled(home: Home) -> list[dict[str, Any]]:
    return [
        ocpp.decode(message(frame, number)) | {"trust": frame.stream}
        for _, _, entry in home.journal.read()
        if isinstance(entry, Arrived)
        for frame in entry.frames
        for number in range(len(frame.lines) // 4)
    ]


def test_of_1_6_only_a_card_of_the_list_may_charge_and_at_one_point_at_a_time(
    tmp_path: Path,
) -> None:
    with house(tmp_path, FILE + DEVICE + CARDS) as (_, url, said):
        assert said[0] == "chargers: 3 cards are listed; no other may charge"
        assert url.startswith("ws://127.0.0.1:")
        cards = [call16.Authorize(id_tag=card) for card in ("good", "LOST", "OLD", "OTHER")]
        found = asking(url, *cards, start("GOOD"), start("Good", 2), start("LOST", 3))
    told = [each.id_tag_info for each in found]
    assert [each["status"] for each in told] == [
        "Accepted", "Blocked", "Expired", "Invalid", "Accepted", "ConcurrentTx", "Blocked",
    ]  # fmt: skip
    assert told[0]["parent_id_tag"] == "FLEET"
    assert told[0]["expiry_date"] == "2100-01-01T00:00:00Z"


def test_of_2_0_1_only_a_card_of_the_list_may_charge_and_at_one_point_at_a_time(
    tmp_path: Path,
) -> None:
    with house(tmp_path, FILE + DEVICE + CARDS) as (_, url, _said):
        cards = [
            call201.Authorize(id_token={"id_token": card, "type": "Central"})
            for card in ("GOOD", "LOST", "OLD", "OTHER")
        ]
        begun = [event("Started", seq=0, card="GOOD", evse=1)]
        begun.append(event("Started", seq=0, card="GOOD", number="T-2", evse=2))
        ended = [event("Ended", seq=1), event("Ended", seq=1, number="T-2")]
        begun += [*ended, event("Started", seq=0, card="GOOD", number="T-3", evse=2)]
        found = asking(url, *cards, *begun, of=Point201)
    told = [each.id_token_info for each in found]
    assert [each and each["status"] for each in told] == [
        "Accepted", "Blocked", "Expired", "Invalid", "Accepted", "ConcurrentTx", None, None,
        "Accepted",
    ]  # fmt: skip
    assert told[0]["group_id_token"] == {"id_token": "FLEET", "type": "Central"}


@pytest.mark.parametrize(
    ("choice", "status", "line"),
    [
        ("", "Invalid", "chargers: no card is listed, so nobody may charge; list cards or"),
        ("any_card = true", "Accepted", "chargers: any card may charge"),
    ],
)
def test_without_a_list_who_may_charge_is_what_the_file_says(
    tmp_path: Path, choice: str, status: str, line: str
) -> None:
    with house(tmp_path, FILE + choice + DEVICE) as (_, url, said):
        assert said[0].startswith(line)
        [one, other] = asking(url, start("ANY"), start("ANY", 2))
    assert (one.id_tag_info["status"], other.id_tag_info["status"]) == (status, status)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (("OLD", "good"), "'chargers': card 'good' stands there twice"),
        (("2001-01-01T00:00Z", "soon"), "'chargers': 'soon' is not a date"),
        (('"ocpp"', '"jt808"'), "for protocol ocpp"),
        (('"CS-1"', '"CS-1"\nany_card = true'), "any_card"),
        (("listen", 'tls_ca = "ca.pem"\nlisten'), "tls_ca needs tls_certificate"),
    ],
)
def test_cards_and_certificates_that_cannot_be_meant_are_refused(
    tmp_path: Path, change: tuple[str, str], why: str
) -> None:
    path = tmp_path / "sources.toml"
    path.write_text((FILE + DEVICE + CARDS).replace(*change), "utf-8")
    with pytest.raises(BadInput, match=why):
        read(path)


def test_a_transaction_outlives_the_house_and_what_is_sent_again_has_its_number(
    tmp_path: Path,
) -> None:
    begun = start("GOOD", 2)
    text = FILE + DEVICE + CARDS
    with house(tmp_path, text) as (_, url, _said):
        [first] = asking(url, begun)
    with house(tmp_path, text) as (_, url, _said):
        spelt = begun.timestamp.replace("Z", ".000Z")
        again, elsewhere = asking(url, start("good", 2, timestamp=spelt), start("GOOD", 1))
        assert again.transaction_id == first.transaction_id != elsewhere.transaction_id
        assert elsewhere.id_tag_info["status"] == "ConcurrentTx"
        assert again.id_tag_info["status"] == "Accepted"
    with house(tmp_path, text) as (listening, url, _said):
        asking(url, stop(first.transaction_id), start("GOOD", 1, meter_start=7))
        last = journalled(listening.live.home)[-2:]
    assert last[0]["transaction"]["ended"] is True
    assert {
        "indicator": "session_energy", "value": 3000.0, "unit": "Wh", "thing": "evse:CS-1-2",
    } in last[0]["readings"]  # fmt: skip
    with house(tmp_path, text) as (_, url, _said):
        [free] = asking(url, start("GOOD", 2, meter_start=8))
        assert free.id_tag_info["status"] == "ConcurrentTx", "the one at 1 is still open"


def test_a_transaction_of_2_0_1_is_known_after_a_restart_by_its_point_and_card(
    tmp_path: Path,
) -> None:
    with house(tmp_path, FILE + DEVICE + CARDS) as (_, url, _said):
        asking(url, event("Started", seq=0, card="GOOD", evse=3), of=Point201)
    with house(tmp_path, FILE + DEVICE + CARDS) as (listening, url, _said):
        asking(url, event("Ended", seq=1), of=Point201)
        last = journalled(listening.live.home)[-1]
    assert (last["transaction"]["connector"], last["transaction"]["id_tag"]) == (3, "GOOD")


def test_the_end_of_a_transaction_that_nobody_knows_is_taken_in_with_a_mark(tmp_path: Path) -> None:
    with house(tmp_path, FILE + DEVICE + CARDS) as (listening, url, _said):
        [answer] = asking(url, stop(99))
        last = journalled(listening.live.home)[-1]
    assert answer is not None
    assert last["transaction"] == {"id": 99, "unknown": True}
    assert {"indicator": "session_energy", "mark": "of_unknown_transaction"} in last["marks"]


KILLED = """
import os, signal, sys
from pathlib import Path
from tests.rooms.test_charging_house import house
from wuxin.wire.charging_station import Station
Station.answer = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
folder = Path(sys.argv[1])
with house(folder, (folder / "sources.toml").read_text()) as (_, url, said):
    print(url, flush=True)
    signal.pause()
"""


def test_killed_between_journal_and_answer_the_house_gives_the_number_that_it_has_written(
    tmp_path: Path,
) -> None:
    text = FILE + DEVICE + CARDS
    (tmp_path / "sources.toml").write_text(text, "utf-8")
    run = [sys.executable, "-c", KILLED, str(tmp_path)]
    with subprocess.Popen(run, stdout=subprocess.PIPE, text=True, cwd=ROOT) as house_:
        assert house_.stdout is not None
        url = house_.stdout.readline().strip()
        with pytest.raises((TimeoutError, ConnectionClosed)):
            asking(url, start("GOOD"), patience=0.5)
        assert house_.wait(10) == -signal.SIGKILL
    with house(tmp_path, text) as (listening, url, _said):
        [written] = [each["transaction"]["id"] for each in journalled(listening.live.home)]
        # The station has forgotten that it asked, but not what it is told when it asks again.
        ended, again = asking(url, stop(written), start("GOOD"))
        assert ended is not None
        assert again.transaction_id == written
        assert journalled(listening.live.home)[1]["transaction"]["started"] == NOW


# ---- certificates --------------------------------------------------------------------------------

Sign = Callable[..., tuple[Path, Path]]


def authority(folder: Path, name: str) -> Sign:
    """A certificate authority; what it gives out is signed by it: certificate and key (PEM)."""
    now = datetime.now(UTC)
    key = ec.generate_private_key(ec.SECP256R1())
    who = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])

    def sign(common: str, *, also: str = "", is_ca: bool = False) -> tuple[Path, Path]:
        own = key if is_ca else ec.generate_private_key(ec.SECP256R1())
        subject = who if is_ca else x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])
        made = (
            x509.CertificateBuilder(who, subject, own.public_key(), x509.random_serial_number())
            .not_valid_before(now - timedelta(hours=1))
            .not_valid_after(now + timedelta(hours=1))
            .add_extension(x509.BasicConstraints(ca=is_ca, path_length=None), critical=True)
        )
        if also:
            names = x509.SubjectAlternativeName([x509.DNSName(also)])
            made = made.add_extension(names, critical=False)
        paths = folder / f"{name}-{common}.crt", folder / f"{name}-{common}.pem"
        signed = made.sign(key, hashes.SHA256())
        paths[0].write_bytes(signed.public_bytes(serialization.Encoding.PEM))
        form, plain = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        paths[1].write_bytes(own.private_bytes(serialization.Encoding.PEM, form, plain))
        return paths

    return sign


def client(shown: tuple[Path, Path] | None) -> ssl.SSLContext:
    found = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    found.check_hostname, found.verify_mode = False, ssl.CERT_NONE
    if shown is not None:
        found.load_cert_chain(*shown)
    return found


def within_tls(text: str, sign: Sign, *, demands: bool) -> str:
    crt, key = sign("127.0.0.1")
    said = f'tls_certificate = "{crt}"\ntls_key = "{key}"\n'
    if demands:
        said += f'tls_ca = "{sign("root", is_ca=True)[0]}"\n'
    return text.replace("listen =", said + "listen =")


def test_a_station_speaks_by_a_certificate_that_names_it_and_by_no_other(tmp_path: Path) -> None:
    sign, other = authority(tmp_path, "ca"), authority(tmp_path, "other")
    text = within_tls(FILE + DEVICE + CARDS, sign, demands=True)
    with house(tmp_path, text) as (listening, url, _said):
        assert url.startswith("wss://")
        for shown in (sign("CS-1"), sign("unit 7", also="CS-1")):
            [good] = asking(url, start("GOOD"), ssl=client(shown), secret="")
            assert good.id_tag_info["status"] == "Accepted"
        with pytest.raises(InvalidStatus):
            asking(url, start("GOOD"), ssl=client(sign("CS-2")))  # with the right password
        for strange in (None, other("CS-1")):
            with pytest.raises((OSError, InvalidHandshake)):
                asking(url, start("GOOD"), ssl=client(strange))
        taken = journalled(listening.live.home)
    assert [each["trust"] for each in taken] == [Trust.CERTIFICATE] * 2


@pytest.mark.parametrize("demands", [False, True])
def test_a_password_counts_as_a_certificate_within_tls_and_is_not_enough_where_one_is_demanded(
    tmp_path: Path, demands: bool  # noqa: FBT001
) -> None:  # fmt: skip
    text = within_tls(FILE + DEVICE + CARDS, authority(tmp_path, "ca"), demands=demands)
    with house(tmp_path, text) as (listening, url, _said):
        if demands:
            with pytest.raises((OSError, InvalidHandshake)):
                asking(url, start("GOOD"), ssl=client(None))
        else:
            asking(url, start("GOOD"), ssl=client(None))
        taken = journalled(listening.live.home)
    assert [each["trust"] for each in taken] == ([] if demands else [Trust.CERTIFICATE])


def test_a_terminal_by_tcp_speaks_by_a_certificate_that_names_it(tmp_path: Path) -> None:
    text = FILE.replace("chargers", "trucks").replace("ocpp", "jt808").replace("ws:", "tcp:")
    text += DEVICE.replace("CS-1", "13800138000")
    sign = authority(tmp_path, "ca")
    phone = Terminal("13800138000")
    [code] = answers.frames("authenticate", {"auth_code": "-"}, to=phone, serial=0)
    with house(tmp_path, within_tls(text, sign, demands=True)) as (listening, _, _said):
        [server] = listening.servers["trucks"]
        assert isinstance(server, Server)

        def asked(name: str) -> str:
            with sockets.create_connection(("127.0.0.1", server.port), timeout=10) as plain:
                line = client(sign(name)).wrap_socket(plain)
                line.sendall(code)
                [answer] = [jt808.decode(one) for one in jt808.split(line.recv(4096)).frames]
                line.close()
            return str(answer["fields"]["result"])

        assert [asked("13800138000"), asked("13900139000")] == ["success", "failure"]


class Obedient(Point16):
    """A station that starts again when it is told to."""

    @on("Reset")
    def reset(self, **_: Any) -> Any:
        return call_result16.Reset(status="Accepted")


def test_a_station_that_is_told_something_answers_and_one_that_is_away_is_named(
    tmp_path: Path,
) -> None:
    with house(tmp_path, FILE + "any_card = true\n" + DEVICE) as (listening, url, _):

        async def run() -> Any:
            async with point(Obedient, url) as own:
                await own.call(call16.Heartbeat())
                return await asyncio.to_thread(
                    listening.tell, "chargers", "CS-1", name="Reset", fields={"type": "Soft"}
                )

        assert asyncio.run(run()) == {"status": "Accepted"}
        for source, device in (("chargers", "CS-9"), ("nobody", "CS-1")):
            with pytest.raises(NotFound, match="connected"):
                listening.tell(source, device, name="Reset", fields={"type": "Soft"})
