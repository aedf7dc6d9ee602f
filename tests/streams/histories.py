"""Random histories of intake: two partitions, workers that come, go, sleep and are killed between any two steps, cases that end and merge.

The real lanes, over the twin of the atomic call or over the script on a real Redis, one action at a time.
"""

import random
from collections import defaultdict
from functools import cache
from typing import NamedTuple

import orjson

from adapters.seen import totals_of
from adapters.sift import Answer
from adapters.sift_memory import MemorySift
from config.load import load_city
from config.settings import Settings
from incidents.catalogue import City
from incidents.vocabulary import State
from streams.lanes import Gate, Lane
from streams.sorting import Sorter
from tests.adapters.sifting import Shelf

T0 = 1_795_219_200_000
"""2026-11-21T08:00+08:00."""
PARTITIONS = 2
ANY_TIME = Gate(appended=lambda append_ms: 1 << 45, ahead=0, past=None)
SKEWED = Gate(appended=lambda append_ms: append_ms, ahead=60_000, past=None)
Where = tuple[int, int]
"""Partition and offset."""


@cache
def qingdao() -> City:
    """The real city."""
    return load_city(Settings(city="qingdao"))


@cache
def sorter() -> Sorter:
    """The one that all lanes share."""
    return Sorter(qingdao())


class Record(NamedTuple):
    """What a lane looks at of a record."""

    offset: int
    key: bytes | None
    value: bytes
    timestamp: int = 0
    headers: tuple[tuple[str, bytes], ...] = ()


def report(number: int, source: str, metres: int, second: int, **data: object) -> bytes:
    """One report, `metres` east of a point in Shinan."""
    location = {"lon": 120.3826 + metres / 90_000, "lat": 36.0671, "accuracy_m": 10}
    return orjson.dumps(
        {
            "specversion": "1.0",
            "id": f"r{number}",
            "source": source,
            "type": "city.incident.reported.v1",
            "time": f"2026-11-21T{8 + second // 3600:02d}:{second % 3600 // 60:02d}:{second % 60:02d}+08:00",
            "data": {"category": "road_spillage", "channel": "low_video", "location": location} | data,
        }
    )


class Kafka:
    """What was told: a fate per report; saying it again is allowed with the same content only."""

    def __init__(self, logs: list[list[Record]]) -> None:
        self.logs = logs
        self.fates: dict[Where, tuple[str | None, str]] = {}
        self.committed = [0] * len(logs)

    def publish(self, partition: int, outcome: bytes) -> None:
        """Take the fates of an outcome."""
        for row in orjson.loads(outcome)["fates"]:
            for offset in row[5]:
                told = self.fates.setdefault((partition, offset), (row[0], row[1]))
                assert told == (row[0], row[1]), f"two fates of {partition}:{offset}: {told} and {row}"


