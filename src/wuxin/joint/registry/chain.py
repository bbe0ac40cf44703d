"""A server's log: a line for each request, each with the hash of the line before.

It holds who asked what and when and how many, and the digest of the signed request; never a number,
a blinded element or a tag. Who holds the last line's hash sees any line that is changed or lost.
"""

import json
from pathlib import Path
from typing import Any, Final

from wuxin.terms.errors import Tampered
from wuxin.terms.names import Digest, content_id

START: Final = Digest("0" * 64)


class Chain:
    """A log at the end of a file; opening it checks what is there.

    Raises:
        Tampered: a line was changed; the text says which.
    """

    def __init__(self, path: Path) -> None:
        self._lines, self.last = check(path) if path.exists() else (0, START)
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = path.open("a", encoding="utf-8")

    def add(self, **said: str | int) -> Digest:
        """Add a line; returns its hash."""
        line: dict[str, Any] = {"n": self._lines, "prev": self.last, **said}
        self.last = content_id(line)
        self._lines += 1
        self._file.write(json.dumps({**line, "hash": self.last}, ensure_ascii=False) + "\n")
        self._file.flush()
        return self.last

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def check(path: Path) -> tuple[int, Digest]:
    """How many lines a log has, and the hash of the last.

    Raises:
        Tampered: a line was changed, lost or put in; the text names the first.
    """
    last, count = START, 0
    with path.open(encoding="utf-8") as file:
        for count, text in enumerate(file, start=1):
            try:
                line = json.loads(text)
                said = line.pop("hash")
            except (ValueError, KeyError, AttributeError):
                raise Tampered(f"{path.name}, line {count}: this is no line of a log") from None
            if line.get("prev") != last or line.get("n") != count - 1 or content_id(line) != said:
                raise Tampered(f"{path.name}, line {count}: it does not follow from the one before")
            last = Digest(said)
    return count, last
