"""What the console asks of cases, on both databases: filters, searches, tabs, pages under inserts, and rights."""

import ast
from collections.abc import Callable
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
from config.load import load_city
from config.settings import ROOT, Settings
from incidents.commands import Place
from incidents.errors import UserError
from incidents.events import CaseId, epoch_ms
from incidents.rights import EVERYTHING, NOTHING, Scope
from incidents.vocabulary import Channel, HeldBecause, Severity, State
from tests.adapters.test_case_tables import tables_of, told
from tests.streams.fact_agents import AT

CITY = load_city(Settings())
NOW = AT + timedelta(hours=3)
OPENED_MS = epoch_ms(AT + timedelta(minutes=12))
DISTRICTS = ("370202", "370203")
STREET = "370202001"


def placed(district: str | None = "370202", lon: float = 120.38, lat: float = 36.07, **more: Any) -> Place:
    return Place(lon=lon, lat=lat, accuracy_m=15, district=district, **more)


def a_case(number: int, **changes: Any) -> Any:
    """A fact of a case that was opened `number` minutes after AT."""
    return told(number, 1, **{"opened_at": AT + timedelta(minutes=number), **changes})


CASES: dict[int, dict[str, Any]] = {
    1: {
        "state": State.REPORTED,
        "place": placed(address="延安三路 88 号", grid="g1", subdistrict=STREET),
        "description": "路面有遗撒的渣土",
    },
    2: {"state": State.HELD, "held_because": HeldBecause.WAITING, "category": "exposed_waste"},
    3: {"state": State.HELD, "held_because": HeldBecause.SHADOW},
    4: {
        "state": State.FILED,
        "due_at": NOW - timedelta(minutes=1),
        "severity": Severity.EMERGENCY,
        "place": placed("370203", 120.40, 36.08),
    },
    5: {
        "state": State.DISPATCHED,
        "due_at": NOW + timedelta(hours=1),
        "unit": "sanitation-370202",
        "assisting": ("police-city",),
        "place": placed(subdistrict=STREET),
    },
    6: {"state": State.HANDLING, "unit": "police-city", "due_at": NOW, "channel": Channel.HOTLINE, "source": "/hotline"},
    7: {"state": State.SUSPENDED, "unit": "police-city", "due_at": NOW - timedelta(days=1), "place": placed("370203")},
    8: {"state": State.CHECKING, "due_at": NOW - timedelta(hours=1), "overdue": True},
    9: {"state": State.CHECKED, "due_at": NOW - timedelta(hours=1), "description": "Broken manhole near Yan'an Road"},
    10: {"state": State.CLOSED, "overdue": True, "ended_at": NOW, "place": placed(None)},
    11: {"state": State.VOID, "ended_at": NOW, "place": placed("370203", subdistrict="370203005"), "severity": Severity.MAJOR},
    12: {"state": State.VERIFYING, "severity": Severity.MINOR, "place": placed(lon=120.3805, lat=36.0703)},
}


@pytest.fixture(scope="module")
def query(shared_databases: Database) -> CaseQuery:
    """Over cases that no test changes."""
    tables_of(shared_databases).take([a_case(number, **changes) for number, changes in CASES.items()])
    return CaseQuery(shared_databases, CITY, lambda: NOW)


def numbers(rows: list[dict[str, Any]]) -> list[int]:
    return [int(row["case_id"][-10:]) for row in rows]


def found(query: CaseQuery, scope: Scope = EVERYTHING, **filters: Any) -> set[int]:
    return set(numbers(query.cases(scope, Filter(**filters)).rows))


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
    ({"q": "broken a"}, {9}),  # most categories have an a
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


A_UNIT = Scope(unit="police-city")
SCOPES: list[tuple[Scope, set[int]]] = [
    (EVERYTHING, set(CASES)),
    (NOTHING, set()),
    (Scope(districts=("370203",)), {4, 7, 11}),
    (A_UNIT, {5, 6, 7}),
    (Scope(unit="nobody", below=("sanitation-370202",)), {5}),
    (Scope(districts=("370203",), unit="police-city"), {7}),
    (Scope(districts=("370202",), subdistricts=(STREET,)), {1, 5}),
    (Scope(districts=("370203",), subdistricts=("370203005",)), {11}),
    (Scope(districts=("370203",), subdistricts=(STREET,)), set()),
    (Scope(districts=("370202",), subdistricts=()), set()),
]
ASKS: dict[str, Callable[[CaseQuery, Scope], set[int]]] = {
    "cases": lambda query, scope: set(numbers(query.cases(scope).rows)),
    "search": lambda query, scope: set(numbers(query.cases(scope, Filter(q="cameras")).rows)) or found(query, scope),
    "case": lambda query, scope: {n for n in CASES if query.case(scope, _id(n)) is not None},
    "some": lambda query, scope: set(numbers(query.some(scope, [_id(n) for n in CASES]))),
    "facts": lambda query, scope: {n for n in CASES if query.facts(scope, _id(n)) is not None},
    "rows": lambda query, scope: set(numbers(list(query.rows(scope)))),
}


