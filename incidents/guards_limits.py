"""Guards on time: extensions, suspensions, the windows after the end, appeals, and the rungs of escalation (DOMAIN.md, the guards)."""

from datetime import timedelta

from incidents.asked import Asked
from incidents.clocks import FIRES, LONGEST_SUSPENSION, next_rung, suspension_end
from incidents.guards_parties import own_unit
from incidents.refusals import ROLES, Why
from incidents.vocabulary import CommandType

MOST_EXTENSIONS = 2


def extensions_left(asked: Asked) -> str | None:
    """A limit runs, is not over, and was not extended twice."""
    case = asked.case
    if case.due_at is None:
        return Why.NO_LIMIT.say()
    if case.overdue or asked.at >= case.due_at:
        return Why.OVERDUE.say(due=asked.local(case.due_at))
    if case.extensions >= MOST_EXTENSIONS:
        return Why.EXTENDED.say(n=case.extensions)
    if asked.command.type is CommandType.REQUEST_EXTENSION and case.extension_asked:
        return Why.EXTENSION_ASKED.say()
    return None


def asked_extension(asked: Asked) -> str | None:
    """The unit has asked for it."""
    return None if asked.case.extension_asked else Why.NO_EXTENSION_ASKED.say()


def first_suspension(asked: Asked) -> str | None:
    """It was never suspended."""
    if asked.case.suspensions:
        return Why.SUSPENDED_BEFORE.say()
    if asked.command.type is CommandType.REQUEST_SUSPENSION and asked.case.suspension_asked:
        return Why.SUSPENSION_ASKED.say()
    return None


def asked_suspension(asked: Asked) -> str | None:
    """The unit has asked for it."""
    return None if asked.case.suspension_asked else Why.NO_SUSPENSION_ASKED.say()


def within_a_year(asked: Asked) -> str | None:
    """The suspension ends ahead of now and within a year."""
    until = suspension_end(asked.command.until, asked.case.suspended_until, asked.at)
    if asked.at < until <= asked.at + LONGEST_SUSPENSION + timedelta(days=1):
        return None
    return Why.TOO_LONG.say(until=asked.local(until), days=LONGEST_SUSPENSION.days)


def reopen_window(asked: Asked) -> str | None:
    """It ended not long ago."""
    ended, window = asked.case.ended_at, asked.city.reopen_within
    if ended is None or asked.at <= ended + window:
        return None
    return Why.WINDOW_OVER.say(ended=asked.local(ended), days=window.days)


def rating(asked: Asked) -> str | None:
    """1 to 5."""
    given = asked.command.rating
    return None if given is not None and 1 <= given <= 5 else Why.RATING.say(rating=given)


def first_appeal(asked: Asked) -> str | None:
    """Never appealed, and by the unit that handled it."""
    return Why.APPEALED.say() if asked.case.appealed else own_unit(asked)


def open_appeal(asked: Asked) -> str | None:
    """An appeal that waits for this role's word."""
    case, role = asked.case, asked.command.actor.role
    if not case.appealed:
        return Why.NO_APPEAL.say()
    if case.appeal_upheld is not None:
        zh, en = ("支持", "upheld") if case.appeal_upheld else ("驳回", "refused")
        return Why.APPEAL_OVER.say(zh=zh, en=en)
    if role in case.appeal_agreed:
        return Why.APPEAL_AGREED.say(role=role, role_zh=ROLES[role])
    return None if asked.command.upheld is not None else Why.NO_VOICE.say()


def rung_left(asked: Asked) -> str | None:
    """There is a level that does not have it yet."""
    return None if next_rung(asked.city, asked.case) else Why.TOP.say(level=asked.case.escalated_to)


def running_deadline(asked: Asked) -> str | None:
    """What a rule does because of a deadline, it does while the case still carries that deadline."""
    if not asked.by_rule:
        return None
    named = asked.command.deadline
    for deadline in asked.case.deadlines:
        if deadline.id == named and FIRES[deadline.kind] is asked.command.type:
            return None
    return Why.NOT_RUNNING.say(deadline=named)
