"""Closure: one command against one case, and the facts that follow. The only place where a case changes.

A pure function of the case, the command, and the time and position of the command's record, so that a replay after a crash says the same
facts again, byte for byte (ARCHITECTURE.md §3). What is allowed stands in `incidents.transitions`, what it needs in `incidents.guards`,
what it changes in `incidents.effects` and `incidents.sightings`; here is the order of questions, and what moves alike for all commands.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from incidents.asked import Asked
from incidents.case import Case, Changed, Fact, Position, later
from incidents.catalogue import City
from incidents.clocks import deadlines, rules_of
from incidents.commands import Actor, Command, Outcome, system
from incidents.decision import Decision
from incidents.effects import EFFECTS
from incidents.errors import MissingYear
from incidents.guards import conflict, first_unmet, not_from_here
from incidents.holders import held_until
from incidents.refusals import Why
from incidents.sightings import lifts, opened, seen
from incidents.transitions import Goes, Row, find
from incidents.vocabulary import ENDED, CommandType, FactType, Role, State

RULE = system("closure")
KEPT_OUTCOMES = 32
UNTIMED = frozenset(
    {"state", "sequence", "revision", "told_at", "changed", "totals", "first_seen", "last_seen", "evidence", "statements", "severity"}
    | {"seen_after_handling", "unanswered", "supervised"}
)
"""Fields that no deadline depends on while the state stays: most facts are sightings and notes, and leave the list as it is."""
BOOKKEEPING = frozenset(
    {"sequence", "revision", "applied", "outcomes", "deadlines", "unfinished", "changed", "entered_at", "told_at", "forgotten"}
)
TOLD_AT_OPENING = ("state", "held_because", "category", "condition", "channel", "severity", "source", "place", "totals", "recurs", "series")


@dataclass(frozen=True, slots=True)
class _Record:
    """A command with what its record adds: when it was appended on the city's clock, and where it stands."""

    command: Command
    at: datetime
    applied: Position


@dataclass(frozen=True, slots=True)
class _Change:
    """One fact to be: its type, who, and the new field values."""

    fact: FactType
    actor: Actor
    values: Mapping[str, Any] = field(default_factory=dict)


def decide(city: City, case: Case | None, command: Command, at: datetime, applied: Position) -> Decision:
    """The facts of this command for this case; `at` is its record's time on the city's clock, `applied` its position.

    A record at or before the case's own position was applied before: no facts, no outcome. A repeated id gets its first outcome.
    A refused command changes nothing and may be sent again. A merge needs its `target` first.
    """
    if case is None:
        return _open(city, _Record(command, at, applied))
    record = _Record(command, later(at, case.told_at), applied)
    if case.unfinished == command.id:
        return _say(city, case, record, None)
    if _was_applied(case, applied) or case.unfinished is not None:
        return Decision(case=case)
    if command.type is CommandType.SIGHT:
        return _sight(city, case, record)
    known = next((outcome for outcome in case.outcomes if outcome.command_id == command.id), None)
    if known is not None:
        return Decision(case=case, outcome=known)
    return _act(city, case, record)


def needs_target(command: Command) -> bool:
    """Whether the store must be asked what the merge's target is: closure sends itself the command with it, so the record says it all."""
    return command.type is CommandType.MERGE and command.into is not None and command.target is None


def _open(city: City, record: _Record) -> Decision:
    command = record.command
    if command.type is not CommandType.SIGHT:
        return _refused(None, command, Why.UNKNOWN_CASE.say(case=command.case_id))
    if (reason := _not_intake(command)) is not None:
        return _refused(None, command, reason)
    if command.opening is None or command.opening.category not in city.catalogue:
        return _refused(None, command, Why.NO_OPENING.say())
    case = opened(city, command, command.opening, record.at)
    return _say(city, case, record, _Change(FactType.OPENED, command.actor))


def _sight(city: City, case: Case, record: _Record) -> Decision:
    if (reason := _not_intake(record.command)) is not None:
        return _refused(case, record.command, reason)
    values = seen(case, record.command)
    if not values:
        return Decision(case=case, outcome=_accepted(case, record.command))
    return _say(city, case, record, _Change(FactType.SIGHTED, record.command.actor, values))


