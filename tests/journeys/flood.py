"""A flood for the journeys with several workers: reports that keep coming while workers join, die and sleep, and what became of them."""

import json
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from itertools import count, islice
from typing import Any

from kafka import KafkaConsumer, TopicPartition

from adapters.boundaries import locator
from adapters.producer import KafkaBus
from config.load import load_city
from config.settings import Settings
from config.topics import FATES, REPORTED
from producers.base import Item
from producers.simulation.plan import SimulationOptions
from producers.sources.simulate import Simulation
from tests.journeys.messages import LAT, LON, METRE, report
from tests.journeys.process import Worker, ask
from tests.waiting import until

BATCH_S = 0.05


def simulated(many: int, seed: int, cameras: int = 1000) -> Iterator[Item]:
    """The last half hour of a simulated city, with everything that may come: repeats, late, resent, false and bad reports."""
    settings = Settings(city="qingdao")
    city = load_city(settings)
    start = datetime.now(UTC) - timedelta(minutes=31)
    options = SimulationOptions(
        start=start, cameras=cameras, rate=many / 1800, count=many, flat=True, bad=0.02, late=0.05, resent=0.02, seed=seed
    )
    return Simulation(city, locator(city, settings), options).reports()


def repeats(cameras: int) -> Iterator[Item]:
    """Cameras that see the same thing again and again, each its own, for ever."""
    for number in count():
        camera = number % cameras
        place = {"lon": LON + camera % 16 * 200 * METRE, "lat": LAT + camera // 16 * 200 * METRE, "accuracy_m": 10}
        said = report(number, f"/cameras/{camera}", ago_s=0, location=place)
        yield Item(None, str(said["source"]).encode(), json.dumps(said).encode())


class Flood:
    """Sends reports at a steady rate from a thread of its own until they end or it is stopped."""

    def __init__(self, settings: Settings, reports: Iterable[Item], rate: float) -> None:
        self.sent = 0
        self._bus = KafkaBus(settings.kafka_bootstrap, settings.named(REPORTED.name))
        self._reports = iter(reports)
        self._rate = rate
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="flood", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while not self._stop.is_set():
            items = list(islice(self._reports, max(1, round(self._rate * BATCH_S))))
            if not items:
                break
            for item in items:
                self._bus.send(item.key, item.value)
            self.sent += len(items)
            self._stop.wait(BATCH_S)

    def stop(self) -> int:
        """End it, wait until all that was sent is durable; how many that were."""
        self._stop.set()
        self._thread.join(60)
        self._bus.flush(60)
        self._bus.close()
        return self.sent


class Fates:
    """Follows `incidents.fates` from a thread. Moments are seconds since 1970, those of the records as the broker appended them."""

    def __init__(self, settings: Settings) -> None:
        self._told: list[tuple[float, dict[str, Any]]] = []
        self._stop = threading.Event()
        self._consumer = KafkaConsumer(bootstrap_servers=settings.kafka_bootstrap, group_id=None, auto_offset_reset="earliest")
        name = settings.named(FATES.name)
        self._consumer.assign([TopicPartition(name, partition) for partition in range(FATES.partitions)])
        self._consumer.seek_to_beginning()
        self._thread = threading.Thread(target=self._run, name="fates", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while not self._stop.is_set():
            for records in self._consumer.poll(timeout_ms=20).values():
                self._told += ((record.timestamp / 1000, json.loads(record.value)) for record in records)
        self._consumer.close()

    def stop(self) -> None:
        """End it."""
        self._stop.set()
        self._thread.join(60)

    def of(self, topic_id: str | None = None) -> list[dict[str, Any]]:
        """All records so far that say what became of reports, of one incarnation of the topic or of any."""
        return [said for _, said in list(self._told) if "fates" in said and topic_id in (None, said["topic_id"])]

    def first_after(self, moment: float, partitions: Iterable[int], within_s: float) -> dict[int, float]:
        """Partition -> seconds from `moment` until something was said of its reports; waits for all of them."""
        wanted = set(partitions)

        def found() -> dict[int, float]:
            first: dict[int, float] = {}
            for at, said in list(self._told):
                if at > moment and said.get("partition") in wanted:
                    first.setdefault(said["partition"], at - moment)
            return first

        until(lambda: found().keys() >= wanted, f"fates of the partitions {sorted(wanted)}", within_s)
        return found()

    def longest_silence(self, since: float, partitions: Iterable[int]) -> float:
        """The longest time, from `since` until now, in which nothing was said of one of these partitions."""
        longest = 0.0
        for partition in partitions:
            times = [at for at, said in list(self._told) if at >= since and said.get("partition") == partition]
            borders = [since, *times, time.time()]
            longest = max([longest, *(b - a for a, b in zip(borders, borders[1:], strict=False))])
        return longest


@contextmanager
def flooded(settings: Settings, reports: Iterable[Item], rate: float) -> Iterator[tuple[Flood, Fates]]:
    """Both while the block runs."""
    flood, fates = Flood(settings, reports, rate), Fates(settings)
    try:
        yield flood, fates
    finally:
        flood.stop()
        fates.stop()


def shared(workers: Iterable[Worker], partitions: int = 8) -> bool:
    """Whether these workers read all partitions, evenly, each by one of them."""
    owned = [worker.partitions() for worker in workers]
    sizes = [len(each) for each in owned]
    return sum(sizes) == partitions == len(set().union(*owned)) and max(sizes) - min(sizes) <= 1


def exact(settings: Settings, reported: int, wait_s: int = 60) -> dict[str, Any]:
    """The figures of `cityloop audit`, which must agree on so many reports, none lost."""
    audit = ask(settings, "audit", "--json", "--wait", str(wait_s))
    assert audit.stdout, audit.stderr
    figures: dict[str, Any] = json.loads(audit.stdout)
    wrong = {name: check for name, check in figures["checks"].items() if not check["ok"]}
    assert audit.returncode == 0, (wrong, {name: n for name, n in figures.items() if isinstance(n, int)})
    assert (figures["reported"], figures["lost"], figures["pending"]) == (reported, 0, 0)
    return figures
