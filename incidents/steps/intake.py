"""The first step of a report: bytes from anybody become a report of this city, or a BadReport that says why not.

The common case must cost about two microseconds, so the compiled validator runs first and everything that only matters for a few reports
(unknown keys, attributes, a colon count that does not add up) goes to the exact and slow look of `incidents.strict_json`.
"""

import json
from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import cache
from typing import Any, Literal
from zoneinfo import ZoneInfo

from pydantic import TypeAdapter, ValidationError

from incidents.catalogue import Category, City
from incidents.commands import Evidence, Identity, Statement
from incidents.errors import BadReport, RejectReason
from incidents.events import CaseId, Datum, Location, ReportData, ReportEvent, case_id
from incidents.places import inside, to_wgs84
from incidents.plates import refuse_plate
from incidents.strict_json import exact, refuse, shown, storable
from incidents.vocabulary import HeldBecause, Match, Severity, State

MAX_BYTES = 1 << 20
"""The largest report in bytes; pictures travel by address, so one over a mebibyte is a mistake."""
_validate = TypeAdapter(ReportEvent).validator.validate_json


def read(value: bytes | None) -> ReportEvent:
    """The report in a record's value, its shape checked. Raises BadReport with a reason of the bounded set, and nothing else."""
    if value is None:
        raise BadReport(RejectReason.NULL_VALUE, "the record has no value; send one CloudEvent as JSON")
    if len(value) > MAX_BYTES:
        raise BadReport(RejectReason.OVERSIZED, f"{len(value)} bytes; at most {MAX_BYTES} (send pictures by address)")
    try:
        event: ReportEvent = _validate(value)
    except ValidationError as error:
        refuse(value, error)
    data = event["data"]
    keys = len(event) + len(data)
    location = data.get("location")
    if location is not None:
        keys += len(location)
    evidence = data.get("evidence")
    if evidence:
        keys += sum(map(len, evidence))
    attributes = data.get("attributes")
    if value.count(b'":') != keys or attributes or _doubtful(value, event, evidence is not None):
        exact(value)
    if attributes:
        storable(attributes, len(value))
    return event


def _doubtful(value: bytes, event: ReportEvent, listed: bool) -> bool:
    """Whether something may hide from the count of keys: space before a colon, an empty key, lists in unknown keys, words like NaN."""
    data = event["data"]
    return (
        (b" " in value and b" :" in value)
        or b"\n" in value
        or b"\t" in value
        or b"\r" in value
        or "" in data
        or "" in event
        or "" in (data.get("location") or ())
        or value.count(b"[") > listed
        or (b"N" in value and b"NaN" in value)
        or (b"I" in value and b"Infinity" in value)
    )


def from_headers(headers: Iterable[tuple[str, bytes | None]], value: bytes | None) -> bytes | None:
    """The structured form of a CloudEvent in binary mode (`ce_*` headers around the bare data); any other value as it is.

    Raises BadReport when the headers are no text or say something twice, or the data is no JSON.
    """
    found = [(key[3:].lower(), held) for key, held in headers if key[:3].lower() == "ce_"]
    attributes = {key: _text(key, held) for key, held in found}
    if value is None or "specversion" not in attributes or len(value) > MAX_BYTES:
        return value
    if len(attributes) != len(found):
        raise BadReport(RejectReason.DUPLICATE_KEYS, f"a header stands twice among {shown(sorted(key for key, _ in found))}")
    exact(value)  # else the data could close its own brace and go on with attributes
    head = json.dumps(attributes, ensure_ascii=False)
    return head[:-1].encode() + b',"data":' + value + b"}"


def _text(key: str, held: bytes | None) -> str:
    try:
        return (held or b"").decode("utf-8")
    except UnicodeDecodeError:
        raise BadReport(RejectReason.INVALID_VALUE, f"header ce_{key[:40]} is {held[:40]!r}: not UTF-8" if held else "") from None


