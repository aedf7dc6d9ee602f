"""A good report of Qingdao, ways to spoil it, and the whole way that intake sends it, for the tests of intake."""

import copy
import json
from datetime import UTC, datetime
from functools import cache
from typing import Any

import pytest

from config.load import load_city
from config.settings import Settings
from incidents.catalogue import City
from incidents.errors import BadReport
from incidents.events import ReportEvent
from incidents.steps import intake
from streams.sorting import Sorter

APPENDED = datetime(2026, 11, 21, 0, 16, tzinfo=UTC)
"""When the record was appended, on the city's clock: a minute after the good report's time."""
GONE = object()

GOOD: dict[str, Any] = {
    "specversion": "1.0",
    "id": "6f0c",
    "source": "/cameras/37020200012",
    "type": "city.incident.reported.v1",
    "time": "2026-11-21T08:15:02+08:00",
    "datacontenttype": "application/json",
    "city": "QD",
    "origin": "qingdao",
    "data": {
        "category": "road_spillage",
        "channel": "low_video",
        "severity": "major",
        "location": {"lon": 120.3826, "lat": 36.0671, "datum": "wgs84", "accuracy_m": 15, "address": "山东路 1 号"},
        "confidence": 0.93,
        "algorithm": "road-spillage/3.2",
        "evidence": [{"url": "s3://a/b.jpg", "sha256": "00", "media_type": "image/jpeg", "captured_at": "2026-11-21T08:15:00+08:00"}],
    },
}


@cache
def qingdao() -> City:
    """The real city."""
    return load_city(Settings(city="qingdao"))


@cache
def sorter() -> Sorter:
    """Over the real city."""
    return Sorter(qingdao())


def changed(**changes: object) -> dict[str, Any]:
    """The good report with these changes: `data__location__lon=1` sets it, GONE takes it away."""
    report = copy.deepcopy(GOOD)
    for path, value in changes.items():
        *way, last = path.split("__")
        at = report
        for key in way:
            at = at.setdefault(key, {})
        if value is GONE:
            del at[last]
        else:
            at[last] = value
    return report


def compact(value: object) -> bytes:
    """JSON as most serializers write it."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def good(**changes: object) -> bytes:
    """`changed` as JSON."""
    return compact(changed(**changes))


def with_text(text: str, **changes: object) -> bytes:
    """`changed`, with this text in the place of the value "@"."""
    return good(**changes).replace(b'"@"', text.encode())


def taken(value: bytes | None, appended: datetime = APPENDED) -> ReportEvent:
    """What intake takes. Raises BadReport as the lane would."""
    sighting = sorter().sighting(value)
    intake.judge_time(sighting.at, qingdao(), appended)
    sorter().group(sighting, value or b"", 0, sighting.time)
    return sighting.event


def refused(value: bytes | None, appended: datetime = APPENDED) -> BadReport:
    """Why intake does not take it."""
    with pytest.raises(BadReport) as caught:
        taken(value, appended)
    return caught.value
