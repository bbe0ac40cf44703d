"""From an event of the twin to a finding with its reasons, in words a loan officer would use."""

import math
from collections.abc import Mapping

from wuxin.terms.names import Tenant, ThingKey
from wuxin.terms.records import Cause, Finding, Words
from wuxin.terms.standards import Indicator, Rule
from wuxin.terms.units import shown


def reasons(
    rule: Rule, indicator: Indicator | None, *, value: float | None, limit: float | None
) -> tuple[Words, ...]:
    """The rule's sentence with value and limit in the unit that people read."""
    said = {"value": quantity(value, indicator), "limit": quantity(limit, indicator)}
    return (Words(rule.words.zh.format(**said), rule.words.en.format(**said)),)


def quantity(value: float | None, indicator: Indicator | None) -> str:
    """A value with its unit as people read it; a dash where there is none."""
    if value is None:
        return "—"
    if indicator is None:
        return f"{value:.4g}"
    number = shown(value, indicator.unit, show=indicator.show)
    unit = "" if indicator.show == "1" else f" {indicator.show.replace('degC', '°C')}"
    if number == round(number) and abs(number) < 1e6:
        return f"{number:,.0f}{unit}".replace(" %", "%")
    digits = max(0, 3 - math.floor(math.log10(abs(number)))) if number else 0
    text = f"{number:,.{min(digits, 6)}f}"
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return f"{text}{unit}".replace(" %", "%")


def finding(
    tenant: Tenant,
    thing: ThingKey,
    *,
    rule: Rule,
    indicators: Mapping[str, Indicator],
    figures: tuple[int, int, float, float | None],
    because: tuple[Cause, ...],
) -> Finding:
    """A finding from a rule that has been raised.

    Args:
        tenant: whose thing it is.
        thing: on what the rule was raised.
        rule: the rule.
        indicators: the pack's indicators.
        figures: since and raised (ns), the value (NaN where none) and the limit, both SI.
        because: the frames behind it.
    """
    since, raised, number, limit = figures
    indicator = indicators.get(rule.value)
    value = None if math.isnan(number) else number
    return Finding(
        tenant=tenant,
        thing=thing,
        rule=rule.name,
        level=rule.level,
        since=since,
        raised=raised,
        value=value,
        limit=limit,
        unit=indicator.unit if indicator else "",
        reasons=reasons(rule, indicator, value=value, limit=limit),
        because=because,
    )
