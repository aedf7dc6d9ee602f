"""A city's duty.toml, duty.csv and duty_people.csv into a `Roster`, checked: every mistake with its line.

All three may be missing: then nobody is on duty. They are no rules (who is told decides nothing about a case) and hold telephone numbers:
neither the rules' hash nor `city.config` has them. People and turns may stand in duty.toml or come out of another system as CSV.
"""

import csv
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

from config.documents import Document, Problem, Problems, Row, shown, unknown
from config.load import city_folder
from config.settings import Settings
from incidents.catalogue import City
from incidents.duty import Cover, DutyPerson, Roster, Shift, Turn
from incidents.errors import ConfigError
from incidents.rights import BLIND

FILES = FILE, TURNS, PEOPLE = "duty.toml", "duty.csv", "duty_people.csv"
PERSON = frozenset(DutyPerson.model_fields) - {"channels"}
TURN_COLUMNS = ("unit", "level", "shift", "people")
Tell = Callable[..., None]
"""Notes a mistake; further words name the key."""


def load_duty(settings: Settings, city: City) -> Roster:
    """The roster of the settings' city. Raises ConfigError with every mistake."""
    roster, problems = read_duty(city_folder(settings), city)
    if problems:
        first, *rest = problems
        raise ConfigError(first.path, first.line, "\n".join([first.message, *map(str, rest)]))
    return roster


def read_duty(folder: Path, city: City) -> tuple[Roster, list[Problem]]:
    """The roster, empty where the folder has none, and its mistakes; wrong rows are left out."""
    problems = Problems()
    reading = _Reading(city, problems)
    if (folder / FILE).is_file():
        reading.document(problems.read(folder / FILE))
    if (folder / PEOPLE).is_file():
        reading.people_file(folder / PEOPLE)
    if (folder / TURNS).is_file():
        reading.turns_file(folder / TURNS)
    reading.check_people()
    return reading.roster(), problems


