"""`make whole-city` and `make soak`: a whole stack under load for minutes or hours, watched from outside, with a verdict and a result file.

*whole-city*: 230,000 cameras, 10,000 reports a second in real arrival order, the real clock; fails when any group was more than five
seconds behind at any time. The cameras are connected over twenty minutes first, while the rate rises with them: the 50,000 incidents that
such a city has open anyway would else all be opened at once, and two cores open, file and dispatch hardly a hundred a second.

*soak*: a moderate rate for long; fails when memory, descriptors or lag grow (benchmarks/flatness.py) after the warm-up. Its city runs 1440
times faster than life, a day a minute, with people who handle the cases: so cases end and are forgotten within minutes (a week's reopening
window is seven of them) and a steady state exists, while memory, sockets and files live in real time.
"""

import argparse
import json
import os
import platform
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from rich.console import Console

from adapters import stack
from adapters.health import ask
from adapters.stack_engines import free_ports
from adapters.stack_state import Mode
from benchmarks.flatness import STRETCHES, trend
from benchmarks.ground import alone
from benchmarks.watching import LAG_EVERY_S, Sample, Watch, quantile
from cli.demo_players import Players
from config.settings import ROOT, Settings, load_settings
from streams.topology import WORKER, Process, names_of

SAMPLE_EVERY_S = 5.0
SAY_EVERY_S = 30.0
READY_WITHIN_S = 60.0
DRAIN_WITHIN_S = 60.0
MOST_LAG_S = 5.0
LEAST_OFFERED = 0.9
"""Share of the rate that the simulator must have offered, or the run says nothing about it."""
SAMPLES_KEPT = 240
OURS = ("worker", *WORKER)
"""The worker's parent and its processes; the others are shown and not judged."""
say = Console(stderr=True, soft_wrap=True, highlight=False).print


@dataclass(frozen=True)
class Plan:
    """What is run. `minutes` begin when the cameras are connected; figures count from the end of the warm-up. `clock` 0 is the real one."""

    name: str
    minutes: float
    cameras: int
    rate: float
    connect: float = 0
    warm_up: float = 0
    clock: int = 0
    people: bool = False
    shares: tuple[str, ...] = ()
    begins: str = ""  # the city's time at which such a clock begins; "": now


WHOLE_CITY = Plan("whole-city", 10, 230_000, 10_000, connect=20, shares=("--false-alarms", "0.001"))
"""False alarms as a city has them, four a camera and day; the default share of 5 % would open 43 million cases a day."""
SOAK = Plan("soak", 60, 50, 30, warm_up=30, clock=1440, people=True, begins="2026-01-05T00:00+08:00")
"""It begins early in a year that the calendar knows: a day is a minute, and no case is filed whose deadline lies in an unknown one.
Warm-up until cases are forgotten (seven minutes), have left Redis (ten more), and the live feed has 100,000 frames (thirty)."""
REMEMBERED_MB: dict[str, float] = {Process.FLOOD: 14.0}
"""What bounded memories take while a soak fills them: the places of 10,000 cases and the partitions of 32,768 keys, 0.57 and 0.23 kB each
(measured). A soak opens 20,000 cases an hour; in a city they are full within the first hours."""


