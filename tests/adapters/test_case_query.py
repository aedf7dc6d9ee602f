"""What the console asks of cases, on both databases: filters, searches, tabs, pages under inserts."""

from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from adapters.case_filter import Filter, Tab
from adapters.case_orders import Sort
from adapters.case_query import CaseQuery
from adapters.case_rows import PER_MS
from adapters.case_search import windows
from adapters.case_words import HOUR_MS
from adapters.database import Database
from incidents.errors import UserError
from incidents.events import epoch_ms
from incidents.rights import EVERYTHING
from incidents.vocabulary import Channel, Severity, State
from tests.adapters.cases_asked import A_UNIT, CASES, CITY, NOW, found, id_of, numbers
from tests.adapters.test_case_tables import tables_of, told
from tests.streams.fact_agents import AT

OPENED_MS = epoch_ms(AT + timedelta(minutes=12))
DISTRICTS = ("370202", "370203")
FILTERS: list[tuple[dict[str, Any], set[int]]] = [
    ({}, set(CASES)),
    ({"status": (State.CLOSED, State.VOID)}, {10, 11}),
    ({"status": (State.HANDLING,)}, {6}),
    ({"district": "370203"}, {4, 7, 11}),
    ({"district": ("370202", "370203")}, set(CASES) - {10}),
    ({"severity": (Severity.EMERGENCY, Severity.MAJOR), "id": ("QD-20261121-0000000004", "QD-20261121-0000000001")}, {4}),
    ({"category": "exposed_waste"}, {2}),
    ({"unit": "police-city"}, {6, 7}),
    ({"grid": "g1"}, {1}),
    ({"severity": Severity.EMERGENCY}, {4}),
    ({"channel": Channel.HOTLINE}, {6}),
    ({"overdue": True}, {4, 6, 8}),
    ({"overdue": False}, set(CASES) - {4, 6, 8}),
    ({"bbox": (120.38, 36.07, 120.3806, 36.0704)}, set(CASES) - {4}),
    ({"bbox": (120.3801, 36.07, 120.41, 36.09)}, {4, 12}),
    ({"bbox": (1.0, 1.0, 2.0, 2.0)}, set()),
    ({"since": AT + timedelta(minutes=11)}, {11, 12}),
    ({"until": AT + timedelta(minutes=2)}, {1}),
    ({"district": "370203", "status": (State.VOID, State.FILED), "severity": Severity.MAJOR}, {11}),
]


@pytest.mark.parametrize(("filters", "expected"), FILTERS, ids=lambda each: str(each)[:60])
def test_a_filter_finds_what_it_says(query: CaseQuery, filters: dict[str, Any], expected: set[int]) -> None:
    assert found(query, **filters) == expected


@pytest.mark.parametrize(
    ("q", "expected"),
    [
        ("QD-20261121-0000000004", {4}),
        ("qd-20261121-0000000004", {4}),
        ("渣土", {1}),
        ("路面有遗撒", {1}),
        ("延安三路", {1}),
        ("延安 渣土", {1}),
        ("延安 manhole", set()),
        ("MANHO", {9}),
        ("yan'an road", {9}),
        ("暴露垃圾", {2}),
        ("exposed", {2}),
        ("sanitation-370202", {5}),
        ("/cameras/3", {3}),
        ("88", {1}),
        ("broken m", {9}),  # somebody is still typing
        ("xposed", set()),
        ("3702", set()),
        ("13800001111", set()),
        ("无此", set()),
        ("\"'*()&|:\\ OR", set()),
        ("。", set()),
        ("渣土 ；", set()),
        ("\u00a8", set()),
        ("   ", set(CASES)),
    ],
)
def test_a_search_finds_numbers_words_and_names_in_both_languages(query: CaseQuery, q: str, expected: set[int]) -> None:
    assert found(query, q=q) == expected


