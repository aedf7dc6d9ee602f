"""Does a series grow? A straight line through the means of twelve stretches of it, so that saw teeth and bursts do not count as a trend.

Growing means both: more than is tolerable over what was measured, and three standard errors away from level.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, linear_regression

STRETCHES = 12
ERRORS = 3.0
SHARE = 0.05
"""A rise by less than this share of the mean is tolerable however steady it is."""


@dataclass(frozen=True, slots=True)
class Trend:
    """What the line says: its rise over the whole series and per hour, and how many standard errors it is from level."""

    mean: float
    rise: float
    per_hour: float
    errors: float
    tolerable: float

    @property
    def grows(self) -> bool:
        """Whether the series may not be called flat."""
        return self.rise > self.tolerable and self.errors > ERRORS


def trend(at_s: Sequence[float], values: Sequence[float], floor: float) -> Trend:
    """The trend of a series of at least twelve values; a rise below `floor` (in the values' unit) is always tolerable.

    >>> trend(range(24), [10, 12] * 12, 1.0).grows, trend(range(24), list(range(10, 34)), 1.0).grows
    (False, True)
    """
    if len(values) < STRETCHES:
        raise ValueError(f"{len(values)} values, a trend needs {STRETCHES} at least")
    borders = [round(number * len(values) / STRETCHES) for number in range(STRETCHES + 1)]
    stretches = [slice(*pair) for pair in zip(borders, borders[1:], strict=False)]
    times, means = [fmean(at_s[each]) for each in stretches], [fmean(values[each]) for each in stretches]
    slope, level = linear_regression(times, means)
    middle = fmean(times)
    spread = math.sqrt(sum((mean - level - slope * time) ** 2 for time, mean in zip(times, means, strict=True)) / (STRETCHES - 2))
    error = spread / math.sqrt(sum((time - middle) ** 2 for time in times))
    mean = fmean(values)
    errors = min(slope / error if error else math.copysign(math.inf, slope) if slope else 0.0, 1e6)
    return Trend(mean, slope * (at_s[-1] - at_s[0]), slope * 3600, errors, max(SHARE * abs(mean), floor))
