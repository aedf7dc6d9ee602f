"""When a case must have moved: due times, and the list of deadlines that a case carries.

The list is a pure function of the case, so closure says it anew with every fact and the clock stage only fires what stands on it.
What has fired is seen in the case (overdue, escalated_to) or in its not standing on the list any more (reminders). Limits run around the
clock for now, a day being 24 hours; `due` is the one place that the calendar of the four clocks (DOMAIN.md) will replace.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta

from incidents.case import ENDED, Case, CommandType, Deadline, DeadlineKind, State
from incidents.catalogue import Category, City, ClockKind, Condition
from incidents.events import epoch_ms
from incidents.holders import in_dispute

HOURS = frozenset({ClockKind.URGENT_HOUR, ClockKind.WORK_HOUR})
RUNNING = frozenset({State.FILED, State.DISPATCHED, State.HANDLING})  # the limit is that of handling: who checks has a stage limit
FADING = frozenset({DeadlineKind.STAGE, DeadlineKind.REMIND})  # once past they are armed no more; all others speak however late

LONGEST_SUSPENSION = timedelta(days=365)
FIRES = {
    DeadlineKind.STAGE: CommandType.REMIND,
    DeadlineKind.REMIND: CommandType.REMIND,
    DeadlineKind.OVERDUE: CommandType.OVERDUE,
    DeadlineKind.ESCALATE: CommandType.ESCALATE,
    DeadlineKind.RESUME: CommandType.RESUME,
    DeadlineKind.EXPIRE: CommandType.EXPIRE,
    DeadlineKind.FORGET: CommandType.FORGET,
}


def duration(clock: ClockKind, limit: float) -> timedelta:
    """The limit as a plain duration: hours, or days of 24 hours."""
    return timedelta(hours=limit) if clock in HOURS else timedelta(days=limit)


def due(at: datetime, clock: ClockKind, limit: float, city: City) -> datetime:
    """When a limit that begins at `at` ends, on the city's clock; UTC."""
    return at + duration(clock, limit)


def limit_ms(condition: Condition) -> int:
    """The snapshot of a condition's limit that a case keeps, in milliseconds."""
    return int(duration(condition.clock, condition.limit) / timedelta(milliseconds=1))


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
    if case.state not in RUNNING or case.due_at is None or case.limit_ms is None:
        return
    limit, rules = timedelta(milliseconds=case.limit_ms), city.escalation
    if not case.overdue:
        yield _deadline(DeadlineKind.REMIND, case.due_at - limit * (1 - rules.remind_at))
        yield _deadline(DeadlineKind.OVERDUE, case.due_at)
        return
    level = next_rung(city, case)
    if level is not None and not case.acknowledged:
        yield _deadline(DeadlineKind.ESCALATE, case.due_at + limit * rules.every * (climbed(city, case) + 1), level)


def _deadline(kind: DeadlineKind, at: datetime, level: str | None = None) -> Deadline:
    return Deadline(id=f"{kind}:{epoch_ms(at)}", kind=kind, at=at, level=level)


def suspension_end(until: datetime | None, asked: datetime | None, at: datetime) -> datetime:
    """Until when a suspension lasts: as granted, else as asked for, else the longest."""
    return until or asked or at + LONGEST_SUSPENSION
