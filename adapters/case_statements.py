"""The statements by which the case tables are written, made once: building one costs more than the database takes to carry it out."""

from collections.abc import Callable
from typing import Any

from sqlalchemy import Table, bindparam, delete, select, text, update
from sqlalchemy.dialects import postgresql, sqlite

from adapters.case_tables import CASES, DOCUMENTS, FACTS, GAPS, INVOLVED, READ_TO
from adapters.evidence_tables import PROOFS, SHOWN


class Statements:
    """For one kind of database. `:ids` and `:numbers` are lists."""

    def __init__(self, is_sqlite: bool) -> None:
        make: Callable[[Table], Any] = sqlite.insert if is_sqlite else postgresql.insert
        key = "rowid" if is_sqlite else "number"
        self.put_cases = _put(make(CASES), CASES, "case_id")
        self.put_documents = _put(make(DOCUMENTS), DOCUMENTS, "number")
        self.put_read_to = _put(make(READ_TO), READ_TO, "partition")
        self.put_words = text(
            "INSERT OR REPLACE INTO case_words (rowid, words) VALUES (:number, :words)"
            if is_sqlite
            else "INSERT INTO case_words (number, words) VALUES (:number, :words) ON CONFLICT (number) DO UPDATE SET words = excluded.words"
        )
        self.add = {table: make(table).on_conflict_do_nothing() for table in (FACTS, GAPS, INVOLVED, SHOWN, PROOFS)}
        self.uninvolve = delete(INVOLVED).where(INVOLVED.c.unit == bindparam("old_unit"), INVOLVED.c.number == bindparam("old_number"))
        self.change_cases = update(CASES).where(CASES.c.number == bindparam("old_number"))
        known = select(CASES).where(CASES.c.case_id.in_(bindparam("ids", expanding=True)))
        self.known = known.order_by(CASES.c.number).with_for_update()
        self.numbers = select(CASES.c.number).where(CASES.c.number.in_(bindparam("numbers", expanding=True)))
        self.involved = select(INVOLVED).where(INVOLVED.c.number.in_(bindparam("numbers", expanding=True)))
        self.words = text(f"SELECT {key}, words FROM case_words WHERE {key} IN :numbers").bindparams(bindparam("numbers", expanding=True))
        self.read_to = select(READ_TO)


def _put(statement: Any, table: Table, key: str) -> Any:
    """A row that is there is moved, and keeps its number."""
    values = {column.name: statement.excluded[column.name] for column in table.columns if column.name not in (key, "number")}
    return statement.on_conflict_do_update(index_elements=[key], set_=values)
