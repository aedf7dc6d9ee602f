"""One law of the atomic call: script and twin say the same of everything, whatever comes and wherever the time runs out."""

import asyncio
import uuid
from typing import Any

import orjson
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from adapters.sift import Answer
from adapters.sift_memory import MemorySift
from incidents.case import State
from incidents.steps.sifting import Group
from tests.adapters.sifting import T0, Shelf, group, redis_sift, rule

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