class Run:
    """One plan carried out: servers, children, samples."""

    def __init__(self, plan: Plan, settings: Settings, engines: dict[str, int]) -> None:
        self.plan = plan
        self.samples: list[Sample] = []
        self.worst: dict[str, float] = {}  # lag in seconds since all cameras are connected
        self.worst_connecting: dict[str, float] = {}
        self._settings = settings
        self._engines = engines
        self._players = Players(settings, settings.local_dir / "logs")

    def carry_out(self, stop: Callable[[], bool]) -> None:
        """From the first process to the drained log; ends what it started."""
        ports = free_ports(len(WORKER))
        try:
            self._players.start("worker", ["worker"], {"CITYLOOP_METRICS_PORT": str(ports[0])})
            if self.plan.people:
                self._players.start("units", ["units"])
            self._until_ready(ports)
            self._players.start("simulate", self._simulate())
            processes = self._engines | self._processes()
            watch = Watch(self._settings, processes, tuple(ports))
            try:
                self._watch(watch, stop)
            finally:
                watch.close()
        finally:
            self._players.end_all()

    def _simulate(self) -> list[str]:
        wish = ["--cameras", str(self.plan.cameras), "--rate", f"{self.plan.rate:g}"]
        return ["simulate", "--flat", *wish, "--connect", f"{self.plan.connect:g}", *self.plan.shares]

    def _until_ready(self, ports: Sequence[int]) -> None:
        deadline = time.monotonic() + READY_WITHIN_S
        for port in ports:
            while not (answer := ask(f"http://127.0.0.1:{port}/readyz", 2.0)).well:
                self._players.check()
                if time.monotonic() > deadline:
                    raise SystemExit(f"not ready after {READY_WITHIN_S:g} s: {answer.said}; logs: {self._settings.local_dir / 'logs'}")
                time.sleep(0.2)

    def _processes(self) -> dict[str, int]:
        worker = self._players.pid("worker")
        children = Path(f"/proc/{worker}/task/{worker}/children").read_text().split()
        words = {int(pid): Path(f"/proc/{pid}/cmdline").read_text() for pid in children}
        named = {each.value: pid for each in WORKER for pid, line in words.items() if f"\0{','.join(names_of(each))}\0" in line}
        others = ["simulate", *(["units"] if self.plan.people else [])]
        return {"worker": worker, **named} | {name: self._players.pid(name) for name in others}

    def _watch(self, watch: Watch, stop: Callable[[], bool]) -> None:
        end_s, said_s = watch.at_s() + (self.plan.connect + self.plan.minutes) * 60, 0.0
        while watch.at_s() < end_s and not stop():
            self._look(watch)
            if watch.at_s() - said_s >= SAY_EVERY_S:
                said_s = watch.at_s()
                say(line_of(self.samples[-1], max((*self.worst_connecting.values(), *self.worst.values()))))
            time.sleep(LAG_EVERY_S - watch.at_s() % LAG_EVERY_S)
            self._players.check()
        self._players.end("simulate")
        if any((behind := watch.drained(DRAIN_WITHIN_S)).values()):
            say(f"not drained {DRAIN_WITHIN_S:g} s after the last report: {behind}")

    def _look(self, watch: Watch) -> None:
        lag_s, behind = watch.lag()
        worst = self.worst_connecting if watch.at_s() < self.plan.connect * 60 else self.worst
        worst |= {name: max(seconds, worst.get(name, 0.0)) for name, seconds in lag_s.items()}
        if not self.samples or watch.at_s() - self.samples[-1].at_s >= SAMPLE_EVERY_S:
            self.samples.append(watch.sample(lag_s, behind))

    def measured(self) -> list[Sample]:
        """The samples that count: all from when every camera is connected and the warm-up is over."""
        begins_s = (self.plan.connect + self.plan.warm_up) * 60
        return [each for each in self.samples if each.at_s >= begins_s] or self.samples

    def audit(self) -> dict[str, Any]:
        """The exact account of every report, by `cityloop audit`."""
        answer = self._players.ask(["audit", "--json"], 600)
        try:
            told: dict[str, Any] = json.loads(answer.stdout)
        except ValueError:
            return {"exact": False, "said": answer.stderr[-2000:]}
        return told


def line_of(sample: Sample, worst: float) -> str:
    """How it goes, for a person who waits."""
    lag = " ".join(f"{name} {seconds:.1f}" for name, seconds in sample.lag_s.items())
    rss = " ".join(f"{name} {sample.rss_mb[name]:.0f}" for name in OURS if name in sample.rss_mb)
    head = f"{sample.at_s:5.0f} s  {sample.reports:,} reports, {sample.cases:,} cases, {sample.remembered:,} pairs known"
    return f"{head} | lag s: {lag} (worst {worst:.1f}) | MB: {rss} redis {sample.redis_mb:.0f}"


