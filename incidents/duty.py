"""Who is on duty: unit × level × shift → people, by the city's calendar, and whom a case calls.

Read by `config.load_duty` from duty.toml, duty.csv and duty_people.csv; asked by the hooks (handlers/duty.py) when something is told, and
by `cityloop check` (incidents/duty_gaps.py). Pure: the moment is given. In a year that the calendar lacks every day counts as both
workday and rest day: one told too many rather than nobody.
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from pydantic import Field, StringConstraints

from incidents.catalogue import City, Frozen, Named
from incidents.clocks import rungs
from incidents.rights import Person, units_below
from incidents.vocabulary import Days, Role
from incidents.workcalendar import WorkCalendar

DAY = timedelta(days=1)
LOOK_AHEAD = timedelta(days=31)
"""How far a next duty is looked for: the longest holiday has nine days (Spring Festival of 2026)."""

Span = Annotated[str, StringConstraints(pattern=r"^([01]\d|2[0-3]):[0-5]\d-(([01]\d|2[0-3]):[0-5]\d|24:00)$")]
Post = tuple[str, str]
"""A unit's key and a level: where people are on duty."""


class DutyPerson(Frozen):
    """Somebody who may be called. `channels` are by kind, the first preferred, each with what its address needs.

    `role` and `unit` say as whom they acknowledge; with `account` it is that account, as long as it is not disabled.
    """

    key: Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9._-]{0,62}$")]
    name: str = Field(min_length=1, max_length=200)
    unit: str
    role: Role = Role.LEADER
    account: str | None = None
    channels: dict[str, dict[str, Any]] = Field(default_factory=dict, min_length=1)


class Shift(Frozen):
    """Hours of a day in the city's zone; "18:00-08:00" and "08:00-08:00" end the next morning and belong to the day they begin on.

    Without hours they are those of the calendar, on workdays.
    """

    key: str
    name: Named | None = None
    hours: tuple[Span, ...] = ()
    days: Days | None = None

    def spans(self, calendar: WorkCalendar | None) -> tuple[tuple[time, time], ...]:
        """Begin and end of each stretch; an end that is not later than its begin is of the next day."""
        if self.hours:
            return tuple((_clock(begins), _clock(ends)) for begins, ends in (each.split("-") for each in self.hours))
        return tuple((each.begins, each.ends) for each in calendar.hours) if calendar else ()

    def day_of(self, local: datetime, calendar: WorkCalendar | None) -> date | None:
        """The day whose turn it is at a local time; None outside of the shift."""
        clock = local.time()
        for begins, ends in self.spans(calendar):
            late = ends <= begins
            day = local.date() if begins <= clock and (late or clock < ends) else None
            if day is None and late and clock < ends:
                day = local.date() - DAY
            if day is not None and self.is_on(day, calendar):
                return day
        return None

    def is_on(self, day: date, calendar: WorkCalendar | None) -> bool:
        """Whether the shift is worked on a day."""
        days = self.days if self.hours else Days.WORKDAY
        if days is None or calendar is None or day.year not in calendar.known:
            return True
        return calendar.is_workday(day) is (days is Days.WORKDAY)


