"""A good report of the test city, as JSON."""

from datetime import UTC, datetime
from typing import Any

from incidents.catalogue import City

MOMENT = datetime(2026, 11, 21, 4, tzinfo=UTC)


def a_report(city: City, at: datetime = MOMENT) -> dict[str, Any]:
    return {
        "specversion": "1.0",
        "id": "a",
        "source": "/cameras/1",
        "type": "city.incident.reported.v1",
        "time": at.isoformat(),
        "city": city.code,
        "data": {"category": "road_spillage", "channel": "low_video", "location": {"lon": 120.3, "lat": 36.1}},
    }
