"""The quick reader of Wuxin's own frame: compiled, without the GIL, and sure or silent.

It reads what a device writes that does not vary its JSON: no spaces, keys in the order device,
boot, seq, time, readings, printable ASCII without escapes, times in UTC, numbers of up to 15 digits
without exponent. Anything else it declines, message by message, and :mod:`wuxin.protocols.native`
decides. What it accepts it reads exactly as that would (RFC 8259, RFC 3339).

Cost model: O(bytes), about 2 ns each.
"""

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from wuxin.terms.compiled import compiled
from wuxin.terms.interned import BASIS, PRIME, Names, number_of

READ: Final = 0
DECLINED: Final = 1
UNKNOWN: Final = 2

_LONGEST: Final = 128
_BOOT: Final = 64
_READINGS: Final = 64
_DIGITS: Final = 15
_POWERS: Final = 10.0 ** np.arange(23)
_DAYS: Final = np.array([0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334, 365], np.int64)
_DEVICE: Final = np.frombuffer(b'{"device":"', np.uint8).copy()
_RUN: Final = np.frombuffer(b'","boot":"', np.uint8).copy()
_SEQ: Final = np.frombuffer(b'","seq":', np.uint8).copy()
_TIME: Final = np.frombuffer(b',"time":"', np.uint8).copy()
_VALUES: Final = np.frombuffer(b'","readings":{', np.uint8).copy()


class Found(NamedTuple):
    """What was read.

    By message ``status``, ``head`` (m, 6), where its device stands in the payload and where its
    readings end; by reading indicator and value.
    """

    status: NDArray[np.uint8]
    head: NDArray[np.int64]
    device: NDArray[np.int32]
    ends: NDArray[np.int32]
    indicator: NDArray[np.int32]
    value: NDArray[np.float64]


@compiled(inner=True)
def _follows(data: NDArray[np.uint8], at: int, stop: int, wanted: NDArray[np.uint8]) -> int:
    """The place behind ``wanted`` if it stands at ``at``, else -1."""
    if at < 0 or at + len(wanted) > stop:
        return -1
    for k in range(len(wanted)):
        if data[at + k] != wanted[k]:
            return -1
    return at + len(wanted)


@compiled(inner=True)
def _text(data: NDArray[np.uint8], at: int, stop: int, most: int) -> tuple[int, np.uint64]:
    """The end of plain text that begins at ``at`` and its hash; -1 where it is not plain."""
    key, end = BASIS, at
    while end < stop and data[end] != 34:
        byte = data[end]
        if byte < 32 or byte > 126 or byte == 92:
            return -1, key
        key = (key ^ np.uint64(byte)) * PRIME
        end += 1
    if end == at or end >= stop or end - at > most or data[at] == 32 or data[end - 1] == 32:
        return -1, key
    return end, key


@compiled(inner=True)
def _whole(data: NDArray[np.uint8], at: int, stop: int, most: int) -> tuple[int, int, int]:
    """Digits from ``at``: their end (-1: none, too many, or a leading zero) and their value."""
    end, value = at, np.int64(0)
    while end < stop and 48 <= data[end] <= 57 and end - at < most:
        value = value * 10 + (data[end] - 48)
        end += 1
    bad = end == at or (data[at] == 48 and end - at > 1)
    bad |= end < stop and 48 <= data[end] <= 57
    return (-1 if bad else end), value, end - at


@compiled(inner=True)
def _digits(data: NDArray[np.uint8], at: int, count: int) -> int:
    """The value of exactly so many digits, -1 where one is none."""
    value = np.int64(0)
    for k in range(at, at + count):
        if not 48 <= data[k] <= 57:
            return -1
        value = value * 10 + (data[k] - 48)
    return value


@compiled(inner=True)
def _time(data: NDArray[np.uint8], at: int, stop: int) -> tuple[int, int]:
    """The end of a time in UTC at ``at`` and its nanoseconds; end -1 where it is none."""
    if stop - at < 20:
        return -1, 0
    marks = data[at + 4] == 45 and data[at + 7] == 45 and data[at + 10] == 84
    if not (marks and data[at + 13] == 58 and data[at + 16] == 58):
        return -1, 0
    year, month, day = _digits(data, at, 4), _digits(data, at + 5, 2), _digits(data, at + 8, 2)
    hour, minute = _digits(data, at + 11, 2), _digits(data, at + 14, 2)
    second = _digits(data, at + 17, 2)
    leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    if not (1700 <= year <= 2200 and 1 <= month <= 12 and day >= 1):
        return -1, 0
    length = _DAYS[month] - _DAYS[month - 1] + (1 if leap and month == 2 else 0)
    if day > length or not (0 <= hour < 24 and 0 <= minute < 60 and 0 <= second < 60):
        return -1, 0
    before = year - 1
    days = before * 365 + before // 4 - before // 100 + before // 400 + _DAYS[month - 1] + day - 1
    days += (1 if leap and month > 2 else 0) - 719162
    nanos = ((days * 24 + hour) * 60 + minute) * 60 + second
    end, fraction = at + 19, np.int64(0)
    if data[end] == 46:
        end, count = end + 1, 0
        while end < stop and 48 <= data[end] <= 57 and count < 6:
            fraction = fraction * 10 + (data[end] - 48)
            end, count = end + 1, count + 1
        if count == 0:
            return -1, 0
        for _ in range(9 - count):
            fraction *= 10
    if end >= stop or data[end] != 90:
        return -1, 0
    return end + 1, nanos * 1_000_000_000 + fraction


