"""How often somebody may try to sign in: back-off per account and address, so that guessing is slow and nobody is locked out for good.

An attempt counts as failed before the password is looked at, so that many at once do not slip through, and is taken back when it was
right. Keys are hashes: what people type into the field for their name, passwords among it, is kept nowhere.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from sqlalchemy import Connection, Row, case, delete, select, update
from sqlalchemy.dialects import postgresql, sqlite

from adapters.database import Database
from adapters.people_tables import ATTEMPTS

FORGOTTEN_MS = 3_600_000
"""After an hour without a failure everything is forgotten."""


@dataclass(frozen=True)
class Patience:
    """So many failures are free; then each doubles the wait, from one second to `most_s`."""

    free: int
    most_s: int

    def wait_ms(self, failures: int) -> int:
        """How long to wait after this many."""
        over = failures - self.free
        return 0 if over < 0 else min(self.most_s, 2 ** min(over, 20)) * 1_000


HERE = Patience(5, 900)
ACCOUNT = Patience(20, 60)
ADDRESS = Patience(50, 900)
"""For one account from one address; for an account from anywhere, short enough that nobody can shut out its owner; for an address."""


class Attempts:
    """The counts, in SQL: all consoles of the city share them."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def begin(self, account: str, address: str, now_ms: int) -> int:
        """Count an attempt; milliseconds to wait before trying again, 0 when this one may go on."""
        patience = dict(_keys(account, address))
        with self._database.write() as connection:
            connection.execute(delete(ATTEMPTS).where(ATTEMPTS.c.last_at < now_ms - FORGOTTEN_MS))
            known = self._hold(connection, sorted(patience), now_ms)
            wait: int = max(row.free_at for row in known) - now_ms
            if wait > 0:
                return wait
            for row in known:
                failures = row.failures + 1
                new = {"failures": failures, "last_at": now_ms, "free_at": now_ms + patience[row.key].wait_ms(failures)}
                connection.execute(update(ATTEMPTS).where(ATTEMPTS.c.key == row.key).values(**new))
        return 0

    def _hold(self, connection: Connection, keys: list[str], now_ms: int) -> Sequence[Row[Any]]:
        """The counts of these keys, made where there are none, and nobody else's until the transaction ends."""
        insert = (sqlite if self._database.is_sqlite else postgresql).insert(ATTEMPTS)
        rows = [{"key": key, "failures": 0, "last_at": now_ms, "free_at": 0} for key in keys]
        connection.execute(insert.values(rows).on_conflict_do_nothing())
        query = select(ATTEMPTS).where(ATTEMPTS.c.key.in_(keys)).order_by(ATTEMPTS.c.key).with_for_update()
        return connection.execute(query).all()

    def right(self, account: str, address: str) -> None:
        """The attempt that began was right: forget the failures here, and take this one back elsewhere."""
        here, *elsewhere = (key for key, _ in _keys(account, address))
        less = case((ATTEMPTS.c.failures > 0, ATTEMPTS.c.failures - 1), else_=0)
        with self._database.write() as connection:
            connection.execute(delete(ATTEMPTS).where(ATTEMPTS.c.key == here))
            connection.execute(update(ATTEMPTS).where(ATTEMPTS.c.key.in_(elsewhere)).values(failures=less, free_at=0))


def _keys(account: str, address: str) -> Iterator[tuple[str, Patience]]:
    for patience, parts in ((HERE, ("here", account, address)), (ACCOUNT, ("account", account)), (ADDRESS, ("address", address))):
        yield sha256("\0".join(parts).encode()).hexdigest(), patience
