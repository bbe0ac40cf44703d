"""Places of devices that report them in a Chinese datum, back on WGS-84 where they come in.

For devices that do not say in which datum they are: the source does. Some 20 microseconds a place.
"""

from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from wuxin.protocols.native_batch import Messages
from wuxin.terms.datum import Place, wgs84
from wuxin.terms.interned import Interned

_PLACE: Final = ("latitude", "longitude")


class Decoder(Protocol):
    """What decodes the messages of a source."""

    names: list[str]
    devices: Interned

    def decode(self, payload: bytes, ends: NDArray[np.int32]) -> Messages:
        """Decode the messages that end at ``ends``."""
        ...


class Shifted:
    """A decoder whose places are on another datum than WGS-84.

    Args:
        decoder: decodes the messages.
        datum: one of :data:`wuxin.terms.datum.DATUMS`.

    Raises:
        BadInput: there is no such datum.
    """

    def __init__(self, decoder: Decoder, datum: str) -> None:
        wgs84(Place(0.0, 0.0), datum)
        self.names, self.devices = decoder.names, decoder.devices
        self.inner, self._datum = decoder, datum
        self._numbers = [self.names.index(n) for n in _PLACE if n in self.names]

    def decode(self, payload: bytes, ends: NDArray[np.int32]) -> Messages:
        """Decode the messages that end at ``ends``; a place takes both of its parts to be moved."""
        found = self.inner.decode(payload, ends)
        if len(self._numbers) < len(_PLACE):
            return found
        count = int(found.start[-1])
        north, east = (np.flatnonzero(found.indicator[:count] == n) for n in self._numbers)
        own, other = (np.searchsorted(found.start, p, side="right") for p in (north, east))
        _, first, second = np.intersect1d(own, other, return_indices=True)
        for n, e in zip(north[first].tolist(), east[second].tolist(), strict=True):
            place = Place(float(found.value[n]), float(found.value[e]))
            found.value[n], found.value[e] = wgs84(place, self._datum)
        return found