def figures(run: Run) -> dict[str, Any]:
    """What a run came to, in numbers."""
    plan, first, last = run.plan, run.samples[0], run.samples[-1]
    measured = run.measured()
    reports, seconds = last.reports - measured[0].reports, last.at_s - measured[0].at_s
    ages = {
        stage: {f"p{share * 100:g}": quantile(measured[0].ages.get(stage, {}), counts, share) for share in (0.5, 0.99)}
        for stage, counts in last.ages.items()
    }
    grown = {name: (last.rss_mb[name] - first.rss_mb[name]) * 2**20 for name in WORKER if name in last.rss_mb}
    return {
        "seconds": last.at_s,
        "reports": reports,
        "reports_per_s": round(reports / seconds, 1),
        "offered_per_s": round((last.offered - measured[0].offered) / seconds, 1),
        "max_lag_s": run.worst,
        "max_lag_connecting_s": run.worst_connecting,
        "report_age_s": ages,
        "cpu_s_per_million": {n: round((last.cpu_s[n] - measured[0].cpu_s.get(n, 0.0)) / reports * 1e6, 2) for n in last.cpu_s},
        "rss_mb": last.rss_mb,
        "fds": last.fds,
        "redis_mb": last.redis_mb,
        "cases": last.cases,
        "known_pairs": last.remembered,
        "redis_bytes_per_camera": round((last.redis_mb - first.redis_mb) * 2**20 / plan.cameras),
        "worker_bytes_per_camera": {name: round(grew / plan.cameras) for name, grew in grown.items()},
        "redis_bytes_per_known_pair": round((last.redis_mb - first.redis_mb) * 2**20 / max(1, last.remembered)),
        "worker_bytes_per_known_pair": round(grown.get(Process.FLOOD, 0.0) / max(1, last.remembered)),
    }


def series(samples: Sequence[Sample]) -> Iterator[tuple[str, float, list[float]]]:
    """What must be flat: name, the rise that is tolerable whatever the mean, values."""
    for name in OURS:
        yield f"rss {name} MB", 4.0 + REMEMBERED_MB.get(name, 0.0), [each.rss_mb[name] for each in samples]
        yield f"fds {name}", 2.0, [float(each.fds[name]) for each in samples]
    yield "redis MB", 4.0, [each.redis_mb for each in samples]
    yield "fds redis", 2.0, [float(each.fds["redis"]) for each in samples]
    for group in samples[0].lag_s:
        yield f"lag {group} s", 0.5, [each.lag_s[group] for each in samples]


def verdicts(run: Run) -> list[dict[str, Any]]:
    """One line per thing that was to be kept: `what`, `fine`, and the figures behind it."""
    if run.plan.name == WHOLE_CITY.name:
        phases = (("", run.worst), (", while cameras were being connected", run.worst_connecting))
        lags = [
            {"what": f"lag {name} ≤ {MOST_LAG_S:g} s{when}", "fine": worst <= MOST_LAG_S, "worst": worst}
            for when, found in phases
            for name, worst in found.items()
        ]
        offered, least = figures(run)["offered_per_s"], LEAST_OFFERED * run.plan.rate
        return [*lags, {"what": f"offered ≥ {least:,.0f} reports/s", "fine": offered >= least, "offered": offered}]
    measured = run.measured()
    if len(measured) < STRETCHES:
        return [{"what": "measured long enough to see whether anything grows", "fine": False, "samples": len(measured), "least": STRETCHES}]
    at_s = [each.at_s for each in measured]
    found = [(name, trend(at_s, values, floor)) for name, floor, values in series(measured)]
    return [
        {"what": f"{name} is flat", "fine": not each.grows, **{k: round(v, 3) for k, v in asdict(each).items()}} for name, each in found
    ]


