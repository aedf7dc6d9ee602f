"""How a foreign record (a row of a file, an object of another system) becomes a report: a mapping, as a value, applied without I/O.

Stands before the topic: `replay` and the console's `POST /sources/{mapping}` use it; `config.mappings` reads it from TOML. A mapping
judges nothing. What it cannot translate stays as it was given, so that intake rejects the report visibly, with its own reason; only a
record without an id, or one that a `skip` rule names, gives no report at all.
"""

import re
from collections.abc import Mapping as AnyMapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal, Self
from urllib.parse import quote
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field, field_validator, model_validator

from incidents.catalogue import Frozen
from incidents.events import REPORT_TYPE, epoch_ms

Record = AnyMapping[str, Any]
"""A foreign record: columns of a row, or a JSON object; a column `a.b` also names the member `b` of the object `a`."""

NUMBERS = frozenset({"location.lon", "location.lat", "location.accuracy_m", "confidence"})
_TEMPLATE = re.compile(r"{([^{}]+)}")
_NOT_SLUG = re.compile("[^a-z0-9]+")


def slug(text: str) -> str:
    """Lower case, everything else an underscore: the way keys are made from foreign names.

    >>> slug("Heat - Excessive  Insufficient")
    'heat_excessive_insufficient'
    """
    return _NOT_SLUG.sub("_", text.lower()).strip("_")


class TimeRule(Frozen):
    """Where the time stands and how it is written.

    `format` is `iso` (a time without offset lies in `zone`), `epoch_s`, `epoch_ms`, or a pattern of strptime. A local time that a change
    of clocks skips is read with the offset before the change (02:30 becomes 03:30 summer time); of a local time that comes twice `fold`
    says whether the first or the second is meant.
    """

    column: str
    format: str = "iso"
    zone: str = "UTC"
    fold: Literal["first", "second"] = "first"

    @field_validator("zone")
    @classmethod
    def _zone_exists(cls, zone: str) -> str:
        try:
            ZoneInfo(zone)
        except (ZoneInfoNotFoundError, ValueError):
            raise ValueError(f"unknown time zone {zone!r}; use a name such as Asia/Shanghai") from None
        return zone

    def read(self, value: Any) -> datetime:
        """The aware time, in `zone`. Raises ValueError when the value is not written as the rule says."""
        zone = ZoneInfo(self.zone)
        if self.format in ("epoch_s", "epoch_ms"):
            seconds = float(value) / (1000 if self.format == "epoch_ms" else 1)
            try:
                return datetime.fromtimestamp(seconds, zone)
            except (OverflowError, OSError):
                raise ValueError(f"no time: {value!r}") from None
        local = datetime.fromisoformat(value) if self.format == "iso" else datetime.strptime(value, self.format)  # noqa: DTZ007
        if local.tzinfo is not None:
            return local
        local = local.replace(tzinfo=zone, fold=1 if self.fold == "second" and not _skipped(local, zone) else 0)
        return local.astimezone(UTC).astimezone(zone)


def _skipped(local: datetime, zone: ZoneInfo) -> bool:
    back = local.replace(tzinfo=zone).astimezone(UTC).astimezone(zone)
    return back.replace(tzinfo=None) != local


class Skip(Frozen):
    """Leaves out the records whose column holds one of `values` (an empty text means: nothing there)."""

    column: str
    values: tuple[str, ...]


class Published(Frozen):
    """Columns in which a record says what became of its deadline: times written as the record's own, `on_time` as one of two words.

    Read by `cityloop rehearse`, which compares; a report never carries it.
    """

    target: str
    closed: str | None = None
    on_time: str | None = None
    kept: str = "ONTIME"
    missed: str = "OVERDUE"


class Mapping(Frozen):
    """One foreign layout. Fields of the report are named by their path in `data` (`category`, `location.lon`, `reporter.phone`)."""

    about: str
    id: str = Field(description="column of the id")
    source: str = Field(description="template of the event's source; `{column}` is that column's value as a slug")
    time: TimeRule
    fields: dict[str, str] = Field(description="field of the report = column")
    constants: dict[str, Any] = Field(default_factory=dict, description="field = the same value for every record")
    values: dict[str, dict[str, str]] = Field(default_factory=dict, description="field = table from the foreign value to ours")
    defaults: dict[str, str] = Field(default_factory=dict, description="field = what a value becomes that its table does not name")
    slugs: tuple[str, ...] = Field((), description="fields whose value, when no table names it, becomes a slug")
    attributes: dict[str, str] = Field(default_factory=dict, description="attribute = column, carried along unread")
    skip: tuple[Skip, ...] = ()
    published: Published | None = None

    @model_validator(mode="after")
    def _says_what_every_report_needs(self) -> Self:
        named = {*self.fields, *self.constants}
        missing = [path for path in ("category", "channel") if path not in named]
        if missing:
            raise ValueError(f"neither [fields] nor [constants] says {' and '.join(missing)}, which every report must have")
        wrong = [path for path in named if path.count(".") > 1]
        if wrong:
            raise ValueError(f"a field has at most one dot: {', '.join(wrong)}")
        return self

    @property
    def columns(self) -> tuple[str, ...]:
        """Every column that the mapping reads, once, in the order of the file."""
        named = [self.id, *_TEMPLATE.findall(self.source), self.time.column, *self.fields.values(), *self.attributes.values()]
        return tuple(dict.fromkeys([*named, *(rule.column for rule in self.skip)]))


