"""What a page shows is in its address: the state, and the fields that filter by it.

A link sent to a colleague shows the same, and a reload changes nothing.
"""

import json
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

from nicegui import context, ui

from wuxin.portal.screens import shell
from wuxin.portal.screens.words import local, t

Changed = Callable[[], Awaitable[None] | None]


class State:
    """What a page shows, as the query of its URL; empty values are left out of it.

    Args:
        *names: what the page knows; everything else in the URL is left alone.
    """

    def __init__(self, *names: str) -> None:
        request = context.client.request
        self.path: str = request.url.path
        self._all = dict(request.query_params)
        self._names = names

    def __getitem__(self, name: str) -> str:
        return self._all.get(name, "")

    @property
    def values(self) -> dict[str, str]:
        """The page's own values that are set."""
        return {name: self._all[name] for name in self._names if self._all.get(name)}

    def put(self, changes: Mapping[str, Any]) -> None:
        """Change values, here and in the browser's address, without loading the page again."""
        for name, value in changes.items():
            self._all[name] = "" if value is None else str(value)
        ui.run_javascript(f"wuxin.query({json.dumps({k: self._all[k] for k in changes})})")

    def url(self, **changes: str) -> str:
        """The address of this page with some values changed."""
        shown = {k: v for k, v in {**self._all, **changes}.items() if v}
        return f"{self.path}?{urlencode(shown)}" if shown else self.path

    @property
    def span(self) -> tuple[str, str]:
        """The time range, empty where open."""
        return self["from"], self["to"]

    @property
    def past(self) -> bool:
        """Whether the page shows a past moment."""
        return bool(self["at"] or self["as_of"])

    def asked(self) -> dict[str, str]:
        """The times as the API's series and findings take them; what was true at T ends there."""
        given = {k: v for k, v in (("from_", self["from"]), ("as_of", self["as_of"])) if v}
        ends = [e for e in (self["to"], self["at"]) if e]
        if ends:
            given["to"] = min(ends, key=lambda e: local(e).timestamp())
        return given


async def told(changed: Changed) -> None:
    """Call a function that may be asynchronous."""
    done = changed()
    if done is not None:
        await done


def choice(
    state: State, name: str, *, label: str, options: Mapping[str, str], changed: Changed
) -> ui.select:
    """A field that filters by one of several values; empty shows all.

    Args:
        state: holds the choice under the name.
        name: the parameter of the address.
        label: what people read.
        options: values and their words.
        changed: called after a choice.
    """

    async def chosen(event: Any) -> None:
        state.put({name: event.value or ""})
        await told(changed)

    everything = {"": t("全部", "All"), **options}
    value = state[name] if state[name] in options else ""
    return (
        ui.select(everything, value=value, label=label, on_change=chosen)
        .props("outlined dense options-dense")
        .classes("wx-filter")
        .mark(f"filter-{name}")
    )


def written(state: State, name: str, *, label: str, changed: Changed) -> ui.input:
    """A field that filters by a text, a moment after the last letter."""

    async def typed(event: Any) -> None:
        state.put({name: event.value or ""})
        await told(changed)

    return (
        ui.input(label, value=state[name], on_change=typed)
        .props("outlined dense clearable debounce=350 type=search")
        .classes("wx-filter")
        .mark(f"filter-{name}")
    )


def thing_href(row: Mapping[str, Any]) -> str:
    """The page of a thing; facilities and trades have pages of their own."""
    name = str(row.get("thing") or row["id"])
    if row["kind"] == "facility":
        return f"/facilities/{quote(name)}"
    if row["kind"] == "trade":
        return f"/trades?{urlencode({'q': name})}"
    return f"/things/{quote(row['pack'])}/{quote(row['kind'])}/{quote(name)}"


def _dress(_: shell.View) -> None:
    ui.add_css(Path(__file__).with_name("lists.css"))


shell.EXTENSIONS.append(_dress)
