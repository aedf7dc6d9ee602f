"""Indices that answer lists and maps by themselves, and PostgreSQL's words by the week. The projection fills the tables again."""

import sqlalchemy as sa
from alembic import op

revision = "cases_2"
down_revision = "cases_1"
branch_labels = None
depends_on = None

TOLD_BY = (
    *("number", "case_id", "state", "held_because", "category", "severity", "urgency", "channel", "district", "unit", "grid", "lon", "lat"),
    *("opened_ms", "entered_ms", "due_ms", "stage_due_ms", "overdue", "is_open"),
)


def upgrade() -> None:
    """Make them anew."""
    op.drop_index("cases_open", "cases")
    op.create_index("cases_open", "cases", TOLD_BY, sqlite_where=sa.text("is_open = 1"), postgresql_where=sa.text("is_open"))
    if op.get_bind().dialect.name == "sqlite":
        return
    op.execute("DROP TABLE case_words")
    week = "number / (4096 * 86400000::bigint * 7)"
    vector = f"array_to_tsvector(string_to_array(substr(replace(' ' || words, ' ', ' ' || ({week})::text || ':'), 2), ' '))"
    op.execute(
        "CREATE TABLE case_words (number BIGINT PRIMARY KEY, words TEXT NOT NULL, "
        f"vector TSVECTOR NOT NULL GENERATED ALWAYS AS ({vector}) STORED)"
    )
    op.execute("CREATE INDEX case_words_vector ON case_words USING gin (vector) WITH (gin_pending_list_limit = 256)")
