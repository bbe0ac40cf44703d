"""The screens (NiceGUI): clients of the JSON API, in Chinese and English."""

from typing import Any

from wuxin.settings import Settings


def mount(app: Any, settings: Settings) -> None:
    """Put the screens on the application."""
    del app, settings
