"""The keys of sealed reports in SQL (area `seals`): one per report, wrapped under the city's wrapping key, until it is erased.

A key's id begins with the last day (UTC) of its life, so the ids are in the order in which they expire and expiry deletes the front of the
table: nothing is left of an expired key, and its id still says when it went. A key that was erased before its day leaves its id behind.
"""

import base64
import hashlib
import os
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from cryptography.hazmat.primitives.keywrap import InvalidUnwrap, aes_key_unwrap, aes_key_wrap
from sqlalchemy import Column, Connection, LargeBinary, Row, String, Table, delete, insert, select, update

from adapters.database import METADATA, Database
from incidents.errors import TryAgain, UserError

KEY_BYTES = 32
AT_ONCE = 500
"""Keys made in one transaction: a report then never waits for the disk alone."""
MOST_AGE_S = 3600.0
"""How long a key may lie ready; those of a process that ends are never used, and expire like all."""
MOST_ASKED = 500

TABLE = Table(
    "seal_keys",
    METADATA,
    Column("id", String(32), primary_key=True),
    Column("wrapped", LargeBinary),
    Column("wrapped_by", String(16), nullable=False),
    Column("erased_on", String(8)),
)


class Key(NamedTuple):
    """A report's key; `secret` is 32 bytes."""

    id: str
    secret: bytes


class Gone(NamedTuple):
    """A key that no longer opens anything: since `day` (YYYYMMDD, UTC); "" for one that never was in this database."""

    id: str
    day: str


def _utc_now() -> datetime:
    return datetime.now(UTC)


class KeyStore:
    """Makes, finds and erases keys. Thread-safe."""

    def __init__(self, database: Database, wrapping: bytes, days: int, now: Callable[[], datetime] = _utc_now) -> None:
        self._database = database
        self._wrapping = wrapping
        self._wrapped_by = hashlib.sha256(b"cityloop wrapping\0" + wrapping).hexdigest()[:16]
        self._days = days
        self._now = now
        self._lock = threading.Lock()
        self._ready: deque[Key] = deque()
        self._made_at = 0.0

    def take(self) -> Key:
        """A key that nobody else has, durable. Raises TryAgain when the database is away."""
        with self._lock:
            if not self._ready or time.monotonic() - self._made_at > MOST_AGE_S:
                self._ready = self._make()
                self._made_at = time.monotonic()
            return self._ready.popleft()

    def _make(self) -> deque[Key]:
        last_day = _day(self._now() + timedelta(days=self._days))
        keys = deque(Key(f"{last_day}-{_random_text()}", os.urandom(KEY_BYTES)) for _ in range(AT_ONCE))
        rows = [{"id": id_, "wrapped": aes_key_wrap(self._wrapping, secret), "wrapped_by": self._wrapped_by} for id_, secret in keys]
        with self._database.write() as connection:
            connection.execute(insert(TABLE), rows)
        return keys

    def find(self, ids: Iterable[str]) -> dict[str, Key | Gone]:
        """The keys of these ids, by id. Raises UserError for a key under another wrapping key than this city's."""
        wanted = sorted(set(ids))
        rows: list[Row[Any]] = []
        with self._database.read() as connection:
            for first in range(0, len(wanted), MOST_ASKED):
                rows += connection.execute(select(TABLE).where(TABLE.c.id.in_(wanted[first : first + MOST_ASKED])))
        by_id, today = {row.id: row for row in rows}, _day(self._now())
        return {id_: self._found(id_, by_id.get(id_), today) for id_ in wanted}

    def _found(self, id_: str, row: Row[Any] | None, today: str) -> Key | Gone:
        if row is not None and row.wrapped is None:
            return Gone(id_, row.erased_on)
        over = last_day(id_) < today
        if row is None or over:
            return Gone(id_, last_day(id_) if over else "")
        try:
            if row.wrapped_by == self._wrapped_by:
                return Key(id_, aes_key_unwrap(self._wrapping, row.wrapped))
        except InvalidUnwrap:
            pass
        raise UserError(
            f"key {id_} is wrapped under {row.wrapped_by}, this city's wrapping key is {self._wrapped_by}: "
            "put wrapping.key back from the copy (docs/privacy.md)"
        )

    def erase(self, ids: Iterable[str]) -> int:
        """Delete these keys before their day; how many there were. What they sealed can be opened by nobody from then on."""
        wanted, erased = sorted(set(ids)), 0
        with self._database.write() as connection:
            self._leave_no_trace(connection)
            for first in range(0, len(wanted), MOST_ASKED):
                live = TABLE.c.id.in_(wanted[first : first + MOST_ASKED]), TABLE.c.wrapped.is_not(None)
                erased += connection.execute(update(TABLE).where(*live).values(wrapped=None, erased_on=_day(self._now()))).rowcount
        self._sweep()
        return erased

    def expire(self) -> int:
        """Delete every key whose last day is over; how many there were."""
        with self._database.write() as connection:
            self._leave_no_trace(connection)
            expired = connection.execute(delete(TABLE).where(TABLE.c.id < _day(self._now()))).rowcount
        if expired:
            self._sweep()
        return expired

    def _leave_no_trace(self, connection: Connection) -> None:
        if self._database.is_sqlite:
            connection.exec_driver_sql("PRAGMA secure_delete = ON")

    def _sweep(self) -> None:
        """Take what was deleted out of the files too: SQLite's write-ahead log, PostgreSQL's dead rows. A busy database does it later."""
        with suppress(TryAgain), self._database.read() as connection:
            raw = connection.connection.driver_connection
            assert raw is not None
            if self._database.is_sqlite:
                raw.execute("PRAGMA wal_checkpoint(TRUNCATE)")
                return
            raw.autocommit = True
            try:
                raw.execute("VACUUM seal_keys")
            finally:
                raw.autocommit = False


def last_day(key: str) -> str:
    """The last day (YYYYMMDD, UTC) of a key's life by its id; "" for an id that is none of ours."""
    day, dash, _ = key.partition("-")
    return day if dash and len(day) == 8 and day.isdecimal() else ""


def _day(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y%m%d")


def _random_text() -> str:
    return base64.b32encode(os.urandom(10)).decode()
