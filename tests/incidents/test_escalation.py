"""A due deadline as a command."""

import pytest

from incidents.clocks import FIRES
from incidents.steps.escalation import decide
from incidents.vocabulary import DeadlineKind, State
from tests.incidents.closing import CASE, CITY, desk_in


@pytest.mark.parametrize(
    ("state", "kind", "command"),
    [
        (State.HELD, "expire", "expire"),
        (State.DISPATCHED, "stage", "remind"),
        (State.HANDLING, "remind", "remind"),
        (State.HANDLING, "overdue", "overdue"),
        (State.SUSPENDED, "resume", "resume"),
        (State.CLOSED, "forget", "forget"),
    ],
)
def test_every_kind_of_deadline_has_its_command_and_closure_takes_it(state: State, kind: str, command: str) -> None:
    desk = desk_in(state)
    deadline = next(each for each in desk.open.deadlines if each.kind == kind)
    [given] = decide(CITY, desk.open, deadline)
    assert (given.type, given.id, given.actor.id) == (command, f"{CASE}:{deadline.id}", "system:clock")
    outcome = desk.take(given).outcome
    assert outcome is not None
    assert outcome.accepted


def test_a_deadline_that_the_case_does_not_carry_any_more_gives_nothing() -> None:
    desk = desk_in(State.DISPATCHED)
    stage = desk.open.deadlines[0]
    desk.must("accept", "unit")
    assert decide(CITY, desk.open, stage) == ()


def test_all_kinds_fire_something() -> None:
    assert set(FIRES) == set(DeadlineKind)
