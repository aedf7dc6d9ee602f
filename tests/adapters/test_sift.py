"""The atomic call: the same verdicts from the script on a real Redis and from its twin."""

import asyncio
import uuid
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from adapters.case_store import MOVES
from adapters.hot import HotStore
from adapters.sift import Answer, Sift
from adapters.sift_memory import MemorySift
from incidents.case import State
from incidents.errors import NotReady
from incidents.steps.sifting import Group
from tests.adapters.sifting import T0, group, hinted, redis_sift, rule

Move = Callable[[str, State, int | None, int | None], Awaitable[None]]


class Shelf:
    """A store under test, driven synchronously."""

    def __init__(self, store: Sift, hot: HotStore | None) -> None:
        self.store, self.hot = store, hot
        self._sequence = 0

    async def call(self, *groups: Group, partition: int = 0, topic: str = "T") -> Answer:
        """One call."""
        return await self.store.call(partition, topic, groups)

    async def move(self, case: str, state: State, handled: int | None = None, ended: int | None = None, into: str = "") -> None:
        """What closure does to a case, by its own script."""
        if isinstance(self.store, MemorySift):
            self.store.move(case, state, handled, ended, into)
            return
        assert self.hot is not None
        self._sequence += 1
        stands = {"state": state, "handled": _text(handled), "ended": _text(ended), "into": into}
        move = {"id": case, "before": 0, "after": self._sequence, "opened": 0, "forgotten": False, "gone": [], "due": []} | stands
        await self.hot.run(MOVES, [self.hot.keys.prefix], [600, 600, 1, orjson.dumps(move), f'{{"sequence":{self._sequence}}}'])


@pytest.fixture(params=["memory", "redis"])
def on_shelf(request: pytest.FixtureRequest) -> Iterator[Callable[[Callable[[Shelf], Awaitable[None]]], None]]:
    """Runs a scenario on one of the two stores."""

    url = request.getfixturevalue("redis_server") if request.param == "redis" else ""

    async def run(scenario: Callable[[Shelf], Awaitable[None]]) -> None:
        if request.param == "memory":
            await scenario(Shelf(MemorySift("r1"), None))
            return
        store, hot = await redis_sift(url, f"t{uuid.uuid4().hex[:8]}.")
        try:
            await scenario(Shelf(store, hot))
        finally:
            await hot.close()

    yield lambda scenario: asyncio.run(run(scenario))


def verdicts(answer: Answer) -> list[tuple[Any, ...]]:
    """Case, verdict, rule and offsets of each row of the outcome."""
    return [(row[0], row[1], row[2], tuple(row[5])) for row in orjson.loads(answer.outcome)["fates"]] if answer.outcome else []


def _text(moment: int | None) -> str:
    return "" if moment is None else str(moment)


OnShelf = Callable[[Callable[[Shelf], Awaitable[None]]], None]


def test_the_first_report_opens_and_a_second_camera_near_by_joins(on_shelf: OnShelf) -> None:
    async def scenario(shelf: Shelf) -> None:
        assert verdicts(await shelf.call(group("/a", 1))) == [("QD-/a-1", "opened", "opened", (1,))]
        assert verdicts(await shelf.call(group("/b", 2, east_m=20, s=60))) == [("QD-/a-1", "merged", "same_place", (2,))]
        assert verdicts(await shelf.call(group("/a", 3, east_m=2000, s=70))) == [("QD-/a-3", "opened", "opened", (3,))]

    on_shelf(scenario)


def test_offsets_up_to_the_mark_are_already_counted(on_shelf: OnShelf) -> None:
    async def scenario(shelf: Shelf) -> None:
        await shelf.call(group("/a", [1, 2, 3]))
        again = await shelf.call(group("/a", [2, 3]))
        assert (again.entry, again.learned[0].verdict, again.learned[0].case) == ("", "already", "QD-/a-1")
        assert verdicts(await shelf.call(group("/a", [3, 4], s=9, new_id="x", opening="{}"))) == [
            ("QD-/a-1", "merged", "same_source", (4,))
        ]

    on_shelf(scenario)


def test_a_topic_made_anew_counts_its_offsets_from_the_start(on_shelf: OnShelf) -> None:
    async def scenario(shelf: Shelf) -> None:
        await shelf.call(group("/a", [1, 2, 3]))
        later = await shelf.call(group("/a", 1, s=60, new_id="QD-n"), topic="T2")
        assert verdicts(later) == [("QD-/a-1", "merged", "same_source", (1,))]

    on_shelf(scenario)


def test_the_same_report_again_is_resent_and_changes_nothing(on_shelf: OnShelf) -> None:
    async def scenario(shelf: Shelf) -> None:
        first = group("/a", 1, keys=[77])
        await shelf.call(first)
        assert verdicts(await shelf.call(group("/a", 2, keys=[77], new_id="QD-/a-1"))) == [(None, "resent", "resent", (2,))]
        await shelf.call(group("/a", 3, s=60, keys=[78], new_id="QD-3"))
        assert verdicts(await shelf.call(group("/a", 4, s=60, keys=[78], new_id="QD-3"))) == [(None, "resent", "resent", (4,))]

    on_shelf(scenario)


