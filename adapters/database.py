"""The SQL database of a stack: what the console asks, and what people's accounts, journal, keys and pictures are kept in.

SQLite in WAL under CITYLOOP_LOCAL_DIR by default, PostgreSQL by CITYLOOP_DATABASE_URL. Each area (cases, people, seals, evidence) keeps its
tables on `METADATA` in its own module, and makes them by revisions of its own below adapters/migrations/versions.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, FromClause, MetaData, create_engine, event, make_url, text
from sqlalchemy.dialects.sqlite.base import SQLiteCompiler
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from adapters.migrations import at_head, run_revisions
from config.settings import Settings
from incidents.errors import TryAgain, UserError

METADATA = MetaData(
    naming_convention={
        "ix": "%(table_name)s_%(column_0_N_name)s",
        "uq": "%(table_name)s_%(column_0_N_name)s_key",
        "pk": "%(table_name)s_pkey",
    }
)
BUSY_S = 10.0
"""How long a writer of SQLite waits for another one before it is TryAgain."""
CONNECT_S = 5
PRAGMAS = ("journal_mode = WAL", "foreign_keys = ON", "cache_size = -65536", "mmap_size = 1073741824")
POOL = {"pool_size": 8, "max_overflow": 32, "pool_timeout": BUSY_S, "pool_recycle": 3600}
UPGRADE_LOCK = 0x6369_7479
AWAY_SQLITE = frozenset({5, 6, 8, 10, 13, 14, 15})
"""Busy, locked, read-only, input/output, full, cannot open, locking protocol: https://sqlite.org/rescode.html."""
AWAY_POSTGRES = ("08", "25006", "40001", "40P01", "53", "57P")
"""Connection, read-only after a failover, serialization, deadlock, resources, shutdown: PostgreSQL's appendix A."""


class Database:
    """A database. Thread-safe; connects when first asked. Whatever a statement holds is in no error message.

    Inside `read` and `write` an engine that is away, full or busy is TryAgain: nothing of a `write` is there then.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    @property
    def is_sqlite(self) -> bool:
        """Whether it is SQLite; otherwise it is PostgreSQL."""
        return self._engine.dialect.name == "sqlite"

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A transaction that changes nothing; it sees the database as it was at its first statement (PostgreSQL: at each)."""
        with _away(), self._engine.connect() as connection:
            yield connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """A transaction that is durable when it ends, and undone when it raises. On SQLite there is one at a time."""
        with _away(), self._engine.execution_options(writes=True).begin() as connection:
            yield connection

    def upgrade(self) -> None:
        """Bring every area's tables to this program's revision; whoever comes second waits, and finds it done.

        Raises TryAgain, and UserError when a newer program has been here.
        """
        with self.read() as connection:
            if at_head(connection):
                return
        with self.write() as connection:
            if not self.is_sqlite:  # SQLite's writers wait for each other anyway
                connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": UPGRADE_LOCK})
            run_revisions(connection)

    def tidy(self) -> None:
        """Let PostgreSQL learn at once how values are spread, as it does by itself. SQLite is told which index to take."""
        if self.is_sqlite:
            return
        with _away(), self._engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text("VACUUM ANALYZE"))

    def close(self) -> None:
        """Let go of all connections."""
        self._engine.dispose()


def open_database(settings: Settings) -> Database:
    """The database of these settings; call `upgrade` before the first use. Raises UserError for a URL that cannot be one."""
    url = database_url(settings)
    if url.get_backend_name() == "sqlite":
        folder = Path(url.database or "").parent
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UserError(f"the database's folder {folder} cannot be made ({error.strerror}); set CITYLOOP_DATABASE_URL") from None
        return Database(_sqlite(url))
    options: dict[str, Any] = {"connect_timeout": CONNECT_S, "application_name": "cityloop"}
    return Database(create_engine(url, connect_args=options, pool_pre_ping=True, hide_parameters=True, **POOL))


def database_url(settings: Settings) -> URL:
    """Where the database is. Raises UserError for a URL that is neither `postgresql://…` nor `sqlite:////path`."""
    if settings.database_url is None:
        path = settings.local_dir / "database" / f"{settings.named(settings.city)}.sqlite"
        return URL.create("sqlite", database=str(path))
    try:
        url = make_url(settings.database_url)
        kind = url.get_backend_name()
    except (ArgumentError, NoSuchModuleError):
        kind = ""
    if kind == "postgresql":
        return url.set(drivername="postgresql+psycopg")
    if kind == "sqlite" and url.database not in (None, "", ":memory:"):
        return url
    shown = settings.database_url.partition("://")[0]
    raise UserError(
        f"CITYLOOP_DATABASE_URL={shown}://…: write postgresql://user:password@host/database or sqlite:////path/to/file, "
        "or leave it unset for SQLite below CITYLOOP_LOCAL_DIR"
    )


class _Hinted(SQLiteCompiler):
    """Writes `with_hint(table, "INDEXED BY …", "sqlite")` behind the table, which SQLAlchemy does for other databases only."""

    def get_from_hint_text(self, table: FromClause, text: str | None) -> str | None:
        """The hint as it stands."""
        return text


def _sqlite(url: URL) -> Engine:
    """sqlite3 begins transactions late and by itself; here they begin when ours do, a writer's with the lock in its hand."""
    engine = create_engine(url, connect_args={"timeout": BUSY_S, "isolation_level": None}, hide_parameters=True, **POOL)
    engine.dialect.statement_compiler = _Hinted

    @event.listens_for(engine, "connect")
    def connected(connection: Any, _: Any) -> None:
        for pragma in PRAGMAS:
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def begins(connection: Connection) -> None:
        writes = connection.get_execution_options().get("writes")
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine


@contextmanager
def _away() -> Iterator[None]:
    try:
        yield
    except PoolTimeout as error:
        raise TryAgain("the database: all connections are in use") from error
    except DBAPIError as error:
        if not _passes(error):
            raise
        raise TryAgain(f"the database: {str(error.orig).strip()[:300]}") from error


def _passes(error: DBAPIError) -> bool:
    """Whether the same may succeed later: the engine is away, busy, full or being replaced."""
    if error.connection_invalidated:
        return True
    code = getattr(error.orig, "sqlite_errorcode", None)
    if code is not None:
        return (code & 0xFF) in AWAY_SQLITE
    state = getattr(error.orig, "sqlstate", None)
    return type(error.orig).__name__ == "OperationalError" if state is None else str(state).startswith(AWAY_POSTGRES)
