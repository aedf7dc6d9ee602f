"""kill -9, again and again, while reports flow: every report is still counted once, and no case's facts have a gap or a fork."""

import json
import random
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest

from adapters.boundaries import locator
from adapters.producer import KafkaBus
from config.load import load_city
from config.settings import Settings
from config.topics import REPORTED
from producers.base import Item
from producers.simulation.plan import SimulationOptions
from producers.sources.simulate import Simulation
from tests.journeys.conftest import NewWorker
from tests.journeys.process import Worker, ask
from tests.waiting import until

REPORTS = 24_000
RANDOM_KILLS = 12
FAULTS = ("intake:called", "intake:published", "intake:called", "closure:published", "intake:called", "intake:called", "intake:called")


@pytest.fixture
def reports() -> Iterator[Item]:
    """The last half hour of a simulated city, with everything that may come: repeats, late, resent, false and bad reports."""
    settings = Settings(city="qingdao")
    city = load_city(settings)
    start = datetime.now(UTC) - timedelta(minutes=31)
    options = SimulationOptions(
        start=start, cameras=1000, rate=REPORTS / 1800, count=REPORTS, flat=True, bad=0.02, late=0.05, resent=0.02, seed=5
    )
    return Simulation(city, locator(city, settings), options).reports()


def publish(settings: Settings, reports: Iterator[Item], many: int) -> None:
    """Put the next ones on the topic."""
    bus = KafkaBus(settings.kafka_bootstrap, settings.named(REPORTED.name))
    try:
        for _, item in zip(range(many), reports, strict=False):
            bus.send(item.key, item.value)
        bus.flush(30)
    finally:
        bus.close()


def ended(worker: Worker) -> Callable[[], bool]:
    """Whether it is dead by now."""
    return lambda: worker.ended() is not None


def test_twenty_kills_lose_nothing_and_count_nothing_twice(settings: Settings, worker: NewWorker, reports: Iterator[Item]) -> None:
    rnd = random.Random(7)
    share = REPORTS // (RANDOM_KILLS + len(FAULTS) + 1)
    cases = worker(settings, "--only", "closure,routing,clock,projection")
    flood = worker(settings, "--only", "intake")
    for fault in FAULTS:  # the process kills itself where it hurts: between the atomic call and publishing, and its like
        victim, roles = (flood, "intake") if fault.startswith("intake") else (cases, "closure,routing,clock,projection")
        victim.kill()
        doomed = worker(settings, "--only", roles, ready=False, CITYLOOP_FAULT=f"{fault}:{rnd.randint(1, 5)}")
        publish(settings, reports, share)
        until(ended(doomed), f"the worker to die at {fault}", 60)
        victim.start(ready=False)
    for _ in range(RANDOM_KILLS):
        publish(settings, reports, share)
        victim = rnd.choice((flood, cases))
        if rnd.random() < 0.7:
            victim.until_ready()
        victim.kill()
        victim.start(ready=False)
    publish(settings, reports, REPORTS)
    flood.until_ready()
    cases.until_ready()

    audit = ask(settings, "audit", "--json", "--wait", "60")
    figures = json.loads(audit.stdout)
    assert audit.returncode == 0, {name: check for name, check in figures["checks"].items() if not check["ok"]}
    assert figures["reported"] == REPORTS
    assert figures["lost"] == figures["pending"] == 0
    assert figures["reported"] == sum(figures[name] for name in ("opened", "merged", "held", "resent", "rejected"))
    assert min(figures[name] for name in ("opened", "merged", "resent", "rejected")) > 0, "the flood had something of everything"
