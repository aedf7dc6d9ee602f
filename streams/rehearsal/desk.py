"""What people would have done with a case, where the file of reports says when the matter was closed.

The rules leave some steps to people. A rehearsal cannot know how long they took, so they take no time: whoever verifies, files,
dispatches and accepts does it at once, and the unit's work ends when the file says so; it is checked and closed in the same moment.
"""

from collections.abc import Mapping
from typing import Any

from incidents.case import Case
from incidents.catalogue import City
from incidents.commands import Actor, Command
from incidents.steps.routing import unit_for
from incidents.vocabulary import CommandType, Role, State

C = CommandType
SHOWN = ({"url": "rehearsal:closed-in-the-file"},)
"""Stands for the evidence that the file does not carry."""
BEFORE_THE_WORK = frozenset({State.REPORTED, State.VERIFYING, State.FILED, State.DISPATCHED})


def step(city: City, case: Case) -> Command | None:
    """What a person does next on the way to closing it; None where nobody can go on: it has ended, or no unit is there for it."""
    wanted = _wanted(city, case)
    if wanted is None:
        return None
    command, role, more = wanted
    actor = Actor(id=f"rehearsal:{role}", role=role, unit=case.unit if role is Role.UNIT else None)
    head: dict[str, Any] = {
        "id": f"{case.case_id}:{case.sequence}:rehearsal:{command}",
        "case_id": case.case_id,
        "type": command,
        "actor": actor,
    }
    return Command.model_validate({**head, **more})


def _wanted(city: City, case: Case) -> tuple[CommandType, Role, Mapping[str, Any]] | None:
    shown = {"evidence": SHOWN}
    match case.state:
        case State.HELD:
            return C.CONFIRM, Role.ACCEPTOR, {}
        case State.REPORTED:
            return C.FILE, Role.SHIFT_LEAD, {"condition": _condition(city, case)}
        case State.VERIFYING:
            return C.FOUND, Role.COLLECTOR, shown
        case State.FILED:
            unit = _unit(city, case)
            return (C.DISPATCH, Role.DISPATCHER, {"unit": unit}) if unit else None
        case State.DISPATCHED:
            return C.ACCEPT, Role.UNIT, {}
        case State.HANDLING:
            return C.REPORT_HANDLED, Role.UNIT, shown
        case State.CHECKING:
            return C.PASS_CHECK, Role.CHECKER, shown
        case State.CHECKED:
            return C.CLOSE, Role.SHIFT_LEAD, {}
    return None


def _condition(city: City, case: Case) -> str | None:
    category = city.catalogue.get(case.category)
    known = {condition.key for condition in category.conditions} if category else set()
    return case.condition if case.condition in known else None


def _unit(city: City, case: Case) -> str | None:
    category = city.catalogue.get(case.category)
    unit = unit_for(city.units, category.lead, case.place.district) if category else None
    return unit.key if unit else None
