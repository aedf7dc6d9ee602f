"""Lists in parts, on both databases: whatever the box and whatever else is asked, all cases in it and no other, the newest first."""

import random
from typing import Any

import pytest

from adapters.case_filter import Bbox, Filter
from adapters.case_parts import FEW_SQUARES, MOST_SQLITE, parts_of
from adapters.case_query import CaseQuery
from adapters.case_words import square_of, squares_in
from adapters.database import Database
from incidents.rights import EVERYTHING, Scope
from incidents.vocabulary import Severity, State
from tests.adapters.cases_asked import CITY, NOW, STREET, a_case, numbers, placed
from tests.adapters.test_case_tables import tables_of

WEST, SOUTH = 120.3, 36.0
BOXES: dict[str, Bbox] = {
    "within a square": (120.331, 36.031, 120.335, 36.036),
    "over a corner": (120.338, 36.038, 120.342, 36.041),
    "three kilometres": (120.334, 36.021, 120.367, 36.048),
    "ten kilometres": (WEST, SOUTH, 120.41, 36.09),
    "all": (110.0, 30.0, 130.0, 40.0),
    "nowhere": (WEST - 1, SOUTH - 1, WEST - 0.99, SOUTH - 0.99),
    "upside down": (120.34, 36.05, 120.33, 36.02),
}
ASKED: dict[str, dict[str, Any]] = {
    "all": {},
    "category": {"category": "exposed_waste"},
    "categories": {"category": ("exposed_waste", "road_spillage")},
    "district": {"district": "370202"},
    "severity": {"severity": Severity.MAJOR},
    "category, states": {"category": "exposed_waste", "status": (State.CLOSED, State.HANDLING)},
}
STREETS = {"districts": ("370202",), "subdistricts": (STREET,)}
SCOPES = {"everything": EVERYTHING, "district": Scope(districts=("370202",)), "street": Scope(**STREETS), "unit": Scope(unit="police-city")}


def _made() -> dict[int, dict[str, Any]]:
    """Cases all over ten kilometres, more of them in the middle."""
    pick = random.Random(6)
    return {
        number: {
            "place": placed(
                pick.choice(("370202", "370203")),
                round(WEST + pick.triangular(0, 0.1, 0.036), 6),
                round(SOUTH + pick.triangular(0, 0.08, 0.034), 6),
                subdistrict=STREET,
            ),
            "category": pick.choice(("exposed_waste", "road_spillage", "road_spillage")),
            "severity": pick.choice((Severity.MAJOR, Severity.NORMAL)),
            "state": pick.choice((State.CLOSED, State.HANDLING, State.FILED)),
            "unit": pick.choice(("police-city", "sanitation-370202")),
        }
        for number in range(1, 241)
    }


CASES = _made()


@pytest.fixture(scope="module")
def query(shared_databases: Database) -> CaseQuery:
    tables_of(shared_databases).take([a_case(number, **changes) for number, changes in CASES.items()])
    return CaseQuery(shared_databases, CITY, lambda: NOW)


def _inside(row: dict[str, Any], bbox: Bbox) -> bool:
    west, south, east, north = bbox
    return bool(west <= row["lon"] <= east and south <= row["lat"] <= north)


@pytest.mark.parametrize(
    ("asked", "scope"), [*((asked, "everything") for asked in ASKED), *(("all", scope) for scope in SCOPES if scope != "everything")]
)
def test_a_box_has_what_lies_in_it_of_the_same_list_without_it(query: CaseQuery, asked: str, scope: str) -> None:
    everything = list(query.rows(SCOPES[scope], Filter(**ASKED[asked])))
    assert everything
    for name, bbox in BOXES.items():
        expected = numbers([row for row in everything if _inside(row, bbox)])
        page = query.cases(SCOPES[scope], Filter(**ASKED[asked], bbox=bbox), limit=500)
        assert (numbers(page.rows), page.total) == (expected, len(expected)), name


