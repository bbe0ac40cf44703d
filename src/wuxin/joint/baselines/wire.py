"""What goes between two parties, as bytes: counted, and kept for whoever looks at it afterwards."""

from typing import Final

import numpy as np

from wuxin.joint.split import Floats

HEAD: Final = 16
"""Bytes of a message beside its numbers: kind, shape and length."""


class Wire:
    """A line between two parties; ``seen`` is what passed, by kind, in order."""

    def __init__(self) -> None:
        self.bytes = 0
        self.seen: dict[str, list[Floats]] = {}

    def send(self, kind: str, numbers: Floats) -> Floats:
        """Send numbers as doubles; returns what arrives."""
        data = np.ascontiguousarray(numbers, "<f8").tobytes()
        self.bytes += len(data) + HEAD
        arrived: Floats = np.frombuffer(data, "<f8").reshape(numbers.shape).astype(np.float64)
        self.seen.setdefault(kind, []).append(arrived)
        return arrived
