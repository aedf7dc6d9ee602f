"""Where things are, as arithmetic: datums, the one distance formula, the 100 m grid and the schematic cells of a city.

Intake calls `to_wgs84` and `distance_m` for every report; `adapters.boundaries` makes a `Locate` from a city's shapes with the seeds below.
"""

import functools
import hashlib
import math
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from incidents.catalogue import Bounds
from incidents.geography import Datum

EARTH_RADIUS_M = 6_371_008.8
METRES_PER_DEGREE = EARTH_RADIUS_M * math.pi / 180
GRID_M = 100
"""Edge of a unit cell: 100 m x 100 m are ten thousand square metres (万米单元网格)."""

Point = tuple[float, float]
"""Longitude, latitude, in degrees."""


class Located(NamedTuple):
    """The cells of a point, by code; None where the city's geography does not say."""

    district: str | None = None
    subdistrict: str | None = None
    community: str | None = None
    grid: str | None = None


Locate = Callable[[float, float], Located]
"""Longitude and latitude (WGS-84) to cells. Never raises on a finite point; callers may call it for every report."""


def distance_m(lon1: float, lat1: float, lon2: float, lat2: float) -> float:
    """Metres between two points, equirectangular at their mean latitude: below 0.1 % off for the radii of any rule (5 km).

    >>> round(distance_m(120.0, 36.0, 120.0, 37.0))
    111195
    """
    east = (lon2 - lon1) * math.cos(math.radians((lat1 + lat2) / 2))
    return math.hypot(east, lat2 - lat1) * METRES_PER_DEGREE


# --- datums -------------------------------------------------------------------------------------------------------------------

_AXIS = 6378245.0
_ECCENTRICITY2 = 0.00669342162296594323
_BD_TURN = math.pi * 3000 / 180
_CHINA = Bounds(west=72.004, south=0.8293, east=137.8347, north=55.8271)


def to_wgs84(lon: float, lat: float, datum: Datum) -> Point:
    """The same place in WGS-84, to better than a centimetre of the public formula's own inverse.

    GCJ-02 and BD-09 are given only as functions *from* WGS-84, so the inverse is found by six fixed-point rounds (each shrinks the error
    about a thousandfold). Outside mainland China's box the two datums are WGS-84 itself, as the public formula has it.
    """
    if datum is Datum.WGS84:
        return lon, lat
    forward = to_gcj02 if datum is Datum.GCJ02 else to_bd09
    guess_lon, guess_lat = lon, lat
    for _ in range(6):
        there_lon, there_lat = forward(guess_lon, guess_lat)
        guess_lon, guess_lat = guess_lon + lon - there_lon, guess_lat + lat - there_lat
    return guess_lon, guess_lat


def to_gcj02(lon: float, lat: float) -> Point:
    """WGS-84 to GCJ-02, the datum of Chinese web maps (public formula)."""
    if not inside(_CHINA, lon, lat):
        return lon, lat
    east, north = _wobble(lon - 105.0, lat - 35.0)
    sine = math.sin(math.radians(lat))
    magic = 1 - _ECCENTRICITY2 * sine * sine
    meridian = _AXIS * (1 - _ECCENTRICITY2) / (magic * math.sqrt(magic))
    parallel = _AXIS / math.sqrt(magic) * math.cos(math.radians(lat))
    return lon + math.degrees(east / parallel), lat + math.degrees(north / meridian)


def _wobble(x: float, y: float) -> Point:
    """Metres east and north that GCJ-02 moves a point x, y degrees from 105 E 35 N."""
    root, sin, pi = math.sqrt(abs(x)), math.sin, math.pi
    common = (20 * sin(6 * x * pi) + 20 * sin(2 * x * pi)) * 2 / 3
    east = 300 + x + 2 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * root + common
    east += (20 * sin(x * pi) + 40 * sin(x / 3 * pi)) * 2 / 3
    east += (150 * sin(x / 12 * pi) + 300 * sin(x / 30 * pi)) * 2 / 3
    north = -100 + 2 * x + 3 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * root + common
    north += (20 * sin(y * pi) + 40 * sin(y / 3 * pi)) * 2 / 3
    north += (160 * sin(y / 12 * pi) + 320 * sin(y * pi / 30)) * 2 / 3
    return east, north


def to_bd09(lon: float, lat: float) -> Point:
    """WGS-84 to BD-09: GCJ-02, turned and shifted once more (public formula)."""
    if not inside(_CHINA, lon, lat):
        return lon, lat
    x, y = to_gcj02(lon, lat)
    reach = math.hypot(x, y) + 0.00002 * math.sin(y * _BD_TURN)
    angle = math.atan2(y, x) + 0.000003 * math.cos(x * _BD_TURN)
    return reach * math.cos(angle) + 0.0065, reach * math.sin(angle) + 0.006


# --- boxes and the grid ---------------------------------------------------------------------------------------------------------


def inside(bounds: Bounds, lon: float, lat: float) -> bool:
    """Whether the point lies in the box, edges included; False for NaN."""
    return bounds.west <= lon <= bounds.east and bounds.south <= lat <= bounds.north


