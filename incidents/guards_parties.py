"""Guards on who acts and with what in hand: units, other parties, reporters, levels above, evidence and words (DOMAIN.md, the roles)."""

import re
from collections.abc import Iterable, Iterator

from incidents.asked import Asked
from incidents.catalogue import Unit
from incidents.clocks import rules_of
from incidents.commands import Command, Evidence, Statement
from incidents.places import distance_m
from incidents.refusals import ROLES, Why
from incidents.vocabulary import Nature, Role

SHA256 = re.compile(r"[0-9a-fA-F]{64}")
INSTEAD = Role.SHIFT_LEAD


def reason(asked: Asked) -> str | None:
    """A reason is given."""
    return None if _said(asked.command.reason) else Why.NO_REASON.say()


def words(asked: Asked) -> str | None:
    """A note is given."""
    return None if _said(asked.command.note) else Why.NO_WORDS.say()


def _said(text: str | None) -> bool:
    return bool(text and text.strip())


def _shown(command: Command) -> bool:
    return any(evidence.url or evidence.sha256 for evidence in command.evidence)


def shape(asked: Asked) -> str | None:
    """Asked of every command: a hash that is none could never be found again."""
    for each in asked.command.evidence:
        if each.sha256 is not None and not SHA256.fullmatch(each.sha256):
            return Why.BAD_HASH.say(given=repr(each.sha256[:80]))
    return None


def evidence_or_note(asked: Asked) -> str | None:
    """What was found is shown or told."""
    return None if _shown(asked.command) or _said(asked.command.note) else Why.NO_FINDING.say()


def evidence_or_handed_on(asked: Asked) -> str | None:
    """Something to look at; an instant thing is over, so there it is enough to say whom it was handed to."""
    rules = rules_of(asked.city, asked.case)
    if _shown(asked.command):
        return None
    if rules is None or rules.nature is not Nature.INSTANT:
        return Why.NO_EVIDENCE.say()
    return None if _said(asked.command.note) or _said(asked.command.reason) else Why.NO_DEED.say()


def after_evidence(asked: Asked) -> str | None:
    """A picture that says when and where it was taken must be of afterwards and of here; one that does not, the checker vouches for."""
    return _first_wrong(asked, asked.command.evidence)


def stored_evidence(asked: Asked) -> str | None:
    """The same, of what the city's store stands behind only: other systems answer for what they report as handled."""
    return _first_wrong(asked, [each for each in asked.command.evidence if each.stored_at is not None])


def _first_wrong(asked: Asked, shown: Iterable[Evidence]) -> str | None:
    reasons = (_early(asked, each) or _far(asked, each) or _nowhere(asked, each) for each in shown)
    return next((reason for reason in reasons if reason is not None), None)


def _early(asked: Asked, picture: Evidence) -> str | None:
    """What the store took before the dispatch was taken before the dispatch, whatever it says of itself.

    Cameras tell whole seconds (EXIF 2.31): a picture of the dispatch's own second may be of afterwards.
    """
    dispatched = asked.case.dispatched_at
    known = [moment for moment in (picture.captured_at, picture.stored_at) if moment is not None]
    if dispatched is None or not known or min(known) >= dispatched.replace(microsecond=0):
        return None
    return Why.EARLY_PHOTO.say(taken=asked.local(min(known)), dispatched=asked.local(dispatched))


def _far(asked: Asked, picture: Evidence) -> str | None:
    place, most = asked.case.place, asked.city.evidence_within_m
    if picture.lon is None or picture.lat is None or not place.known:
        return None
    metres = distance_m(place.lon, place.lat, picture.lon, picture.lat)
    return Why.FAR_PHOTO.say(metres=round(metres), most=most) if metres > most + place.accuracy_m else None


def _nowhere(asked: Asked, picture: Evidence) -> str | None:
    """Without a position a person vouches for it, in words that stay on the fact."""
    placed = picture.lon is not None and picture.lat is not None
    return None if placed or picture.stored_at is None or _said(asked.command.note) else Why.NO_POSITION.say()


