"""`python -m benchmarks.sift_store`: what the atomic call costs per group, from 10³ to 10⁶ open cases and in dense places.

A Redis of its own on a free port. What a group costs is CPU of Redis's main thread (script, arguments and answer) and of Python, in calls
of 100 groups; the longest call is sought among calls of 1,000 groups, in CPU and by Redis's clock, which other processes disturb.
`--json` prints one object for the sweeps: place → kind → figures.

Kinds: `total` a known source repeats its known case three times, with a hint, nothing to tell; `join` a source never seen joins a case by
its place; `open` a machine's vague report opens a case; `person` a person's report opens one beside those that it might be; `fill` what
made the place. Places: `city` 100 km × 100 km in ten families; `km2` 5,000 open cases of one family in one square kilometre; `address`
5,000 at one point; `sources` one case with 10,000 sources, joined by each of them, then told every time.
"""

import argparse
import asyncio
import json
import random
import subprocess
import sys
import tempfile
import time
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import count, islice
from pathlib import Path
from typing import Any

from adapters.hot import HotStore, Keys, connect
from adapters.restore import Vault
from adapters.sift import RedisSift
from adapters.stack_engines import RedisEngine, free_port
from incidents.steps.sifting import CM, Group, MatchRule

RULE = MatchRule(radius=5000, window=7_200_000, span=0, recurs=604_800_000, quiet=86_400_000, by_place=True, moving=False, confirm=1)
X, Y, COS, T0 = 1_203_826_000, 360_671_000, 808_000, 1_795_219_200_000
AT_ONCE, MOST = 100, 1_000
CITY_M, KM_M = 100_000, 1_000
OPENING = json.dumps({"category": "road_spillage", "place": {"lon": 120.38, "lat": 36.06, "accuracy_m": 10}, "text": "x" * 400})


@dataclass
class Kind:
    """Calls of one kind so far."""

    groups: int = 0
    redis_us: int = 0
    python_us: float = 0
    longest_us: int = 0
    busiest_us: int = 0

    def figures(self) -> dict[str, float]:
        """Per group, and the longest call."""
        each = max(1, self.groups)
        return {
            "groups": self.groups,
            "redis_us": round(self.redis_us / each, 2),
            "python_us": round(self.python_us / each, 2),
            "longest_cpu_ms": round(self.busiest_us / 1000, 2),
            "longest_ms": round(self.longest_us / 1000, 2),
        }


@dataclass(frozen=True)
class Spot:
    """A case that was opened: where, by which source, in which family."""

    case: str
    source: str
    family: str
    x: int
    y: int