def test_words_and_filters_together(query: CaseQuery) -> None:
    everything = CITY.catalogue["road_spillage"].name.zh
    assert found(query, q=everything) == set(CASES) - {2}
    assert found(query, q=everything, district="370203", overdue=True) == {4}
    page = query.cases(EVERYTHING, Filter(q=everything), limit=4)
    assert (numbers(page.rows), page.total) == ([12, 11, 10, 9], 11)
    assert numbers(query.cases(EVERYTHING, Filter(q=everything), page.next, 4).rows) == [8, 7, 6, 5]


TABS = {
    Tab.TO_FILE: {1, 2},
    Tab.TO_VERIFY: {12},
    Tab.TO_DISPATCH: {4},
    Tab.TO_ACCEPT: {5},
    Tab.HANDLING: {6, 7},
    Tab.TO_CHECK: {8},
    Tab.TO_CLOSE: {9},
    Tab.OVERDUE: {4, 6, 8},
}


def test_a_tab_shows_and_counts_the_same_cases(query: CaseQuery) -> None:
    counts = query.counts(EVERYTHING)
    assert {tab: found(query, tab=tab) for tab in Tab} == TABS
    assert counts.tabs == {tab: len(cases) for tab, cases in TABS.items()}
    assert (counts.states["held"], "closed" in counts.states) == (2, False)
    assert counts.districts == {"370202": 8, "370203": 2}


SORTED = {
    Sort.NEWEST: [12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1],
    Sort.OLDEST: [1, 2, 3, 4, 5, 6, 7, 8, 9, 12],
    Sort.DUE: [7, 8, 9, 4, 6, 5, 1, 2, 3, 12],
    Sort.SEVERITY: [4, 9, 8, 7, 6, 5, 3, 2, 1, 12],
}


@pytest.mark.parametrize("sort", Sort)
@pytest.mark.parametrize("limit", [1, 3, 50])
def test_pages_put_together_are_the_list(query: CaseQuery, sort: Sort, limit: int) -> None:
    seen: list[int] = []
    cursor: str | None = None
    for _ in range(20):
        page = query.cases(EVERYTHING, cursor=cursor, limit=limit, sort=sort)
        seen += numbers(page.rows)
        assert (page.total, page.at_least) == (len(SORTED[sort]), False)
        cursor = page.next
        if cursor is None:
            break
    assert seen == SORTED[sort]


@pytest.mark.parametrize("cursor", ["x", "W10", "bm90aGluZw", "ü"])
def test_a_cursor_of_another_list_is_a_person_s_mistake(query: CaseQuery, cursor: str) -> None:
    with pytest.raises(UserError, match="cursor"):
        query.cases(EVERYTHING, cursor=cursor)
    due = query.cases(EVERYTHING, limit=1, sort=Sort.DUE).next
    with pytest.raises(UserError, match="newest"):
        query.cases(EVERYTHING, cursor=due)


@hypothesis_settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(sort=st.sampled_from(Sort), limit=st.integers(1, 4), opened=st.lists(st.integers(0, 300), min_size=8, max_size=8))
def test_whatever_is_opened_meanwhile_every_old_row_is_seen_once(databases: Database, sort: Sort, limit: int, opened: list[int]) -> None:
    tables = tables_of(databases)
    fresh = count(_highest(databases) + 1)
    for minute in range(6):
        tables.take([_opened(next(fresh), minute * 60)])
    old = {row["case_id"] for row in CaseQuery(databases, CITY, lambda: NOW).rows(EVERYTHING)}
    query, seen, cursor, opening = CaseQuery(databases, CITY, lambda: NOW), list[str](), None, iter(opened)
    while True:
        page = query.cases(EVERYTHING, cursor=cursor, limit=limit, sort=sort)
        seen += [row["case_id"] for row in page.rows]
        cursor = page.next
        if cursor is None:
            break
        if (minute_of_new := next(opening, None)) is not None:
            tables.take([_opened(next(fresh), minute_of_new)])
    assert len(seen) == len(set(seen))
    assert old <= set(seen)


