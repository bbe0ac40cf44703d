"""The book on PostgreSQL holds what the book in SQLite holds, and every command finds it there."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from click.testing import CliRunner
from fastapi.testclient import TestClient

from tests import servers
from tests.homes import EXAMPLES, still
from tests.portal.test_api import routes, signed
from tests.rooms.test_migrations import moved, shape
from wuxin.cli import main
from wuxin.home import Home
from wuxin.portal.access import ROLES, Accounts
from wuxin.portal.api import build
from wuxin.stores import schema
from wuxin.stores.book import Book
from wuxin.terms.clock import system_clock
from wuxin.terms.errors import Conflict
from wuxin.wire.recording import open_recording

pytestmark = pytest.mark.server


@pytest.fixture(scope="module")
def cluster() -> Iterator[str]:
    with servers.run_postgres() as url:
        yield url


@pytest.fixture
def url(cluster: str, request: pytest.FixtureRequest) -> str:
    """A database of its own for each test."""
    name = request.node.name.lower()[:40]
    engine = sa.create_engine(
        cluster.replace("postgresql:", "postgresql+pg8000:"), isolation_level="AUTOCOMMIT"
    )
    with engine.connect() as connection:
        connection.execute(sa.text(f'CREATE DATABASE "{name}"'))
    engine.dispose()
    return cluster.replace("/postgres", f"/{name}")


def play(home: Home, *, of: str) -> None:
    for _ in home.replay(open_recording(EXAMPLES / of / "recording.toml")):
        pass


def content(book: Book) -> dict[str, list[str]]:
    """All rows of all tables, each table in one order."""
    with book.reading() as connection:
        return {
            table.name: sorted(map(repr, map(tuple, connection.execute(sa.select(table)))))
            for table in schema.metadata.sorted_tables
        }


@pytest.mark.parametrize("example", ["agriculture", "logistics"])
def test_both_books_hold_the_same(tmp_path: Path, url: str, example: str) -> None:
    with (
        Home(tmp_path / "lite", clock=still) as lite,
        Home(tmp_path / "server", clock=still, book_url=url) as server,
    ):
        play(lite, of=example)
        play(server, of=example)
        one, other = content(lite.book), content(server.book)
        secret = {"receipt", "batch"}  # bear roots of logs with keys of their own
        for table in set(one) - secret:
            assert other[table] == one[table], table
        assert {name: len(other[name]) for name in secret} == {
            name: len(one[name]) for name in secret
        }
        assert len(one["finding"]) > 3
        assert server.book.findings(server.tenant, {"open": True}) == lite.book.findings(
            lite.tenant, {"open": True}
        )


def test_a_home_remembers_where_its_book_is(tmp_path: Path, url: str) -> None:
    with Home(tmp_path, clock=still, book_url=url) as home:
        play(home, of="logistics")
        before, tenant = content(home.book), home.tenant
    assert not (tmp_path / "book.sqlite").exists()
    assert (tmp_path / "book.url").stat().st_mode & 0o077 == 0
    with Home(tmp_path, clock=still) as home:
        assert content(home.book) == before
        play(home, of="energy")
        assert len(content(home.book)["batch"]) > len(before["batch"])
    run = CliRunner().invoke
    for words in (
        ["verify", str(tmp_path)],
        ["export", "findings", "--home", str(tmp_path), "--format", "csv"],
        ["bundle", "CU-2008-01", "--home", str(tmp_path), "--out", str(tmp_path / "case.zip")],
    ):  # fmt: skip
        told = run(main, [*words, "--tenant", tenant])
        assert told.exit_code == 0, told.output
    assert not (tmp_path / "book.sqlite").exists()


def test_a_book_is_moved_to_a_server_by_naming_it(tmp_path: Path, url: str) -> None:
    with Home(tmp_path, clock=still) as home:
        play(home, of="logistics")
        before = content(home.book)
    with Home(tmp_path, clock=still, book_url=url) as home:
        after = content(home.book)
        assert {name: after[name] for name in after if name != "batch"} == {
            name: before[name] for name in before if name != "batch"
        }
        assert len(after["batch"]) == len(before["batch"])  # made again from the journal, in one go
        play(home, of="energy")
    told = CliRunner().invoke(main, ["verify", str(tmp_path)])
    assert told.exit_code == 0, told.output


def test_the_api_serves_from_it(tmp_path: Path, url: str) -> None:
    with Home(tmp_path, clock=still, book_url=url) as home:
        play(home, of="logistics")
        client = TestClient(
            build(home, Accounts(home.book, system_clock)), base_url="https://testserver"
        )
        for role in ROLES:
            asked = signed(client, home, role=role)
            for method, path in routes(client):
                if method == "GET" and path != "/api/events":  # which never ends
                    assert asked.get(path).status_code < 500, path


def test_a_server_that_dropped_its_connections_is_found_again(tmp_path: Path, url: str) -> None:
    with Home(tmp_path, clock=still, book_url=url) as home:
        play(home, of="logistics")
        with Book(url).engine.connect() as other:
            drop = sa.text(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
            assert len(other.execute(drop).all()) > 0
        before = len(content(home.book)["batch"])
        play(home, of="energy")
        assert len(content(home.book)["batch"]) > before


def test_an_old_schema_is_brought_up_to_date(url: str) -> None:
    book = Book(url)
    book.migrate()
    fresh = shape(book)
    moved(book, "0001")
    assert shape(book) != fresh
    book.migrate()
    assert shape(book) == fresh
    book.engine.dispose()


def test_a_server_that_is_not_there_is_said_in_a_sentence_without_the_password(
    tmp_path: Path,
) -> None:
    there = f"postgresql://wuxin:secret@127.0.0.1:{servers.free_port()}/none"
    with pytest.raises(Conflict, match="is not reached") as refused:
        Home(tmp_path, clock=still, book_url=there)
    assert "secret" not in str(refused.value)
