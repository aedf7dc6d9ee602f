"""Runs engines over the same topics, alternating, and measures each: reports a second, CPU, memory, cases, who was joined with whom.

Each run has topics of its own with the same bytes: warm-up reports first; when those are told, the measured ones appear at once, and time
and CPU count until the last of them is told. One more run, not timed, over the first reports says who was joined with whom. An engine that
fails is noted as failed and the others go on.
"""

import asyncio
import logging
import shutil
import subprocess
import time
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

from adapters.boundaries import locator
from adapters.follow import Follower
from benchmarks.engines import Engine, Launch, launch_ours, launch_peer
from benchmarks.feed import Feeder, Load, loaded
from benchmarks.ground import Ground, say
from benchmarks.orders import UNIQUE_SHARE, Order, records
from benchmarks.processes import Meter
from benchmarks.progress import Told
from config.load import load_city
from config.topics import REPORTED
from incidents.errors import CityloopError
from producers.base import Item
from producers.scoring import ReportKey, score

SCORED = 60_000
logging.getLogger("aiokafka").setLevel(logging.CRITICAL)  # it tells of every topic that is just being made
WITHIN_S = 240.0
MORE_S = 1.5
"""How long it is watched, after the last report, whether more is told than there were reports."""
OUT_PARTITIONS = 4


class EngineFailed(CityloopError):
    """An engine ended, stood still or told a wrong number; the message says where its log is."""


@dataclass
class Race:
    """One order, simulated once: its records, encoded in the sizes that the engines get, and the truth about the first of them."""

    order: Order
    items: list[Item]
    partitions: int = REPORTED.partitions
    loads: dict[tuple[int, int], Load] = field(default_factory=dict)

    def load(self, begin: int, end: int, with_ids: bool = False) -> Load:
        """The records from `begin` to `end`, encoded the first time."""
        if (begin, end) not in self.loads:
            self.loads[begin, end] = loaded(islice(self.items, begin, end), self.partitions, with_ids)
        return self.loads[begin, end]


def prepare(ground: Ground, order: Order, bad: float = 0.0, partitions: int = REPORTED.partitions) -> Race:
    """Simulate the order; `bad` is the share of bad input in it."""
    say(f"{order.name}: {order.about}; simulating {order.warm + order.reports:,} reports …")
    city = load_city(ground.settings)
    return Race(order, list(records(order, city, locator(city, ground.settings), bad)), partitions)


def timed(ground: Ground, engine: Engine, race: Race) -> dict[str, Any]:
    """One measured run. Raises EngineFailed."""
    reports = min(race.order.reports, engine.most or race.order.reports)
    warm = min(race.order.warm, reports)
    told = Told(engine.ours)
    run = _run(ground, engine, told, (race.load(0, warm), race.load(warm, warm + reports)))
    took = run.end_s - run.begin_s
    used = {name: run.meter.cpu_between(name, run.begin_s, run.end_s) / reports * 1e6 for name in run.meter.roots}
    figures = {
        "reports_per_s": reports / took,
        "cpu_s_per_million": used["engine"],
        "cpu_s_per_million_broker": used["kafka"],
        "cpu_s_per_million_redis": used["redis"],
        "rss_mb": run.meter.peak_mb("engine"),
        "cases": len(told.cases),
        "reports": reports,
        "warm": warm,
    }
    return figures | ({"last_opening_s": told.last_opening_ms / 1000 - run.begin_s} if told.cases else {})


def scored(ground: Ground, engine: Engine, race: Race) -> dict[str, Any]:
    """One run that is not timed, in which the engine says each report's case. Raises EngineFailed."""
    many = SCORED // UNIQUE_SHARE if race.order.unique else SCORED
    load = race.load(0, min(many, len(race.items)), with_ids=True)
    told = Told(engine.ours, assign=engine.rule, ids=load.ids)
    _run(ground, engine, told, (load, None))
    if not engine.rule:
        return {}
    if told.twice or len(told.assigned) != load.count:
        raise EngineFailed(f"{len(told.assigned):,} of {load.count:,} reports got a case, {told.twice:,} of them twice")
    truths = [item.truth for item in islice(race.items, load.count) if item.truth]
    result = score({_key(each): case for each, case in told.assigned.items()}, {_key(truth.id): truth.incident for truth in truths})
    return {"precision": result.precision, "recall": result.recall, "scored_cases": result.cases, "scored_incidents": result.incidents}


def _key(report_id: str) -> ReportKey:
    return "", report_id, 0


@dataclass(frozen=True)
class Watched:
    """One run: when the measured reports began to appear, when the last one was told (seconds since 1970), and what was used meanwhile."""

    begin_s: float
    end_s: float
    meter: Meter


