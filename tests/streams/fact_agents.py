"""Builders for the tests of agents: facts, agents that note what they handled, and the broker's word on it."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson

from adapters.bus import Out, Publisher, topic_state
from adapters.feed import Frame, frame
from config.settings import Settings
from config.topics import CASE_EVENTS, REJECTED
from incidents.case import Case, Fact
from incidents.commands import Place, system
from incidents.events import CaseId
from incidents.facts import encode_fact
from incidents.vocabulary import Channel, FactType, Severity, State
from streams.agents import Act, FactAgent, Ports, Rebuild
from streams.app import AgentApp, agent_app

AT = datetime(2026, 11, 21, 0, 15, tzinfo=UTC)
SESSION_S = 10.0
"""How long a broker misses a test's agent: the worker's three seconds are too few for a busy machine that starves the test's own process,
which then loses its partitions and is given facts twice, as is its right, where the test counts them."""


def a_fact(number: int = 1, sequence: int = 1, fact: FactType = FactType.OPENED, state: State = State.REPORTED) -> Fact:
    """A fact of case number `number`."""
    case_id = CaseId(f"QD-20261121-{number:010d}")
    at = AT + timedelta(seconds=sequence)
    case = Case(
        case_id=case_id,
        city="QD",
        origin="qingdao",
        sequence=sequence,
        state=state,
        category="road_spillage",
        channel=Channel.LOW_VIDEO,
        severity=Severity.NORMAL,
        source=f"/cameras/{number}",
        report_id="r",
        place=Place(lon=120.38, lat=36.07, accuracy_m=15, district="370202"),
        reason="opened",
        rules="r1",
        opened_at=AT,
        first_seen=AT,
        last_seen=AT,
        entered_at=at,
        level="city",
    )
    return Fact(type=fact, case_id=case_id, sequence=sequence, at=at, actor=system("test"), command_id=f"c{number}:{sequence}", case=case)


def frame_of(fact: Fact) -> Frame:
    """What the feed tells of a fact."""
    return frame(orjson.loads(encode_fact(fact)))


def facts(cases: int, each: int) -> list[Fact]:
    """`cases` cases with `each` facts, mixed as they come in life."""
    return [a_fact(number, sequence) for sequence in range(1, each + 1) for number in range(cases)]


async def tell(settings: Settings, told: Sequence[Fact]) -> None:
    """Put facts on `cases.events`."""
    publisher = Publisher(settings.kafka_bootstrap)
    topic = settings.named(CASE_EVENTS.name)
    await publisher.publish([Out(topic, fact.case_id.encode(), encode_fact(fact)) for fact in told])
    await publisher.close()


def name(fact: Fact) -> tuple[str, int]:
    """What tells one fact from another."""
    return fact.case_id, fact.sequence


def held_back(consumer: Any) -> tuple[int, int]:
    """Until how many bytes, and for how many ms at most, the broker holds this consumer's fetches back."""
    return consumer._fetcher._fetch_min_bytes, consumer._fetcher._fetch_max_wait_ms  # aiokafka does not say


class Noted:
    """An act that notes what it was given; `fails` are raised first, one per call."""

    def __init__(self, *fails: Exception) -> None:
        self.fails = list(fails)
        self.calls = 0
        self.seen: list[tuple[str, int]] = []

    async def __call__(self, told: Sequence[Fact]) -> None:
        self.calls += 1
        if self.fails:
            raise self.fails.pop(0)
        self.seen += [name(fact) for fact in told]


async def until(holds: Callable[[], bool] | Callable[[], Awaitable[bool]], what: str, within_s: float = 20.0) -> None:
    """Wait for a condition of the loop."""
    deadline = time.monotonic() + within_s
    while True:
        found = holds()
        if found if isinstance(found, bool) else await found:
            return
        assert time.monotonic() < deadline, f"waited {within_s:g} s for {what}"
        await asyncio.sleep(0.02)


async def never_needed() -> None:
    """A rebuild that no test of this kind awaits."""
    raise AssertionError("the hot store was said not to be ready")


@asynccontextmanager
async def agent(
    settings: Settings,
    act: Act[Fact],
    role: str = "routing",
    rebuild: Rebuild = never_needed,
    session_s: float = SESSION_S,
) -> AsyncIterator[AgentApp]:
    """A started agent, stopped at the end."""
    publisher = Publisher(settings.kafka_bootstrap)
    ports = Ports(publisher, settings.named(REJECTED.name), rebuild)
    app = agent_app(settings, FactAgent(role, act, ports))
    app.conf.broker_session_timeout = session_s
    try:
        await app.start()
        yield app
    finally:
        await app.stop()
        await publisher.close()


async def all_committed(settings: Settings, role: str = "routing") -> bool:
    """Whether the role's group has committed all there is on `cases.events`."""
    state = await topic_state(settings.kafka_bootstrap, settings.named(CASE_EVENTS.name), settings.named(f"cityloop-{role}"))
    return all(state.committed.get(partition, (0, ""))[0] == end for partition, end in state.ends.items())


async def committed(settings: Settings, role: str = "routing") -> int:
    """How many facts the role's group has committed."""
    state = await topic_state(settings.kafka_bootstrap, settings.named(CASE_EVENTS.name), settings.named(f"cityloop-{role}"))
    return sum(offset for offset, _ in state.committed.values())
