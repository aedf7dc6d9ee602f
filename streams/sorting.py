"""From a record's value to what sifting compares: the report's category with its rule in integers, and the group of one report.

Behind the lanes (streams/lanes.py), which call it for every report that they cannot explain by themselves.
"""

import math
import zlib
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

import orjson
from msgspec import UNSET, UnsetType

from incidents.catalogue import Category, City
from incidents.commands import Identity
from incidents.events import ReportData, ReportEvent, epoch_ms
from incidents.steps import intake
from incidents.steps.sifting import Group, MatchRule, match_rule
from incidents.vocabulary import Match, Severity
from streams.glance import Event, Glancer, Seen, whole

SURELY = 0.99
"""Of the radius: nearer than that the rounding of a latitude's cosine cannot matter, up to 5 km and 68° of latitude."""
URGENT: dict[str, int] = {severity: at for at, severity in enumerate(Severity)}


@dataclass(frozen=True, slots=True)
class Row:
    """A category with its rule in integers."""

    category: Category
    rule: MatchRule
    family: str
    conditions: dict[str | UnsetType | None, int]
    """How urgent each makes a report; nothing said: as urgent as the category is anyway."""
    sure: float
    """The square of a distance (cm) that lies within the radius however a latitude's cosine is rounded."""

    def names(self, data: Seen) -> str | None:
        """`Sighting.identity` of what the quick look saw; None when it takes a closer look to say."""
        if data.plate is UNSET and data.building is UNSET and data.part_id is UNSET:
            return ""
        for rule in self.category.match:
            if rule is Match.PLATE and data.plate:
                return f"{rule}:{data.plate}"
            if data.plate is UNSET and rule is Match.BUILDING and data.building is not UNSET:
                return f"{rule}:{data.building.id}"
            if data.plate is UNSET and rule is Match.PART and data.part_id is not UNSET:
                return f"{rule}:{data.part_id}"
        return "" if data.plate is UNSET else None


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

    def __init__(self, city: City) -> None:
        self.city = city
        self.glancer = Glancer(city)
        self.rows = {c.key: _row(c) for c in city.categories}

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
        seen = self.glancer.look(value) if value is not None else None
        if seen is not None:
            return self.seen(seen[0])
        event = intake.read(value)
        return self._sighting(event, intake.moment(event))

    def seen(self, event: Event) -> Sighting:
        """The same from what the quick look saw."""
        return self._sighting(whole(event), datetime.fromisoformat(event.time))

    def _sighting(self, event: ReportEvent, at: datetime) -> Sighting:
        row = self.row(event)
        data = event["data"]
        return Sighting(event, at, epoch_ms(at), row, intake.point(data, self.city), _identity(data, row))

    def group(self, sighting: Sighting, value: bytes, offset: int, seen: int, appended_ms: int | None = None) -> Group:
        """A group of this one report, with all that it needs to open a case. `seen` is its time in ms as sifting may count it."""
        event, at, time, row, where, named = sighting
        data = event["data"]
        place = intake.place(data, where, self.city)
        opening = intake.opening(event, at, row.category, place, named, self.city)
        if appended_ms is not None:
            opening["appended_ms"] = appended_ms
        machine = data["channel"].is_machine
        return Group(
            source=event["source"],
            category=row.category.key,
            family=row.family,
            identity=sighting.identity,
            x=round(place["lon"] * 1e7),
            y=round(place["lat"] * 1e7),
            cos=cosine(place["lat"]),
            known=place["known"],
            tight=place["accuracy_m"] * 2 <= row.category.radius_m,
            machine=machine,
            urgent=URGENT[opening["severity"]],
            rule=row.rule,
            new_id=intake.opens(event, at, time, self.city),
            opening=orjson.dumps(opening).decode(),
            held="held_because" in opening,
            notable=not machine,
            newest=time,
            offsets=[offset],
            times=[seen],
            keys=[report_key(event["id"], time)],
            values=[value],
        )

    def group_of(self, value: bytes, offset: int, seen: int) -> Group:
        """The same from the bytes of a report that was read before."""
        return self.group(self.sighting(value), value, offset, seen)


def _row(category: Category) -> Row:
    rule = match_rule(category)
    return Row(category, rule, category.family or category.key, _urgencies(category), (rule.radius * SURELY) ** 2)


def _urgencies(category: Category) -> dict[str | UnsetType | None, int]:
    own = URGENT[category.severity]
    urgencies: dict[str | UnsetType | None, int] = {UNSET: own, None: own}
    for each in category.conditions:
        urgencies[each.key] = URGENT[each.severity] if each.severity else own
    return urgencies


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
