"""A simulated city as a source: incidents begin, are seen again and again, are called in, and end; it knows the truth of each report.

`Simulation(city, locate, options).reports()` yields items lazily, in the order of their arrival, with memory bounded by what is open:
a heap of views by their next report, and a heap of what is late. The same options give the same bytes; no clock is read.
"""

import hashlib
import heapq
import random
from collections.abc import Iterator
from datetime import datetime
from itertools import count

import orjson

from incidents.catalogue import City
from incidents.events import epoch_ms
from incidents.places import Locate
from producers.base import Item, Kind, Surroundings, Truth
from producers.simulation.bad import Spoiler
from producers.simulation.incidents import Incidents
from producers.simulation.places import Cameras, Ground, squares
from producers.simulation.plan import Day, SimulationOptions, Stamps, tempo
from producers.simulation.views import Noise, View, rendered

RESENT_WITHIN_MS = 20_000


class Simulation:
    """A city in which things happen; a `producers.base.Source`."""

    problems: tuple[str, ...] = ()
    problem_count = 0
    left_out = 0

    def __init__(self, city: City, locate: Locate | None, options: SimulationOptions) -> None:
        """Places the cameras: about a second for 230,000 of them and a geography of polygons."""
        self._options = options
        self._rng = random.Random(options.seed)
        self._made = 0
        self._day = Day(city.time_zone, options.flat)
        self._stamps = Stamps(city.time_zone)
        self.cameras = Cameras(Ground(squares(city.bounds, locate)), options.cameras, self._rng)
        self._incidents = Incidents(city, self.cameras, options, self._rng)
        self._incidents.tempo = self.tempo = tempo(options, self._incidents.mix)
        self._noise = Noise(options.noise_m, (city.bounds.south + city.bounds.north) / 2, self._rng)
        self._spoiler = Spoiler(city)
        self._order = count()
        self._next: list[tuple[int, int, View]] = []
        self._late: list[tuple[int, int, Item]] = []
        self.begin_at(options.start)

    def begin_at(self, start: datetime) -> None:
        """Begin at another moment than the options say (placing the cameras took its time). Only before the first report."""
        self._start_ms = self._now_ms = epoch_ms(start)
        minutes = self._options.minutes
        self._end_ms = None if minutes is None else self._start_ms + int(minutes * 60_000)
        self._tag = hashlib.blake2b(f"{self._options.seed} {self._start_ms}".encode(), digest_size=4).hexdigest().encode()

    @property
    def open_views(self) -> int:
        """How many views will report again: what memory depends on."""
        return len(self._next)

    def items(self) -> Iterator[Item]:
        """The reports as records for the topic."""
        return self.reports()

    def progress(self) -> float | None:
        """Share of `count` or `minutes` that is done; None for an endless run."""
        if self._options.count:
            return min(1.0, self._made / self._options.count)
        if self._end_ms is not None:
            return min(1.0, (self._now_ms - self._start_ms) / (self._end_ms - self._start_ms))
        return None

    def reports(self) -> Iterator[Item]:
        """Every report with its truth, by arrival; `due_ms` is the arrival on the city's clock and never falls."""
        limit = self._options.count
        if limit == 0:
            return
        for item in self._arriving():
            self._made += 1
            yield item
            if limit is not None and self._made >= limit:
                return

    def _arriving(self) -> Iterator[Item]:
        options, rng, late = self._options, self._rng, self._late
        odd = options.false_alarms + options.bad
        self._open_at_start()
        birth_ms = self._next_birth(self._start_ms)
        while True:
            now_ms = min(birth_ms, self._next[0][0]) if self._next else birth_ms
            if late and late[0][0] <= now_ms:
                now_ms, _, item = heapq.heappop(late)
                if self._end_ms is not None and now_ms > self._end_ms:
                    return
                self._now_ms = now_ms
                yield item
                continue
            if self._end_ms is not None and now_ms > self._end_ms:
                return
            self._now_ms = now_ms
            if birth_ms <= now_ms:
                self._add(self._incidents.begin(now_ms).views)
                birth_ms = self._next_birth(now_ms)
                continue
            roll = rng.random()
            if roll < odd:
                yield self._bad(now_ms) if roll < options.bad else self._seen(self._incidents.false_alarm(now_ms), now_ms)
                continue
            arrived = self._report(now_ms)
            if arrived:
                yield arrived

    def _open_at_start(self) -> None:
        already = round(self.tempo.open_at_start * self._day.factor(self._start_ms))
        connecting_ms = self._options.connect_minutes * 60_000
        for _ in range(already):
            views = self._incidents.already_open(self._start_ms).views
            if connecting_ms:
                moved = ((first_ms + int(self._rng.random() * connecting_ms), view) for first_ms, view in views)
                views = tuple((first_ms, view) for first_ms, view in moved if first_ms <= view.end_ms)
            self._add(views)

    def _add(self, views: tuple[tuple[int, View], ...]) -> None:
        for first_ms, view in views:
            heapq.heappush(self._next, (first_ms, next(self._order), view))

    def _next_birth(self, now_ms: int) -> int:
        """The next beginning of an incident: a Poisson process thinned by the day's curve."""
        day, rng = self._day, self._rng
        at_ms = float(now_ms)
        while True:
            at_ms += rng.expovariate(self.tempo.births_per_s * day.most) * 1000
            if rng.random() * day.most < day.factor(int(at_ms)):
                return int(at_ms) + 1

    def _report(self, now_ms: int) -> Item | None:
        """The next view's report, or None when it will arrive later."""
        options, rng = self._options, self._rng
        view = self._next[0][2]
        item = self._seen(view, now_ms)
        again_ms = view.next_ms(now_ms, rng.random())
        if again_ms is None:
            heapq.heappop(self._next)
        else:
            heapq.heapreplace(self._next, (again_ms, next(self._order), view))
        roll = rng.random()
        if roll < options.late:
            delay_ms = int(1000 * min(options.late_up_to_s, 2 + rng.expovariate(5 / options.late_up_to_s)))
            self._later(item, now_ms + delay_ms)
            return None
        if roll < options.late + options.resent:
            self._later(item, now_ms + rng.randint(500, RESENT_WITHIN_MS))
        return item

    def _later(self, item: Item, due_ms: int) -> None:
        heapq.heappush(self._late, (due_ms, next(self._order), item._replace(due_ms=due_ms)))

    def _seen(self, view: View, now_ms: int) -> Item:
        time = self._stamps.of(now_ms - int(view.jitter_ms * self._rng.random()))
        report_id = b"%b-%x" % (self._tag, next(self._order))
        value = rendered(view, report_id, time, self._noise, self._rng)
        truth = Truth(view.source, report_id.decode(), time.decode(), view.incident, view.kind)
        return Item(now_ms, view.key, value, truth)

    def _bad(self, now_ms: int) -> Item:
        good = self._seen(self._incidents.false_alarm(now_ms), now_ms)
        assert good.value is not None and good.truth is not None
        kind, (key, value) = self._spoiler.spoil(orjson.loads(good.value), self._rng)
        return Item(now_ms, key, value, good.truth._replace(kind=f"bad:{kind}"))


def opened(options: SimulationOptions, world: Surroundings) -> Simulation:
    """The simulation of a city in its surroundings."""
    return Simulation(world.city, world.geography() if world.geography else None, options)


KIND = Kind("simulate", "Simulate a city: cameras, incidents, residents, false alarms, bad input.", SimulationOptions, opened)
