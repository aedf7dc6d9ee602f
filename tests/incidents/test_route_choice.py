"""Who takes a case: precedent, table, owner of the part, lead of the category, fallback; and the nearest where a row says so."""

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from incidents.case import Case, Precedent
from incidents.catalogue import City, Named, Route, Unit, Zone
from incidents.commands import Place
from incidents.positions import UnitPosition, UnitState
from incidents.route_choice import NOTHING, Choice, Known, choose, precedent_key
from incidents.route_match import contains, unmet
from incidents.steps.routing import decide
from incidents.vocabulary import Days, FactType, NearestAs, State
from incidents.workcalendar import WorkCalendar
from tests.incidents.closing import CASE, NAME, category, city, desk_in

NOON = datetime(2026, 11, 23, 4, tzinfo=UTC)  # a Monday, 12:00 in the city
LON, LAT = 120.38, 36.06
NORTH_100_M = 100 / 111_195

CREWS = (
    Unit(key="car-1", kind="car", name=NAME, level="district", district="1", handles=("spillage",)),
    Unit(key="car-2", kind="car", name=NAME, level="district", district="1", handles=("roads",)),
    Unit(key="car-3", kind="car", name=NAME, level="district", district="1", handles=("gas",)),
    Unit(key="drone-1", kind="drone", name=NAME, level="district", district="1"),
)


def town(**changes: Any) -> City:
    """The small city with crews, owners of parts, and what a test adds."""
    base = city()
    extra = (Unit(key="clean-street", kind="cleaning", name=NAME, level="subdistrict", district="1", area="1001"),)
    row = {
        "units": (*base.units, *CREWS, *extra),
        "assets": {"P1": "police"},
        "categories": (category(by_asset=True), *base.categories[1:]),
    }
    return city(**(row | changes))


def filed(**changes: Any) -> Case:
    """A filed case of spillage in district 1."""
    return desk_in(State.FILED, "spillage").open.model_copy(update=changes)


def at(unit: str, metres: float = 100, age_s: float = 0, state: UnitState = UnitState.AVAILABLE) -> UnitPosition:
    """A unit so many metres north of the case."""
    return UnitPosition(unit=unit, state=state, at=NOON - timedelta(seconds=age_s), lon=LON, lat=LAT + metres / 100 * NORTH_100_M)


def precedent(unit: str = "clean-2", assisting: tuple[str, ...] = ()) -> Precedent:
    """An arbiter's word on spillage in district 1."""
    return Precedent(case_id=CASE, category="spillage", district="1", unit=unit, assisting=assisting, by="arbiter-1", at=NOON)


def known(*positions: UnitPosition, decided: Precedent | None = None) -> Known:
    """What routing has learned."""
    return Known({precedent_key("spillage", "1"): decided} if decided else {}, positions)


def chosen(place: City, case: Case | None = None, learned: Known = NOTHING, moment: datetime = NOON) -> Choice:
    """The choice, which there is."""
    choice = choose(place, case or filed(), moment, learned)
    assert choice is not None
    return choice


PART = {"identity": {"kind": "part", "value": "P1"}}
POLICE_ROW = Route(key="row", category="spillage", lead="police")
HELP_ROW = Route(key="row", category="spillage", assisting=())


def with_part(case: Case) -> Case:
    """The case about part P1, which the police own."""
    return Case.model_validate(case.model_dump() | PART)


@pytest.mark.parametrize(
    ("changes", "part", "decided", "unit", "rule"),
    [
        ({"routes": (POLICE_ROW,)}, True, precedent(), "clean-2", f"precedent:{CASE}"),
        ({"routes": (POLICE_ROW,)}, True, precedent("gone"), "police", "route:row"),
        ({"routes": (Route(key="lead", lead="cleaning"),)}, True, None, "clean-1", "route:lead"),
        ({"routes": (HELP_ROW,)}, True, None, "police", "route:row+asset:P1"),
        ({}, True, None, "police", "asset:P1"),
        ({"categories": (category(),)}, True, None, "clean-1", "category:spillage"),
        ({}, False, None, "clean-1", "category:spillage"),
        ({"categories": (category(lead="nobody"),), "fallback": "police"}, False, None, "police", "fallback:police"),
    ],
)
def test_precedent_comes_before_table_before_owner_before_lead_before_fallback(
    changes: dict[str, Any], part: bool, decided: Precedent | None, unit: str, rule: str
) -> None:
    case = with_part(filed()) if part else filed()
    choice = chosen(town(**changes), case, known(decided=decided))
    assert (choice.unit, choice.grounds.rule) == (unit, rule)
    assert choice.grounds.zh
    assert choice.grounds.en


