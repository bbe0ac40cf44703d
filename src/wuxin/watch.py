"""The watch: time passes although nothing arrives.

    silence of a live thing, the end of its day, a deadline of the bank ──► ``pass_time``

Nothing is judged here. An entry says only how late it is; what falls silent and what is overdue is
found by the same steps as ever, so that the journal alone still gives the same again.
"""

import logging
from typing import Final

from wuxin.flow import PASSING
from wuxin.home import Home
from wuxin.packs import schema
from wuxin.sources import Source
from wuxin.stores.journal import Entry, Told
from wuxin.terms.beside import Beside
from wuxin.terms.clock import SECOND
from wuxin.terms.counter import BANK
from wuxin.terms.errors import Conflict
from wuxin.terms.records import Command
from wuxin.twin.layout import NEVER

ALLOWANCE: Final = 60 * SECOND
"""How long (ns) a message may be under way: a live source's present is the clock less this."""

EVERY_S: Final = 1.0
"""How often the clock is looked at."""

WHO: Final = "clock"

_LOG: Final = logging.getLogger("wuxin.watch")


class Watch(Beside):
    """Looks at the clock beside a home, in a thread of its own from entering to leaving.

    Args:
        home: whose time it is.
        allowance: how long a message of a live source may be under way (ns).
        every_s: seconds between two looks.
    """

    def __init__(self, home: Home, *, allowance: int = ALLOWANCE, every_s: float = EVERY_S) -> None:
        super().__init__("watch")
        self.home, self._allowance, self._every_s = home, allowance, every_s
        self._told: dict[str, int] = {}

    def look(self) -> int:
        """Journal that time has passed wherever something is due; returns for how many sources."""
        with self.home.standing() as flow:
            now = self.home.clock()
            due = {BANK: flow.bank.due()}
            for name, source in flow.sources.items():
                if name != BANK and source.decoder is not None and not source.ended:
                    due[name] = _due(source)
        present = {name: now if name == BANK else now - self._allowance for name in due}
        late = [name for name, at in due.items() if at <= present[name]]
        # What is still due after it was told is due for a reason that time does not mend.
        fresh = [name for name in late if self._told.get(name) != due[name]]
        self._told = {name: due[name] for name in late}
        if BANK in fresh and BANK not in self.home.flow.sources:
            self.home.attend(BANK, schema.COMMON)
        entries: list[Entry] = [
            Told(name, now, Command(PASSING, present[name], WHO)) for name in fresh
        ]
        if entries:
            self.home.accept_many(entries)
        return len(entries)

    def _run(self) -> None:
        while not self._end.wait(self._every_s):
            try:
                self.look()
            except Conflict as stopped:
                _LOG.error("the watch has ended: %s", stopped)
                return
            except Exception:
                _LOG.exception("the watch has ended")
                raise


def _due(source: Source) -> int:
    """The next event time at which something happens on a source if nothing arrives."""
    if source.midnight == NEVER:  # it was never heard
        return NEVER
    slots = source.line.registry.of(source.name)
    return min(source.midnight, source.line.twin.silent_after(slots))
