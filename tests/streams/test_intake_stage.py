"""Intake's stage over the twin of the atomic call: what it publishes leaves the outbox, and nothing that goes wrong publishes it again."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from typing import Any, cast

import pytest

from adapters.bus import Out, Publisher, TopicState
from adapters.clock import CityClock
from adapters.fates import decode_fates
from adapters.fault import Fault
from adapters.sift import Answer
from adapters.sift_memory import MemorySift
from config.settings import Settings
from incidents.errors import TryAgain
from incidents.fates import Flush
from incidents.places import Located
from incidents.steps.sifting import Group
from streams.intake import IntakeStage
from streams.pump import Ports
from tests.streams.histories import T0, Record, qingdao, report

TOPIC = TopicState("T", "cluster", {0: 0}, {0: 0}, {})


class Store(MemorySift):
    """The twin, which counts its calls and removals and fails the calls named by their numbers, before or after they are carried out.

    It answers once everything is read, so that there is always more to ask.
    """

    def __init__(self, lost: frozenset[int] = frozenset(), unanswered: frozenset[int] = frozenset()) -> None:
        super().__init__()
        self.calls = self.removals = 0
        self.read = asyncio.Event()
        self._lost, self._unanswered = lost, unanswered

    async def call(
        self, partition: int, topic_id: str, groups: Sequence[Group], high: int | None = None, published: str = "", telling: str = ""
    ) -> Answer:
        await self.read.wait()
        self.calls += 1
        if self.calls in self._lost:
            raise TryAgain("the call was lost")
        answer = await super().call(partition, topic_id, groups, high, published, telling)
        if self.calls in self._unanswered:
            raise TryAgain("its answer was lost")
        return answer

    async def remove(self, partition: int, entries: Sequence[str]) -> None:
        self.removals += 1
        await super().remove(partition, entries)


class Told:
    """A publisher that counts the fates of each report; after each time it stops the store, if asked to.

    It fails the times named by their numbers; what became of the first one is known when the store was called `lasts` times.
    """

    def __init__(self, fails: frozenset[int] = frozenset(), lasts: int = 0) -> None:
        self.fates: Counter[int] = Counter()
        self.store: Store | None = None
        self.stops = False
        self.times = 0
        self._fails, self._lasts = fails, lasts

    async def publish(self, outs: Sequence[Out]) -> None:
        self.times += 1
        fails, first = self.times in self._fails, self.times == 1
        for out in outs:
            if out.topic.endswith("incidents.fates") and not fails:
                said = decode_fates(out.value)
                assert isinstance(said, Flush)
                self.fates.update(offset for fate in said.fates for offset in fate.offsets)
        while first and self.store is not None and self.store.calls < self._lasts:  # noqa: ASYNC110  # a turn of the loop each
            await asyncio.sleep(0)
        if fails:
            raise TryAgain("the broker is away")
        if self.stops and self.store is not None:
            self.store.read.clear()


class Clock:
    speed = 0.0


def made(store: Store, told: Told | None = None) -> tuple[IntakeStage, Told]:
    told = told or Told()
    told.store = store
    ports = Ports(store, cast(Publisher, told), cast(CityClock, Clock()), Fault(""))
    return IntakeStage(Settings(city="qingdao"), qingdao(), lambda lon, lat: Located(), ports), told


def records(begin: int, end: int) -> list[Any]:
    """Each of another camera, so that each is a group of its own; a hundred things are seen."""
    return [
        Record(at, f"/c/{at}".encode(), report(at, f"/c/{at}", 300 * (at % 100), 60 + at), T0 + 1000 * (60 + at))
        for at in range(begin, end)
    ]


async def turned(stage: IntakeStage, until: int) -> None:
    while stage.done().get(0, 0) < until:
        try:
            await stage.turn()
        except TryAgain:
            continue


async def told_of_all(store: Store, by: Told | None = None) -> None:
    """Two and a half thousand reports through a stage over this store: each is told once, and nothing stays in the outbox."""
    stage, told = made(store, by)
    await stage.assigned({0: 0}, TOPIC)
    await stage.take({0: records(0, 2500)})
    store.read.set()
    await turned(stage, 2500)
    await stage.finish()
    assert told.fates == Counter(range(2500)) and list(told.fates) == list(range(2500)), "once, and in order"
    assert await store.outbox(0) == []


def test_one_call_after_the_other_takes_the_published_entry_along_and_the_last_one_is_removed() -> None:
    store = Store()
    asyncio.run(told_of_all(store))
    assert (store.calls, store.removals) == (3, 1)  # 500 that were read when it began, then a thousand and a thousand


@pytest.mark.parametrize(
    ("lost", "unanswered"),
    [
        pytest.param(frozenset({2}), frozenset[int](), id="the call that should have removed it never came"),
        pytest.param(frozenset[int](), frozenset({2}), id="it came and its answer did not"),
        pytest.param(frozenset({2, 3}), frozenset({5}), id="more than once"),
    ],
)
def test_a_call_that_fails_makes_nobody_publish_again_what_was_published_before_it(
    lost: frozenset[int], unanswered: frozenset[int]
) -> None:
    asyncio.run(told_of_all(Store(lost, unanswered)))


@pytest.mark.parametrize(
    ("lost", "fails", "lasts"),
    [
        pytest.param(0, frozenset[int](), 2, id="its acknowledgement comes behind the next call"),
        pytest.param(2, frozenset[int](), 2, id="its acknowledgement comes when that call is lost"),
        pytest.param(0, frozenset({1}), 0, id="it fails"),
        pytest.param(0, frozenset({1}), 2, id="it fails when the next call is answered"),
        pytest.param(0, frozenset({1, 2, 4}), 0, id="it fails, and the outbox's publishing too"),
    ],
)
def test_while_an_outcome_is_being_published_the_next_call_is_made_and_each_is_told_once_and_in_order(
    lost: int, fails: frozenset[int], lasts: int
) -> None:
    store = Store(frozenset({lost}))
    asyncio.run(asyncio.wait_for(told_of_all(store, Told(fails, lasts)), 30))
    assert store.calls == 3 + bool(lost), "nothing that is applied is asked again"


def test_who_gives_partitions_away_in_the_middle_leaves_nothing_published_to_the_heir() -> None:
    async def run() -> None:
        store = Store()
        stage, told = made(store)
        told.stops = True
        await stage.assigned({0: 0}, TOPIC)
        await stage.take({0: records(0, 2500)})
        store.read.set()
        while told.fates.total() < 1500:
            await stage.turn()
        assert len(await store.outbox(0)) == 2, "published, one to leave with the call that hangs and one with the next"
        await stage.finish()
        assert await store.outbox(0) == []
        heir, told_by_heir = made(store)
        await heir.assigned({0: stage.done()[0]}, TOPIC)
        assert not told_by_heir.fates

    asyncio.run(run())
