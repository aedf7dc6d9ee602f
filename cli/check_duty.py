"""What `cityloop check` says of a city's duty: mistakes of its files and of people's addresses, and the hours that nobody has."""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from itertools import groupby
from pathlib import Path
from zoneinfo import ZoneInfo

from pydantic import ValidationError

from config.documents import Problem, shown, unknown
from config.load_duty import FILE, read_duty
from config.read_receivers import target_row
from handlers.channel import channels
from incidents.catalogue import City
from incidents.duty import DutyPerson, Roster
from incidents.duty_gaps import Gap, gaps

DAYS = 28
"""A duty list is drawn up by the month."""


def duty_of(folder: Path, city: City) -> tuple[Roster, list[Problem]]:
    """The roster and everything that is wrong with it."""
    roster, problems = read_duty(folder, city)
    wrong = [Problem(shown(folder / FILE), None, message) for person in roster.people for message in _addresses(person)]
    return roster, [*problems, *wrong]


def duty_gaps(city: City, roster: Roster, first: date) -> tuple[str, ...]:
    """A warning for every post that must have somebody and has not, from this day on."""
    found = groupby(gaps(city, roster, first, DAYS), key=lambda gap: (gap.unit, gap.level))
    return tuple(_told(city, list(each)) for _, each in found)


def _told(city: City, found: list[Gap]) -> str:
    first, more = found[0], len(found) - 1
    begins, ends = (_local(city, moment) for moment in (first.begins, first.ends))
    hours = sum((gap.ends - gap.begins for gap in found), timedelta()) / timedelta(hours=1)
    others = f" and {more} more" if more else ""
    return f"nobody is on duty at {first.unit} × {first.level} from {begins} to {ends}{others}: {hours:g} h in {DAYS} days (docs/duty.md)"


def _local(city: City, at: datetime) -> str:
    return f"{at.astimezone(ZoneInfo(city.time_zone)):%Y-%m-%d %H:%M}"


def _addresses(person: DutyPerson) -> Iterator[str]:
    kinds = channels()
    for kind, section in person.channels.items():
        if kind not in kinds:
            yield f"person {person.key!r}: {unknown(kind, list(kinds), 'kind of channel')}"
            continue
        row = target_row(person.key, kind, section, kinds[kind].settings)
        try:
            kinds[kind].settings.model_validate(row.raw)
        except ValidationError as error:
            for each in error.errors():
                where = ".".join(map(str, each["loc"]))
                if where not in row.setting_files:  # what stands in a file is read when it is needed
                    yield f"person {person.key!r}: {kind}.{where}: {each['msg'][0].lower()}{each['msg'][1:]}"
