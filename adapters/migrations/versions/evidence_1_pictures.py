"""Pictures and recordings, who brought them, which cases show them, and which one each is proof of."""

import sqlalchemy as sa
from alembic import op

revision = "evidence_1"
down_revision = None
branch_labels = ("evidence",)
depends_on = None


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "evidence",
        sa.Column("sha256", sa.String(64), primary_key=True),
        sa.Column("media_type", sa.String(40), nullable=False),
        sa.Column("size", sa.Integer, nullable=False),
        sa.Column("width", sa.Integer),
        sa.Column("height", sa.Integer),
        sa.Column("captured_at", sa.BigInteger),
        sa.Column("lon", sa.Double),
        sa.Column("lat", sa.Double),
        sa.Column("stored_at", sa.BigInteger, nullable=False),
        sa.Column("kept_since", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "evidence_uploads",
        sa.Column("sha256", sa.String(64), primary_key=True),
        sa.Column("original", sa.String(64), primary_key=True),
        sa.Column("person", sa.String(128), primary_key=True),
        sa.Column("district", sa.String(40)),
        sa.Column("unit", sa.String(80)),
        sa.Column("at", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "evidence_cases",
        sa.Column("sha256", sa.String(64), primary_key=True),
        sa.Column("case_id", sa.String(100), primary_key=True),
    )
    op.create_table(
        "evidence_proofs",
        sa.Column("sha256", sa.String(64), primary_key=True),
        sa.Column("case_id", sa.String(100), nullable=False),
        sa.Column("command_id", sa.String(200), nullable=False),
    )
    for table, column in (("evidence", "kept_since"), ("evidence_uploads", "original"), ("evidence_proofs", "command_id")):
        op.create_index(f"{table}_{column}", table, [column])