def to_plane(bounds: Bounds, lon: float, lat: float) -> Point:
    """Metres east and north of the box's south-west corner, on one scale for the whole city (1 % off at a box 2° high)."""
    return (lon - bounds.west) * _metres_per_lon(bounds), (lat - bounds.south) * METRES_PER_DEGREE


def from_plane(bounds: Bounds, x: float, y: float) -> Point:
    """Inverse of `to_plane`."""
    return bounds.west + x / _metres_per_lon(bounds), bounds.south + y / METRES_PER_DEGREE


def _metres_per_lon(bounds: Bounds) -> float:
    return _metres_per_lon_at((bounds.south + bounds.north) / 2)


@functools.lru_cache
def _metres_per_lon_at(lat: float) -> float:
    return METRES_PER_DEGREE * math.cos(math.radians(lat))


def grid_cell(bounds: Bounds, lon: float, lat: float) -> str:
    """Code `row-column` of the 100 m cell, counted from the south-west corner of the city's box: the same point, the same code, for ever.

    >>> grid_cell(Bounds(west=120, south=36, east=121, north=37), 120.0012, 36.0002)
    '0000-0001'
    """
    x, y = to_plane(bounds, lon, lat)
    return f"{int(y // GRID_M):04d}-{int(x // GRID_M):04d}"


def cell_bounds(bounds: Bounds, cell: str) -> Bounds:
    """The box of a grid cell. Raises ValueError when `cell` is no code of `grid_cell`."""
    row, column = (int(part) for part in cell.split("-"))
    west, south = from_plane(bounds, column * GRID_M, row * GRID_M)
    east, north = from_plane(bounds, (column + 1) * GRID_M, (row + 1) * GRID_M)
    return Bounds(west=west, south=south, east=east, north=north)


# --- schematic geography --------------------------------------------------------------------------------------------------------


def spread(name: str, box: Bounds, contains: Callable[[float, float], bool], count: int) -> list[Point]:
    """`count` points inside a shape, far from each other, the same for the same name and shape on every machine.

    Each point is the farthest of eight candidates from those already laid (Mitchell's best candidate); candidates come from hashes of
    `name`. Raises ValueError when the shape fills so little of its box that no candidate falls into it.
    """
    laid: list[Point] = []
    drawn = 0
    while len(laid) < count:
        candidates: list[Point] = []
        while len(candidates) < 8:
            if drawn > 20_000 + 1000 * count:
                raise ValueError(f"{name}: no room for {count} points in its shape")
            point = _draw(name, drawn, box)
            drawn += 1
            if contains(*point):
                candidates.append(point)
        laid.append(max(candidates, key=lambda point: _room(point, laid)))
    return laid


def _room(point: Point, laid: list[Point]) -> float:
    return min((distance_m(point[0], point[1], lon, lat) for lon, lat in laid), default=0.0)


def _draw(name: str, number: int, box: Bounds) -> Point:
    digest = hashlib.blake2b(f"{name}/{number}".encode(), digest_size=8).digest()
    u, v = int.from_bytes(digest[:4], "big") / 2**32, int.from_bytes(digest[4:], "big") / 2**32
    return box.west + u * (box.east - box.west), box.south + v * (box.north - box.south)


def nearest(lon: float, lat: float, seeds: Sequence[tuple[float, float, str]]) -> str:
    """Code of the nearest of (longitude, latitude, code) seeds; the first wins a tie. Raises ValueError on no seeds."""
    shrink = math.cos(math.radians(lat)) ** 2
    apart = [shrink * (x - lon) ** 2 + (y - lat) ** 2 for x, y, _ in seeds]
    return seeds[apart.index(min(apart))][2]


def communities(seeds: Sequence[tuple[float, float, str]]) -> dict[str, list[tuple[float, float, str]]]:
    """Schematic communities of each seeded subdistrict: one at its seed and five around it, two fifths of the way to the next seed.

    Six a subdistrict, so that a city of 140 has some 850: the order of magnitude of a real one.
    """
    return {code: list(_around(lon, lat, code, _reach_m(lon, lat, code, seeds))) for lon, lat, code in seeds}


def _reach_m(lon: float, lat: float, code: str, seeds: Sequence[tuple[float, float, str]]) -> float:
    return 0.4 * min((distance_m(lon, lat, seed[0], seed[1]) for seed in seeds if seed[2] != code), default=2000.0)


def _around(lon: float, lat: float, code: str, reach_m: float) -> Iterator[tuple[float, float, str]]:
    yield lon, lat, community_code(code, 1)
    for number in range(5):
        angle = math.tau * number / 5
        north = math.degrees(reach_m * math.cos(angle) / EARTH_RADIUS_M)
        east = math.degrees(reach_m * math.sin(angle) / EARTH_RADIUS_M) / math.cos(math.radians(lat))
        yield lon + east, lat + north, community_code(code, number + 2)


def community_code(subdistrict: str, number: int) -> str:
    """Code of a schematic community: deliberately not the form of an official 12-digit one.

    >>> community_code("370202001", 3)
    '370202001-03'
    """
    return f"{subdistrict}-{number:02d}"
