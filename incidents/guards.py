"""What a command needs beyond state and role (`transitions.Need`), each a question to (city, case, command, at).

A guard answers None, or the reason why not: a sentence that a person can act on. It decides nothing else and asks nobody.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from incidents.case import OPEN, Case, Command, CommandType, Role
from incidents.catalogue import City, Nature
from incidents.clocks import FIRES, LONGEST_SUSPENSION, next_rung, rules_of, suspension_end
from incidents.transitions import Need

MOST_EXTENSIONS = 2
RETURNS_TO_ARBITER = 2


@dataclass(frozen=True, slots=True)
class Asked:
    """The question: may this command, given at `at` on the city's clock, move this case?"""

    city: City
    case: Case
    command: Command
    at: datetime

    @property
    def by_rule(self) -> bool:
        """Whether a rule asks and no person."""
        return self.command.actor.role is Role.SYSTEM


def first_unmet(needs: tuple[Need, ...], asked: Asked) -> str | None:
    """The reason of the first need that is not met, in the row's order."""
    return next((reason for need in needs if (reason := CHECKS[need](asked)) is not None), None)


def _reason(asked: Asked) -> str | None:
    return None if _said(asked.command.reason) else "say why, in `reason`"


def _words(asked: Asked) -> str | None:
    return None if _said(asked.command.note) else "say something, in `note`"


def _said(text: str | None) -> bool:
    return bool(text and text.strip())


def _shown(command: Command) -> bool:
    return any(evidence.url or evidence.sha256 for evidence in command.evidence)


def _evidence(asked: Asked) -> str | None:
    return None if _shown(asked.command) else "attach evidence: at least one item with `sha256` or `url`"


def _evidence_or_note(asked: Asked) -> str | None:
    return None if _shown(asked.command) or _said(asked.command.note) else "attach evidence, or say in `note` what was found"


def _evidence_or_handed_on(asked: Asked) -> str | None:
    rules = rules_of(asked.city, asked.case)
    if rules is None or rules.nature is not Nature.INSTANT:
        return _evidence(asked)
    if _shown(asked.command) or _said(asked.command.note) or _said(asked.command.reason):
        return None
    return "say in `note` what was done: warned, or handed to whom; or attach evidence"


def _own_unit(asked: Asked) -> str | None:
    mine, theirs = asked.command.actor.unit, asked.case.unit
    return None if mine is not None and mine == theirs else f"only unit {theirs} may; you act for {mine or 'no unit'}"


def _other_party(asked: Asked) -> str | None:
    actor, handler = asked.command.actor, asked.case.handler
    if handler is None:
        return None
    if actor.id == handler.id:
        return f"{actor.id} handled it; somebody else must"
    if actor.unit is not None and actor.unit in (handler.unit, asked.case.unit):
        return f"unit {actor.unit} handled it; another party must"
    return None


def _closes_by_rule(asked: Asked) -> str | None:
    if not asked.by_rule:
        return None
    rules = rules_of(asked.city, asked.case)
    if rules is None or rules.close != "auto":
        return f"category {asked.case.category} is closed by a shift lead"
    return "it was seen again after the handling: a shift lead must look" if asked.case.seen_after_handling else None


def _known_condition(asked: Asked) -> str | None:
    category = asked.city.catalogue.get(asked.command.category or asked.case.category)
    if category is None:
        return f"unknown category {asked.command.category or asked.case.category!r}: recategorise it first"
    keys = [condition.key for condition in category.conditions]
    named = asked.command.condition
    return None if named is None or named in keys else f"unknown condition {named!r} of {category.key}; it has {', '.join(keys)}"


def _known_category(asked: Asked) -> str | None:
    if asked.command.category is None:
        return "name the category"
    if asked.command.category in asked.city.catalogue:
        return None
    return f"unknown category {asked.command.category!r}; the catalogue lists them"


def _known_units(asked: Asked) -> str | None:
    if asked.command.unit is None:
        return "name the unit"
    unknown = [unit for unit in (asked.command.unit, *(asked.command.assisting or ())) if unit not in asked.city.unit_by_key]
    return f"unknown unit {unknown[0]!r}; the city's units.toml lists them" if unknown else None


def _never_returned(asked: Asked) -> str | None:
    unit, case = asked.command.unit, asked.case
    return f"unit {unit} returned it; choose another" if unit in case.returned_by and unit != case.arbitrated else None


def _no_dispute(asked: Asked) -> str | None:
    case = asked.case
    if case.arbitrated is not None:
        return None if asked.command.unit == case.arbitrated else f"the arbiter decided on unit {case.arbitrated}"
    if len(case.returned_by) < RETURNS_TO_ARBITER:
        return None
    return f"{len(case.returned_by)} units returned it ({', '.join(case.returned_by)}): the arbiter must decide"


def _dispute(asked: Asked) -> str | None:
    returns = len(asked.case.returned_by)
    if returns >= RETURNS_TO_ARBITER:
        return None
    return f"the arbiter decides after {RETURNS_TO_ARBITER} returns, it has {returns}: dispatch it"


def _extensions_left(asked: Asked) -> str | None:
    case = asked.case
    if case.due_at is None:
        return "no limit is running"
    if case.overdue or asked.at >= case.due_at:
        return f"it is overdue since {case.due_at:%Y-%m-%d %H:%M} UTC; an overdue case is not extended"
    if case.extensions >= MOST_EXTENSIONS:
        return f"it was extended {case.extensions} times; ask for suspension instead"
    if asked.command.type is CommandType.REQUEST_EXTENSION and case.extension_asked:
        return "an extension is asked for already; wait for the dispatcher"
    return None


