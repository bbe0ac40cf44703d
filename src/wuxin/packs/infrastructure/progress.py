"""Progress against plan and drawdown: earned value, weighted by contract sums."""

from typing import Final

from wuxin.packs.infrastructure.figures import of_day
from wuxin.terms.standards import DayView, Derived, Series

RECENT: Final = 45
"""Days for which a survey stands."""


def progress_day(view: DayView) -> list[Derived]:
    """Earned and planned progress, claims ahead of surveys, money ahead of work.

    A package that is due and was not surveyed, or of which nothing is known, leaves the site
    without a figure of progress; one that is not yet due counts as not begun.
    """
    found: list[Derived] = []
    weights = earned = planned = 0.0
    unmeasured = unknown = 0
    for package in view.of("work_package"):
        weight = view.facts(package).get("weight", 0.0)
        plan, seen, claim = (
            _last(view.series(package, f"progress_{name}", days=RECENT))
            for name in ("planned", "measured", "claimed")
        )
        if seen is not None and claim is not None:
            found.append(of_day(view, package, name="claim_gap", value=claim - seen))
        if seen is None:
            unmeasured += plan is not None and plan > 0
            unknown += plan is None
        weights += weight
        earned += weight * (seen or 0.0)
        planned += weight * (plan or 0.0)
    if view.root.kind != "site" or not view.of("work_package"):
        return found
    found.append(of_day(view, view.root, name="packages_unmeasured", value=float(unmeasured)))
    if unmeasured or unknown or weights <= 0:
        return found
    return found + _site(view, earned / weights, planned=planned / weights)


def _site(view: DayView, earned: float, *, planned: float) -> list[Derived]:
    found = [of_day(view, view.root, name="earned_share", value=earned)]
    if planned > 0:
        found.append(of_day(view, view.root, name="schedule_performance", value=earned / planned))
    drawn = _last(view.series(view.root, "drawn_share", days=RECENT))
    if drawn is not None:
        found.append(of_day(view, view.root, name="drawdown_gap", value=drawn - earned))
    return found


def _last(series: Series) -> float | None:
    return float(series.v[-1]) if len(series) else None
