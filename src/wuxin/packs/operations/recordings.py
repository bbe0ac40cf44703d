"""Double recording (双录): whether every sale is recorded, whole, audible and confirmed."""

from collections.abc import Mapping
from typing import Final

import numpy as np

from wuxin.packs.operations.spans import during, of_day, total
from wuxin.terms.clock import HOUR, SECOND
from wuxin.terms.names import ThingKey
from wuxin.terms.standards import DayView, Derived

SESSION: Final = (
    "session_length", "audio_share", "video_share", "faces_seen", "prompts_read",
    "prompts_required", "customer_confirmed", "clip_stored",
)  # fmt: skip
"""What a recording system says of one recorded sale, in one message."""

SHORTEST: Final = 60.0
"""Seconds below which no sale with its prompts can have been recorded."""

AUDIBLE, VISIBLE, TOGETHER = 0.95, 0.98, 2
"""Least share of time with sound, with picture, and the people who must be in it."""

STANDS: Final = 3 * HOUR
"""How long (ns) a recorder's last word stands: the silence that it is allowed."""


def failed(session: Mapping[str, float]) -> tuple[str, ...]:
    """The checks that a recording does not pass, by name; a figure that is missing does not pass.

    Args:
        session: values of :data:`SESSION`, as far as they were told.

    Source: CBRC, Interim Provisions on audio and video recording in sales areas of banking
    institutions (yin jian ban fa 2017 No. 110): the whole sale, its risk prompts and the
    customer's confirmation, clear and traceable. The thresholds are this project's.
    """

    def less(name: str, least: float) -> bool:
        return not session.get(name, np.nan) >= least

    checks = (
        ("too_short", less("session_length", SHORTEST)),
        ("no_sound", less("audio_share", AUDIBLE)),
        ("no_picture", less("video_share", VISIBLE)),
        ("not_together", less("faces_seen", TOGETHER)),
        ("prompt_missing", less("prompts_read", session.get("prompts_required", np.inf))),
        ("not_confirmed", less("customer_confirmed", 1)),
        ("not_stored", less("clip_stored", 1)),
    )
    return tuple(name for name, fails in checks if fails)


def sessions(view: DayView, desk: ThingKey) -> list[dict[str, float]]:
    """The day's recorded sales at a desk: each message's figures by name, in order."""
    rows: dict[int, dict[str, float]] = {}
    for name in SESSION:
        series = view.series(desk, name)
        for t, v in zip(series.t.tolist(), series.v.tolist(), strict=True):
            rows.setdefault(t, {})[name] = v
    return [rows[t] for t in sorted(rows)]


def recording_day(view: DayView) -> list[Derived]:
    """Recordings checked and failed, sales without one, and the recorders' gaps."""
    found: list[Derived] = []
    sums = {"recordings_checked": 0, "recordings_failed": 0, "sales_unrecorded": 0}
    desks = view.of("sales_desk")
    for desk in desks:
        taken = sessions(view, desk)
        figures = {
            "recordings_checked": len(taken),
            "recordings_failed": sum(bool(failed(one)) for one in taken),
        }
        sold = _sold(view, desk)
        if sold is not None:
            kept = sum(one.get("clip_stored", 0) > 0 for one in taken)
            figures["sales_unrecorded"] = max(0, sold - kept)
        for name, value in figures.items():
            sums[name] += value
            found.append(of_day(view, desk, name=name, value=float(value)))
    if desks and view.root.kind == "branch":
        checked = sums["recordings_checked"]
        if checked:
            share = 1 - sums["recordings_failed"] / checked
            found.append(of_day(view, view.root, name="recording_pass_share", value=share))
        found += [of_day(view, view.root, name=name, value=float(v)) for name, v in sums.items()]
    return [*found, *_recorders(view)]


def _sold(view: DayView, desk: ThingKey) -> int | None:
    """Sales of the day from the cumulative count; None where the day before said nothing."""
    series = view.series(desk, "sales_booked", days=14)
    today = series.t >= view.start
    if not today.any() or today.all():
        return None
    return max(0, round(float(series.v[-1] - series.v[~today][-1])))


def _recorders(view: DayView) -> list[Derived]:
    found = []
    for recorder in view.of("recorder"):
        series = view.series(recorder, "recording", days=2)
        if not len(series):
            continue
        idle = during(
            lambda on: on is None or on < 1, series, start=max(view.start, int(series.t[0])),
            end=view.end, stale=(STANDS,),
        )  # fmt: skip
        found.append(of_day(view, recorder, name="recording_gap", value=total(idle) / SECOND))
    return found
