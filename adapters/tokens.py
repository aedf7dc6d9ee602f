"""API tokens in SQL: `clt_` and 32 random bytes for a machine or a program, with a role, a place, scopes and an end.

Only the SHA-256 is stored. A token is known by its id, which facts and the journal name (`token:<id>`); revoked and expired ones stay
listed. Rotating gives a new one and lets the old one work on for a while.
"""

import secrets
from collections.abc import Callable, Collection
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, insert, select, update

from adapters.database import Database
from adapters.people import People, hashed, now_ms
from adapters.people_tables import PLACED, TOKENS
from incidents.errors import TryAgain, UserError
from incidents.rights import RIGHTS, Permission, Person

PREFIX = "clt_"
USED_EVERY_MS = 60_000
"""A token's last use is written at most once a minute."""
DAY_MS = 86_400_000
MOST_DAYS = 366


@dataclass(frozen=True)
class Token:
    """A token as it is shown: never itself. Times in milliseconds since 1970; `follows` is the one that it replaces."""

    person: Person
    created_at: int
    ends_at: int
    used_at: int | None
    revoked_at: int | None
    follows: str | None

    @property
    def id(self) -> str:
        """What `revoke` and `rotate` take."""
        return self.person.id.removeprefix("token:")


class Tokens:
    """The city's tokens. Thread-safe."""

    def __init__(self, database: Database, people: People, now: Callable[[], int] = now_ms) -> None:
        self._database = database
        self._people = people
        self._now = now

    def create(self, person: Person, days: int) -> tuple[str, str]:
        """A token that may do what `person.scopes` say: its id, and itself, which is shown this once. Raises UserError."""
        _check(person.scopes, person)
        if not 1 <= days <= MOST_DAYS:
            raise UserError(f"a token lasts 1 to {MOST_DAYS} days, not {days}; rotate it before it ends")
        fields = {name: getattr(person, name) for name in PLACED}
        return self._insert(**fields, scopes=" ".join(sorted(person.scopes)), ends_at=self._now() + days * DAY_MS)

    def _insert(self, **fields: Any) -> tuple[str, str]:
        identity, token = secrets.token_hex(6), PREFIX + secrets.token_urlsafe(32)
        with self._database.write() as connection:
            connection.execute(insert(TOKENS), {"id": identity, "hash": hashed(token), "created_at": self._now(), **fields})
        return identity, token

    def find(self, token: str) -> Person | None:
        """Whose token this is, if it lives."""
        now = self._now()
        lives = (TOKENS.c.hash == hashed(token), TOKENS.c.ends_at > now, TOKENS.c.revoked_at.is_(None))
        with self._database.read() as connection:
            row = connection.execute(select(TOKENS).where(*lives)).one_or_none()
        if row is None:
            return None
        if row.used_at is None or now - row.used_at >= USED_EVERY_MS:
            with suppress(TryAgain), self._database.write() as connection:
                connection.execute(update(TOKENS).where(TOKENS.c.id == row.id).values(used_at=now))
        return self._person(row)

    def _person(self, row: Row[Any]) -> Person:
        return self._people.person(row, id=f"token:{row.id}", kind="token", scopes=row.scopes.split())

    def tokens(self) -> list[Token]:
        """All, the newest first."""
        with self._database.read() as connection:
            rows = connection.execute(select(TOKENS).order_by(TOKENS.c.created_at.desc(), TOKENS.c.id)).all()
        return [Token(self._person(row), row.created_at, row.ends_at, row.used_at, row.revoked_at, row.follows) for row in rows]

    def revoke(self, identity: str) -> None:
        """It works no more. Raises UserError for an id that is none."""
        self._row(identity)
        with self._database.write() as connection:
            connection.execute(update(TOKENS).where(TOKENS.c.id == identity, TOKENS.c.revoked_at.is_(None)).values(revoked_at=self._now()))

    def rotate(self, identity: str, days: int, overlap_hours: int) -> tuple[str, str]:
        """A new token with the same rights; the old one works on for `overlap_hours`, at most to its own end. Raises UserError."""
        row, now = self._row(identity), self._now()
        if row.revoked_at is not None or row.ends_at <= now:
            raise UserError(f"token {identity} has ended; `cityloop tokens create` makes a new one")
        if not 1 <= days <= MOST_DAYS:
            raise UserError(f"a token lasts 1 to {MOST_DAYS} days, not {days}")
        fields = {name: getattr(row, name) for name in (*PLACED, "scopes")}
        made = self._insert(**fields, ends_at=now + days * DAY_MS, follows=identity)
        with self._database.write() as connection:
            ends = min(row.ends_at, now + overlap_hours * 3_600_000)
            connection.execute(update(TOKENS).where(TOKENS.c.id == identity).values(ends_at=ends))
        return made

    def _row(self, identity: str) -> Row[Any]:
        with self._database.read() as connection:
            row = connection.execute(select(TOKENS).where(TOKENS.c.id == identity)).one_or_none()
        if row is None:
            raise UserError(f"there is no token {identity!r}; `cityloop tokens list` shows their ids")
        return row


def _check(scopes: Collection[Permission], person: Person) -> None:
    allowed = RIGHTS[person.role]
    if not scopes:
        raise UserError(f"name what the token is for with --scope: {', '.join(sorted(allowed)) or 'nothing'} for role {person.role}")
    if beyond := set(scopes) - allowed:
        raise UserError(f"role {person.role} may not {', '.join(sorted(beyond))}; it may {', '.join(sorted(allowed)) or 'nothing'}")