class Worker:
    """Intake's stage without its loop, one action at a time."""

    def __init__(self, shelf: Shelf, kafka: Kafka) -> None:
        self.shelf, self.kafka = shelf, kafka
        self.lanes: dict[int, Lane] = {}
        self.unsure: set[int] = set()  # partitions whose outbox may hold what nobody published
        self.telling: dict[int, Answer] = {}  # what the last call came to, on its way to be told
        self.published: dict[int, list[str]] = defaultdict(list)  # entries that leave with the next calls

    def assigned(self, partitions: set[int]) -> None:
        """These partitions are its own now, each from where it was committed."""
        self.lanes = {p: self.lanes.get(p) or Lane(sorter(), SKEWED, p) for p in partitions}
        self.unsure = set(partitions)
        self.telling = {}
        for partition, lane in self.lanes.items():
            lane.restart(self.kafka.committed[partition])

    def read(self, partition: int, many: int) -> None:
        """Read on."""
        lane = self.lanes[partition]
        lane.take(self.kafka.logs[partition][lane.position : lane.position + many])

    async def pump(self, partition: int) -> None:
        """Round after round until nothing waits and all is told."""
        while self.lanes[partition].waiting():
            await self.call(partition)
        await self.call(partition)

    async def call(self, partition: int, answer_arrives: bool = True) -> None:
        """The pump's round: what others left, then the next groups, while the last outcome may be still on its way."""
        lane = self.lanes[partition]
        if partition in self.unsure:
            await self.publish(partition)
            lane.outbox_published()
            self.unsure.discard(partition)
        groups = lane.calls()
        if not groups:
            self.tell(partition)
            await self.forget_published(partition)
            return
        published = self.published[partition][:1]
        telling = self.telling[partition].entry if partition in self.telling else ""
        answer = await self.shelf.store.call(partition, "T", groups, published="".join(published), telling=telling)
        if not answer_arrives:
            self._end(partition)
            return
        del self.published[partition][: len(published)]
        lane.answered(answer.learned)
        self.tell(partition)
        if answer.others:
            await self.publish(partition)
            lane.outbox_published()
        else:
            self.telling[partition] = answer

    def tell(self, partition: int, broker_answers: bool = True) -> None:
        """What the last call came to is published; without the broker's answer nobody knows that."""
        answer = self.telling.pop(partition, None)
        if answer is None:
            return
        if answer.entry:
            self.kafka.publish(partition, answer.outcome)
        if not broker_answers:
            self._end(partition)
            return
        self.published[partition] += [answer.entry] if answer.entry else []
        self.lanes[partition].published()

    def _end(self, partition: int) -> None:
        """An engine is away: the pump ends, and the next one begins with the outbox."""
        self.telling.pop(partition, None)
        self.lanes[partition].put_back()
        self.unsure.add(partition)

    async def publish(self, partition: int, removes: bool = True, most: int = 1000) -> None:
        """Tell what the outbox holds."""
        await self.forget_published(partition)
        for entry, outcome in (await self.shelf.store.outbox(partition))[:most]:
            self.kafka.publish(partition, outcome)
            if removes:
                await self.shelf.store.remove(partition, [entry])

    async def forget_published(self, partition: int) -> None:
        """Remove what was to leave with the next call: there is none, or it may never have come."""
        if entries := self.published.pop(partition, []):
            await self.shelf.store.remove(partition, entries)

    def commit(self, partition: int) -> None:
        """Behind all that is applied and told."""
        done = self.lanes[partition].done()
        untold = [offset for offset in range(done) if (partition, offset) not in self.kafka.fates]
        assert not untold, f"{partition}: {done} is committed, and nobody was told of {untold}"
        self.kafka.committed[partition] = max(self.kafka.committed[partition], done)


def random_logs(rnd: random.Random) -> list[list[Record]]:
    """Reports of one to five cameras over two partitions: late, ahead of their time, sent twice, of things with and without a name."""
    logs: list[list[Record]] = [[] for _ in range(PARTITIONS)]
    sources = [f"/cameras/{n}" for n in range(rnd.randint(1, 5))]
    second = 60
    for number in range(rnd.randint(5, 70)):
        second += rnd.choice([0, 1, 5, 60, 4000 if rnd.random() < 0.1 else 2])
        source = rnd.choice(sources)
        log = logs[sources.index(source) % PARTITIONS]
        skew = rnd.choice([0, 0, 0, -30, 20])
        plate = {"category": "muck_truck_uncovered", "plate": rnd.choice(["鲁B12345", "鲁B54321"])} if rnd.random() < 0.15 else {}
        value = report(number, source, rnd.choice([0, 20, 45, 200, 230, 1000]), second + skew, **plate)
        if rnd.random() < 0.1 and log:
            value = log[-1].value
        log.append(Record(len(log), orjson.loads(value)["source"].encode(), value, T0 + 1000 * second))
    return logs


