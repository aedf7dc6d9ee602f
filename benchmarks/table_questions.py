"""What the benchmark asks of the case tables: every list, search and map query of the console's pages, each time with other values.

A new filter of the console is a new line of `questions`.
"""

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache
from typing import Any, TypeVar

from adapters.case_filter import Filter, Tab
from adapters.case_orders import Sort
from adapters.case_query import CaseQuery, Page
from benchmarks.table_cases import BEGINS, ENGLISH, MIDDLE, ROADS, WORDS
from incidents.catalogue import City
from incidents.rights import EVERYTHING, Scope
from incidents.vocabulary import ENDED, Channel, Severity, State

T = TypeVar("T")
Ask = Callable[["Asking"], object]


@dataclass
class Asking:
    """A person who asks: picks values at random, the frequent ones as often as the rare."""

    query: CaseQuery
    city: City
    days: int
    pick: random.Random = field(default_factory=lambda: random.Random(1))

    def list(self, scope: Scope = EVERYTHING, sort: Sort = Sort.NEWEST, cursor: str | None = None, **filters: Any) -> Page:
        """A page."""
        return self.query.cases(scope, Filter(**filters), cursor, sort=sort)

    @property
    def district(self) -> str:
        """Any district."""
        return self.pick.choice(self.city.districts).code

    @property
    def street(self) -> Scope:
        """Somebody of any subdistrict."""
        district = self.pick.choice([each for each in self.city.districts if each.subdistricts])
        return Scope(districts=(district.code,), subdistricts=(self.pick.choice(district.subdistricts)[0],))

    @property
    def category(self) -> str:
        """Any category."""
        return self.pick.choice(self.city.categories).key

    @property
    def unit(self) -> str:
        """Any unit that leads cases."""
        return self.pick.choice([unit.key for unit in self.city.units if unit.district])

    @property
    def moment(self) -> datetime:
        """Any moment of the time there are cases of."""
        return BEGINS + timedelta(days=self.pick.random() * self.days)

    def box(self, km: float) -> tuple[float, float, float, float]:
        """A box of so many kilometres, somewhere in the city."""
        west, south = MIDDLE[0] + self.pick.uniform(-0.05, 0.3), MIDDLE[1] + self.pick.uniform(-0.05, 0.2)
        return west, south, west + km / 90, south + km / 111

    def one(self, *values: T) -> T:
        """Any of them."""
        return self.pick.choice(values)


def _lists() -> dict[str, Ask]:
    return {
        "newest": lambda a: a.list(),
        "newest, page somewhere": lambda a: a.list(cursor=a.list(until=a.moment).next),
        "of a time": lambda a: a.list(since=(since := a.moment), until=since + timedelta(days=a.one(1, 7, 30))),
        "district": lambda a: a.list(district=a.district),
        "state": lambda a: a.list(status=(a.one(*State),)),
        "ended states": lambda a: a.list(status=tuple(ENDED)),
        "category": lambda a: a.list(category=a.category),
        "three categories": lambda a: a.list(category=(a.category, a.category, a.category)),
        "unit": lambda a: a.list(unit=a.unit),
        "grid": lambda a: a.list(grid=f"{a.one(*a.city.districts[0].subdistricts)[0]}-0{a.one(1, 2, 3)}-05"),
        "severity": lambda a: a.list(severity=a.one(*Severity)),
        "channel": lambda a: a.list(channel=a.one(*Channel)),
        "not overdue": lambda a: a.list(overdue=False, district=a.district),
        "district, state": lambda a: a.list(district=a.district, status=(a.one(*State),)),
        "district, category": lambda a: a.list(district=a.district, category=a.category),
        "category, state": lambda a: a.list(category=a.category, status=(a.one(*State),)),
        "category, severity": lambda a: a.list(category=a.category, severity=a.one(*Severity)),
        "category, channel": lambda a: a.list(category=a.category, channel=a.one(*Channel)),
        "severity, channel": lambda a: a.list(severity=a.one(*Severity), channel=a.one(*Channel)),
        "unit, category": lambda a: a.list(unit=a.unit, category=a.category),
        "unit, state, of a time": lambda a: a.list(unit=a.unit, status=(State.CLOSED,), since=a.moment),
        "five filters": lambda a: a.list(
            district=a.district, category=a.category, severity=a.one(*Severity), channel=a.one(*Channel), status=(a.one(*ENDED),)
        ),
    }