def _act(city: City, case: Case, record: _Record) -> Decision:
    command = record.command
    if case.forgotten:
        return _refused(case, command, Why.FORGOTTEN.say())
    row = find(command.type, case.state)
    asked = Asked(city, case, command, record.at)
    reason = conflict(asked) or not_from_here(case, command, row)
    if reason is None and row is not None:
        reason = first_unmet(row.needs, asked)
    if reason is not None or row is None:
        return _refused(case, command, reason or "")
    if row.fact is None:
        return _forget(case, record)
    try:
        values = dict(EFFECTS[command.type](city, case, command, record.at))
    except MissingYear as missing:
        return _refused(case, command, Why.MISSING_YEAR.say(year=missing.year))
    values["state"] = _leads_to(row, case)
    fact = row.fact
    if _is_a_part(case, command, values):
        fact, values["state"] = FactType.NOTED, case.state
    decision = _say(city, case, record, _Change(fact, command.actor, values))
    return replace(decision, commands=_follow_up(case, decision.facts[0]))


def _is_a_part(case: Case, command: Command, values: Mapping[str, Any]) -> bool:
    """Whether this is only noted, for another party's word decides: the first of two voices on an appeal, an assisting unit's report."""
    if command.type is CommandType.DECIDE_APPEAL:
        return values["appeal_upheld"] is None
    return command.type is CommandType.REPORT_HANDLED and command.actor.unit != case.unit


def _leads_to(row: Row, case: Case) -> State:
    if row.to is Goes.BACK:
        return case.state_before or State.REPORTED
    return case.state if row.to is Goes.STAY else State(row.to)


def _forget(case: Case, record: _Record) -> Decision:
    after = case.model_copy(update={"forgotten": True, "deadlines": (), "applied": record.applied})
    return Decision(case=after, outcome=_accepted(case, record.command), forgotten=True)


def _say(city: City, case: Case, record: _Record, first: _Change | None) -> Decision:
    """Facts one after another: the command's own, then what rules add of themselves, each with the whole case after it.

    Until the last one is said the case carries `unfinished` and its old position: should only some of them have reached Kafka when
    Redis is lost, the command is read again and goes on from there.
    """
    facts: list[Fact] = []
    change = first or _by_rule(city, case)
    while change is not None:
        values = _moved(case, record, change, is_own=change is first)
        after = case.model_copy(update=values)
        following = _by_rule(city, after)
        rest: dict[str, Any] = _finished(after, record) if following is None else {"unfinished": record.command.id}
        fired = record.command.deadline if record.command.actor.role is Role.SYSTEM else None
        if fired is not None or case.sequence == 0 or after.state is not case.state or not values.keys() <= UNTIMED:
            rest["deadlines"] = deadlines(city, after, record.at, fired)
        after = after.model_copy(update=rest)
        facts.append(_fact(case, after, record, change, values.keys()))
        case, change = after, following
    return Decision(facts=tuple(facts), case=case, outcome=_accepted(case, record.command))


def _by_rule(city: City, case: Case) -> _Change | None:
    """What a rule does of itself with the case as it is now; asked after every fact."""
    rules = rules_of(city, case)
    if case.recurs is not None and case.sequence == 1:
        return _Change(FactType.RECURRED, RULE)
    if lifts(case):
        return _Change(FactType.UPDATED, RULE, {"state": State.REPORTED, "held_because": None})
    if _crossed(case):
        return _Change(FactType.UNMERGED, RULE, {"state": case.state_before, "merged_into": None, "state_before": None})
    passed = case.state is State.CHECKED and case.changed is not None and case.changed.fact is FactType.CHECK_PASSED
    undisturbed = not case.seen_after_handling and not case.unanswered
    if passed and rules is not None and rules.close == "auto" and undisturbed:
        return _Change(FactType.CLOSED, RULE, {"state": State.CLOSED})
    return None


def _crossed(case: Case) -> bool:
    """Whether two cases went into each other, which the store's alias prevents unless it was lost between: the smaller id stands again."""
    other = case.merged_into
    return case.state is State.MERGED and other in case.merged_from and other is not None and case.case_id < other


