"""Accounts and sessions in SQL: who may sign in with which password, and who is signed in.

Passwords are argon2id hashes, sessions SHA-256 hashes of 32 random bytes: the database gives nobody a way in. A session is forgotten
after twelve hours without use, a week in any case, or when its person signs out, is disabled or gets another password.
"""

import re
import secrets
import threading
import time
import unicodedata
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from typing import Any

from argon2 import PasswordHasher
from argon2.exceptions import VerifyMismatchError
from sqlalchemy import Row, delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from adapters.attempts import Attempts
from adapters.database import Database
from adapters.people_tables import ACCOUNTS, PLACED, SESSIONS
from incidents.errors import TryAgain, UserError
from incidents.rights import BLIND, Person, units_below

ACCOUNT = re.compile(r"[a-z][a-z0-9._-]{1,62}")
LEAST_LETTERS, MOST_LETTERS = 15, 200
"""NIST SP 800-63B-4 §3.1.1.2: at least 15 where a password is all there is, no rules on composition."""
IDLE_MS = 12 * 3_600_000
LASTS_MS = 7 * 24 * 3_600_000
SEEN_EVERY_MS = 60_000
"""A session's last use is written at most once a minute."""
HASHING_AT_ONCE = 4
"""Each hash takes 64 MB: more at once wait."""


def now_ms() -> int:
    """Real time."""
    return time.time_ns() // 1_000_000


@dataclass(frozen=True)
class Account:
    """An account as it is shown: never its hash. Times in milliseconds since 1970."""

    person: Person
    created_at: int
    disabled_at: int | None


@dataclass(frozen=True)
class SignedIn:
    """A session that began; `token` is for the browser alone."""

    person: Person
    token: str
    ends_at: int


@dataclass(frozen=True)
class Refused:
    """Not signed in; `wait_ms` is how long to wait before another attempt is looked at, 0 when this one simply was wrong.

    `account` is for the journal, never for the answer: the account if there is one; what else was typed there may be a password.
    """

    wait_ms: int
    account: str | None = None


