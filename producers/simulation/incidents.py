"""What happens in a simulated city: an incident of some category begins somewhere, and these views will report it until it ends.

Four ways an incident can be: lasting at a place (or a part) · a truck with a plate that passes cameras on its way · a thing thrown from a
building · anything else that is over at once.
"""

import random
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import accumulate

from incidents.catalogue import Category, City
from incidents.places import distance_m
from incidents.vocabulary import Channel, Match, Nature, Severity
from producers.simulation import wording
from producers.simulation.places import E7, Cameras, offset_e7
from producers.simulation.plan import Mix, SimulationOptions, Tempo, life_ms, remaining_life_ms
from producers.simulation.views import View

WEIGHTS = {
    "road_spillage": 8.0,
    "exposed_waste": 10.0,
    "manhole_cover": 3.0,
    "standing_water": 2.0,
    "muck_truck_uncovered": 4.0,
    "muck_truck_mud": 3.0,
    "littering_from_height": 1.5,
    "construction_dust": 5.0,
    "construction_waste": 4.0,
    "unsorted_waste": 6.0,
    "illegal_advertising": 4.0,
    "street_stall": 7.0,
    "streetlight_out": 3.0,
    "fire_lane_blocked": 4.0,
}
"""How often a category comes; others 0.5, those of severity emergency 0.1."""
CALLED_IN = 0.15
"""Share of lasting incidents that residents call in as well."""
CALL_NOISE_M = 30
WITHOUT_POINT = 0.2
"""Share of calls that give an address and no point."""
STOPS = (3, 7)
TRUCK_MPS = 9.0
TRIP_MS = 25 * 60_000
Said = Mapping[str, object]
"""Further members of a report's data."""
Point7 = tuple[int, int]
"""Longitude and latitude in 1e-7 degrees."""


@dataclass(frozen=True, slots=True)
class Beginning:
    """The views of a new incident, each with the moment of its first report."""

    views: tuple[tuple[int, View], ...]


