"""Alerts that other systems posted, and messages that named them."""

import sqlalchemy as sa
from alembic import op

revision = "alerts_1"
down_revision = None
branch_labels = ("alerts",)
depends_on = None


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "posted_alerts",
        sa.Column("city", sa.String(100), primary_key=True),
        sa.Column("fingerprint", sa.String(16), primary_key=True),
        sa.Column("alert", sa.Text, nullable=False),
        sa.Column("ends_at", sa.BigInteger, nullable=False),
        sa.Column("case_id", sa.String(64), nullable=False),
        sa.Column("report", sa.Text),
        sa.Column("orders", sa.Text),
    )
    op.create_index("posted_alerts_ends_at", "posted_alerts", ["city", "ends_at"])
    op.create_table(
        "alert_messages",
        sa.Column("city", sa.String(100), primary_key=True),
        sa.Column("message", sa.String(64), primary_key=True),
        sa.Column("fingerprint", sa.String(16), nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
    )