class Bench:
    """One Redis being filled and asked."""

    def __init__(self, hot: HotStore) -> None:
        self.hot = hot
        self.store = RedisSift(hot, "r1")
        self.patient = RedisSift(hot, "r1", budget_us=10**9)
        self.random = random.Random(7)
        self.offsets = count(1)
        self.sources = count(1)
        self.seconds = count(1)

    def group(self, family: str, x: int, y: int, source: str = "", **changes: Any) -> Group:
        """A machine's single report with all that it needs to open a case."""
        source = source or f"/cameras/3702{next(self.sources):08d}"
        offset = next(self.offsets)
        made = Group(source, family, "", x, y, COS, known=True, tight=True, machine=True, urgent=2, rule=RULE)
        made.new_id, made.opening, made.category = f"QD-20261121-{offset:010d}", OPENING, family
        made.offsets, made.times, made.keys, made.values = [offset], [T0 + offset // 100], [zlib.crc32(str(offset).encode())], [b""]
        return replace(made, **changes)

    async def spent_us(self) -> tuple[int, int]:
        """CPU of Redis's main thread, and the time it has spent in scripts, so far."""
        found = await self.hot.redis.info("cpu", "commandstats")
        cpu = float(found["used_cpu_user_main_thread"]) + float(found["used_cpu_sys_main_thread"])
        return round(cpu * 1e6), sum(int(found.get(f"cmdstat_{name}", {}).get("usec", 0)) for name in ("evalsha", "eval"))

    async def call(self, store: RedisSift, groups: Sequence[Group], kind: Kind) -> list[Spot]:
        """Sift all of them, those answered `later` again; returns where each ended."""
        ended: list[Spot] = []
        while groups:
            (cpu, script), began = await self.spent_us(), time.process_time()
            answer = await store.call(0, "T" * 22, groups, None)
            kind.python_us += (time.process_time() - began) * 1e6
            cpu_now, script_now = await self.spent_us()
            kind.redis_us += cpu_now - cpu
            kind.longest_us = max(kind.longest_us, script_now - script)
            kind.busiest_us = max(kind.busiest_us, cpu_now - cpu)
            if answer.entry:
                await store.remove(0, [answer.entry])
            pairs = list(zip(groups, answer.learned, strict=True))
            ended += [Spot(a.case or g.hint, g.source, g.family, g.x, g.y) for g, a in pairs if a.verdict != "later"]
            groups = [g for g, a in pairs if a.verdict == "later"]
        kind.groups += len(ended)
        return ended

    async def many(self, groups: Iterator[Group], kind: Kind) -> list[Spot]:
        """Half of them in small calls that may take their time, for the cost of each; half in great ones, for the longest call."""
        ended: list[Spot] = []
        longest = Kind()
        while some := list(islice(groups, AT_ONCE)):
            ended += await self.call(self.patient, some, kind)
            if some := list(islice(groups, MOST)):
                ended += await self.call(self.store, some, longest)
        kind.busiest_us, kind.longest_us = longest.busiest_us, longest.longest_us
        return ended

    def near(self, size_m: int) -> tuple[int, int]:
        """A point of a square of this size."""
        reach = round(size_m * 100 / CM)
        return X + round(self.random.randrange(reach) / COS * 1e6), Y + self.random.randrange(reach)

    def total(self, spot: Spot, many: int) -> Group:
        """Recognised repeats of a known case."""
        offsets = [next(self.offsets) for _ in range(many)]
        made = self.group(spot.family, spot.x, spot.y, spot.source, hint=spot.case, new_id="", opening="", tight=False)
        times, keys = [T0 + offset // 100 for offset in offsets], [zlib.crc32(str(offset).encode()) for offset in offsets]
        return replace(made, offsets=offsets, times=times, keys=keys, values=[b""] * many)

    async def kinds(self, spots: Sequence[Spot], size_m: int, groups: int) -> dict[str, dict[str, float]]:
        """Every kind of group among these cases."""
        made = {name: Kind() for name in ("total", "join", "open", "person")}
        chosen = [self.random.choice(spots) for _ in range(groups)]
        for many in (100, 100):  # so that nothing of the totals is notable
            await self.many((self.total(spot, many) for spot in chosen), Kind())
        for spot in chosen:  # as closure does when it knows the case
            await self.hot.redis.delete(f"{self.hot.keys.sift}opening:{spot.case}")
        await self.many((self.total(spot, 3) for spot in chosen), made["total"])
        await self.many((self.group(spot.family, spot.x, spot.y) for spot in chosen), made["join"])
        places = [(spot.family, *self.near(size_m)) for spot in chosen]
        await self.many((self.group(*place, tight=False) for place in places), made["open"])
        await self.many((self.group(*place, machine=False, notable=True) for place in places), made["person"])
        return {name: kind.figures() for name, kind in made.items()}


async def city(bench: Bench, sizes: Sequence[int], groups: int) -> dict[str, Any]:
    """The whole city at growing numbers of open cases."""
    spots: list[Spot] = []
    found: dict[str, Any] = {}
    for size in sizes:
        kind = Kind()
        places = ((f"family{len(spots) % 10}", *bench.near(CITY_M)) for _ in range(size - len(spots)))
        spots += await bench.many((bench.group(*place, tight=False) for place in places), kind)
        found[f"city {size}"] = await bench.kinds(spots, CITY_M, groups) | {"fill": kind.figures()}
        say(f"city {size:,}", found[f"city {size}"])
    return found


async def dense(bench: Bench, name: str, size_m: int, groups: int) -> tuple[str, dict[str, Any]]:
    """5,000 open cases of people's reports in a square of this size."""
    kind = Kind()
    filled = (bench.group(name, *bench.near(size_m), machine=False, notable=True) for _ in range(5_000))
    spots = await bench.many(filled, kind)
    found = name, await bench.kinds(spots, size_m, groups) | {"fill": kind.figures()}
    say(*found)
    return found


async def crowd(bench: Bench, groups: int) -> tuple[str, dict[str, Any]]:
    """One case with 10,000 sources, told every time."""
    first, kind, told = Kind(), Kind(), Kind()
    [spot] = await bench.many(iter([bench.group("sources", X, Y)]), first)
    known = await bench.many((bench.group("sources", X, Y) for _ in range(10_000)), kind)
    repeats = (bench.total(Spot(spot.case, each.source, each.family, X, Y), 1) for each in islice(known, groups))
    await bench.many((replace(group, notable=True) for group in repeats), told)
    found = "sources", {"join": kind.figures(), "told": told.figures()}
    say(*found)
    return found


def say(place: str, kinds: dict[str, Any]) -> None:
    """One line per kind, on stderr."""
    for name, figures in kinds.items():
        each = "{groups:>9,} groups {redis_us:>7.1f} µs Redis {python_us:>6.1f} µs Python,".format(**figures)
        longest = " longest call {longest_cpu_ms:5.2f} ms CPU, {longest_ms:5.2f} ms".format(**figures)
        print(f"{place:<16} {name:<7}{each}{longest}", file=sys.stderr)


async def measure(url: str, sizes: Sequence[int], groups: int) -> dict[str, Any]:
    """All places."""
    redis = connect(url)
    keys = Keys("bench.", "qingdao")
    hot = HotStore(redis, keys, "bench")
    vault = Vault(hot)
    async with vault.lock():
        assert await vault.open(await vault.run_id())
    bench = Bench(hot)
    try:
        found = await city(bench, sizes, groups)
        found |= dict([await dense(bench, "km2", KM_M, groups), await dense(bench, "address", 1, groups), await crowd(bench, groups)])
        found["memory_mb"] = round((await redis.info("memory"))["used_memory"] / 1e6, 1)
        return found
    finally:
        await hot.close()


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.sift_store", description=__doc__.partition("\n")[0])
    parser.add_argument("--cases", type=int, nargs="+", default=[1_000, 10_000, 100_000, 1_000_000], help="numbers of open cases, growing")
    parser.add_argument("--groups", type=int, default=4_000, help="groups of every kind at every place")
    parser.add_argument("--json", action="store_true", help="one object on stdout")
    chosen = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="cityloop-sift-") as folder:
        found = on_own_redis(Path(folder), chosen.cases, chosen.groups)
    if chosen.json:
        print(json.dumps(found))
    return 0


def on_own_redis(folder: Path, sizes: Sequence[int], groups: int) -> dict[str, Any]:
    """Measure on a Redis that lives for this only."""
    engine = RedisEngine(folder, free_port())
    engine.prepare()
    with (folder / "redis.log").open("wb") as log, subprocess.Popen(engine.command(), stdout=log, stderr=log) as process:
        try:
            engine.wait_until_ready(lambda: process.poll() is None)
            return asyncio.run(measure(engine.address, sorted(sizes), groups))
        finally:
            process.terminate()


if __name__ == "__main__":
    raise SystemExit(main())