def _moved(case: Case, record: _Record, change: _Change, is_own: bool) -> dict[str, Any]:
    values = dict(change.values)
    state = values.get("state", case.state)
    values |= {"sequence": case.sequence + 1, "told_at": record.at}
    if state is not case.state or change.fact is FactType.TRANSFERRED:
        values["entered_at"] = record.at
        values |= {"ended_at": record.at, "ended_as": change.fact} if state in ENDED else {"ended_at": None, "ended_as": None}
        values["held_ms"] = held_until(case, record.at)
        if case.state is State.HANDLING:
            values |= {"extension_asked": False, "suspension_asked": False}
    if change.fact not in (FactType.SIGHTED, FactType.OPENED):
        values["changed"] = Changed(fact=change.fact, actor=change.actor, at=record.at)
        values["revision"] = case.revision + (is_own and record.command.type is not CommandType.SIGHT)
    return values


def _finished(case: Case, record: _Record) -> dict[str, Any]:
    values: dict[str, Any] = {"applied": record.applied, "unfinished": None}
    if record.command.type is not CommandType.SIGHT:
        values["outcomes"] = (*case.outcomes, _accepted(case, record.command))[-KEPT_OUTCOMES:]
    return values


def _fact(before: Case, after: Case, record: _Record, change: _Change, touched: Iterable[str]) -> Fact:
    command = record.command
    return Fact.model_construct(
        type=change.fact,
        case_id=after.case_id,
        sequence=after.sequence,
        at=record.at,
        actor=change.actor,
        command_id=command.id,
        note=command.note,
        reason=command.reason if command.type is not CommandType.SIGHT else None,
        changes=_changes(before, after, change, command, touched),
        case=after,
    )


def _changes(before: Case, after: Case, change: _Change, command: Command, touched: Iterable[str]) -> dict[str, Any]:
    """What the fact says changed, as plain JSON values: fields of the case, of totals only the sources that moved, and the rule."""
    if change.fact is FactType.OPENED:
        told = after.model_dump(mode="json", include=set(TOLD_AT_OPENING))
    else:
        moved = {name for name in touched if name not in BOOKKEEPING and getattr(before, name) != getattr(after, name)}
        told = after.model_dump(mode="json", include=moved)
    if "totals" in told and change.fact is not FactType.OPENED:
        told["totals"] = {source: told["totals"][source] for source in told["totals"] if before.totals.get(source) != after.totals[source]}
    if "totals" in told:
        told["count"] = after.count
    told |= {name: value for name, value in (("rule", command.rule), ("deadline", command.deadline), ("other", command.other)) if value}
    return told


def _follow_up(before: Case, fact: Fact) -> tuple[Command, ...]:
    """What the other case of a merge is told: it took this one in, or it is not the same after all."""
    told = {FactType.MERGED: CommandType.CONFIRM_DUPLICATE, FactType.UNMERGED: CommandType.REFUSE_DUPLICATE}.get(fact.type)
    other = fact.case.merged_into or before.merged_into
    if told is None or other is None:
        return ()
    head = {"id": f"{fact.case_id}:{fact.sequence}:{fact.type}", "case_id": other, "type": told, "actor": RULE, "other": fact.case_id}
    return (Command.model_validate(head | {"severity": fact.case.severity}),)


def _was_applied(case: Case, record: Position) -> bool:
    last = case.applied
    return last is not None and (last.topic_id, last.partition) == (record.topic_id, record.partition) and record.offset <= last.offset


def _accepted(case: Case, command: Command) -> Outcome:
    return Outcome(command_id=command.id, accepted=True, state=case.state, sequence=case.sequence, revision=case.revision)


def _refused(case: Case | None, command: Command, reason: str) -> Decision:
    state, sequence = (case.state, case.sequence) if case else (None, 0)
    told = f"{command.type}: {reason}"
    return Decision(case=case, outcome=Outcome(command_id=command.id, accepted=False, state=state, sequence=sequence, reason=told))


def _not_intake(command: Command) -> str | None:
    return None if command.actor.role is Role.SYSTEM else Why.ONLY_INTAKE.say()
