"""Databases under test: SQLite, and PostgreSQL from Debian's package in a private cluster that ends with pytest.

Take `databases` for a store's contract (an empty database with all tables, on each engine in turn), `database_url` for the settings of
whole processes: `settings.model_copy(update={"database_url": database_url})`.
"""

import contextlib
import shutil
import signal
import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from adapters.database import Database, open_database
from adapters.stack_postgres import PostgresEngine
from config.settings import Settings
from tests.servers import Server

ENGINES = ("sqlite", "postgresql")
MADE = "migrated"


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresEngine]:
    """The run's PostgreSQL, with an empty database `migrated` that has all tables and that others are copied from."""
    folder = Path(tempfile.mkdtemp(prefix="cityloop-pg-"))
    folder.chmod(0o755)
    engine = PostgresEngine(folder / "pg")
    server = Server(engine, folder / "log")
    try:
        server.start()
        _execute(engine, f"CREATE DATABASE {MADE}")
        with contextlib.closing(open_database(Settings(database_url=engine.url(MADE)))) as database:
            database.upgrade()
        yield engine
    finally:
        server.stop(signal.SIGINT)
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(params=ENGINES)
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of an empty database of this test, on each engine in turn."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'test.sqlite'}"
        return
    engine: PostgresEngine = request.getfixturevalue("postgres_server")
    name = f"t{uuid.uuid4().hex[:12]}"
    _execute(engine, f"CREATE DATABASE {name} TEMPLATE {MADE}")
    yield engine.url(name)
    _execute(engine, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def databases(database_url: str) -> Iterator[Database]:
    """An empty database with all tables, on each engine in turn."""
    with contextlib.closing(open_database(Settings(database_url=database_url))) as database:
        database.upgrade()
        yield database


def _execute(engine: PostgresEngine, statement: str) -> None:
    with psycopg.connect(engine.address, autocommit=True) as connection:
        connection.execute(statement.encode())