def _opened(number: int, minute: int) -> Any:
    at = AT + timedelta(minutes=minute)
    return told(number, 1, opened_at=at, due_at=at + timedelta(hours=number % 3) if number % 4 else None)


def _highest(databases: Database) -> int:
    return max((int(row["case_id"][-10:]) for row in CaseQuery(databases, CITY, lambda: NOW).rows(EVERYTHING)), default=0)


def test_a_whole_case_comes_with_its_row_and_its_facts(query: CaseQuery) -> None:
    case = query.case(EVERYTHING, id_of(5))
    assert case is not None and (case.case["unit"], case.row["assisting"]) == ("sanitation-370202", ["police-city"])
    assert (case.row["opened_at"], case.row["due_at"], case.row["handled_at"]) == ("2026-11-21T00:20:00Z", "2026-11-21T04:15:00Z", None)
    [fact] = query.facts(EVERYTHING, id_of(5)) or []
    assert (fact["sequence"], fact["type"], fact["at"], fact["actor"]["id"]) == (1, "opened", "2026-11-21T00:15:01Z", "system:test")
    assert query.facts(EVERYTHING, id_of(5), after=1) == []
    assert query.case(EVERYTHING, "QD-20261121-NOBODY") is None


def test_a_case_is_overdue_by_the_clock_at_reading_and_no_fact_is_needed(query: CaseQuery, shared_databases: Database) -> None:
    later = CaseQuery(shared_databases, CITY, lambda: NOW + timedelta(hours=1))
    assert found(later, tab=Tab.OVERDUE) - found(query, tab=Tab.OVERDUE) == {5}
    assert [point[7] for point in later.points(EVERYTHING).points if point[0] == id_of(5)] == [True]
    assert later.counts(EVERYTHING).tabs[Tab.OVERDUE] == 4


def test_points_of_a_box_say_when_there_are_more(query: CaseQuery) -> None:
    some = query.points(EVERYTHING, (120.3, 36.0, 120.39, 36.1), most=3)
    assert (len(some.points), some.complete) == (3, False)
    assert some.points[0] == [id_of(12), 120.3805, 36.0703, "road_spillage", "verifying", "minor", None, False, OPENED_MS, "370202"]
    assert query.points(EVERYTHING, (120.39, 36.0, 120.5, 36.1), Filter(tab=Tab.OVERDUE)).complete


def test_tasks_come_by_what_runs_out_first(query: CaseQuery) -> None:
    tasks = query.tasks(A_UNIT, [State.DISPATCHED, State.HANDLING])
    assert numbers([task.row for task in tasks]) == [6, 5]
    assert tasks[0].case["unit"] == "police-city"


def test_similar_cases_are_of_the_family_nearest_first_and_not_old(query: CaseQuery) -> None:
    near = query.similar(EVERYTHING, "road_spillage", (120.3805, 36.0703), 60, AT + timedelta(minutes=9))
    assert (numbers([each.row for each in near])[0], near[0].distance_m) == (12, 0)
    assert {each.distance_m for each in near} == {0, 56}
    assert query.similar(EVERYTHING, "road_spillage", (120.3805, 36.0703), 5, datetime(2030, 1, 1, tzinfo=UTC)) == []


HOURS_OF = {"hour": 1, "day": 24}


@given(first=st.integers(0, 1_000), length=st.integers(0, 1_000))
def test_windows_of_time_hold_every_hour_once_and_the_newest_first(first: int, length: int) -> None:
    oldest, newest = 490_000 + first, 490_000 + first + length
    held: list[int] = []
    for window in windows(oldest * HOUR_MS * PER_MS, (newest + 1) * HOUR_MS * PER_MS - 1):
        kind, _, number = (window.mark or f"week_{window.week}").partition("_")
        hours = HOURS_OF.get(kind, 168)
        part = range(int(number) * hours, int(number) * hours + hours)
        assert all(hour // 168 == window.week for hour in part)
        held += reversed(part)
    assert held == list(range(newest, held[-1] - 1, -1))
    assert held[-1] <= oldest < held[-1] + 168
