"""`python -m benchmarks.evaluation`: a month of cases recomputed from real facts on a real Kafka, and the same kept fact by fact.

`--cases` of them (a month of a large city is 420,000), ten facts each, said by the real closure for Qingdao's districts and days of a month
and copied under new case ids. Figures: seconds and facts per second of the recomputation by all cores, CPU included, from the first byte
read to the figures of every dimension; series; and facts per second folded into the kept file. Servers of its own below .local.
"""

import argparse
import asyncio
import json
import os
import platform
import resource
import shutil
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from adapters import stack, topics
from adapters.bus import Out, Publisher
from adapters.evaluation_store import Counting, Sheets
from adapters.recount import recount
from adapters.stack_state import Mode
from config.load import load_city
from config.load_indicators import load_evaluation
from config.settings import ROOT, Settings, load_settings
from config.topics import CASE_EVENTS
from incidents.case import Position
from incidents.catalogue import City
from incidents.commands import Actor, Command, Evidence, Place, SourceTotal, system
from incidents.events import CaseId
from incidents.facts import encode_fact
from incidents.indicators import Dimension, figures, tally
from incidents.periods import period
from incidents.steps import closure
from incidents.vocabulary import Role, State

MONTH = period("2026-11")
DAYS_TOLD = 30
FACTS = 10
CASE = "QD-20261101-AAAAAAAAAA"
AT_ONCE = 500
PHOTO = [Evidence(sha256="ab" * 32, url="s3://evidence/2026/11/01/after.jpg", media_type="image/jpeg")]
CHECKER, LEAD, DESK = (Actor(id=f"{role}-1", role=role) for role in (Role.CHECKER, Role.SHIFT_LEAD, Role.DISPATCHER))


def story(city: City, number: int) -> list[bytes]:
    """The ten facts of one case, as they stand on the log; its place, day, unit and channel go by the number."""
    rng = number * 7919
    district = city.districts[number % len(city.districts)]
    street = district.subdistricts[rng % len(district.subdistricts)][0]
    community = f"{street}-{rng % 6 + 1:02d}"
    category = city.own_categories[rng % len(city.own_categories)]
    unit = next(each.key for each in city.units if each.district == district.code and each.kind != "command_center")
    channel = ("low_video", "hotline", "grid_worker", "app")[number % 4]
    at = datetime(2026, 11, 1 + number % DAYS_TOLD, 1, tzinfo=UTC) + timedelta(minutes=rng % 420)
    place = Place(
        lon=120.38, lat=36.06, accuracy_m=15, district=district.code, subdistrict=street, community=community, grid=community + "-07"
    )
    total = SourceTotal(count=1, first=at, last=at, topic_id="t1", partition=0, offset=number)
    opening = {
        "state": State.REPORTED, "category": category.key, "channel": channel, "severity": "normal", "source": f"/cameras/{number}",
        "report_id": "a", "time": at, "place": place, "reason": "opened", "rules": city.rules, "description": "撒落的砂石占了一条车道",
    }  # fmt: skip
    lead = Actor(id="unit-1", role=Role.UNIT, unit=unit)
    acts: list[tuple[str, Actor, dict[str, Any]]] = [
        ("sight", system("intake"), {"opening": opening, "totals": {f"/cameras/{number}": total}}),
        ("file", LEAD, {}),
        ("dispatch", DESK, {"unit": unit}),
        ("note", DESK, {"note": "please look at once"}),
        ("accept", lead, {}),
        ("report_handled", lead, {"evidence": PHOTO}),
        ("fail_check", CHECKER, {"reason": "not all of it"}) if number % 9 == 0 else ("note", CHECKER, {"note": "on my way"}),
        ("report_handled", lead, {"evidence": PHOTO}) if number % 9 == 0 else ("note", LEAD, {"note": "seen"}),
        ("pass_check", CHECKER, {"evidence": PHOTO}),
        ("close", LEAD, {}),
    ]
    return [value for value, _ in zip(_told(city, acts, at, number), range(FACTS), strict=False)]


def _told(city: City, acts: list[tuple[str, Actor, dict[str, Any]]], at: datetime, number: int) -> Iterator[bytes]:
    case = None
    for offset, (kind, actor, arguments) in enumerate(acts):
        at += timedelta(minutes=2 if kind != "report_handled" else 60 + number % 600)
        order = Command.model_validate({"id": f"{kind}-{offset}", "case_id": CaseId(CASE), "type": kind, "actor": actor} | arguments)
        decision = closure.decide(city, case, order, at, Position(topic_id="c", partition=0, offset=offset))
        case = decision.case
        yield from map(encode_fact, decision.facts)


