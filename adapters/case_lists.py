"""Lists of cases as statements: within a scope, by a filter, in an order, behind a position. `adapters.case_query` carries them out."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from sqlalchemy import ColumnElement, Connection, FromClause, Select, func, select, true

from adapters.case_filter import Filter, conditions, in_time, seen_by
from adapters.case_orders import ORDERS, Order, Position, Sort
from adapters.case_search import SQLITE_WORDS, is_searched, postgres_numbers, postgres_windows, sqlite_source, terms_of, windows
from adapters.case_tables import CASES
from adapters.case_words import Names
from incidents.catalogue import City
from incidents.rights import EVERYTHING, Scope

MOST_COUNTED = 200
C = CASES.c
Columns = Sequence[Any]


def select_seen(scope: Scope, *columns: Any, source: FromClause = CASES) -> Select[Any]:
    """The cases of a scope; every statement on cases begins here."""
    return select(*columns).select_from(source).where(*seen_by(scope))


@dataclass(frozen=True)
class Listed:
    """Which list: whose, of what, in which order, and whether no ended case is in it."""

    scope: Scope
    wanted: Filter
    sort: Sort
    open_only: bool

    @property
    def order(self) -> Order:
        """How it is sorted."""
        return ORDERS[self.sort]


class Lists:
    """Makes the statements for one kind of database."""

    def __init__(self, is_sqlite: bool, city: City, now: Callable[[], datetime]) -> None:
        self._is_sqlite = is_sqlite
        self._city = city
        self._now = now

    def query(
        self, connection: Connection, listed: Listed, columns: Columns, most: int | None, last: Position | None = None
    ) -> Select[Any]:
        """At most so many rows of a list, behind a position."""
        searched = is_searched(listed.scope, listed.wanted, listed.open_only, self._is_sqlite)
        terms = terms_of(listed.scope, listed.wanted, self._names, listed.open_only) if searched else []
        if searched and self._is_sqlite:
            source, found = sqlite_source(terms)
            query = self._where(listed, SQLITE_WORDS.c.rowid, columns, source).where(found)
            return listed.order.cut(query, SQLITE_WORDS.c.rowid, last, most)
        if searched and not listed.open_only:
            found_numbers = postgres_numbers(terms, in_window=True).subquery("found")
            source = found_numbers.join(CASES, C.number == found_numbers.c.number)
            inner = listed.order.cut(self._where(listed, C.number, columns, source), C.number, last, most).lateral("listed")
            marks = self._windows(connection, listed.wanted, last)
            return select(*inner.c).select_from(postgres_windows(marks).join(inner, true())).limit(most)
        query = self._where(listed, C.number, columns, CASES)
        if searched:
            query = query.where(C.number.in_(postgres_numbers(terms, in_window=False)))
        return listed.order.cut(query, C.number, last, most)

    def total(self, connection: Connection, listed: Listed) -> int:
        """How many a list has; where ended cases are among them, counted to a little above what is told, in the order of the list."""
        query = self.query(connection, listed, [C.number], None if listed.open_only else MOST_COUNTED + 1)
        return connection.execute(select(func.count()).select_from(query.subquery())).scalar_one()

    def _where(self, listed: Listed, number: ColumnElement[int], columns: Columns, source: FromClause) -> Select[Any]:
        """All but the search; `number` is the column that gives the order."""
        where = conditions(listed.wanted, self._now(), listed.open_only)
        return select_seen(listed.scope, *columns, source=source).where(*where, *in_time(listed.wanted, number))

    def _windows(self, connection: Connection, wanted: Filter, last: Position | None) -> list[str]:
        """The windows of time that a list of the newest goes through."""
        oldest, newest = connection.execute(select_seen(EVERYTHING, func.min(C.number), func.max(C.number))).one()
        begin, end = wanted.numbers
        ends = [newest or 0, *(last or ()), *([end] if end else [])]
        return windows(max(oldest or 0, begin), min(ends))

    @cached_property
    def _names(self) -> Names:
        return Names(self._city)
