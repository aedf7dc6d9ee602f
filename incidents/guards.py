"""What a command needs beyond state and role (`transitions.Need`), each a question to (city, case, command, at).

A guard answers None, or the reason why not: a sentence that a person can act on. It decides nothing else and asks nobody. Those on who
acts stand in `incidents.guards_parties`, those on time in `incidents.guards_limits`; here are those on where a case goes.
"""

from incidents import guards_limits as limits
from incidents import guards_parties as parties
from incidents.asked import Asked, Guard
from incidents.case import Case
from incidents.clocks import rules_of
from incidents.commands import Command
from incidents.refusals import ROLES, STATES, Why, roles, states
from incidents.transitions import BY_COMMAND, RETURNS_TO_ARBITER, Need, Row, possible
from incidents.vocabulary import OPEN, Closes, State


def first_unmet(needs: tuple[Need, ...], asked: Asked) -> str | None:
    """The reason of the first need that is not met: the shape of evidence, then the row's own in their order."""
    if (reason := parties.shape(asked)) is not None:
        return reason
    return next((reason for need in needs if (reason := CHECKS[need](asked)) is not None), None)


def conflict(asked: Asked) -> str | None:
    """Why what the sender had read is no longer so; names who changed what."""
    case, command = asked.case, asked.command
    last, last_zh = "sighted", "又有上报"
    if moved := case.changed:
        at, who = asked.local(moved.at), moved.actor
        last, last_zh = f"{who.id} ({who.role}): {moved.fact} at {at}", f"{who.id}（{ROLES[who.role]}）{at}，{STATES[case.state]}"
    for why, expected, actual in (
        (Why.OTHER_REVISION, command.expected_revision, case.revision),
        (Why.OTHER_SEQUENCE, command.expected_sequence, case.sequence),
    ):
        if expected is not None and expected != actual:
            return why.say(expected=expected, actual=actual, last=last, last_zh=last_zh)
    return None


def not_from_here(case: Case, command: Command, row: Row | None) -> str | None:
    """Why there is no such row, or not for this role; names what the role may do instead."""
    role = command.actor.role
    offered = {"role": role, "role_zh": ROLES[role], "offered": ", ".join(possible(case.state, role)) or "–"}
    own = [each for each in BY_COMMAND[command.type] if role in each.roles]
    if row is None or (own and role not in row.roles):
        starts = sorted(state for each in own or BY_COMMAND[command.type] for state in each.starts)
        return Why.NOT_FROM_HERE.say(
            key=case.state, state=STATES[case.state], starts=", ".join(starts), starts_zh=states(starts), **offered
        )
    if role not in row.roles:
        may = sorted(row.roles)
        return Why.NOT_YOURS.say(may=", ".join(may), may_zh=roles(may), **offered)
    return None


def _closes_by_rule(asked: Asked) -> str | None:
    if not asked.by_rule:
        return None
    rules = rules_of(asked.city, asked.case)
    if rules is None or rules.close is Closes.PERSON:
        return Why.BY_PERSON.say(category=asked.case.category)
    return Why.SEEN_AGAIN.say() if rules.close is Closes.AUTO and asked.case.seen_after_handling else None


def _source_ends_it(asked: Asked) -> str | None:
    rules = rules_of(asked.city, asked.case)
    return None if rules is not None and rules.close is Closes.SOURCE else Why.NOT_BY_SOURCE.say(category=asked.case.category)


def _known_condition(asked: Asked) -> str | None:
    category = asked.city.catalogue.get(asked.command.category or asked.case.category)
    if category is None:
        return Why.UNKNOWN_CATEGORY.say(category=asked.command.category or asked.case.category)
    keys = [condition.key for condition in category.conditions]
    named = asked.command.condition
    return None if named is None or named in keys else Why.UNKNOWN_CONDITION.say(named=named, category=category.key, keys=", ".join(keys))


def _known_category(asked: Asked) -> str | None:
    if asked.command.category is None:
        return Why.NO_CATEGORY.say()
    if asked.command.category in asked.city.catalogue:
        return None
    return Why.UNKNOWN_CATEGORY.say(category=asked.command.category)


def _known_units(asked: Asked) -> str | None:
    if asked.command.unit is None:
        return Why.NO_UNIT.say()
    unknown = [unit for unit in (asked.command.unit, *(asked.command.assisting or ())) if unit not in asked.city.unit_by_key]
    return Why.UNKNOWN_UNIT.say(unit=unknown[0]) if unknown else None


