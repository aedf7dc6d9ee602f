"""The intake protocol on the real code: lanes and the atomic call through other batch borders, kills, zombies and endings.

The model of ARCHITECTURE.md §3 says what must come out: every report has exactly one fate and is counted once, whatever happens between.
"""

import asyncio
import random
from datetime import datetime
from functools import cache
from typing import NamedTuple

import orjson
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from adapters.sift_memory import MemorySift
from config.load import load_city
from config.settings import Settings
from incidents.case import State
from incidents.catalogue import City
from streams.lanes import Gate, Lane
from streams.sorting import Sorter

T0 = 1_795_219_200_000
STATES = (State.CHECKING, State.CLOSED, State.NOT_FILED)


@cache
def qingdao() -> City:
    """The real city."""
    return load_city(Settings(city="qingdao"))


@cache
def sorter() -> Sorter:
    """The one that all lanes share."""
    return Sorter(qingdao())


ANY_TIME = Gate(appended=lambda append_ms: 1 << 45, ahead=0, past=None)


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
    """What was told: a fate per offset; saying it again is allowed with the same content only."""

    def __init__(self) -> None:
        self.fates: dict[int, tuple[str | None, str]] = {}
        self.committed = 0

    def publish(self, outcome: bytes) -> None:
        for row in orjson.loads(outcome)["fates"]:
            for offset in row[5]:
                assert self.fates.setdefault(offset, (row[0], row[1])) == (row[0], row[1]), f"two fates of {offset}"


class Worker:
    """Intake's stage without its loop: the same lane, one action at a time."""

    def __init__(self, log: list[bytes], store: MemorySift, kafka: Kafka) -> None:
        self.log, self.store, self.kafka = log, store, kafka
        self.lane = Lane(sorter(), ANY_TIME, 0, kafka.committed)
        self.unsure = True  # what a dead one could not publish is published first

    def read(self, many: int) -> None:
        start = self.lane.position
        found = enumerate(self.log[start : start + many], start)
        self.lane.take([Record(offset, orjson.loads(value)["source"].encode(), value) for offset, value in found])

    async def call(self, answer_arrives: bool = True) -> None:
        if self.unsure:
            await self.publish()
            self.unsure = False
        groups = self.lane.calls()
        if not groups:
            return
        answer = await self.store.call(0, "T", groups)
        if not answer_arrives:
            self.lane.put_back()
            self.unsure = True
            return
        if answer.waiting > 1 or not answer.entry:
            await self.publish()
        else:
            self.kafka.publish(answer.outcome)
            await self.store.remove(0, [answer.entry])
        self.lane.answered(answer.learned)

    async def publish(self, removes: bool = True, most: int = 1000) -> None:
        for entry, outcome in (await self.store.outbox(0))[:most]:
            self.kafka.publish(outcome)
            if removes:
                await self.store.remove(0, [entry])

    def commit(self) -> None:
        if not self.unsure:
            self.kafka.committed = max(self.kafka.committed, self.lane.done())


def random_log(rnd: random.Random) -> list[bytes]:
    """Reports of one to four cameras, some late, some sent twice."""
    sources = [f"/cameras/{n}" for n in range(rnd.randint(1, 4))]
    log: list[bytes] = []
    second = 0
    for number in range(rnd.randint(5, 60)):
        second += rnd.choice([0, 1, 5, 60, 4000 if rnd.random() < 0.1 else 2])
        late = rnd.choice([0, 0, 0, 30])
        again = number - 1 if rnd.random() < 0.1 and number else number
        fresh = report(number, rnd.choice(sources), rnd.choice([0, 20, 45, 200, 230, 1000]), max(0, second - late))
        log.append(log[again] if again < number else fresh)
    return log


def end_some_case(store: MemorySift, rnd: random.Random) -> None:
    """Closure moves a case on."""
    if store.cases:
        case = store.cases[rnd.choice(sorted(store.cases))]
        state = rnd.choice(STATES)
        store.move(case.case_id, state, case.last - rnd.choice([0, 5000]), None if state is State.CHECKING else case.last + 1000)


