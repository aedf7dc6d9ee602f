"""How long it takes from a report's record to its case's first fact, both by the broker's append times, with all roles running.

100 reports/s of the order *unique* (each opens a case); 10,000 and 50,000/s of the order *live*, after its cameras are known and all that
their first sights caused is done: cases closed, routed and in the tables. A rate that is not kept shows in its percentiles
and in `behind_s`.
"""

import asyncio
import time
from collections.abc import Mapping, Sequence
from itertools import islice
from typing import Any

import orjson

from adapters.follow import Follower
from adapters.reader import read, spans
from benchmarks.contest import EngineFailed, Race
from benchmarks.engines import launch_ours
from benchmarks.feed import Feeder, loaded
from benchmarks.ground import Ground, say
from benchmarks.progress import Told
from benchmarks.watching import Watch
from config.settings import Settings
from config.topics import CASE_EVENTS, REPORTED
from incidents.audit import Span
from incidents.events import case_id
from producers.base import Item
from producers.scoring import moment

SLICE_S = 0.02
SECONDS = 12
WITHIN_S = 120.0
MOST = 300_000
"""Reports at a rate: six seconds of the highest."""
WARM = {"unique": 2_000, "live": 150_000}
RATES = {"unique": (100,), "live": (10_000, 50_000)}


def measured(ground: Ground, races: Mapping[str, Race]) -> dict[str, Any]:
    """Per rate: p50 and p99 in milliseconds, how many cases they are of, and how far behind the last fate was. `races` by their order."""
    found: dict[str, Any] = {}
    for name, rates in RATES.items():
        if name in races:
            asyncio.run(_at(ground, rates, races[name].items, WARM[name], found))
    return found


async def _at(ground: Ground, rates: Sequence[int], items: Sequence[Item], warm: int, found: dict[str, Any]) -> None:
    """One rate after the other, over one worker that knows the cameras since the first `warm` reports."""
    mark = f"bench-latency-{rates[0]}"
    settings = ground.of(mark)
    reported, facts = settings.named(REPORTED.name), settings.named(CASE_EVENTS.name)
    feeder, told = Feeder(ground.bootstrap, reported), Told(ours=True)
    launch = launch_ours(settings, ground.logs / f"{mark}.log", only="")
    fates, opened = Follower(ground.bootstrap, launch.out), Follower(ground.bootstrap, facts)
    rest, cases = iter(items), set[bytes]()
    for each in (feeder, fates, opened):
        await each.start()
    try:
        with launch.running():
            await feeder.append(loaded(islice(rest, min(warm, len(items) // 3)), REPORTED.partitions))
            await _until(await _sent(ground, reported), told, fates, opened, cases)
            for rate in rates:
                await asyncio.to_thread(_drained, settings)
                before = await _ends(ground, reported)
                behind_s = await _pace(feeder, list(islice(rest, min(rate * SECONDS, MOST))), rate, told, fates)
                await _until(await _sent(ground, reported), told, fates, opened, cases)
                found[str(rate)] = await asyncio.to_thread(_ages, settings, before) | {"behind_s": round(behind_s, 2)}
                say(f"  latency at {rate:,}/s: {found[str(rate)]}")
    except EngineFailed as error:
        for rate in rates:
            found.setdefault(str(rate), {"failed": str(error)})
        say(f"  latency FAILED: {error}")
    finally:
        for each in (feeder, fates, opened):
            await each.stop()
        await asyncio.to_thread(ground.clean, mark)


async def _sent(ground: Ground, topic: str) -> int:
    """How many reports there are by now."""
    return sum((await _ends(ground, topic)).values())


async def _ends(ground: Ground, topic: str) -> dict[int, int]:
    found = await asyncio.to_thread(spans, ground.bootstrap, topic)
    return {partition: span.end for partition, span in found.items()}


async def _pace(feeder: Feeder, items: Sequence[Item], rate: int, told: Told, fates: Follower) -> float:
    """Append them evenly; returns how long after the last one the last fate was still missing, at least."""
    each = max(1, round(rate * SLICE_S))
    wanted, reports = told.n + len(items), iter(items)
    due = time.monotonic()
    while some := list(islice(reports, each)):
        await feeder.append(loaded(some, REPORTED.partitions))
        due += each / rate
        await asyncio.sleep(max(0.0, due - time.monotonic()))
    began = time.monotonic()
    while told.n < wanted and time.monotonic() - began < WITHIN_S:
        told.take(await fates.read(20_000, 100))
    return time.monotonic() - began


async def _until(goal: int, told: Told, fates: Follower, opened: Follower, cases: set[bytes]) -> None:
    """Until so many reports have their fate and every case its first fact."""
    deadline = time.monotonic() + WITHIN_S
    while told.n < goal or len(cases) < len(told.cases):
        told.take(await fates.read(20_000, 50))
        cases |= {record.key for record in await opened.read(20_000, 50)}
        if time.monotonic() > deadline:
            facts = f"facts of {len(cases):,} of {len(told.cases):,} cases"
            raise EngineFailed(f"only {told.n:,} of {goal:,} fates and {facts} in {WITHIN_S:g} s")


def _drained(settings: Settings) -> None:
    """Return when nobody has anything left to read."""
    watch = Watch(settings, {}, ())
    try:
        if any((behind := watch.drained(WITHIN_S)).values()):
            raise EngineFailed(f"after {WITHIN_S:g} s the first sights are not dealt with; records left: {behind}")
    finally:
        watch.close()


def _ages(settings: Settings, before: Mapping[int, int]) -> dict[str, float]:
    """Milliseconds from the opening report to the first fact, of the reports behind the offsets `before`."""
    bootstrap, reported, facts = settings.kafka_bootstrap, settings.named(REPORTED.name), settings.named(CASE_EVENTS.name)
    behind = {partition: Span(before[partition], span.end) for partition, span in spans(bootstrap, reported).items()}
    written = {_case(record.value or b""): record.timestamp_ms for record in read(bootstrap, reported, behind)}
    said: dict[str, int] = {}
    for record in read(bootstrap, facts, spans(bootstrap, facts)):
        said.setdefault((record.key or b"").decode(), record.timestamp_ms)
    ages = sorted(said[case] - at for case, at in written.items() if case in said)
    if not ages:
        return {"cases": 0}
    return {"cases": len(ages), "p50_ms": ages[len(ages) // 2], "p99_ms": ages[len(ages) * 99 // 100], "max_ms": ages[-1]}


def _case(value: bytes) -> str:
    """The case that this report would open (Qingdao's reports tell the local day)."""
    report = orjson.loads(value)
    time_ms = moment(report["time"])
    assert isinstance(time_ms, int), value
    return case_id("QD", report["time"][:10].replace("-", ""), report["source"], report["id"], time_ms)
