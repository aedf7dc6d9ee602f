"""The index of open cases knows subdistricts. The projection fills the tables again, for the words of a case name its one, too."""

import sqlalchemy as sa
from alembic import op

revision = "cases_3"
down_revision = "cases_2"
branch_labels = None
depends_on = None

TOLD_BY = (
    *("number", "case_id", "state", "held_because", "category", "severity", "urgency", "channel", "district", "subdistrict", "unit"),
    *("grid", "lon", "lat", "opened_ms", "entered_ms", "due_ms", "stage_due_ms", "overdue", "is_open"),
)


def upgrade() -> None:
    """Make it anew."""
    op.drop_index("cases_open", "cases")
    op.create_index("cases_open", "cases", TOLD_BY, sqlite_where=sa.text("is_open = 1"), postgresql_where=sa.text("is_open"))
