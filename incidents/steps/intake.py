"""The first step of a report: bytes from anybody become a report of this city, or a BadReport that says why not.

The common case must cost about two microseconds, so the compiled validator runs first and everything that only matters for a few reports
(unknown keys, attributes, a colon count that does not add up) goes to the exact and slow look of `_exactly`.
"""

import json
import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import cache
from typing import Any, NoReturn
from zoneinfo import ZoneInfo

from pydantic import TypeAdapter, ValidationError

from incidents.case import Evidence, HeldBecause, Identity, Opening, Place, State, Statement
from incidents.catalogue import Category, City, Match, Severity
from incidents.errors import BadReport, RejectReason
from incidents.events import CaseId, Datum, ReportData, ReportEvent, case_id
from incidents.places import Located, to_wgs84

MAX_BYTES = 1 << 20
"""The largest report in bytes; pictures travel by address, so one over a mebibyte is a mistake."""
MAX_DEPTH = 16
CN_PLATE = re.compile(
    r"[京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼][A-HJ-NP-Z]"
    r"(?:[A-HJ-NP-Z0-9]{4}[A-HJ-NP-Z0-9挂学警港澳]|[DFABCEGHJK][A-HJ-NP-Z0-9]\d{4}|\d{5}[DFABCEGHJK])"
)
"""GA 36-2018: province, letter, five characters, or six for new-energy vehicles (small: D/F… first; large: last); no I, no O."""

_validate = TypeAdapter(ReportEvent).validator.validate_json


def read(value: bytes | None) -> ReportEvent:
    """The report in a record's value, its shape checked. Raises BadReport with a reason of the bounded set."""
    if value is None:
        raise BadReport(RejectReason.NULL_VALUE, "the record has no value; send one CloudEvent as JSON")
    if len(value) > MAX_BYTES:
        raise BadReport(RejectReason.OVERSIZED, f"{len(value)} bytes; at most {MAX_BYTES} (send pictures by address)")
    try:
        event: ReportEvent = _validate(value)
    except ValidationError as error:
        _refuse(value, error)
    data = event["data"]
    keys = len(event) + len(data)
    location = data.get("location")
    if location is not None:
        keys += len(location)
    evidence = data.get("evidence")
    if evidence:
        keys += sum(map(len, evidence))
    if value.count(b'":') != keys or "" in data or "" in event or data.get("attributes"):
        _exactly(value)
    return event


def from_headers(headers: Iterable[tuple[str, bytes]], value: bytes | None) -> bytes | None:
    """The structured form of a CloudEvent in binary mode (`ce_*` headers around the bare data); any other value as it is."""
    attributes = {key[3:].lower(): held.decode("utf-8", "replace") for key, held in headers if key.lower().startswith("ce_")}
    if "specversion" not in attributes or value is None:
        return value
    head = json.dumps(attributes, ensure_ascii=False)
    return head[:-1].encode() + b',"data":' + value + b"}"


def moment(event: ReportEvent) -> datetime:
    """The report's time. Raises BadReport when it is none or has no offset."""
    text = event["time"]
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise BadReport(RejectReason.BAD_TIME, f"time {text!r} is not RFC 3339, e.g. 2026-11-21T08:15:02+08:00") from None
    if at.tzinfo is None or len(text) < 20:
        raise BadReport(RejectReason.BAD_TIME, f"time {text!r} has no offset; say e.g. +08:00 or Z")
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
    lon, lat = location["lon"], location["lat"]
    datum = location.get("datum")
    if datum is not None and datum is not Datum.WGS84 and abs(lon) <= 180 and abs(lat) <= 90:
        lon, lat = to_wgs84(lon, lat, datum)
    bounds = city.bounds
    if not (bounds.west <= lon <= bounds.east and bounds.south <= lat <= bounds.north):
        swapped = " (swapped?)" if bounds.west <= lat <= bounds.east and bounds.south <= lon <= bounds.north else ""
        raise BadReport(RejectReason.OUT_OF_BOUNDS, f"lon {lon!r}, lat {lat!r} is out of {city.key}{swapped}: {bounds!r}")
    return lon, lat


def identity(data: ReportData, category: Category) -> Identity | None:
    """What names the thing, by the first rule of the category's row that the report has a value for. Raises BadReport for a plate
    that no authority issues."""
    plate = data.get("plate")
    if isinstance(plate, str) and not CN_PLATE.fullmatch(plate):
        raise BadReport(RejectReason.BAD_PLATE, f"plate {plate!r} cannot exist, e.g. 鲁B12345 or 鲁BD12345")
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