async def fill(settings: Settings, templates: list[list[bytes]], cases: int) -> int:
    """Put the facts of so many cases on the topic, case by case as closure would; returns the bytes."""
    publisher, name, size = Publisher(settings.kafka_bootstrap), settings.named(CASE_EVENTS.name), 0
    try:
        for first in range(0, cases, AT_ONCE):
            outs = []
            for number in range(first, min(first + AT_ONCE, cases)):
                case_id = f"QD-20261101-{number:010d}".encode()
                outs += [Out(name, case_id, value.replace(CASE.encode(), case_id)) for value in templates[number % len(templates)]]
            size += sum(len(out.value or b"") for out in outs)
            await publisher.publish(outs)
    finally:
        await publisher.close()
    return size


def recomputed(settings: Settings, city: City) -> dict[str, float]:
    """All figures of the month from the facts."""
    evaluation, as_of_ms = load_evaluation(settings), round(datetime(2026, 12, 1, tzinfo=UTC).timestamp() * 1000)
    cpu, began = _cpu_s(), time.monotonic()
    counted = recount(settings, city, as_of_ms)
    read_s = time.monotonic() - began
    counts = tally(counted.lines, MONTH, as_of_ms)
    series = sum(each.is_live for dimension in Dimension for each in figures(evaluation.indicators, counts, dimension))
    took = time.monotonic() - began
    return {
        "facts": counted.facts,
        "cases": len(counted.lines),
        "seconds": took,
        "of_these_reading_and_folding_s": read_s,
        "facts_per_s": counted.facts / took,
        "cpu_s": _cpu_s() - cpu,
        "series": series,
        "peak_mb": max(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)) / 1024,
    }


def kept(city: City, templates: list[list[bytes]], cases: int, folder: Path) -> dict[str, float]:
    """The same facts folded into the file, five hundred at a time as the stage does."""
    sheets = Sheets(folder / "sheets.sqlite", Counting.of(city))
    values = [
        value.replace(CASE.encode(), f"QD-20261101-{number:010d}".encode())
        for number in range(cases)
        for value in templates[number % len(templates)]
    ]
    cpu, began = time.process_time(), time.monotonic()
    for first in range(0, len(values), AT_ONCE):
        sheets.take(values[first : first + AT_ONCE], {0: first + AT_ONCE})
    took, used = time.monotonic() - began, time.process_time() - cpu
    asked = time.monotonic()
    sheets.tally(MONTH, 1 << 50)
    return {"facts_per_s": len(values) / took, "cpu_us_per_fact": used / len(values) * 1e6, "all_series_s": time.monotonic() - asked}


def _cpu_s() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in used)


def run(cases: int) -> dict[str, Any]:
    """Fill, recompute, keep, and sum up."""
    folder = ROOT / ".local" / "bench-evaluation"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    base = load_settings().model_copy(update={"local_dir": folder, "city": "qingdao", "clock": "real", "namespace": ""})
    city = load_city(base)
    templates = [story(city, number) for number in range(3_000)]
    up = stack.up(base, Mode.NATIVE, _say)
    try:
        settings = base.model_copy(update=dict(up.addresses))
        topics.apply(settings)
        began = time.monotonic()
        size = asyncio.run(fill(settings, templates, cases))
        _say(f"{cases:,} cases, {size / 1e9:.2f} GB of facts on the topic in {time.monotonic() - began:.0f} s; recomputing …")
        again = recomputed(settings, city)
        _say(f"{again['facts']:,} facts in {again['seconds']:.1f} s; keeping some …")
        incremental = kept(city, templates, min(cases, 20_000), folder)
    finally:
        stack.down(base)
        shutil.rmtree(folder, ignore_errors=True)
    machine = f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}"
    return {"cases": cases, "bytes": size, "machine": machine, "recomputed": again, "kept": incremental}


def _say(message: str) -> None:
    print(message, file=sys.stderr, flush=True)


def main() -> None:
    """Parse, run, print: figures on stdout as JSON, progress on stderr."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.evaluation", description=__doc__.partition("\n")[0])
    parser.add_argument("--cases", type=int, default=42_000)
    print(json.dumps(run(parser.parse_args().cases), indent=2))


if __name__ == "__main__":
    main()