@pytest.mark.parametrize(
    ("place", "unit"),
    [
        ({"district": "1", "subdistrict": "1001"}, "clean-street"),
        ({"district": "1", "subdistrict": "1002"}, "clean-1"),
        ({"district": "2"}, "clean-2"),
        ({"district": "3"}, "clean-city"),
        ({}, "clean-city"),
    ],
)
def test_the_office_of_the_smallest_cell_that_has_one_leads(place: dict[str, str], unit: str) -> None:
    case = filed(place=Place(lon=LON, lat=LAT, accuracy_m=10, **place))
    assert chosen(town(), case).unit == unit


SQUARE = Zone(key="square", name=NAME, polygon=((120.0, 36.0), (121.0, 36.0), (121.0, 37.0), (120.0, 37.0)))
ELSEWHERE = Zone(key="elsewhere", name=NAME, polygon=((119.0, 35.0), (119.5, 35.0), (119.0, 35.5)))
CALENDAR = WorkCalendar.model_validate({
    "hours": [{"begins": "08:00", "ends": "18:00"}],
    "years": [{"year": 2026, "holidays": [{"zh": "节", "en": "Feast", "days": ["2026-11-23"], "workdays": ["2026-11-22"]}]}],
})  # fmt: skip


@pytest.mark.parametrize(
    ("matcher", "moment", "holds"),
    [
        ({"area": "1001"}, NOON, False),
        ({"area": "1"}, NOON, True),
        ({"zone": "square"}, NOON, True),
        ({"zone": "elsewhere"}, NOON, False),
        ({"hours": "12:00-13:00"}, NOON, True),
        ({"hours": "12:00-13:00"}, NOON + timedelta(hours=1), False),
        ({"hours": "22:00-06:00"}, NOON, False),
        ({"hours": "22:00-06:00"}, NOON + timedelta(hours=10), True),
        ({"hours": "22:00-06:00"}, NOON + timedelta(hours=17), True),
        ({"hours": "18:00-24:00"}, NOON + timedelta(hours=11, minutes=59), True),
        ({"days": Days.RESTDAY}, NOON, True),
        ({"days": Days.WORKDAY}, NOON - timedelta(days=1), True),
        ({"days": Days.WORKDAY}, NOON + timedelta(days=365), False),
        ({"owner": "police"}, NOON, True),
        ({"owner": "gas"}, NOON, False),
    ],
)
def test_place_time_and_owner_match_as_the_city_s_geography_calendar_and_register_say(
    matcher: dict[str, Any], moment: datetime, holds: bool
) -> None:
    place = town(zones=(SQUARE, ELSEWHERE), calendar=CALENDAR, routes=(Route(key="row", lead="police", **matcher),))
    said = list(unmet(place, place.routes[0], with_part(filed()), moment))
    assert (said == []) is holds
    assert all(text.startswith(next(iter(matcher))) for text in said)


@given(st.floats(119, 122), st.floats(35, 38))
def test_a_square_contains_what_lies_between_its_sides(lon: float, lat: float) -> None:
    on_an_edge = lon in (120.0, 121.0) or lat in (36.0, 37.0)
    assert on_an_edge or contains(SQUARE, lon, lat) == (120 < lon < 121 and 36 < lat < 37)


NEAREST = Route(key="near", name=Named(zh="就近", en="Nearest"), nearest=("car",), within_m=3000)


@pytest.mark.parametrize(
    ("positions", "unit", "distance_m", "age_s"),
    [
        ([at("car-1", 500), at("car-2", 200, age_s=60)], "car-2", 200, 60),
        ([at("car-1", 500), at("car-2", 200, state=UnitState.BUSY)], "car-1", 500, 0),
        ([at("car-1", 500), at("car-2", 200, state=UnitState.OFF)], "car-1", 500, 0),
        ([at("car-1", 500, age_s=300), at("car-2", 200, age_s=301)], "car-1", 500, 300),
        ([at("car-1", 500), at("car-2", 200, age_s=-301)], "car-1", 500, 0),
        ([at("car-1", 500), at("car-3", 200)], "car-1", 500, 0),
        ([at("car-1", 500), at("drone-1", 200)], "car-1", 500, 0),
        ([at("car-1", 200, age_s=9), at("car-2", 200, age_s=8)], "car-2", 200, 8),
        ([at("car-1", 3002)], None, None, None),
        ([at("gone", 10)], None, None, None),
        ([], None, None, None),
    ],
)
def test_the_nearest_free_fresh_and_fit_unit_goes_and_else_the_rules_below_decide(
    positions: list[UnitPosition], unit: str | None, distance_m: int | None, age_s: int | None
) -> None:
    choice = chosen(town(routes=(NEAREST,)), None, known(*positions))
    grounds = choice.grounds
    assert (grounds.nearest, grounds.distance_m, grounds.age_s) == (unit, distance_m, age_s)
    if unit is None:
        assert (choice.unit, grounds.rule) == ("clean-1", "category:spillage")
        assert "“Nearest”: no fitting free unit" in grounds.en
    else:
        assert (choice.unit, choice.assisting, grounds.rule) == (unit, ("clean-1", "police"), f"route:near+nearest:{unit}")
        assert f"{distance_m} m away" in grounds.en
        assert f"相距 {distance_m} 米" in grounds.zh


