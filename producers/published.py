"""Requests of a file with what the file itself says became of them: the yardstick that a city's rules are held against.

For `cityloop rehearse --deadlines` and the fitting tool (`benchmarks/fit_limits.py`): the mapping's `[published]` names the columns.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import orjson

from incidents.errors import UserError
from incidents.mapping import Mapping, Published, Record, Translator, column
from producers.tables import InputFile


@dataclass(frozen=True, slots=True)
class Request:
    """One request with a published target; `kept` is the file's word on it, None where it has none. Times are UTC."""

    label: str
    category: str
    condition: str | None
    opened: datetime
    target: datetime
    closed: datetime | None
    kept: bool | None


def requests(file: Path, mapping: Mapping, city_code: str) -> Iterator[Request]:
    """Every request of the file that has a target and a time that can be read. Raises UserError for a mapping without `[published]`."""
    published = mapping.published
    if published is None:
        raise UserError("the mapping says nothing of published targets: give it a table [published] (docs/producers.md)")
    translator = Translator(mapping, city_code, "")
    for record in _records(InputFile(file), (*mapping.columns, published.target)):
        event = translator.translate(record).event
        target = moment_of(mapping, record, published.target)
        if event is None or target is None or (opened := moment_of(mapping, record, mapping.time.column)) is None:
            continue
        yield Request(
            label=str(column(record, mapping.fields["category"])).strip(),
            category=event["data"].get("category", ""),
            condition=event["data"].get("condition"),
            opened=opened,
            target=target,
            closed=moment_of(mapping, record, published.closed),
            kept=_kept(published, record),
        )


def _records(file: InputFile, needed: tuple[str, ...]) -> Iterator[Record]:
    if file.is_jsonl:
        yield from (found for _, line in file.lines() if isinstance(found := orjson.loads(line), dict))
    else:
        yield from (row for _, row in file.rows(needed))


def moment_of(mapping: Mapping, record: Record, name: str | None) -> datetime | None:
    """A column's time, UTC; None where there is no such column, or nothing that can be read in it."""
    value = column(record, name) if name else None
    try:
        return mapping.time.read(value).astimezone(UTC) if value not in (None, "") else None
    except (ValueError, TypeError):
        return None


def _kept(published: Published, record: Record) -> bool | None:
    word = column(record, published.on_time) if published.on_time else None
    return {published.kept: True, published.missed: False}.get(str(word).strip())
