"""What may be asked of a simulated city, and the figures that follow from it: how many incidents, how often seen.

`rate` is the aim. Incidents that last (`life_minutes` on average) are open at a number that suits the city, and their cameras repeat as
often as it takes to reach the rate; when that would be more seldom than a quarter of a life, fewer incidents are open instead.
"""

import random
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from pydantic import AwareDatetime, Field

from incidents.catalogue import Frozen

Share = float
DAY_CURVE = (3, 2, 2, 2, 3, 5, 9, 14, 17, 16, 15, 14, 12, 13, 15, 15, 15, 16, 16, 14, 11, 8, 6, 4)
"""How much begins in each hour of the local day, relative to each other."""
LIFE_SPREAD = 0.8
"""Sigma of the lognormal lives."""
LEAST_INTERVAL_S = 0.2
MOST_OPEN = 40_000


class SimulationOptions(Frozen):
    """A simulated city. Times are the city's: at clock x600 a city second is 1.7 ms, and `rate` counts reports per *city* second."""

    start: AwareDatetime = Field(description="city time at which it begins")
    cameras: int = Field(2000, ge=1, le=999_999, description="cameras, spread over the districts")
    rate: float = Field(20.0, gt=0, le=1_000_000, description="reports a city second, as the mean of a day")
    seed: int = Field(1, description="the same seed and options give the same bytes")
    false_alarms: Share = Field(0.05, ge=0, le=0.9, description="share of reports in which a camera sees, once, what is not there")
    bad: Share = Field(0.0, ge=0, le=0.9, description="share of reports that are bad input")
    late: Share = Field(0.02, ge=0, le=0.9, description="share of reports that arrive late, up to `late_up_to_s`")
    late_up_to_s: float = Field(600, gt=0, description="city seconds that the latest one is late")
    resent: Share = Field(0.0, ge=0, le=0.9, description="share of reports that a client sends a second time")
    noise_m: float = Field(5.0, ge=0, le=500, description="sigma of a camera's position error, metres east and north")
    life_minutes: float = Field(60, gt=0, description="city minutes that a lasting incident lasts, on average")
    open_incidents: int | None = Field(None, ge=1, description="lasting incidents open at a time; none: a fifth of the cameras")
    connect_minutes: float = Field(0, ge=0, description="city minutes over which the cameras are connected; 0: all see from the start")
    flat: bool = Field(False, description="no day's curve: the rate is the same at every hour")
    count: int | None = Field(None, ge=0, description="end after so many reports")
    minutes: float | None = Field(None, gt=0, description="end after so many city minutes")

    @property
    def aimed_open(self) -> int:
        """Lasting incidents that are to be open at a time."""
        return self.open_incidents or max(5, min(self.cameras // 5, MOST_OPEN))


@dataclass(frozen=True, slots=True)
class Tempo:
    """What follows from the options: births a city second, the mean interval of a camera's repeats, open lasting incidents at the start."""

    births_per_s: float
    interval_s: float
    open_at_start: float


@dataclass(frozen=True, slots=True)
class Mix:
    """What the incidents of a city are like on average: share that lasts, cameras that see one, reports of one that does not last."""

    lasting: float
    cameras: float
    short_reports: float
    calls: float


def tempo(options: SimulationOptions, mix: Mix) -> Tempo:
    """Births and intervals that give the rate."""
    wanted = options.rate * (1 - options.false_alarms - options.bad) / (1 + options.resent)
    life_s = options.life_minutes * 60
    births = options.aimed_open / life_s / mix.lasting
    repeats = (wanted / births - (1 - mix.lasting) * mix.short_reports) / mix.lasting - mix.calls
    interval_s = life_s * mix.cameras / repeats if repeats > 0 else life_s
    kept = min(max(interval_s, LEAST_INTERVAL_S), life_s / 4)
    if kept != interval_s:
        per_birth = mix.lasting * (life_s * mix.cameras / kept + mix.calls) + (1 - mix.lasting) * mix.short_reports
        births = wanted / per_birth
    return Tempo(births, kept, births * mix.lasting * life_s)


class Day:
    """The day's curve: a factor around 1 for every moment of the city's clock."""

    def __init__(self, zone: str, flat: bool) -> None:
        self._zone = ZoneInfo(zone)
        mean = sum(DAY_CURVE) / len(DAY_CURVE)
        self._factors = [1.0] * 24 if flat else [hour / mean for hour in DAY_CURVE]
        self.most = max(self._factors)
        self._hour_until = (0, 0, 0.0)

    def factor(self, at_ms: int) -> float:
        """How much begins at that moment, compared with the mean of the day."""
        since, until, factor = self._hour_until
        if not since <= at_ms < until:
            local = datetime.fromtimestamp(at_ms / 1000, self._zone)
            factor = self._factors[local.hour]
            since = at_ms - (local.minute * 60 + local.second) * 1000 - local.microsecond // 1000
            self._hour_until = (since, since + 3_600_000, factor)
        return factor


class Stamps:
    """RFC 3339 times with milliseconds and the city's offset, as bytes; the text of a second is made once."""

    def __init__(self, zone: str) -> None:
        self._zone = ZoneInfo(zone)
        self._seconds: dict[int, tuple[bytes, bytes]] = {}

    def of(self, at_ms: int) -> bytes:
        """The time of a moment.

        >>> Stamps("Asia/Shanghai").of(1795220102007)
        b'2026-11-21T08:15:02.007+08:00'
        """
        second, millis = divmod(at_ms, 1000)
        parts = self._seconds.get(second)
        if parts is None:
            parts = self._made(second)
        return b"%b.%03d%b" % (parts[0], millis, parts[1])

    def _made(self, second: int) -> tuple[bytes, bytes]:
        if len(self._seconds) > 2000:
            self._seconds.clear()
        text = datetime.fromtimestamp(second, self._zone).isoformat().encode()
        self._seconds[second] = (text[:19], text[19:])
        return self._seconds[second]


def life_ms(options: SimulationOptions, rng: random.Random) -> int:
    """How long a lasting incident that begins now will last."""
    mu = -(LIFE_SPREAD**2) / 2
    return int(options.life_minutes * 60_000 * rng.lognormvariate(mu, LIFE_SPREAD))


def remaining_life_ms(options: SimulationOptions, rng: random.Random) -> int:
    """How much longer a lasting incident lasts that is met in the middle of it (long ones are met more often)."""
    mu = LIFE_SPREAD**2 / 2
    return int(options.life_minutes * 60_000 * rng.lognormvariate(mu, LIFE_SPREAD) * rng.random())
