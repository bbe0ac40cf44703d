"""Rows for tests, from messages written by hand."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from wuxin.terms.records import NO_SEQUENCE
from wuxin.twin.layout import Rows


class Said(NamedTuple):
    """One message: the slot of its thing, its event time (ns), values by number, boot and seq."""

    thing: int
    at: int
    values: Mapping[int, float]
    boot: int = 0
    seq: int = NO_SEQUENCE


def rows_of(messages: Sequence[Said], line: int = 0) -> Rows:
    """These messages as rows; references count them from ``line``."""
    cells = [cell for m in messages for cell in m.values.items()]
    head = [(m.thing, m.at, m.boot, m.seq, line + i, line + i) for i, m in enumerate(messages)]
    return Rows(
        np.array(head, np.int64).reshape(-1, 6),
        np.cumsum([0, *(len(m.values) for m in messages)]).astype(np.int32),
        np.array([number for number, _ in cells], np.int32),
        np.array([value for _, value in cells], np.float64),
        np.zeros(len(cells), np.uint8),
    )