def test_a_place_that_is_not_known_has_no_nearest_unit() -> None:
    case = filed(place=Place(lon=LON, lat=LAT, accuracy_m=10, known=False, district="1"))
    assert chosen(town(routes=(NEAREST,)), case, known(at("car-1"))).unit == "clean-1"


def test_the_nearest_may_assist_whoever_leads() -> None:
    row = Route(key="look", nearest=("drone",), nearest_as=NearestAs.ASSISTING)
    choice = chosen(town(routes=(row,)), None, known(at("drone-1", 1500)))
    assert (choice.unit, choice.assisting) == ("clean-1", ("drone-1", "police"))


def test_a_row_with_a_lead_of_its_own_decides_without_the_nearest_too() -> None:
    row = NEAREST.model_copy(update={"lead": "police"})
    choice = chosen(town(routes=(row,)))
    assert (choice.unit, choice.grounds.rule) == ("police", "route:near")
    assert "no fitting free unit" in choice.grounds.en


def test_what_was_decided_stands_on_the_fact_and_on_the_case_until_another_dispatch() -> None:
    place = town(routes=(NEAREST,))
    desk = desk_in(State.FILED, "spillage", place)
    desk.case = desk.open.model_copy(update={"told_at": NOON})
    [command] = decide(place, desk.open, FactType.FILED, known(at("car-1", 120, age_s=7)))
    fact = desk.take(command).facts[0]
    assert fact.changes["grounds"]["nearest"] == "car-1"
    assert fact.changes["grounds"]["age_s"] == 7
    assert desk.open.grounds == command.grounds
    desk.must("return", "unit", reason="broken down")
    assert desk.open.grounds is None


ROWS = st.lists(
    st.builds(
        Route,
        key=st.sampled_from("abcdef"),
        district=st.sampled_from([None, "1", "2"]),
        hours=st.sampled_from([None, "08:00-18:00", "22:00-06:00"]),
        days=st.sampled_from([None, *Days]),
        lead=st.sampled_from([None, "police", "cleaning", "nobody"]),
        assisting=st.sampled_from([None, (), ("police", "nobody")]),
        nearest=st.sampled_from([(), ("car",), ("car", "drone")]),
        nearest_as=st.sampled_from(NearestAs),
    ),
    max_size=5,
)
POSITIONS = st.lists(
    st.builds(
        at,
        st.sampled_from(["car-1", "car-2", "car-3", "drone-1", "gone"]),
        st.floats(0, 5000),
        st.floats(-600, 600),
        st.sampled_from(UnitState),
    ),
    max_size=6,
)
MOMENTS = st.datetimes(datetime(2026, 11, 1), datetime(2027, 2, 1), timezones=st.just(ZoneInfo("Asia/Shanghai")))  # noqa: DTZ001  # given a zone


@given(
    rows=ROWS,
    positions=POSITIONS,
    moment=MOMENTS,
    decided=st.sampled_from([None, precedent(), precedent("gone"), precedent("police", ("police",))]),
    fallback=st.sampled_from([None, "police", "nobody"]),
    district=st.sampled_from([None, "1", "2", "9"]),
)
def test_the_decision_is_a_total_function_of_case_rules_knowledge_and_time(  # noqa: PLR0913  # its arguments are the law's
    rows: list[Route],
    positions: list[UnitPosition],
    moment: datetime,
    decided: Precedent | None,
    fallback: str | None,
    district: str | None,
) -> None:
    place = town(routes=tuple(rows), fallback=fallback, calendar=CALENDAR)
    case = filed(place=Place(lon=LON, lat=LAT, accuracy_m=10, district=district))
    choice = choose(place, case, moment, known(*positions, decided=decided))
    assert choice == choose(place, case, moment, known(*reversed(positions), decided=decided)) or _twice(positions)
    if choice is None:  # only a row that names a kind which the city has not, and such a row the loader refuses
        assert any(row.lead == "nobody" for row in rows)
        return
    assert choice.unit in place.unit_by_key
    assert set(choice.assisting) <= place.unit_by_key.keys() - {choice.unit}
    near = next((each for each in positions if each.unit == choice.grounds.nearest), None)
    assert (near is not None) is (choice.grounds.nearest is not None)


def _twice(positions: list[UnitPosition]) -> bool:
    """Whether a unit says two things, which the store never answers."""
    return len({each.unit for each in positions}) < len(positions)
