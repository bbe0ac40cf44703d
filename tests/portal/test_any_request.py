"""Whatever is sent, the API answers as its document says, and never breaks.

Requests are made from the OpenAPI document by schemathesis. ``WUXIN_API_CASES`` says how many for
each route; the whole of 20,000 is ``WUXIN_API_CASES=300``.
"""

import os
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.homes import still, stocked
from tests.portal.test_orders_api import FACILITY
from wuxin.home import Home
from wuxin.portal.access import Accounts
from wuxin.portal.api import build
from wuxin.terms.clock import system_clock
from wuxin.terms.records import Command
from wuxin.wire.recording import open_recording

CASES = int(os.environ.get("WUXIN_API_CASES", "6"))
CHECKS = [
    not_a_server_error, status_code_conformance, content_type_conformance,
    response_schema_conformance,
]  # fmt: skip
LEFT_OUT = "/api/(session|password|events|log)"  # sign-in is slow on purpose; a stream has no end
ROLES = ("approver", "core_system", "risk_officer", "relationship_manager", "supervisor")


@pytest.fixture(scope="module")
def api() -> Iterator[Any]:
    """Make the API of a home with a facility, with somebody of every role signed in."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "in").mkdir()
        with Home(folder / "home", clock=still) as home:
            for _ in home.replay(open_recording(stocked(folder / "in"))):
                pass
            source = next(iter(home.flow.sources))
            opening = Command("open_facility", still(), "approver:a", "F-1", FACILITY)
            home.order(opening, source=source)
            app = build(home, Accounts(home.book, system_clock))
            accounts, tokens = app.state.accounts, []
            for role in ROLES:
                given = accounts.create(home.tenant, role, role=role)
                tokens.append(accounts.sign_in(home.tenant, role, password=given))
            places = {"facility": "F-1", "name": "F-1", "source": source, "pack": "logistics",
                      "kind": "lot", "indicator": "net_weight"}  # fmt: skip
            yield schemathesis.openapi.from_asgi("/openapi.json", app), tokens, places


def test_every_answer_is_as_the_document_says(api: Any) -> None:
    schema, tokens, places = api
    asked = 0
    for operation in schema.get_all_operations():
        asked += tried(operation.ok(), tokens=tokens, places=places)
    assert asked >= CASES * 30


def tried(operation: Any, *, tokens: list[str], places: dict[str, str]) -> int:
    """Send a route its cases, and count them."""
    if re.search(LEFT_OUT, operation.path):
        return 0
    asked = 0

    @settings(
        max_examples=CASES, deadline=None, derandomize=True,
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(case=operation.as_strategy())
    def one(case: Any) -> None:
        """Send one case, by one role, and hold the answer against the document."""
        nonlocal asked
        asked += 1
        made = sum(map(ord, repr((case.query, case.body))))
        for name in case.path_parameters or {}:
            if made % 3 and name in places:
                case.path_parameters[name] = places[name]
        cookie = {"Cookie": f"wuxin_session={tokens[made % len(tokens)]}"}
        case.call_and_validate(headers=cookie, checks=CHECKS)

    one()
    return asked
