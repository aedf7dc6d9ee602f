"""Files of reports for rehearsals: a morning in Qingdao, with all that reports may come to."""

import json
from pathlib import Path
from typing import Any

LON, LAT = 120.3826, 36.0671
METRE = 1 / 90_000


def at(day: int, clock: str) -> str:
    """A moment of November 2026 in Qingdao."""
    return f"2026-11-{day}T{clock}+08:00"


def report(number: int, source: str, time: str, *, east_m: float = 0, **data: object) -> dict[str, Any]:
    """A report of road spillage by a street camera, `east_m` east of a point in Shinan; `data` is laid over its data."""
    said = {"category": "road_spillage", "channel": "low_video", "location": {"lon": LON + east_m * METRE, "lat": LAT, "accuracy_m": 10}}
    return {
        "specversion": "1.0",
        "id": f"r{number}",
        "source": source,
        "type": "city.incident.reported.v1",
        "time": time,
        "city": "QD",
        "data": said | data,
    }


def morning() -> list[dict[str, Any]]:
    """Saturday from eight, and one report of every source on Tuesday, which moves each one's partition, and so the clock, on."""
    pest: dict[str, Any] = {"category": "forest_pest", "channel": "high_video", "confidence": 0.4}
    spilled = [report(0, "/cameras/1", at(21, "08:00:00"))]
    spilled += [report(n, "/cameras/1", at(21, f"08:0{n}:00"), east_m=n) for n in range(1, 6)]
    return [
        *spilled,
        report(5, "/cameras/1", at(21, "08:05:00"), east_m=5),  # again: a gateway's double
        report(10, "/cameras/2", at(21, "08:06:00"), east_m=12),  # the same place
        report(11, "/cameras/2", at(21, "08:07:00"), east_m=500),  # another one
        report(20, "/hotline/12345", at(21, "08:08:00"), east_m=20, channel="hotline", description="路上有石子"),
        report(30, "/cameras/3", at(21, "08:09:00"), east_m=3000, **pest),
        report(31, "/cameras/3", at(21, "08:10:00"), east_m=3000, **pest),
        report(32, "/cameras/4", at(21, "08:11:00"), east_m=9000, **pest),  # never confirmed
        report(40, "/cameras/1", at(21, "08:12:00"), category="dragon"),
        report(41, "/cameras/1", at(21, "14:00:00"), east_m=2),  # the window is over
        *(report(90 + n, f"/cameras/{n}", at(24, "12:00:00"), east_m=-5000) for n in range(1, 5)),
        report(95, "/hotline/12345", at(24, "12:00:00"), east_m=-5000, channel="hotline"),
    ]


def written(path: Path, reports: list[dict[str, Any]], *more: str) -> Path:
    """A file of these reports and `more` lines."""
    path.write_text(
        "".join(json.dumps(each, ensure_ascii=False) + "\n" for each in reports) + "".join(f"{line}\n" for line in more), "utf-8"
    )
    return path
