"""Where the cameras of a simulated city stand: sites (a crossing, a square) with one to three cameras each, inside the districts.

Built once at the start. Positions are integers of 1e-7 degrees in arrays: 230,000 cameras take some 6 MB.
"""

import math
import random
from array import array
from bisect import bisect
from collections import defaultdict
from dataclasses import dataclass
from itertools import accumulate

from incidents.catalogue import Bounds
from incidents.places import METRES_PER_DEGREE, Locate

E7 = 10_000_000
COARSE = 0.05
FINE = 0.004
BLOCK = 0.02
"""Edge, in degrees, of the blocks in which a truck finds the next site on its way (about 2 km)."""
CAMERAS_PER_SITE = ((1, 0.45), (2, 0.8), (3, 1.0))
"""How many cameras a site has, with the cumulative share of sites."""


@dataclass(frozen=True, slots=True)
class Square:
    """A piece of one district, WGS-84 degrees; `district` is its code, None where nobody knows districts."""

    west: float
    south: float
    edge: float
    district: str | None


def squares(bounds: Bounds, locate: Locate | None) -> list[Square]:
    """Squares inside the districts: every corner and the middle lie in the same one. Without geography, squares over the bounds."""
    finder = _Finder(locate)
    columns = math.ceil((bounds.east - bounds.west) / COARSE)
    rows = math.ceil((bounds.north - bounds.south) / COARSE)
    all_over = [Square(bounds.west + x * COARSE, bounds.south + y * COARSE, COARSE, None) for x in range(columns) for y in range(rows)]
    found = [piece for square in all_over for piece in finder.pieces(square)]
    return found or [square for square in all_over if _within(square, bounds)] or [_middle(bounds)]


def _within(square: Square, bounds: Bounds) -> bool:
    return square.west + square.edge <= bounds.east and square.south + square.edge <= bounds.north


def _middle(bounds: Bounds) -> Square:
    edge = min(bounds.east - bounds.west, bounds.north - bounds.south)
    return Square(bounds.west, bounds.south, edge, None)


class _Finder:
    """Halves squares until each lies in one district, or is too small to matter."""

    def __init__(self, locate: Locate | None) -> None:
        self._locate = locate
        self._known: dict[tuple[int, int], str | None] = {}

    def pieces(self, square: Square) -> list[Square]:
        west, south, edge = square.west, square.south, square.edge
        half = edge / 2
        corners = [(west, south), (west + edge, south), (west, south + edge), (west + edge, south + edge), (west + half, south + half)]
        districts = {self._district(lon, lat) for lon, lat in corners}
        if len(districts) == 1:
            district = districts.pop()
            return [Square(west, south, edge, district)] if district else []
        if half < FINE:
            return []
        quarters = [Square(west + x * half, south + y * half, half, None) for x in (0, 1) for y in (0, 1)]
        return [piece for quarter in quarters for piece in self.pieces(quarter)]

    def _district(self, lon: float, lat: float) -> str | None:
        at = (round(lon * E7), round(lat * E7))
        if at not in self._known:
            self._known[at] = self._locate(lon, lat).district if self._locate else None
        return self._known[at]


class Ground:
    """Draws points inside the city: a district first (the root of its area counts: towns are denser than the country), then a square."""

    def __init__(self, pieces: list[Square]) -> None:
        by_district: dict[str | None, list[Square]] = defaultdict(list)
        for square in pieces:
            by_district[square.district].append(square)
        self._squares = list(by_district.values())
        self._weights = [list(accumulate(square.edge**2 for square in group)) for group in self._squares]
        self._districts = list(accumulate(math.sqrt(weights[-1]) for weights in self._weights))

    def point(self, rng: random.Random) -> tuple[int, int, str | None]:
        """Longitude and latitude in 1e-7 degrees, and the district's code."""
        group = bisect(self._districts, rng.random() * self._districts[-1])
        weights = self._weights[group]
        square = self._squares[group][bisect(weights, rng.random() * weights[-1])]
        lon = square.west + rng.random() * square.edge
        lat = square.south + rng.random() * square.edge
        return round(lon * E7), round(lat * E7), square.district


class Cameras:
    """All cameras of the city, numbered from 0; those of one site have neighbouring numbers and see the same things."""

    def __init__(self, ground: Ground, count: int, rng: random.Random) -> None:
        self.count = count
        self.lon = array("i")
        self.lat = array("i")
        self._site_of = array("I")
        self._first_of = array("I")
        self._district_of = array("H")
        self._districts: list[str | None] = []
        self._blocks: dict[tuple[int, int], array[int]] = defaultdict(lambda: array("I"))
        while len(self.lon) < count:
            self._add_site(ground, rng)
        self._first_of.append(count)

    @property
    def sites(self) -> int:
        """How many sites there are."""
        return len(self._first_of) - 1

    def _add_site(self, ground: Ground, rng: random.Random) -> None:
        lon, lat, district = ground.point(rng)
        site = len(self._first_of)
        self._first_of.append(len(self.lon))
        if district not in self._districts:
            self._districts.append(district)
        self._district_of.append(self._districts.index(district))
        self._blocks[_block(lon, lat)].append(site)
        roll = rng.random()
        wanted = next(number for number, share in CAMERAS_PER_SITE if roll < share)
        for _ in range(min(wanted, self.count - len(self.lon))):
            east, north = offset_e7(lat, rng.uniform(-30, 30), rng.uniform(-30, 30))
            self.lon.append(lon + east)
            self.lat.append(lat + north)
            self._site_of.append(site)

    def at_site(self, site: int) -> range:
        """The cameras of a site."""
        return range(self._first_of[site], self._first_of[site + 1])

    def place(self, site: int) -> tuple[int, int]:
        """Where a site is: its first camera, in 1e-7 degrees."""
        first = self._first_of[site]
        return self.lon[first], self.lat[first]

    def district(self, camera: int) -> str | None:
        """The code of the camera's district."""
        return self._districts[self._district_of[self._site_of[camera]]]

    def device_id(self, camera: int) -> str:
        """Twenty digits as in GB/T 28181: district (8), trade (2), 132 = network camera, network (1), serial number (6)."""
        district = "".join(filter(str.isdigit, self.district(camera) or ""))[:6].ljust(6, "0")
        return f"{district}00001320{camera:06d}"

    def site_near(self, site: int, rng: random.Random) -> int:
        """A site some hundred metres to a few kilometres away, the same one where there is no other."""
        x, y = _block(*self.place(site))
        near = self._blocks.get((x + rng.randint(-1, 1), y + rng.randint(-1, 1))) or self._blocks.get((x, y))
        return near[rng.randrange(len(near))] if near else site


def _block(lon: int, lat: int) -> tuple[int, int]:
    return int(lon / E7 / BLOCK), int(lat / E7 / BLOCK)


def offset_e7(lat: int, east_m: float, north_m: float) -> tuple[int, int]:
    """Metres east and north at a latitude as 1e-7 degrees of longitude and latitude."""
    per_metre = E7 / METRES_PER_DEGREE
    return round(east_m * per_metre / math.cos(math.radians(lat / E7))), round(north_m * per_metre)
