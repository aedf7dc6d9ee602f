"""One camera (or one resident) looking at one incident: when it reports next, and what.

Rendering a view is the hot path of a simulation: a template with gaps, a position from a table of noise, integers for times.
"""

import math
import random
from dataclasses import dataclass

from incidents.places import METRES_PER_DEGREE

NOISE_TABLE = 1 << 15


@dataclass(slots=True, eq=False)
class View:
    """What one source sees of one incident.

    `every_ms` is the mean time between two reports; after `end_ms`, or `left` reports, it sees nothing more. `jitter_ms` is the most by
    which a report's time lies before its arrival. `placed` tells whether the template has gaps for a position.
    """

    template: bytes
    source: str
    key: bytes
    kind: str
    incident: str | None
    lon: float
    lat: float
    every_ms: int
    end_ms: int
    left: int = 1 << 30
    jitter_ms: int = 0
    placed: bool = True
    confident: float | None = 0.85

    def next_ms(self, now_ms: int, roll: float) -> int | None:
        """When it reports again, between 0.8 and 1.2 intervals from now; None when it has seen the last of it."""
        self.left -= 1
        at = now_ms + int(self.every_ms * (0.8 + 0.4 * roll)) + 1
        return at if self.left > 0 and at <= self.end_ms else None


class Noise:
    """Position errors of a normal distribution: pairs of degrees, drawn from a table made once."""

    def __init__(self, sigma_m: float, lat: float, rng: random.Random) -> None:
        north = sigma_m / METRES_PER_DEGREE
        east = north / math.cos(math.radians(lat))
        self._pairs = [(rng.gauss(0, east), rng.gauss(0, north)) for _ in range(NOISE_TABLE)]

    def pair(self, roll: float) -> tuple[float, float]:
        """Degrees of longitude and latitude to add; `roll` is uniform in [0, 1)."""
        return self._pairs[int(roll * NOISE_TABLE)]


def rendered(view: View, report_id: bytes, time: bytes, noise: Noise, rng: random.Random) -> bytes:
    """The report that the view makes at `time`."""
    if not view.placed:
        return view.template % (report_id, time)
    east, north = noise.pair(rng.random())
    if view.confident is None:
        return view.template % (report_id, time, view.lon + east, view.lat + north)
    confidence = min(0.99, view.confident + 0.12 * rng.random())
    return view.template % (report_id, time, view.lon + east, view.lat + north, confidence)
