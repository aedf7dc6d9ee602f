"""Lists through the index of words and marks, in the order of the newest: for searches, boxes, a unit's cases and combined filters.

SQLite's index gives numbers in order, whatever it is asked, so that a page is read off it. PostgreSQL's gives them in none: there every
word stands with its week, and is asked for window by window of time, the newest first (hours, days, then weeks, each of which is cut into
days when it holds many), and each window's cases are sorted, until the page is full. Without that a frequent word would fetch a year of
cases for fifty rows; and the planner cannot be left to choose, for it knows of no word how it goes together with another.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    ARRAY,
    BigInteger,
    ColumnElement,
    FromClause,
    Select,
    Text,
    TextClause,
    case,
    cast,
    column,
    func,
    literal_column,
    select,
    table,
    text,
    true,
)

from adapters.case_filter import Bbox, Filter
from adapters.case_rows import PER_MS
from adapters.case_tables import CASES, Number
from adapters.case_words import (
    DAY_MS,
    HOUR_MS,
    MARKED,
    OPEN,
    Names,
    Term,
    for_postgres,
    for_sqlite,
    large_square_mark,
    mark,
    square_mark,
    squares_in,
)
from incidents.rights import Scope
from incidents.vocabulary import ENDED

MOST_SQUARES = 30
MOST_LARGE_SQUARES = 100
MOST_MARKS = 40
"""A term of more (a character that most units' names have) is dearer to look up than to ask of what the other terms found."""
MANY = 300
"""A week that has as many is asked day by day."""
SQLITE_WORDS = table("case_words", column("rowid", Number))
POSTGRES_WORDS = table("case_words", column("number", Number))


def terms_of(scope: Scope, wanted: Filter, names: Names, only_open: bool) -> list[Term]:
    """What the index is asked, and nothing where an index of `cases` answers as well. The conditions on `cases` decide besides.

    Open cases are so few that only words are worth it; one value of one field, a grid and a case's number have indices of their own.
    """
    words = list(names.terms(wanted.words)) if wanted.words else []
    if only_open:
        return [*words, Term(marks=(OPEN,))] if words else []
    if not words and (wanted.grid or wanted.id or wanted.case_id):
        return []
    marks = _marks(scope, wanted)
    is_one = len(marks) == 1 and len(marks[0].marks) == 1 and wanted.bbox is None and scope.unit is None and not scope.subdistricts
    return words if is_one and not words else words + marks


def _marks(scope: Scope, wanted: Filter) -> list[Term]:
    marks = [_any(name, _values(value)) for name in MARKED if (value := getattr(wanted, name))]
    if wanted.status:
        ended = tuple(mark("ended", state) for state in wanted.status if state in ENDED)
        marks.append(Term(marks=ended if len(ended) == len(wanted.status) else (*ended, OPEN)))
    if scope.subdistricts:  # a part of its district
        marks.append(_any("subdistrict", scope.subdistricts))
    elif scope.districts:
        marks.append(_any("district", scope.districts))
    if scope.unit is not None:
        marks.append(_any("involved", scope.units))
    if wanted.bbox is not None and (squares := _box_marks(wanted.bbox)) is not None:
        marks.append(Term(marks=squares))
    return marks


def index_for(scope: Scope, wanted: Filter) -> str:
    """Which index of `cases` SQLite reads a list off that is not searched: it would guess, and a wrong guess reads a year of cases."""
    named = {"case_id": wanted.id or wanted.case_id, "grid": wanted.grid, "state": wanted.status}
    named |= {name: getattr(wanted, name) for name in MARKED}
    named["district"] = named["district"] or scope.districts
    name = next((name for name, value in named.items() if value), None)
    return f"INDEXED BY cases_{name}" if name else "NOT INDEXED"


def sqlite_source(terms: Sequence[Term]) -> tuple[FromClause, TextClause]:
    """`cases` behind the index, and the condition on it. The plus keeps SQLite from asking the index once per case."""
    joined = SQLITE_WORDS.join(CASES, CASES.c.number == literal_column("+case_words.rowid", Number))
    return joined, text("case_words MATCH :match").bindparams(match=for_sqlite(terms))


def postgres_numbers(terms: Sequence[Term], part: str = "''") -> Select[Any]:
    """The numbers that the index gives, of the row of `windows` beside it and `part` of it.

    OFFSET is a fence: without it the planner may walk `case_words` from its newest row on, for it takes any word for frequent.
    """
    indexed = [term for term in terms if len(term.marks) <= MOST_MARKS] or [min(terms, key=lambda term: len(term.marks))]
    rest = [term for term in terms if term not in indexed]
    found = text(f"vector @@ CAST(replace(:match || {part}, '@', CAST(windows.week AS text)) AS tsquery)")
    query = select(POSTGRES_WORDS.c.number).where(found.bindparams(match=for_postgres(indexed)))
    if rest:  # as a function it is asked of the rows that the index gave
        matches = text("ts_match_vq(vector, CAST(replace(:rest, '@', CAST(windows.week AS text)) AS tsquery))")
        query = query.where(matches.bindparams(rest=for_postgres(rest)))
    return query.offset(0)


@dataclass(frozen=True)
class Window:
    """A stretch of time: a week (since 1970, from Thursday), or what has a mark in it."""

    week: int
    mark: str | None = None


def postgres_windows(times: Sequence[Window]) -> FromClause:
    """A row per window, in this order: `week`, and `mark` as a part of the query."""
    weeks = cast([time.week for time in times], ARRAY(BigInteger))
    marks = cast([time.mark and _and(time.mark) for time in times], ARRAY(Text))
    return func.unnest(weeks, marks).table_valued("week", "mark").render_derived(name="windows")


def postgres_parts(terms: Sequence[Term]) -> FromClause:
    """Beside a window its parts, as parts of the query: itself, the days of a week that has many, nothing for a week without any.

    A week that has some is one part, and they are `many.numbers` already.
    """
    some = select(postgres_numbers(terms).subquery("some").c.number).where(text("windows.mark IS NULL")).limit(MANY).subquery("some")
    many = select(func.count().label("n"), func.array_agg(some.c.number).label("numbers")).select_from(some).lateral("many")
    days = ", ".join(f"' & ''@:day_' || windows.week * 7 + {day} || ''''" for day in reversed(range(7)))
    whole = f"WHEN n = 0 THEN CAST(ARRAY[] AS text[]) WHEN n < {MANY} THEN ARRAY['']"
    cut = f"CASE WHEN windows.mark IS NOT NULL THEN ARRAY[windows.mark] {whole} ELSE ARRAY[{days}] END"
    parts = func.unnest(literal_column(cut, ARRAY(Text))).table_valued("part").render_derived(name="parts")
    return many.join(parts, true())


def postgres_found(terms: Sequence[Term]) -> ColumnElement[Any]:
    """The array of the numbers in a part."""
    asked = func.array(postgres_numbers(terms, part="parts.part").scalar_subquery())
    return case((text("parts.part = ''"), literal_column("many.numbers")), else_=asked)


def windows(oldest: int, newest: int) -> list[Window]:
    """The windows that hold all numbers from `oldest` to `newest`, the newest first."""
    first, hour = oldest // PER_MS // DAY_MS, newest // PER_MS // HOUR_MS
    day = hour // 24
    found = [Window(day // 7, f"hour_{each}") for each in range(hour, day * 24 - 1, -1)] if day >= first else []
    found += [Window(day // 7, f"day_{each}") for each in range(day - 1, max(first, day - day % 7) - 1, -1)]
    return found + [Window(week) for week in range(day // 7 - 1, first // 7 - 1, -1)]


def weeks(oldest: int, newest: int) -> list[Window]:
    """The weeks that hold all numbers from `oldest` to `newest`."""
    week_ms = 7 * DAY_MS
    return [Window(week) for week in range(newest // PER_MS // week_ms, oldest // PER_MS // week_ms - 1, -1)]


def _and(mark: str) -> str:
    return f" & '@:{mark}'"


def _values(value: str | tuple[str, ...]) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else value


def _any(kind: str, values: Sequence[str]) -> Term:
    return Term(marks=tuple(mark(kind, value) for value in values))


def _box_marks(bbox: Bbox) -> tuple[str, ...] | None:
    """The squares that a box touches, or the large ones when it is large; None when it is as large as a province."""
    for size, marked, most in ((1, square_mark, MOST_SQUARES), (10, large_square_mark, MOST_LARGE_SQUARES)):
        rows, columns = squares_in(bbox, size)
        if len(rows) * len(columns) <= most:
            return tuple(marked(row + at) for row in rows for at in columns) or ("nowhere_",)
    return None