class People:
    """The city's accounts. Thread-safe. `parents` maps each unit to its parent, so that a person knows the units below theirs."""

    def __init__(
        self,
        database: Database,
        parents: Mapping[str, str | None],
        hasher: PasswordHasher | None = None,
        now: Callable[[], int] = now_ms,
    ) -> None:
        self._database = database
        self._parents = parents
        self._hasher = hasher or PasswordHasher()
        self._now = now
        self._attempts = Attempts(database)
        self._hashing = threading.Semaphore(HASHING_AT_ONCE)

    def person(self, row: Row[Any], **more: Any) -> Person:
        """The person of a row with the columns of an account or token, with the units below theirs."""
        below = units_below(row.unit, self._parents) if row.unit else ()
        return Person.model_validate({"id": row.id, **{name: getattr(row, name) for name in PLACED}, "below": below, **more})

    # --- accounts -----------------------------------------------------------------------------------------------------------

    def add(self, person: Person, password: str) -> None:
        """A new account; its person's place is checked before (`incidents.rights.check_place`). Raises UserError."""
        if not ACCOUNT.fullmatch(person.id):
            raise UserError(f"account {person.id!r}: 2 to 63 of a-z, 0-9, `.`, `_`, `-`, beginning with a letter")
        if person.role in BLIND:
            raise UserError(f"role {person.role} sees nothing of the console, so it has no account; machines send with a token")
        row = {name: getattr(person, name) for name in PLACED}
        hashed = self._hash(_acceptable(password, person.id))
        try:
            with self._database.write() as connection:
                connection.execute(insert(ACCOUNTS), {"id": person.id, **row, "password_hash": hashed, "created_at": self._now()})
        except IntegrityError:
            raise UserError(
                f"there is an account {person.id!r}; choose another name, or `cityloop accounts password {person.id}`"
            ) from None

    def accounts(self) -> list[Account]:
        """All, by name."""
        with self._database.read() as connection:
            rows = connection.execute(select(ACCOUNTS).order_by(ACCOUNTS.c.id)).all()
        return [Account(self.person(row), row.created_at, row.disabled_at) for row in rows]

    def able(self, account: str) -> Person | None:
        """The person of an account; None when there is none, or it is disabled."""
        row = self._able(account)
        return None if row is None else self.person(row)

    def set_password(self, account: str, password: str) -> None:
        """Another password; every session of the account ends. Raises UserError."""
        self._change(account, password_hash=self._hash(_acceptable(password, account)))

    def change_password(self, account: str, old: str, new: str, address: str, token: str) -> int | Refused:
        """Another password, by whoever knows the old one; every session but the one of `token` ends, and how many did is the answer.

        A guess counts as one at the sign-in does, so that a machine left alone is no way around that. Raises UserError for a new one that
        is too easy, or none.
        """
        new, now = _acceptable(new, account), self._now()
        if _normal(old) == new:
            raise UserError("the new password is the old one; choose another")
        if wait := self._attempts.begin(account, address, now):
            return Refused(wait)
        row = self._able(account)
        if row is None or not self._is(row.password_hash, old):
            return Refused(0, account)
        self._attempts.right(account, address)
        hash_of_new = self._hash(new)
        with self._database.write() as connection:
            unchanged = (ACCOUNTS.c.id == account, ACCOUNTS.c.password_hash == row.password_hash, ACCOUNTS.c.disabled_at.is_(None))
            if not connection.execute(update(ACCOUNTS).where(*unchanged).values(password_hash=hash_of_new)).rowcount:
                return Refused(0, account)  # changed or disabled meanwhile: what was typed is the old one no more
            others = (SESSIONS.c.account == account, SESSIONS.c.hash != hashed(token))
            return connection.execute(delete(SESSIONS).where(*others)).rowcount

    def disable(self, account: str) -> None:
        """Nobody signs in any more; every session of the account ends. Raises UserError."""
        self._change(account, disabled_at=self._now())

    def enable(self, account: str) -> None:
        """The account signs in again. Raises UserError."""
        self._change(account, disabled_at=None)

    def _change(self, account: str, **values: Any) -> None:
        with self._database.write() as connection:
            if not connection.execute(update(ACCOUNTS).where(ACCOUNTS.c.id == account).values(**values)).rowcount:
                raise UserError(f"there is no account {account!r}; `cityloop accounts list` shows them")
            connection.execute(delete(SESSIONS).where(SESSIONS.c.account == account))

    # --- signing in and out -------------------------------------------------------------------------------------------------

    def sign_in(self, account: str, password: str, address: str) -> SignedIn | Refused:
        """Begin a session. Takes as long for an account that is not there; says nothing about why not."""
        account, now = unicodedata.normalize("NFKC", account).strip().lower(), self._now()
        if wait := self._attempts.begin(account, address, now):
            return Refused(wait)
        row, nobody = self._able(account), self._nobody
        if not self._is(nobody if row is None else row.password_hash, password) or row is None:
            return Refused(0, None if row is None else row.id)
        self._attempts.right(account, address)
        return self._begin(row, password, now)

    @cached_property
    def _nobody(self) -> str:
        """What the password of an account that is not there is compared with."""
        return self._hash(secrets.token_urlsafe())

    def _able(self, account: str) -> Row[Any] | None:
        asked = account if ACCOUNT.fullmatch(account) else ""  # a database may refuse to compare with another text
        query = select(ACCOUNTS).where(ACCOUNTS.c.id == asked, ACCOUNTS.c.disabled_at.is_(None))
        with self._database.read() as connection:
            return connection.execute(query).one_or_none()

    def _begin(self, row: Row[Any], password: str, now: int) -> SignedIn:
        token = secrets.token_urlsafe(32)
        session = {"hash": hashed(token), "account": row.id, "created_at": now, "seen_at": now, "ends_at": now + LASTS_MS}
        renewed = self._hash(_normal(password)) if self._hasher.check_needs_rehash(row.password_hash) else None
        with self._database.write() as connection:
            connection.execute(delete(SESSIONS).where((SESSIONS.c.ends_at <= now) | (SESSIONS.c.seen_at <= now - IDLE_MS)))
            connection.execute(insert(SESSIONS), session)
            if renewed:
                same = ACCOUNTS.c.password_hash == row.password_hash
                connection.execute(update(ACCOUNTS).where(ACCOUNTS.c.id == row.id, same).values(password_hash=renewed))
        return SignedIn(self.person(row), token, now + LASTS_MS)

    def session(self, token: str) -> Person | None:
        """Whose session this is, if it lives; using it keeps it alive."""
        now, key = self._now(), hashed(token)
        query = select(ACCOUNTS, SESSIONS.c.seen_at).join(SESSIONS, SESSIONS.c.account == ACCOUNTS.c.id)
        lives = (SESSIONS.c.hash == key, SESSIONS.c.ends_at > now, SESSIONS.c.seen_at > now - IDLE_MS, ACCOUNTS.c.disabled_at.is_(None))
        with self._database.read() as connection:
            row = connection.execute(query.where(*lives)).one_or_none()
        if row is None:
            return None
        if now - row.seen_at >= SEEN_EVERY_MS:
            with suppress(TryAgain), self._database.write() as connection:  # a busy database signs nobody out
                connection.execute(update(SESSIONS).where(SESSIONS.c.hash == key).values(seen_at=now))
        return self.person(row)

    def sign_out(self, token: str) -> int:
        """End this session; 1, or 0 if it had ended."""
        with self._database.write() as connection:
            return connection.execute(delete(SESSIONS).where(SESSIONS.c.hash == hashed(token))).rowcount

    def sign_out_everywhere(self, account: str) -> int:
        """End every session of an account; how many there were."""
        with self._database.write() as connection:
            return connection.execute(delete(SESSIONS).where(SESSIONS.c.account == account)).rowcount

    # --- passwords ----------------------------------------------------------------------------------------------------------

    def _hash(self, password: str) -> str:
        with self._hashing:
            return self._hasher.hash(password)

    def _is(self, stored: str, password: str) -> bool:
        with self._hashing, suppress(VerifyMismatchError):
            return self._hasher.verify(stored, _normal(password[: 2 * MOST_LETTERS]))
        return False


def hashed(token: str) -> str:
    """How a secret of 32 random bytes is stored: nobody guesses it, so one SHA-256 is enough and quick."""
    return sha256(token.encode()).hexdigest()


def _normal(password: str) -> str:
    return unicodedata.normalize("NFKC", password)


def _acceptable(password: str, account: str) -> str:
    normal = _normal(password)
    if not LEAST_LETTERS <= len(normal) <= MOST_LETTERS:
        raise UserError(f"the password has {len(normal)} letters; use {LEAST_LETTERS} to {MOST_LETTERS}, for example four or five words")
    if len(set(normal)) < 5 or account in normal.lower():
        raise UserError("the password is easily guessed (few different letters, or the account's name in it); use four or five words")
    return normal