def _asked_extension(asked: Asked) -> str | None:
    return None if asked.case.extension_asked else "the unit has not asked for an extension"


def _first_suspension(asked: Asked) -> str | None:
    if asked.case.suspensions:
        return "it was suspended before; a case is suspended once"
    if asked.command.type is CommandType.REQUEST_SUSPENSION and asked.case.suspension_asked:
        return "a suspension is asked for already; wait for the dispatcher"
    return None


def _asked_suspension(asked: Asked) -> str | None:
    return None if asked.case.suspension_asked else "the unit has not asked for a suspension"


def _within_a_year(asked: Asked) -> str | None:
    until = suspension_end(asked.command.until, asked.case.suspended_until, asked.at)
    if asked.at < until <= asked.at + LONGEST_SUSPENSION + timedelta(days=1):
        return None
    return f"`until` {until:%Y-%m-%d} must be ahead and within {LONGEST_SUSPENSION.days} days"


def _reopen_window(asked: Asked) -> str | None:
    ended, window = asked.case.ended_at, asked.city.reopen_within
    if ended is None or asked.at <= ended + window:
        return None
    return f"it closed on {ended:%Y-%m-%d %H:%M} UTC, more than {window.days} days ago: report it anew"


def _rating(asked: Asked) -> str | None:
    rating = asked.command.rating
    return None if rating is not None and 1 <= rating <= 5 else f"`rating` must be 1 to 5, it is {rating}"


def _first_appeal(asked: Asked) -> str | None:
    if asked.case.appealed:
        return "it was appealed before; a case is appealed once"
    return _own_unit(asked)


def _open_appeal(asked: Asked) -> str | None:
    case, role = asked.case, asked.command.actor.role
    if not case.appealed:
        return "the unit has not appealed"
    if case.appeal_upheld is not None:
        return f"the appeal was {'upheld' if case.appeal_upheld else 'refused'} already"
    if role in case.appeal_agreed:
        return f"the {role} agreed already; the other one must decide"
    return None if asked.command.upheld is not None else "say `upheld`: true or false"


def _escalated(asked: Asked) -> str | None:
    return None if asked.case.escalated_to is not None else "it is not escalated"


def _rung_left(asked: Asked) -> str | None:
    return None if next_rung(asked.city, asked.case) else f"it is with the highest level already ({asked.case.escalated_to})"


def _other_level(asked: Asked) -> str | None:
    level, levels = asked.command.level, asked.city.levels
    if level not in levels:
        return f"unknown level {level!r}; the city has {', '.join(levels)}"
    return f"it is at level {level} already" if level == asked.case.level else None


def _person_reported(asked: Asked) -> str | None:
    return None if asked.case.statements else "no person reported it: void it instead"


def _target(asked: Asked) -> str | None:
    into, target = asked.command.into, asked.command.target
    if into is None:
        return "name the case to merge into, in `into`"
    if into == asked.case.case_id:
        return "a case cannot be merged into itself"
    if target is None or target.state is None:
        return f"unknown case {into}"
    return None if target.state in OPEN else f"{into} is {target.state}; merge only into an open case"


def _other(asked: Asked) -> str | None:
    other = asked.command.other
    if other is None or other == asked.case.case_id:
        return "name another case, in `other`"
    if asked.by_rule or other in asked.case.suggested:
        return None
    return f"{other} is not among its suggested duplicates; use merge"


def _running_deadline(asked: Asked) -> str | None:
    if not asked.by_rule:
        return None
    named = asked.command.deadline
    for deadline in asked.case.deadlines:
        if deadline.id == named and FIRES[deadline.kind] is asked.command.type:
            return None
    return f"deadline {named} is not running any more"


CHECKS: dict[Need, Callable[[Asked], str | None]] = {
    Need.REASON: _reason,
    Need.WORDS: _words,
    Need.EVIDENCE_OR_NOTE: _evidence_or_note,
    Need.EVIDENCE_OR_HANDED_ON: _evidence_or_handed_on,
    Need.OWN_UNIT: _own_unit,
    Need.OTHER_PARTY: _other_party,
    Need.CLOSES_BY_RULE: _closes_by_rule,
    Need.KNOWN_CONDITION: _known_condition,
    Need.KNOWN_CATEGORY: _known_category,
    Need.KNOWN_UNITS: _known_units,
    Need.NEVER_RETURNED: _never_returned,
    Need.NO_DISPUTE: _no_dispute,
    Need.DISPUTE: _dispute,
    Need.EXTENSIONS_LEFT: _extensions_left,
    Need.ASKED_EXTENSION: _asked_extension,
    Need.FIRST_SUSPENSION: _first_suspension,
    Need.ASKED_SUSPENSION: _asked_suspension,
    Need.WITHIN_A_YEAR: _within_a_year,
    Need.REOPEN_WINDOW: _reopen_window,
    Need.RATING: _rating,
    Need.FIRST_APPEAL: _first_appeal,
    Need.OPEN_APPEAL: _open_appeal,
    Need.ESCALATED: _escalated,
    Need.RUNG_LEFT: _rung_left,
    Need.OTHER_LEVEL: _other_level,
    Need.PERSON_REPORTED: _person_reported,
    Need.TARGET: _target,
    Need.OTHER: _other,
    Need.RUNNING_DEADLINE: _running_deadline,
}
