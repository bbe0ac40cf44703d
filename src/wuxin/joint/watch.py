"""How a node watches the other two while a job runs, and when it gives up."""

import time
from collections.abc import Callable
from typing import Final

from wuxin.joint.job import Job
from wuxin.terms.errors import Conflict

LOST_AFTER: Final = 3
"""Looks in a row without an answer until a node counts as gone."""

LINK_S: Final = 10.0
"""How long the line may take once all three run; on loopback and between cities it is under one."""


class Watch:
    """What one node knows of the others in one job.

    Args:
        job: the job.
        name: the node that watches.
        look: gives the state of a node by name, empty where it does not answer, and raises where
            it has ended the job.
    """

    def __init__(self, job: Job, name: str, *, look: Callable[[str], str]) -> None:
        self._contract, self._look = job.contract, look
        self._misses = {each: 0 for each in job.contract.nodes if each != name}
        # Until the line stands, the other two may still wait for their inputs.
        self._until = time.monotonic() + job.contract.wait_s + job.contract.run_s
        self._linked = False
        self._all_run_since = 0.0

    def linked(self) -> None:
        """The line stands: from now on the run's own deadline counts."""
        self._linked, self._until = True, time.monotonic() + self._contract.run_s

    def check(self) -> None:
        """Look at the others and at the time.

        Raises:
            Conflict: a node is gone or has ended the job, the line does not come about, or the
                deadline is over; the sentence names the node where there is one to name.
        """
        states = {name: self._look(name) for name in self._misses}
        for name, state in states.items():
            self._misses[name] = 0 if state else self._misses[name] + 1
            if self._misses[name] >= LOST_AFTER:
                raise Conflict(f"{name} does not answer any more")
        now = time.monotonic()
        if now > self._until:
            slow = [name for name, times in self._misses.items() if times]
            said = f"; {', '.join(slow)} did not answer" if slow else ""
            raise Conflict(f"the run was not over within {self._contract.run_s} s{said}")
        if self._linked or set(states.values()) != {"running"}:
            self._all_run_since = 0.0
        elif not self._all_run_since:
            self._all_run_since = now
        elif now - self._all_run_since > LINK_S:
            raise Conflict(
                f"the line between the nodes did not come about within {LINK_S:.0f} s: one of them "
                "cannot be reached, or its certificate is not of the nodes' authority"
            )

    def gone(self) -> list[str]:
        """The nodes that do not answer at this moment."""
        found = []
        for name in self._misses:
            try:
                there = self._look(name)
            except Conflict:
                continue  # it answers, to say that it has ended the job
            if not there:
                found.append(name)
        return found
