"""JT/T 808, the protocol of Chinese vehicle terminals, editions of 2013 and 2019.

With the signalling of JT/T 1078 and the active-safety alarms of Su-biao. `decode` reads a frame,
`split` cuts a stream into frames, `Assembler` joins sub-packages, `answers` builds what the
platform sends. All are pure: no clock, no socket.

Source: JT/T 808-2013, JT/T 808-2019, JT/T 1078-2016, T/JSATL 12-2017.
"""

from wuxin.protocols.jt808.assembler import Assembler
from wuxin.protocols.jt808.decoder import Answer, of_frame, opened
from wuxin.protocols.jt808.frame import split

__all__ = ["Assembler", "decode", "split"]


def decode(frame: bytes) -> Answer:
    """Decode one frame; never raises, whatever the bytes.

    Args:
        frame: a frame with its two flags 7e, or the same in hexadecimal.

    Returns:
        ``ok`` true with ``message`` (its name), ``id``, ``version``, ``phone``, ``serial``,
        ``fields`` (all, with their unit in the name), ``readings`` (``indicator``, ``value``,
        ``unit``; in a batch each with its ``time``), ``time`` (UTC) and ``marks`` (indicators
        without a reading, and why) where there are any, and ``part`` for a sub-package, which has
        no fields before it is joined; or ``ok`` false with ``error`` and ``at``, and the header
        where that could be read. The frames of a message in parts, one after the other, are
        decoded as the message.
    """
    found = opened(frame)
    if isinstance(found, dict):
        return _several(frame) or found
    return of_frame(found)


def _several(frames: bytes) -> Answer | None:
    """What the frames of one message in parts say together; None where they are no such thing."""
    cut = split(frames)
    first = opened(cut.frames[0]) if len(cut.frames) > 1 else {}
    if isinstance(first, dict) or len(cut.frames) != first.header.total:
        return None
    parts = Assembler(messages=1)
    answers = [parts.take(frame, 0) for frame in cut.frames]
    wrong = next((answer for answer in answers if not answer["ok"]), None)
    return wrong or next((answer for answer in answers if "parts" in answer), None)
