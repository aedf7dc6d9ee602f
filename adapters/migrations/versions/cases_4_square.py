"""Cases know the square that they lie in, and two indices answer lists of a box by it. The projection fills the tables again."""

import sqlalchemy as sa
from alembic import op

revision = "cases_4"
down_revision = "cases_3"
branch_labels = None
depends_on = None

PLACED_BY = ("square", "number", "lon", "lat", "district")


def upgrade() -> None:
    """Make them; the rows that are there are about to go."""
    op.add_column("cases", sa.Column("square", sa.Integer, nullable=False, server_default="0"))
    op.create_index("cases_square", "cases", PLACED_BY)
    op.create_index("cases_category_square", "cases", ("category", *PLACED_BY))
