"""What is wrong with routing only across files: names that nothing bears, rows that can never decide."""

import re
from collections.abc import Callable

from config.documents import unknown
from config.load_catalogue import Catalogue, Origin
from config.load_checks import doubles, tell, uncovered
from config.load_routes import Routing
from incidents.catalogue import Category, DistrictName, Route, Unit
from incidents.places import community_code
from incidents.route_choice import is_only_nearest

MATCHERS = ("category", "domain", "condition", "district", "area", "zone", "hours", "days", "channel", "severity", "owner")
_GRID = re.compile(r"\d{4}-\d{4}")


def check_routes(routing: Routing, catalogue: Catalogue, units: list[Unit], districts: list[DistrictName]) -> None:
    """Every route names what exists, changes something, and can be reached."""
    doubles(((route.key, origin) for route, origin in routing.routes), "route", "key")
    doubles(((zone.key, origin) for zone, origin in routing.zones), "zone", "key")
    known = _names(routing, catalogue, units, districts)
    categories = [category for category, _ in catalogue.categories]
    for at, (route, origin) in enumerate(routing.routes):
        _check_names(route, origin, known)
        _check_worth(route, origin, units, districts)
        _check_reach(route, origin, [earlier for earlier, _ in routing.routes[:at]], categories)
    if routing.fallback is not None and routing.fallback not in known["lead"]:
        routing.document.problem(unknown(routing.fallback, known["lead"], "unit kind"), "fallback")


def check_fitness(units: list[tuple[Unit, Origin]], catalogue: Catalogue, districts: list[DistrictName]) -> None:
    """What units handle are categories or domains, and the area that they are for exists."""
    fit = [category.key for category, _ in catalogue.categories] + [domain.key for domain in catalogue.domains]
    for unit, origin in units:
        for name in unit.handles:
            if name not in fit:
                tell(origin, unknown(name, fit, "category or domain"), "handles")
        if unit.area is not None and not _is_cell(unit.area, districts):
            tell(origin, f"area = {unit.area!r} is no subdistrict, community or grid", "area")


def _names(routing: Routing, catalogue: Catalogue, units: list[Unit], districts: list[DistrictName]) -> dict[str, list[str]]:
    kinds = sorted({unit.kind for unit in units})
    return {
        "category": [category.key for category, _ in catalogue.categories],
        "domain": [domain.key for domain in catalogue.domains],
        "district": [district.code for district in districts],
        "zone": [zone.key for zone, _ in routing.zones],
        "owner": [*kinds, *(unit.key for unit in units)],
        "lead": kinds,
        "assisting": kinds,
        "nearest": kinds,
        "area": [code for district in districts for code in (district.code, *(code for code, _ in district.subdistricts))],
    }


def _check_names(route: Route, origin: Origin, known: dict[str, list[str]]) -> None:
    for key, names in known.items():
        given = getattr(route, key)
        for name in (given,) if isinstance(given, str) else given or ():
            if name not in names and not (key == "area" and _is_below(name, names)):
                tell(origin, unknown(name, names, "unit kind" if key in ("lead", "assisting", "nearest") else key), key)


def _is_below(code: str, areas: list[str]) -> bool:
    """A community or a grid: their codes are made, not listed."""
    return _GRID.fullmatch(code) is not None or any(code == community_code(area, number) for area in areas for number in range(1, 7))


def _is_cell(code: str, districts: list[DistrictName]) -> bool:
    subdistricts = [code for district in districts for code, _ in district.subdistricts]
    return code in subdistricts or _is_below(code, subdistricts)


def _check_worth(route: Route, origin: Origin, units: list[Unit], districts: list[DistrictName]) -> None:
    near = [district for district in districts if route.district in (None, district.code)]
    if route.lead in {unit.kind for unit in units} and (gap := uncovered(route.lead or "", units, near)):
        tell(origin, f"route {route.key!r}: no {route.lead!r} for {', '.join(gap)}, and none of the whole city", "lead")
    if route.lead is None and route.assisting is None and not route.nearest:
        tell(origin, f"route {route.key!r} names neither lead nor assisting units nor the nearest, so it changes nothing")
    if route.hours is not None and len(set(route.hours.split("-"))) == 1:
        tell(origin, f"route {route.key!r}: hours = {route.hours!r} end when they begin", "hours")


def _check_reach(route: Route, origin: Origin, earlier: list[Route], categories: list[Category]) -> None:
    if not any(_fits(route, category) for category in categories):
        tell(origin, f"route {route.key!r} can never match: no category has this domain and condition")
    covers: Callable[[Route], bool] = lambda other: all(getattr(other, m) in (None, getattr(route, m)) for m in MATCHERS)
    deciding = [other for other in earlier if not is_only_nearest(other)]
    if above := next(filter(covers, deciding), None):
        tell(origin, f"route {route.key!r} can never match: {above.key!r} above it takes all of its cases")


def _fits(route: Route, category: Category) -> bool:
    return (
        route.category in (None, category.key)
        and route.domain in (None, category.domain)
        and (route.condition is None or any(condition.key == route.condition for condition in category.conditions))
    )
