"""Evaluation sheets in SQLite: one row per case with its flags, and how far each partition of `cases.events` was read.

Rows and positions move in one transaction, so a fact is folded in exactly once, whatever dies; whoever deletes the file has it made anew
from the facts. The columns of `cases` are made for counting: an indicator is one `GROUP BY` over days (docs/evaluation.md). Rows stay for
ever: a city's year is about five million of a kilobyte each.
"""

import sqlite3
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import orjson

from config.settings import Settings
from incidents.catalogue import City
from incidents.errors import TryAgain, UserError
from incidents.evaluation import NO_FACT, Event, Sheet, moment_ms, stage_limits
from incidents.flags import FLAGS
from incidents.indicators import NOBODY, Anchor, Dimension, Line, Tally, line
from incidents.periods import Days, Period
from incidents.rights import EVERYTHING, Scope
from incidents.vocabulary import FactType

BUSY_S = 10.0
PENDING = ("due", "stage", "stock")
_COLUMNS = (
    *("case_id", "reported_day", "due_day", "flags"),
    *(f"{name}_{part}" for name in PENDING for part in ("ms", "change")),
    *Line._fields[4:],
)
_TABLES = f"""
CREATE TABLE IF NOT EXISTS about (version TEXT NOT NULL, topic_id TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS positions (partition INTEGER PRIMARY KEY, next INTEGER NOT NULL, told_ms INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS cases ({", ".join(_COLUMNS).replace("case_id", "case_id TEXT PRIMARY KEY", 1)});
CREATE TABLE IF NOT EXISTS sheets (case_id TEXT PRIMARY KEY, sheet TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS cases_reported ON cases (reported_day);
CREATE INDEX IF NOT EXISTS cases_due ON cases (due_day);
"""
_UPSERT = f"""
INSERT INTO cases ({", ".join(_COLUMNS)}) VALUES ({", ".join("?" * len(_COLUMNS))})
ON CONFLICT (case_id) DO UPDATE SET {", ".join(f"{name} = excluded.{name}" for name in _COLUMNS[1:])}
"""
_SHEET = "INSERT INTO sheets VALUES (?, ?) ON CONFLICT (case_id) DO UPDATE SET sheet = excluded.sheet"
_READ = """
INSERT INTO positions VALUES (?, ?, ?)
ON CONFLICT (partition) DO UPDATE SET next = max(next, excluded.next), told_ms = max(told_ms, excluded.told_ms)
"""
_FLAGS = " + ".join(["flags", *(f"CASE WHEN {name}_ms < :at THEN {name}_change ELSE 0 END" for name in PENDING)])


def evaluation_file(settings: Settings) -> Path:
    """Where the sheets of these settings' city stand: beside the worker that folds them, whatever database the stack has."""
    return settings.local_dir / "evaluation" / f"{settings.named(settings.city)}.sqlite"


