"""What a call may cost, and what it leaves when it cannot be: on a Redis of the test's own."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import orjson
import pytest

from adapters.hot import HotStore
from adapters.restore import Vault
from adapters.seen import totals_of
from adapters.sift import RedisSift
from incidents.case import Case
from incidents.commands import SourceTotal
from incidents.errors import TryAgain
from incidents.events import epoch_ms
from incidents.steps.sifting import Group
from incidents.vocabulary import State
from tests.adapters.sifting import Shelf, group, hinted, light, redis_sift, totals_told, verdicts
from tests.incidents.closing import CITY, desk_in
from tests.servers import Server


def on_redis(server: Server, scenario: Callable[[RedisSift, HotStore], Awaitable[None]], budget_us: int = 10**9) -> None:
    """Run it on the server's store."""

    async def run() -> None:
        store, hot = await redis_sift(server.address, "t.", budget_us)
        try:
            await scenario(store, hot)
        finally:
            await hot.close()

    asyncio.run(run())


async def work(hot: HotStore, call: Awaitable[Any]) -> int:
    """How many commands Redis carried out, those of scripts too."""
    before = await hot.redis.info("commandstats")
    await call
    after = await hot.redis.info("commandstats")
    return sum(stats["calls"] - before.get(name, {"calls": 0})["calls"] for name, stats in after.items())


def people(many: int, **changes: object) -> list[Group]:
    """So many people at one address."""
    return [group(f"/p{at}", at, s=at / 100, machine=False, **changes) for at in range(many)]  # type: ignore[arg-type]


def test_when_the_time_is_up_the_rest_comes_later_and_something_is_always_done(redis_own: Server) -> None:
    async def scenario(store: RedisSift, hot: HotStore) -> None:
        left = [group(f"/c{at}", [2 * at, 2 * at + 1], s=at, east_m=200 * at) for at in range(40)]
        while left:
            learned = [each.verdict for each in (await store.call(0, "T", left)).learned]
            done = learned.index("later") if "later" in learned else len(learned)
            assert done > 0 and set(learned[done:]) <= {"later"}
            left = left[done:]
        outbox = [orjson.loads(outcome)["fates"] for _, outcome in await store.outbox(0)]
        assert [row[5] for fates in outbox for row in fates] == [[offset] for offset in range(80)]

    on_redis(redis_own, scenario, budget_us=0)


@pytest.mark.parametrize("changes", [{}, {"tight": False}, {"identity": "plate:鲁U00001"}], ids=["exact", "vague", "named"])
def test_thousands_of_cases_at_one_address_cost_a_few_commands(redis_own: Server, changes: dict[str, object]) -> None:
    async def scenario(store: RedisSift, hot: HotStore) -> None:
        await Shelf(store, hot).fill(*people(2000, **changes))
        asked = light("/exact", 9000, s=60), group("/someone", 9001, s=60, machine=False), group("/vague", 9002, s=60, tight=False)
        costs = [await work(hot, store.call(0, "T", [each])) for each in asked]
        assert max(costs) < 40, costs

    on_redis(redis_own, scenario)


def test_a_recognised_repeat_costs_no_command_of_its_own(redis_own: Server) -> None:
    async def scenario(store: RedisSift, hot: HotStore) -> None:
        await store.call(0, "T", [group(f"/c{at}", at, s=at, east_m=200 * at) for at in range(50)])
        rounds = [
            [hinted(f"/c{at}", f"QD-/c{at}-{at}", 50 * n + at, s=50 * n + at, east_m=200 * at) for at in range(50)] for n in (1, 2, 3, 4, 5)
        ]
        for groups in rounds[:4]:
            await store.call(0, "T", groups)
        assert await work(hot, store.call(0, "T", rounds[4])) < 35

    on_redis(redis_own, scenario)


def test_a_full_redis_refuses_the_call_and_loses_no_report(redis_own: Server) -> None:
    async def scenario(store: RedisSift, hot: HotStore) -> None:
        await store.call(0, "T", [group("/a", 1)])
        await hot.redis.config_set("maxmemory", "1")
        with pytest.raises(TryAgain):
            await store.call(0, "T", [group("/b", 2, east_m=900)])
        await hot.redis.config_set("maxmemory", "0")
        assert verdicts(await store.call(0, "T", [group("/b", 2, east_m=900)])) == [("QD-/b-2", "opened", "opened", (2,))]

    on_redis(redis_own, scenario)


def told(case: Case, offset: int, others: int = 0) -> Case:
    """A case with one source up to this offset, and others that were seen before it."""
    sources = {"/known": offset} | {f"/other{at}": at for at in range(others)}
    first, last = case.first_seen, case.last_seen
    totals = {key: SourceTotal(count=3, first=first, last=last, topic_id="T", partition=0, offset=at) for key, at in sources.items()}
    return case.model_copy(update={"totals": totals})


def at_the_place_of(case: Case, source: str, offset: int) -> Group:
    """A light group in the middle of the case, a minute after it was last seen."""
    x, y = round(case.place.lon * 1e7), round(case.place.lat * 1e7)
    return light(source, offset, x=x, y=y, family=case.category, times=[epoch_ms(case.last_seen) + 60_000])


def test_sifting_goes_on_with_what_a_rebuild_filled_in(redis_own: Server) -> None:
    async def scenario(store: RedisSift, hot: HotStore) -> None:
        case = told(desk_in(State.HANDLING).open, 17)
        vault = Vault(hot)
        async with vault.lock():
            await vault.restore_sifting([case], CITY.catalogue)
        known, more, new = (at_the_place_of(case, *each) for each in (("/known", 17), ("/known", 18), ("/new", 19)))
        first = await store.call(0, "T", [known])
        assert (first.learned[0].verdict, first.learned[0].case) == ("already", case.case_id)
        assert [row[:3] for row in verdicts(await store.call(0, "T", [more, new]))] == [
            (case.case_id, "merged", "same_source"),
            (case.case_id, "merged", "same_place"),
        ]

    on_redis(redis_own, scenario)


@pytest.mark.parametrize("others", [0, 2, 3, 5])
def test_the_totals_of_however_many_sources_are_filled_in_again(redis_own: Server, others: int) -> None:
    async def scenario(store: RedisSift, hot: HotStore) -> None:
        case = told(desk_in(State.HANDLING).open, 17, others)
        vault = Vault(hot)
        async with vault.lock():
            await vault.restore_sifting([case], CITY.catalogue)
        before = await totals_of(hot, [case.case_id])
        assert before[case.case_id].count == 3 * (others + 1)
        assert sorted(last.offset for last in before[case.case_id].positions) == [*range(others), 17]
        more = at_the_place_of(case, "/known", 18)
        more.notable = True
        answer = await store.call(0, "T", [more])
        told_now = totals_told(orjson.loads(answer.outcome)["sights"][0])
        counts = {source: total.split("|")[0] for source, total in told_now.items()}
        assert counts == {"/known": "4"} | {f"/other{at}": "3" for at in range(others)}

    on_redis(redis_own, scenario)