def own_unit(asked: Asked) -> str | None:
    """The unit that the case was dispatched to."""
    mine, theirs = asked.command.actor.unit, asked.case.unit
    return None if mine is not None and mine == theirs else Why.OTHER_UNIT.say(theirs=theirs, mine=mine or "no unit")


def lead_or_assisting(asked: Asked) -> str | None:
    """The unit that the case was dispatched to, once all owed parts are done; an assisting one for its part."""
    actor, case = asked.command.actor, asked.case
    if actor.unit is not None and actor.unit in case.assisting and actor.unit != case.unit:
        return None
    if (refused := own_unit(asked)) is not None:
        return refused
    done = {each.unit for each in case.helped}
    left = [unit for unit in case.owed if unit not in done]
    return Why.PARTS_LEFT.say(units=", ".join(left)) if left else None


def other_party(asked: Asked) -> str | None:
    """Another person and another unit than those who handled it, assisting ones among them."""
    actor, case = asked.command.actor, asked.case
    if case.handler is None:
        return None
    handled = (case.handler, *case.helped)
    if actor.id in {each.id for each in handled}:
        return Why.OWN_WORK.say(actor=actor.id)
    if actor.unit is not None and actor.unit in {case.unit, *(each.unit for each in handled)}:
        return Why.OWN_UNITS_WORK.say(unit=actor.unit)
    return None


def reporter(asked: Asked) -> str | None:
    """A resident must be one who reported it, as far as the case knows who they are; other roles act for the city."""
    actor, statements = asked.command.actor, asked.case.statements
    if actor.role is not Role.RESIDENT:
        return None
    if not statements:
        return Why.NO_PERSON.say(may=INSTEAD, may_zh=ROLES[INSTEAD])
    known = [set(_names(statement)) for statement in statements]
    if any(actor.id in names for names in known) or not all(statement.reporter for statement in statements):
        return None
    return Why.NOT_REPORTER.say(actor=actor.id, may=INSTEAD, may_zh=ROLES[INSTEAD])


def _names(statement: Statement) -> Iterator[str]:
    """By what a reporter may be known: the source and id of the words, and all that is said of the person, sealed values by `match`."""
    yield statement.source
    yield statement.id
    for value in (statement.reporter or {}).values():
        if isinstance(value, str):
            yield value
        elif isinstance(value, dict) and isinstance(value.get("match"), str):
            yield value["match"]


def person_reported(asked: Asked) -> str | None:
    """Somebody's words are in it."""
    return None if asked.case.statements else Why.NO_PERSON.say(may=INSTEAD, may_zh=ROLES[INSTEAD])


def level_above(asked: Asked) -> str | None:
    """The actor's office stands above the case's level; the city's answers to itself."""
    unit, its = _office(asked), asked.case.level
    if unit is None or _stands_above(asked, unit.level, its):
        return None
    return Why.NOT_ABOVE.say(unit=unit.key, mine=unit.level, its=its)


def has_escalation(asked: Asked) -> str | None:
    """It went up, and the actor's office is of the level that it went to, or stands above."""
    unit, its = _office(asked), asked.case.escalated_to
    if its is None:
        return Why.NOT_ESCALATED.say()
    if unit is None or unit.level == its or _stands_above(asked, unit.level, its):
        return None
    return Why.ESCALATED_HIGHER.say(unit=unit.key, mine=unit.level, its=its)


def _office(asked: Asked) -> Unit | None:
    """The actor's, unless it speaks for the city: that of the highest level, or none."""
    unit = asked.city.unit_by_key.get(asked.command.actor.unit or "")
    return None if unit is None or unit.level not in asked.city.levels[1:] else unit


def _stands_above(asked: Asked, level: str, its: str) -> bool:
    levels = asked.city.levels
    return its not in levels or levels.index(level) < levels.index(its)


def answered(asked: Asked) -> str | None:
    """No leader waits for an answer."""
    waiting = asked.case.unanswered
    return Why.UNANSWERED.say(leaders=", ".join(dict.fromkeys(each.id for each in waiting))) if waiting else None
