"""Random histories: three workers join, leave, die, and sleep until they are zombies, in any order, while a simulated city reports.

Seeded, so that a failure comes again. What must come out of every one of them: each report has one verdict and is counted once.
"""

import random
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pytest

from config.settings import Settings
from producers.base import Item
from tests.journeys.conftest import NewWorker
from tests.journeys.flood import Flood, exact, flooded, simulated
from tests.journeys.process import Worker
from tests.servers import Server
from tests.waiting import until

REPORTS = 6_000
RATE = 500.0
EVENTS = 12
POINTS = ("intake:called", "intake:published")


class Kept(Iterator[Item]):
    """Reports on their way, counted: how many can be used at all, and how many of those were there before."""

    def __init__(self, reports: Iterable[Item]) -> None:
        self._reports = iter(reports)
        self._names: Counter[tuple[str, str, str]] = Counter()
        self.bad = 0

    def __next__(self) -> Item:
        item = next(self._reports)
        if item.truth is None or item.truth.kind.startswith("bad:"):
            self.bad += 1
        else:
            self._names[item.truth.source, item.truth.id, item.truth.time] += 1
        return item

    @property
    def resent(self) -> int:
        """Reports that came a second time."""
        return self._names.total() - len(self._names)


class Crew:
    """Up to three workers, and what may happen to them."""

    def __init__(self, settings: Settings, worker: NewWorker, rnd: random.Random) -> None:
        self._settings, self._start, self._rnd = settings, worker, rnd
        self.running: list[Worker] = []
        self.asleep: list[Worker] = []
        self.story: list[str] = []

    def join(self) -> None:
        """One more; now and then one that will die, or fall asleep, between its atomic call and the publishing of its answer."""
        if len(self.running) + len(self.asleep) == 3:
            return self.kill()
        chance, point = self._rnd.random(), self._rnd.choice(POINTS)
        fault = "" if chance < 0.5 else f"{point}:{self._rnd.randint(1, 9)}" if chance < 0.75 else f"stop@{point}:{self._rnd.randint(1, 9)}"
        self._note("join", fault)
        new = self._start(self._settings, "--only", "intake", ready=False, CITYLOOP_FAULT=fault)
        (self.asleep if fault.startswith("stop") else self.running).append(new)
        return None

    def kill(self) -> None:
        """kill -9, of a sleeper too."""
        self._take("kill", [*self.running, *self.asleep], Worker.kill)

    def leave(self) -> None:
        """SIGTERM."""
        self._take("leave", self.running, Worker.stop)

    def sleep(self) -> None:
        """SIGSTOP; it has lost its partitions by the time it wakes, or not."""
        self._take("sleep", self.running, Worker.freeze, self.asleep)

    def wake(self) -> None:
        """SIGCONT."""
        self._take("wake", self.asleep, Worker.wake, self.running)

    def _take(self, what: str, whom: list[Worker], act: Callable[[Worker], object], to: list[Worker] | None = None) -> None:
        if not whom:
            return
        chosen = self._rnd.choice(whom)
        self._note(what, chosen.log.name)
        if chosen.ended() is None:
            act(chosen)
        self.running, self.asleep = ([each for each in group if each is not chosen] for group in (self.running, self.asleep))
        if to is not None:
            (self.asleep if what == "sleep" else self.running).append(chosen)

    def _note(self, what: str, whom: str) -> None:
        self.story.append(f"{what} {whom}".strip())

    def come_to_an_end(self) -> None:
        """Everybody awake, and one at least who is sound."""
        for each in [*self.running, *self.asleep]:
            if each.ended() is None:
                each.wake()
        self._start(self._settings, "--only", "intake")


def history(settings: Settings, crew: Crew, reports: Kept, rnd: random.Random, engine: Server | None = None) -> dict[str, Any]:
    """Events at random moments of the flood, with an engine that is killed and started now and then; the audit's figures at the end."""
    acts = [crew.join, crew.join, crew.kill, crew.leave, crew.sleep, crew.sleep, crew.wake, crew.wake]
    with flooded(settings, reports, RATE) as (flood, _):
        crew.join()
        for at in range(EVENTS):
            comes_to(flood, flood.sent + rnd.randint(50, REPORTS // EVENTS))
            if engine is not None and at % 5 == 3:
                crew.story.append("engine")
                engine.kill()
                engine.start()
            (crew.join if not crew.running else rnd.choice(acts))()
        print(" · ".join(crew.story))
        crew.come_to_an_end()
        comes_to(flood, REPORTS)
    return exact(settings, REPORTS)


def comes_to(flood: Flood, many: int) -> None:
    """Waits until so many reports are sent."""
    until(lambda: flood.sent >= min(many, REPORTS), f"{many} reports to be sent", 60)


@pytest.mark.parametrize("seed", [3, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(4, 9))])
def test_no_report_is_lost_or_counted_twice_whatever_the_workers_do(settings: Settings, worker: NewWorker, seed: int) -> None:
    rnd, reports = random.Random(seed), Kept(simulated(REPORTS, seed))
    worker(settings, "--only", "closure")
    crew = Crew(settings, worker, rnd)
    figures = history(settings, crew, reports, rnd)
    assert (figures["rejected"], figures["resent"]) == (reports.bad, reports.resent)


@pytest.mark.parametrize("seed", [11, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(12, 15))])
def test_nor_when_the_hot_store_dies_in_the_midst_of_it(
    new_settings: Callable[..., Settings], redis_own: Server, worker: NewWorker, seed: int
) -> None:
    settings = new_settings(redis_url=redis_own.address)
    rnd, reports = random.Random(seed), Kept(simulated(REPORTS, seed))
    worker(settings, "--only", "closure")
    crew = Crew(settings, worker, rnd)

    figures = history(settings, crew, reports, rnd, redis_own)
    assert figures["rejected"] == reports.bad
    assert figures["resent"] <= reports.resent, "what was sent again may count as merged, when its ids went with the hot store"


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # kafka-python leaks sockets that were refused
@pytest.mark.parametrize("seed", [21, 22])
def test_nor_when_the_broker_dies_in_the_midst_of_it(
    kafka_own: Server, new_settings: Callable[..., Settings], worker: NewWorker, seed: int
) -> None:
    settings = new_settings(kafka_bootstrap=kafka_own.address)
    rnd, reports = random.Random(seed), Kept(simulated(REPORTS, seed))
    worker(settings, "--only", "closure")
    figures = history(settings, Crew(settings, worker, rnd), reports, rnd, kafka_own)
    assert (figures["rejected"], figures["resent"]) == (reports.bad, reports.resent)
