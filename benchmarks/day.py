"""`make day`: a city's day in minutes: 14,000 cases over its districts, handled by its people, over the real worker, Kafka and Redis.

Fails unless, half a day after the day's last report, every case has ended or it can be said why it has not, `cityloop audit` accounts for
every report, and the figures kept as facts came equal those recomputed from the facts. A city's day is that of its clock: x300 makes it
4.8 minutes long, and the time afterwards, which units need for what came in last, as long as it takes up to `--drain-hours`.
"""

import argparse
import asyncio
import json
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from adapters.case_files import CaseFiles, hot_store
from adapters.clock import open_clock
from adapters.evaluation_store import read_only
from adapters.health import ask
from adapters.stack_engines import free_ports
from benchmarks.soak import READY_WITHIN_S, Plan, commit, save, say, servers
from benchmarks.watching import Watch
from cli.demo_players import Players
from config.load import load_city
from config.settings import Settings
from incidents.case import Case
from incidents.catalogue import City
from incidents.errors import TryAgain, UserError
from incidents.vocabulary import ENDED, DeadlineKind, State
from producers.units import Units
from streams.topology import WORKER

BEGINS = "2026-11-23T06:00+08:00"
"""A Monday, so that working hours run; the day's curve goes round the clock from there."""
DAY_S = 86_400
WHOLE = 14_000
"""Cases of a day (DOMAIN.md): only such a run leaves a result file."""
REPORTS_PER_CASE = 4.7
"""Of the simulator's incidents at this rate, with its false alarms (`cityloop rehearse` of such a day: 4.8), and less: the reserve."""
CAMERAS = 5_000
LOOK_EVERY_S = 10.0
GRACE_S = 45.0
"""Real time in which a command that is due is surely given and applied."""
WAITING = {State.HELD: DeadlineKind.EXPIRE, State.SUSPENDED: DeadlineKind.RESUME}


@dataclass(frozen=True)
class Wish:
    """What the caller asked for; `seed` is that of city and people."""

    cases: int
    speed: int
    drain_hours: float
    most_minutes: float
    seed: int

    @property
    def day_minutes(self) -> float:
        """Real minutes of the city's day."""
        return DAY_S / self.speed / 60

    @property
    def rate(self) -> float:
        """Reports a real second."""
        return self.cases * REPORTS_PER_CASE / DAY_S * self.speed

    @property
    def plan(self) -> Plan:
        """For the servers and the result file."""
        return Plan("day", self.day_minutes, CAMERAS, self.rate, clock=self.speed, people=True, begins=BEGINS)


@dataclass(frozen=True)
class Standing:
    """How the cases stand: `open_because` of those that have not ended and may, `stuck` are those that should have moved."""

    cases: int
    districts: int
    states: dict[str, int]
    open_because: dict[str, int]
    stuck: list[str]


class DayRun:
    """One day carried out."""

    def __init__(self, wish: Wish, settings: Settings) -> None:
        self.wish = wish
        self._settings = settings
        self._city = load_city(settings)
        self._players = Players(settings, settings.local_dir / "logs")
        self._began = time.monotonic()

    def carry_out(self) -> dict[str, Any]:
        """From the first process to the verdicts' figures; ends what it started."""
        ports = free_ports(len(WORKER))
        try:
            self._players.start("worker", ["worker"], {"CITYLOOP_METRICS_PORT": str(ports[0])})
            self._wait("the worker", lambda: all(ask(f"http://127.0.0.1:{port}/readyz", 2.0).well for port in ports))
            self._players.start("units", ["units", "--seed", str(self.wish.seed)])
            watch = Watch(self._settings, {}, tuple(ports))
            try:
                self._day()
                self._drain(watch)
            finally:
                watch.close()
            minutes = (time.monotonic() - self._began) / 60
            standing = asyncio.run(self._standing())
            return {
                "minutes": round(minutes, 2),
                **asdict(standing),
                "audit": {name: told for name, told in self._told(["audit", "--json"]).items() if name != "partitions"},
                "indicators": self._told(["indicators", "check", "--json"]),
            }
        finally:
            self._players.end_all()

    def _wait(self, what: str, done: Callable[[], bool]) -> None:
        deadline = time.monotonic() + READY_WITHIN_S
        while not done():
            self._players.check()
            if time.monotonic() > deadline:
                raise SystemExit(f"waited {READY_WITHIN_S:g} s for {what}; logs: {self._settings.local_dir / 'logs'}")
            time.sleep(0.2)

    def _day(self) -> None:
        wish = self.wish
        words = ["simulate", "--cameras", str(CAMERAS), "--rate", f"{wish.rate:g}", "--seed", str(wish.seed)]
        timeout_s = wish.day_minutes * 60 + 120
        with ThreadPoolExecutor(1) as pool:
            done = pool.submit(self._players.ask, [*words, "--minutes", f"{wish.day_minutes:g}"], timeout_s)
            while not done.done():
                self._look("the day")
                _sleep(LOOK_EVERY_S, done)
        if (answer := done.result()).returncode:
            raise SystemExit(f"the simulator ended with exit code {answer.returncode}: {answer.stderr[-2000:]}")

    def _drain(self, watch: Watch) -> None:
        """Until every case has ended and nobody is behind, or the time is over."""
        end_s = time.monotonic() + self.wish.drain_hours * 3600 / self.wish.speed
        while time.monotonic() < end_s:
            open_cases = self._look("afterwards")
            behind = watch.lag()[1]
            if open_cases == 0 and not any(behind.values()):
                return
            time.sleep(LOOK_EVERY_S)
        self._wait("the stages to be done with what there is", lambda: not any(watch.lag()[1].values()))

    def _look(self, what: str) -> int | None:
        """Say how far it is; how many cases are open, None before the first."""
        self._players.check()
        try:
            with read_only(self._settings, self._city) as sheets:
                states = Counter(sheet.state for sheet, _ in sheets.sheets())
        except (UserError, TryAgain):
            return None
        ended = sum(states[state] for state in ENDED)
        say(f"{time.monotonic() - self._began:4.0f} s  {what}: {states.total():,} cases, {ended:,} ended, {dict(states.most_common(8))}")
        return states.total() - ended

    async def _standing(self) -> Standing:
        async with hot_store(self._settings) as hot:
            now = (await open_clock(self._settings, hot.redis, hot.keys)).now()
        cases = await asyncio.to_thread(CaseFiles(self._settings, say).every)
        return standing(self._city, cases, now - timedelta(seconds=GRACE_S * self.wish.speed), self.wish.seed)

    def _told(self, words: list[str]) -> dict[str, Any]:
        answer = self._players.ask(words, 300)
        try:
            told: dict[str, Any] = json.loads(answer.stdout)
        except ValueError:
            return {"said": answer.stderr[-2000:]}
        return told