def _never_returned(asked: Asked) -> str | None:
    unit, case = asked.command.unit, asked.case
    return Why.RETURNED_IT.say(unit=unit) if unit in case.returned_by and unit != case.arbitrated else None


def _no_dispute(asked: Asked) -> str | None:
    case = asked.case
    if case.arbitrated is not None:
        return None if asked.command.unit == case.arbitrated else Why.ARBITRATED.say(unit=case.arbitrated)
    if len(case.returned_by) < RETURNS_TO_ARBITER:
        return None
    return Why.TO_ARBITER.say(n=len(case.returned_by), units=", ".join(case.returned_by))


def _dispute(asked: Asked) -> str | None:
    returns = len(asked.case.returned_by)
    return None if returns >= RETURNS_TO_ARBITER else Why.NO_DISPUTE.say(least=RETURNS_TO_ARBITER, n=returns)


def _other_level(asked: Asked) -> str | None:
    level, levels, case = asked.command.level, asked.city.levels, asked.case
    if level not in levels:
        return Why.UNKNOWN_LEVEL.say(level=level, levels=", ".join(levels))
    if level == case.level:
        return Why.SAME_LEVEL.say(level=level)
    if case.state is State.FILED and case.returned_by and case.level in levels and levels.index(level) > levels.index(case.level):
        return Why.ONLY_UP.say(level=level, its=case.level)
    return None


def _target(asked: Asked) -> str | None:
    into, target = asked.command.into, asked.command.target
    if into is None:
        return Why.NO_TARGET.say()
    if into == asked.case.case_id:
        return Why.ITSELF.say()
    if target is None or target.state is None:
        return Why.UNKNOWN_TARGET.say(into=into)
    if target.state not in OPEN:
        return Why.ENDED_TARGET.say(into=into, key=target.state, state=STATES[target.state])
    return None if target.granted else Why.BUSY_TARGET.say(into=into)


def _other(asked: Asked) -> str | None:
    other = asked.command.other
    if other is None or other == asked.case.case_id:
        return Why.NO_OTHER.say()
    if asked.by_rule or other in asked.case.suggested:
        return None
    return Why.NOT_SUGGESTED.say(other=other)


CHECKS: dict[Need, Guard] = {
    Need.REASON: parties.reason,
    Need.WORDS: parties.words,
    Need.EVIDENCE_OR_NOTE: parties.evidence_or_note,
    Need.EVIDENCE_OR_HANDED_ON: parties.evidence_or_handed_on,
    Need.AFTER_EVIDENCE: parties.after_evidence,
    Need.STORED_EVIDENCE: parties.stored_evidence,
    Need.OWN_UNIT: parties.own_unit,
    Need.ALL_PARTS: parties.lead_or_assisting,
    Need.OTHER_PARTY: parties.other_party,
    Need.REPORTER: parties.reporter,
    Need.PERSON_REPORTED: parties.person_reported,
    Need.LEVEL_ABOVE: parties.level_above,
    Need.ANSWERED: parties.answered,
    Need.CLOSES_BY_RULE: _closes_by_rule,
    Need.SOURCE_ENDS_IT: _source_ends_it,
    Need.KNOWN_CONDITION: _known_condition,
    Need.KNOWN_CATEGORY: _known_category,
    Need.KNOWN_UNITS: _known_units,
    Need.NEVER_RETURNED: _never_returned,
    Need.NO_DISPUTE: _no_dispute,
    Need.DISPUTE: _dispute,
    Need.OTHER_LEVEL: _other_level,
    Need.TARGET: _target,
    Need.OTHER: _other,
    Need.EXTENSIONS_LEFT: limits.extensions_left,
    Need.ASKED_EXTENSION: limits.asked_extension,
    Need.FIRST_SUSPENSION: limits.first_suspension,
    Need.ASKED_SUSPENSION: limits.asked_suspension,
    Need.WITHIN_A_YEAR: limits.within_a_year,
    Need.REOPEN_WINDOW: limits.reopen_window,
    Need.RATING: limits.rating,
    Need.FIRST_APPEAL: limits.first_appeal,
    Need.OPEN_APPEAL: limits.open_appeal,
    Need.ESCALATED: parties.has_escalation,
    Need.RUNG_LEFT: limits.rung_left,
    Need.RUNNING_DEADLINE: limits.running_deadline,
}