async def history(seed: int) -> tuple[Kafka, MemorySift, int]:
    """One random history, brought to its end."""
    rnd = random.Random(seed)
    log = random_log(rnd)
    store, kafka = MemorySift(), Kafka()
    workers = [Worker(log, store, kafka)]
    for _ in range(rnd.randint(30, 250)):
        worker = rnd.choice(workers) if rnd.random() < 0.5 else workers[-1]
        chance = rnd.random()
        if chance < 0.35:
            worker.read(rnd.randint(1, 9))
        elif chance < 0.45:
            worker.lane.settle()
        elif chance < 0.68:
            await worker.call(answer_arrives=rnd.random() < 0.85)
        elif chance < 0.70:
            await worker.publish(removes=rnd.random() < 0.8, most=1)
        elif chance < 0.84 and worker is workers[-1]:
            worker.commit()
        elif chance < 0.92:  # another takes over, and the old one lives on as a zombie, or is killed
            workers = [workers[-1], Worker(log, store, kafka)] if chance < 0.89 else [Worker(log, store, kafka)]
        elif chance < 0.95:
            end_some_case(store, rnd)
    last = workers[-1]
    while last.lane.position < len(log) or not last.lane.idle():
        last.read(7)
        last.lane.settle()
        await last.call()
    last.commit()
    return kafka, store, len(log)


@settings(max_examples=400, deadline=None)
@given(seed=st.integers(0, 1 << 32))
@example(seed=1)
@example(seed=416)  # a zombie called, and died before it published
def test_every_report_has_one_fate_and_is_counted_once_through_any_history(seed: int) -> None:
    kafka, store, reports = asyncio.run(history(seed))
    assert sorted(kafka.fates) == list(range(reports)), "some report has no fate"
    resent = sum(verdict == "resent" for _, verdict in kafka.fates.values())
    assert sum(seen.count for seen in store.cases.values()) == reports - resent
    assert {case for case, _ in kafka.fates.values() if case} == set(store.cases)
    assert sum(verdict in ("opened", "held") for _, verdict in kafka.fates.values()) == len(store.cases)
    assert kafka.committed == reports


def one_by_one(log: list[bytes]) -> dict[int, str | None]:
    """The verdicts of sifting each report by itself, recognising nothing."""

    async def run() -> Kafka:
        store, kafka = MemorySift(), Kafka()
        for offset, value in enumerate(log):
            await store.call(0, "T", [sorter().group_of(value, offset, seen_ms(value))])
        for _, outcome in await store.outbox(0):
            kafka.publish(outcome)
        return kafka

    return {offset: case for offset, (case, _) in asyncio.run(run()).fates.items()}


def seen_ms(value: bytes) -> int:
    """A report's time in ms."""
    return int(datetime.fromisoformat(orjson.loads(value)["time"]).timestamp() * 1000)


@settings(max_examples=1000, deadline=None)
@given(
    steps=st.lists(
        st.tuples(st.integers(0, 3), st.sampled_from([0, 20, 45, 60, 200, 1000]), st.sampled_from([1, 5, 300, 3000])),
        min_size=1,
        max_size=40,
    ),
    batch=st.integers(1, 9),
    often=st.booleans(),
)
@example(steps=[(0, 60, 1), (1, 20, 1), (1, 0, 1)], batch=3, often=False)
@example(steps=[(0, 60, 1), (1, 20, 1), (0, 0, 1), (1, 0, 1)], batch=4, often=False)
def test_in_time_order_recognise_and_sift_give_the_verdicts_of_one_by_one(
    steps: list[tuple[int, int, int]], batch: int, often: bool
) -> None:
    second, log = 0, []
    for number, (source, metres, gap) in enumerate(steps):
        second += gap
        if second >= 15 * 3600:
            break
        log.append(report(number, f"/cameras/{source}", metres, second))

    async def run() -> Kafka:
        worker = Worker(log, MemorySift(), Kafka())
        while worker.lane.position < len(log) or not worker.lane.idle():
            worker.read(batch)
            worker.lane.settle()  # at every batch: what is pending must not outlast the window of another source's look
            while worker.lane.waiting():
                await worker.call()
        return worker.kafka

    if log:
        assert {offset: case for offset, (case, _) in asyncio.run(run()).fates.items()} == one_by_one(log)


@pytest.mark.parametrize(("metres", "joins"), [(49, True), (52, False)])
def test_a_recognised_repeat_is_one_inside_the_radius_of_the_case(metres: int, joins: bool) -> None:
    async def run() -> Lane:
        worker = Worker([report(0, "/c", 0, 0), report(1, "/c", metres, 5)], MemorySift(), Kafka())
        worker.read(1)
        await worker.call()
        worker.read(1)
        return worker.lane

    assert asyncio.run(run()).recognised == int(joins)
