"""What all tests may ask for: the data beside the project, a broker, a browser."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings
from playwright.sync_api import Browser, sync_playwright

from tests import servers

# Shared machines are noisy, so no test is timed; a build repeats its cases, a developer's run looks
# for new ones.
settings.register_profile("wuxin", deadline=None, derandomize=os.environ.get("CI") == "true")
settings.load_profile("wuxin")

SHARED = Path(__file__).resolve().parents[2] / "shared"
NO_SHARED = "there is no folder `shared` with data beside the project"
CHROMIUM_ARGUMENTS = [
    "--no-sandbox",  # it must run as root in a container
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark tests by the fixtures they ask for, so that `-m 'not server'` needs no memory."""
    for item in items:
        asked = set(getattr(item, "fixturenames", ()))
        if "shared" in asked:
            item.add_marker(pytest.mark.shared)
        if asked & {"mosquitto", "chromium"}:
            item.add_marker(pytest.mark.server)


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip what reads the data folder where there is none."""
    if item.get_closest_marker("shared") and not SHARED.is_dir():
        pytest.skip(NO_SHARED)


@pytest.fixture(scope="session")
def shared() -> Path:
    """Return the data folder beside the project."""
    if not SHARED.is_dir():
        pytest.skip(NO_SHARED)
    return SHARED


@pytest.fixture
def mosquitto(tmp_path: Path) -> Iterator[servers.Broker]:
    """Run a Mosquitto of its own for each test, so that no retained message is inherited."""
    with servers.run_mosquitto(tmp_path) as broker:
        yield broker


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """Run one Chromium for a module's tests.

    Playwright's event loop lives in the main thread meanwhile; a module that uses this fixture
    cannot also call `asyncio.run` there.
    """
    program = servers.need("chromium")
    servers.need_library("libatomic.so.1", package="libatomic1")  # Playwright's driver links it
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=program, headless=True, args=CHROMIUM_ARGUMENTS
        )
        yield browser
        browser.close()
