"""Accounts, sessions, tokens, attempts to sign in, and the journal, which takes entries and never gives one up."""

import sqlalchemy as sa
from alembic import op

revision = "people_1"
down_revision = None
branch_labels = ("people",)
depends_on = None

KEEP = "the journal only grows"


def upgrade() -> None:
    """Make the tables."""
    _people()
    _journal()
    _forbid_changes()


def _place() -> list[sa.Column[str]]:
    return [
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("role", sa.String(20), nullable=False),
        sa.Column("level", sa.String(40), nullable=False),
        sa.Column("district", sa.String(40)),
        sa.Column("unit", sa.String(80)),
    ]


def _people() -> None:
    op.create_table(
        "accounts",
        sa.Column("id", sa.String(64), primary_key=True),
        *_place(),
        sa.Column("password_hash", sa.String(400), nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("disabled_at", sa.BigInteger),
    )
    op.create_table(
        "sessions",
        sa.Column("hash", sa.String(64), primary_key=True),
        sa.Column("account", sa.String(64), nullable=False, index=True),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("seen_at", sa.BigInteger, nullable=False),
        sa.Column("ends_at", sa.BigInteger, nullable=False, index=True),
    )
    op.create_table(
        "tokens",
        sa.Column("id", sa.String(16), primary_key=True),
        *_place(),
        sa.Column("hash", sa.String(64), nullable=False, unique=True),
        sa.Column("scopes", sa.String(200), nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("ends_at", sa.BigInteger, nullable=False),
        sa.Column("used_at", sa.BigInteger),
        sa.Column("revoked_at", sa.BigInteger),
        sa.Column("follows", sa.String(16)),
    )
    op.create_table(
        "sign_in_attempts",
        sa.Column("key", sa.String(64), primary_key=True),
        sa.Column("failures", sa.Integer, nullable=False),
        sa.Column("last_at", sa.BigInteger, nullable=False, index=True),
        sa.Column("free_at", sa.BigInteger, nullable=False),
    )


def _journal() -> None:
    op.create_table(
        "journal",
        sa.Column("city", sa.String(100), primary_key=True),
        sa.Column("sequence", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("at", sa.String(30), nullable=False),
        sa.Column("kind", sa.String(40), nullable=False),
        sa.Column("person", sa.String(100), nullable=False),
        sa.Column("case_id", sa.String(100)),
        sa.Column("district", sa.String(40)),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.Column("hash", sa.LargeBinary, nullable=False),
    )
    for column in ("case_id", "person", "kind", "district"):
        op.create_index(f"journal_{column}", "journal", ["city", column, "sequence"])
    op.create_table(
        "journal_heads",
        sa.Column("city", sa.String(100), primary_key=True),
        sa.Column("sequence", sa.BigInteger, nullable=False),
        sa.Column("hash", sa.LargeBinary, nullable=False),
    )
    op.create_table(
        "journal_checkpoints",
        sa.Column("city", sa.String(100), primary_key=True),
        sa.Column("sequence", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("head", sa.LargeBinary, nullable=False),
        sa.Column("at", sa.String(30), nullable=False),
        sa.Column("signature", sa.LargeBinary, nullable=False),
    )


def _forbid_changes() -> None:
    if op.get_bind().dialect.name == "sqlite":
        for act in ("UPDATE", "DELETE"):
            op.execute(f"CREATE TRIGGER journal_no_{act.lower()} BEFORE {act} ON journal BEGIN SELECT RAISE(ABORT, '{KEEP}'); END")
        return
    op.execute(f"CREATE FUNCTION journal_keep() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION '{KEEP}'; END $$")
    op.execute(
        "CREATE TRIGGER journal_keep BEFORE UPDATE OR DELETE OR TRUNCATE ON journal FOR EACH STATEMENT EXECUTE FUNCTION journal_keep()"
    )
