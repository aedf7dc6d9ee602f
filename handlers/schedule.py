"""When a delivery that failed is tried again, and when no more: the two profiles of ALERTS.md §12, with ±20 % of chance.

`standard` is the schedule of Standard Webhooks 1.0 (ten attempts in about 75 h); `urgent` tries at once, then every ten minutes until the
notice's `until`, or for a day.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from handlers.channel import Profile

MINUTE, HOUR = 60.0, 3600.0
JITTER = 0.2
MOST_RETRY_AFTER = timedelta(hours=1)
FALLBACK_AFTER = timedelta(seconds=60)
FALLBACK_FAILURES = 3
PROBE_EVERY = timedelta(seconds=60)
HOPELESS_AFTER = timedelta(hours=120)
"""A standard target that has done nothing but fail for so long is disabled."""

Chance = Callable[[float, float], float]


@dataclass(frozen=True, slots=True)
class Schedule:
    """Seconds after the first, second, … failure; then, if there is a `last`, that again and again for `most`."""

    waits: tuple[float, ...]
    last: float | None = None
    most: timedelta | None = None

    def wait(self, failures: int, chance: Chance = random.uniform) -> timedelta | None:
        """How long to wait after so many failures (≥ 1), None when it was tried enough."""
        base = self.waits[failures - 1] if failures <= len(self.waits) else self.last
        return None if base is None else timedelta(seconds=base * chance(1 - JITTER, 1 + JITTER))


SCHEDULES = {
    Profile.STANDARD: Schedule((5, 5 * MINUTE, 30 * MINUTE, 2 * HOUR, 5 * HOUR, 10 * HOUR, 14 * HOUR, 20 * HOUR, 24 * HOUR)),
    Profile.URGENT: Schedule((5, 15, 30, MINUTE, 2 * MINUTE, 5 * MINUTE), 10 * MINUTE, timedelta(days=1)),
}
