"""Values of the protocol: numbers, codes, flags, texts, digits and times.

Numbers are big-endian. Times are BCD in GMT+8 and become ISO 8601 in UTC.

Source: JT/T 808-2013 and -2019, data types and byte order.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timezone
from typing import Any, Final

from wuxin.protocols.jt808.layout import Cursor, Malformed
from wuxin.protocols.octets import BEIJING, utc
from wuxin.terms.errors import BadInput

_CHARACTERS: Final = "gb18030"  # a superset of the standard's GBK


class Number:
    """A whole number of so many bytes; ``scale`` steps make one of the field's unit."""

    def __init__(self, size: int, *, scale: int = 1, signed: bool = False) -> None:
        self.size, self.scale, self.signed = size, scale, signed

    def read(self, c: Cursor) -> int | float:
        """The number, divided by the scale where there is one."""
        found = int.from_bytes(c.take(self.size), "big", signed=self.signed)
        return found if self.scale == 1 else found / self.scale

    def write(self, value: Any, version: str) -> bytes:  # noqa: ARG002 - the same in each version
        """The number in its bytes."""
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise BadInput(f"{value!r} is not a number")
        try:
            steps = round(value * self.scale)
            return steps.to_bytes(self.size, "big", signed=self.signed)
        except (OverflowError, ValueError):
            raise BadInput(f"{value} does not fit in {self.size} bytes") from None


U8: Final = Number(1)
U16: Final = Number(2)
U32: Final = Number(4)
U64: Final = Number(8)
DEGREES: Final = Number(4, scale=1_000_000)


class Choice:
    """A code with names; one without a name stays a number."""

    def __init__(self, names: Mapping[int, str], number: Number = U8) -> None:
        self.names, self.number = dict(names), number
        self.codes = {name: code for code, name in self.names.items()}

    def read(self, c: Cursor) -> str | int:
        """The name of the code, or the code."""
        code = int(self.number.read(c))
        return self.names.get(code, code)

    def write(self, value: Any, version: str) -> bytes:
        """The code of a name, or the code itself."""
        if isinstance(value, str) and value not in self.codes:
            raise BadInput(f"{value!r} is none of {', '.join(self.codes)}")
        return self.number.write(self.codes[value] if isinstance(value, str) else value, version)


class Bits:
    """A word of flags; read as the list of those that are set, ``bit_n`` where one has no name."""

    def __init__(self, number: Number, names: Mapping[int, str]) -> None:
        self.number, self.names = number, dict(names)
        self.bits = {name: bit for bit, name in self.names.items()}

    def read(self, c: Cursor) -> list[str]:
        """The names of the bits that are set, lowest first."""
        return self.named(int(self.number.read(c)))

    def named(self, word: int) -> list[str]:
        """The names of the bits that are set in a number."""
        found = []
        while word:
            bit = (word & -word).bit_length() - 1
            found.append(self.names.get(bit) or f"bit_{bit}")
            word &= word - 1
        return found

    def write(self, value: Any, version: str) -> bytes:
        """The word with the named bits set; a number is taken as it is."""
        if isinstance(value, int):
            return self.number.write(value, version)
        if isinstance(value, str) or not isinstance(value, Sequence):
            raise BadInput(f"{value!r} is not a list of flags")
        return self.number.write(sum({1 << self._bit(name) for name in value}), version)

    def _bit(self, name: str) -> int:
        tail = name.removeprefix("bit_")
        if name in self.bits:
            return self.bits[name]
        if tail.isdecimal() and int(tail) < 8 * self.number.size:
            return int(tail)
        raise BadInput(f"there is no flag {name!r}")


class Text:
    """Characters in GBK: ``size`` bytes padded with zeros, or all that are left."""

    def __init__(self, size: int | None = None) -> None:
        self.size = size

    def read(self, c: Cursor) -> str:
        """The text without the zeros around it; bytes that are no character become U+FFFD."""
        raw = c.take(c.left if self.size is None else self.size)
        return raw.decode(_CHARACTERS, errors="replace").strip("\0")

    def write(self, value: Any, version: str) -> bytes:  # noqa: ARG002 - the same in each version
        """The bytes of a text, padded behind."""
        try:
            raw = str(value).encode(_CHARACTERS)
        except UnicodeEncodeError:
            raise BadInput(f"{value!r} cannot be written in GBK") from None
        if self.size is not None and len(raw) > self.size:
            raise BadInput(f"{value!r} is longer than {self.size} bytes")
        return raw if self.size is None else raw.ljust(self.size, b"\0")


