"""The journal and the tiles without a house around them: quick enough to spoil every call."""

from collections.abc import Callable
from pathlib import Path

from tests.homes import NOW
from wuxin.evidence.log import Log
from wuxin.evidence.note import Ed25519Signer
from wuxin.stores.journal import Arrived, Entry, Journal
from wuxin.terms.errors import Gone
from wuxin.terms.records import Frame

ENTRIES, GROUP, SEGMENT = 24, 3, 300
ARCHIVED, DELETED = 17, 9
LEAVES = 600


def said(number: int) -> Entry:
    """The entry that has this number, if none is lost and none is taken twice."""
    return Arrived(
        "rec", number, (Frame("rec", number, b"12,34\n", b"\1\0\0\0"),), f"line {number}"
    )


class JournalAlone:
    """A source that sends groups of entries, and goes on after the last that is there."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.told = folder, 0

    def live(self) -> None:
        """Append, archive and delete until all is done; may be broken off anywhere."""
        journal = Journal(self.folder, SEGMENT)
        assert journal.last >= self.told, f"{self.told} acknowledged, {journal.last} there"
        while journal.last < ENTRIES:
            numbers = range(journal.last + 1, min(journal.last + GROUP, ENTRIES) + 1)
            told = journal.append_many([said(n) for n in numbers])
            self.told = told[-1][0]
        journal.retire(ARCHIVED)
        journal.discard(DELETED, policy="a test", at=NOW)
        journal.close()

    def found(self) -> list[str]:
        """What is in the journal; what was deleted had to be, and is taken as read."""
        journal, found = Journal(self.folder, SEGMENT), []
        for number in range(1, journal.last + 1):
            try:
                found.append(repr(journal.entry(number)))
            except Gone:
                assert number < DELETED
                found.append(repr(said(number)))
        after = journal.discarded[-1].last if journal.discarded else 0
        entries = [repr(entry) for _, _, entry in journal.read(after)]
        journal.close()
        assert found[after:] == entries
        assert after < DELETED
        return found


class TilesAlone:
    """A caller that commits the size of its log, and opens it there again."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.committed, self.root = folder, 0, b""
        self.signer = Ed25519Signer.from_file(folder.parent / "tiles.key", name="wuxin/test")

    def live(self) -> None:
        """Append and publish until all is done; may be broken off anywhere."""
        with Log.open(
            self.folder, origin="wuxin/test", signer=self.signer, size=self.committed,
            root=self.root or None,
        ) as log:  # fmt: skip
            while log.size < LEAVES:
                head = log.append([b"leaf %d" % n for n in range(log.size, log.size + 100)])
                self.committed, self.root = head.size, head.root
                log.publish(head)
            log.publish(log.head)

    def found(self) -> list[str]:
        """Every leaf, and the checkpoint."""
        with Log.open(
            self.folder, origin="wuxin/test", signer=self.signer, size=self.committed,
            root=self.root,
        ) as log:  # fmt: skip
            published = log.published()
            assert published is not None
            return [*(leaf.decode() for leaf in log.entries(0, LEAVES)), published.root.hex()]


ALONE: dict[str, Callable[[Path], JournalAlone | TilesAlone]] = {
    "journal": JournalAlone,
    "tiles": TilesAlone,
}
