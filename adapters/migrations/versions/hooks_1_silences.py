"""Silences: who wants not to be told of what, and until when."""

import sqlalchemy as sa
from alembic import op

revision = "hooks_1"
down_revision = None
branch_labels = ("hooks",)
depends_on = None


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "silences",
        sa.Column("city", sa.String(100), primary_key=True),
        sa.Column("id", sa.String(36), primary_key=True),
        sa.Column("wish", sa.Text, nullable=False),
        sa.Column("over_at", sa.BigInteger, nullable=False),
        sa.Column("updated_at", sa.BigInteger, nullable=False),
        sa.Column("warned_at", sa.BigInteger),
    )
    op.create_index("silences_over_at", "silences", ["city", "over_at"])