@compiled(inner=True)
def _number(data: NDArray[np.uint8], at: int, stop: int) -> tuple[int, float]:
    """The end of a number at ``at`` and its value; end -1 where it is not surely exact.

    Up to 15 digits fit a double, and so does the power of ten: one division is rounded once, which
    is what reading the decimal exactly gives (Clinger 1990, the fast path).
    """
    negative = at < stop and data[at] == 45
    end, mantissa, count = _whole(data, at + 1 if negative else at, stop, _DIGITS)
    if end < 0:
        return -1, 0.0
    places = 0
    if end < stop and data[end] == 46:
        end += 1
        while end < stop and 48 <= data[end] <= 57 and count < _DIGITS:
            mantissa = mantissa * 10 + (data[end] - 48)
            end, places, count = end + 1, places + 1, count + 1
        if places == 0:
            return -1, 0.0
    if end >= stop or (data[end] != 44 and data[end] != 125) or (negative and mantissa == 0):
        return -1, 0.0
    value = np.float64(mantissa) / _POWERS[places]
    return end, (-value if negative else value)


@compiled(inner=True)
def _message(
    data: NDArray[np.uint8],
    span: tuple[int, int],
    things: Names,
    names: Names,
    found: Found,
    i: int,
) -> int:
    """Read one message into ``found``; its readings begin where the last message's end."""
    at, stop = span
    start = _follows(data, at, stop, _DEVICE)
    if start < 0:
        return DECLINED
    end, key = _text(data, start, stop, _LONGEST)
    at = _follows(data, end, stop, _RUN)
    if at < 0:
        return DECLINED
    head = found.head[i]
    found.device[i, 0], found.device[i, 1] = start, end
    head[0] = number_of(things, data, start, end, key)
    end, run = _text(data, at, stop, _BOOT)
    at = _follows(data, end, stop, _SEQ)
    if at < 0:
        return DECLINED
    at, head[3], _ = _whole(data, at, stop, 18)
    head[2] = np.int64(run)
    at = _follows(data, at, stop, _TIME)
    if at < 0:
        return DECLINED
    at, head[1] = _time(data, at, stop)
    at = _follows(data, at, stop, _VALUES)
    if at < 0 or not _readings(data, (at, stop), names, found, i):
        return DECLINED
    return READ if head[0] >= 0 else UNKNOWN


@compiled(inner=True)
def _again(data: NDArray[np.uint8], at: int, stop: int, names: Names, number: int) -> int:
    """The end of the name at ``at`` if it is, up to its quote, that of ``number``; else -1."""
    begin = names.ends[number - 1] if number else np.int64(0)
    end = at + names.ends[number] - begin
    if end >= stop or data[end] != 34:
        return -1
    for k in range(end - at):
        if data[at + k] != names.text[begin + k]:
            return -1
    return end


@compiled(inner=True)
def _readings(
    data: NDArray[np.uint8], span: tuple[int, int], names: Names, found: Found, i: int
) -> bool:
    """Read the readings of message ``i`` up to the end of the message; whether all are plain.

    Devices of one kind name their indicators in one order, so each name is first compared with the
    one at its place in the message before: measured, that saves three tenths of the scan.
    """
    at, stop = span
    first = np.int64(found.ends[i])
    before = np.int64(found.ends[i - 1]) if i else first
    n = first
    while at < stop and n - first < _READINGS:
        if data[at] != 34:
            return False
        number, end = np.int64(-1), np.int64(-1)
        guess = before + n - first
        if guess < first:
            number = np.int64(found.indicator[guess])
            end = _again(data, at + 1, stop, names, number)
        if end < 0:
            end, key = _text(data, at + 1, stop, _BOOT)
            number = number_of(names, data, at + 1, end, key)
        if end < 0 or end + 1 >= stop or data[end + 1] != 58:
            return False
        at, value = _number(data, end + 2, stop)
        if number < 0 or at < 0:
            return False
        for k in range(first, n):
            if found.indicator[k] == number:
                return False
        found.indicator[n], found.value[n] = number, value
        n += 1
        if data[at] == 125:
            found.ends[i + 1] = n
            return at + 2 == stop and data[at + 1] == 125
        at += 1
    return False


@compiled()
def scan(
    data: NDArray[np.uint8], ends: NDArray[np.int32], things: Names, names: Names, found: Found
) -> None:
    """Read messages that end at ``ends`` into ``found``; what is declined leaves no readings."""
    found.ends[0] = 0
    begin = 0
    for i in range(len(ends)):
        stop = np.int64(ends[i])
        found.status[i] = _message(data, (begin, stop), things, names, found, i)
        if found.status[i] == DECLINED:
            found.ends[i + 1] = found.ends[i]
        begin = stop
