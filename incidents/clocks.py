"""When a case must have moved: due times, and the list of deadlines that a case carries.

The list is a pure function of the case, so closure says it anew with every fact and the clock stage only fires what stands on it.
What has fired is seen in the case (overdue, escalated_to) or in its not standing on the list any more (reminders). Limits, reminders and
escalation run on the clock that the case took from its filing condition (`incidents.limits`); posts and suspensions on continuous time.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from incidents import limits
from incidents.case import Case, Deadline
from incidents.catalogue import Category, City, Condition
from incidents.errors import MissingYear
from incidents.events import epoch_ms
from incidents.holders import in_dispute
from incidents.limits import Clock, Pause
from incidents.vocabulary import ENDED, CommandType, DeadlineKind, State

RUNNING = frozenset({State.FILED, State.DISPATCHED, State.HANDLING})  # the limit is that of handling: who checks has a stage limit
FADING = frozenset({DeadlineKind.STAGE, DeadlineKind.REMIND})  # once past they are armed no more; all others speak however late

LONGEST_SUSPENSION = timedelta(days=365)
CALENDAR_AHEAD = timedelta(days=60)  # the State Council's notice of a year comes in November of the one before
FIRES = {
    DeadlineKind.STAGE: CommandType.REMIND,
    DeadlineKind.REMIND: CommandType.REMIND,
    DeadlineKind.OVERDUE: CommandType.OVERDUE,
    DeadlineKind.ESCALATE: CommandType.ESCALATE,
    DeadlineKind.RESUME: CommandType.RESUME,
    DeadlineKind.EXPIRE: CommandType.EXPIRE,
    DeadlineKind.FORGET: CommandType.FORGET,
}


def begun(city: City, condition: Condition, at: datetime) -> dict[str, Any]:
    """The values of a case whose clock begins at `at`: the snapshot of the condition's limit, and when it ends. Raises MissingYear."""
    clock = limits.begun(city, condition, at)
    return {"clock": clock, "pauses": (), "limit_ms": _limit_ms(city, clock), "due_at": limits.due(city.worktime, clock)}


def swapped(city: City, case: Case, condition: Condition) -> dict[str, Any]:
    """The values of a running case that gets another condition's limit: it counts from the same moment, extensions and pauses stay.

    The same limit under another name runs on as it is, in the calendar of its day.
    """
    if case.clock is None:
        return {}
    if (condition.clock, condition.limit) == (case.clock.kind, case.clock.limit):
        return {"clock": case.clock.model_copy(update={"grade": condition.grade})}
    clock = limits.begun(city, condition, case.clock.began_at)
    due_at = limits.due(city.worktime, clock, case.extensions, case.pauses)
    return {"clock": clock, "limit_ms": _limit_ms(city, clock), "due_at": due_at}


def extended(city: City, case: Case) -> dict[str, Any]:
    """The values of a case with one original limit more. Raises MissingYear."""
    if case.clock is None or case.due_at is None:
        return {}
    return {"extensions": case.extensions + 1, "due_at": limits.extended(city.worktime, case.clock, case.due_at)}


def resumed(city: City, case: Case, at: datetime) -> dict[str, Any]:
    """The values of a suspended case that goes on at `at`: the pause is kept, the deadline moves by it. Raises MissingYear."""
    if case.suspended_at is None or case.clock is None or case.due_at is None:
        return {}
    pause = Pause(begins=case.suspended_at, ends=at)
    return {"pauses": (*case.pauses, pause), "due_at": limits.resumed(city.worktime, case.clock, case.due_at, pause)}


def missing_years(city: City, now: datetime) -> tuple[int, ...]:
    """The years that the calendar lacks and needs: for the next two months, and for every limit of the catalogue that began now."""
    known = city.calendar.known if city.calendar else frozenset()
    needed = {city.worktime.day_of(at).year for at in (now, now + CALENDAR_AHEAD)}
    for clock, limit in {(row.clock, row.limit) for category in city.categories for row in category.conditions}:
        try:
            limits.due(city.worktime, Clock(kind=clock, limit=limit, began_at=now, rules=city.rules))
        except MissingYear as missing:
            needed |= {missing.year} if missing.year else set()
    return tuple(sorted(needed - known))


def _limit_ms(city: City, clock: Clock) -> int:
    return int(limits.length(city.worktime, clock) / timedelta(milliseconds=1))


def rungs(city: City, level: str) -> tuple[str, ...]:
    """The levels above one, nearest first; the highest answers to itself."""
    above = city.levels[: city.levels.index(level)] if level in city.levels else city.levels[:1]
    return tuple(reversed(above)) or city.levels[:1]


