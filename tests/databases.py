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
    with _cluster() as (engine, _):
        _execute(engine, f"CREATE DATABASE {MADE}")
        with _upgraded(engine.url(MADE)):
            pass
        yield engine


@pytest.fixture
def postgres_own() -> Iterator[tuple[str, Server]]:
    """The URL of a PostgreSQL for this test alone, and its server, which may be stopped and started again."""
    with _cluster() as (engine, server):
        yield engine.address, server


@contextlib.contextmanager
def _cluster() -> Iterator[tuple[PostgresEngine, Server]]:
    folder = Path(tempfile.mkdtemp(prefix="cityloop-pg-"))  # short, for its socket, and not below a folder that only root may enter
    folder.chmod(0o755)
    engine = PostgresEngine(folder / "pg")
    server = Server(engine, folder / "log")
    try:
        server.start()
        yield engine, server
    finally:
        server.stop(signal.SIGINT)
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(params=ENGINES)
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of an empty database of this test, on each engine in turn."""
    with _new_database(request, tmp_path) as url:
        yield url


@pytest.fixture
def databases(database_url: str) -> Iterator[Database]:
    """An empty database with all tables, on each engine in turn."""
    with _upgraded(database_url) as database:
        yield database


@pytest.fixture(scope="module", params=ENGINES)
def shared_databases(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    """As `databases`, one for a whole module whose tests only read what a fixture of theirs wrote."""
    with _new_database(request, tmp_path_factory.mktemp("database")) as url, _upgraded(url) as database:
        yield database


@contextlib.contextmanager
def _new_database(request: pytest.FixtureRequest, folder: Path) -> Iterator[str]:
    if request.param == "sqlite":
        yield f"sqlite:///{folder / 'test.sqlite'}"
        return
    engine: PostgresEngine = request.getfixturevalue("postgres_server")
    name = f"t{uuid.uuid4().hex[:12]}"
    _execute(engine, f"CREATE DATABASE {name} TEMPLATE {MADE}")
    yield engine.url(name)
    _execute(engine, f"DROP DATABASE {name} WITH (FORCE)")


@contextlib.contextmanager
def _upgraded(url: str) -> Iterator[Database]:
    with contextlib.closing(open_database(Settings(database_url=url))) as database:
        database.upgrade()
        yield database


def _execute(engine: PostgresEngine, statement: str) -> None:
    with psycopg.connect(engine.address, autocommit=True) as connection:
        connection.execute(statement.encode())