def _run(ground: Ground, engine: Engine, told: Told, loads: tuple[Load, Load | None]) -> Watched:
    partitions = loads[0].partitions
    mark = f"bench-{engine.name.replace('/', '-')}-{uuid.uuid4().hex[:6]}"
    state = ground.logs / mark
    state.mkdir()
    try:
        if engine.ours:
            settings = ground.of(mark, partitions)
            topic, launch = settings.named(REPORTED.name), launch_ours(settings, state.with_suffix(".log"), workers=engine.threads)
        else:
            topic = f"{mark}.in"
            ground.make(topic, partitions)
            ground.make(f"{mark}.out", OUT_PARTITIONS)
            launch = launch_peer(engine, ground.bootstrap, topic, mark, state, told.assign)
        return asyncio.run(watch(ground, launch, told, topic, loads))
    finally:
        ground.clean(mark)
        shutil.rmtree(state, ignore_errors=True)


async def watch(ground: Ground, launch: Launch, told: Told, topic: str, loads: tuple[Load, Load | None]) -> Watched:
    """Start it over the first load, let the second appear when that is told, and follow it to its end. Raises EngineFailed."""
    if not shutil.which(launch.command[0]):
        raise EngineFailed(f"{launch.command[0]} is not there")
    warm, measured = loads
    follower, feeder = Follower(ground.bootstrap, launch.out), Feeder(ground.bootstrap, topic)
    await feeder.start()
    try:
        await feeder.append(warm)
        await follower.start()
        with launch.running() as process:
            meter = Meter({"engine": process.pid, "kafka": ground.processes["kafka"], "redis": ground.processes["redis"]})
            progress = _Progress(follower, told, meter, process, launch.log)
            await progress.until(warm.count)
            begin_s = time.time()
            if measured:
                appending = asyncio.create_task(feeder.append(measured))
                await progress.until(warm.count + measured.count)
                await appending
            end_s = told.last_ms / 1000
            await progress.silence()
            return Watched(begin_s, end_s, meter)
    finally:
        await follower.stop()
        await feeder.stop()


@dataclass
class _Progress:
    """Follows one process."""

    follower: Follower
    told: Told
    meter: Meter
    process: "subprocess.Popen[bytes]"
    log: Path

    async def until(self, goal: int) -> None:
        """Until it has told so many reports."""
        deadline = time.monotonic() + WITHIN_S
        while self.told.n < goal:
            await self._step()
            if self.process.poll() is not None:
                raise self._failed(f"ended by itself ({self.process.returncode}) after {self.told.n:,} of {goal:,} reports")
            if time.monotonic() > deadline:
                raise self._failed(f"only {self.told.n:,} of {goal:,} reports after {WITHIN_S:.0f} s")
        if self.told.n > goal:
            raise self._failed(f"{self.told.n:,} reports told, {goal:,} were there")
        self.meter.sample(now=True)

    async def silence(self) -> None:
        """See that nothing more is told."""
        goal, end = self.told.n, time.monotonic() + MORE_S
        while time.monotonic() < end:
            await self._step()
        if self.told.n != goal:
            raise self._failed(f"{self.told.n:,} reports told, {goal:,} were there")

    async def _step(self) -> None:
        self.meter.sample()
        self.told.take(await self.follower.read(20_000, 100))

    def _failed(self, what: str) -> EngineFailed:
        log = self.log.relative_to(Path.cwd()) if self.log.is_relative_to(Path.cwd()) else self.log
        return EngineFailed(f"{what}; its log: {log}")


def contest(ground: Ground, engines: Sequence[Engine], races: Iterable[Race], runs: int, scoring: bool = True) -> dict[str, Any]:
    """Every engine over every order, `runs` times, alternating; the engines' part of the results file."""
    results: dict[str, Any] = {engine.name: {} for engine in engines}
    for race in races:
        found: dict[str, list[dict[str, Any]]] = {engine.name: [] for engine in engines}
        failed: dict[str, str] = {}
        for turn in range(runs + scoring):
            for at in range(len(engines)):
                engine = engines[(at + turn) % len(engines)]
                if engine.name not in failed:
                    _turn(ground, engine, race, turn < runs, found, failed)
        for engine in engines:
            results[engine.name][race.order.name] = summed(found[engine.name], failed.get(engine.name))
    return results


def _turn(
    ground: Ground, engine: Engine, race: Race, clocked: bool, found: dict[str, list[dict[str, Any]]], failed: dict[str, str]
) -> None:
    try:
        result = (timed if clocked else scored)(ground, engine, race)
    except EngineFailed as error:
        failed[engine.name] = str(error)
        say(f"  {engine.name}: FAILED: {error}")
        return
    found[engine.name].append(result)
    say(f"  {engine.name}: " + ", ".join(f"{name} {round(value, 4 if value < 10 else 0):,}" for name, value in result.items()))


def summed(found: Sequence[dict[str, Any]], failed: str | None) -> dict[str, Any]:
    """One cell of the results: rates and CPU as a list of the runs, the rest once."""
    if failed is not None:
        return {"failed": failed}
    lists = ("reports_per_s", "cpu_s_per_million", "cpu_s_per_million_broker", "cpu_s_per_million_redis", "last_opening_s")
    cell: dict[str, Any] = {name: [round(run[name], 3) for run in found if name in run] for name in lists}
    for run in islice(found, len(found)):
        for name, value in run.items():
            if name not in lists:
                cell[name] = max(cell.get(name, 0), value) if name == "rss_mb" else value
    return cell | {"rss_mb": round(cell.get("rss_mb", 0))}
