"""What the page needs to name things: the city, its categories, units and districts, in both languages an operator reads."""

from itertools import pairwise
from typing import Any

from config.base_layers import load_base_layers
from config.settings import Settings
from incidents.catalogue import Category, City


def catalogue(city: City) -> dict[str, Any]:
    """Names by key in both languages, with what a page must know to ask for a command: conditions and limits, levels, closing conditions.

    `{"city": {code, zone, zh, en}, "categories": {key: {zh, en, domain, …}}, "units": {key: {zh, en}}, "districts": {code: …}, …}`.
    """
    return {
        "city": {"code": city.code, "zone": city.time_zone, **city.name.model_dump()},
        "categories": {category.key: _category(category) for category in city.categories},
        "domains": {domain.key: domain.name.model_dump() for domain in city.domains},
        "units": {unit.key: unit.name.model_dump() for unit in city.units},
        "districts": {
            each.code: {**each.name.model_dump(), "subdistricts": {code: name.model_dump() for code, name in each.subdistricts}}
            for each in city.districts
        },
        "levels": list(city.levels),
        "rules": city.rules,
    }


def layers_of(settings: Settings) -> dict[str, Any]:
    """`{"map": {"layers": [BaseLayer…]}}`. Raises UserError for a file that is wrong."""
    return {"map": {"layers": [layer.model_dump(mode="json") for layer in load_base_layers(settings.base_layers)]}}


def _category(category: Category) -> dict[str, Any]:
    return {
        **category.name.model_dump(),
        **category.model_dump(mode="json", include={"domain", "code", "nature", "severity", "close", "lead"}),
        "closing_condition": category.closing_condition.model_dump(),
        "conditions": [
            {**row.name.model_dump(), **row.model_dump(mode="json", include={"key", "clock", "limit", "grade", "severity"})}
            for row in category.conditions
        ],
    }


def labelled(outlines: dict[str, Any]) -> dict[str, Any]:
    """The outlines with a point for each name: property `label`, the centroid of the feature's largest ring, degrees."""
    features = [
        {**feature, "properties": {**feature["properties"], "label": _middle(feature["geometry"])}} for feature in outlines["features"]
    ]
    return {**outlines, "features": features}


def _middle(geometry: dict[str, Any]) -> list[float]:
    polygons = [geometry["coordinates"]] if geometry["type"] == "Polygon" else geometry["coordinates"]
    area, lon, lat = max((_centroid(polygon[0]) for polygon in polygons), key=lambda found: abs(found[0]))
    return [round(lon, 5), round(lat, 5)]


def _centroid(ring: list[list[float]]) -> tuple[float, float, float]:
    """Signed area (square degrees, only to compare) and centroid of a closed ring."""
    area, east, north = 0.0, 0.0, 0.0
    for (x1, y1), (x2, y2) in pairwise(ring):
        cross = x1 * y2 - x2 * y1
        area, east, north = area + cross / 2, east + (x1 + x2) * cross / 6, north + (y1 + y2) * cross / 6
    return area, east / area, north / area
