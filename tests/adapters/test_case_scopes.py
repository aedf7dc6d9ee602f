"""Whose cases the console's questions find, on both databases, and that no other way leads to the rows."""

import ast
from collections.abc import Callable
from typing import Any

import pytest

from adapters.case_filter import Filter
from adapters.case_query import CaseQuery
from config.settings import ROOT
from incidents.rights import EVERYTHING, NOTHING, Scope
from incidents.vocabulary import State
from tests.adapters.cases_asked import A_UNIT, CASES, STREET, found, id_of, numbers
from tests.streams.fact_agents import AT

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
    "case": lambda query, scope: {n for n in CASES if query.case(scope, id_of(n)) is not None},
    "some": lambda query, scope: set(numbers(query.some(scope, [id_of(n) for n in CASES]))),
    "facts": lambda query, scope: {n for n in CASES if query.facts(scope, id_of(n)) is not None},
    "rows": lambda query, scope: set(numbers(list(query.rows(scope)))),
}


def _covers(scope: Scope, row: dict[str, Any]) -> bool:
    return scope.covers(row["district"], (row["unit"], *row["assisting"]), row["subdistrict"])


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


WRITES = {"case_keeper", "case_statements"}
READS = {"case_query", "case_lists", "case_parts", "case_search", "case_filter", "case_orders", "case_shown"}


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
        ("case_parts", {"postgres_numbers_of"}),  # of those
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
