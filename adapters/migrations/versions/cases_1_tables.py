"""The tables of cases, empty: the projection fills them from the log."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "cases_1"
down_revision = None
branch_labels = ("cases",)
depends_on = None

NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make them."""
    _cases()
    _beside()
    _words()
    op.create_table("about_cases", sa.Column("topic_id", sa.Text, nullable=False), sa.Column("version", sa.Text, nullable=False))
    partition = ("partition", sa.Integer)
    op.create_table("cases_read_to", _key(*partition), _must("next", sa.BigInteger), sa.PrimaryKeyConstraint("partition"))
    op.create_table(
        "cases_gaps",
        _key(*partition),
        _key("goal", sa.BigInteger),
        _must("next", sa.BigInteger),
        sa.PrimaryKeyConstraint("partition", "goal"),
    )


def _cases() -> None:
    op.create_table(
        "cases",
        _key("number", NUMBER),
        *(_must(name, sa.Text) for name in ("case_id", "state", "category", "severity", "channel", "assisting", "level")),
        *(_must(name, sa.Integer) for name in ("sequence", "revision", "count", "sources")),
        *(_must(name, sa.BigInteger) for name in ("opened_ms", "first_seen_ms", "last_seen_ms", "entered_ms")),
        *(_must(name, sa.Float(53)) for name in ("lon", "lat")),
        *(_must(name, sa.Boolean) for name in ("is_open", "overdue")),
        _must("urgency", sa.SmallInteger),
        *(sa.Column(name, sa.Text) for name in ("held_because", "condition", "district", "subdistrict", "community", "grid", "address")),
        *(sa.Column(name, sa.Text) for name in ("unit", "algorithm", "picture", "merged_into")),
        *(sa.Column(f"{name}_ms", sa.BigInteger) for name in ("filed", "dispatched", "accepted", "handled", "ended", "due", "stage_due")),
        sa.Column("confidence", sa.Float(53)),
        sa.PrimaryKeyConstraint("number"),
    )
    op.create_index("cases_case_id", "cases", ["case_id"], unique=True)
    op.create_index("cases_open", "cases", ["number"], sqlite_where=sa.text("is_open = 1"), postgresql_where=sa.text("is_open"))
    for name in ("state", "district", "category", "unit", "grid", "severity", "channel"):
        op.create_index(f"cases_{name}", "cases", [name, "number"])


def _beside() -> None:
    op.create_table("documents", _key("number", NUMBER), _must("json", sa.Text), sa.PrimaryKeyConstraint("number"))
    op.create_table(
        "facts",
        _key("number", NUMBER),
        _key("sequence", sa.Integer),
        *(_must(name, sa.Text) for name in ("type", "actor", "changes")),
        _must("at_ms", sa.BigInteger),
        *(sa.Column(name, sa.Text) for name in ("note", "reason")),
        sa.PrimaryKeyConstraint("number", "sequence"),
        sqlite_with_rowid=False,
    )
    unit, number = _key("unit", sa.Text), _key("number", NUMBER)
    op.create_table("involved", unit, number, sa.PrimaryKeyConstraint("unit", "number"), sqlite_with_rowid=False)
    op.create_index("involved_number", "involved", ["number"])


def _words() -> None:
    """SQLite's own full-text index, and PostgreSQL's; neither is known to SQLAlchemy, so `words` is on no metadata."""
    if op.get_bind().dialect.name == "sqlite":
        op.execute("CREATE VIRTUAL TABLE case_words USING fts5(words, detail=none, tokenize=\"unicode61 tokenchars '_'\")")
        return
    vector = "array_to_tsvector(string_to_array(words, ' '))"
    op.execute(
        "CREATE TABLE case_words (number BIGINT PRIMARY KEY, words TEXT NOT NULL, "
        f"vector TSVECTOR NOT NULL GENERATED ALWAYS AS ({vector}) STORED)"
    )
    op.execute("CREATE INDEX case_words_vector ON case_words USING gin (vector)")


def _key(name: str, kind: Any) -> sa.Column[Any]:
    return sa.Column(name, kind, autoincrement=False, nullable=False)


def _must(name: str, kind: Any) -> sa.Column[Any]:
    return sa.Column(name, kind, nullable=False)