def _covers(scope: Scope, row: dict[str, Any]) -> bool:
    return scope.covers(row["district"], (row["unit"], *row["assisting"]), row["subdistrict"])


def _id(number: int) -> CaseId:
    return CaseId(f"QD-20261121-{number:010}")


@pytest.mark.parametrize("ask", ASKS)
@pytest.mark.parametrize(("scope", "expected"), SCOPES, ids=str)
def test_what_is_not_in_a_scope_does_not_exist(query: CaseQuery, ask: str, scope: Scope, expected: set[int]) -> None:
    assert ASKS[ask](query, scope) == expected


@pytest.mark.parametrize(("scope", "expected"), SCOPES, ids=str)
def test_map_counts_tasks_and_likenesses_keep_to_the_scope_and_to_open_cases(query: CaseQuery, scope: Scope, expected: set[int]) -> None:
    still_open = expected - {10, 11}
    assert {int(point[0][-10:]) for point in query.points(scope).points} == still_open
    assert sum(query.counts(scope).states.values()) == len(still_open)
    assert set(numbers([task.row for task in query.tasks(scope, list(State))])) == still_open
    near = query.similar(scope, "road_spillage", (120.38, 36.07), 100, AT)
    assert set(numbers([each.row for each in near])) == expected - {2, 4}


def test_the_rule_of_the_query_layer_is_that_of_the_rights(query: CaseQuery) -> None:
    for scope, expected in SCOPES:
        rows = query.cases(EVERYTHING).rows
        assert set(numbers([row for row in rows if _covers(scope, row)])) == expected


def test_a_whole_case_comes_with_its_row_and_its_facts(query: CaseQuery) -> None:
    case = query.case(EVERYTHING, _id(5))
    assert case is not None and (case.case["unit"], case.row["assisting"]) == ("sanitation-370202", ["police-city"])
    assert (case.row["opened_at"], case.row["due_at"], case.row["handled_at"]) == ("2026-11-21T00:20:00Z", "2026-11-21T04:15:00Z", None)
    [fact] = query.facts(EVERYTHING, _id(5)) or []
    assert (fact["sequence"], fact["type"], fact["at"], fact["actor"]["id"]) == (1, "opened", "2026-11-21T00:15:01Z", "system:test")
    assert query.facts(EVERYTHING, _id(5), after=1) == []
    assert query.case(EVERYTHING, "QD-20261121-NOBODY") is None


def test_a_case_is_overdue_by_the_clock_at_reading_and_no_fact_is_needed(query: CaseQuery, shared_databases: Database) -> None:
    later = CaseQuery(shared_databases, CITY, lambda: NOW + timedelta(hours=1))
    assert found(later, tab=Tab.OVERDUE) - found(query, tab=Tab.OVERDUE) == {5}
    assert [point[7] for point in later.points(EVERYTHING).points if point[0] == _id(5)] == [True]
    assert later.counts(EVERYTHING).tabs[Tab.OVERDUE] == 4


def test_points_of_a_box_say_when_there_are_more(query: CaseQuery) -> None:
    some = query.points(EVERYTHING, (120.3, 36.0, 120.39, 36.1), most=3)
    assert (len(some.points), some.complete) == (3, False)
    assert some.points[0] == [_id(12), 120.3805, 36.0703, "road_spillage", "verifying", "minor", None, False, OPENED_MS, "370202"]
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


WRITES, READS = {"case_keeper", "case_statements"}, {"case_query", "case_lists", "case_search", "case_filter", "case_orders", "case_shown"}


def test_only_the_writer_and_the_query_layer_know_the_tables() -> None:
    """The scope is added in one place; that is worth something while there is no second way to the rows."""
    folders = ("adapters", "console", "cli", "streams", "handlers", "producers")
    files = [path for folder in folders for path in (ROOT / folder).rglob("*.py") if "versions" not in path.parts]
    knowing = {path.stem for path in files if "case_tables" in path.read_text("utf-8")} - {"case_tables"}
    assert knowing == WRITES | READS


@pytest.mark.parametrize(
    ("module", "functions"),
    [
        ("case_query", set[str]()),
        ("case_lists", {"select_seen", "query", "total", "_by_windows"}),  # the others select from what `select_seen` gave
        (
            "case_search",
            {"postgres_numbers", "postgres_parts"},
        ),  # numbers of the index of words, which `query` joins to what `select_seen` gave
    ],
)
def test_every_statement_of_the_query_layer_begins_with_the_scope(module: str, functions: set[str]) -> None:
    tree = ast.parse((ROOT / "adapters" / f"{module}.py").read_text("utf-8"))
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "select"]
    inside = {
        id(node): function.name for function in ast.walk(tree) if isinstance(function, ast.FunctionDef) for node in ast.walk(function)
    }
    assert {inside[id(call)] for call in calls} == functions