class Turn(Frozen):
    """Who takes a shift of a post: all of them, or one after the other when `rotate_days` is given, counted from `begins`.

    `begins` and `ends` are its first and last day.
    """

    unit: str
    level: str
    shift: str
    people: tuple[str, ...]
    begins: date | None = None
    ends: date | None = None
    rotate_days: int | None = Field(default=None, ge=1, le=366)

    def people_on(self, day: date) -> tuple[str, ...]:
        """Keys of those whose day it is."""
        if (self.begins and day < self.begins) or (self.ends and day > self.ends):
            return ()
        if self.rotate_days is None or self.begins is None or not self.people:
            return self.people
        return (self.people[(day - self.begins).days // self.rotate_days % len(self.people)],)


class Cover(Frozen):
    """A post that must have somebody during a shift; always, when none is named."""

    unit: str
    level: str
    shift: str | None = None


class Roster(Frozen):
    """A city's duty. `answers` is the kind of units that answers for a level where the case's own line has no post.

    `days` are single days of (unit, level, shift) that replace what the turns say of them.
    """

    shifts: tuple[Shift, ...] = ()
    people: tuple[DutyPerson, ...] = ()
    turns: tuple[Turn, ...] = ()
    days: dict[tuple[str, str, str, date], tuple[str, ...]] = {}
    covers: tuple[Cover, ...] = ()
    answers: str | None = None

    @cached_property
    def shift_by_key(self) -> dict[str, Shift]:
        """Shift by key."""
        return {shift.key: shift for shift in self.shifts}

    @cached_property
    def person_by_key(self) -> dict[str, DutyPerson]:
        """Person by key."""
        return {person.key: person for person in self.people}

    @cached_property
    def shifts_of(self) -> dict[Post, tuple[str, ...]]:
        """The shifts of every post, in the order of the rows."""
        found: dict[Post, dict[str, None]] = {}
        for unit, level, shift in [*((turn.unit, turn.level, turn.shift) for turn in self.turns), *(key[:3] for key in self.days)]:
            found.setdefault((unit, level), {})[shift] = None
        return {post: tuple(shifts) for post, shifts in found.items()}

    def people_of(self, post: Post, shift: str, day: date) -> tuple[str, ...]:
        """Keys of those who have a shift that begins on this day."""
        single = self.days.get((*post, shift, day))
        if single is not None:
            return single
        turns = self._turns_of.get((*post, shift), ())
        return tuple(dict.fromkeys(key for turn in turns for key in turn.people_on(day)))

    @cached_property
    def _turns_of(self) -> dict[tuple[str, str, str], list[Turn]]:
        found: dict[tuple[str, str, str], list[Turn]] = {}
        for turn in self.turns:
            found.setdefault((turn.unit, turn.level, turn.shift), []).append(turn)
        return found


class DutyCall(Frozen):
    """A `[[receivers.duty]]` of hooks.toml: whom of the roster a receiver means.

    `unit` is a key, or "lead" for the unit that has the case; `level` None is the one that the case was escalated to, else its own. Without
    `waits` a case is told to the next post that has somebody, instead of when duty begins; an emergency never waits. `channels` narrows the
    people's channels to these kinds.
    """

    unit: str = "lead"
    level: str | None = None
    waits: bool = True
    send_resolved: bool = True
    channels: tuple[str, ...] = ()


class Called(Frozen):
    """Whom a case calls: the people of a post, and when: at once, or when somebody is on duty next. `why` is for `explain`."""

    unit: str
    level: str
    people: tuple[DutyPerson, ...]
    at: datetime
    why: str


def person_on_duty(city: City, person: DutyPerson) -> Person:
    """As whom somebody without an account acknowledges: `duty:<key>`, of the level and district of their unit."""
    unit = city.unit_by_key[person.unit]
    below = units_below(unit.key, {each.key: each.parent for each in city.units})
    narrowed = None if person.role in (Role.UNIT, Role.SYSTEM) else unit.subdistrict
    place = {"level": unit.level, "district": unit.district, "subdistrict": narrowed, "unit": unit.key, "below": below}
    return Person.model_validate({"id": f"duty:{person.key}", "name": person.name, "role": person.role, **place})


def on_duty(city: City, roster: Roster, unit: str, level: str, at: datetime) -> tuple[DutyPerson, ...]:
    """The people of a unit who answer for a level at a moment; nobody for a post that the roster does not know."""
    local, found = at.astimezone(ZoneInfo(city.time_zone)), dict[str, DutyPerson]()
    for key in roster.shifts_of.get((unit, level), ()):
        day = roster.shift_by_key[key].day_of(local, city.calendar)
        if day is not None:
            found |= {each: roster.person_by_key[each] for each in roster.people_of((unit, level), key, day)}
    return tuple(found.values())


def next_on_duty(city: City, roster: Roster, unit: str, level: str, at: datetime) -> datetime | None:
    """The first moment after `at` when somebody's shift begins at this post; None when nobody's does within 31 days."""
    zone = ZoneInfo(city.time_zone)
    first = at.astimezone(zone).date()
    for number in range(LOOK_AHEAD.days + 1):
        day, begins = first + number * DAY, set[datetime]()
        for key in roster.shifts_of.get((unit, level), ()):
            shift = roster.shift_by_key[key]
            if shift.is_on(day, city.calendar) and roster.people_of((unit, level), key, day):
                begins |= {datetime.combine(day, clock, zone).astimezone(UTC) for clock, _ in shift.spans(city.calendar)}
        if later := sorted(moment for moment in begins if moment > at):
            return later[0]
    return None


def called(city: City, roster: Roster, asked: Post, district: str | None, at: datetime, *, waits: bool) -> Called | None:
    """Whom a case of a district calls that is at this unit and level, in this order: the unit's post of the level, its parents', that of
    the `answers` kind, and the same of the levels above.

    What `waits` (it is no emergency) waits for the nearest post's next duty; what does not goes on to the next post that has somebody now.
    None when nobody has a duty within 31 days.
    """
    posts = list(dict.fromkeys(_posts(city, roster, *asked, district)))
    for number, (unit, level) in enumerate(posts):
        people = on_duty(city, roster, unit, level, at)
        if people:
            passed = "" if number == 0 else f"; nobody is at {_named(posts[0])}"
            return Called(unit=unit, level=level, people=people, at=at, why=f"on duty at {_named((unit, level))}{passed}")
        if waits and (later := _later(city, roster, (unit, level), at)):
            return later
    return next((later for post in posts if (later := _later(city, roster, post, at))), None)


def _later(city: City, roster: Roster, post: Post, at: datetime) -> Called | None:
    begins = next_on_duty(city, roster, *post, at)
    if begins is None:
        return None
    people, local = on_duty(city, roster, *post, begins), begins.astimezone(ZoneInfo(city.time_zone))
    why = f"nobody is at {_named(post)} now; told when duty begins, {local:%Y-%m-%d %H:%M}"
    return Called(unit=post[0], level=post[1], people=people, at=begins, why=why)


def _posts(city: City, roster: Roster, unit: str, level: str, district: str | None) -> Iterator[Post]:
    climbing = [level, *(each for each in rungs(city, level) if each != level)] if level in city.levels else list(reversed(city.levels))
    for rung in climbing:
        for key in (*_line(city, unit), *_answering(city, roster, district)):
            if (key, rung) in roster.shifts_of:
                yield key, rung


def _line(city: City, unit: str) -> Iterator[str]:
    """A unit and those above it."""
    here = city.unit_by_key.get(unit)
    while here is not None:
        yield here.key
        here = city.unit_by_key.get(here.parent or "")


def _answering(city: City, roster: Roster, district: str | None) -> Iterator[str]:
    if roster.answers is not None:
        offices = (city.offices.get((roster.answers, place)) for place in (district, None))
        yield from (office.key for office in offices if office is not None)


def _named(post: Post) -> str:
    return f"{post[0]} × {post[1]}"


def _clock(text: str) -> time:
    return time() if text == "24:00" else time.fromisoformat(text)
