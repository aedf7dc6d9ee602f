"""What an accepted command changes in a case beside its state: one small function per command that gives
the new field values.

State, sequence, revision, entered_at, ended_at and the deadlines are moved by `incidents.steps.closure` for all alike.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from incidents.case import Case, Precedent
from incidents.catalogue import City
from incidents.clocks import begun, extended, next_rung, resumed, rules_of, suspension_end, swapped
from incidents.commands import Command
from incidents.sightings import most_urgent
from incidents.vocabulary import CommandType, HeldBecause, Role, State

Values = dict[str, Any]
Effect = Callable[[City, Case, Command, datetime], Values]

NO_UNIT: Values = {
    "unit": None,
    "assisting": (),
    "owed": (),
    "helped": (),
    "route": None,
    "grounds": None,
    "dispatched_at": None,
    "accepted_at": None,
}
NOT_HANDLED: Values = {"handler": None, "handled_at": None, "checker": None, "checked_at": None, "seen_after_handling": False}
NO_PRESSURE: Values = {"overdue": False, "overdue_at": None, "escalated_to": None, "acknowledged": False, "extensions": 0}


def new_clock(city: City, case: Case, condition: str | None, at: datetime) -> Values:
    """The snapshot of the limit that begins at `at`: condition (the named one, else the case's, else the first), limit and due time."""
    rules = rules_of(city, case)
    if rules is None:
        return {"filed_at": at, **NO_PRESSURE}
    keys = {row.key for row in rules.conditions}
    row = rules.condition(condition or (case.condition if case.condition in keys else None))
    return {
        "filed_at": at,
        "condition": row.key,
        "severity": most_urgent(case.severity, row.severity),
        **begun(city, row, at),
        **NO_PRESSURE,
    }


def _nothing(city: City, case: Case, command: Command, at: datetime) -> Values:
    return {}


def _expire(city: City, case: Case, command: Command, at: datetime) -> Values:
    return {"held_because": HeldBecause.EXPIRED}


def _file(city: City, case: Case, command: Command, at: datetime) -> Values:
    clock = new_clock(city, case, command.condition, at)
    return clock if command.severity is None else {**clock, "severity": command.severity}


def _dispatch(city: City, case: Case, command: Command, at: datetime) -> Values:
    unit, assisting = city.unit_by_key.get(command.unit or ""), tuple(dict.fromkeys(command.assisting or ()))
    return {
        "unit": command.unit,
        "assisting": assisting,
        # a rule only asks for help; what a person gives out must be done
        "owed": () if command.actor.role is Role.SYSTEM else tuple(each for each in assisting if each != command.unit),
        "helped": (),
        "route": command.rule,
        "grounds": command.grounds if command.actor.role is Role.SYSTEM else None,
        "dispatched_at": at,
        "level": unit.level if unit and unit.level in city.levels else case.level,
    }


def _arbitrate(city: City, case: Case, command: Command, at: datetime) -> Values:
    decided = {"unit": command.unit, "assisting": command.assisting or (), "by": command.actor.id, "at": at}
    like = {"case_id": case.case_id, "category": case.category, "condition": case.condition, "district": case.place.district}
    precedent = Precedent.model_validate(decided | like)
    return {**_dispatch(city, case, command, at), "route": "arbitration", "arbitrated": command.unit, "precedent": precedent}


def _return(city: City, case: Case, command: Command, at: datetime) -> Values:
    before = case.returned_by if case.unit in case.returned_by or case.unit is None else (*case.returned_by, case.unit)
    return {**NO_UNIT, "returned_by": before, "returns": case.returns + 1, "arbitrated": None}


def _handled(city: City, case: Case, command: Command, at: datetime) -> Values:
    """The lead has handled it; an assisting unit has done its part."""
    evidence = (*case.handled_evidence, *command.evidence)
    if command.actor.unit != case.unit:
        return {"helped": (*case.helped, command.actor), "handled_evidence": evidence}
    return {"handler": command.actor, "handled_at": at, "handled_evidence": evidence}


def _extend(city: City, case: Case, command: Command, at: datetime) -> Values:
    return {"extension_asked": False, **extended(city, case)}


def _ask_suspension(city: City, case: Case, command: Command, at: datetime) -> Values:
    return {"suspension_asked": True, "suspended_until": command.until}


def _suspend(city: City, case: Case, command: Command, at: datetime) -> Values:
    until = suspension_end(command.until, case.suspended_until, at)
    return {"suspensions": case.suspensions + 1, "suspended_at": at, "suspended_until": until}


def _resume(city: City, case: Case, command: Command, at: datetime) -> Values:
    """The deadline moves by the paused time; a case that is not suspended keeps its own."""
    if case.state is not State.SUSPENDED or case.suspended_at is None:
        return {}
    return {"suspended_at": None, "suspended_until": None, **resumed(city, case, at)}


def _passed(city: City, case: Case, command: Command, at: datetime) -> Values:
    return {"checker": command.actor, "checked_at": at, "check_evidence": (*case.check_evidence, *command.evidence)}


def _failed(city: City, case: Case, command: Command, at: datetime) -> Values:
    return {**NOT_HANDLED, "reworks": case.reworks + 1, "check_evidence": (*case.check_evidence, *command.evidence)}


def _reopen(city: City, case: Case, command: Command, at: datetime) -> Values:
    values: Values = {"reopened": case.reopened + 1, "held_because": None}
    if case.state is State.CLOSED:
        values |= {**NO_UNIT, **NOT_HANDLED, **new_clock(city, case, None, at)}
    return values


def _appeal_decided(city: City, case: Case, command: Command, at: datetime) -> Values:
    agreed = (*case.appeal_agreed, command.actor.role) if command.upheld else case.appeal_agreed
    both = len(agreed) == 2
    return {"appeal_agreed": agreed, "appeal_upheld": False if not command.upheld else True if both else None}


def _note(city: City, case: Case, command: Command, at: datetime) -> Values:
    """A leader's note waits for an answer; the note of who works on the case answers all that wait."""
    if command.actor.role is Role.LEADER:
        return {"unanswered": (*case.unanswered, command.actor)}
    return {} if command.actor.role in (Role.SYSTEM, Role.RESIDENT) else {"unanswered": ()}


def _recategorise(city: City, case: Case, command: Command, at: datetime) -> Values:
    """The limit belongs to the filing condition: a running clock gets the new one's, from its own beginning and with its pauses."""
    if case.clock is None:
        return {"category": command.category, "condition": command.condition}
    row = city.catalogue[command.category or case.category].condition(command.condition)
    return {"category": command.category, "condition": row.key, **swapped(city, case, row)}


def _overdue(city: City, case: Case, command: Command, at: datetime) -> Values:
    return {"overdue": True, "overdue_at": case.due_at}


def _escalate(city: City, case: Case, command: Command, at: datetime) -> Values:
    return {"escalated_to": next_rung(city, case), "acknowledged": False}


def _transfer(city: City, case: Case, command: Command, at: datetime) -> Values:
    clock = {} if case.filed_at is not None else new_clock(city, case, None, at)
    return {**NO_UNIT, **NOT_HANDLED, **clock, "held_because": None, "level": command.level, **_resume(city, case, command, at)}


def _merge(city: City, case: Case, command: Command, at: datetime) -> Values:
    return {"merged_into": command.into, "state_before": case.state}


def _unmerge(city: City, case: Case, command: Command, at: datetime) -> Values:
    refused = (*case.refused_duplicates, case.merged_into) if case.merged_into else case.refused_duplicates
    return {"merged_into": None, "state_before": None, "refused_duplicates": tuple(dict.fromkeys(refused))}


def _confirm_duplicate(city: City, case: Case, command: Command, at: datetime) -> Values:
    values: Values = {"suggested": tuple(each for each in case.suggested if each != command.other)}
    if command.actor.role is Role.SYSTEM and command.other:
        values["merged_from"] = tuple(dict.fromkeys((*case.merged_from, command.other)))
        values["severity"] = most_urgent(case.severity, command.severity)  # a wrong or right merge never hides a worse emergency
    return values


def _refuse_duplicate(city: City, case: Case, command: Command, at: datetime) -> Values:
    refused = (*case.refused_duplicates, command.other) if command.other else case.refused_duplicates
    return {
        "suggested": tuple(each for each in case.suggested if each != command.other),
        "merged_from": tuple(each for each in case.merged_from if each != command.other),
        "refused_duplicates": tuple(dict.fromkeys(refused)),
    }


C = CommandType
EFFECTS: dict[CommandType, Effect] = {
    C.CONFIRM: lambda *_: {"held_because": None},
    C.EXPIRE: _expire,
    C.VERIFY: _nothing,
    C.FOUND: lambda city, case, command, at: {"verified": True, "evidence": (*case.evidence, *command.evidence)},
    C.NOT_FOUND: _nothing,
    C.FILE: _file,
    C.NOT_FILE: _nothing,
    C.NOT_ACCEPT: _nothing,
    C.VOID: _nothing,
    C.DISPATCH: _dispatch,
    C.ARBITRATE: _arbitrate,
    C.ACCEPT: lambda city, case, command, at: {"accepted_at": at},
    C.RETURN: _return,
    C.REPORT_HANDLED: _handled,
    C.REQUEST_EXTENSION: lambda *_: {"extension_asked": True},
    C.GRANT_EXTENSION: _extend,
    C.DENY_EXTENSION: lambda *_: {"extension_asked": False},
    C.REQUEST_SUSPENSION: _ask_suspension,
    C.GRANT_SUSPENSION: _suspend,
    C.DENY_SUSPENSION: lambda *_: {"suspension_asked": False, "suspended_until": None},
    C.RESUME: _resume,
    C.PASS_CHECK: _passed,
    C.FAIL_CHECK: _failed,
    C.CLOSE: _nothing,
    C.REOPEN: _reopen,
    C.RATE: lambda city, case, command, at: {"rating": command.rating},
    C.APPEAL: lambda *_: {"appealed": True},
    C.DECIDE_APPEAL: _appeal_decided,
    C.UNMERGE: _unmerge,
    C.SUPERVISE: lambda city, case, command, at: {"supervised": case.supervised + 1},
    C.NOTE: _note,
    C.RECATEGORISE: _recategorise,
    C.REMIND: _nothing,
    C.OVERDUE: _overdue,
    C.ESCALATE: _escalate,
    C.ACKNOWLEDGE: lambda *_: {"acknowledged": True},
    C.TRANSFER: _transfer,
    C.MERGE: _merge,
    C.WITHDRAW: _nothing,
    C.CONFIRM_DUPLICATE: _confirm_duplicate,
    C.REFUSE_DUPLICATE: _refuse_duplicate,
}
