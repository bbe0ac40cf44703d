"""The spray's control loop: hysteresis, a water budget, no water in rain or frost.

The same loop runs at the edge (one step an hour, or more often), is replayed on each closed day to
see whether it was obeyed, and is simulated to say what it would remove at what water.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from wuxin.packs.infrastructure.environment import hours_of
from wuxin.packs.infrastructure.figures import of_day
from wuxin.packs.infrastructure.limits import dust_limit
from wuxin.terms.clock import HOUR, SECOND, to_datetime
from wuxin.terms.names import ThingKey
from wuxin.terms.standards import DayView, Derived

FROST: Final = 275.15
"""Air (K) below which water would freeze on roads: 2 degC, this project's margin."""

RAIN: Final = 1e-4
"""Rain of an hour (m) that wets the ground by itself: one tip of a bucket, 0.1 mm."""

EFFICIENCY: Final = 0.49
"""Share of the site's own dust that spraying removes.

49 %: mean fall of PM10 by sprinkling at roads under construction in Lahore, Pakistan Journal of
Science 76(3), 2024, doi 10.57041/pjs.v76i03 (Sep).1194. Misting indoors gave 30 %.
"""

HALF: Final = 0.5
"""Of an hour: with more the spray counts as on."""

WETNESS: Final = 0.5
"""What is left of that share one hour after the spray stopped, and half again each hour: assumed,
since the same paper only says that the effect is strongest at once and wears off."""


class Settings(NamedTuple):
    """Start and stop (kg/m³), water in one hour and for a day (m³), first and last clock hour.

    Water is for the hours in which the site works: at night it would be spent on the city's air.
    """

    start: float
    stop: float
    hourly: float
    budget: float
    first: float = 0
    last: float = 23


class Seen(NamedTuple):
    """What a step sees: dust (kg/m³), air (K), rain (m), NaN where not known; and for which hour.

    ``hour`` is the clock hour (0 to 23) in which the spray is to run, the one after what was seen.
    """

    pm10: float
    air: float = float("nan")
    rain: float = float("nan")
    hour: int = 12


class State(NamedTuple):
    """Whether it sprays, the water used since midnight (m³), and steps without a value of dust."""

    on: bool = False
    used: float = 0.0
    blind: int = 0


def settings(limit: float, *, hourly: float, budget: float) -> Settings:
    """Start at 80 % of a limit (kg/m³) and stop at 60 %, so that noise does not switch a pump."""
    return Settings(0.8 * limit, 0.6 * limit, hourly, budget)


def step(state: State, seen: Seen, *, by: Settings) -> State:
    """One hour of control.

    Above ``start`` it sprays, below ``stop`` it stops, between it goes on as it was. One value
    that is missing changes nothing, a second stops it. Rain, frost and a spent budget stop it.
    """
    blind = state.blind + 1 if np.isnan(seen.pm10) else 0
    if blind:
        wanted = state.on and blind == 1
    else:
        wanted = seen.pm10 >= by.start or (state.on and seen.pm10 > by.stop)
    useless = seen.rain >= RAIN or seen.air < FROST or not by.first <= seen.hour <= by.last
    on = wanted and not useless and state.used + by.hourly <= by.budget + 1e-9
    return State(on, state.used + by.hourly * on, blind)


def spray_day(view: DayView) -> list[Derived]:
    """Spraying that the loop asked for and that was left out; water against the budget."""
    found: list[Derived] = []
    for sprayer in view.of("sprayer"):
        facts = view.facts(sprayer)
        budget = facts.get("water_budget", 0.0)
        found += _water(view, sprayer, budget=budget)
        hourly = facts.get("water_rate", 0.0) * HOUR / SECOND
        limit = dust_limit("pm10", view.facts(view.root).get("air_class"))
        by = settings(limit, hourly=hourly, budget=budget or np.inf)
        by = by._replace(first=facts.get("first_hour", 0), last=facts.get("last_hour", 23))
        found += _missed(view, sprayer, by=by)
    return found


def _water(view: DayView, sprayer: ThingKey, *, budget: float) -> list[Derived]:
    meter = view.series(sprayer, "water_total", days=2)
    if not (meter.t >= view.start).any():
        return []
    before = int(np.searchsorted(meter.t, view.start))
    steps = np.diff(meter.v[max(before - 1, 0) :])
    used = float(steps[steps > 0].sum())  # a meter that was changed begins anew
    found = [of_day(view, sprayer, name="water_used", value=used)]
    if budget > 0:
        found.append(of_day(view, sprayer, name="water_share", value=used / budget))
    return found


def _missed(view: DayView, sprayer: ThingKey, *, by: Settings) -> list[Derived]:
    """Replay the loop on the station's hours; an hour of which nothing is known is not missed."""
    stations = [s for s in view.of("station") if len(view.series(s, "pm10"))]
    told = view.series(sprayer, "spraying")
    if not stations or not len(told):
        return []
    dust, air, rain = (
        hours_of(
            view.series(stations[0], name), view.start, end=view.end,
            period=view.period(stations[0]),
        ).mean
        for name in ("pm10", "air_temperature", "rain")
    )  # fmt: skip
    done = hours_of(told, view.start, end=view.end, period=view.period(sprayer)).mean
    begun = 0.0 if np.isnan(done[0]) else float(done[0])
    missed, state = 0.0, State(begun >= HALF, by.hourly * begun)
    for hour in range(len(dust) - 1):  # a step acts in the hour after the one that it saw
        clock = to_datetime(view.start + (hour + 1) * HOUR, view.zone).hour
        state = step(state, Seen(dust[hour], air[hour], rain[hour], clock), by=by)
        if state.on and not np.isnan(done[hour + 1]):
            missed += max(0.0, 1 - float(done[hour + 1]))
    return [of_day(view, sprayer, name="spray_missed", value=missed * HOUR / SECOND)]


class Outcome(NamedTuple):
    """Hours over the limit without and with water, those no water can help, and what it took."""

    before: int
    after: int
    beyond: int
    water: float
    hours: int
    starts: int

    @property
    def removed(self) -> int:
        """Hours over the limit that the spray removed."""
        return self.before - self.after


def simulate(
    background: NDArray[np.float64],
    own: NDArray[np.float64],
    *,
    weather: Sequence[tuple[float, float]],
    limit: float,
    by: Settings,
) -> Outcome:
    """Run the loop on hours of a site from midnight on.

    Args:
        background: PM10 that comes with the air (n, kg/m³), NaN where it was not measured.
        own: PM10 that the site adds when dry (n, kg/m³); only this can be sprayed away.
        weather: air (K) and rain (m) of each hour (n), NaN where not known.
        limit: what an hour is held against (kg/m³).
        by: the loop's settings.

    Returns:
        Counts over the hours in which the background is known; water in m³.
    """
    state, wet, counts = State(), 0.0, [0, 0, 0, 0, 0]
    for hour, (air, rain) in enumerate(weather):
        wet = EFFICIENCY if state.on else wet * WETNESS
        dust = background[hour] + own[hour] * (1 - wet)
        if not np.isnan(dust):
            counts[0] += bool(background[hour] + own[hour] > limit)
            counts[1] += bool(dust > limit)
            counts[2] += bool(background[hour] > limit)
        was = state.on
        if hour % 24 == 23:
            state = state._replace(used=0.0)  # what is decided now runs after midnight
        state = step(state, Seen(float(dust), air, rain, (hour + 1) % 24), by=by)
        counts[3] += state.on
        counts[4] += state.on and not was
    before, after, beyond, hours, starts = counts
    return Outcome(before, after, beyond, hours * by.hourly, hours, starts)
