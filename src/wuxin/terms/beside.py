"""What runs beside the rest, in a thread of its own, from entering to leaving."""

import threading
from typing import Self


class Beside:
    """A thread that begins when it is entered, and is told to end when it is left.

    Args:
        name: the thread's name.
        patience_s: how long it may take to end (s); None for as long as it takes.
    """

    def __init__(self, name: str, *, patience_s: float | None = None) -> None:
        self._patience_s = patience_s
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def _run(self) -> None:
        """Go on until ``_end`` is set."""
        raise NotImplementedError

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        self._thread.join(self._patience_s)
