"""Whatever is sent, the API answers as its document says, and never breaks.

Requests are made from the OpenAPI document by schemathesis, for every route and by people of every
role, by somebody of another tenant and by nobody. ``WUXIN_API_CASES`` says how many for each route;
20,000 and more are ``WUXIN_API_CASES=450`` (with ``--timeout 0 --log-cli-level INFO`` to see them).
"""

import logging
import os
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from unittest import SkipTest

import pytest
import schemathesis
from argon2 import PasswordHasher
from fastapi import FastAPI
from hypothesis import HealthCheck, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.homes import still, stocked
from tests.portal.test_orders_api import FACILITY
from wuxin.home import Home
from wuxin.portal.access import COOKIE, ROLES, Accounts
from wuxin.portal.api import build
from wuxin.terms.clock import system_clock
from wuxin.terms.names import Tenant
from wuxin.terms.records import Command
from wuxin.wire.recording import open_recording

CASES = int(os.environ.get("WUXIN_API_CASES", "6"))
CHECKS: Final = [
    not_a_server_error, status_code_conformance, content_type_conformance,
    response_schema_conformance,
]  # fmt: skip
STRANGERS: Final = {"nobody": "", "a stranger": "no-such-token"}
MEANT: Final[dict[str, tuple[Any, ...]]] = {
    "amount": ("1", "250.50", 7, "-1", "1e40"), "price": ("4000", 0), "proceeds": ("1000", "0"),
    "things": (["lot:L-1"], ["lot:L-1", "lot:L-2"], []), "out": (["lot:L-0"],),
    "into": (["lot:L-2"], ["lot:L-9"]), "call": (1, 0), "step": ("set_up", "valuation"),
}  # fmt: skip
"""What a person would put into some fields, which no schema tells."""


@dataclass(slots=True)
class Asked:
    """The API under test: who may ask, what there is to ask about, and how it was answered."""

    app: FastAPI
    schema: Any
    tokens: dict[str, str]
    places: dict[str, tuple[str, ...]]
    answered: Counter[int] = field(default_factory=Counter)

    def token(self, case: Any, made: int) -> str:
        """Choose who asks; a session that may end with the request is opened for it."""
        path = case.operation.path
        if path not in {"/api/session", "/api/password"}:
            if "/orders/" in path and made % 4:
                order = self.app.state.home.flow.bank.orders[path.rsplit("/", 1)[1]]
                by = [role for role in order.by if role in self.tokens]  # not what the house does
                if by:
                    return self.tokens[by[made % len(by)]]
            return [*self.tokens.values()][made % len(self.tokens)]
        accounts: Accounts = self.app.state.accounts
        tenant = self.app.state.home.tenant
        given = accounts.create(tenant, "guest", role="risk_officer")
        return accounts.sign_in(tenant, "guest", password=given)

    def aim(self, case: Any, made: int) -> None:
        """Make most requests ask for what there is, and say what can be meant."""
        for name in case.path_parameters or {}:
            known = self.places.get(f"{case.operation.path} {name}", self.places.get(name))
            if made % 3 and known:
                case.path_parameters[name] = known[made % len(known)]
        if "/orders/" in case.operation.path and made % 4 and isinstance(case.body, dict):
            for name in case.body.keys() & MEANT.keys():
                case.body[name] = MEANT[name][made % len(MEANT[name])]
            if case.operation.path.endswith("/open_facility") and made % 2:
                odd = {k: v for k, v in case.body.items() if k not in FACILITY}
                case.body = {**FACILITY, "id": case.path_parameters["facility"], **odd}
        if case.operation.path == "/api/events":
            case.query = {**(case.query or {}), "follow": "false"}  # else it has no end


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Asked]:
    """Make the API of a home with a facility, with somebody of every role signed in."""
    folder = Path(tmp_path_factory.mktemp("any"))
    (folder / "in").mkdir()
    with Home(folder / "home", clock=still) as home:
        for _ in home.replay(open_recording(stocked(folder / "in"))):
            pass
        source = next(iter(home.flow.sources))
        home.order(Command("open_facility", still(), "approver:a", "F-1", FACILITY), source=source)
        accounts = Accounts(home.book, system_clock)
        accounts._hasher = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
        app, tokens = build(home, accounts), dict(STRANGERS)
        who = [(home.tenant, role, role) for role in ROLES]
        for tenant, name, role in (*who, (Tenant("other-bank"), "another's", "administrator")):
            given = accounts.create(tenant, name, role=role, party="trader")
            tokens[name] = accounts.sign_in(tenant, name, password=given)
        findings = tuple(row["id"] for row in home.book.findings(home.tenant))
        acts = tuple(row["id"] for row in home.book.acts(home.tenant))
        places = {
            "facility": ("F-1",), "name": ("F-1", "L-1"), "source": (source,), "kind": ("lot",),
            "pack": ("logistics",), "indicator": ("net_weight", "authorised_weight"),
            "record": findings + acts, "path": ("checkpoint", "tile/0/000.p/1", "a\0b", "x" * 199),
            "/api/facilities/{facility}/orders/open_facility facility": ("F-2", "F-3", "F-1"),
            "/api/findings/{name} name": findings,
            "/api/findings/{name}/acknowledge name": findings,
        }  # fmt: skip
        yield Asked(app, schemathesis.openapi.from_asgi("/openapi.json", app), tokens, places)


def test_every_answer_is_as_the_document_says(asked: Asked) -> None:
    routes = 0
    for operation in asked.schema.get_all_operations():
        tried(operation.ok(), asked=asked, mode=GenerationMode.POSITIVE)
        with suppress(Unsatisfiable, SkipTest):  # there is nothing in it that could be wrong
            tried(operation.ok(), asked=asked, mode=GenerationMode.NEGATIVE)
        routes += 1
    total, each = asked.answered.total(), sorted(asked.answered.items())
    logging.getLogger(__name__).info("%d requests to %d routes: %s", total, routes, each)
    assert routes >= 40
    assert asked.answered.total() >= CASES * routes / 2  # some have few that differ
    assert asked.answered[200] > asked.answered.total() / 10
    assert asked.app.state.home._broken is None


def tried(operation: Any, *, asked: Asked, mode: GenerationMode) -> None:
    """Send a route its cases, half of them as its form has it and half of them not."""

    @settings(
        max_examples=CASES // 2, deadline=None, derandomize=True,
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(case=operation.as_strategy(generation_mode=mode))
    def one(case: Any) -> None:
        """Send one case, by somebody, and hold the answer against the document."""
        made = sum(map(ord, repr((case.query, case.body, case.path_parameters))))
        asked.aim(case, made)
        case.cookies = {}
        headers = {"Cookie": f"{COOKIE}={asked.token(case, made)}"}
        answer = case.call_and_validate(headers=headers, checks=CHECKS)
        asked.answered[answer.status_code] += 1

    one()
