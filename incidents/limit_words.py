"""Which clock a limit runs on, and the words that filing standards write limits in: it belongs to the filing condition (DOMAIN.md)."""

import re
from enum import StrEnum


class ClockKind(StrEnum):
    """The clocks a limit can run on (DOMAIN.md, four clocks)."""

    URGENT_HOUR = "urgent_hour"
    WORK_HOUR = "work_hour"
    WORK_DAY = "work_day"
    URGENT_DAY = "urgent_day"
    NATURAL_DAY = "natural_day"


LIMIT_WORDS = {
    "紧急工作时": ClockKind.URGENT_HOUR,
    "工作时": ClockKind.WORK_HOUR,
    "小时": ClockKind.WORK_HOUR,
    "紧急工作日": ClockKind.URGENT_DAY,
    "工作日": ClockKind.WORK_DAY,
    "天": ClockKind.WORK_DAY,
    "自然日": ClockKind.NATURAL_DAY,
}
"""The words of the filing standards: there `小时` is a working hour and `天` a working day."""


def limit_of(words: str) -> tuple[ClockKind, float]:
    """Clock and number of a limit in a standard's words. Raises ValueError for a word that is none of them: it is never guessed.

    >>> limit_of("2紧急工作时")[0].value, limit_of("2工作时")[0].value
    ('urgent_hour', 'work_hour')
    """
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*(\D+)", words.strip())
    if found is None or found[2] not in LIMIT_WORDS:
        raise ValueError(f"limit = {words!r} is no limit; write a number and one of {', '.join(LIMIT_WORDS)}, or clock and limit")
    return LIMIT_WORDS[found[2]], float(found[1])
