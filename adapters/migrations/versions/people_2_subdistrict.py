"""Accounts and tokens of one subdistrict. Those that are there go on seeing their whole district."""

import sqlalchemy as sa
from alembic import op

revision = "people_2"
down_revision = "people_1"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column."""
    for table in ("accounts", "tokens"):
        op.add_column(table, sa.Column("subdistrict", sa.String(40)))
