"""The journal's tables (area `people`). How entries and checkpoints hang together stands in `incidents.journal`."""

from sqlalchemy import BigInteger, Column, Index, LargeBinary, String, Table

from adapters.database import METADATA

ENTRIES = Table(
    "journal",
    METADATA,
    Column("city", String(100), primary_key=True),
    Column("sequence", BigInteger, primary_key=True, autoincrement=False),
    Column("at", String(30), nullable=False),
    Column("kind", String(40), nullable=False),
    Column("person", String(100), nullable=False),
    Column("case_id", String(100)),
    Column("district", String(40)),
    Column("body", LargeBinary, nullable=False),
    Column("hash", LargeBinary, nullable=False),
)
for _column in ("case_id", "person", "kind", "district"):
    Index(f"journal_{_column}", ENTRIES.c.city, ENTRIES.c[_column], ENTRIES.c.sequence)

HEADS = Table(
    "journal_heads",
    METADATA,
    Column("city", String(100), primary_key=True),
    Column("sequence", BigInteger, nullable=False),
    Column("hash", LargeBinary, nullable=False),
)
"""Where each city's chain ends: whoever appends holds this row, so there is one appender at a time."""

CHECKPOINTS = Table(
    "journal_checkpoints",
    METADATA,
    Column("city", String(100), primary_key=True),
    Column("sequence", BigInteger, primary_key=True, autoincrement=False),
    Column("head", LargeBinary, nullable=False),
    Column("at", String(30), nullable=False),
    Column("signature", LargeBinary, nullable=False),
)
