"""Cases as files for other programs: CSV for spreadsheets and GeoJSON for maps, made line by line so that a year of cases needs no memory.

A spreadsheet runs what looks like a formula, so text that begins like one gets an apostrophe in front (CWE-1236). Times are the city's,
with their offset; names stand beside keys in Chinese and English.
"""

import csv
import io
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import orjson

from console.views import CaseRow
from incidents.catalogue import City, Named
from incidents.indicators import Dimension
from incidents.ranking import name_of

BOM = "\ufeff"
"""Without it Excel takes UTF-8 for the system's own code page."""
FORMULA = frozenset("=+-@\t\r\n＝＋－＠|%")
TIMES = (
    "opened_at",
    "first_seen",
    "last_seen",
    "filed_at",
    "dispatched_at",
    "accepted_at",
    "handled_at",
    "ended_at",
    "entered_at",
    "due_at",
)
NAMED = {"category": Dimension.CATEGORY, "district": Dimension.DISTRICT, "subdistrict": Dimension.SUBDISTRICT, "unit": Dimension.UNIT}
LINES_AT_ONCE = 200

Row = Mapping[str, Any]


def columns() -> list[str]:
    """The columns of the CSV: the fields of a row, and behind a key its names."""
    return [column for field in CaseRow.model_fields for column in (field, *((f"{field}_zh", f"{field}_en") if field in NAMED else ()))]


def as_csv(city: City, rows: Iterable[Row]) -> Iterator[bytes]:
    """The file in pieces: byte order mark, head, one line per case (RFC 4180)."""
    zone, names = ZoneInfo(city.time_zone), _names(city)
    written = io.StringIO()
    writer = csv.writer(written, lineterminator="\r\n")
    written.write(BOM)
    writer.writerow(columns())
    for number, row in enumerate(rows, 1):
        writer.writerow(map(_cell, _cells(row, names, zone)))
        if number % LINES_AT_ONCE == 0:
            yield _taken(written)
    yield _taken(written)


def as_geojson(rows: Iterable[Row]) -> Iterator[bytes]:
    """The file in pieces: a FeatureCollection of points (RFC 7946), a feature per case with its row as properties."""
    yield b'{"type":"FeatureCollection","features":['
    for number, row in enumerate(rows):
        point = {"type": "Point", "coordinates": [row["lon"], row["lat"]]}
        feature = {"type": "Feature", "id": row["case_id"], "geometry": point, "properties": row}
        yield (b",\n" if number else b"\n") + orjson.dumps(feature)
    yield b"\n]}\n"


def _taken(written: io.StringIO) -> bytes:
    body = written.getvalue().encode()
    written.seek(0)
    written.truncate()
    return body


def _names(city: City) -> Callable[[str, str | None], Named | None]:
    known: dict[tuple[str, str], Named | None] = {}

    def named(field: str, value: str | None) -> Named | None:
        if value is None:
            return None
        if (field, value) not in known:
            known[field, value] = name_of(city, NAMED[field], value)
        return known[field, value]

    return named


def _cells(row: Row, names: Callable[[str, str | None], Named | None], zone: ZoneInfo) -> Iterator[Any]:
    for field in CaseRow.model_fields:
        value = row[field]
        yield _local(value, zone) if field in TIMES and value else value
        if field in NAMED:
            name = names(field, value)
            yield from (name.zh, name.en) if name else (None, None)


def _local(moment: str | datetime, zone: ZoneInfo) -> str:
    at = datetime.fromisoformat(moment) if isinstance(moment, str) else moment
    return at.astimezone(zone).isoformat(timespec="seconds")


def _cell(value: Any) -> Any:
    """A value as a cell.

    >>> _cell("=HYPERLINK(0)"), _cell(" +86"), _cell(-12.5), _cell(["a", "b"]), _cell(True), _cell(None)
    ("'=HYPERLINK(0)", "' +86", -12.5, 'a b', 'true', '')
    """
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list | tuple):
        value = " ".join(value)
    if isinstance(value, str) and value.lstrip(" \u3000")[:1] in FORMULA:
        return f"'{value}"
    return value
