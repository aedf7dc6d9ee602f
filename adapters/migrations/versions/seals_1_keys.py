"""Keys of sealed reports: wrapped, until they are erased."""

import sqlalchemy as sa
from alembic import op

revision = "seals_1"
down_revision = None
branch_labels = ("seals",)
depends_on = None


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "seal_keys",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("wrapped", sa.LargeBinary),
        sa.Column("wrapped_by", sa.String(16), nullable=False),
        sa.Column("erased_on", sa.String(8)),
    )
