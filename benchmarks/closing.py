"""Closure alone: commands a second out of a backlog (a storm of openings, then a day of notes on them), and from command to fact at 100/s.

The openings are intake's own `sight` commands for reports that all open a case; the notes are what people and rules do most: one command,
one fact. The worker runs `--only closure`.
"""

import asyncio
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from adapters.follow import ConsumerRecord, Follower
from benchmarks.contest import EngineFailed, Race, watch
from benchmarks.engines import launch_ours
from benchmarks.feed import Feeder, loaded
from benchmarks.ground import Ground, say
from benchmarks.processes import Meter
from benchmarks.progress import Told
from config.settings import Settings
from config.topics import CASE_COMMANDS, CASE_EVENTS, REPORTED
from incidents.commands import Actor, Command
from incidents.events import CaseId
from incidents.facts import encode_command
from incidents.vocabulary import CommandType, Role
from producers.base import Item

CASES = 3_000
NOTES = 9
PACED, RATE = 1_000, 100
WITHIN_S = 120.0
ACTOR = Actor(id="user:bench", role=Role.DISPATCHER)


def measured(ground: Ground, race: Race) -> dict[str, Any]:
    """Commands a second, CPU seconds per thousand commands, and the percentiles of command → fact in milliseconds.

    `race` is one of the order *unique*.
    """
    mark = "bench-closing"
    settings = ground.of(mark)
    told = Told(ours=True)
    loads = (loaded(race.items[:CASES], REPORTED.partitions), None)
    intake = launch_ours(settings, ground.logs / f"{mark}-intake.log")
    try:
        asyncio.run(watch(ground, intake, told, settings.named(REPORTED.name), loads))
        found = asyncio.run(_closure(ground, settings, sorted(told.cases)))
    except EngineFailed as error:
        found = {"failed": str(error)}
    finally:
        ground.clean(mark)
    say(f"  closure: {found}")
    return found


async def _closure(ground: Ground, settings: Settings, cases: Sequence[str]) -> dict[str, Any]:
    feeder, facts = (
        Feeder(ground.bootstrap, settings.named(CASE_COMMANDS.name)),
        Follower(ground.bootstrap, settings.named(CASE_EVENTS.name)),
    )
    await feeder.start()
    await facts.start()
    try:
        await feeder.append(loaded((_note(case, number) for number in range(NOTES) for case in cases), CASE_COMMANDS.partitions))
        with launch_ours(settings, ground.logs / "bench-closing.log", only="closure").running() as process:
            meter = Meter({"engine": process.pid})
            records = await _facts(facts, len(cases) * (1 + NOTES), meter)
            first, last = min(r.timestamp for r in records) / 1000, max(r.timestamp for r in records) / 1000
            ages = await _paced(feeder, facts, cases[:PACED])
    finally:
        await facts.stop()
        await feeder.stop()
    used = meter.cpu_between("engine", first, last)
    return {
        "commands": len(records),
        "commands_per_s": round(len(records) / (last - first)),
        "cpu_s_per_thousand": round(used / len(records) * 1000, 3),
        "p50_ms_at_100": round(ages[len(ages) // 2], 1),
        "p99_ms_at_100": round(ages[len(ages) * 99 // 100], 1),
    }


async def _facts(facts: Follower, count: int, meter: Meter | None = None) -> list[ConsumerRecord]:
    found: list[ConsumerRecord] = []
    deadline = time.monotonic() + WITHIN_S
    while len(found) < count:
        if meter:
            meter.sample()
        found += await facts.read(20_000, 50)
        if time.monotonic() > deadline:
            raise EngineFailed(f"closure said {len(found):,} of {count:,} facts in {WITHIN_S:g} s")
    return found


async def _paced(feeder: Feeder, facts: Follower, cases: Sequence[str]) -> list[float]:
    """Milliseconds from command to fact, one note per case."""
    sent: dict[bytes, float] = {}
    reading = asyncio.create_task(_facts(facts, len(cases)))
    due = time.monotonic()
    for case in cases:
        sent[case.encode()] = time.time() * 1000
        await feeder.append(loaded([_note(case, NOTES)], CASE_COMMANDS.partitions))
        due += 1 / RATE
        await asyncio.sleep(max(0.0, due - time.monotonic()))
    return sorted(record.timestamp - sent[record.key] for record in await reading)


def _note(case: str, number: int) -> Item:
    command = Command(id=f"{case}-{number}", case_id=CaseId(case), type=CommandType.NOTE, actor=ACTOR, note="seen by the patrol")
    return Item(None, case.encode(), encode_command(command, datetime.now(UTC), "QD", "qingdao"))
