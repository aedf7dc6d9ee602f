"""`make bench`: intake alone on 400,000 simulated reports in live order, everything on: reports/s, CPU seconds per million, memory.

Its own Kafka and Redis on free ports below .local/bench, emptied before each run. The reports are on the topic before the worker starts,
and time and CPU count from its readiness to its last fate, as the process's own accounting (/proc) and its own metrics say.
"""

import argparse
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import time
import urllib.request
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from rich.console import Console

from adapters import stack, topics
from adapters.boundaries import locator
from adapters.producer import KafkaBus
from adapters.stack_engines import free_port
from adapters.stack_state import Mode
from config.load import load_city
from config.settings import ROOT, Settings, load_settings
from config.topics import REPORTED
from producers.simulation.plan import SimulationOptions
from producers.sources.simulate import Simulation

WITHIN_S = 300.0
TICKS = os.sysconf("SC_CLK_TCK")
say = Console(stderr=True).print


def fill(settings: Settings, reports: int, cameras: int) -> float:
    """Put the reports on the topic, as they would have come in the last half hour; returns the seconds it took."""
    city = load_city(settings)
    minutes = 30
    options = SimulationOptions(
        start=datetime.now(UTC) - timedelta(minutes=minutes + 1),
        cameras=cameras,
        rate=reports / minutes / 60,
        count=reports,
        flat=True,
    )
    simulation = Simulation(city, locator(city, settings), options)
    began = time.monotonic()
    bus = KafkaBus(settings.kafka_bootstrap, settings.named(REPORTED.name))
    try:
        for item in simulation.reports():
            bus.send(item.key, item.value)
        bus.flush(60)
    finally:
        bus.close()
    return time.monotonic() - began


def measure(settings: Settings, reports: int) -> dict[str, float]:
    """Run the worker's intake over what is on the topic."""
    port = free_port()
    environment = os.environ | {f"CITYLOOP_{k.upper()}": str(v) for k, v in settings.model_dump(exclude_none=True).items()}
    environment |= {"CITYLOOP_METRICS_PORT": str(port), "PYTHONPATH": str(ROOT), "PYTHONSAFEPATH": "1"}
    words = [sys.executable, "-m", "cli", "worker", "--only", "intake"]
    log = Path(settings.local_dir) / "worker.log"
    with log.open("wb") as out, subprocess.Popen(words, cwd=ROOT, env=environment, stdout=out, stderr=out) as worker:
        try:
            return _watch(worker.pid, port, reports)
        finally:
            worker.terminate()


def _watch(pid: int, port: int, reports: int) -> dict[str, float]:
    deadline = time.monotonic() + WITHIN_S
    began = cpu = 0.0
    rss = 0
    while True:
        if time.monotonic() > deadline:
            raise SystemExit(f"the worker did not finish within {WITHIN_S:g} s; see .local/bench/worker.log")
        page = _metrics(port)
        if not began and _sample(page, 'cityloop_ready{role="intake"}'):
            began, cpu = time.monotonic(), _cpu_s(pid)
        if began:
            rss = max(rss, _rss_mb(pid))
        if began and sum(_sample(page, f'cityloop_reports_total{{verdict="{v}"}}') for v in VERDICTS) >= reports:
            took, used = time.monotonic() - began, _cpu_s(pid) - cpu
            return {
                "reports_per_s": reports / took,
                "cpu_s_per_million": used / reports * 1e6,
                "rss_mb": rss,
                "opened": _sample(page, 'cityloop_reports_total{verdict="opened"}'),
                "recognised": _sample(page, "cityloop_recognised_total"),
            }
        time.sleep(0.1)


VERDICTS = ("opened", "merged", "held", "resent", "rejected")


def _metrics(port: int) -> str:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
            return str(answer.read().decode())
    except OSError:
        return ""


def _sample(page: str, name: str) -> float:
    return next((float(line.rpartition(" ")[2]) for line in page.splitlines() if line.startswith(name + " ")), 0.0)


def _cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def _rss_mb(pid: int) -> int:
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") >> 20


def run(reports: int, cameras: int, runs: int) -> dict[str, Any]:
    """Fill once per run, measure, and sum up."""
    folder = ROOT / ".local" / "bench"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    base = load_settings().model_copy(update={"local_dir": folder, "city": "qingdao", "clock": "real", "namespace": ""})
    up = stack.up(base, Mode.NATIVE, say)
    results = []
    try:
        for number in range(runs):
            settings = base.model_copy(update={**up.addresses, "namespace": f"bench{number}."})
            topics.apply(settings)
            say(f"run {number + 1} of {runs}: {reports:,} reports of {cameras:,} cameras onto the topic …")
            filled = fill(settings, reports, cameras)
            say(f"  filled at {reports / filled:,.0f}/s; sifting …")
            results.append(measure(settings, reports))
            say("  " + ", ".join(f"{name} {value:,.1f}" for name, value in results[-1].items()))
            topics.delete(settings)
    finally:
        stack.down(base)
    medians = {name: statistics.median(result[name] for result in results) for name in results[0]}
    machine = f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}"
    return {"reports": reports, "cameras": cameras, "order": "live", "machine": machine, "median": medians, "runs": results}


def main() -> None:
    """Parse, run, print: figures on stdout as JSON, progress on stderr."""
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--reports", type=int, default=400_000)
    parser.add_argument("--cameras", type=int, default=20_000)
    parser.add_argument("--runs", type=int, default=3)
    chosen = parser.parse_args()
    print(json.dumps(run(chosen.reports, chosen.cameras, chosen.runs), indent=2))


if __name__ == "__main__":
    main()
