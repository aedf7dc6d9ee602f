"""The tables of accounts, sessions, tokens and attempts (area `people`). Times are milliseconds since 1970, real time, not the city's."""

from sqlalchemy import BigInteger, Column, Integer, String, Table

from adapters.database import METADATA


def _place() -> list[Column[str]]:
    """Who somebody is and where: the fields of `incidents.rights.Person`."""
    return [
        Column("name", String(200), nullable=False),
        Column("role", String(20), nullable=False),
        Column("level", String(40), nullable=False),
        Column("district", String(40)),
        Column("subdistrict", String(40)),
        Column("unit", String(80)),
    ]


PLACED = tuple(column.name for column in _place())
"""Their names."""

ACCOUNTS = Table(
    "accounts",
    METADATA,
    Column("id", String(64), primary_key=True),
    *_place(),
    Column("password_hash", String(400), nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("disabled_at", BigInteger),
)

SESSIONS = Table(
    "sessions",
    METADATA,
    Column("hash", String(64), primary_key=True),
    Column("account", String(64), nullable=False, index=True),
    Column("created_at", BigInteger, nullable=False),
    Column("seen_at", BigInteger, nullable=False),
    Column("ends_at", BigInteger, nullable=False, index=True),
)

TOKENS = Table(
    "tokens",
    METADATA,
    Column("id", String(16), primary_key=True),
    *_place(),
    Column("hash", String(64), nullable=False, unique=True),
    Column("scopes", String(200), nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("ends_at", BigInteger, nullable=False),
    Column("used_at", BigInteger),
    Column("revoked_at", BigInteger),
    Column("follows", String(16)),
)

ATTEMPTS = Table(
    "sign_in_attempts",
    METADATA,
    Column("key", String(64), primary_key=True),
    Column("failures", Integer, nullable=False),
    Column("last_at", BigInteger, nullable=False, index=True),
    Column("free_at", BigInteger, nullable=False),
)