@contextmanager
def servers(plan: Plan) -> Iterator[tuple[Settings, dict[str, int]]]:
    """Kafka and Redis of our own on empty data below .local/<plan>; stopped in the end, their data removed."""
    base = load_settings()
    clock = "real"
    if plan.clock:
        clock = f"x{plan.clock}@{plan.begins or datetime.now(ZoneInfo('Asia/Shanghai')).isoformat(timespec='minutes')}"
    folder = base.local_dir / plan.name
    chosen = base.model_copy(update={"local_dir": folder, "city": "qingdao", "clock": clock, "namespace": f"{plan.name}."})
    with alone(folder):
        if (folder / "stack").exists():
            stack.down(chosen)
        shutil.rmtree(folder, ignore_errors=True)
        try:
            status = stack.up(chosen, Mode.NATIVE, say)
            yield chosen.model_copy(update=status.addresses), {each.name: each.pid for each in status.processes if each.pid is not None}
        finally:
            stack.down(chosen)
            shutil.rmtree(folder / "stack", ignore_errors=True)


def save(plan: Plan, result: dict[str, Any]) -> Path:
    """Write the result file; returns where."""
    folder = ROOT / "benchmarks" / "results"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{datetime.now(UTC):%Y-%m-%d}-{result['commit']}-{plan.name}.json"
    path.write_text(json.dumps(result, indent=1, ensure_ascii=False) + "\n", "utf-8")
    return path


def commit() -> str:
    """The commit that is measured; `+` behind it: with changes."""
    asked = [subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True, check=False).stdout.strip() for words in GIT]
    return asked[0] + ("+" if asked[1] else "") if asked[0] else "unknown"


GIT = (["rev-parse", "--short", "HEAD"], ["status", "--porcelain", "--untracked-files=no"])


def main() -> None:
    """Parse, run, judge: progress on stderr, the result's figures on stdout, exit code 1 when something was not kept."""
    parser = argparse.ArgumentParser(prog="benchmarks.soak", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("plan", choices=(WHOLE_CITY.name, SOAK.name))
    parser.add_argument("--minutes", type=float)
    parser.add_argument("--cameras", type=int)
    parser.add_argument("--connect", type=float, help="minutes over which the cameras are connected, before the others")
    parser.add_argument("--rate", type=float, help="reports a second")
    chosen = vars(parser.parse_args())
    plan = {each.name: each for each in (WHOLE_CITY, SOAK)}[chosen.pop("plan")]
    plan = replace(plan, **{name: value for name, value in chosen.items() if value is not None})
    plan = replace(plan, warm_up=min(plan.warm_up, plan.minutes / 3))
    stopped: list[int] = []
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda got, _: stopped.append(got))
    measured = commit()
    with servers(plan) as (settings, engines):
        run = Run(plan, settings, engines)
        run.carry_out(lambda: bool(stopped))
        audit = run.audit()
    found = verdicts(run)
    machine = f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}"
    result = {"plan": asdict(plan), "commit": measured, "machine": machine, "figures": figures(run), "verdicts": found, "audit": audit}
    kept = run.samples[:: max(1, -(-len(run.samples) // SAMPLES_KEPT))]
    path = save(plan, result | {"samples": [{k: v for k, v in asdict(each).items() if k != "ages"} for each in kept]})
    print(json.dumps(result, indent=2, ensure_ascii=False))
    for each in found:
        details = ", ".join(f"{name} {value}" for name, value in each.items() if name not in ("what", "fine"))
        say(f"{'kept    ' if each['fine'] else 'NOT KEPT'}  {each['what']}: {details}")
    say(f"audit: {'exact' if audit.get('exact') else 'NOT EXACT'}; {path}")
    sys.exit(0 if audit.get("exact") and all(each["fine"] for each in found) else 1)


if __name__ == "__main__":
    main()
