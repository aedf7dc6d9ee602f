"""Bad input, one kind per row of the table: everything that a gateway, a clock or a vendor gets wrong.

Every kind must land on `incidents.rejected` with its bytes as they were. A kind takes a good report and gives back key and value.
"""

import random
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import orjson

from incidents.catalogue import City

Raw = tuple[bytes | None, bytes | None]
Report = dict[str, Any]
Spoil = Callable[[Report, City], bytes | None]

BIG = b"x" * (2 << 20)
BIG_IS_RARER = 50
"""A body of 2 MB comes so many times less often than the other kinds, or it would be nearly all of the traffic."""


def _dump(report: Any) -> bytes:
    return orjson.dumps(report)


def _set(*path: str, to: Any) -> Spoil:
    """The report with one member replaced."""

    def spoil(report: Report, city: City) -> bytes:
        inner = report
        for name in path[:-1]:
            inner = inner[name]
        inner[path[-1]] = to
        return _dump(report)

    return spoil


def _without(*path: str) -> Spoil:
    """The report with one member missing."""

    def spoil(report: Report, city: City) -> bytes:
        inner = report
        for name in path[:-1]:
            inner = inner[name]
        inner.pop(path[-1], None)
        return _dump(report)

    return spoil


def _marked(path: tuple[str, ...], raw: bytes) -> Spoil:
    """The report with raw bytes, which no JSON library would write, in the place of a member."""

    def spoil(report: Report, city: City) -> bytes:
        value = _set(*path, to="@raw@")(report, city)
        assert value is not None
        return value.replace(b'"@raw@"', raw)

    return spoil


def _shifted(by: Callable[[City], timedelta]) -> Spoil:
    """The report with its time moved."""

    def spoil(report: Report, city: City) -> bytes:
        report["time"] = (datetime.fromisoformat(report["time"]) + by(city)).isoformat()
        return _dump(report)

    return spoil


def _without_offset(report: Report, city: City) -> bytes:
    return _dump(report | {"time": report["time"][:19]})


def _epoch(report: Report, city: City) -> bytes:
    return _dump(report | {"time": int(datetime.fromisoformat(report["time"]).timestamp())})


def _swapped(report: Report, city: City) -> bytes:
    location = report["data"]["location"]
    location["lon"], location["lat"] = location["lat"], location["lon"]
    return _dump(report)


def _twice(report: Report, city: City) -> bytes:
    return _dump(report) + b"," + _dump(report | {"id": f"{report['id']}-2"})


def _foreign_category(report: Report, city: City) -> bytes:
    foreign = next(key for key in ("pothole_repair_internal", "road_spillage", "unused_key") if key not in city.catalogue)
    report["data"]["category"] = foreign
    return _dump(report)


KINDS: dict[str, Spoil] = {
    "no_specversion": _without("specversion"),
    "no_id": _without("id"),
    "no_source": _without("source"),
    "no_type": _without("type"),
    "no_time": _without("time"),
    "no_data": _without("data"),
    "no_category": _without("data", "category"),
    "no_channel": _without("data", "channel"),
    "no_location": _without("data", "location"),
    "other_type": _set("type", to="city.incident.reported.v0"),
    "unknown_channel": _set("data", "channel", to="pigeon"),
    "unknown_severity": _set("data", "severity", to="terrible"),
    "not_json": lambda report, city: _dump(report)[:-20],
    "wrong_shape": lambda report, city: _dump([report]),
    "body_of_2_mb": _marked(("data", "description"), b'"' + BIG + b'"'),
    "invalid_utf8": _marked(("data", "description"), b'"\xff\xfe\xc3"'),
    "nan": _marked(("data", "location", "lon"), b"NaN"),
    "infinite": _marked(("data", "location", "lat"), b"Infinity"),
    "swapped": _swapped,
    "zero_zero": _set("data", "location", to={"lon": 0.0, "lat": 0.0}),
    "time_without_offset": _without_offset,
    "time_ahead": _shifted(lambda city: city.accept_ahead + timedelta(days=2)),
    "time_behind": _shifted(lambda city: -(city.accept_past or timedelta(0)) - timedelta(days=2)),
    "time_as_epoch": _epoch,
    "unknown_category": _set("data", "category", to="muk_truck"),
    "category_of_another_city": _foreign_category,
    "another_city": _set("city", to="ZZZ"),
    "impossible_plate": _set("data", "plate", to="鲁B!0000"),
    "duplicate_keys": lambda report, city: b'{"id":"the-first-of-two",' + _dump(report)[1:],
    "deep_nesting": _marked(("data", "attributes"), b'{"a":' * 3000 + b"1" + b"}" * 3000),
    "null_value": lambda report, city: None,
    "empty_key": lambda report, city: b'{"":1,' + _dump(report)[1:],
    "empty_source_and_record_key": _set("source", to=""),
    "two_in_one": _twice,
}


class Spoiler:
    """Draws a kind and spoils a report with it. Kinds that this city would accept are left out."""

    def __init__(self, city: City) -> None:
        self._city = city
        self._kinds = [name for name in KINDS if name != "time_behind" or city.accept_past is not None]

    def spoil(self, report: Report, rng: random.Random) -> tuple[str, Raw]:
        """The kind's name, and key and value; `report` is changed."""
        kind = rng.choice(self._kinds)
        if kind == "body_of_2_mb" and rng.random() > 1 / BIG_IS_RARER:
            kind = "not_json"
        key = b"" if kind == "empty_source_and_record_key" else report["source"].encode()
        return kind, (key, KINDS[kind](report, self._city))
