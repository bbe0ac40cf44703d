"""The servers that other tests lean on start, answer and are asked for in the right way."""

import socket
from pathlib import Path

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


def test_a_missing_server_skips_and_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CI", raising=False)
    with pytest.raises(pytest.skip.Exception, match="no-such-server is not installed"):
        servers.need("no-such-server")


def test_a_missing_server_fails_in_continuous_integration(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CI", "true")
    with pytest.raises(pytest.fail.Exception, match="no-such-server is not installed"):
        servers.need("no-such-server")