def _sleep(seconds: float, until: "Future[subprocess.CompletedProcess[str]]") -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and not until.done():
        time.sleep(0.2)


def standing(city: City, cases: list[Case], since: datetime, seed: int) -> Standing:
    """How the cases stand. One that is open is explained by what is to come of it after `since`: its deadline, or what a person plans."""
    units = Units(city, seed)
    because: Counter[str] = Counter()
    stuck: list[str] = []
    for case in cases:
        if case.state in ENDED:
            continue
        why = next(_awaited(units, case, since), None)
        if why is None:
            stuck.append(f"{case.case_id} {case.state} since {case.entered_at:%m-%d %H:%M} UTC")
        else:
            because[why] += 1
    states = Counter(str(case.state) for case in cases)
    districts = {case.place.district for case in cases if case.place.district}
    return Standing(len(cases), len(districts), dict(states.most_common()), dict(because.most_common()), stuck)


def _awaited(units: Units, case: Case, since: datetime) -> Iterator[str]:
    kind = WAITING.get(case.state)
    if any(deadline.kind is kind and deadline.at > since for deadline in case.deadlines):
        yield f"{case.state} until its date"
    for planned in units.plan(case):
        if planned.due > since:
            yield f"{case.state}, a {planned.command.actor.role} is to {planned.command.type}"


def verdicts(wish: Wish, found: dict[str, Any], city_districts: int) -> list[tuple[str, bool]]:
    """What was to be kept, and whether it was."""
    return [
        (f"{found['cases']:,} cases, {wish.cases:,} wanted", found["cases"] >= wish.cases),
        (f"in {found['districts']} of {city_districts} districts", found["districts"] == city_districts or wish.cases < 1000),
        (f"{found['minutes']:.1f} min, {wish.most_minutes:g} allowed", found["minutes"] <= wish.most_minutes),
        (f"{len(found['stuck'])} open without an explanation {found['stuck'][:5]}", not found["stuck"]),
        (f"audit exact: {found['audit'].get('said', '')}", bool(found["audit"].get("exact"))),
        (f"kept figures equal recomputed ones: {found['indicators'].get('said', '')}", bool(found["indicators"].get("equal"))),
    ]


def main() -> None:
    """Parse, run, judge: progress on stderr, the figures on stdout, exit code 1 when something was not kept."""
    parser = argparse.ArgumentParser(prog="benchmarks.day", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", type=int, default=WHOLE)
    parser.add_argument("--speed", type=int, default=300, help="city seconds a real second")
    parser.add_argument("--drain-hours", type=float, default=20, help="city hours after the day, at most")
    parser.add_argument("--most-minutes", type=float, default=10, help="real minutes that all of it may take")
    parser.add_argument("--seed", type=int, default=1)
    wish = Wish(**vars(parser.parse_args()))
    measured = commit()
    with servers(wish.plan) as (settings, _):
        found = DayRun(wish, settings).carry_out()
        districts = len(load_city(settings).districts)
    judged = verdicts(wish, found, districts)
    result = {"wish": asdict(wish), "commit": measured, "figures": found, "verdicts": dict(judged)}
    print(json.dumps(result, indent=2, ensure_ascii=False))
    for what, fine in judged:
        say(f"{'kept    ' if fine else 'NOT KEPT'}  {what}")
    say(f"open: {found['open_because'] or 'none'}; states: {found['states']}")
    if wish.cases >= WHOLE:
        say(str(save(wish.plan, result)))
    sys.exit(0 if all(fine for _, fine in judged) else 1)


if __name__ == "__main__":
    main()
