"""Reports with what was said of them, as people read them: the rows of `case show --reports`, and the numbers behind a verdict."""

import time
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

from rich.console import RenderableType
from rich.text import Text

from adapters import reader, reported
from adapters.report_search import Search
from adapters.reported import Head, Judged
from cli import words
from cli.output import say, table
from config.settings import Settings
from config.topics import REPORTED
from incidents.case import Case
from incidents.catalogue import City
from incidents.decision import Verdict

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
    """Of a case: `report_count`, `sources` with their totals as last told, and `reports`: what opened it, and the newest of the others.

    At most `limit` reports, 0 for all of them.
    """
    topic_id = reader.state(settings.kafka_bootstrap, settings.named(REPORTED.name)).topic_id
    judged = Search(settings, say, progressing).of_case(city, case, topic_id)
    chosen = _chosen(judged, limit)
    heads = reported.heads(settings, chosen)
    rows = [_row(settings, each, heads.get((each.partition, each.offset))) for each in chosen]
    totals = sorted(case.totals.items(), key=lambda item: (-item[1].count, item[0]))
    sources = [{"source": source, **total.model_dump(mode="json", exclude={"topic_id"})} for source, total in totals]
    return {"report_count": len(judged), "sources": sources, "reports": sorted(rows, key=lambda row: (row["time"] or "", row["offset"]))}


def _chosen(judged: list[Judged], limit: int) -> list[Judged]:
    """Offsets of different partitions have no order among each other: an equal share of the newest of each."""
    if not limit or len(judged) <= limit:
        return judged
    opening = [each for each in judged if each.verdict is not Verdict.MERGED][:limit]
    seen: Counter[int] = Counter()
    ranked: list[tuple[int, Judged]] = []
    for each in reversed(judged):
        if each.verdict is Verdict.MERGED:
            seen[each.partition] += 1
            ranked.append((seen[each.partition], each))
    newest = [each for _, each in sorted(ranked, key=lambda pair: pair[0])[: limit - len(opening)]]
    return sorted([*opening, *newest], key=lambda each: (each.partition, each.offset))


def _row(settings: Settings, judged: Judged, head: Head | None) -> dict[str, Any]:
    named = {"source": head and head.source, "id": head and head.id, "time": head and head.time}
    return {**named, "topic": settings.named(REPORTED.name), **judged.told(), "case_id": judged.case_id}


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
