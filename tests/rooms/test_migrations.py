"""A book of an earlier release is brought up to date, and is then like a fresh one."""

from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config

from wuxin.stores import schema
from wuxin.stores.book import Book

MIGRATIONS = Path(schema.__file__).parent / "migrations"


def moved(book: Book, revision: str) -> None:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    with book.engine.begin() as connection:
        config.attributes["connection"] = connection
        command.downgrade(config, revision)


def shape(book: Book) -> dict[str, set[str]]:
    found = sa.inspect(book.engine)
    return {
        table: {c["name"] for c in found.get_columns(table)}
        | {str(i["name"]) for i in found.get_indexes(table)}
        for table in found.get_table_names()
    }


def test_a_book_of_the_first_revision_becomes_like_a_fresh_one(tmp_path: Path) -> None:
    book = Book.in_folder(tmp_path)
    fresh = shape(book)
    moved(book, "0001")
    old = shape(book)
    assert "warning" not in old["finding"]
    assert {"warning", "outbox", "reached"}.isdisjoint(old)
    book.migrate()
    assert shape(book) == fresh
    book.migrate()
    assert shape(book) == fresh
