"""The queue of deliveries: Redis and its twin are held to the same, by scenes and by a law over any history."""

import asyncio
import itertools
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from adapters.deliveries import Attempt, Claimed, Deliveries, End, Order, Settled, Standing, State, TargetStanding
from adapters.deliveries_memory import MemoryDeliveries
from adapters.deliveries_redis import RedisDeliveries
from config.settings import Settings
from incidents.notices import Alert, Notice
from tests.adapters.test_feed import hot_store

AT = datetime(2026, 11, 23, 4, tzinfo=UTC)
LEASE = 30_000
MINUTE = 60_000
serial = itertools.count(1)


def notice(line: str = "c1", sequence: int = 1) -> Notice:
    """A fact of a case."""
    alert = Alert(fingerprint=line, labels={"case_id": line}, starts_at=AT, sequence=sequence)
    return Notice(
        id=f"{line}_{sequence}", group_key=line, receiver="r", reason="filed", alerts=(alert,), status="firing", at=AT, sequence=sequence
    )


def order(line: str = "c1", sequence: int = 1, target: str = "t", minute: int = 0, second: int = 0, **more: int) -> Order:
    """That fact for a target."""
    return Order(notice(line, sequence), target, minute, second, **more)


def ended(claimed: Claimed, end: End = End.DELIVERED, at_ms: int = 0, **more: object) -> Settled:
    """What became of it."""
    return Settled(claimed.id, claimed.turn, end, Attempt(at=AT, outcome=end), at_ms, **more)  # type: ignore[arg-type]


Scene = Callable[[Deliveries], Awaitable[None]]


@pytest.fixture(params=["memory", "redis"])
def on_queue(request: pytest.FixtureRequest) -> Callable[[Scene], None]:
    """Runs a scene on one of the two."""

    async def on_redis(scene: Scene, url: str) -> None:
        settings = Settings.model_validate({"namespace": f"d{next(serial)}.", "redis_url": url, "city": "qingdao"})
        async with hot_store(settings) as hot:
            await scene(RedisDeliveries(hot))

    async def in_memory(scene: Scene) -> None:
        await scene(MemoryDeliveries())

    def run(scene: Scene) -> None:
        if request.param == "memory":
            asyncio.run(in_memory(scene))
        else:
            asyncio.run(on_redis(scene, request.getfixturevalue("redis_server")))

    return run


async def ids(queue: Deliveries, now: int, most: int = 100) -> list[str]:
    """What may go."""
    return sorted(each.id for each in await queue.claim(now, most, LEASE))


def test_the_same_order_twice_is_one_delivery(on_queue: Callable[[Scene], None]) -> None:
    async def scene(queue: Deliveries) -> None:
        assert await queue.enqueue([order(), order()], 0) == 1
        assert await queue.enqueue([order(), order(sequence=2)], 1) == 1
        assert await ids(queue, 2) == ["c1_1@t"]

    on_queue(scene)


def test_a_case_goes_in_order_and_cases_go_beside_each_other(on_queue: Callable[[Scene], None]) -> None:
    async def scene(queue: Deliveries) -> None:
        await queue.enqueue([order("c1", 2), order("c1", 1), order("c2", 5), order("c1", 2, "other")], 0)
        first = await queue.claim(1, 100, LEASE)
        assert sorted(each.id for each in first) == ["c1_1@t", "c1_2@other", "c2_5@t"]
        assert await ids(queue, 1) == []
        head = next(each for each in first if each.id == "c1_1@t")
        assert await queue.settle([ended(head, End.RETRY, 5000)], 2) == 1
        assert await ids(queue, 4999) == []  # what comes after waits with it
        [head] = await queue.claim(5000, 100, LEASE)
        assert (head.id, head.tries) == ("c1_1@t", 2)
        await queue.settle([ended(head)], 5001)
        assert await ids(queue, 5001) == ["c1_2@t"]

    on_queue(scene)


def test_a_lease_that_ends_gives_the_delivery_to_the_next_and_the_late_word_counts_for_nothing(on_queue: Callable[[Scene], None]) -> None:
    async def scene(queue: Deliveries) -> None:
        await queue.enqueue([order()], 0)
        [zombie] = await queue.claim(0, 9, LEASE)
        assert await queue.sweep(LEASE - 1, Attempt(at=AT, outcome="lost")) == 0
        assert await queue.sweep(LEASE, Attempt(at=AT, outcome="lost")) == 1
        [now] = await queue.claim(LEASE, 9, LEASE)
        assert (now.id, now.turn) == (zombie.id, zombie.turn + 1)
        assert await queue.settle([ended(zombie)], LEASE) == 0
        assert await queue.settle([ended(now)], LEASE) == 1
        told = await queue.show(now.id)
        assert told is not None and told.state is State.DELIVERED and [each.outcome for each in told.attempts] == ["lost", "delivered"]

    on_queue(scene)


