"""The three orders in which the same city's reports arrive; each is a stream of the simulator's records with their truth.

*live*: 230,000 cameras, 10,000 open incidents, every camera that sees one repeats it each 10 s to 45 s, in random order, 2 % late, 1 % of
the reports are single false alarms. *backlog*: few cameras that repeat heavily, in time order, as a drain after
a stop. *unique*: nothing repeats. Reports without a point (calls that give an address) are left out: no peer has an address to look up.
"""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any

import orjson

from incidents.catalogue import City
from incidents.places import METRES_PER_DEGREE, Locate
from producers.base import Item
from producers.simulation.plan import SimulationOptions
from producers.sources.simulate import Simulation

CAMERAS = 230_000
OPEN = 10_000
UNIQUE_SHARE = 3
"""The order *unique* has so many times fewer reports than the others: its reports cost more, and a city has only so much room."""
APART_M = 60
"""Beyond a category's radius: unlike places stay unlike in spite of the noise."""


@dataclass(frozen=True)
class Order:
    """One order: its name, what it is for a reader, the simulation behind it, and how many reports are measured."""

    name: str
    about: str
    options: dict[str, Any]
    reports: int
    unique: bool = False

    @property
    def warm(self) -> int:
        """Reports before the measured ones, that nobody measures: engines start, compilers compile, cameras become known."""
        return self.reports // 2


def orders(reports: int, cameras: int = CAMERAS, unique_share: int = UNIQUE_SHARE) -> tuple[Order, ...]:
    """The three of them, with `reports` measured ones (so many times fewer in *unique*)."""
    open_incidents = max(5, cameras * OPEN // CAMERAS)
    live = {"cameras": cameras, "open_incidents": open_incidents, "rate": open_incidents / 11, "false_alarms": 0.01}
    backlog = {"cameras": 2_000, "open_incidents": 200, "life_minutes": 15, "rate": 50, "false_alarms": 0.005, "late": 0.0}
    unique = {"cameras": CAMERAS, "open_incidents": 5, "rate": 1_000, "false_alarms": 0.9, "late": 0.0}
    return (
        Order("live", f"{cameras:,} cameras, {open_incidents:,} open incidents, as it arrives", live, reports),
        Order("backlog", "2,000 cameras, 200 open incidents, drained after a stop", backlog, reports),
        Order("unique", "nothing repeats", unique, reports // unique_share, unique=True),
    )


def records(order: Order, city: City, locate: Locate, bad: float = 0.0) -> Iterator[Item]:
    """The records of an order, ending about now; `bad` is the share of bad input among them."""
    seconds = (order.warm + order.reports) / order.options["rate"] * 1.2
    start = datetime.now(UTC) - timedelta(seconds=seconds)
    simulation = Simulation(city, locate, SimulationOptions(start=start, flat=True, bad=bad, **order.options))
    placed = (item for item in simulation.reports() if bad or b'"lon"' in (item.value or b""))
    return islice(_first_ones(placed, city) if order.unique else placed, order.warm + order.reports)


def _first_ones(items: Iterator[Item], city: City) -> Iterator[Item]:
    """Those that lie near no earlier one of their category's family."""
    reach = {category.key: category.radius_m + APART_M for category in city.categories}
    family = {category.key: category.family or category.key for category in city.categories}
    edge = max(reach.values()) / METRES_PER_DEGREE
    seen: dict[tuple[str, int, int], list[tuple[float, float]]] = defaultdict(list)
    for item in items:
        data = orjson.loads(item.value or b"")["data"]
        lon, lat, key = data["location"]["lon"] * 0.8, data["location"]["lat"], data["category"]  # 0.8: the cosine of the city's latitude
        x, y, kind, near = int(lon / edge), int(lat / edge), family[key], reach[key] / METRES_PER_DEGREE
        around = (at for dx in (-1, 0, 1) for dy in (-1, 0, 1) for at in seen.get((kind, x + dx, y + dy), ()))
        if any(abs(at[0] - lon) < near and abs(at[1] - lat) < near for at in around):
            continue
        seen[kind, x, y].append((lon, lat))
        yield item
