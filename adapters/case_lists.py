"""Lists of cases as statements: within a scope, by a filter, in an order, behind a position. `adapters.case_query` carries them out."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from sqlalchemy import ColumnElement, Connection, FromClause, Select, any_, func, select, text, true

from adapters.case_filter import Filter, conditions, in_time, seen_by
from adapters.case_orders import ORDERS, Order, Position, Sort
from adapters.case_parts import MOST_POSTGRES, MOST_SQLITE, parts_of, postgres_numbers_of, sqlite_numbers_of
from adapters.case_search import (
    SQLITE_WORDS,
    index_for,
    postgres_found,
    postgres_numbers,
    postgres_parts,
    postgres_windows,
    sqlite_source,
    terms_of,
    weeks,
    windows,
)
from adapters.case_tables import CASES, OPEN_CASES
from adapters.case_words import Names, Term
from incidents.catalogue import City
from incidents.rights import EVERYTHING, Scope

MOST_COUNTED = 200
C = CASES.c
Columns = Sequence[Any]


def select_seen(scope: Scope, *columns: Any, source: FromClause = CASES) -> Select[Any]:
    """The cases of a scope; every statement on cases begins here."""
    return select(*columns).select_from(source).where(*seen_by(scope))


def select_open(scope: Scope, *columns: Any) -> Select[Any]:
    """The open cases of a scope, off their own index."""
    return select_seen(scope, *columns).where(C.is_open).with_hint(CASES, f"INDEXED BY {OPEN_CASES}", "sqlite")


def _is_one_of(numbers: ColumnElement[Any]) -> ColumnElement[bool]:
    """Of an array, so that PostgreSQL asks for that first: it takes any word for frequent, and might join it with all of a category."""
    return C.number == any_(numbers)


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
        terms = terms_of(listed.scope, listed.wanted, self._names, listed.open_only)
        if terms and self._is_sqlite:
            source, found = sqlite_source(terms)
            query = self._where(listed, SQLITE_WORDS.c.rowid, columns, source).where(found)
            return listed.order.cut(query, SQLITE_WORDS.c.rowid, last, most)
        if terms and not listed.open_only:
            return self._by_windows(connection, listed, terms, columns, most, last)
        query = self._where(listed, C.number, columns, CASES)
        if terms:
            weekly = postgres_numbers(terms).lateral("found")
            every = select(weekly.c.number).select_from(postgres_windows(weeks(*self._ends(connection, listed, last))).join(weekly, true()))
            query = query.where(_is_one_of(func.array(every.scalar_subquery())))
        index = f"INDEXED BY {OPEN_CASES}" if listed.open_only else index_for(listed.scope, listed.wanted)
        return listed.order.cut(query.with_hint(CASES, index, "sqlite"), C.number, last, most)

    def page(self, connection: Connection, listed: Listed, columns: Columns, most: int, last: Position | None) -> Select[Any]:
        """As `query`; of open cases and of parts it looks up only the rows that it gives, once an index has chosen and sorted them."""
        chosen = self._numbers(connection, listed, most, last)
        if chosen is None:
            return self.query(connection, listed, columns, most, last)
        as_array = not (self._is_sqlite or listed.open_only)
        is_chosen = _is_one_of(func.array(chosen.scalar_subquery())) if as_array else C.number.in_(chosen.subquery("chosen").select())
        rows = select_seen(listed.scope, *columns).with_hint(CASES, "NOT INDEXED", "sqlite")  # but by their numbers
        return rows.where(is_chosen).order_by(*listed.order.by(C.number))

    def total(self, connection: Connection, listed: Listed) -> int:
        """How many a list has; where ended cases are among them, counted to a little above what is told, in the order of the list."""
        most = None if listed.open_only else MOST_COUNTED + 1
        numbers = self._numbers(connection, listed, most)
        query = self.query(connection, listed, [C.number], most) if numbers is None else numbers
        return connection.execute(select(func.count()).select_from(query.subquery())).scalar_one()

    def _numbers(self, connection: Connection, listed: Listed, most: int | None, last: Position | None = None) -> Select[Any] | None:
        """The numbers of a list that an index gives by itself; None where it is read together with its rows."""
        if listed.open_only:
            return self.query(connection, listed, [C.number], most, last)
        parts = parts_of(listed.scope, listed.wanted, MOST_SQLITE if self._is_sqlite else MOST_POSTGRES)
        if parts is None:
            return None
        each = self._where(listed, C.number, [C.number], CASES)
        each = each if last is None else each.where(listed.order.after(C.number, *last))
        return (sqlite_numbers_of if self._is_sqlite else postgres_numbers_of)(parts, each, most)

    def _by_windows(
        self, connection: Connection, listed: Listed, terms: Sequence[Term], columns: Columns, most: int | None, last: Position | None
    ) -> Select[Any]:
        """A list through PostgreSQL's index of words."""
        found = self._where(listed, C.number, columns, CASES).where(_is_one_of(postgres_found(terms)))
        inner = listed.order.cut(found, C.number, last, most).lateral("listed")
        times = postgres_windows(windows(*self._ends(connection, listed, last)))
        return select(*inner.c).select_from(times.join(postgres_parts(terms), true()).join(inner, true())).limit(most)

    def _where(self, listed: Listed, number: ColumnElement[int], columns: Columns, source: FromClause) -> Select[Any]:
        """All but the search; `number` is the column that gives the order."""
        where = conditions(listed.wanted, self._now(), listed.open_only)
        return select_seen(listed.scope, *columns, source=source).where(*where, *in_time(listed.wanted, number))

    def _ends(self, connection: Connection, listed: Listed, last: Position | None) -> tuple[int, int]:
        """The numbers between which PostgreSQL's list of the newest, or a search of open cases, is to be found."""
        connection.execute(text("SET LOCAL enable_seqscan = off"))  # it knows too little of words to choose
        oldest, newest = connection.execute(select_seen(EVERYTHING, func.min(C.number), func.max(C.number))).one()
        begin, end = listed.wanted.numbers
        ends = [newest or 0, *((last or ()) if listed.sort is Sort.NEWEST else ()), *([end] if end else [])]
        return max(oldest or 0, begin), min(ends)

    @cached_property
    def _names(self) -> Names:
        return Names(self._city)
