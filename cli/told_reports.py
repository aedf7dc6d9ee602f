"""Reports with what was said of them, as people read them: the rows of `case show --reports`, and the numbers behind a verdict."""

import time
from collections.abc import Callable, Mapping
from typing import Any

from rich.console import RenderableType
from rich.text import Text

from adapters import told_reports
from adapters.report_search import Search
from cli import words
from cli.output import say, table
from config.settings import Settings
from incidents.case import Case
from incidents.catalogue import City

SAY_EVERY_S = 2.0
SOURCES_SHOWN = 30


def progressing(total: int) -> Callable[[int], None]:
    """Says on stderr, every two seconds, how many of so many records were read."""
    done, said_at = 0, time.monotonic()

    def progress(count: int) -> None:
        nonlocal done, said_at
        done += count
        if time.monotonic() - said_at >= SAY_EVERY_S:
            said_at = time.monotonic()
            say(f"reading: {done:,} of {total:,} records …")

    return progress


def numbers(told: Mapping[str, Any]) -> str:
    """The rule and its numbers in both languages; "" where the verdict is all there is to say.

    >>> numbers({"rule": "same_place", "distance_m": 12, "seconds": 340, "held": None})
    '规则 rule 同一地点 Same place · 距离 distance 12 m · 相隔 apart 340 s'
    """
    if told["distance_m"] is None:
        return ""
    parts = [
        f"规则 rule {words.both('rule', told['rule'])}",
        f"距离 distance {told['distance_m']} m",
        f"相隔 apart {told['seconds']} s",
        *([f"印证 confirmed {told['held']}"] if told["held"] else []),
    ]
    return " · ".join(parts)


def reports_of(settings: Settings, city: City, case: Case, limit: int) -> dict[str, Any]:
    """`adapters.told_reports.reports_of`, saying on stderr how far it is."""
    return told_reports.reports_of(Search(settings, say, progressing), city, case, limit)


def reports_table(answer: Mapping[str, Any], zone: str) -> list[RenderableType]:
    """The sources with their totals, and the reports, for people."""
    sources, rows, count = answer["sources"], answer["reports"], answer["report_count"]
    shown = [
        [s["source"], s["count"], words.moment(s["first"], zone), words.moment(s["last"], zone), f"{s['partition']}:{s['offset']}"]
        for s in sources[:SOURCES_SHOWN]
    ]
    parts: list[RenderableType] = [Text(), table(["来源 source", "次数 count", "首次 first", "最近 last", "at"], shown)]
    if len(sources) > len(shown):
        parts.append(Text(f"… {len(sources) - len(shown):,} more sources (--json has all)"))
    told = [
        [row["source"], row["id"], row["time"], f"{row['partition']}:{row['offset']}", words.both("figure", row["verdict"]), row["reason"]]
        for row in rows
    ]
    parts += [Text(), table(["来源 source", "id", "时间 time", "at", "判定 verdict", "缘由 reason"], told)]
    if count > len(rows):
        parts.append(Text(f"{len(rows):,} of {count:,} reports, the newest and what opened the case; --limit 0 shows all"))
    return parts
