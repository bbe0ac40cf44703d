"""The servers that other tests lean on start, answer and are asked for in the right way."""

import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser

from tests import servers


def test_mosquitto_answers_a_connect(mosquitto: servers.Broker) -> None:
    connect = bytes.fromhex("101000044d5154540402003c0004") + b"test"  # MQTT 3.1.1, clause 3.1
    with socket.create_connection((mosquitto.host, mosquitto.port), timeout=5) as line:
        line.sendall(connect)
        assert line.recv(4) == bytes.fromhex("20020000")  # CONNACK: accepted


def test_mosquitto_comes_back_on_its_port(tmp_path: Path) -> None:
    with servers.run_mosquitto(tmp_path) as first:
        pass
    with servers.run_mosquitto(tmp_path, first.port) as second:
        assert second.port == first.port


def test_chromium_draws_a_page(chromium: Browser) -> None:
    page = chromium.new_page()
    page.set_content("<h1>存证</h1>")
    assert page.inner_text("h1") == "存证"
    page.close()


def ask_for_a_program() -> None:
    servers.need("no-such-server")


def ask_for_a_library() -> None:
    servers.need_library("no-such-server.so.1", package="no-such-server")


@pytest.mark.parametrize("ask", [ask_for_a_program, ask_for_a_library])
@pytest.mark.parametrize(("ci", "outcome"), [("", pytest.skip), ("true", pytest.fail)])
def test_what_is_missing_is_named_and_a_failure_only_in_continuous_integration(
    monkeypatch: pytest.MonkeyPatch, ask: Callable[[], None], ci: str, outcome: Any
) -> None:
    monkeypatch.setenv("CI", ci)
    with pytest.raises(outcome.Exception, match="apt-get install no-such-server"):
        ask()