@dataclass(frozen=True)
class Counting:
    """What folding needs of a city; `version` changes with everything that would make kept sheets wrong."""

    limits: dict[str, int]
    time_zone: str

    @classmethod
    def of(cls, city: City) -> "Counting":
        """The city's own."""
        return cls(stage_limits(city.stages), city.time_zone)

    @property
    def version(self) -> str:
        """Told apart by the flags, the sheet's fields, the stage limits and the zone."""
        made_of = [flag.key for flag in FLAGS], list(FactType), [field.name for field in fields(Sheet)], self.limits, self.time_zone
        return orjson.dumps(made_of, option=orjson.OPT_SORT_KEYS).decode()


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of records: facts that were new, and records that are no facts."""

    new: int
    unreadable: int


class Sheets:
    """The kept sheets. One thread at a time; two processes may share the file, each fact is folded in by the first."""

    def __init__(self, path: Path, counting: Counting) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._counting = counting
        self._days = Days(counting.time_zone)
        self._db = sqlite3.connect(path, timeout=BUSY_S, isolation_level=None, check_same_thread=False)
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = NORMAL")  # what a power cut takes is read again, with its positions
        self._db.executescript(_TABLES)

    def close(self) -> None:
        """Let go of the file."""
        self._db.close()

    def positions(self, topic_id: str) -> dict[int, int]:
        """The next offset by partition; empties everything when the topic, or the way of counting, is another one."""
        about = (self._counting.version, topic_id)
        with _Transaction(self._db):
            if self._db.execute("SELECT version, topic_id FROM about").fetchone() != about:
                for table in ("about", "positions", "cases", "sheets"):
                    self._db.execute(f"DELETE FROM {table}")
                self._db.execute("INSERT INTO about VALUES (?, ?)", about)
            return self.read_to()

    def take(self, values: Sequence[bytes | None], read_to: Mapping[int, int]) -> Taken:
        """Fold in the values of records, in order, and note how far was read. Raises TryAgain while the file is locked.

        What is no fact is passed over and counted: the projection puts it on the dead letters.
        """
        parsed = [_parsed(value) for value in values]
        events = [event for event in parsed if event is not None]
        new, told_ms, unreadable = 0, 0, len(parsed) - len(events)
        with _Transaction(self._db):
            sheets = self._load({case_id for case_id, _ in events})
            for case_id, event in events:
                try:
                    new += sheets[case_id].take(event, self._counting.limits)
                    told_ms = max(told_ms, moment_ms(event["data"]["at"]))
                except NO_FACT:
                    unreadable += 1
            known = [sheet for sheet in sheets.values() if sheet.sequence]
            self._db.executemany(_SHEET, ((each.case_id, orjson.dumps(each)) for each in known))
            self._db.executemany(_UPSERT, map(self._row, known))
            self._db.executemany(_READ, ((partition, offset, told_ms) for partition, offset in read_to.items()))
        return Taken(new, unreadable)

    def _load(self, case_ids: set[str]) -> dict[str, Sheet]:
        sheets = {case_id: Sheet(case_id) for case_id in case_ids}
        for case_id in case_ids:
            found = self._db.execute("SELECT sheet FROM sheets WHERE case_id = ?", (case_id,)).fetchone()
            if found:
                sheets[case_id] = Sheet(**orjson.loads(found[0]))
        return sheets

    def _row(self, sheet: Sheet) -> tuple[Any, ...]:
        case = line(sheet, self._counting.limits, self._days)
        flags, *later = case.standing
        pending = (value for each in later for value in each)
        return (case.case_id, case.reported_day, case.due_day, flags, *pending, *case[4:])

    def tally(self, period: Period, at_ms: int, dimensions: Sequence[Dimension] = tuple(Dimension), scope: Scope = EVERYTHING) -> Tally:
        """Count the cases of a scope as `indicators.tally` does, as the sheets stand; `at_ms` is not before their last fact.

        A unit's people count what it leads or answers for: the sheets do not know who assists.
        """
        return {
            (anchor, dimension): self._count(period, at_ms, (anchor, dimension), scope) for anchor in Anchor for dimension in dimensions
        }

    def _count(self, period: Period, at_ms: int, by: tuple[Anchor, Dimension], scope: Scope) -> dict[str, Counter[int]]:
        anchor, dimension = by
        day = "due_day" if anchor is Anchor.DUE else "reported_day"
        within, values = _within(scope)
        wanted = within if anchor is Anchor.STOCK else f"{day} BETWEEN :first AND :last AND {within}"
        query = f"SELECT {_value(anchor, dimension)}, {_FLAGS}, COUNT(*) FROM cases WHERE {wanted} GROUP BY 1, 2"
        counts: dict[str, Counter[int]] = {}
        for value, flags, count in self._db.execute(query, {"at": at_ms, "first": period.first, "last": period.last, **values}):
            counts.setdefault(NOBODY if value is None else str(value), Counter())[flags] += count
        return counts

    def sheets(self) -> Iterator[tuple[Sheet, Line]]:
        """Every case, by id."""
        for (text,) in self._db.execute("SELECT sheet FROM sheets ORDER BY case_id"):
            sheet = Sheet(**orjson.loads(text))
            yield sheet, line(sheet, self._counting.limits, self._days)

    def is_current(self) -> bool:
        """Whether they were made with the present flags and limits; if not, the worker makes them anew when it starts."""
        found = self._db.execute("SELECT version FROM about").fetchone()
        return found is not None and found[0] == self._counting.version

    def read_to(self) -> dict[int, int]:
        """How far each partition was folded in: the next offset."""
        return dict(self._db.execute("SELECT partition, next FROM positions"))

    def told_ms(self) -> int:
        """The moment of the newest fact: what the figures are as of. 0 when there is none."""
        return int(self._db.execute("SELECT max(told_ms) FROM positions").fetchone()[0] or 0)


def _parsed(value: bytes | None) -> tuple[str, Event] | None:
    try:
        event = orjson.loads(value or b"")
        return str(event["data"]["case_id"]), event
    except NO_FACT:
        return None


def _value(anchor: Anchor, dimension: Dimension) -> str:
    """The column of a dimension (`indicators.value_of` in SQL)."""
    if dimension is Dimension.CITY:
        return "'all'"
    if dimension is Dimension.DAY:
        return "due_day" if anchor is Anchor.DUE else "reported_day"
    return "answerable" if dimension is Dimension.UNIT and anchor is Anchor.DUE else dimension.value


def _within(scope: Scope) -> tuple[str, dict[str, str]]:
    """The rows of a scope: a condition and its values."""
    wanted = ["1"]
    values: dict[str, str] = {}
    narrowed = (
        ("d", ("district",), scope.districts),
        ("s", ("subdistrict",), scope.subdistricts),
        ("u", ("unit", "answerable"), scope.units or None),
    )
    for name, columns, found in narrowed:
        if found is not None:
            values |= {f"{name}{at}": value for at, value in enumerate(found)}
            names = ", ".join(f":{name}{at}" for at in range(len(found)))
            wanted.append("(" + " OR ".join(f"{column} IN ({names})" for column in columns) + ")")
    return " AND ".join(wanted), values


class _Transaction:
    """All or nothing, alone from the beginning; a locked file is TryAgain."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def __enter__(self) -> None:
        try:
            self._db.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError as error:
            raise TryAgain(f"SQLite: {error}") from error

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        self._db.execute("COMMIT" if kind is None else "ROLLBACK")


@contextmanager
def read_only(settings: Settings, city: City) -> Iterator[Sheets]:
    """The sheets as they stand, for a person's question. Raises UserError when no worker has made them, or with other rules."""
    path = evaluation_file(settings)
    if not path.is_file():
        raise UserError(f"no evaluation at {path}; `cityloop worker` keeps it, `--as-of` counts from the facts instead")
    sheets = Sheets(path, Counting.of(city))
    try:
        if not sheets.is_current():
            raise UserError(
                f"{path} was made with other flags or stage limits; start `cityloop worker` to have it made anew, or use `--as-of`"
            )
        yield sheets
    finally:
        sheets.close()
