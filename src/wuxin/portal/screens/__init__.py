"""The screens (NiceGUI): clients of the JSON API, in Chinese and English."""

from importlib import import_module
from typing import Any, Final

import nicegui
from nicegui import ui

from wuxin.portal.screens import shell, theme
from wuxin.settings import Settings

MODULES: Final = (
    "evidence", "sign_in", "overview", "facilities", "facility", "cockpit",
    "credit", "obligor", "things", "thing", "trades", "trade", "warnings", "findings", "devices",
    "device", "capacity", "report", "map", "search",
)  # fmt: skip
"""Where pages and what every page has are registered."""


def mount(app: Any, settings: Settings) -> None:
    """Put the screens on the application, behind its API."""
    for name in MODULES:
        import_module(f"{__name__}.{name}")
    house = nicegui.app
    if house.middleware_stack is not None:  # a process that serves a second home, as tests do
        house.middleware_stack = None
        house.user_middleware.clear()
    house.config.quasar_config["brand"] = {"primary": "#1f5fae"}
    theme.serve_assets()
    app.state.settings = settings
    shell.register(settings.language)
    app.add_middleware(theme.Visitors, house=app)
    ui.run_with(app, title="Wuxin", favicon=theme.ICON, reconnect_timeout=10, dark=None,
                show_welcome_message=False)  # fmt: skip
