"""Changes of OPC UA nodes: gathered until there is time for them, and put in plain values."""

import asyncio
import math
from collections import deque
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

from asyncua import ua
from asyncua.common.node import Node
from asyncua.ua.uaerrors import UaStatusCodeError

from wuxin.terms.clock import from_datetime, iso
from wuxin.wire.patience import Unreadable

GATHERED: Final = 10_000
"""Changes of one server that may wait."""

MOST: Final = 500
"""Changes of one message."""

TEXT: Final = 1024
"""Characters of a text, and elements of an array, that are kept."""


class Item(NamedTuple):
    """A node to watch; without ``name`` it is called by its browse name.

    ``unit`` is our word for a unit; without it the node is asked for its EngineeringUnits.
    """

    node: str
    name: str = ""
    unit: str = ""


class Gathered:
    """Takes what the library's task tells, until the session has time for it."""

    def __init__(self) -> None:
        self.lost = 0
        self._changes: deque[tuple[Node, Any, ua.DataValue]] = deque()
        self._some = asyncio.Event()
        self._end = ""

    def datachange_notification(self, *told: Any) -> None:
        """Take a change: node, value and data, by place, as the library calls this."""
        node, value, data = told
        if len(self._changes) >= GATHERED:
            self.lost += 1
            return
        self._changes.append((node, value, data.monitored_item.Value))
        self._some.set()

    def status_change_notification(self, status: Any) -> None:
        """Take the end of the subscription; the library calls this."""
        self.end(f"the server has ended the subscription: {status}")

    async def lost_connection(self, wrong: Exception) -> None:
        """Take the end of the connection; the library calls this."""
        self.end(f"the connection is lost: {wrong!r}")

    def end(self, why: str) -> None:
        """Let whoever waits know that nothing more comes."""
        self._end = why
        self._some.set()

    async def next(self) -> list[tuple[Node, Any, ua.DataValue]]:
        """The changes that wait, at least one, at most :data:`MOST`.

        Raises:
            Unreadable: nothing more comes.
        """
        await self._some.wait()
        if not self._changes:
            raise Unreadable(self._end)
        batch = [self._changes.popleft() for _ in range(min(MOST, len(self._changes)))]
        if not self._changes and not self._end:
            self._some.clear()
        return batch


async def known(node: Node, item: Item) -> dict[str, Any]:
    """What is said of a node with each of its changes: its name and its unit."""
    name, unit = item.name, item.unit or None
    try:
        name = name or (await node.read_browse_name()).Name or item.node
        if unit is None:
            units = await (await node.get_child("0:EngineeringUnits")).read_value()
            unit = units.UnitId
    except (UaStatusCodeError, AttributeError):
        pass  # a node without units; one that is not there is told of when it is to be watched
    return {"node": item.node, "name": name or item.node, "unit": unit}


def change(value: Any, data: ua.DataValue) -> dict[str, Any]:
    """One change in plain values; of a long array ``length`` tells how many elements it had."""
    times = {"source": data.SourceTimestamp, "server": data.ServerTimestamp}
    return {
        "value": _plain(value),
        **({"length": len(value)} if isinstance(value, list) and len(value) > TEXT else {}),
        "type": data.Value.VariantType.name if data.Value is not None else "",
        "status": data.StatusCode.value if data.StatusCode is not None else 0,
        **{name: iso(from_datetime(time)) for name, time in times.items() if time is not None},
    }


def _plain(value: Any) -> Any:
    """A value that JSON can hold; structures are told by their text, cut to a sensible length."""
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, list):
        return [_plain(each) for each in value[:TEXT]]
    if isinstance(value, datetime):
        return value.replace(tzinfo=value.tzinfo or UTC).isoformat()
    return (value.hex() if isinstance(value, bytes) else str(value))[:TEXT]