def test_a_hint_to_a_closed_case_comes_again_and_what_must_wait_for_it_waits(on_shelf: OnShelf) -> None:
    async def scenario(shelf: Shelf) -> None:
        await shelf.call(group("/a", 1), group("/b", 2, east_m=500))
        await shelf.move("QD-/a-1", State.CLOSED, T0 + 5_000, T0 + 6_000)
        answer = await shelf.call(
            hinted("/a", "QD-/a-1", [3, 4], s=10), group("/a", 5, s=20, east_m=900), hinted("/b", "QD-/b-2", 6, s=5, east_m=500)
        )
        assert [each.verdict for each in answer.learned] == ["again", "later", "merged"]
        assert verdicts(await shelf.call(group("/a", 3, s=10))) == [("QD-/a-3", "opened", "recurred", (3,))]

    on_shelf(scenario)


def test_a_sighting_not_newer_than_the_handling_joins_even_a_closed_case(on_shelf: OnShelf) -> None:
    async def scenario(shelf: Shelf) -> None:
        await shelf.call(group("/a", 1))
        await shelf.move("QD-/a-1", State.CLOSED, T0 + 60_000, T0 + 90_000)
        assert verdicts(await shelf.call(group("/b", 2, s=30))) == [("QD-/a-1", "merged", "late", (2,))]

    on_shelf(scenario)


def test_after_a_refusal_the_same_source_is_held_and_another_is_not(on_shelf: OnShelf) -> None:
    async def scenario(shelf: Shelf) -> None:
        await shelf.call(group("/a", 1))
        await shelf.move("QD-/a-1", State.NOT_FILED, None, T0 + 60_000)
        assert verdicts(await shelf.call(group("/a", 2, s=120))) == [("QD-/a-2", "held", "refused", (2,))]
        assert verdicts(await shelf.call(group("/a", 3, s=130))) == [("QD-/a-2", "merged", "same_source", (3,))]
        assert verdicts(await shelf.call(group("/c", 4, s=140, east_m=40, urgent=0, rule=rule(radius=1)))) == [
            ("QD-/c-4", "opened", "opened", (4,))
        ]

    on_shelf(scenario)


def test_an_instant_thing_is_another_offence_after_its_span(on_shelf: OnShelf) -> None:
    truck = rule(span=1_800_000, window=1_800_000, by_place=False, moving=True)

    async def scenario(shelf: Shelf) -> None:
        await shelf.call(group("/a", 1, identity="plate:鲁B12345", rule=truck))
        near = await shelf.call(group("/b", 2, s=600, east_m=9000, identity="plate:鲁B12345", rule=truck))
        assert verdicts(near) == [("QD-/a-1", "merged", "same_plate", (2,))]
        later = await shelf.call(group("/c", 3, s=1900, identity="plate:鲁B12345", rule=truck))
        assert verdicts(later) == [("QD-/c-3", "opened", "series", (3,))]
        other = await shelf.call(group("/a", 4, s=1901, identity="plate:鲁B99999", rule=truck))
        assert verdicts(other) == [("QD-/a-4", "opened", "opened", (4,))]

    on_shelf(scenario)


def test_a_persons_report_is_never_merged_but_suggested(on_shelf: OnShelf) -> None:
    async def scenario(shelf: Shelf) -> None:
        await shelf.call(group("/a", 1))
        answer = await shelf.call(group("/hotline", 2, east_m=5, s=60, machine=False, tight=False))
        assert verdicts(answer) == [("QD-/hotline-2", "opened", "opened", (2,))]
        assert orjson.loads(answer.outcome)["sights"][0]["opens"]["suggested"] == "QD-/a-1"

    on_shelf(scenario)


def test_every_sight_brings_the_opening_until_closure_knows_the_case(on_shelf: OnShelf) -> None:
    async def scenario(shelf: Shelf) -> None:
        def opens(answer: Answer) -> object:
            return orjson.loads(answer.outcome)["sights"][0].get("opens")

        assert opens(await shelf.call(group("/a", 1))) == {"opening": {"by": "/a:1"}}
        assert opens(await shelf.call(group("/b", 1, s=1), partition=1)) == {"opening": {"by": "/a:1"}}
        await shelf.move("QD-/a-1", State.REPORTED)
        assert opens(await shelf.call(group("/c", 1, s=2), partition=2)) is None

    on_shelf(scenario)


