"""What rules decide by themselves: verify, file, dispatch; which unit, by which rule (DOMAIN.md)."""

from typing import Any

import pytest

from incidents.case import Case
from incidents.catalogue import Route
from incidents.commands import Command
from incidents.steps.routing import decide
from incidents.vocabulary import FactType, State
from tests.incidents.closing import CITY, Desk, city, desk_in, opening, sight


def reported(**changes: Any) -> Case:
    """A case as its opening leaves it."""
    desk = Desk()
    desk.take(sight(opening=opening(**changes)))
    return desk.open


def filed(town: Any = CITY, **changes: Any) -> tuple[Command, ...]:
    """What routing says when such a case is filed."""
    desk = Desk(town)
    desk.take(sight(opening=opening(**changes)))
    desk.must("file", "system")
    return decide(town, desk.open, FactType.FILED)


PLACE_2 = {"lon": 120.4, "lat": 36.1, "accuracy_m": 15, "district": "2"}
NOWHERE = {"lon": 120.4, "lat": 36.1, "accuracy_m": 15}


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, ["file"]),
        ({"channel": "hotline"}, ["verify"]),
        ({"category": "littering"}, []),
        ({"state": "held", "held_because": "waiting", "confirm": 3}, []),
    ],
)
def test_a_reported_case_is_filed_or_verified_as_its_channel_says(changes: dict[str, Any], expected: list[str]) -> None:
    case = reported(**changes)
    assert [command.type for command in decide(CITY, case, FactType.OPENED)] == expected


def test_a_verified_case_is_filed() -> None:
    case = reported(channel="hotline").model_copy(update={"verified": True})
    assert [command.type for command in decide(CITY, case, FactType.VERIFIED)] == ["file"]


@pytest.mark.parametrize(("named", "filed_as"), [(None, "small"), ("large", "large"), ("gone", "small")])
def test_it_is_filed_under_the_named_condition_or_the_first(named: str | None, filed_as: str) -> None:
    [command] = decide(CITY, reported(condition=named), FactType.OPENED)
    assert command.condition == filed_as


def test_an_emergency_stays_one_when_it_is_filed() -> None:
    desk = Desk()
    desk.take(sight(opening=opening(severity="emergency")))
    [command] = decide(CITY, desk.open, FactType.OPENED)
    desk.take(command)
    assert (desk.open.state, desk.open.severity) == (State.FILED, "emergency")


@pytest.mark.parametrize(("place", "unit"), [({}, "clean-1"), ({"place": PLACE_2}, "clean-2"), ({"place": NOWHERE}, "clean-city")])
def test_a_filed_case_goes_to_the_unit_of_its_district_else_of_the_city(place: dict[str, Any], unit: str) -> None:
    [command] = filed(**place)
    assert (command.type, command.unit, command.assisting, command.rule) == ("dispatch", unit, ("police",), "category:spillage")


def test_the_first_route_that_matches_decides_and_is_named() -> None:
    routes = (
        Route(key="other-district", district="2", lead="police"),
        Route(key="emergencies", severity="emergency", lead="police", assisting=("cleaning",)),
        Route(key="roads", domain="roads", assisting=()),
        Route(key="never", lead="police"),
    )
    town = city(routes=routes)
    [urgent], [usual] = filed(town, severity="emergency"), filed(town)
    assert (urgent.unit, urgent.assisting, urgent.rule) == ("police", ("clean-1",), "route:emergencies")
    assert (usual.unit, usual.assisting, usual.rule) == ("clean-1", (), "route:roads")


def test_what_a_unit_returned_is_left_to_the_dispatcher() -> None:
    desk = desk_in(State.DISPATCHED, "spillage")
    desk.must("return", "unit", reason="not ours")
    assert decide(CITY, desk.open, FactType.RETURNED) == decide(CITY, desk.open, FactType.REOPENED) == ()


def test_what_the_arbiter_decided_is_dispatched_so_after_reopening() -> None:
    case = desk_in(State.FILED, "spillage").open.model_copy(update={"arbitrated": "clean-2", "returned_by": ("clean-1", "clean-city")})
    [command] = decide(CITY, case, FactType.REOPENED)
    assert (command.unit, command.rule) == ("clean-2", "arbitration")


@pytest.mark.parametrize("kind", ["building", "gone"])
def test_categories_dispatched_by_people_or_unknown_are_left_to_people(kind: str) -> None:
    case = desk_in(State.FILED).open.model_copy(update={"category": kind})
    assert decide(CITY, case, FactType.FILED) == ()


def test_a_fact_read_twice_commands_the_same_and_closure_takes_it_once() -> None:
    desk = Desk()
    desk.take(sight())
    [one], [two] = decide(CITY, desk.open, FactType.OPENED), decide(CITY, desk.open, FactType.OPENED)
    assert one == two
    assert len(desk.take(one).facts) == 1
    assert desk.take(two).facts == ()


@pytest.mark.parametrize("fact", [FactType.SIGHTED, FactType.NOTED, FactType.RECURRED])
def test_other_facts_call_for_nothing(fact: FactType) -> None:
    assert decide(CITY, reported(), fact) == ()
