"""MQTT topic filters."""

import re
from collections.abc import Callable
from typing import Any

from wuxin.terms.errors import BadInput


def topics(topic_filter: str) -> Callable[[str], Any]:
    """Whether a topic fits a filter, as a function.

    Raises:
        BadInput: the filter is none.

    Source: OASIS, MQTT 5.0, §4.7.1 (wildcards), §4.7.2 (``$`` topics), §4.8.2 (``$share``).
    """
    levels = topic_filter.split("/")
    if levels[0] == "$share":
        if len(levels) < 3 or not levels[1] or set("+#") & set(levels[1]):
            raise BadInput(f"topic filter {topic_filter!r}: $share/NAME/ has no name")
        levels = levels[2:]
    wild = [level for level in levels if set("+#") & set(level) and level not in {"+", "#"}]
    if wild or "#" in levels[:-1] or levels == [""] or "\0" in topic_filter:
        raise BadInput(f"topic filter {topic_filter!r} is none: + and # stand alone, # at the end")
    head = "" if levels[0] not in {"+", "#"} else r"(?!\$)"
    parts = ["[^/]*" if level == "+" else re.escape(level) for level in levels if level != "#"]
    tail = "" if levels[-1] != "#" else "(?:/.*)?" if parts else ".*"
    return re.compile(head + "/".join(parts) + tail, re.DOTALL).fullmatch