class Incidents:
    """Begins incidents. `tempo` must be set before the first one (it follows from `mix`)."""

    def __init__(self, city: City, cameras: Cameras, options: SimulationOptions, rng: random.Random) -> None:
        self._city = city
        self._cameras = cameras
        self._options = options
        self._rng = rng
        self._categories = city.own_categories
        self._weights = list(accumulate(_weight(category) for category in city.own_categories))
        self._begun = 0
        self.tempo = Tempo(1.0, 60.0, 0.0)

    @property
    def mix(self) -> Mix:
        """Averages over the catalogue, for the tempo."""
        total = self._weights[-1]
        short = {False: 0.0, True: 0.0}
        for category in self._categories:
            if not _lasts(category):
                short[Match.PLATE in category.match] += _weight(category)
        seen = self._cameras.count / self._cameras.sites
        of_short = short[True] * sum(STOPS) / 2 * 1.2 + short[False] * (1 + 0.3 * (seen - 1)) * 1.5
        all_short = short[True] + short[False]
        calls = CALLED_IN * 1.3
        return Mix(max(0.01, 1 - all_short / total), seen, of_short / all_short if all_short else 0.0, calls)

    def category(self) -> Category:
        """A category by its weight."""
        return self._rng.choices(self._categories, cum_weights=self._weights)[0]

    def begin(self, now_ms: int) -> Beginning:
        """An incident that begins now."""
        category = self.category()
        if _lasts(category):
            return self._lasting(category, now_ms, life_ms(self._options, self._rng))
        if Match.PLATE in category.match:
            return self._truck(category, now_ms)
        return self._at_once(category, now_ms)

    def already_open(self, now_ms: int) -> Beginning:
        """A lasting incident that began before the simulation did; without effect where nothing lasts."""
        for _ in range(100):
            category = self.category()
            if _lasts(category):
                return self._lasting(category, now_ms, remaining_life_ms(self._options, self._rng))
        return Beginning(())

    def false_alarm(self, now_ms: int) -> View:
        """A camera that sees, once, what is not there."""
        camera = self._rng.randrange(self._cameras.count)
        category = self.category()
        for _ in range(20):
            if not {Match.PLATE, Match.BUILDING} & set(category.match):
                break
            category = self.category()
        east, north = offset_e7(self._cameras.lat[camera], self._rng.uniform(-40, 40), self._rng.uniform(-40, 40))
        at = (self._cameras.lon[camera] + east, self._cameras.lat[camera] + north)
        view = self._camera_view(camera, category, at, None, {})
        view.kind, view.left, view.confident = "false_alarm", 1, 0.35 + 0.4 * self._rng.random()
        return view

    def _named(self) -> str:
        self._begun += 1
        return f"I-{self._begun:07d}"

    def _lasting(self, category: Category, now_ms: int, lasts_ms: int) -> Beginning:
        rng, cameras = self._rng, self._cameras
        site = rng.randrange(cameras.sites)
        incident = self._named()
        end_ms = now_ms + lasts_ms
        at = self._near(cameras.place(site), 45)
        said: dict[str, object] = {}
        if Match.PART in category.match:
            number = rng.randint(1, 4)
            at, said = _moved(cameras.place(site), number * 15.0), {"part_id": f"P-{site:06d}-{number}"}
        condition = rng.choice(category.conditions).key if rng.random() < 0.5 else None
        views: list[tuple[int, View]] = []
        for camera in cameras.at_site(site):
            view = self._camera_view(camera, category, at, incident, {**said, "condition": condition})
            view.every_ms = int(self.tempo.interval_s * 1000 / (0.5 + rng.random()))
            view.jitter_ms = min(1500, view.every_ms // 3)
            view.end_ms = end_ms
            first_ms = now_ms + int(rng.random() * view.every_ms)
            views.append((min(first_ms, end_ms) if not views else first_ms, view))
        if rng.random() < CALLED_IN:
            views += [self._call(category, at, incident, site, (now_ms, end_ms)) for _ in range(1 if rng.random() < 0.7 else 2)]
        return Beginning(tuple((first_ms, view) for first_ms, view in views if first_ms <= end_ms))

    def _truck(self, category: Category, now_ms: int) -> Beginning:
        """Three to seven crossings, each some minutes of driving after the last, seen by one camera once or twice."""
        rng, cameras = self._rng, self._cameras
        incident, said = self._named(), {"plate": wording.plate(rng)}
        site, at_ms = rng.randrange(cameras.sites), now_ms
        views: list[tuple[int, View]] = []
        for _ in range(rng.randint(*STOPS)):
            at_site = cameras.at_site(site)
            view = self._camera_view(at_site[rng.randrange(len(at_site))], category, self._near(cameras.place(site), 20), incident, said)
            view.every_ms, view.left, view.end_ms = 4000, 1 if rng.random() < 0.8 else 2, at_ms + 10_000
            views.append((at_ms, view))
            following = cameras.site_near(site, rng)
            metres = _metres(cameras.place(site), cameras.place(following))
            at_ms += 20_000 + int(metres / TRUCK_MPS * 1000 * rng.uniform(0.8, 1.5))
            site = following
            if at_ms > now_ms + TRIP_MS:
                break
        return Beginning(tuple(views))

    def _at_once(self, category: Category, now_ms: int) -> Beginning:
        """Seen by one camera, sometimes by the others of the site, once or twice within seconds."""
        rng, cameras = self._rng, self._cameras
        site = rng.randrange(cameras.sites)
        said: dict[str, object] = {}
        if Match.BUILDING in category.match:
            said = {"building": {"id": f"B-{site:06d}", "unit": str(rng.randint(1, 4)), "floor": rng.randint(2, 30)}}
        at, incident, views = self._near(cameras.place(site), 30), self._named(), []
        for number, camera in enumerate(cameras.at_site(site)):
            if number and rng.random() > 0.3:
                continue
            view = self._camera_view(camera, category, at, incident, said)
            view.every_ms, view.left, view.end_ms = 8000, rng.randint(1, 2), now_ms + 60_000
            views.append((now_ms + rng.randint(0, 5000), view))
        return Beginning(tuple(views))

    def _camera_view(self, camera: int, category: Category, at: Point7, incident: str | None, said: Said) -> View:
        source = f"/cameras/{self._cameras.device_id(camera)}"
        channel = Channel.HIGH_VIDEO if camera % 5 == 0 else Channel.LOW_VIDEO
        algorithm = f"{category.key.replace('_', '-')}/3.2"
        report = wording.event(
            self._city,
            source,
            category=category.key,
            channel=channel,
            location=wording.place(15),
            confidence="@confidence@",
            algorithm=algorithm,
            **said,
        )
        lon, lat = at[0] / E7, at[1] / E7
        confident = 0.72 + 0.15 * self._rng.random()
        view = View(wording.template(report), source, source.encode(), "camera", incident, lon, lat, 1000, 1 << 62, confident=confident)
        view.jitter_ms = 500
        return view

    def _call(self, category: Category, at: Point7, incident: str, site: int, life: tuple[int, int]) -> tuple[int, View]:
        """A resident's call or message at some time of the incident's life: words, an address, often a rough point."""
        rng = self._rng
        hotline = rng.random() < 0.6
        source = f"/hotline/12345/{rng.randint(1, 40):02d}" if hotline else f"/apps/resident/{rng.randint(1, 20):02d}"
        address = wording.address(self._city, self._cameras.district(self._cameras.at_site(site)[0]), rng)
        said = {"channel": Channel.HOTLINE if hotline else Channel.APP, "description": wording.words(category, rng)}
        placed = rng.random() >= WITHOUT_POINT
        where = {"location": wording.place(100, address)} if placed else {"address": address}
        report = wording.event(self._city, source, category=category.key, **said, **where, reporter=wording.reporter(rng))
        lon, lat = self._near(at, CALL_NOISE_M)
        view = View(wording.template(report), source, source.encode(), "resident", incident, lon / E7, lat / E7, 1000, life[1])
        view.left, view.placed, view.confident = 1, placed, None
        return life[0] + int(rng.random() * (life[1] - life[0])), view

    def _near(self, at: Point7, sigma_m: float) -> Point7:
        """A point some metres away, hardly ever more than twice `sigma_m` / 1.5."""
        east, north = offset_e7(at[1], self._rng.gauss(0, sigma_m / 1.5), self._rng.gauss(0, sigma_m / 1.5))
        return at[0] + east, at[1] + north


def _lasts(category: Category) -> bool:
    return category.nature is Nature.LASTING and not {Match.PLATE, Match.BUILDING} & set(category.match)


def _weight(category: Category) -> float:
    return 0.1 if category.severity is Severity.EMERGENCY else WEIGHTS.get(category.key, 0.5)


def _moved(at: Point7, east_m: float) -> Point7:
    return at[0] + offset_e7(at[1], east_m, 0)[0], at[1]


def _metres(a: Point7, b: Point7) -> float:
    return distance_m(a[0] / E7, a[1] / E7, b[0] / E7, b[1] / E7)