def test_a_failing_target_is_asked_by_one_at_a_time_and_a_success_frees_all(on_queue: Callable[[Scene], None]) -> None:
    async def scene(queue: Deliveries) -> None:
        await queue.enqueue([order(f"c{n}") for n in range(20)], 0)
        first = await queue.claim(0, 100, LEASE)
        assert len(first) == 16  # what one target is sent at once
        await queue.settle([ended(each, End.RETRY, 10**9, fault=True, hold_ms=60_000) for each in first], 1)
        assert (await queue.standing(1)).open == 1
        assert await ids(queue, 59_999) == []
        [probe] = await queue.claim(60_000, 100, LEASE)
        assert probe.failures == 16 and probe.since_ms == 1
        [known] = await queue.targets()
        assert known == TargetStanding("t", 20, 16, 1, 60_000) and known.open
        await queue.settle([ended(probe)], 60_001)
        assert len(await queue.claim(60_001, 100, LEASE)) == 16  # also those that had been told to wait
        assert (await queue.standing(60_001)).open == 0

    on_queue(scene)


def test_what_a_limit_holds_up_goes_as_one_digest_that_stays_the_same(on_queue: Callable[[Scene], None]) -> None:
    async def scene(queue: Deliveries) -> None:
        await queue.enqueue([order("c1", n, minute=2) for n in (1, 2)] + [order("c2", 1, minute=2)], 0)
        [digest] = await queue.claim(0, 100, LEASE)
        assert [each.id for each in digest.notices] == ["c1_1", "c1_2", "c2_1"]
        await queue.enqueue([order("c1", 3, minute=2)], 1)
        await queue.settle([ended(digest, End.RETRY, 100)], 2)
        [again] = await queue.claim(100, 100, LEASE)
        await queue.enqueue([order("c3", 1, minute=2)], 100)
        assert again.notices == digest.notices
        await queue.settle([ended(again)], 101)
        told = await queue.show("c2_1@t")
        assert told is not None and told.state is State.DELIVERED and told.digest == digest.id and len(told.attempts) == 2
        assert await queue.claim(59_999, 100, LEASE) == []  # two in this minute
        [rest] = await queue.claim(60_001, 100, LEASE)
        assert [each.id for each in rest.notices] == ["c3_1", "c1_3"]

    on_queue(scene)


def test_a_refused_digest_is_taken_apart_and_only_the_bad_one_dies(on_queue: Callable[[Scene], None]) -> None:
    async def scene(queue: Deliveries) -> None:
        await queue.enqueue([order(line, minute=2) for line in ("c1", "c2", "c3")], 0)
        [digest] = await queue.claim(0, 100, LEASE)
        await queue.settle([ended(digest, End.REFUSED)], 0)
        [alone] = await queue.claim(0, 100, LEASE)
        assert [each.id for each in alone.notices] == ["c1_1"]
        await queue.settle([ended(alone, End.REFUSED)], 0)
        [rest] = await queue.claim(MINUTE + 1, 100, LEASE)
        assert len(rest.notices) == 1 or [each.id for each in rest.notices] == ["c2_1", "c3_1"]
        assert [each.id for each in await queue.unsaid()] == ["c1_1@t"]

    on_queue(scene)


def test_no_second_holds_more_than_its_limit(on_queue: Callable[[Scene], None]) -> None:
    async def scene(queue: Deliveries) -> None:
        await queue.enqueue([order(f"c{n}", minute=90, second=2) for n in range(4)], 0)
        sent = []
        for now in range(0, 4000, 100):
            for each in await queue.claim(now, 100, LEASE):
                sent.append(now)
                await queue.settle([ended(each)], now)
        assert sent and all(sum(begin <= at < begin + 1000 for at in sent) <= 2 for begin in sent)

    on_queue(scene)


def test_the_dead_are_kept_said_and_replayed_at_their_place(on_queue: Callable[[Scene], None]) -> None:
    async def scene(queue: Deliveries) -> None:
        await queue.enqueue([order(sequence=1), order(sequence=2)], 0)
        [first] = await queue.claim(0, 9, LEASE)
        await queue.settle([ended(first, End.DEAD)], 1)
        [dead] = await queue.unsaid()
        assert dead.id == first.id and dead.notice == notice() and len(dead.attempts) == 1
        await queue.said([dead.id])
        assert await queue.unsaid() == [] and await queue.listed(State.DEAD, 9) == [dead.id]
        assert await queue.replay([dead.id, "c1_2@t", "nobody"], 2) == 1
        assert await ids(queue, 2) == ["c1_1@t"]  # before the second, which had not gone yet

    on_queue(scene)