class History:
    """One random history; `run` brings it to its end."""

    def __init__(self, seed: int, shelf: Shelf) -> None:
        self.rnd = random.Random(seed)
        self.shelf = shelf
        self.kafka = Kafka(random_logs(self.rnd))
        self.aliases: set[str] = set()
        self.ended: set[str] = set()
        self.workers: list[Worker] = []  # the last two share the partitions; those before are zombies
        self._share()

    def _share(self) -> None:
        """Somebody comes, goes or wakes: the partitions are shared anew between the last one or two."""
        if not self.workers or self.rnd.random() < 0.6:
            self.workers = [*self.workers, Worker(self.shelf, self.kafka)][-4:]
        owners = self.workers[-self.rnd.randint(1, 2) :]
        self.owners = {partition: self.rnd.choice(owners) for partition in range(PARTITIONS)}
        for worker in owners:
            worker.assigned({partition for partition, owner in self.owners.items() if owner is worker})

    async def run(self) -> Kafka:
        """Random steps, then whatever is left in order."""
        for _ in range(self.rnd.randint(30, 300)):
            await self._step()
        last = Worker(self.shelf, self.kafka)
        last.assigned(set(range(PARTITIONS)))
        for partition, lane in last.lanes.items():
            while lane.position < len(self.kafka.logs[partition]) or not lane.idle():
                last.read(partition, 7)
                lane.settle()
                await last.pump(partition)
            last.commit(partition)
        return self.kafka

    async def _step(self) -> None:
        rnd = self.rnd
        worker = rnd.choice(self.workers)
        if not worker.lanes:
            return
        partition = rnd.choice(sorted(worker.lanes))
        chance = rnd.random()
        if chance < 0.40:
            worker.read(partition, rnd.randint(1, 9))
        elif chance < 0.48:
            worker.lanes[partition].settle()
        elif chance < 0.72:
            await worker.call(partition, answer_arrives=rnd.random() < 0.85)
        elif chance < 0.77:
            worker.tell(partition, broker_answers=rnd.random() < 0.8)
        elif chance < 0.80:
            await worker.publish(partition, removes=rnd.random() < 0.8, most=1)
        elif chance < 0.90:
            if self.owners[partition] is worker:
                worker.commit(partition)
        elif chance < 0.95:
            self._share()
        else:
            await self._move()

    async def _move(self) -> None:
        """Closure moves a case on, or takes it into another."""
        rnd = self.rnd
        known = sorted({case for case, _ in self.kafka.fates.values() if case} - self.aliases)
        if not known:
            return
        case = rnd.choice(known)
        standing = [each for each in known if each != case and each not in self.ended]
        moment = T0 + 1000 * rnd.randint(0, 4000)
        if standing and case not in self.ended and rnd.random() < 0.4:
            self.aliases.add(case)
            await self.shelf.move(case, State.MERGED, None, moment, into=rnd.choice(standing))
            return
        state = rnd.choice([State.CHECKING, State.CLOSED, State.NOT_FILED])
        if state is not State.CHECKING:
            self.ended.add(case)
        await self.shelf.move(case, state, moment, None if state is State.CHECKING else moment + 1000)


async def counted(shelf: Shelf) -> int:
    """The reports that the store has counted, over all its cases."""
    if isinstance(shelf.store, MemorySift):
        return sum(seen.count for seen in shelf.store.cases.values())
    assert shelf.hot is not None
    prefix = shelf.hot.keys.sift + "case:"
    keys = [key async for key in shelf.hot.redis.scan_iter(prefix + "*")]
    seen = await totals_of(shelf.hot, [key.decode().removeprefix(prefix) for key in keys])
    return sum(totals.count for totals in seen.values())


async def check(seed: int, shelf: Shelf) -> None:
    """The promise of ARCHITECTURE.md §3: after any history every report has one fate, is counted once, and is committed."""
    kafka = await History(seed, shelf).run()
    reports = {(partition, record.offset) for partition, log in enumerate(kafka.logs) for record in log}
    assert set(kafka.fates) == reports, "some report has no fate, or one too many"
    resent = sum(verdict == "resent" for _, verdict in kafka.fates.values())
    assert await counted(shelf) == len(reports) - resent
    opened = [case for case, verdict in kafka.fates.values() if verdict in ("opened", "held")]
    assert len(opened) == len(set(opened)), "a case was opened twice"
    assert {case for case, _ in kafka.fates.values() if case} == set(opened)
    assert kafka.committed == [len(log) for log in kafka.logs]