class _Reading:
    """What has been read so far. Turns are kept with their place and looked at last: whom they name may stand in another file."""

    def __init__(self, city: City, problems: Problems) -> None:
        self._city, self._problems = city, problems
        self._same: dict[str, Row] = {}
        self._answers: str | None = None
        self._shifts: dict[str, Shift] = {}
        self._people: dict[str, DutyPerson] = {}
        self._turns: list[Turn] = []
        self._days: dict[tuple[str, str, str, date], tuple[str, ...]] = {}
        self._covers: list[Cover] = []
        self._named: list[tuple[str, Tell]] = []
        self._kinds = list(dict.fromkeys(unit.kind for unit in city.units))

    def roster(self) -> Roster:
        """All of it."""
        return Roster(
            shifts=tuple(self._shifts.values()),
            people=tuple(self._people.values()),
            turns=tuple(self._turns),
            days=self._days,
            covers=tuple(self._covers),
            answers=self._answers,
        )

    def document(self, document: Document) -> None:
        """duty.toml."""
        document.only("answers", "channels", "shift", "person", "turn", "cover")
        self._same = {kind: row for kind, row in document.section("channels").items() if isinstance(row, dict)}
        self._answers = document.table.get("answers")
        if self._answers is not None and self._answers not in self._kinds:
            document.problem(unknown(str(self._answers), self._kinds, "unit kind"), "answers")
            self._answers = None
        for number, row in enumerate(document.rows("shift")):
            self._shift(row, document, number)
        for number, row in enumerate(document.rows("person")):
            self._person(row, document, number)
        for number, row in enumerate(document.rows("turn")):
            self._turn(row, document, number)
        for number, row in enumerate(document.rows("cover")):
            self._cover(row, document, number)

    def _shift(self, row: Row, document: Document, number: int) -> None:
        hours = row.get("hours", [])
        shift = document.model(Shift, {**row, "hours": [hours] if isinstance(hours, str) else hours}, "shift", number)
        if shift is None:
            return
        if shift.key in self._shifts:
            document.problem(f"shift {shift.key!r} stands twice", "shift", number, "key")
        if self._city.calendar is None and (shift.days or not shift.hours):
            document.problem(f"shift {shift.key!r} asks for workdays, and the city has no calendar", "shift", number)
        self._shifts[shift.key] = shift

    def _person(self, row: Row, document: Document, number: int) -> None:
        person = document.model(DutyPerson, self._whole(row), "person", number)
        if person is not None:
            self._add(person, _at(document, "person", number))

    def _whole(self, row: Row) -> Row:
        """The row with its channels: what names no field of a person is a kind of channel; a mere text is its address, `to`."""
        channels: dict[str, Any] = {}
        for kind in (key for key in row if key not in PERSON):
            given = row[kind] if isinstance(row[kind], dict) else {"to": row[kind]}
            channels[kind] = {**self._same.get(kind, {}), **given}
        return {key: value for key, value in row.items() if key in PERSON} | {"channels": channels}

    def _add(self, person: DutyPerson, tell: Tell) -> None:
        if person.key in self._people:
            tell(f"person {person.key!r} stands twice", "key")
        if person.unit not in self._city.unit_by_key:
            tell(unknown(person.unit, list(self._city.unit_by_key), "unit"), "unit")
        elif person.role in BLIND:
            tell(f"role {person.role} sees no case, so it is not called to any", "role")
        else:
            self._people[person.key] = person

    def _turn(self, row: Row, document: Document, number: int) -> None:
        turn = document.model(Turn, row, "turn", number)
        if turn is not None:
            tell = _at(document, "turn", number)
            if turn.rotate_days is not None and turn.begins is None:
                tell("rotate_days needs begins: the day on which the first of them begins", "rotate_days")
            if self._stands(turn.unit, turn.level, turn.shift, tell):
                self._named += [(key, tell) for key in turn.people]
                self._turns += [turn.model_copy(update={"unit": unit}) for unit in self._offices(turn.unit, turn.level)]

    def _cover(self, row: Row, document: Document, number: int) -> None:
        cover = document.model(Cover, row, "cover", number)
        if cover is not None and self._stands(cover.unit, cover.level, cover.shift, _at(document, "cover", number)):
            self._covers += [cover.model_copy(update={"unit": unit}) for unit in self._offices(cover.unit, cover.level)]

    def _stands(self, unit: str, level: str, shift: str | None, tell: Tell) -> bool:
        """Whether a post and a shift exist, else what is wrong is told."""
        wrong = [
            ("unit", self._unit_wrong(unit, level)),
            ("level", None if level in self._city.levels else unknown(level, list(self._city.levels), "level")),
            ("shift", None if shift is None or shift in self._shifts else unknown(shift, list(self._shifts), "shift")),
        ]
        for key, message in wrong:
            if message is not None:
                tell(message, key)
        return not any(message for _, message in wrong)

    def _unit_wrong(self, unit: str, level: str) -> str | None:
        if unit not in self._city.unit_by_key and unit not in self._kinds:
            return unknown(unit, [*self._city.unit_by_key, *self._kinds], "unit or kind")
        if level not in self._city.levels or self._offices(unit, level):
            return None
        return f"no {unit} is of level {level}; name a unit by its key, or another level"

    def _offices(self, unit: str, level: str) -> list[str]:
        """A unit by its key, or every one of a kind that is of the level."""
        return [each.key for each in self._city.units if each.key == unit or (each.kind == unit and each.level == level)]

    def check_people(self) -> None:
        """Whoever a turn names must be there; leave out who is not."""
        known = list(self._people)
        for key, tell in self._named:
            if key not in self._people:
                tell(unknown(key, known, "person"), "people")
        self._turns = [turn.model_copy(update={"people": self._known(turn.people)}) for turn in self._turns]
        self._days = {day: self._known(people) for day, people in self._days.items()}

    def _known(self, people: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(key for key in people if key in self._people)

    def people_file(self, path: Path) -> None:
        """duty_people.csv: `key,name,unit`, perhaps `role,account`, and one column per kind of channel, in the order of preference."""
        for row, line in self._rows(path, ("key", "name", "unit")):
            document = Document(shown(path), "", {}, Problems())
            person = document.model(DutyPerson, self._whole({key: value for key, value in row.items() if value}))
            self._problems += [Problem(shown(path), line, each.message) for each in document.problems]
            if person is not None:
                self._add(person, self._in(path, line))

    def turns_file(self, path: Path) -> None:
        """duty.csv: `unit,level,shift,people` (keys with spaces between), and perhaps `date`, which says that day anew."""
        for row, line in self._rows(path, TURN_COLUMNS):
            tell = self._in(path, line)
            if not self._stands(row["unit"], row["level"], row["shift"], tell):
                continue
            people = tuple(row["people"].split())
            self._named += [(key, tell) for key in people]
            posts = [(unit, row["level"], row["shift"]) for unit in self._offices(row["unit"], row["level"])]
            if day := row.get("date"):
                self._single_day(posts, day, people, tell)
            else:
                self._turns += [Turn(unit=unit, level=level, shift=shift, people=people) for unit, level, shift in posts]

    def _single_day(self, posts: list[tuple[str, str, str]], text: str, people: tuple[str, ...], tell: Tell) -> None:
        try:
            day = date.fromisoformat(text)
        except ValueError:
            tell(f"date = {text!r}: write it like 2026-11-21")
            return
        for post in posts:
            self._days[*post, day] = (*self._days.get((*post, day), ()), *people)

    def _rows(self, path: Path, needed: tuple[str, ...]) -> Iterator[tuple[dict[str, str], int]]:
        try:
            rows = csv.DictReader(path.read_text("utf-8-sig").splitlines(), restkey="")
        except UnicodeDecodeError as error:
            self._problems.append(Problem(shown(path), None, f"is not UTF-8: {error}"))
            return
        if missing := [name for name in needed if name not in (rows.fieldnames or ())]:
            self._problems.append(Problem(shown(path), 1, f"column {' and '.join(missing)} is missing; needed: {', '.join(needed)}"))
            return
        for row in rows:
            if "" in row:
                self._problems.append(Problem(shown(path), rows.line_num, "has more cells than the first line has names"))
            yield {key: (value or "").strip() for key, value in row.items() if key}, rows.line_num

    def _in(self, path: Path, line: int) -> Tell:
        return lambda message, *_: self._problems.append(Problem(shown(path), line, message))


def _at(document: Document, table: str, number: int) -> Tell:
    return lambda message, *key: document.problem(message, table, number, *key)