def test_the_fallback_is_told_in_time_or_at_once_and_not_after_a_delivery(on_queue: Callable[[Scene], None]) -> None:
    async def scene(queue: Deliveries) -> None:
        await queue.enqueue([order(line, fallback_ms=60_000) for line in ("a", "b", "c")], 0)
        a, b, _ = sorted(await queue.claim(0, 9, LEASE), key=lambda each: each.id)
        await queue.settle([ended(a), ended(b, End.RETRY, 10**6, early=True)], 10)
        assert [each.id for each in await queue.late(10)] == ["b_1@t"]
        await queue.fell_back(["b_1@t"], 11)
        assert await queue.late(59_999) == [] and [each.id for each in await queue.late(60_000)] == ["c_1@t"]
        told = await queue.show("b_1@t")
        assert told is not None and told.fallback_ms == 11

    on_queue(scene)


def test_a_disabled_target_drains_at_once_and_can_be_enabled(on_queue: Callable[[Scene], None]) -> None:
    async def scene(queue: Deliveries) -> None:
        await queue.enqueue([order("a"), order("b")], 0)
        a, b = sorted(await queue.claim(0, 9, LEASE), key=lambda each: each.id)
        await queue.settle([ended(b, End.RETRY, 10**6, fault=True), ended(a, End.DEAD, disable="410")], 1)
        assert await queue.targets() == [TargetStanding("t", 1, 0, None, None, "410")]
        [left] = await queue.claim(1, 9, LEASE)
        assert (left.id, left.disabled) == ("b_1@t", "410")
        await queue.settle([ended(left, End.RETRY, 10**6)], 2)
        await queue.enable("t", 3)
        [left] = await queue.claim(3, 9, LEASE)
        assert left.disabled is None
        assert await queue.standing(3) == Standing(1, 1, 1, 0, 0, None)

    on_queue(scene)


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("enqueue"), st.integers(1, 4), st.integers(1, 4), st.integers(0, 1)),
        st.tuples(st.just("claim"), st.integers(1, 40_000), st.just(0), st.just(0)),
        st.tuples(st.just("settle"), st.integers(0, 5), st.sampled_from(list(End)), st.booleans()),
        st.tuples(st.just("replay"), st.integers(0, 3), st.just(0), st.just(0)),
        st.tuples(st.just("enable"), st.integers(0, 1), st.just(0), st.just(0)),
    ),
    min_size=4,
    max_size=30,
)


class _Historian:
    """Carries a history out on one queue and keeps every answer."""

    def __init__(self, queue: Deliveries) -> None:
        self.queue = queue
        self.now = 0
        self.held: list[Claimed] = []

    async def step(self, step: tuple[str, int, object, int]) -> object:
        what, a, b, c = step
        self.now += 1
        if what == "enqueue":
            return await self.queue.enqueue([order(f"c{a}", int(str(b)), f"t{c}", 3 * c, fallback_ms=9000)], self.now)
        if what == "claim":
            self.now += a
            swept = await self.queue.sweep(self.now, Attempt(at=AT, outcome="lost"))
            claimed = sorted(await self.queue.claim(self.now, 100, LEASE), key=lambda each: each.id)
            self.held += claimed
            return swept, claimed, [each.id for each in await self.queue.late(self.now)]
        if what == "settle" and self.held:
            one = self.held.pop(a % len(self.held))
            return await self.queue.settle(
                [ended(one, End(str(b)), self.now + 500, fault=bool(c), hold_ms=self.now + 700, early=bool(c))], self.now
            )
        if what == "replay":
            return await self.queue.replay((await self.queue.listed(State.DEAD, 9))[:a], self.now)
        if what == "enable":
            await self.queue.enable(f"t{a}", self.now)
        return None

    async def everything(self) -> object:
        kept = [await self.queue.show(f"c{line}_{n}@t{t}") for line in range(1, 5) for n in range(1, 5) for t in range(2)]
        standing = await self.queue.standing(self.now)
        return kept, await self.queue.targets(), standing.waiting, standing.claimed, standing.dead, standing.open, standing.oldest_ms


@hypothesis_settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS)
def test_any_history_goes_the_same_way_in_both(redis_server: str, steps: list[tuple[str, int, object, int]]) -> None:
    async def scene() -> None:
        settings = Settings.model_validate({"namespace": f"l{next(serial)}.", "redis_url": redis_server, "city": "qingdao"})
        async with hot_store(settings) as hot:
            twin, real = _Historian(MemoryDeliveries()), _Historian(RedisDeliveries(hot))
            for step in steps:
                assert await real.step(step) == await twin.step(step), step
                assert await real.everything() == await twin.everything(), step

    asyncio.run(scene())
