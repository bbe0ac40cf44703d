"""Silence: when the next thing becomes silent, and which have become so."""

import numpy as np
from numpy.typing import NDArray

from wuxin.terms.compiled import compiled
from wuxin.twin.layout import ALLOWED, LONG_AGO, NEVER, SEEN, SILENT, State


@compiled()
def next_silence(state: State, slots: NDArray[np.int32]) -> int:
    """The first moment (ns) at which one of these slots that still speaks becomes silent."""
    found = NEVER
    for slot in slots:
        seen, allowed = state.whole[slot, SEEN], state.whole[slot, ALLOWED]
        if not state.small[slot, SILENT] and seen != LONG_AGO and allowed != NEVER:
            found = min(found, seen + allowed)
    return found


@compiled()
def silenced(state: State, slots: NDArray[np.int32], now: int, found: NDArray[np.int32]) -> int:
    """Mark which slots of these are silent at ``now`` and were not yet marked so.

    Returns:
        How many there are; they stand in ``found``, which has room for all slots.
    """
    count = 0
    for slot in slots:
        seen, allowed = state.whole[slot, SEEN], state.whole[slot, ALLOWED]
        if state.small[slot, SILENT] or seen == LONG_AGO or allowed == NEVER:
            continue
        if now - seen >= allowed:
            state.small[slot, SILENT] = 1
            found[count] = slot
            count += 1
    return count