@dataclass(frozen=True, slots=True)
class Translated:
    """What became of a record: `event` None when it gives no report; `problems` as (column, message)."""

    event: dict[str, Any] | None
    due_ms: int | None = None
    problems: tuple[tuple[str, str], ...] = ()


class Translator:
    """Applies a mapping; made once, called for every record."""

    def __init__(self, mapping: Mapping, city_code: str, origin: str) -> None:
        self._mapping = mapping
        self._city = city_code
        self._origin = origin

    def translate(self, record: Record) -> Translated:
        """The report of a record. Never raises for what stands in it: what cannot be read is kept as given, with a problem."""
        mapping = self._mapping
        if any(_text(column(record, rule.column)) in rule.values for rule in mapping.skip):
            return Translated(None)
        report_id = _text(column(record, mapping.id))
        if not report_id:
            return Translated(None, None, ((mapping.id, "no id: the record cannot be reported"),))
        problems: list[tuple[str, str]] = []
        time, due_ms = self._time(record, problems)
        event = {
            "specversion": "1.0",
            "id": report_id,
            "source": _TEMPLATE.sub(lambda found: _part(column(record, found[1])), mapping.source),
            "type": REPORT_TYPE,
            **time,
            "datacontenttype": "application/json",
            "city": self._city,
            "origin": self._origin,
            "data": self._data(record, problems),
        }
        return Translated(event, due_ms, tuple(problems))

    def _time(self, record: Record, problems: list[tuple[str, str]]) -> tuple[dict[str, Any], int | None]:
        rule = self._mapping.time
        value = column(record, rule.column)
        if value is None or value == "":
            problems.append((rule.column, "no time"))
            return {}, None
        try:
            at = rule.read(value)
        except (ValueError, TypeError):
            problems.append((rule.column, f"time {value!r} is not written as {rule.format!r}"))
            return {"time": value}, None
        return {"time": at.isoformat()}, epoch_ms(at)

    def _data(self, record: Record, problems: list[tuple[str, str]]) -> dict[str, Any]:
        mapping = self._mapping
        flat: dict[str, Any] = {}
        for path, name in mapping.fields.items():
            value = column(record, name)
            if isinstance(value, str):
                value = value.strip()
            if value is not None and value != "":
                flat[path] = self._value(path, name, value, problems)
        placed = "location.lon" in flat or "location.lat" in flat
        for path, value in mapping.constants.items():
            if placed or not path.startswith("location."):
                flat.setdefault(path, value)
        carried = {key: value for key, name in mapping.attributes.items() if (value := column(record, name)) not in (None, "")}
        return nested(flat) | ({"attributes": carried} if carried else {})

    def _value(self, path: str, name: str, value: Any, problems: list[tuple[str, str]]) -> Any:
        mapping = self._mapping
        if path in NUMBERS:
            try:
                return float(value)
            except (ValueError, TypeError):
                problems.append((name, f"{path} {value!r} is not a number"))
                return value
        table = mapping.values.get(path)
        if table and str(value) in table:
            return table[str(value)]
        if path in mapping.slugs:
            return slug(str(value))
        if path in mapping.defaults:
            return mapping.defaults[path]
        if table:
            problems.append((name, f"{path} {value!r} is not in the table of the mapping"))
        return value


def column(record: Record, name: str) -> Any:
    """The value of a column; None when there is none. `a.b` falls back on the member `b` of the object `a`."""
    if name in record:
        return record[name]
    head, dot, rest = name.partition(".")
    inner = record.get(head) if dot else None
    return column(inner, rest) if isinstance(inner, AnyMapping) else None


def nested(flat: dict[str, Any]) -> dict[str, Any]:
    """Paths of one dot as objects.

    >>> nested({"category": "pothole", "location.lon": 1.0, "location.lat": 2.0})
    {'category': 'pothole', 'location': {'lon': 1.0, 'lat': 2.0}}
    """
    deep: dict[str, Any] = {}
    for path, value in flat.items():
        head, dot, rest = path.partition(".")
        if dot:
            deep.setdefault(head, {})[rest] = value
        else:
            deep[head] = value
    return deep


def _text(value: Any) -> str:
    return "" if value is None else str(value).strip()


def _part(value: Any) -> str:
    text = _text(value)
    return slug(text) or quote(text, safe="") or "unknown"
