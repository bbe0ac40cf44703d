"""The table that ends a replay: what came in, what was found and done, and the log's root."""

from typing import Any

from rich.table import Table

from wuxin.terms.records import LEVELS


def table(house: Any) -> Table:
    """The summary of a home (:class:`wuxin.home.Home`)."""
    counts = house.book.counts(house.tenant)
    shown = Table(title=f"Wuxin · {house.tenant}", show_header=False)
    shown.add_column(no_wrap=True)
    shown.add_column(overflow="fold")
    shown.add_row("things", f"{counts['things']:,}")
    for word in ("accepted", "marked", "refused"):
        shown.add_row(f"readings {word}", f"{counts[word]:,}")
    for level in LEVELS:
        shown.add_row(f"findings {level}", f"{counts['findings'].get(level, 0):,}")
    shown.add_row("acts", f"{counts['acts']:,}")
    shown.add_row("receipts", f"{counts['receipts']:,}")
    shown.add_row("log root", house.log.head.root.hex())
    return shown
