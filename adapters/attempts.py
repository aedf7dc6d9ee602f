"""How often somebody may try to sign in: back-off per account and address, so that guessing is slow and nobody is locked out for good.

An attempt counts as failed before the password is looked at, so that many at once do not slip through, and is taken back when it was
right. Keys are hashes: what people type into the field for their name, passwords among it, is kept nowhere.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256

from sqlalchemy import Connection, case, delete, select
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
        keys = dict(_keys(account, address))
        with self._database.write() as connection:
            connection.execute(delete(ATTEMPTS).where(ATTEMPTS.c.last_at < now_ms - FORGOTTEN_MS))
            query = select(ATTEMPTS).where(ATTEMPTS.c.key.in_(keys)).order_by(ATTEMPTS.c.key).with_for_update()
            known = {row.key: row for row in connection.execute(query)}
            wait = max((row.free_at - now_ms for row in known.values()), default=0)
            if wait > 0:
                return wait
            for key in sorted(keys):
                self._count(connection, key, keys[key], known[key].failures + 1 if key in known else 1, now_ms)
        return 0

    def _count(self, connection: Connection, key: str, patience: Patience, failures: int, now_ms: int) -> None:
        dialect = sqlite if self._database.is_sqlite else postgresql
        new = {"failures": failures, "last_at": now_ms, "free_at": now_ms + patience.wait_ms(failures)}
        row = dialect.insert(ATTEMPTS).values(key=key, **new)
        connection.execute(row.on_conflict_do_update(index_elements=[ATTEMPTS.c.key], set_=new))

    def right(self, account: str, address: str) -> None:
        """The attempt that began was right: forget the failures here, and take this one back elsewhere."""
        here, *elsewhere = (key for key, _ in _keys(account, address))
        less = case((ATTEMPTS.c.failures > 0, ATTEMPTS.c.failures - 1), else_=0)
        with self._database.write() as connection:
            connection.execute(delete(ATTEMPTS).where(ATTEMPTS.c.key == here))
            connection.execute(ATTEMPTS.update().where(ATTEMPTS.c.key.in_(elsewhere)).values(failures=less, free_at=0))


def _keys(account: str, address: str) -> Iterator[tuple[str, Patience]]:
    for patience, parts in ((HERE, ("here", account, address)), (ACCOUNT, ("account", account)), (ADDRESS, ("address", address))):
        yield sha256("\0".join(parts).encode()).hexdigest(), patience