def test_an_alias_leads_to_the_case_it_was_merged_into(on_shelf: OnShelf) -> None:
    async def scenario(shelf: Shelf) -> None:
        await shelf.call(group("/a", 1), group("/b", 2, east_m=500))
        await shelf.move("QD-/b-2", State.MERGED, ended=T0, into="QD-/a-1")
        assert verdicts(await shelf.call(group("/b", 3, s=10))) == [("QD-/a-1", "merged", "same_source", (3,))]

    on_shelf(scenario)


def test_the_outbox_keeps_outcomes_in_order_until_they_are_removed(on_shelf: OnShelf) -> None:
    async def scenario(shelf: Shelf) -> None:
        one, two = await shelf.call(group("/a", 1)), await shelf.call(group("/b", 2, east_m=900))
        assert await shelf.store.outbox(0) == [(one.entry, one.outcome), (two.entry, two.outcome)]
        await shelf.store.remove(0, [one.entry])
        assert [entry for entry, _ in await shelf.store.outbox(0)] == [two.entry]

    on_shelf(scenario)


def test_a_flushed_redis_refuses(redis_server: str) -> None:
    async def scenario() -> None:
        store, hot = await redis_sift(redis_server, f"t{uuid.uuid4().hex[:8]}.")
        await hot.redis.delete(hot.keys.ready)
        with pytest.raises(NotReady):
            await store.call(0, "T", [group("/a", 1)])
        await hot.close()

    asyncio.run(scenario())


# --- one law: script and twin say the same of everything ----------------------------------------------------------------------

SOURCES = ("/a", "/b", "/c", "/person")
STATES = (State.DISPATCHED, State.CHECKING, State.CLOSED, State.NOT_FILED, State.VOID)
step = st.one_of(
    st.tuples(
        st.just("report"),
        st.sampled_from(SOURCES),
        st.sampled_from([0, 30, 49, 51, 80, 400]),
        st.integers(-600, 9000),
        st.integers(0, 3),
        st.booleans(),
        st.sampled_from(["", "plate:鲁B12345", "plate:鲁U00001"]),
    ),
    st.tuples(st.just("move"), st.integers(0, 20), st.sampled_from(STATES), st.integers(-100, 9000)),
)


def scenario_groups(steps: list[Any]) -> list[list[Group] | tuple[int, State, int]]:
    """Batches of one to three groups, with moves of cases between them; some offsets come again."""
    batches: list[list[Group] | tuple[int, State, int]] = []
    offset = 0
    for number, each in enumerate(steps):
        if each[0] == "move":
            batches.append((each[1], each[2], each[3]))
            continue
        _, source, east, seconds, many, held, identity = each
        offsets = list(range(offset, offset + many + 1))
        offset = offsets[-1] + (0 if number % 5 == 4 else 1)  # every fifth time the last offset comes again
        spans = rule(span=1_800_000, moving=True) if identity else rule()
        machine = source != "/person"
        made = group(source, offsets, east_m=east, s=seconds, identity=identity, rule=spans, held=held and machine, machine=machine)
        made.keys = [offset_ % 7 for offset_ in offsets]
        made.urgent = number % 4
        made.spread = 1500 * (number % 3)
        if number % 3 == 2 and batches and isinstance(batches[-1], list):
            batches[-1].append(made)
        else:
            batches.append([made])
    return batches


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(step, min_size=2, max_size=25))
def test_script_and_twin_reach_the_same_verdicts(redis_server: str, steps: list[Any]) -> None:
    async def scenario() -> None:
        twin = MemorySift("r1")
        real, hot = await redis_sift(redis_server, f"h{uuid.uuid4().hex[:8]}.")
        try:
            await compare(Shelf(twin, None), Shelf(real, hot), scenario_groups(steps))
        finally:
            await hot.redis.delete(*[key async for key in hot.redis.scan_iter(hot.keys.prefix + "*")])
            await hot.close()

    asyncio.run(scenario())


async def compare(one: Shelf, other: Shelf, batches: list[list[Group] | tuple[int, State, int]]) -> None:
    """Drive both and hold them together; moves go to a case of the twin's, by number."""
    twin = one.store
    assert isinstance(twin, MemorySift)
    for batch in batches:
        if isinstance(batch, list):
            assert _plain(await one.call(*batch)) == _plain(await other.call(*batch))
        elif twin.cases:
            number, state, at = batch
            case = sorted(twin.cases)[number % len(twin.cases)]
            ended = T0 + at * 1000 if state in (State.CLOSED, State.NOT_FILED, State.VOID) else None
            handled = T0 + at * 500 if state in (State.CLOSED, State.CHECKING) else None
            for shelf in (one, other):
                await shelf.move(case, state, handled, ended)


def _plain(answer: Answer) -> tuple[Any, ...]:
    if not answer.outcome:
        return None, answer.learned
    outcome = orjson.loads(answer.outcome)
    for sight in outcome["sights"] or ():
        flat = sight["totals"]
        sight["totals"] = dict(zip(flat[::2], flat[1::2], strict=True))
    return outcome["fates"], outcome["sights"] or [], answer.learned
