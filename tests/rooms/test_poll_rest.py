"""The REST poller against a real server: pages, what has changed, failures, other hosts."""

import asyncio
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.rooms.wires import Hall, until
from wuxin.protocols import icar
from wuxin.terms.clock import Nanos
from wuxin.terms.envelope import unwrap
from wuxin.wire.poll_rest import RestPoller, Service

NOON = Nanos(1_717_228_800_000_000_000)


def weight(kilograms: float, *, at: str = "2024-06-01T06:00:00Z") -> dict[str, Any]:
    return {
        "resourceType": "icarWeightEventResource", "eventDateTime": at,
        "animal": {"scheme": "org.icar", "id": "DE01"},
        "location": {"scheme": "org.farm", "id": "F1"},
        "weight": {"measurement": kilograms, "units": "KGM"},
    }  # fmt: skip


class Herd:
    """A service with pages of one weight each."""

    def __init__(self, *weights: float) -> None:
        self.weights, self.asked, self.status = list(weights), list[str](), 200
        self.leads_to = ""

    def answer(self, path: str) -> tuple[int, str]:
        self.asked.append(path)
        page = int(parse_qs(urlsplit(path).query).get("page", ["0"])[0])
        said: dict[str, Any] = {"member": [weight(self.weights[page])]}
        if page + 1 < len(self.weights):
            said["view"] = {"next": f"{self.leads_to}/weights?page={page + 1}"}
        return self.status, json.dumps(said)


@contextmanager
def serving(herd: Herd) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            herd.asked.append(self.headers.get("Authorization", ""))
            status, text = herd.answer(self.path)
            self.send_response(status)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}/weights"
        finally:
            server.shutdown()
            thread.join()


def polled(herd: Herd, done: Any, *, position: str = "", **more: Any) -> tuple[Hall, RestPoller]:
    hall = Hall(durable=True)

    async def run() -> RestPoller:
        with serving(herd) as url:
            service = Service("farm", url, 0.02, "meta-modified-from", **more)
            poller = RestPoller(
                hall, lambda: NOON, services=[service], source="herd", position=position,
                first_pause_s=0.02,
            )  # fmt: skip
            await poller.start()
            await until(lambda: done(poller))
            await poller.stop()
            return poller

    return hall, asyncio.run(run())


def kilograms(hall: Hall) -> list[float]:
    return [icar.decode(each)["readings"][0]["value"] for each in hall.payloads]


def test_all_pages_are_handed_in_once_and_later_only_what_is_new() -> None:
    herd = Herd(600, 610, 620)

    def done(poller: RestPoller) -> bool:
        if poller.counts["rounds"] >= 2 and len(herd.weights) == 3:
            herd.weights[1:2] = [611]
        return poller.counts["pages"] >= 4

    hall, poller = polled(herd, done)
    assert kilograms(hall) == [600, 610, 620, 611]
    assert poller.counts["unchanged"] > 0
    assert poller.counts["failures"] == 0
    assert any("meta-modified-from=2024-06-01T08%3A00%3A00Z" in path for path in herd.asked)


def test_after_a_restart_it_asks_for_what_has_changed_since() -> None:
    herd = Herd(600)
    hall, _ = polled(herd, lambda poller: poller.counts["rounds"] >= 1)
    assert hall.taken[-1].position == '{"farm":"2024-06-01T08:00:00Z"}'
    later = Herd(601)
    polled(later, lambda poller: poller.counts["rounds"] >= 1, position=hall.taken[-1].position)
    assert "meta-modified-from=2024-06-01T08%3A00%3A00Z" in later.asked[1]


def test_a_code_is_a_bearers_and_the_line_before_says_what_the_source_says() -> None:
    herd = Herd(600)
    hall, _ = polled(
        herd, lambda poller: poller.counts["rounds"] >= 1, password="code",  # noqa: S106
        before={"zone": "Asia/Shanghai"},
    )  # fmt: skip
    assert herd.asked[0] == "Bearer code"
    line, _ = unwrap(hall.payloads[0])
    assert line["zone"] == "Asia/Shanghai"


def test_a_service_that_fails_or_leads_elsewhere_is_tried_again_and_nothing_is_taken() -> None:
    for herd, change in ((Herd(600), {"status": 500}), (Herd(1, 2), {"leads_to": "http://h"})):
        vars(herd).update(change)
        hall, poller = polled(herd, lambda poller: poller.counts["failures"] >= 2)
        assert len(hall.taken) == 0
        assert poller.counts["rounds"] == 0