def moment(event: ReportEvent) -> datetime:
    """The report's time. Raises BadReport when it is none, has no offset, or lies where no date can be reckoned with."""
    text = event["time"]
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        if text.endswith("z"):  # RFC 3339 allows it
            return moment({**event, "time": text.upper()})
        more = ": second 60 is not taken, send 59" if text[16:19] == ":60" else ", e.g. 2026-11-21T08:15:02+08:00"
        raise BadReport(RejectReason.BAD_TIME, f"time {text!r} is not RFC 3339{more}") from None
    if at.tzinfo is None:
        raise BadReport(RejectReason.BAD_TIME, f"time {text!r} has no offset; say e.g. +08:00 or Z")
    if len(text) < 20 or not 1970 <= at.year < 9999:
        raise BadReport(RejectReason.BAD_TIME, f"time {text!r} is not a second of RFC 3339 since 1970, e.g. 2026-11-21T08:15:02+08:00")
    return at


def judge_time(at: datetime, city: City, appended: datetime) -> None:
    """Raise BadReport when `at` is out of the city's bounds around the record's append time (both on the city's clock)."""
    if city.may_have_happened(at, appended):
        return
    ahead = at > appended
    bound = city.accept_ahead if ahead else city.accept_past
    reason = RejectReason.IN_FUTURE if ahead else RejectReason.TOO_OLD
    where = "ahead of" if ahead else "behind"
    raise BadReport(reason, f"time {at.isoformat()} is {abs(at - appended)} {where} the record's {appended.isoformat()}; at most {bound}")


def category_of(event: ReportEvent, city: City) -> Category:
    """The report's row of the catalogue. Raises BadReport for another city's report and for an unknown category or condition."""
    named = event.get("city")
    if named and named != city.code:
        raise BadReport(RejectReason.OTHER_CITY, f"city {named!r}; this stack is {city.code!r}")
    data = event["data"]
    category = city.catalogue.get(data["category"])
    if category is None:
        raise BadReport(RejectReason.UNKNOWN_CATEGORY, f"category {data['category']!r}; see config/cities/{city.key}/catalogue")
    condition = data.get("condition")
    if condition is not None:
        try:
            category.condition(condition)
        except KeyError:
            right = ", ".join(each.key for each in category.conditions)
            raise BadReport(RejectReason.INVALID_VALUE, f"condition {condition!r} of {category.key!r}; right are: {right}") from None
    return category


def point(data: ReportData, city: City) -> tuple[float, float] | None:
    """Longitude and latitude in WGS-84; None when only an address, a building or a part says where. Raises BadReport."""
    location = data.get("location")
    if location is None:
        if data.get("building") or data.get("part_id") or data.get("address"):
            return None
        raise BadReport(RejectReason.NO_LOCATION, "no location, building, part_id or address; give lon and lat in degrees")
    if "lon" not in location and "lat" not in location and location.get("address"):
        return None
    lon, lat = _degrees(location, "lon"), _degrees(location, "lat")
    datum = location.get("datum")
    if datum is not None and datum is not Datum.WGS84 and abs(lon) <= 180 and abs(lat) <= 90:
        lon, lat = to_wgs84(lon, lat, datum)
    if not inside(city.bounds, lon, lat):
        swapped = " (swapped?)" if inside(city.bounds, lat, lon) else ""
        raise BadReport(RejectReason.OUT_OF_BOUNDS, f"lon {lon!r}, lat {lat!r} is out of {city.key}{swapped}: {city.bounds!r}")
    return lon, lat


def _degrees(location: Location, name: Literal["lon", "lat"]) -> float:
    if name not in location:
        raise BadReport(RejectReason.MISSING_FIELD, f"data.location.{name} is required; give lon and lat in degrees")
    return location[name]


def identity(data: ReportData, category: Category) -> Identity | None:
    """What names the thing, by the first rule of the category's row that the report has a value for. Raises BadReport for a plate
    that no authority issues."""
    plate = data.get("plate")
    refuse_plate(plate)
    for rule in category.match:
        if rule is Match.PLATE and plate:
            return Identity(kind=rule, value=plate if isinstance(plate, str) else plate["match"])
        building = data.get("building")
        if rule is Match.BUILDING and building:
            return Identity(kind=rule, value=building["id"])
        part = data.get("part_id")
        if rule is Match.PART and part:
            return Identity(kind=rule, value=part)
    return None


@cache
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)


def opens(event: ReportEvent, at: datetime, time_ms: int, city: City) -> CaseId:
    """The id of the case that this report would open."""
    day = at.astimezone(_zone(city.time_zone)).strftime("%Y%m%d")
    return case_id(city.code, day, event["source"], event["id"], time_ms)


