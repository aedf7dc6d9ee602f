"""The tables that the console asks of cases: what the projection keeps (adapters/case_keeper.py) and `adapters.case_query` reads.

`cases` is one narrow row per case, whatever became of it; `documents` the whole case as its newest fact told it; `facts` the history
without the case; `involved` which units lead or assist; `case_words` what a case is found by (each database has its own index, so only
the revision makes it). Rows stay for ever: a city's year is about five million.
A case's `number` grows with the moment it was opened, so that the newest come first by the primary key, in every index and in `case_words`.
"""

from typing import Any

from sqlalchemy import BigInteger, Boolean, Column, Float, Index, Integer, SmallInteger, Table, Text, text

from adapters.database import METADATA

SCHEMA = "6"
"""Moves when rows must be made anew from the facts: then every worker does so by itself."""

Number = BigInteger().with_variant(Integer(), "sqlite")  # only INTEGER PRIMARY KEY is SQLite's own row number
OPEN: dict[str, Any] = {"sqlite_where": text("is_open = 1"), "postgresql_where": text("is_open")}
"""As SQLAlchemy writes the condition `is_open`: only then is the index of open cases used."""
OPEN_CASES = "cases_open"
TOLD_BY = (
    *("number", "case_id", "state", "held_because", "category", "severity", "urgency", "channel", "district", "subdistrict", "unit"),
    *("grid", "lon", "lat", "opened_ms", "entered_ms", "due_ms", "stage_due_ms", "overdue", "is_open"),
)
"""What the index of open cases holds: all that queues, maps and counts choose and sort by; they look up only the rows that they show."""
SQUARES, CATEGORY_SQUARES, CATEGORY_DISTRICTS = "cases_square", "cases_category_square", "cases_category_district"
PLACED_BY = ("square", "number", "lon", "lat", "district")
"""What the indices by square hold: a list of a box looks up only the rows that it shows (adapters/case_parts.py)."""

CASES = Table(
    "cases",
    METADATA,
    Column("number", Number, primary_key=True, autoincrement=False),
    Column("case_id", Text, nullable=False),
    Column("sequence", Integer, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("state", Text, nullable=False),
    Column("is_open", Boolean, nullable=False),
    Column("held_because", Text),
    Column("category", Text, nullable=False),
    Column("condition", Text),
    Column("severity", Text, nullable=False),
    Column("urgency", SmallInteger, nullable=False),  # 0 emergency … 3 minor, for sorting
    Column("channel", Text, nullable=False),
    Column("district", Text),
    Column("subdistrict", Text),
    Column("community", Text),
    Column("grid", Text),
    Column("lon", Float(53), nullable=False),
    Column("lat", Float(53), nullable=False),
    Column("square", Integer, nullable=False),  # of about a kilometre, as `square_of` counts them
    Column("address", Text),
    Column("unit", Text),
    Column("assisting", Text, nullable=False),  # JSON
    Column("level", Text, nullable=False),
    Column("opened_ms", BigInteger, nullable=False),
    Column("first_seen_ms", BigInteger, nullable=False),
    Column("last_seen_ms", BigInteger, nullable=False),
    Column("filed_ms", BigInteger),
    Column("dispatched_ms", BigInteger),
    Column("accepted_ms", BigInteger),
    Column("handled_ms", BigInteger),
    Column("ended_ms", BigInteger),
    Column("entered_ms", BigInteger, nullable=False),
    Column("due_ms", BigInteger),
    Column("stage_due_ms", BigInteger),
    Column("overdue", Boolean, nullable=False),  # as the last fact told it; whoever reads judges by the clock, too
    Column("count", Integer, nullable=False),
    Column("sources", Integer, nullable=False),
    Column("confidence", Float(53)),
    Column("algorithm", Text),
    Column("picture", Text),
    Column("merged_into", Text),
    Index("cases_case_id", "case_id", unique=True),
    Index(OPEN_CASES, *TOLD_BY, **OPEN),
    Index(SQUARES, *PLACED_BY),
    Index(CATEGORY_SQUARES, "category", *PLACED_BY),
    Index(CATEGORY_DISTRICTS, "category", "district", "number", "severity", "channel", "state"),
    *(Index(f"cases_{name}", name, "number") for name in ("state", "district", "category", "unit", "grid", "severity", "channel")),
)

DOCUMENTS = Table(
    "documents", METADATA, Column("number", Number, primary_key=True, autoincrement=False), Column("json", Text, nullable=False)
)

FACTS = Table(
    "facts",
    METADATA,
    Column("number", Number, primary_key=True, autoincrement=False),
    Column("sequence", Integer, primary_key=True, autoincrement=False),
    Column("type", Text, nullable=False),
    Column("at_ms", BigInteger, nullable=False),
    Column("actor", Text, nullable=False),  # JSON
    Column("note", Text),
    Column("reason", Text),
    Column("changes", Text, nullable=False),  # JSON
    sqlite_with_rowid=False,
)

INVOLVED = Table(
    "involved",
    METADATA,
    Column("unit", Text, primary_key=True),
    Column("number", Number, primary_key=True, autoincrement=False),
    Index("involved_number", "number"),
    sqlite_with_rowid=False,
)

ABOUT = Table("about_cases", METADATA, Column("topic_id", Text, nullable=False), Column("version", Text, nullable=False))

READ_TO = Table(
    "cases_read_to",
    METADATA,
    Column("partition", Integer, primary_key=True, autoincrement=False),
    Column("next", BigInteger, nullable=False),
)

GAPS = Table(
    "cases_gaps",
    METADATA,
    Column("partition", Integer, primary_key=True, autoincrement=False),
    Column("goal", BigInteger, primary_key=True, autoincrement=False),
    Column("next", BigInteger, nullable=False),
)
