"""What only shows across the files of a city's folder: names that nothing bears, rows that can never be used, doubles."""

import re
from collections.abc import Iterable
from itertools import pairwise
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from config.documents import Document, unknown
from config.load_catalogue import Catalogue, Origin
from incidents.catalogue import Bounds, City, DistrictName, Unit
from incidents.geography import ShapeSource
from incidents.places import inside
from incidents.vocabulary import Channel


def tell(origin: Origin, message: str, *key: str) -> None:
    """Note a mistake at a row, or at a key of it."""
    document, table, number = origin
    document.problem(message, table, number, *key)


def doubles(rows: Iterable[tuple[str, Origin]], what: str, key: str) -> None:
    """Note every name that stands a second time."""
    seen: dict[str, Origin] = {}
    for name, origin in rows:
        if name in seen:
            document, table, number = seen[name]
            tell(origin, f"{what} {name!r} stands already at {document.path}:{document.line(table, number)}", key)
        seen.setdefault(name, origin)


def check_frame(document: Document, city: City) -> None:
    """city.toml itself: code, box, zone, accuracies, and points that must lie in the box."""
    if not re.fullmatch(r"[A-Z][A-Z0-9]{1,7}", city.code):
        document.problem(f"code = {city.code!r}: two to eight capitals or digits, like QD", "code")
    for channel in Channel:
        if channel not in city.accuracy_m:
            document.problem(f"accuracy_m says nothing of channel {channel}", "accuracy_m")
    if len(set(city.levels)) < len(city.levels):
        document.problem("a level stands twice", "levels")
    if city.boundaries.source is ShapeSource.FILE and not city.boundaries.file:
        document.problem('boundaries: source = "file" needs file = "<name>.geojson" in this folder', "boundaries", "source")
    try:
        ZoneInfo(city.time_zone)
    except (ZoneInfoNotFoundError, ValueError):
        document.problem(f"time_zone = {city.time_zone!r} is no IANA time zone like Asia/Shanghai", "time_zone")
    if _check_box(document, city.bounds):
        _check_points(document, city)


def _check_box(document: Document, box: Bounds) -> bool:
    if max(abs(box.south), abs(box.north)) > 90 or max(abs(box.west), abs(box.east)) > 180:
        document.problem("bounds beyond 90° of latitude or 180° of longitude; longitude and latitude are swapped", "bounds", "south")
    elif box.west >= box.east:
        document.problem("bounds: west is not below east; they are swapped", "bounds", "west")
    elif box.south >= box.north:
        document.problem("bounds: south is not below north; they are swapped", "bounds", "south")
    else:
        return True
    return False


def _check_points(document: Document, city: City) -> None:
    for lon, lat in city.default_geocodes:
        if not inside(city.bounds, lon, lat):
            document.problem(f"default geocode [{lon}, {lat}] lies outside the bounds; write [longitude, latitude]", "default_geocodes")
    for district in city.districts:
        if district.centre is not None and not inside(city.bounds, *district.centre):
            document.problem(f"centre {list(district.centre)} of district {district.code} lies outside the bounds", "bounds")


def check_catalogue(catalogue: Catalogue) -> None:
    """Keys are unique in the city, codes in their domain; a family has one distance and window, or merging would depend on the order."""
    doubles(((category.key, origin) for category, origin in catalogue.categories), "category", "key")
    for domain in catalogue.domains:
        own = [(category.code, origin) for category, origin in catalogue.categories if category.domain == domain.key]
        doubles(own, f"code of domain {domain.key}", "code")
    families = sorted(catalogue.categories, key=lambda row: row[0].family)
    for (one, _), (other, origin) in pairwise(families):
        if one.family == other.family and (one.radius_m, one.window) != (other.radius_m, other.window):
            tell(origin, f"{other.key} and {one.key} are of family {one.family!r} but differ in radius_m or window", "family")


def check_units(units: list[tuple[Unit, Origin]], districts: list[DistrictName], levels: tuple[str, ...]) -> None:
    """Unit keys are unique; districts, levels and parents exist; no office is above itself."""
    doubles(((unit.key, origin) for unit, origin in units), "unit", "key")
    by_key = {unit.key: unit for unit, _ in units}
    codes = [district.code for district in districts]
    for unit, origin in units:
        if unit.district is not None and unit.district not in codes:
            tell(origin, unknown(unit.district, codes, "district"), "district")
        if unit.level not in levels:
            tell(origin, unknown(unit.level, list(levels), "level"), "level")
        if unit.parent is not None and unit.parent not in by_key:
            tell(origin, unknown(unit.parent, list(by_key), "unit"), "parent")
        elif _circles(unit, by_key):
            tell(origin, f"unit {unit.key!r} is above itself", "parent")


def _circles(unit: Unit, by_key: dict[str, Unit]) -> bool:
    seen, above = {unit.key}, by_key.get(unit.parent or "")
    while above is not None:
        if above.key in seen:
            return above.key == unit.key
        seen.add(above.key)
        above = by_key.get(above.parent or "")
    return False


def check_leads(catalogue: Catalogue, units: list[Unit], districts: list[DistrictName]) -> None:
    """Every lead and assisting kind exists, and the lead has an office for every district, its own or the city's."""
    kinds = {unit.kind for unit in units}
    for category, origin in catalogue.categories:
        for key, kind in [("lead", category.lead), *(("assisting", kind) for kind in category.assisting)]:
            if kind not in kinds:
                tell(origin, f"{category.key}: {unknown(kind, list(kinds), 'unit kind')}", key)
        if gap := uncovered(category.lead, units, districts):
            tell(origin, f"{category.key}: no {category.lead!r} for {', '.join(gap)}, and none of the whole city", "lead")


def uncovered(kind: str, units: list[Unit], districts: list[DistrictName]) -> list[str]:
    """The districts for which no unit of the kind is there, neither their own nor the city's."""
    places = {unit.district for unit in units if unit.kind == kind}
    if not places or None in places:
        return []
    return [district.code for district in districts if district.code not in places]
