"""The job that every Python peer does, so that the peers differ in the engine only: parse, validate, and the rule.

The rule: a report joins the open case of its category that is nearest within `radius_m` and was seen less than `window_s` ago in event
time; else it opens one. Cases lie in cells of 0.005 degrees (500 m), so that a look-up touches one to four of them. Where an engine needs a
key for its state, that is a *district* of 0.05 degrees (5 km): an incident within its noise of a district's border may become two cases.
"""

import math
import os
from datetime import datetime
from typing import Annotated, Any

import msgspec

METRES_PER_DEGREE = 111_195.0
CELL = 0.005
DISTRICT = 0.05
Short = Annotated[str, msgspec.Meta(min_length=1, max_length=256)]


class Bench:
    """What the harness asks for, from the environment."""

    def __init__(self) -> None:
        self.bootstrap = os.environ["BENCH_BOOTSTRAP"]
        self.topic = os.environ["BENCH_IN"]
        self.out = os.environ["BENCH_OUT"]
        self.group = os.environ["BENCH_GROUP"]
        self.threads = int(os.environ["BENCH_THREADS"])
        self.assign = os.environ["BENCH_ASSIGN"] == "1"
        self.state = os.environ["BENCH_STATE"]
        self.radius_m = float(os.environ["BENCH_RADIUS_M"])
        self.window_s = float(os.environ["BENCH_WINDOW_S"])


class Location(msgspec.Struct):
    """Where, in degrees."""

    lon: Annotated[float, msgspec.Meta(ge=-180, le=180)]
    lat: Annotated[float, msgspec.Meta(ge=-90, le=90)]


class Data(msgspec.Struct):
    """What was seen."""

    category: Short
    channel: Short
    location: Location
    confidence: Annotated[float, msgspec.Meta(ge=0, le=1)] | None = None
    description: Annotated[str, msgspec.Meta(max_length=8000)] | None = None
    plate: Annotated[str, msgspec.Meta(max_length=32)] | None = None


class Report(msgspec.Struct):
    """The CloudEvent."""

    specversion: Annotated[str, msgspec.Meta(pattern=r"^1\.0$")]
    id: Short
    source: Short
    type: Short
    time: Annotated[datetime, msgspec.Meta(tz=True)]
    data: Data


_decode = msgspec.json.Decoder(Report).decode
Sight = tuple[str, str, float, float, float]
"""Id, category, longitude, latitude, epoch seconds."""


def parsed(value: bytes | None) -> Sight | None:
    """What the rule needs of a report; None of a bad one."""
    try:
        report = _decode(value or b"")
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    at = report.data.location
    return report.id, report.data.category, at.lon, at.lat, report.time.timestamp()


def district(lon: float, lat: float) -> str:
    """The key of the 5 km square that a point lies in."""
    return f"{int(lon / DISTRICT)}:{int(lat / DISTRICT)}"


def cells(lon: float, lat: float, radius_m: float) -> list[str]:
    """The names of the cells that a circle touches, the point's own first."""
    north = radius_m / METRES_PER_DEGREE
    east = north / math.cos(math.radians(lat))
    x, y = int(lon / CELL), int(lat / CELL)
    xs = {x, int((lon - east) / CELL), int((lon + east) / CELL)}
    ys = {y, int((lat - north) / CELL), int((lat + north) / CELL)}
    others = [f"{i}:{j}" for i in xs for j in ys if (i, j) != (x, y)]
    return [f"{x}:{y}", *others]


Open = list[Any]
"""A case: its id, longitude, latitude, last seen in epoch seconds."""


def nearest(cases: list[Open], sight: Sight, radius_m: float, window_s: float) -> Open | None:
    """The nearest case within the radius that was seen within the window; all of the report's category."""
    _, _, lon, lat, at = sight
    metres_east = METRES_PER_DEGREE * math.cos(math.radians(lat))
    best, least = None, radius_m * radius_m
    for case in cases:
        dx, dy = (case[1] - lon) * metres_east, (case[2] - lat) * METRES_PER_DEGREE
        square = dx * dx + dy * dy
        if square <= least and at - case[3] < window_s:
            best, least = case, square
    return best


class Update:
    """What is told of one case: reports since the last time, when it was last seen, and, if asked, their ids."""

    __slots__ = ("ids", "last", "n")

    def __init__(self) -> None:
        self.n, self.last = 0, 0.0
        self.ids: list[str] = []

    def add(self, at: float, report_id: str | None) -> None:
        """One more report."""
        self.n += 1
        self.last = max(self.last, at)
        if report_id is not None:
            self.ids.append(report_id)

    def encoded(self, case: str, assign: bool) -> bytes:
        """The record's value."""
        said = {"case": case, "n": self.n, "last": self.last}
        return msgspec.json.encode(said | {"ids": self.ids} if assign else said)
