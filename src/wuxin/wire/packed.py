"""Messages of devices in one frame, as the journal holds them: bytes, and where each ends."""

from collections.abc import Iterator, Sequence

import numpy as np

from wuxin.terms.records import Frame


def packed(source: str, messages: Sequence[bytes], *, stream: int = 0) -> Frame:
    """One frame of messages in the order in which they arrived.

    Its ``lines`` hold, for each message, the little-endian int32 offset behind its last byte.
    ``stream`` says how well it is known who sent them (:class:`wuxin.terms.ports.Trust`).
    """
    ends = np.cumsum([len(message) for message in messages], dtype=np.int64).astype("<i4")
    return Frame(source, stream, b"".join(messages), ends.tobytes())


def messages(frame: Frame) -> Iterator[bytes]:
    """The messages of a packed frame, in order."""
    begin = 0
    for end in np.frombuffer(frame.lines, "<i4").tolist():
        yield frame.payload[begin:end]
        begin = end


def message(frame: Frame, number: int) -> bytes:
    """One message of a packed frame by its number (IndexError if there is none)."""
    ends = np.frombuffer(frame.lines, "<i4")
    if not 0 <= number < len(ends):
        raise IndexError(number)
    return frame.payload[int(ends[number - 1]) if number else 0 : int(ends[number])]