def place(data: ReportData, where: tuple[float, float] | None, located: Located, city: City) -> Place:
    """The case's place. A default geocode, or no coordinates at all, is "place unknown" and never matched by place."""
    location = data.get("location")
    stated = location.get("accuracy_m") if location is not None else None
    accuracy = city.accuracy_m[data["channel"]] if stated is None else max(1, round(stated))
    address = (location.get("address") if location is not None else None) or data.get("address")
    if where is None:
        middle = (city.bounds.west + city.bounds.east) / 2, (city.bounds.south + city.bounds.north) / 2
        return Place(lon=middle[0], lat=middle[1], accuracy_m=accuracy, known=False, address=address)
    known = (round(where[0], 4), round(where[1], 4)) not in city.default_geocodes
    return Place(lon=round(where[0], 7), lat=round(where[1], 7), accuracy_m=accuracy, known=known, address=address, **located.model_dump())


def opening(event: ReportEvent, at: datetime, category: Category, where: Place, named: Identity | None, city: City) -> Opening:
    """What the case would be that this report opens; sifting adds the links (recurs, series, suggested) and the reason."""
    data = event["data"]
    channel = data["channel"]
    confidence = data.get("confidence")
    doubted = channel.is_machine and (category.confirm > 1 or (confidence is not None and confidence < category.trust))
    return Opening(
        state=State.HELD if doubted else State.REPORTED,
        held_because=HeldBecause.WAITING if doubted else None,
        confirm=max(2, category.confirm) if doubted else 1,
        category=category.key,
        condition=data.get("condition"),
        channel=channel,
        severity=severity(data, category),
        source=event["source"],
        report_id=event["id"],
        time=at,
        place=where,
        identity=named,
        algorithm=data.get("algorithm"),
        confidence=confidence,
        description=data.get("description"),
        evidence=tuple(Evidence.model_validate(each) for each in data.get("evidence") or ()),
        statement=None if channel.is_machine else statement(event, at),
        attributes=data.get("attributes") or None,
        reason="opened",
        rules=city.rules,
    )


def severity(data: ReportData, category: Category) -> Severity:
    """The more urgent of what the report says, its condition and its category say."""
    condition = data.get("condition")
    named = category.condition(condition).severity if condition else None
    return min((s for s in (data.get("severity"), named, category.severity) if s), key=list(Severity).index)


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


# --- the slow and exact look --------------------------------------------------------------------------------------------------


def _refuse(value: bytes, error: ValidationError) -> NoReturn:
    first = error.errors(include_url=False)[0]
    kind, where = str(first["type"]), ".".join(map(str, first["loc"]))
    message = str(first["msg"])
    if kind == "json_invalid":
        if "recursion" in message:
            raise BadReport(RejectReason.TOO_DEEP, "the JSON is nested too deeply") from None
        if "NaN" in message or "Infinity" in message:
            raise BadReport(RejectReason.INVALID_VALUE, message) from None
        raise BadReport(RejectReason.NOT_JSON, f"{message}; begins {value[:60]!r}") from None
    _exactly(value)
    shown = repr(first.get("input"))[:80]
    if kind == "missing":
        raise BadReport(RejectReason.MISSING_FIELD, f"{where} is required") from None
    if where in ("time",):
        raise BadReport(RejectReason.BAD_TIME, f"time {shown} is not RFC 3339 text, e.g. 2026-11-21T08:15:02+08:00") from None
    shape = kind in ("dict_type", "model_type", "list_type", "typed_dict_type", "model_attributes_type")
    raise BadReport(
        RejectReason.INVALID_SHAPE if shape else RejectReason.INVALID_VALUE, f"{where or 'the value'} = {shown}: {message}"
    ) from None


def _exactly(value: bytes) -> None:
    """Raise BadReport for what the fast look cannot see: duplicate and empty keys, and depth."""
    try:
        _depth(json.loads(value, object_pairs_hook=_unique), 1)
    except UnicodeDecodeError:
        raise BadReport(RejectReason.NOT_JSON, "the value is not UTF-8") from None
    except RecursionError:
        raise BadReport(RejectReason.TOO_DEEP, f"nested deeper than {MAX_DEPTH}") from None
    except json.JSONDecodeError as error:
        raise BadReport(RejectReason.NOT_JSON, str(error)) from None


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    held = dict(pairs)
    if len(held) != len(pairs):
        twice = next(key for key, _ in pairs if sum(key == other for other, _ in pairs) > 1)
        raise BadReport(RejectReason.DUPLICATE_KEYS, f"key {twice!r} stands twice in one object")
    if "" in held:
        raise BadReport(RejectReason.INVALID_SHAPE, "an object has an empty key")
    return held


def _depth(value: Any, depth: int) -> None:
    if depth > MAX_DEPTH:
        raise BadReport(RejectReason.TOO_DEEP, f"nested deeper than {MAX_DEPTH}")
    children = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    for child in children:
        _depth(child, depth + 1)
