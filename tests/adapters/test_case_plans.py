"""How both databases carry out what the console asks of cases: by which indices, whatever they know of the values, never through the table.

Plans are asserted, not times: `make bench-tables` has those.
"""

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, event

from adapters.case_query import CaseQuery
from adapters.database import Database
from benchmarks.table_cases import BEGINS
from benchmarks.table_questions import Asking, questions
from config.load import load_city
from config.settings import Settings
from tests.adapters.test_case_tables import tables_of, told

CITY = load_city(Settings())
IN_ORDER_OF_NUMBERS = {"newest", "newest, page somewhere"}
"""They take the first rows of the table, and have nothing to choose by."""
WITH_ENDED = {name for name in questions() if not re.search("tab|open|state|due|overdue|counts|tasks|grid|case's|map", name)}
"""What asks for cases of all time, and not by a field that has several values."""


@pytest.fixture(scope="module")
def asking(shared_databases: Database) -> Asking:
    tables_of(shared_databases).take([told(number, 1, opened_at=BEGINS - timedelta(days=number)) for number in (1, 2)])
    return Asking(CaseQuery(shared_databases, CITY, lambda: BEGINS), CITY, 30)


@pytest.fixture
def plans(shared_databases: Database) -> Iterator[list[str]]:
    """The plan of each statement on cases, line by line, as the database tells it when it is about to carry it out."""
    found: list[str] = []
    explain = "EXPLAIN QUERY PLAN " if shared_databases.is_sqlite else "EXPLAIN "

    def explained(connection: Any, cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        if "FROM cases" not in statement and "case_words" not in statement:
            return
        asked = connection.connection.cursor()
        if not shared_databases.is_sqlite:
            asked.execute("SET LOCAL enable_seqscan = off")
        asked.execute(f"{explain}{statement}", parameters)
        found.extend(str(row[-1]) for row in asked.fetchall())

    event.listen(Engine, "before_cursor_execute", explained)
    yield found
    event.remove(Engine, "before_cursor_execute", explained)


@pytest.fixture
def lines(asking: Asking, plans: list[str], name: str) -> list[str]:
    """The plans of a question."""
    questions()[name](asking)
    assert plans
    return plans


ON_SQLITE = pytest.mark.parametrize("shared_databases", ["sqlite"], indirect=True)
ON_POSTGRESQL = pytest.mark.parametrize("shared_databases", ["postgresql"], indirect=True)


@ON_SQLITE
@pytest.mark.parametrize("name", questions())
def test_sqlite_reads_no_table_through_and_sorts_open_cases_only(lines: list[str], name: str) -> None:
    through = [line for line in lines if re.match(r"SCAN cases(?! USING (COVERING )?INDEX cases_open$)", line)]
    assert not through or name in IN_ORDER_OF_NUMBERS
    assert name not in WITH_ENDED or not any("TEMP B-TREE" in line for line in lines)


@ON_SQLITE
@pytest.mark.parametrize(
    "name", ["map of everything open", "map of a district", "map of a box", "map of a tab", "counts", "counts of a district"]
)
def test_maps_and_counts_look_up_no_row(lines: list[str]) -> None:
    assert lines[0] == "SCAN cases USING COVERING INDEX cases_open"


@pytest.mark.parametrize(
    ("name", "index"),
    [
        ("list of 300 m", "cases_square"),
        ("similar cases", "cases_category_square"),
        ("a district's category", "cases_category_district"),
        ("five filters", "cases_category_district"),
    ],
)
def test_the_parts_of_a_list_are_read_off_an_index_that_tells_enough(lines: list[str], index: str) -> None:
    assert [line for line in lines if re.search(f"(COVERING INDEX|Index Only Scan.* using) {index} ", line)]
    assert not [line for line in lines if "case_words" in line or "TEMP B-TREE" in line]


@ON_POSTGRESQL
@pytest.mark.parametrize("name", questions())
def test_postgresql_has_an_index_for_every_question_and_goes_from_words_to_cases(lines: list[str], name: str) -> None:
    """Over two rows it reads them as they stand, were it not forbidden."""
    assert not [line for line in lines if "Seq Scan" in line]
    assert name not in WITH_ENDED or not [line for line in lines if re.search("(Hash|Merge)( Semi)? Join", line)]
