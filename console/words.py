"""What the page needs to name things: the city, its categories, units and districts, in both languages an operator reads."""

from itertools import pairwise
from typing import Any

from incidents.catalogue import City


def catalogue(city: City) -> dict[str, Any]:
    """Names by key: `{"city": {zh, en}, "categories": {key: {zh, en, domain}}, "units": …, "districts": …}`, and the time zone."""
    return {
        "city": {"code": city.code, "zone": city.time_zone, **city.name.model_dump()},
        "categories": {category.key: {"domain": category.domain, **category.name.model_dump()} for category in city.categories},
        "units": {unit.key: unit.name.model_dump() for unit in city.units},
        "districts": {district.code: district.name.model_dump() for district in city.districts},
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
