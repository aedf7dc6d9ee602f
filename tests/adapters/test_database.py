"""The database on both engines: transactions, who waits for whom, what passes and what does not, and revisions run once."""

import contextlib
import threading
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from adapters.database import METADATA, Database, database_url, open_database
from config.settings import Settings
from incidents.errors import TryAgain, UserError


def _scratch(databases: Database) -> None:
    with databases.write() as connection:
        connection.execute(text("CREATE TABLE scratch (n INTEGER PRIMARY KEY)"))


def _rows(databases: Database) -> list[int]:
    with databases.read() as connection:
        return [row.n for row in connection.execute(text("SELECT n FROM scratch ORDER BY n"))]


def test_what_is_written_is_there_and_what_raises_is_not(databases: Database) -> None:
    _scratch(databases)
    with databases.write() as connection:
        connection.execute(text("INSERT INTO scratch VALUES (1)"))
    with contextlib.suppress(KeyError), databases.write() as connection:
        connection.execute(text("INSERT INTO scratch VALUES (2)"))
        raise KeyError
    assert _rows(databases) == [1]


def test_a_bug_in_a_statement_is_no_matter_of_trying_again_and_tells_no_values(databases: Database) -> None:
    with pytest.raises(DBAPIError) as error, databases.read() as connection:
        connection.execute(text("SELECT * FROM nowhere WHERE n = :n"), {"n": "13800001111"})
    assert "13800001111" not in str(error.value)


def test_writers_in_several_threads_lose_nothing(databases: Database) -> None:
    _scratch(databases)

    def write(first: int) -> None:
        for number in range(first, first + 20):
            with databases.write() as connection:
                connection.execute(text("SELECT count(*) FROM scratch"))
                connection.execute(text("INSERT INTO scratch VALUES (:n)"), {"n": number})

    threads = [threading.Thread(target=write, args=(first,)) for first in (0, 100, 200)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(_rows(databases)) == 60


def test_upgrading_at_once_in_several_threads_and_again_is_harmless(database_url: str) -> None:
    database = open_database(Settings(database_url=database_url))
    threads = [threading.Thread(target=database.upgrade) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    database.upgrade()
    with database.read() as connection:
        for table in METADATA.tables.values():
            connection.execute(table.select().limit(1))
    database.close()


def test_a_database_of_a_newer_program_is_refused_with_one_message(databases: Database) -> None:
    with databases.write() as connection:
        connection.execute(text("CREATE TABLE IF NOT EXISTS alembic_version (version_num VARCHAR(32) NOT NULL)"))
        connection.execute(text("INSERT INTO alembic_version VALUES ('cases_9999')"))
    with pytest.raises(UserError, match="cases_9999"):
        databases.upgrade()


def test_a_database_that_is_away_is_try_again() -> None:
    database = open_database(Settings(database_url="postgresql://nobody@127.0.0.1:1/none"))
    with pytest.raises(TryAgain), database.read():
        pass


def test_a_folder_that_cannot_be_made_is_named() -> None:
    with pytest.raises(UserError, match="/proc/none"):
        open_database(Settings(database_url="sqlite:////proc/none/none.sqlite"))


def test_a_busy_sqlite_is_try_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("adapters.database.BUSY_S", 0.05)
    database = open_database(Settings(database_url=f"sqlite:///{tmp_path / 'busy.sqlite'}"))
    with database.write(), pytest.raises(TryAgain, match="locked"), database.write():
        pass


@pytest.mark.parametrize("url", ["mysql://h/d", "sqlite://", "sqlite:///:memory:", "nonsense", "postgresql+nonsense"])
def test_another_url_is_refused_without_showing_its_password(url: str) -> None:
    with pytest.raises(UserError, match="CITYLOOP_DATABASE_URL"):
        database_url(Settings(database_url=url))


def test_the_default_is_a_file_of_the_namespace_and_city(tmp_path: Path) -> None:
    settings = Settings(local_dir=tmp_path, namespace="t1.", city="boston", database_url=None)
    assert database_url(settings).database == str(tmp_path / "database" / "t1.boston.sqlite")
