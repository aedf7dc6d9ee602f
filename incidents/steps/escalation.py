"""Escalation: the command that a due deadline gives. Pure; the clock stage claims what is due and publishes what this says."""

from incidents.case import Case, Command, Deadline, system
from incidents.catalogue import City
from incidents.clocks import FIRES

ACTOR = system("clock")


def decide(city: City, case: Case, deadline: Deadline) -> tuple[Command, ...]:
    """The deadline's command, nothing if the case does not carry it any more. Its id is the deadline's: fired twice, it is one command."""
    if deadline not in case.deadlines:
        return ()
    return (
        Command(
            id=f"{case.case_id}:{deadline.id}",
            case_id=case.case_id,
            type=FIRES[deadline.kind],
            actor=ACTOR,
            deadline=deadline.id,
            level=deadline.level,
        ),
    )
