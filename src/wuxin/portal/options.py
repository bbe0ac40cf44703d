"""The options that commands share: which home, and whose records."""

from pathlib import Path

import click

HOME = click.option(
    "--home", type=click.Path(file_okay=False, path_type=Path), default=Path("wuxin-home"),
    show_default=True, help="The folder that holds journal, book, history and evidence log.",
)  # fmt: skip
TENANT = click.option(
    "--tenant", default="demo-bank", show_default=True, help="Whose records: the bank's short name."
)


def must_be_home(folder: Path) -> None:
    """Refuse a folder that is no home, before a command makes one of it."""
    from wuxin.stores.book import Book  # noqa: PLC0415 - a command imports what it needs

    if not Book.is_in(folder):
        raise click.UsageError(f"{folder} is no home: it has no book")
