"""Conditions of hooks.toml beyond Alertmanager's: on what changes while a case is open, in its order, and on its place.

`unit=~"sanitation.*"`, `overdue="true"`, `state!="suspended"` compare an annotation (or label) as a matcher does; `severity>=major` and
`level>=district` know the order; `zone="may_fourth_square"` and `near="120.38,36.06,500"` (longitude, latitude, metres) ask the place.
"""

import re
from collections.abc import Callable, Sequence

from config.documents import unknown
from config.notice_tree import matcher_of
from incidents.alerts import LABELS
from incidents.catalogue import City, Zone
from incidents.notice_tree import Labels, Where
from incidents.places import distance_m
from incidents.route_match import contains
from incidents.vocabulary import Severity

_ORDERED = re.compile(r"\s*([a-z_]+)\s*(>=|<=|>|<)\s*\"?([a-z_]+)\"?\s*")
_CIRCLE = re.compile(r"(-?\d+(?:\.\d+)?),\s*(-?\d+(?:\.\d+)?),\s*(\d+(?:\.\d+)?)")
CHANGING = ("state", "category", "condition", "severity", "level", "unit", "assisting", "overdue", "due_at", "escalated_to", "acknowledged")
ELSEWHERE = ("community", "grid", "ended_as", "merged_into")
PLACES = ("zone", "near")
_COMPARE: dict[str, Callable[[int, int], bool]] = {
    ">=": lambda one, other: one >= other,
    "<=": lambda one, other: one <= other,
    ">": lambda one, other: one > other,
    "<": lambda one, other: one < other,
}


def where_of(text: str, city: City) -> Where:
    """A condition from its text. Raises ValueError saying what is wrong with it."""
    ordered = _ORDERED.fullmatch(text)
    if ordered is not None:
        return Where(text, _in_order(ordered[1], _COMPARE[ordered[2]], ordered[3], city))
    matcher = matcher_of(text)
    if matcher.label == "near":
        return Where(text, _near(text, matcher.op == "=", matcher.value))
    if matcher.label == "zone":
        return Where(text, _zone(text, matcher.op, matcher.value, city))
    known = [*CHANGING, *ELSEWHERE, *PLACES, *LABELS]
    if matcher.label not in known:
        raise ValueError(unknown(matcher.label, known, "condition"))
    return Where(text, matcher.matches)


def _in_order(name: str, compare: Callable[[int, int], bool], value: str, city: City) -> Callable[[Labels], bool]:
    """Severity from minor to emergency, levels from the grid up to the city; where there is none, nothing holds."""
    orders: dict[str, Sequence[str]] = {"severity": [each.value for each in Severity], "level": city.levels, "escalated_to": city.levels}
    if name not in orders:
        raise ValueError(f"{name} has no order; {', '.join(orders)} have one")
    rank = {each: -number for number, each in enumerate(orders[name])}
    if value not in rank:
        raise ValueError(unknown(value, list(rank), name))
    return lambda seen: seen.get(name) in rank and compare(rank[seen[name]], rank[value])


def _near(text: str, is_equal: bool, value: str) -> Callable[[Labels], bool]:
    circle = _CIRCLE.fullmatch(value)
    if circle is None or not is_equal:
        raise ValueError(f'{text!r}: write near="longitude,latitude,metres", like near="120.3826,36.0671,500"')
    lon, lat, metres = (float(each) for each in circle.groups())
    return lambda seen: "lon" in seen and distance_m(float(seen["lon"]), float(seen["lat"]), lon, lat) <= metres


def _zone(text: str, op: str, value: str, city: City) -> Callable[[Labels], bool]:
    if op not in ("=", "!="):
        raise ValueError(f'{text!r}: write zone="key" or zone!="key" with a zone of routes.toml')
    if value not in city.zone_by_key:
        raise ValueError(unknown(value, list(city.zone_by_key), "zone"))
    zone, wanted = city.zone_by_key[value], op == "="
    return lambda seen: _lies_in(zone, seen) is wanted


def _lies_in(zone: Zone, seen: Labels) -> bool:
    return "lon" in seen and contains(zone, float(seen["lon"]), float(seen["lat"]))
