"""The writer of the case tables: facts in batches, each batch in one transaction with the positions that it brings the tables to.

A case moves by its `sequence` only forwards and a fact is kept once, so that a batch read again, by whomever, changes nothing. What the
tables have not seen of the log (they are new, of another version, or came back from a backup) stands in `cases_gaps` until it is filled.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager

from sqlalchemy import Connection, Executable, delete, func, insert, select, text, update
from sqlalchemy.exc import IntegrityError

from adapters.case_rows import Row, Told, document_row, number_of, word_row
from adapters.case_statements import Statements
from adapters.case_tables import ABOUT, CASES, DOCUMENTS, FACTS, GAPS, INVOLVED, READ_TO, SCHEMA
from adapters.case_words import units_of
from adapters.database import Database
from adapters.evidence_tables import PROOFS, SHOWN, proofs_of, shown_by
from incidents.audit import Span
from incidents.errors import TryAgain

ALL = (CASES, DOCUMENTS, FACTS, INVOLVED, ABOUT, READ_TO, GAPS)
WORDS = "case_words"


class CaseTables:
    """Writes; every method raises TryAgain when the database is away, and then nothing of it is there. One thread at a time."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._do = Statements(database.is_sqlite)

    def prepare(self, topic_id: str, committed: Mapping[int, Span]) -> None:
        """Make the tables ready for facts of this topic, empty when they are another topic's or version's.

        `committed` is, by partition, where the log begins and how far its group had read it: what the tables lack of that is a gap.
        """
        self._database.upgrade()
        with self._database.write() as connection:
            if connection.execute(select(ABOUT.c.topic_id, ABOUT.c.version)).first() != (topic_id, SCHEMA):
                self._empty(connection, topic_id)
            read_to = self._read_to(connection)
            for partition, span in committed.items():
                self._reach(connection, partition, read_to.get(partition, span.begin), span.end, span.end)

    def start_anew(self, topic_id: str, spans: Mapping[int, Span]) -> None:
        """Empty the tables, all of `spans` to be filled; goes on instead where an earlier filling of the same topic was left."""
        self._database.upgrade()
        with self._database.write() as connection:
            known = connection.execute(select(ABOUT.c.topic_id, ABOUT.c.version)).first() == (topic_id, SCHEMA)
            if known and connection.execute(select(func.count()).select_from(GAPS)).scalar_one():
                return
            self._empty(connection, topic_id)
            for partition, span in spans.items():
                self._reach(connection, partition, span.begin, span.end, span.end)

    def take(self, facts: Sequence[Told]) -> None:
        """Keep the facts of a batch as the log has them; where it does not follow on what is there, note the gap."""
        with self._writing() as connection:
            read_to = self._read_to(connection)
            for partition, span in _spans(facts).items():
                self._reach(connection, partition, read_to.get(partition, 0), span.begin, span.end)
            self._keep(connection, facts)

    def gaps(self) -> dict[int, Span]:
        """What is to be filled, by partition the first of it."""
        with self._database.read() as connection:
            rows = connection.execute(select(GAPS).order_by(GAPS.c.partition, GAPS.c.goal.desc()))
            return {row.partition: Span(row.next, row.goal) for row in rows}

    def is_complete(self) -> bool:
        """Whether they show all there was when they were prepared: made by this version, and without a gap."""
        with self._database.read() as connection:
            version = connection.execute(select(ABOUT.c.version)).scalar()
            return version == SCHEMA and not connection.execute(select(func.count()).select_from(GAPS)).scalar_one()

    def fill(self, facts: Sequence[Told], filled: Mapping[int, Span]) -> None:
        """Keep facts of gaps; `filled` is, by partition, up to where (`begin`) the gap that ends at `end` is done with."""
        with self._writing() as connection:
            self._keep(connection, facts)
            for partition, span in filled.items():
                gap = (GAPS.c.partition == partition) & (GAPS.c.goal == span.end) & (GAPS.c.next < span.begin)
                done = delete(GAPS).where(gap) if span.begin >= span.end else update(GAPS).where(gap).values(next=span.begin)
                connection.execute(done)

    @contextmanager
    def _writing(self) -> Iterator[Connection]:
        """Two workers on one case, while it goes from one to the other: the second finds its key taken."""
        try:
            with self._database.write() as connection:
                yield connection
        except IntegrityError as error:
            raise TryAgain("another worker keeps the same case") from error

    def _empty(self, connection: Connection, topic_id: str) -> None:
        for table in (*(table.name for table in ALL), WORDS):
            connection.execute(text(f"DELETE FROM {table}" if self._database.is_sqlite else f"TRUNCATE {table}"))
        connection.execute(insert(ABOUT).values(topic_id=topic_id, version=SCHEMA))

    def _reach(self, connection: Connection, partition: int, known: int, begin: int, end: int) -> None:
        """The tables know a partition up to `known`, and now from `begin` to `end`."""
        if known < begin:
            _write(connection, self._do.add[GAPS], [{"partition": partition, "next": known, "goal": begin}])
        if known < end:
            connection.execute(self._do.put_read_to, {"partition": partition, "next": end})

    def _keep(self, connection: Connection, facts: Sequence[Told]) -> None:
        newest: dict[str, Told] = {}
        for told in facts:
            if told.case_id not in newest or told.sequence > newest[told.case_id].sequence:
                newest[told.case_id] = told
        there = connection.execute(self._do.known, {"ids": list(newest)})
        known: dict[str, Row] = {row["case_id"]: dict(row) for row in there.mappings()}
        numbers = {case_id: row["number"] for case_id, row in known.items()}
        numbers |= self._new_numbers(connection, [told for case_id, told in newest.items() if case_id not in known])
        moved = [told for case_id, told in newest.items() if case_id not in known or told.sequence > known[case_id]["sequence"]]
        if moved:
            self._move(connection, [(told, numbers[told.case_id], known.get(told.case_id)) for told in moved])
        _write(connection, self._do.add[FACTS], [told.fact | {"number": numbers[told.case_id]} for told in facts])

    def _new_numbers(self, connection: Connection, opened: Sequence[Told]) -> dict[str, int]:
        """A number for each new case: its own, or the next that nobody has."""
        wanted = {told.case_id: number_of(told.case_id, told.case["opened_ms"]) for told in opened}
        taken = self._taken(connection, wanted.values()) if wanted else set()
        numbers: dict[str, int] = {}
        for case_id, first in wanted.items():
            number = first
            while number in taken or (number != first and self._taken(connection, [number])):
                number += 1
            taken.add(number)
            numbers[case_id] = number
        return numbers

    def _taken(self, connection: Connection, numbers: Iterable[int]) -> set[int]:
        return set(connection.scalars(self._do.numbers, {"numbers": list(numbers)}))

    def _move(self, connection: Connection, moved: Sequence[tuple[Told, int, Row | None]]) -> None:
        """Each fact with its case's number and the row that is there."""
        _write(connection, self._do.put_cases, [told.case | {"number": number} for told, number, before in moved if before is None])
        self._change(connection, [(told.case, before) for told, _, before in moved if before is not None])
        cases = [(told.event["data"]["case"], number) for told, number, _ in moved]
        connection.execute(self._do.put_documents, [document_row(case) | {"number": number} for case, number in cases])
        self._involve(connection, cases)
        self._word(connection, [word_row(told.event["data"]["case"], told.case) | {"number": number} for told, number, _ in moved])
        for table, told in ((SHOWN, shown_by), (PROOFS, proofs_of)):
            _write(connection, self._do.add[table], [row for case, _ in cases for row in told(case)])

    def _change(self, connection: Connection, pairs: Sequence[tuple[Row, Row]]) -> None:
        """Rows as they shall be and are. Only what differs is set: SQLite writes each index of a column that is set, changed or not."""
        alike: dict[tuple[str, ...], list[Row]] = defaultdict(list)
        for row, before in pairs:
            changed = {name: value for name, value in row.items() if before[name] != value}
            alike[tuple(changed)].append(changed | {"old_number": before["number"]})
        for rows in alike.values():
            _write(connection, self._do.change_cases, rows)

    def _involve(self, connection: Connection, cases: Sequence[tuple[Row, int]]) -> None:
        wanted = {(unit, number) for case, number in cases for unit in units_of(case)}
        known = connection.execute(self._do.involved, {"numbers": [number for _, number in cases]})
        there = {(row.unit, row.number) for row in known}
        _write(connection, self._do.uninvolve, [{"old_unit": unit, "old_number": number} for unit, number in sorted(there - wanted)])
        _write(connection, self._do.add[INVOLVED], [{"unit": unit, "number": number} for unit, number in sorted(wanted - there)])

    def _word(self, connection: Connection, rows: Sequence[Row]) -> None:
        """Words change seldom, and their index is the dearest to change."""
        known = connection.execute(self._do.words, {"numbers": [row["number"] for row in rows]})
        there = {number: words for number, words in known}
        _write(connection, self._do.put_words, [row for row in rows if there.get(row["number"]) != row["words"]])

    def _read_to(self, connection: Connection) -> dict[int, int]:
        return {row.partition: row.next for row in connection.execute(self._do.read_to)}


def _write(connection: Connection, statement: Executable, rows: Sequence[Row]) -> None:
    """Once for each row; with none, SQLAlchemy would carry a statement out without values."""
    if rows:
        connection.execute(statement, rows)


def _spans(facts: Iterable[Told]) -> dict[int, Span]:
    spans: dict[int, Span] = {}
    for told in facts:
        known = spans.get(told.partition, Span(told.offset, told.offset + 1))
        spans[told.partition] = Span(min(known.begin, told.offset), max(known.end, told.offset + 1))
    return spans