def place(data: ReportData, where: tuple[float, float] | None, city: City) -> dict[str, Any]:
    """The case's place as `incidents.case.Place` takes it, without its cells: they are looked up when the case is told.

    A default geocode, or no coordinates at all, is "place unknown" and never matched by place.
    """
    location = data.get("location")
    stated = location.get("accuracy_m") if location is not None else None
    accuracy = city.accuracy_m[data["channel"]] if stated is None else max(1, round(stated))
    address = (location.get("address") if location is not None else None) or data.get("address")
    if where is None:
        bounds = city.bounds
        lon, lat, known = (bounds.west + bounds.east) / 2, (bounds.south + bounds.north) / 2, False
    else:
        lon, lat = round(where[0], 7), round(where[1], 7)
        known = not city.default_geocodes or (round(where[0], 4), round(where[1], 4)) not in city.default_geocodes
    found: dict[str, Any] = {"lon": lon, "lat": lat, "accuracy_m": accuracy, "known": known}
    if address:
        found["address"] = address
    if where is None:
        found["district"] = None  # nothing to look up
    return found


def opening(
    event: ReportEvent, at: datetime, category: Category, where: Mapping[str, Any], named: Identity | None, city: City
) -> dict[str, Any]:
    """What the case would be that this report opens, as `incidents.case.Opening` takes it; sifting adds the links (recurs, series,
    suggested) and the reason.

    A dictionary and not the model on purpose: intake makes one for every report that it cannot recognise (2 µs against 16).
    """
    data = event["data"]
    channel = data["channel"]
    confidence = data.get("confidence")
    doubted = channel.is_machine and (category.confirm > 1 or (confidence is not None and confidence < category.trust))
    made: dict[str, Any] = {
        "state": State.HELD if doubted else State.REPORTED,
        "confirm": max(2, category.confirm) if doubted else 1,
        "category": category.key,
        "channel": channel,
        "severity": severity(data, category),
        "source": event["source"],
        "report_id": event["id"],
        "time": at.isoformat(),
        "place": where,
        "reason": "opened",
        "rules": city.rules,
    }
    if doubted:
        made["held_because"] = HeldBecause.WAITING
    if named is not None:
        made["identity"] = named.model_dump()
    if data.get("evidence"):
        made["evidence"] = [Evidence.model_validate(each).model_dump(mode="json", exclude_none=True) for each in data["evidence"] or ()]
    if not channel.is_machine:
        made["statement"] = statement(event, at).model_dump(mode="json", exclude_none=True)
    if data.get("plate") or data.get("building"):
        values = seals(data)
        if values:
            made["personal"] = {"source": event["source"], "id": event["id"], "values": values}
    for name in ("condition", "algorithm", "confidence", "description", "attributes"):
        said = data.get(name)
        if said is not None and said != {}:
            made[name] = said
    return made


def seals(data: Mapping[str, Any]) -> dict[str, Any]:
    """The sealed values of a report that its case keeps beside the words of a reporter: field to seal. Plain ones are not kept."""
    building = data.get("building") or {}
    values = {"plate": data.get("plate"), "building.unit": building.get("unit"), "building.floor": building.get("floor")}
    return {field: value for field, value in values.items() if isinstance(value, dict)}


def severity(data: ReportData, category: Category) -> Severity:
    """The more urgent of what the report says, its condition and its category say."""
    condition = data.get("condition")
    named = category.condition(condition).severity if condition else None
    stated = data.get("severity")
    if named is None and stated is None:
        return category.severity
    return min((s for s in (stated, named, category.severity) if s), key=list(Severity).index)


def statement(event: ReportEvent, at: datetime) -> Statement:
    """A person's own words, kept beside the case."""
    data = event["data"]
    return Statement(
        source=event["source"],
        id=event["id"],
        time=at,
        channel=data["channel"],
        description=data.get("description"),
        reporter=_plain(data.get("reporter")),
        external=_plain(data.get("external")),
    )


def _plain(value: Mapping[str, Any] | None) -> dict[str, Any] | None:
    if not value:
        return None
    return {k: v.isoformat() if isinstance(v, datetime) else v for k, v in value.items()}
