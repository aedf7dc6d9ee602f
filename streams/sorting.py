"""From a record's value to what sifting compares: the report's category with its rule in integers, and the group of one report.

Behind the lanes (streams/lanes.py), which call it for every report that they cannot explain by themselves.
"""

import math
import zlib
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from incidents.case import Identity
from incidents.catalogue import Category, City, Severity
from incidents.events import ReportData, ReportEvent, epoch_ms
from incidents.places import Locate, Located
from incidents.steps import intake
from incidents.steps.sifting import Group, MatchRule, match_rule

URGENT = {severity: at for at, severity in enumerate(Severity)}


@dataclass(frozen=True, slots=True)
class Row:
    """A category with its rule in integers."""

    category: Category
    rule: MatchRule
    family: str
    urgent: int


class Sighting(NamedTuple):
    """A report, read: its moment also in ms, its category, its point in WGS-84 (None: no coordinates), what names the thing."""

    event: ReportEvent
    at: datetime
    time: int
    row: Row
    where: tuple[float, float] | None
    named: Identity | None

    @property
    def identity(self) -> str:
        """The text of what names the thing, "" for nothing."""
        return f"{self.named.kind}:{self.named.value}" if self.named else ""


class Sorter:
    """Turns a record's value into what sifting compares; one per process, shared by its lanes. Raises BadReport."""

    def __init__(self, city: City, locate: Locate) -> None:
        self.city = city
        self.locate = locate
        self.rows = {c.key: Row(c, match_rule(c), c.family or c.key, URGENT[c.severity]) for c in city.categories}

    def row(self, event: ReportEvent) -> Row:
        """The report's category, checked."""
        data = event["data"]
        row = self.rows.get(data["category"])
        named = event.get("city")
        if row is None or data.get("condition") is not None or (named and named != self.city.code):
            return self.rows[intake.category_of(event, self.city).key]
        return row

    def sighting(self, value: bytes | None) -> Sighting:
        """The report in a record's value, checked but for its time's bounds."""
        event = intake.read(value)
        at = intake.moment(event)
        row = self.row(event)
        data = event["data"]
        return Sighting(event, at, epoch_ms(at), row, intake.point(data, self.city), _identity(data, row))

    def group(self, sighting: Sighting, value: bytes, offset: int, seen: int) -> Group:
        """A group of this one report, with all that it needs to open a case. `seen` is its time in ms as sifting may count it."""
        event, at, time, row, where, named = sighting
        data = event["data"]
        located = self.locate(*where) if where else Located()
        place = intake.place(data, where, located, self.city)
        opening = intake.opening(event, at, row.category, place, named, self.city)
        return Group(
            source=event["source"],
            category=row.category.key,
            family=row.family,
            identity=sighting.identity,
            x=round(place.lon * 1e7),
            y=round(place.lat * 1e7),
            cos=cosine(place.lat),
            known=place.known,
            tight=place.accuracy_m * 2 <= row.category.radius_m,
            machine=data["channel"].is_machine,
            urgent=URGENT[opening.severity],
            rule=row.rule,
            new_id=intake.opens(event, at, time, self.city),
            opening=opening.model_dump_json(exclude_none=True),
            held=opening.held_because is not None,
            notable=not data["channel"].is_machine,
            offsets=[offset],
            times=[seen],
            keys=[report_key(event["id"], time)],
            values=[value],
        )

    def group_of(self, value: bytes, offset: int, seen: int) -> Group:
        """The same from the bytes of a report that was read before."""
        return self.group(self.sighting(value), value, offset, seen)


def report_key(report_id: str, time: int) -> int:
    """Tells a resend from another report of the same source and moment: 32 bits over id and time."""
    return zlib.crc32(report_id.encode(), time & 0xFFFFFFFF)


def cosine(lat: float) -> int:
    """1e6 times the cosine of a latitude, as sifting's integers have it."""
    return round(math.cos(math.radians(lat)) * 1_000_000)


def _identity(data: ReportData, row: Row) -> Identity | None:
    if data.get("plate") is None and data.get("building") is None and data.get("part_id") is None:
        return None
    return intake.identity(data, row.category)
