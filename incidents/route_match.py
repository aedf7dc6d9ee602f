"""Whether a row of the routing table holds for a case, and what of it does not: place, time, owner and what was reported.

Pure; `incidents.route_choice` asks it row by row, `cityloop routes why` shows the answers.
"""

from collections.abc import Iterator
from datetime import datetime, time

from incidents.case import Case
from incidents.catalogue import Category, City, Route, Unit, Zone
from incidents.commands import Place
from incidents.vocabulary import Days, Match


def holds(city: City, route: Route, case: Case, at: datetime) -> bool:
    """Whether every matcher that the route gives holds for the case at this moment."""
    return next(unmet(city, route, case, at), None) is None


def unmet(city: City, route: Route, case: Case, at: datetime) -> Iterator[str]:
    """Every matcher of the route that does not hold, with what it wants and what there is; nothing when all hold."""
    category = city.catalogue.get(case.category)
    yield from _unequal(route, case, category)
    if route.area is not None and route.area not in cells(case.place):
        yield f"area = {route.area}: it lies in {' '.join(cells(case.place)) or 'no known cell'}"
    if route.zone is not None and not (case.place.known and contains(city.zone_by_key[route.zone], case.place.lon, case.place.lat)):
        yield f"zone = {route.zone}: it lies outside"
    local = at.astimezone(city.worktime.zone)
    if route.hours is not None and not _within(route.hours, local.time()):
        yield f"hours = {route.hours}: it is {local:%H:%M}"
    if route.days is not None and route.days is not (today := _day(city, local)):
        yield f"days = {route.days}: {local:%Y-%m-%d} is {today or 'in a year that the calendar does not know'}"
    if route.owner is not None:
        owner = owner_of(city, case)
        if owner is None or route.owner not in (owner.key, owner.kind):
            yield f"owner = {route.owner}: the part's is {owner.key if owner else 'not known'}"


def _unequal(route: Route, case: Case, category: Category | None) -> Iterator[str]:
    wanted = (
        ("category", route.category, case.category),
        ("domain", route.domain, category.domain if category else None),
        ("condition", route.condition, case.condition),
        ("district", route.district, case.place.district),
        ("channel", route.channel, case.channel),
        ("severity", route.severity, case.severity),
    )
    for name, value, given in wanted:
        if value is not None and value != given:
            yield f"{name} = {value}: it is {given or 'not known'}"


def cells(place: Place) -> list[str]:
    """The codes of the place, the smallest first."""
    return [code for code in (place.grid, place.community, place.subdistrict, place.district) if code is not None]


def contains(zone: Zone, lon: float, lat: float) -> bool:
    """Whether a point lies in the polygon: a ray to the east crosses its edges an odd number of times.

    Of two polygons that share an edge, a point on it lies in at most one.
    """
    inside = False
    for (lon1, lat1), (lon2, lat2) in zip(zone.polygon, (*zone.polygon[1:], zone.polygon[0]), strict=True):
        if (lat1 > lat) != (lat2 > lat) and lon < lon1 + (lat - lat1) / (lat2 - lat1) * (lon2 - lon1):
            inside = not inside
    return inside


def _within(hours: str, local: time) -> bool:
    begins, ends = hours.split("-")
    now = f"{local:%H:%M}"
    if begins < ends:
        return begins <= now < ends
    return now >= begins or now < ends


def _day(city: City, local: datetime) -> Days | None:
    """What the calendar says of the day; None for a year that it does not know."""
    if city.calendar is None or local.year not in city.calendar.known:
        return None
    return Days.WORKDAY if city.calendar.is_workday(local.date()) else Days.RESTDAY


def owner_of(city: City, case: Case) -> Unit | None:
    """The unit that owns the part which the case is about, as far as assets.csv knows it."""
    if case.identity is None or case.identity.kind is not Match.PART:
        return None
    return city.unit_by_key.get(city.assets.get(case.identity.value, ""))


def office(city: City, kind: str, place: Place) -> Unit | None:
    """The unit of this kind of the smallest cell that has one: grid, community, subdistrict, district, city; else the unit so named."""
    for code in (*cells(place), None):
        unit = city.offices.get((kind, code))
        if unit is not None:
            return unit
    return city.unit_by_key.get(kind)
