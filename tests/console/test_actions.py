"""What a case page offers is exactly what closure would take, for every state, role and party; what must be written is told."""

from typing import Any

import pytest

from console.actions import Action, actions
from incidents.commands import Actor
from incidents.vocabulary import CommandType, Role, State
from tests.incidents.closing import CITY, OTHER, PHOTO, Desk, desk_in, opening, outcome, sight

WRITTEN: dict[str, Any] = {
    "reason": "because",
    "note": "seen",
    "evidence": PHOTO,
    "unit": "clean-2",
    "category": "littering",
    "level": "subdistrict",
    "into": OTHER,
    "target": {"state": "filed"},
    "rating": 4,
    "upheld": True,
}
PEOPLE = [
    *(Actor(id=f"{role}-1", role=role) for role in Role if role not in (Role.SYSTEM, Role.UNIT)),
    *(Actor(id=f"unit-{unit}", role=Role.UNIT, unit=unit) for unit in ("clean-1", "clean-2", "police")),
    Actor(id="unit-1", role=Role.CHECKER),  # who handled it, now as a checker
]


def offered(desk: Desk, actor: Actor) -> dict[CommandType, Action]:
    """What the page would offer, by command."""
    return {each.command: each for each in actions(CITY, desk.open, actor, desk.now)}


def taken(desk: Desk, actor: Actor) -> set[CommandType]:
    """What closure takes of this actor when everything is written that could be; nothing is kept."""
    before, found = (desk.case, desk.offset, desk.now), set()
    for command in CommandType:
        others = {"other": next(iter(desk.open.suggested), None), "target": WRITTEN["target"]}
        if outcome(desk.give(command, actor, **{**WRITTEN, **others})).accepted:
            found.add(command)
        desk.case, desk.offset, desk.now = before
    return found


@pytest.mark.parametrize("actor", PEOPLE, ids=lambda actor: actor.id + (f"-{actor.role}" if actor.id == "unit-1" else ""))
@pytest.mark.parametrize("state", list(State))
def test_exactly_what_closure_would_take_is_offered(state: State, actor: Actor) -> None:
    desk = desk_in(state)
    assert set(offered(desk, actor)) == taken(desk, actor)


def test_a_suggestion_is_answered_only_where_there_is_one() -> None:
    desk, acceptor = Desk(), Actor(id="a", role=Role.ACCEPTOR)
    desk.take(sight(opening=opening(suggested=(OTHER,))))
    assert offered(desk, acceptor)[CommandType.CONFIRM_DUPLICATE].needs == ("other",)
    assert set(offered(desk, acceptor)) == taken(desk, acceptor)
    assert CommandType.CONFIRM_DUPLICATE not in offered(desk_in(State.REPORTED), acceptor)


def test_after_two_returns_only_the_arbiter_is_offered_a_decision() -> None:
    desk = desk_in(State.FILED)
    for unit in ("clean-1", "clean-2"):
        desk.must("dispatch", "dispatcher", unit=unit)
        desk.must("return", "unit", reason="not ours")
    assert CommandType.DISPATCH not in offered(desk, Actor(id="d", role=Role.DISPATCHER))
    assert CommandType.ARBITRATE in offered(desk, Actor(id="a", role=Role.ARBITER))


def test_an_extension_is_granted_only_when_asked_for() -> None:
    desk, dispatcher = desk_in(State.HANDLING), Actor(id="d", role=Role.DISPATCHER)
    assert CommandType.GRANT_EXTENSION not in offered(desk, dispatcher)
    desk.must("request_extension", "unit")
    assert {CommandType.GRANT_EXTENSION, CommandType.DENY_EXTENSION} <= set(offered(desk, dispatcher))


def test_the_page_is_told_what_must_be_written() -> None:
    lead = offered(desk_in(State.REPORTED), Actor(id="l", role=Role.SHIFT_LEAD))
    assert lead[CommandType.VOID] == Action(CommandType.VOID, ("reason",), True)
    assert lead[CommandType.FILE] == Action(CommandType.FILE, ("known_condition",), False)
    checker = offered(desk_in(State.CHECKING), Actor(id="c", role=Role.CHECKER))
    assert checker[CommandType.PASS_CHECK].needs == ("evidence_or_handed_on", "after_evidence")
