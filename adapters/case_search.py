"""Lists through the index of words and marks, in the order of the newest: for searches, boxes, a unit's cases and combined filters.

SQLite's index gives numbers in order, whatever it is asked, so that a page is read off it. PostgreSQL's gives them in none: it is asked
window by window of time, the newest first (days, then weeks), and each window's cases are sorted, until the page is full. Without that a
frequent word would fetch a year of cases for fifty rows; and the planner cannot be left to choose, for it knows of no word how it goes
together with another.
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ARRAY, FromClause, Select, Text, TextClause, cast, column, func, literal_column, select, table, text

from adapters.case_filter import Bbox, Filter
from adapters.case_rows import PER_MS
from adapters.case_tables import CASES, Number
from adapters.case_words import (
    DAY_MS,
    MARKED,
    OPEN,
    SQUARES_IN_A_ROW,
    Names,
    Term,
    for_postgres,
    for_sqlite,
    large_square_mark,
    mark,
    square_mark,
    square_of,
)
from incidents.rights import Scope

MOST_SQUARES = 400
DAYS_FIRST = 7
SQLITE_WORDS = table("case_words", column("rowid", Number))
POSTGRES_WORDS = table("case_words", column("number", Number))


def is_searched(scope: Scope, wanted: Filter, only_open: bool, is_sqlite: bool) -> bool:
    """Whether a list of the newest is read through the index of words, and not off `cases` with an index of one field.

    Open cases are so few that only words are worth it. PostgreSQL puts the indices of several fields together by itself.
    """
    if wanted.words or only_open:
        return bool(wanted.words)
    marked = sum(bool(getattr(wanted, name)) for name in MARKED) + bool(scope.districts)
    return wanted.bbox is not None or scope.unit is not None or (is_sqlite and marked > 1)


def terms_of(scope: Scope, wanted: Filter, names: Names, only_open: bool) -> list[Term]:
    """What the index is asked; the conditions on `cases` are asked besides, and decide."""
    terms = list(names.terms(wanted.words)) if wanted.words else []
    for name in MARKED:
        if values := getattr(wanted, name):
            terms.append(_any(name, (values,) if isinstance(values, str) else values))
    if scope.districts:
        terms.append(_any("district", scope.districts))
    if scope.unit is not None:
        terms.append(_any("involved", scope.units))
    if wanted.bbox is not None and (marks := _box_marks(wanted.bbox)) is not None:
        terms.append(Term(marks=marks))
    if only_open:
        terms.append(Term(marks=(OPEN,)))
    return terms


def sqlite_source(terms: Sequence[Term]) -> tuple[FromClause, TextClause]:
    """`cases` behind the index, and the condition on it. The plus keeps SQLite from asking the index once per case."""
    joined = SQLITE_WORDS.join(CASES, CASES.c.number == literal_column("+case_words.rowid", Number))
    return joined, text("case_words MATCH :match").bindparams(match=for_sqlite(terms))


def postgres_numbers(terms: Sequence[Term], in_window: bool) -> Select[Any]:
    """The numbers that the index gives, of all time or of the row of `postgres_windows` beside it.

    OFFSET is a fence: without it the planner may walk `case_words` from its newest row on, for it takes any word for frequent.
    """
    also = " && CAST(windows.mark AS tsquery)" if in_window else ""
    found = text(f"vector @@ (CAST(:match AS tsquery){also})").bindparams(match=for_postgres(terms))
    return select(POSTGRES_WORDS.c.number).where(found).offset(0)


def postgres_windows(marks: Sequence[str]) -> FromClause:
    """A row per window, in this order."""
    return func.unnest(cast(list(marks), ARRAY(Text))).table_valued("mark").render_derived(name="windows")


def windows(oldest: int, newest: int) -> list[str]:
    """The marks of the days and weeks that hold all numbers from `oldest` to `newest`, the newest first."""
    first, day = oldest // PER_MS // DAY_MS, newest // PER_MS // DAY_MS
    marks: list[str] = []
    while day >= first and (len(marks) < DAYS_FIRST or day % 7 != 6):
        marks.append(f"day_{day}")
        day -= 1
    weeks = range(day // 7, first // 7 - 1, -1) if day >= first else ()
    return marks + [f"week_{week}" for week in weeks]


def _any(kind: str, values: Sequence[str]) -> Term:
    return Term(marks=tuple(mark(kind, value) for value in values))


def _box_marks(bbox: Bbox) -> tuple[str, ...] | None:
    """The squares that a box touches, or the large ones when it is large; None when it is as large as a province."""
    west, south, east, north = bbox
    (top, left), (bottom, right) = divmod(square_of(west, north), SQUARES_IN_A_ROW), divmod(square_of(east, south), SQUARES_IN_A_ROW)
    for size, marked in ((1, square_mark), (10, large_square_mark)):
        rows, columns = range(bottom // size, top // size + 1), range(left // size, right // size + 1)
        if len(rows) * len(columns) <= MOST_SQUARES:
            squares = (marked((row * SQUARES_IN_A_ROW + at) * size) for row in rows for at in columns)
            return tuple(squares) or ("nowhere_",)
    return None
