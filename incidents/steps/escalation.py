"""Escalation: the command that a due deadline gives. Pure; the clock stage claims what is due and publishes what this says."""

from incidents.case import Case, Deadline
from incidents.catalogue import City
from incidents.clocks import FIRES
from incidents.commands import Command, system
from incidents.events import CaseId

ACTOR = system("clock")


def decide(city: City, case: Case, deadline: Deadline) -> tuple[Command, ...]:
    """The deadline's command, nothing if the case does not carry it any more. Its id is the deadline's: fired twice, it is one command."""
    return (fired(case.case_id, deadline),) if deadline in case.deadlines else ()


def fired(case_id: CaseId, deadline: Deadline) -> Command:
    """The deadline's command; closure refuses it when the case does not carry the deadline any more."""
    return Command(
        id=f"{case_id}:{deadline.id}",
        case_id=case_id,
        type=FIRES[deadline.kind],
        actor=ACTOR,
        deadline=deadline.id,
        level=deadline.level,
    )
