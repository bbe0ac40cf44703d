"""Paces a replay: event time runs a given number of times faster than the clock on the wall."""

import time
from typing import Final

_LONGEST: Final = 2.0


class Pace:
    """Call it with each event time (ns); it sleeps until that moment is due.

    Args:
        speed: seconds of event time per second of waiting; 0 never waits. Gaps in a recording
            wait two seconds at most.
    """

    def __init__(self, speed: float) -> None:
        self.speed = speed
        self._at: int | None = None

    def __call__(self, event_time: int) -> None:
        """Wait until that event time is due."""
        if self.speed and self._at is not None:
            time.sleep(min(max(0.0, (event_time - self._at) / 1e9 / self.speed), _LONGEST))
        self._at = event_time
