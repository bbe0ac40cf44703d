"""A server for the screens' tests: the copper story up to its second margin call, in this process.

One server at a time, since NiceGUI has one application per process.
"""

import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import uvicorn

from tests.homes import EXAMPLES, still
from tests.servers import START_SECONDS, free_port
from wuxin.home import Home
from wuxin.portal.server import application
from wuxin.settings import Settings
from wuxin.terms.clock import moment
from wuxin.wire.recording import open_recording

STOP = moment("2008-11-06T00:00:00Z")
PASSWORD = "four copper lots"  # noqa: S105 - the tests' own


@dataclass(frozen=True)
class Served:
    """A running server: where it is, its application and home, and a one-time password."""

    address: str
    app: Any
    home: Home
    one_time: str


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Serve a home whose facility stands under a margin call."""
    with Home(Path(tmp_path_factory.mktemp("served")), clock=still) as home:
        recording = open_recording(EXAMPLES / "logistics" / "recording.toml")
        for progress, _ in home.replay(recording, batch_rows=100):
            if progress.event_time > STOP:
                break
        app = application(home, Settings())
        accounts = app.state.accounts
        given = accounts.create(home.tenant, "officer", role="risk_officer")
        accounts.change(accounts.sign_in(home.tenant, "officer", password=given), PASSWORD)
        one_time = accounts.create(home.tenant, "newcomer", role="administrator")
        port = free_port()
        config = uvicorn.Config(app, host="127.0.0.1", port=port, log_level="error")
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, daemon=True)
        thread.start()
        deadline = time.monotonic() + START_SECONDS
        while not server.started:
            assert thread.is_alive()
            assert time.monotonic() < deadline
            time.sleep(0.02)
        yield Served(f"http://127.0.0.1:{port}", app, home, one_time)
        server.should_exit = True
        thread.join(10)