def next_rung(city: City, case: Case) -> str | None:
    """The level that an escalation reaches now; None once the highest has it."""
    ladder = rungs(city, case.level)
    return next(iter(ladder[climbed(city, case) :]), None)


def climbed(city: City, case: Case) -> int:
    """How many rungs the case has been escalated since its clock began."""
    ladder = rungs(city, case.level)
    return ladder.index(case.escalated_to) + 1 if case.escalated_to in ladder else 0


def rules_of(city: City, case: Case) -> Category | None:
    """The case's row of the catalogue; None when the row was taken away while the case lived: then nothing goes by rule."""
    return city.catalogue.get(case.category)


def deadlines(city: City, case: Case, at: datetime, fired: str | None = None) -> tuple[Deadline, ...]:
    """What is to fire for this case, seen from `at`, by time; `fired` is the one that just did. `case.deadlines` is still the old list."""
    kept = {deadline.id for deadline in case.deadlines}
    wanted = (deadline for deadline in _wanted(city, case) if deadline.id != fired)
    armed = [each for each in wanted if each.kind not in FADING or each.at > at or each.id in kept]
    return tuple(sorted(armed, key=lambda deadline: (deadline.at, deadline.id)))


def _wanted(city: City, case: Case) -> Iterator[Deadline]:
    if case.state in ENDED:
        yield from _forgetting(city, case)
    elif case.state is State.SUSPENDED:
        if case.suspended_until:
            yield _deadline(DeadlineKind.RESUME, case.suspended_until)
    elif case.state is State.HELD:
        rules = rules_of(city, case)
        yield _deadline(DeadlineKind.EXPIRE, case.entered_at + (rules.held_for if rules else timedelta(hours=24)))
    elif city.escalation.enabled:
        yield from _stage(city, case)
        yield from _pressing(city, case)


def _forgetting(city: City, case: Case) -> Iterator[Deadline]:
    rules = rules_of(city, case)
    if case.ended_at and not case.forgotten:
        windows = [city.reopen_within, *([rules.recurs_within, rules.quiet_after_refusal] if rules else [])]
        yield _deadline(DeadlineKind.FORGET, case.ended_at + max(windows))


def _stage(city: City, case: Case) -> Iterator[Deadline]:
    stages = city.stages
    limit = {
        State.VERIFYING: stages.verify,
        State.FILED: stages.arbitrate if in_dispute(case) else stages.dispatch,
        State.DISPATCHED: stages.accept,
        State.CHECKING: stages.check,
        State.CHECKED: stages.close,
    }.get(case.state)
    if limit is not None:
        yield _deadline(DeadlineKind.STAGE, case.entered_at + limit)


def _pressing(city: City, case: Case) -> Iterator[Deadline]:
    if case.state not in RUNNING or case.due_at is None or case.clock is None:
        return
    rules = city.escalation
    if not case.overdue:
        remind_at = _on_clock(city, case, rules.remind_at - 1)
        if remind_at is not None:
            yield _deadline(DeadlineKind.REMIND, remind_at)
        yield _deadline(DeadlineKind.OVERDUE, case.due_at)
        return
    level = next_rung(city, case)
    if level is not None and not case.acknowledged:
        at = _on_clock(city, case, rules.every * (climbed(city, case) + 1))
        yield _deadline(DeadlineKind.ESCALATE, at or case.due_at, level)


def _on_clock(city: City, case: Case, share: float) -> datetime | None:
    """So many limits after the deadline on the case's own clock, which rests in a pause.

    Where the calendar lacks the year, the moment that year begins: a boss told too early rather than never. None where nothing is known.
    """
    if case.clock is None or case.due_at is None:
        return None
    work = city.worktime
    try:
        at = limits.moved(work, case.clock, case.due_at, limits.length(work, case.clock) * share)
        for pause in case.pauses:
            if pause.begins >= case.due_at:
                at = limits.resumed(work, case.clock, at, pause)
    except MissingYear as missing:
        return missing.begins if share > 0 else None
    return at


def _deadline(kind: DeadlineKind, at: datetime, level: str | None = None) -> Deadline:
    return Deadline(id=f"{kind}:{epoch_ms(at)}", kind=kind, at=at, level=level)


def suspension_end(until: datetime | None, asked: datetime | None, at: datetime) -> datetime:
    """Until when a suspension lasts: as granted, else as asked for, else the longest."""
    return until or asked or at + LONGEST_SUSPENSION
