"""`python -m benchmarks.ingest`: reports a second that one console process takes over HTTP, in arrays of 100, and what one costs.

A real `cityloop console` before a Kafka and a Redis of its own; eight connections send simulated cameras' reports as fast as they are
answered (202: durable). Plates are sealed. Costs are CPU seconds of the console's process, all threads; the sender and the broker take
their share of the same machine.
"""

import argparse
import asyncio
import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import httpx
import orjson

from adapters.database import open_database
from adapters.people import People
from adapters.secrets import init_secrets
from adapters.stack_engines import free_port
from adapters.tokens import Tokens
from benchmarks.ground import Ground, ground, say
from benchmarks.watching import TICKS
from config.settings import ROOT, Settings
from incidents.rights import Permission, Person
from incidents.vocabulary import Role

ARRAY = 100
SECONDS = 5.0
CONNECTIONS = 8
PLATES = {"none": 0, "one in a hundred": 100, "all": 1}
GATEWAY = Person(id="token:bench", name="bench", role=Role.SYSTEM, level="city", kind="token", scopes=frozenset({Permission.REPORT}))


def a_report(number: int, plated: int, now: str) -> dict[str, Any]:
    """A camera's report; one of `plated` has a plate, with 0 none."""
    more = {"plate": f"鲁B{number % 90_000 + 10_000}"} if plated and number % plated == 0 else {}
    place = {"lon": round(120.30 + number % 997 / 10_000, 6), "lat": round(36.05 + number % 991 / 10_000, 6), "accuracy_m": 10}
    said = {"category": "road_spillage", "channel": "low_video", "location": place, "confidence": 0.91, "algorithm": "spill-3"}
    return {
        "specversion": "1.0",
        "id": f"r{number}",
        "source": f"/cameras/{number % 20_000}",
        "type": "city.incident.reported.v1",
        "time": now,
        "datacontenttype": "application/json",
        "data": {**said, **more},
    }


@contextlib.contextmanager
def console(settings: Settings, log: Path) -> Iterator[tuple[int, str]]:
    """A running console: its pid and its address."""
    port = free_port()
    chosen = {f"CITYLOOP_{name.upper()}": str(value) for name, value in settings.model_dump(exclude_none=True).items()}
    with log.open("ab") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "cli", "console"],
            cwd=ROOT,
            env={**os.environ, **chosen, "CITYLOOP_HTTP_PORT": str(port)},
            stdout=output,
            stderr=output,
        )
    try:
        _until_it_answers(f"http://127.0.0.1:{port}/healthz", process)
        yield process.pid, f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(10)


def _until_it_answers(address: str, process: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(httpx.HTTPError):
            if httpx.get(address).status_code == 200:
                return
        time.sleep(0.1)
    raise SystemExit("the console did not start; look at its log")


def cpu_s(pid: int) -> float:
    """CPU seconds of a process so far, of all its threads."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def bodies(plated: int) -> Sequence[bytes]:
    """Requests' bodies, to be sent round and round: what intake would call a resend costs the console the same."""
    now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    return [orjson.dumps([a_report(first + at, plated, now) for at in range(ARRAY)]) for first in range(0, 30_000, ARRAY)]


async def send(address: str, token: str, found: Sequence[bytes], seconds: float) -> tuple[int, list[float]]:
    """Reports taken, and the seconds of each request."""
    taken, times = 0, list[float]()
    until = time.monotonic() + seconds
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/cloudevents-batch+json"}

    async def one(client: httpx.AsyncClient, first: int) -> None:
        nonlocal taken
        at = first
        while time.monotonic() < until:
            began = time.monotonic()
            answer = await client.post("/api/v1/events", content=found[at % len(found)])
            answer.raise_for_status()
            times.append(time.monotonic() - began)
            taken += ARRAY
            at += CONNECTIONS

    async with httpx.AsyncClient(base_url=address, headers=headers, timeout=30) as client:
        await asyncio.gather(*(one(client, number) for number in range(CONNECTIONS)))
    return taken, times


def settled(here: Ground, mark: str) -> Settings:
    """The settings of a console on this ground, with secrets of its own."""
    init_secrets(here.logs / "secrets")
    return here.of(mark).model_copy(update={"secrets_dir": here.logs / "secrets"})


def measured(settings: Settings, logs: Path, seconds: float = SECONDS) -> dict[str, Any]:
    """Per share of reports with plates: reports/s, microseconds of CPU per report, and milliseconds of a request."""
    found: dict[str, Any] = {}
    with console(settings, logs / "ingest-console.log") as (pid, address):
        database = open_database(settings)
        _, token = Tokens(database, People(database, {})).create(GATEWAY, 1)
        database.close()
        for name, plated in PLATES.items():
            ready = bodies(plated)
            asyncio.run(send(address, token, ready, 1.0))
            cpu, began = cpu_s(pid), time.monotonic()
            taken, times = asyncio.run(send(address, token, ready, seconds))
            took, cost = time.monotonic() - began, cpu_s(pid) - cpu
            times.sort()
            found[name] = {
                "reports_per_s": round(taken / took),
                "cpu_us_per_report": round(cost / taken * 1e6, 1),
                "reports_per_cpu_s": round(taken / cost),
                "p50_ms": round(times[len(times) // 2] * 1e3, 1),
                "p99_ms": round(times[len(times) * 99 // 100] * 1e3, 1),
            }
            say(f"  plates {name}: {found[name]}")
    return found


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.ingest", description=__doc__)
    parser.add_argument("--seconds", type=float, default=SECONDS)
    chosen = parser.parse_args()
    with ground() as here:
        print(json.dumps(measured(settled(here, "bench-ingest"), here.logs, chosen.seconds), indent=1))


if __name__ == "__main__":
    main()
