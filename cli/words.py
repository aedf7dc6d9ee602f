"""What people read on the command line: the words of the page, Chinese and English side by side, and moments on the city's wall clock.

The words stand once, in console/static/labels/, so that a thing has one name on every screen.
"""

from datetime import datetime
from functools import cache
from pathlib import Path
from zoneinfo import ZoneInfo

import orjson

import console
from incidents.catalogue import Named

LABELS = Path(console.__path__[0]) / "static" / "labels"
LANGUAGES = ("zh", "en")


@cache
def _labels() -> dict[str, dict[str, str]]:
    return {language: orjson.loads((LABELS / f"{language}.json").read_bytes()) for language in LANGUAGES}


def both(kind: str, key: str) -> str:
    """A thing in both languages, or its key where it has no name yet.

    >>> both("state", "filed"), both("fact", "handled"), both("fact", "unheard_of")
    ('待派遣 Filed', '处置完成 Handled', 'unheard_of')
    """
    names = [words.get(f"{kind}.{key}") for words in _labels().values()]
    return " ".join(dict.fromkeys(name for name in names if name)) or key


def named(name: Named | None, key: str | None) -> str | None:
    """A thing of the city's folder in both languages; its key where the folder does not know it (any more)."""
    return f"{name.zh} {name.en}" if name else key


def moment(at: datetime | str | None, zone: str) -> str | None:
    """A moment on the city's wall clock, to the second."""
    if at is None:
        return None
    parsed = datetime.fromisoformat(at) if isinstance(at, str) else at
    return parsed.astimezone(ZoneInfo(zone)).strftime("%Y-%m-%d %H:%M:%S")


def masked(text: str) -> str:
    """A person's name or number as far as it may be shown.

    >>> masked("13912345678"), masked("王小明"), masked("")
    ('139****5678', '王**', '')
    """
    if len(text) >= 8:
        return f"{text[:3]}{'*' * (len(text) - 7)}{text[-4:]}"
    return text[:1] + "*" * (len(text) - 1)
