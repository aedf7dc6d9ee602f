"""An index answers lists of a district's cases of a category, whatever their severity, channel and state."""

from alembic import op

revision = "cases_5"
down_revision = "cases_4"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make it."""
    op.create_index("cases_category_district", "cases", ("category", "district", "number", "severity", "channel", "state"))
