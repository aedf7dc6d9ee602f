"""Which commands a person may give to a case now: what the case page offers, and nothing else.

Read off the one table of the state machine. What depends on state, role, unit and person is tried with the guards themselves, so that a
button is never shown that closure would refuse for that; what depends on what the person has yet to write is told as `needs`.
"""

from dataclasses import dataclass
from datetime import datetime

from incidents.asked import Asked
from incidents.case import Case
from incidents.catalogue import City
from incidents.commands import Actor, Command
from incidents.guards import CHECKS
from incidents.transitions import TABLE, Need, Row
from incidents.vocabulary import CommandType

WRITTEN = frozenset(
    {
        Need.REASON,
        Need.WORDS,
        Need.EVIDENCE_OR_NOTE,
        Need.EVIDENCE_OR_HANDED_ON,
        Need.AFTER_EVIDENCE,
        Need.STORED_EVIDENCE,
        Need.KNOWN_CONDITION,
        Need.KNOWN_CATEGORY,
        Need.KNOWN_UNITS,
        Need.NEVER_RETURNED,
        Need.WITHIN_A_YEAR,
        Need.RATING,
        Need.OTHER_LEVEL,
        Need.TARGET,
    }
)
"""Met by what the person writes into the command; all others are met, or not, by the case and by who asks."""
BOTH = frozenset({Need.OTHER, Need.OPEN_APPEAL})
"""Possible only for some cases, and then still to be written: which suggestion, which word on the appeal."""


@dataclass(frozen=True, slots=True)
class Action:
    """A command that would be taken; `needs` are the names of what it must carry (`incidents.transitions.Need`, lower case)."""

    command: CommandType
    needs: tuple[str, ...]
    reason_required: bool


def actions(city: City, case: Case, actor: Actor, at: datetime) -> tuple[Action, ...]:
    """The commands of this actor for this case at this moment of the city's clock, in the table's order."""
    if case.forgotten:
        return ()
    rows = (row for row in TABLE if case.state in row.starts and actor.role in row.roles)
    return tuple(_action(row) for row in rows if _would_do(row, Asked(city, case, _probe(row, case, actor), at)))


def _action(row: Row) -> Action:
    needs = tuple(need.name.lower() for need in row.needs if need in WRITTEN or need in BOTH)
    return Action(row.command, needs, Need.REASON in row.needs)


def _would_do(row: Row, asked: Asked) -> bool:
    return all(CHECKS[need](asked) is None for need in row.needs if need not in WRITTEN)


def _probe(row: Row, case: Case, actor: Actor) -> Command:
    """The command with the best that could be written into it."""
    other = next(iter(case.suggested), None)
    return Command(id="probe", case_id=case.case_id, type=row.command, actor=actor, unit=case.arbitrated, other=other, upheld=True)
