"""The only reader of the case tables: what the console shows of cases, to each person what exists for them.

Every statement begins in `select_seen`, which adds the scope, so that no answer can forget it; a case out of the scope is None, as one
that never was (a test holds all modules to that). "Now" is the city's clock at the moment of reading: a case whose time has run out is
overdue then. Nothing is masked here.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from math import cos, radians
from typing import Any

import orjson
from sqlalchemy import ColumnElement, func

from adapters.case_filter import CONFIRMABLE, EVERY_CASE, TAB_STATES, Bbox, Filter, Tab, overdue
from adapters.case_lists import MOST_COUNTED, Listed, Lists, select_open, select_seen
from adapters.case_orders import Sort, cursor_of, position
from adapters.case_shown import fact_shown, row_shown
from adapters.case_tables import CASES, DOCUMENTS, FACTS
from adapters.database import Database
from incidents.catalogue import City
from incidents.places import METRES_PER_DEGREE, distance_m
from incidents.rights import Scope
from incidents.vocabulary import State

MOST_ROWS = 500
MOST_POINTS = 10_000
EXPORTED_AT_ONCE = 1_000
SIMILAR_LOOKED_AT = 200
C = CASES.c
Json = dict[str, Any]


@dataclass(frozen=True)
class Page:
    """Rows of a list (`CaseRow` as JSON), the cursor of the next page, and how many match: with `at_least`, that many or more."""

    rows: list[Json]
    next: str | None
    total: int
    at_least: bool = False


@dataclass(frozen=True)
class Found:
    """One case: its row, and the whole of it as its newest fact told it."""

    row: Json
    case: Json


@dataclass(frozen=True)
class Points:
    """`[case_id, lon, lat, category, state, severity, due_ms, overdue, opened_ms, district]` each; `complete` False: there are more."""

    points: list[list[Any]]
    complete: bool


@dataclass(frozen=True)
class Counts:
    """Open cases of a scope by tab, state and district ("" where the city's geography does not say)."""

    tabs: dict[str, int]
    states: dict[str, int]
    districts: dict[str, int]


@dataclass(frozen=True)
class Near:
    """A case that may be the same thing, and how far away it is."""

    row: Json
    distance_m: int


class CaseQuery:
    """Reads, in any thread. Every method raises TryAgain when the database is away."""

    def __init__(self, database: Database, city: City, now: Callable[[], datetime]) -> None:
        self._database = database
        self._city = city
        self._now = now
        self._lists = Lists(database.is_sqlite, city, now)

    def cases(
        self, scope: Scope, wanted: Filter = EVERY_CASE, cursor: str | None = None, limit: int = 50, sort: Sort = Sort.NEWEST
    ) -> Page:
        """A page of at most 500 cases. Raises UserError for a cursor that is none of this order.

        Whatever is opened meanwhile, who follows the cursors sees every case that was there, once; a case whose place in the order moves
        (its due time was extended) is seen where it stands then.
        """
        limit = max(1, min(limit, MOST_ROWS))
        open_only = wanted.open_only or sort is not Sort.NEWEST
        last = None if cursor is None else position(sort, cursor)
        with self._database.read() as connection:
            listed = Listed(scope, wanted, sort, open_only)
            rows = connection.execute(self._lists.page(connection, listed, [CASES, self._is_overdue()], limit + 1, last)).all()
            more = len(rows) > limit
            complete = last is None and not more
            total = len(rows) if complete else self._lists.total(connection, listed)
        at_least = not (open_only or complete or total <= MOST_COUNTED)
        following = cursor_of(sort, rows[limit - 1]) if more else None
        return Page([row_shown(row) for row in rows[:limit]], following, min(total, MOST_COUNTED) if at_least else total, at_least)

    def case(self, scope: Scope, case_id: str) -> Found | None:
        """A whole case; None when there is none, or none for this scope."""
        query = select_seen(scope, CASES, self._is_overdue(), DOCUMENTS.c.json).join(DOCUMENTS, DOCUMENTS.c.number == C.number)
        with self._database.read() as connection:
            row = connection.execute(query.where(C.case_id == case_id)).first()
        return None if row is None else Found(row_shown(row), orjson.loads(row.json))

    def some(self, scope: Scope, case_ids: Sequence[str]) -> list[Json]:
        """The rows of those of these cases that exist for this scope, the newest first."""
        query = select_seen(scope, CASES, self._is_overdue()).where(C.case_id.in_(case_ids[:MOST_ROWS]))
        with self._database.read() as connection:
            return [row_shown(row) for row in connection.execute(query.order_by(C.number.desc()))]

    def facts(self, scope: Scope, case_id: str, after: int = 0, limit: int = 200) -> list[Json] | None:
        """What happened to a case behind a sequence, in order; None when there is no such case for this scope."""
        limit = max(1, min(limit, MOST_ROWS))
        facts = select_seen(scope, FACTS).join(FACTS, FACTS.c.number == C.number).where(C.case_id == case_id, FACTS.c.sequence > after)
        with self._database.read() as connection:
            rows = connection.execute(facts.order_by(FACTS.c.sequence).limit(limit)).all()
            there = rows or connection.execute(select_seen(scope, C.number).where(C.case_id == case_id)).first()
        return [fact_shown(row) for row in rows] if there else None

    def points(self, scope: Scope, bbox: Bbox | None = None, wanted: Filter = EVERY_CASE, most: int = MOST_POINTS) -> Points:
        """The open cases of a filter in a box, the newest first."""
        late = self._is_overdue()
        columns = (C.case_id, C.lon, C.lat, C.category, C.state, C.severity, C.due_ms, late, C.opened_ms, C.district)  # in this order
        boxed = wanted if bbox is None else wanted.model_copy(update={"bbox": bbox})
        with self._database.read() as connection:
            rows = connection.execute(self._lists.query(connection, Listed(scope, boxed, Sort.NEWEST, True), columns, most + 1)).all()
        return Points(list(map(list, rows[:most])), len(rows) <= most)

    def counts(self, scope: Scope) -> Counts:
        """How many open cases stand where."""
        late = self._is_overdue()
        groups = (C.state, C.district, C.held_because, late)
        query = select_open(scope, *groups, func.count().label("n")).group_by(*groups)
        counts = Counts(dict.fromkeys(Tab, 0), {}, {})
        with self._database.read() as connection:
            for row in connection.execute(query):
                for tab in _tabs(row.state, row.held_because, row.is_overdue):
                    counts.tabs[tab] += row.n
                counts.states[row.state] = counts.states.get(row.state, 0) + row.n
                counts.districts[row.district or ""] = counts.districts.get(row.district or "", 0) + row.n
        return counts

    def tasks(self, scope: Scope, states: Sequence[State], limit: int = 200) -> list[Found]:
        """Open cases in one of these states, by what runs out first: the post's own limit or the case's."""
        first = func.coalesce(C.stage_due_ms, C.due_ms, C.entered_ms)
        chosen = select_open(scope, C.number).where(C.state.in_(states)).order_by(first, C.number).limit(min(limit, MOST_ROWS))
        query = select_seen(scope, CASES, self._is_overdue(), DOCUMENTS.c.json).join(DOCUMENTS, DOCUMENTS.c.number == C.number)
        query = query.where(C.number.in_(chosen.subquery("chosen").select())).order_by(first, C.number)
        with self._database.read() as connection:
            return [Found(row_shown(row), orjson.loads(row.json)) for row in connection.execute(query)]

    def rows(self, scope: Scope, wanted: Filter = EVERY_CASE) -> Iterator[Json]:
        """Every case of a filter, the newest first, a thousand at a time: no transaction lasts as long as the download."""
        listed, last = Listed(scope, wanted, Sort.NEWEST, wanted.open_only), None
        while True:
            with self._database.read() as connection:
                query = self._lists.page(connection, listed, [CASES, self._is_overdue()], EXPORTED_AT_ONCE, last)
                found = connection.execute(query).all()
            yield from map(row_shown, found)
            if len(found) < EXPORTED_AT_ONCE:
                return
            last = (found[-1].number,)

    def similar(self, scope: Scope, category: str, at: tuple[float, float], within_m: float, since: datetime) -> list[Near]:
        """Cases of the category's family within so many metres of a point (longitude, latitude), opened since; the nearest first."""
        lon, lat = at
        north, east = within_m / METRES_PER_DEGREE, within_m / METRES_PER_DEGREE / max(0.01, cos(radians(lat)))
        families = {each.key: each.family or each.key for each in self._city.categories}
        keys = [key for key, family in families.items() if family == families.get(category)] or [category]
        wanted = Filter(category=tuple(keys), bbox=(lon - east, lat - north, lon + east, lat + north), since=since)
        listed = Listed(scope, wanted, Sort.NEWEST, open_only=False)
        with self._database.read() as connection:
            rows = connection.execute(self._lists.page(connection, listed, [CASES, self._is_overdue()], SIMILAR_LOOKED_AT, None)).all()
        near = [Near(row_shown(row), round(distance_m(lon, lat, row.lon, row.lat))) for row in rows]
        return sorted((each for each in near if each.distance_m <= within_m), key=lambda each: each.distance_m)

    def _is_overdue(self) -> ColumnElement[bool]:
        return overdue(self._now()).label("is_overdue")


def _tabs(state: str, held_because: str | None, late: bool) -> Iterator[Tab]:
    yield from (tab for tab, states in TAB_STATES.items() if state in states)
    if state == State.HELD and held_because in CONFIRMABLE:
        yield Tab.TO_FILE
    if late:
        yield Tab.OVERDUE
