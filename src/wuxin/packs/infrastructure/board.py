"""What the board at the gate shows: dust, noise, weather, people; as lines and as plain values.

A value that is too old is shown as missing, never as it last was: the public reads the board.
"""

from typing import Any, Final, NamedTuple

from wuxin.terms.clock import HOUR, iso
from wuxin.terms.names import ThingKey
from wuxin.terms.records import Words
from wuxin.terms.standards import TwinReader
from wuxin.terms.units import shown

FRESH: Final = 2 * HOUR
"""How old (ns) a value may be to be shown."""

NOTHING: Final = "--"


class Item(NamedTuple):
    """One indicator of the board: its words, the unit inside and as shown, and decimals."""

    indicator: str
    words: Words
    inside: str
    show: str
    label: str
    decimals: int


ITEMS: Final = (
    Item("pm25", Words("PM2.5", "PM2.5"), "kg/m³", "ug/m³", "µg/m³", 0),
    Item("pm10", Words("PM10", "PM10"), "kg/m³", "ug/m³", "µg/m³", 0),
    Item("noise", Words("噪声", "Noise"), "dB", "dB", "dB(A)", 1),
    Item("air_temperature", Words("温度", "Air"), "K", "degC", "℃", 1),
    Item("humidity", Words("湿度", "Humidity"), "1", "%", "%", 0),
    Item("pressure", Words("气压", "Pressure"), "Pa", "hPa", "hPa", 0),
    Item("wind_speed", Words("风速", "Wind"), "m/s", "m/s", "m/s", 1),
)
"""The station's indicators, in the order in which the board shows them."""


def feed(twin: TwinReader, site: ThingKey, *, at: int) -> dict[str, Any]:
    """What a board of a site shows at a moment, as plain values for JSON.

    Returns:
        ``at`` and ``rows``: each with ``zh``, ``en``, ``value`` (text, ``--`` where nothing fresh
        is known), ``unit`` and ``time``. The first station of the site that knows speaks; heads
        are added up over the zones, and missing where one zone does not tell.
    """
    rows = [_row(twin, site, item=item, at=at) for item in ITEMS]
    return {"site": site.id, "at": iso(at), "rows": [*rows, _people(twin, site, at=at)]}


def lines(twin: TwinReader, site: ThingKey, *, at: int, language: str = "zh") -> list[str]:
    """The same as lines of text, for a board that takes text."""
    told = feed(twin, site, at=at)
    return [f"{row[language]} {row['value']} {row['unit']}".rstrip() for row in told["rows"]]


def _row(twin: TwinReader, site: ThingKey, *, item: Item, at: int) -> dict[str, str]:
    for station in twin.within(site, "station"):
        found = twin.latest(station, item.indicator)
        if found is not None and 0 <= at - found.event_time <= FRESH:
            value = shown(found.value, item.inside, show=item.show)
            text = f"{value:.{item.decimals}f}"
            return _told(item.words, text, unit=item.label, time=iso(found.event_time))
    return _told(item.words, NOTHING, unit=item.label)


def _people(twin: TwinReader, site: ThingKey, *, at: int) -> dict[str, str]:
    counts = [twin.latest(zone, "head_count") for zone in twin.within(site, "zone")]
    known = [c for c in counts if c is not None and 0 <= at - c.event_time <= FRESH]
    words = Words("在场人数", "People on site")
    if not known or len(known) < len(counts):
        return _told(words, NOTHING)
    oldest = iso(min(c.event_time for c in known))
    return _told(words, str(round(sum(c.value for c in known))), time=oldest)


def _told(words: Words, value: str, *, unit: str = "", time: str = "") -> dict[str, str]:
    return {"zh": words.zh, "en": words.en, "value": value, "unit": unit, "time": time}