def _queues() -> dict[str, Ask]:
    return {
        "tab": lambda a: a.list(tab=a.one(*Tab)),
        "tab by due time": lambda a: a.list(tab=a.one(*Tab), sort=Sort.DUE),
        "tab by severity": lambda a: a.list(tab=a.one(*Tab), sort=Sort.SEVERITY),
        "tab of a district": lambda a: a.list(Scope(districts=(a.district,)), tab=a.one(*Tab), sort=Sort.DUE),
        "tab, category": lambda a: a.list(tab=a.one(*Tab), category=a.category),
        "everything open by due time": lambda a: a.list(sort=Sort.DUE),
        "oldest open": lambda a: a.list(sort=Sort.OLDEST, tab=a.one(*Tab)),
        "overdue": lambda a: a.list(overdue=True),
        "counts": lambda a: a.query.counts(EVERYTHING),
        "counts of a district": lambda a: a.query.counts(Scope(districts=(a.district,))),
        "counts of a subdistrict": lambda a: a.query.counts(a.street),
        "tab of a subdistrict": lambda a: a.list(a.street, tab=a.one(*Tab), sort=Sort.DUE),
        "counts of a unit": lambda a: a.query.counts(Scope(unit=a.unit)),
        "tasks of a unit": lambda a: a.query.tasks(Scope(unit=a.unit), (State.DISPATCHED, State.HANDLING, State.SUSPENDED)),
        "tasks of checkers": lambda a: a.query.tasks(Scope(districts=(a.district,)), (State.CHECKING,)),
    }


def _scopes() -> dict[str, Ask]:
    return {
        "a district's newest": lambda a: a.list(Scope(districts=(a.district,))),
        "a district's category": lambda a: a.list(Scope(districts=(a.district,)), category=a.category),
        "a district's severity": lambda a: a.list(Scope(districts=(a.district,)), severity=a.one(*Severity)),
        "a subdistrict's newest": lambda a: a.list(a.street),
        "a subdistrict's category": lambda a: a.list(a.street, category=a.category),
        "a unit's newest": lambda a: a.list(Scope(unit=a.unit)),
        "a unit's category": lambda a: a.list(Scope(unit=a.unit), category=a.category),
        "a unit's and those below": lambda a: a.list(Scope(unit=a.unit, below=(a.unit, a.unit, a.unit))),
        "a unit's state": lambda a: a.list(Scope(unit=a.unit), status=(a.one(*State),)),
    }


def _searches() -> dict[str, Ask]:
    return {
        "search a case's number": lambda a: a.list(q=a.list(until=a.moment).rows[0]["case_id"]),
        "search a road": lambda a: a.list(q=a.one(*ROADS)),
        "search a house": lambda a: a.list(q=f"{a.one(*ROADS)} {a.pick.randrange(1, 400)}"),
        "search a word": lambda a: a.list(q=a.one(*WORDS)),
        "search one character": lambda a: a.list(q=a.one("路", "水", "区", "号", "机")),
        "search English": lambda a: a.list(q=a.one(*ENGLISH)),
        "search a beginning": lambda a: a.list(q=a.one("mark", "sch", "fro", "hel", "gravel")),
        "search a category": lambda a: a.list(q=a.one(*a.city.categories).name.zh),
        "search a unit": lambda a: a.list(q=a.one(*a.city.units).name.zh),
        "search what was in winter": lambda a: a.list(q="暖气泄漏"),
        "search what is rare": lambda a: a.list(q=a.one("无人机坠落", "heliport")),
        "search what is nowhere": lambda a: a.list(q=a.one("恐龙", "dinosaur")),
        "search a word in a district": lambda a: a.list(Scope(districts=(a.district,)), q=a.one(*WORDS)),
        "search a word in a subdistrict": lambda a: a.list(a.street, q=a.one(*WORDS)),
        "search a word, category": lambda a: a.list(q=a.one(*WORDS), category=a.category),
        "search a word, state": lambda a: a.list(q=a.one(*WORDS), status=(a.one(*State),)),
        "search a word in a tab": lambda a: a.list(q=a.one(*WORDS), tab=a.one(*Tab)),
        "search a unit's": lambda a: a.list(Scope(unit=a.unit), q=a.one(*WORDS)),
    }


def _maps() -> dict[str, Ask]:
    return {
        "map of everything open": lambda a: a.query.points(EVERYTHING),
        "map of a district": lambda a: a.query.points(Scope(districts=(a.district,))),
        "map of a subdistrict": lambda a: a.query.points(a.street),
        "map of a box": lambda a: a.query.points(EVERYTHING, a.box(a.one(1, 3, 10))),
        "map of a tab": lambda a: a.query.points(EVERYTHING, None, Filter(tab=a.one(*Tab))),
        "map of a search": lambda a: a.query.points(EVERYTHING, None, Filter(q=a.one(*WORDS))),
        "list of 300 m": lambda a: a.list(bbox=a.box(0.3)),
        "list of a box": lambda a: a.list(bbox=a.box(a.one(1, 3, 10))),
        "list of a box where nothing is": lambda a: a.list(bbox=(121.5, 37.5, 121.6, 37.6)),
        "list of a box, category": lambda a: a.list(bbox=a.box(a.one(1, 3, 10)), category=a.category),
        "similar cases": lambda a: a.query.similar(EVERYTHING, a.category, a.box(1)[:2], a.one(50, 300), a.moment),
    }


@cache
def questions() -> Mapping[str, Ask]:
    """Every question by name."""
    return _lists() | _queues() | _scopes() | _searches() | _maps()
