"""Fills case tables for their benchmark: a year of cases in one go, indices afterwards, then some facts as the projection keeps them."""

import time
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import orjson
from sqlalchemy import Connection, text

from adapters.case_keeper import CaseTables
from adapters.case_rows import Row, Told, case_row, document_row, number_of, read_fact, word_row
from adapters.case_tables import CASES, DOCUMENTS, INVOLVED
from adapters.case_words import units_of
from adapters.database import Database
from benchmarks.ground import say
from benchmarks.table_cases import PER_DAY, Cases
from incidents.audit import Span
from incidents.catalogue import City

DOCUMENT_DAYS = 30
COLUMNS: dict[str, Sequence[str]] = {
    "cases": [column.name for column in CASES.columns],
    "documents": ["number", "json"],
    "involved": ["unit", "number"],
    "case_words": ["number", "words"],
}
INDICES = [index for table in (CASES, DOCUMENTS, INVOLVED) for index in table.indexes]
Rows = dict[str, list[tuple[Any, ...]]]


def loaded(databases: Sequence[Database], city: City, days: int) -> None:
    """Put `days` of cases into each, with the indices made at the end, as a database that has grown has them after its own upkeep."""
    if not databases:
        return
    for database in databases:
        _emptied(database)
    made = Cases(city)
    with ThreadPoolExecutor(len(databases)) as writers:
        writing: list[Future[None]] = []
        for day in range(days):
            rows = _rows(made, day, days)  # while the last ones are written
            _done(writing)
            writing = [writers.submit(_put_all, database, rows) for database in databases]
            if day % 30 == 29:
                say(f"{(day + 1) * PER_DAY:,} cases …")
        _done(writing)
        _done([writers.submit(_indexed, database) for database in databases])


def is_empty(database: Database) -> bool:
    """Whether there is no case in it yet; its tables are made."""
    database.upgrade()
    with database.read() as connection:
        return connection.execute(text("SELECT 1 FROM cases LIMIT 1")).first() is None


def _done(writing: Sequence[Future[None]]) -> None:
    for each in writing:
        each.result()


def _emptied(database: Database) -> None:
    database.upgrade()
    CaseTables(database).prepare("benchmark", {0: Span(0, 0)})
    with database.write() as connection:
        for index in INDICES:
            index.drop(connection)
        if not database.is_sqlite:
            connection.execute(text("DROP INDEX case_words_vector"))


def _put_all(database: Database, rows: Rows) -> None:
    with database.write() as connection:
        for table, tuples in rows.items():
            _put(connection, table, tuples)


def _rows(made: Cases, day: int, days: int) -> Rows:
    rows: Rows = {table: [] for table in COLUMNS}
    taken: set[int] = set()
    for case in made.day(day, days):
        row = case_row(case)
        number = number_of(case["case_id"], row["opened_ms"])
        while number in taken:
            number += 1
        taken.add(number)
        row["number"] = number
        rows["cases"].append(tuple(row[name] for name in COLUMNS["cases"]))
        rows["involved"] += [(unit, number) for unit in units_of(case)]
        rows["case_words"].append((number, word_row(case, row)["words"]))
        if days - day <= DOCUMENT_DAYS:
            rows["documents"].append((number, document_row(case)["json"]))
    return rows


def _put(connection: Connection, table: str, rows: list[tuple[Any, ...]]) -> None:
    columns = COLUMNS[table]
    cursor: Any = connection.connection.cursor()
    if connection.dialect.name == "sqlite":
        names = ["rowid" if table == "case_words" and name == "number" else name for name in columns]
        cursor.executemany(f"INSERT INTO {table} ({', '.join(names)}) VALUES ({', '.join('?' * len(names))})", rows)
        return
    with cursor.copy(f"COPY {table} ({', '.join(columns)}) FROM STDIN") as copy:
        for row in rows:
            copy.write_row(row)


def _indexed(database: Database) -> None:
    began = time.monotonic()
    with database.write() as connection:
        if not database.is_sqlite:
            connection.execute(text("SET LOCAL maintenance_work_mem = '1GB'"))
            connection.execute(text("CREATE INDEX case_words_vector ON case_words USING gin (vector) WITH (gin_pending_list_limit = 256)"))
        for index in INDICES:
            index.create(connection)
    database.tidy()
    database.close()  # the last connection puts SQLite's log, as long as all indices, into the file; a city's is never that long
    say(f"indices made in {time.monotonic() - began:.0f} s")


def written(database: Database, city: City, day: int, facts: int, at_once: int, seed: int) -> dict[str, float]:
    """Keep facts of a day's new cases through the projection's writer; facts a second, and CPU of this process per fact in microseconds."""
    told = [
        _told(case | {"case_id": f"NEW{seed}-{case['case_id']}"}, offset)
        for offset, case in zip(range(facts), Cases(city, seed).day(day, day + 1), strict=False)
    ]
    tables, began, cpu = CaseTables(database), time.perf_counter(), time.process_time()
    for start in range(0, facts, at_once):
        tables.take(told[start : start + at_once])
    took, spent = time.perf_counter() - began, time.process_time() - cpu
    return {"facts_per_s": round(facts / took), "cpu_us_per_fact": round(spent / facts * 1e6)}


def _told(case: Row, offset: int) -> Told:
    head = {"case_id": case["case_id"], "sequence": case["sequence"], "at": case["opened_at"], "actor": {"id": "x", "role": "system"}}
    return read_fact(orjson.dumps({"type": "city.case.opened.v1", "data": head | {"case": case}}), 0, offset)
