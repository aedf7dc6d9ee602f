"""From a case's fact to its urgent notice at a receiver: facts given to Kafka at a steady rate, the role `hooks` as it is shipped.

`python -m benchmarks.notice_age [RATE] [SECONDS]`: a Kafka and a Redis of its own, the receiver in this process. Prints JSON: the ages in
milliseconds, from before a fact is handed to the producer until its message has been read.
"""

import asyncio
import json
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson

from adapters.bus import Out, Publisher
from adapters.health import ask
from adapters.stack_engines import free_port
from benchmarks.ground import Ground, ground
from cli.demo_players import command, environment
from config.settings import Settings
from config.topics import CASE_EVENTS
from incidents.facts import encode_fact
from incidents.vocabulary import Severity
from tests.handlers.receiver import Got, answer, receiving
from tests.streams.hook_desk import filed

HOOKS = """
[allow]
cidrs = ["127.0.0.0/8"]
[[receivers]]
name = "duty"
[[receivers.webhook]]
url = "{url}/duty"
profile = "urgent"
[tree]
receiver = "duty"
group_by = ["case_id"]
group_wait = "0s"
"""
READY_S, LAST_S = 60, 60


async def _age(settings: Settings, log: Path, rate: int, seconds: int) -> dict[str, Any]:
    arrived: dict[str, float] = {}

    def reply(got: Got) -> bytes:
        for alert in orjson.loads(got.body)["data"]["alerts"]:
            arrived.setdefault(alert["case_id"], time.monotonic())
        return answer()

    async with receiving(reply) as [receiver]:
        folder = settings.config_dir / "cities" / settings.city
        (folder / "hooks.toml").write_text(HOOKS.format(url=receiver.url))
        with log.open("wb") as output:
            variables = os.environ | environment(settings)
            words = command(["worker", "--only", "hooks"])
            process = await asyncio.create_subprocess_exec(*words, env=variables, stdout=output, stderr=output)
        try:
            await _until(lambda: _is_ready(settings), READY_S, "hooks")
            told = await _tell(settings, rate, seconds)
            await _until(lambda: len(arrived) == len(told), LAST_S, "the last notice")
        finally:
            process.terminate()
            await process.wait()
    ages = sorted((arrived[case_id] - at) * 1000 for case_id, at in told.items())
    return {"rate": rate, "notices": len(ages)} | {name: round(ages[int(len(ages) * q)]) for name, q in (("p50", 0.5), ("p99", 0.99))}


def _is_ready(settings: Settings) -> bool:
    return ask(f"http://{settings.metrics_host}:{settings.metrics_port}/readyz", 0.5).well


async def _until(done: Callable[[], bool], within_s: float, what: str) -> None:
    deadline = time.monotonic() + within_s
    while not done():
        if time.monotonic() > deadline:
            raise SystemExit(f"waited {within_s:g} s for {what}")
        await asyncio.sleep(0.05)


async def _tell(settings: Settings, rate: int, seconds: int) -> dict[str, float]:
    """When each case was told."""
    publisher, topic = Publisher(settings.kafka_bootstrap), settings.named(CASE_EVENTS.name)
    told: dict[str, float] = {}
    begins = time.monotonic()
    for number in range(rate * seconds):
        fact = filed(number, severity=Severity.EMERGENCY)
        await asyncio.sleep(max(0.0, begins + number / rate - time.monotonic()))
        told[fact.case_id] = time.monotonic()
        await publisher.publish([Out(topic, fact.case_id.encode(), encode_fact(fact))])
    await publisher.close()
    return told


def measured(here: Ground, rate: int = 50, seconds: int = 30) -> dict[str, Any]:
    """The figures."""
    with tempfile.TemporaryDirectory() as folder:
        made = Path(folder) / "config"
        settings = here.of("bench-notices")
        shutil.copytree(settings.config_dir, made, ignore=shutil.ignore_patterns("*.py", "__pycache__"))
        chosen = {"config_dir": made, "local_dir": Path(folder), "metrics_port": free_port()}
        return asyncio.run(_age(settings.model_copy(update=chosen), here.logs / "bench-notices.log", rate, seconds))


if __name__ == "__main__":
    with ground() as here:
        print(json.dumps(measured(here, *map(int, sys.argv[1:3]))))
