"""One law of the atomic call: script and twin say the same of everything, whatever comes and wherever the time runs out."""

import asyncio
import uuid
from dataclasses import dataclass, replace
from typing import Any

import orjson
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from adapters.sift import Answer, RedisSift, Sift
from adapters.sift_memory import MemorySift
from incidents.steps.sifting import CROWD, Group
from incidents.vocabulary import ENDED, State
from tests.adapters.sifting import T0, Shelf, group, light, redis_sift, rule, totals_told

SOURCES = ("/a", "/b", "/c", "/person")
STATES = (State.DISPATCHED, State.CHECKING, State.CLOSED, State.NOT_FILED, State.VOID, State.HELD)
MOST = 6
SKEW = (0, 0, 0, -3600, 900)
"""Seconds by which a source's clock is wrong."""


@dataclass(frozen=True)
class Report:
    """One group to come: so many reports of a source, near a point, at a second; `hint` says which case of those known is hinted at."""

    source: str
    east: int
    second: int
    many: int
    held: bool
    identity: str
    light: bool
    hint: int | None
    alone: bool  # begins a call


@dataclass(frozen=True)
class Move:
    """What closure does to one of the cases, by number; with `into` it becomes an alias."""

    case: int
    state: State
    second: int
    into: int | None


reports = st.builds(
    Report,
    source=st.sampled_from(SOURCES),
    east=st.sampled_from([0, 30, 49, 51, 80, 400]),
    second=st.integers(-600, 9000),
    many=st.integers(1, 4),
    held=st.booleans(),
    identity=st.sampled_from(["", "", "plate:鲁B12345", "plate:鲁U00001"]),
    light=st.booleans(),
    hint=st.none() | st.integers(0, 20),
    alone=st.booleans(),
)
moves = st.builds(
    Move,
    case=st.integers(0, 20),
    state=st.sampled_from(STATES),
    second=st.integers(-100, 9000),
    into=st.none() | st.none() | st.integers(0, 20),
)


def groups_of(steps: list[Report | Move]) -> list[list[tuple[Group, int | None]] | Move]:
    """Calls of one to six groups with the number of the case hinted at, and moves between them; some offsets come again."""
    calls: list[list[tuple[Group, int | None]] | Move] = []
    offset = 0
    for number, step in enumerate(steps):
        if isinstance(step, Move):
            calls.append(step)
            continue
        offsets = list(range(offset, offset + step.many))
        offset = offsets[-1] + (0 if number % 5 == 4 else 1)  # every fifth time the last offset comes again
        made = (_group(step, number, offsets), step.hint if step.light else None)
        last = calls[-1] if calls else None
        if isinstance(last, list) and len(last) < MOST and not step.alone:
            last.append(made)
        else:
            calls.append([made])
    return calls


def _group(step: Report, number: int, offsets: list[int]) -> Group:
    machine = step.source != "/person"
    spans = rule(span=1_800_000, moving=True) if step.identity else rule()
    second = step.second + SKEW[len(step.source) % len(SKEW)]
    made = group(step.source, offsets, east_m=step.east, s=second, identity=step.identity, rule=spans, machine=machine)
    made.held, made.urgent, made.spread, made.tight = step.held and machine, number % 4, 1500 * (number % 3), number % 7 != 6
    made.keys = [offset % 7 for offset in offsets]
    if step.light and machine:
        made.new_id = made.opening = ""
    return made


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(reports | reports | reports | moves, min_size=2, max_size=30), hasty=st.booleans())
def test_script_and_twin_reach_the_same_verdicts(redis_server: str, steps: list[Report | Move], hasty: bool) -> None:
    async def scenario() -> None:
        real, hot = await redis_sift(redis_server, f"h{uuid.uuid4().hex[:8]}.", budget_us=0 if hasty else 10**9)
        try:
            await compare(Both(real, Shelf(real, hot)), groups_of(steps))
        finally:
            await hot.redis.delete(*[key async for key in hot.redis.scan_iter(hot.keys.prefix + "*")])
            await hot.close()

    asyncio.run(scenario())


class Both:
    """Script and twin; the twin stops where the script's time was up."""

    def __init__(self, real: RedisSift, shelf: Shelf) -> None:
        self.shelves = shelf, Shelf(MemorySift("r1", lambda: self._done), None)
        self._done = 0

    @property
    def cases(self) -> list[str]:
        """What is known by now."""
        twin: Sift = self.shelves[1].store
        assert isinstance(twin, MemorySift)
        return sorted(twin.cases)

    async def call(self, groups: list[Group]) -> None:
        """Ask both, again and again until nobody is told to come later."""
        while groups:
            real = await self.shelves[0].call(*groups)
            verdicts = [each.verdict for each in real.learned]
            self._done = len(verdicts) - next((at for at, verdict in enumerate(reversed(verdicts)) if verdict != "later"), 0)
            assert plain(real) == plain(await self.shelves[1].call(*groups))
            again = {group.source for group, verdict in zip(groups, verdicts, strict=True) if verdict == "again"}
            groups = [group for group, verdict in zip(groups, verdicts, strict=True) if verdict == "later" and group.source not in again]


async def compare(both: Both, calls: list[list[tuple[Group, int | None]] | Move]) -> None:
    """Drive both and hold them together."""
    for call in calls:
        cases = both.cases
        if isinstance(call, list):
            await both.call([_hinted(group, cases, hint) for group, hint in call])
        elif cases:
            case = cases[call.case % len(cases)]
            into = cases[call.into % len(cases)] if call.into is not None else ""
            state = State.MERGED if into not in ("", case) else call.state
            ended = T0 + call.second * 1000 if state in ENDED else None
            handled = T0 + call.second * 500 if state in (State.CLOSED, State.CHECKING) else None
            for shelf in both.shelves:
                await shelf.move(case, state, handled, ended, into if state is State.MERGED else "")


def _hinted(group: Group, cases: list[str], hint: int | None) -> Group:
    return group if hint is None or not cases or not group.machine else replace(group, hint=cases[hint % len(cases)])


def plain(answer: Answer) -> tuple[Any, ...]:
    """What of an answer must be alike."""
    if not answer.outcome:
        return None, answer.learned
    outcome = orjson.loads(answer.outcome)
    for sight in outcome["sights"]:
        sight["totals"] = totals_told(sight)
    return outcome["fates"], outcome["sights"], answer.learned, answer.others


def test_script_and_twin_crowd_alike(redis_server: str) -> None:
    async def scenario() -> None:
        real, hot = await redis_sift(redis_server, f"h{uuid.uuid4().hex[:8]}.")
        both = Both(real, Shelf(real, hot))
        for at in range(0, 4 * CROWD, 8):
            people = [group(f"/p{n}", n, s=n % 50, east_m=n % 9 * 5, machine=False, tight=n % 3 > 0) for n in range(at, at + 8)]
            await both.call(people)
            await compare(both, [Move(at, State.VOID, at, None), [(light(f"/c{at}", at, s=60, east_m=at % 40), None)]])
        await hot.close()

    asyncio.run(scenario())
