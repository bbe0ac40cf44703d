"""Layouts: one description of a body's fields, from which it is read and written.

A kind reads a value at a cursor and writes it back; `Group` puts named kinds in order.

Source: JT/T 808-2013 and -2019, data types and byte order.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from wuxin.terms.errors import BadInput


class Malformed(Exception):  # noqa: N818 - never leaves this package
    """Why a body cannot be read, and the offset in the unescaped message where it shows."""

    def __init__(self, error: str, at: int) -> None:
        super().__init__(error)
        self.at = at


class Cursor:
    """Where reading has come to in an unescaped message; it never passes its end."""

    __slots__ = ("at", "data", "end", "version")

    def __init__(self, data: bytes, *, at: int, end: int, version: str) -> None:
        self.data, self.at, self.end, self.version = data, at, end, version

    @property
    def left(self) -> int:
        """How many bytes are not read yet."""
        return self.end - self.at

    def take(self, count: int, what: str = "the field") -> bytes:
        """The next bytes.

        Raises:
            Malformed: there are fewer.
        """
        if count > self.end - self.at:
            raise Malformed(f"{what} needs {count} bytes, but {self.left} are left", self.at)
        found = self.data[self.at : self.at + count]
        self.at += count
        return found

    def inner(self, count: int, what: str) -> "Cursor":
        """A cursor over the next bytes only, which are thereby passed."""
        start = self.at
        self.take(count, what)
        return Cursor(self.data, at=start, end=start + count, version=self.version)


class Kind(Protocol):
    """How one value is laid down in bytes."""

    def read(self, c: Cursor) -> Any:
        """The value at the cursor, which moves behind it."""

    def write(self, value: Any, version: str) -> bytes:
        """The bytes of a value; raises BadInput where it does not fit."""


class Sized:
    """A kind whose length in bytes is written before it."""

    def __init__(self, length: Kind, inside: Kind) -> None:
        self.length, self.inside = length, inside

    def read(self, c: Cursor) -> Any:
        """What is inside; it must fill the length."""
        inner = c.inner(int(self.length.read(c)), "the field")
        found = self.inside.read(inner)
        ended(inner)
        return found

    def write(self, value: Any, version: str) -> bytes:
        """The length and what is inside."""
        raw = self.inside.write(value, version)
        return self.length.write(len(raw), version) + raw


class Several:
    """A list whose count is written before it; without a count it runs to the end."""

    def __init__(self, count: Kind | None, item: Kind) -> None:
        self.count, self.item = count, item

    def read(self, c: Cursor) -> list[Any]:
        """The items; every one has bytes, so that a count cannot ask for more than there is."""
        if self.count is not None:
            return [self.item.read(c) for _ in range(int(self.count.read(c)))]
        found = []
        while c.left:
            found.append(self.item.read(c))
        return found

    def write(self, value: Any, version: str) -> bytes:
        """The count and the items."""
        if isinstance(value, str) or not isinstance(value, Sequence):
            raise BadInput(f"{value!r} is not a list")
        items = b"".join(self.item.write(item, version) for item in value)
        return (self.count.write(len(value), version) if self.count else b"") + items


class Maybe:
    """A last value that may be left out."""

    def __init__(self, inside: Kind) -> None:
        self.inside = inside

    def read(self, c: Cursor) -> Any:
        """The value, or none where the bytes have ended."""
        return self.inside.read(c) if c.left else None

    def write(self, value: Any, version: str) -> bytes:
        """The bytes of the value, or none."""
        return b"" if value is None else self.inside.write(value, version)


class Variants:
    """Layouts of one thing that only its length tells apart; the first is the standard's."""

    def __init__(self, *layouts: Kind) -> None:
        self.layouts = layouts

    def read(self, c: Cursor) -> Any:
        """What the first layout that ends where the bytes end reads."""
        start, why = c.at, None
        for layout in self.layouts:
            c.at = start
            try:
                found = layout.read(c)
                ended(c)
            except Malformed as wrong:
                why = why or wrong
            else:
                return found
        assert why is not None
        raise why

    def write(self, value: Any, version: str) -> bytes:
        """The bytes in the first layout that the fields fit."""
        why = None
        for layout in self.layouts:
            try:
                return layout.write(value, version)
            except BadInput as wrong:
                why = why or wrong
        assert why is not None
        raise why


Condition = Callable[[Mapping[str, Any], str], bool]
"""Whether a field is there, by the fields before it and the version."""


class Group:
    """Named fields in order; a field may be there only under a condition."""

    def __init__(self, *fields: tuple[str, Kind] | tuple[str, Kind, Condition]) -> None:
        self.fields = [(f[0], f[1], f[2] if len(f) == 3 else None) for f in fields]

    def read(self, c: Cursor) -> dict[str, Any]:
        """The fields by name."""
        found: dict[str, Any] = {}
        for name, kind, there in self.fields:
            if there is None or there(found, c.version):
                try:
                    found[name] = kind.read(c)
                except Malformed as wrong:
                    raise Malformed(_named(name, str(wrong)), wrong.at) from None
        return found

    def write(self, value: Any, version: str) -> bytes:
        """The bytes of fields given by name."""
        if not isinstance(value, Mapping):
            raise BadInput(f"{value!r} is not a set of named fields")
        parts, names = [], set()
        for name, kind, there in self.fields:
            if there is not None and not there(value, version):
                continue
            if name not in value:
                raise BadInput(f"field {name!r} is missing")
            names.add(name)
            try:
                parts.append(kind.write(value[name], version))
            except BadInput as wrong:
                raise BadInput(_named(name, str(wrong))) from None
        if odd := [name for name in value if name not in names]:
            raise BadInput(f"there is no field {odd[0]!r} in this message and version")
        return b"".join(parts)


def _named(name: str, error: str) -> str:
    """The path of names to what is wrong, then why."""
    path, mark, why = error.partition(": ")
    known = mark and path.replace(".", "").replace("_", "").isalnum()
    return f"{name}.{path}: {why}" if known else f"{name}: {error}"


def ended(c: Cursor) -> None:
    """Check that everything was read.

    Raises:
        Malformed: bytes are left over.
    """
    if c.left:
        raise Malformed(f"{c.left} bytes are left over behind the last field", c.at)


def v2013(_: Mapping[str, Any], version: str) -> bool:
    """Whether the message is of the 2013 edition."""
    return version == "2013"


def v2019(_: Mapping[str, Any], version: str) -> bool:
    """Whether the message is of the 2019 edition."""
    return version == "2019"