@pytest.mark.parametrize("districts", [("370202",), ("370202", "370203")])
@pytest.mark.parametrize("categories", [("exposed_waste",), ("exposed_waste", "road_spillage")])
def test_a_district_s_cases_of_a_category_are_those_of_all_that_are_so(
    query: CaseQuery, categories: tuple[str, ...], districts: tuple[str, ...]
) -> None:
    everything = list(query.rows(EVERYTHING))
    some = [row for row in everything if row["category"] in categories and row["district"] in districts]
    major = [row for row in some if (row["severity"], row["state"]) == (Severity.MAJOR, State.CLOSED)]
    scope, closed = Scope(districts=districts), {"severity": Severity.MAJOR, "status": (State.CLOSED,)}
    assert numbers(list(query.rows(scope, Filter(category=categories)))) == numbers(some)
    assert numbers(list(query.rows(EVERYTHING, Filter(category=categories, district=districts, **closed)))) == numbers(major) != []
    assert query.cases(Scope(districts=()), Filter(category=categories)).rows == []


@pytest.mark.parametrize("name", ["three kilometres", "ten kilometres"])
def test_the_pages_of_a_box_follow_each_other_and_the_whole_is_counted(query: CaseQuery, name: str) -> None:
    wanted, paged, cursor = Filter(bbox=BOXES[name]), list[int](), None
    whole = query.cases(EVERYTHING, wanted, limit=500)
    while True:
        page = query.cases(EVERYTHING, wanted, cursor, limit=30)
        assert min(page.total, 200) == min(whole.total, 200)
        paged += numbers(page.rows)
        if (cursor := page.next) is None:
            break
    assert paged == numbers(whole.rows)
    assert len(paged) > 30


@pytest.mark.parametrize(
    ("box", "scope", "asked", "places"),
    [
        ("within a square", EVERYTHING, {}, 1),
        ("over a corner", EVERYTHING, {}, 4),
        ("over a corner", SCOPES["unit"], {"severity": Severity.MAJOR}, 4),
        ("over a corner", EVERYTHING, {"category": ("exposed_waste", "road_spillage")}, 8),
        ("three kilometres", EVERYTHING, {}, 12),
        ("three kilometres", SCOPES["district"], {"category": "exposed_waste"}, 12),
        ("three kilometres", SCOPES["unit"], {}, 0),
        ("three kilometres", EVERYTHING, {"severity": Severity.MAJOR}, 0),
        ("three kilometres", EVERYTHING, {"q": "manhole"}, 0),
        ("ten kilometres", EVERYTHING, {}, 0),
        ("upside down", EVERYTHING, {}, 0),
    ],
)
def test_a_small_box_is_read_off_its_squares(box: str, scope: Scope, asked: dict[str, Any], places: int) -> None:
    parts = parts_of(scope, Filter(bbox=BOXES[box], **asked), MOST_SQLITE)
    assert (len(parts.values) if parts else 0) == places
    assert FEW_SQUARES < 12 <= MOST_SQLITE


def test_a_district_s_cases_of_a_category_are_parts_by_whatever_is_asked_of_people_s_own() -> None:
    wanted = Filter(category=("exposed_waste", "road_spillage"), severity=Severity.MAJOR, status=(State.CLOSED,))
    parts = parts_of(Scope(districts=("370202", "370203")), wanted, MOST_SQLITE)
    assert parts is not None
    assert (parts.columns, len(parts.values)) == (("category", "district"), 4)
    assert parts_of(EVERYTHING, wanted, MOST_SQLITE) is None
    assert parts_of(SCOPES["street"], wanted, MOST_SQLITE) is None


def test_the_squares_of_a_box_are_those_of_its_points() -> None:
    west, south, east, north = BOXES["three kilometres"]
    rows, columns = squares_in((west, south, east, north))
    pick = random.Random(1)
    points = {square_of(pick.uniform(west, east), pick.uniform(south, north)) for _ in range(2_000)}
    assert points == {row + column for row in rows for column in columns}