class Raw:
    """Bytes that stay bytes, shown in hexadecimal: ``size`` of them, or all that are left."""

    def __init__(self, size: int | None = None) -> None:
        self.size = size

    def read(self, c: Cursor) -> str:
        """The bytes in hexadecimal."""
        return c.take(c.left if self.size is None else self.size).hex()

    def write(self, value: Any, version: str) -> bytes:  # noqa: ARG002 - the same in each version
        """The bytes of hexadecimal digits."""
        try:
            raw = bytes.fromhex(value)
        except (ValueError, TypeError):
            raise BadInput(f"{value!r} is not hexadecimal") from None
        if self.size is not None and len(raw) != self.size:
            raise BadInput(f"{value!r} is not {self.size} bytes")
        return raw


class Digits:
    """BCD digits, two in a byte, kept as text with their leading zeros."""

    def __init__(self, size: int) -> None:
        self.size = size

    def read(self, c: Cursor) -> str:
        """The digits."""
        start = c.at
        found = c.take(self.size).hex()
        if not found.isdecimal():
            raise Malformed(f"{found!r} are not decimal digits (BCD)", start)
        return found

    def write(self, value: Any, version: str) -> bytes:  # noqa: ARG002 - the same in each version
        """The digits in their bytes, with zeros in front where there are fewer."""
        text = str(value)
        if not (text.isascii() and text.isdecimal()) or len(text) > 2 * self.size:
            raise BadInput(f"{value!r} is not at most {2 * self.size} decimal digits")
        return bytes.fromhex(text.zfill(2 * self.size))


class Moment:
    """A time YYMMDDhhmmss in BCD, GMT+8; all zeros mean that there is none."""

    def __init__(self, zone: timezone = BEIJING) -> None:
        self.zone = zone

    def read(self, c: Cursor) -> str | None:
        """The time in UTC, ISO 8601."""
        start = c.at
        digits = c.take(6).hex()
        if digits == "000000000000":
            return None
        try:
            year, month, day, hour, minute, second = (
                int(digits[i : i + 2]) for i in range(0, 12, 2)
            )
            date = datetime(2000 + year, month, day, tzinfo=self.zone)
            local = date.replace(hour=hour, minute=minute, second=second)
        except ValueError:
            raise Malformed(f"{digits!r} is not a time YYMMDDhhmmss", start) from None
        return utc(local)

    def write(self, value: Any, version: str) -> bytes:  # noqa: ARG002 - the same in each version
        """The bytes of an ISO 8601 time with its offset, or of none."""
        if value is None:
            return bytes(6)
        try:
            moment = datetime.fromisoformat(value)
        except (ValueError, TypeError):
            raise BadInput(f"{value!r} is not an ISO 8601 time") from None
        if moment.tzinfo is None:
            raise BadInput(f"{value!r} has no offset; write 2022-01-02T12:00:00Z")
        local = moment.astimezone(self.zone)
        if local.year not in range(2000, 2100):
            raise BadInput(f"{value!r} is not in the years 2000 to 2099")
        return bytes.fromhex(local.strftime("%y%m%d%H%M%S"))


class Daily:
    """A time as of `Moment`, or one of every day, ``hh:mm:ss+08:00``, where the date is zeros."""

    _AT: Final = re.compile(r"([01]\d|2[0-3]):([0-5]\d):([0-5]\d)\+08:00", re.ASCII)

    def read(self, c: Cursor) -> str | None:
        """The time in UTC, or the time of day in GMT+8."""
        if c.data[c.at : min(c.at + 3, c.end)] != bytes(3):
            return Moment().read(c)
        start = c.at
        digits = c.take(6).hex()[6:]
        text = f"{digits[:2]}:{digits[2:4]}:{digits[4:]}+08:00"
        if not self._AT.fullmatch(text):
            raise Malformed(f"{digits!r} is not a time of day hhmmss", start)
        return text

    def write(self, value: Any, version: str) -> bytes:
        """The bytes of either."""
        found = self._AT.fullmatch(value) if isinstance(value, str) else None
        return (
            bytes.fromhex("000000" + "".join(found.groups()))
            if found
            else (Moment().write(value, version))
        )
