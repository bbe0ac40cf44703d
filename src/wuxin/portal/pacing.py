"""Paces a replay: event time runs a given number of times faster than the clock on the wall."""

import threading
from typing import Final

_LONGEST: Final = 2.0


class Pace:
    """Call it with each event time (ns); it sleeps until that moment is due.

    Args:
        speed: seconds of event time per second of waiting; 0 never waits. Gaps in a recording
            wait two seconds at most.
        over: set when nothing is to be waited for any more.
    """

    def __init__(self, speed: float, over: threading.Event) -> None:
        self.speed, self.over = speed, over
        self._at: int | None = None

    def __call__(self, event_time: int) -> None:
        """Wait until that event time is due."""
        if self.speed and self._at is not None:
            self.over.wait(min(max(0.0, (event_time - self._at) / 1e9 / self.speed), _LONGEST))
        self._at = event_time
