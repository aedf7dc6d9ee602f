"""Ten thousand deadlines of the same second over the real Kafka and Redis: all their commands are published in seconds, each once."""

import asyncio
import time
import uuid
from datetime import timedelta

import pytest

from adapters.bus import Publisher
from adapters.case_store import Move, RedisCases
from adapters.clock import RealClock
from adapters.hot import HotStore, Keys, connect
from config.load import load_city
from config.settings import Settings
from config.topics import CASE_COMMANDS
from incidents.case import Deadline
from incidents.events import CaseId, epoch_ms
from incidents.vocabulary import DeadlineKind, State
from streams.clock import ClockStage
from streams.routing import CommandBus
from tests.hot import let_in
from tests.journeys.messages import records_of
from tests.streams.fact_agents import AT, a_fact

MANY = 10_000


async def never() -> None:
    """No rebuild is needed."""


@pytest.mark.slow
def test_ten_thousand_deadlines_of_one_second_are_commands_within_seconds(settings: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    deadline = Deadline(id=f"overdue:{epoch_ms(AT)}", kind=DeadlineKind.OVERDUE, at=AT)
    case = a_fact(state=State.HANDLING).case.model_copy(update={"deadlines": (deadline,)})

    async def fire() -> float:
        keys = Keys(f"{settings.namespace}{uuid.uuid4().hex[:8]}", settings.city)
        hot, publisher = HotStore(connect(settings.redis_url), keys, "cluster"), Publisher(settings.kafka_bootstrap)
        await let_in(hot)
        store = RedisCases(hot)
        await store.apply([Move(None, case.model_copy(update={"case_id": CaseId(f"QD-1-{n:05}")})) for n in range(MANY)])
        later = (AT + timedelta(seconds=1)).timestamp()
        stage = ClockStage(RealClock(lambda: later), store, CommandBus(settings, load_city(settings), publisher), never)
        stage.guard.drift_s = lambda: 0.0  # type: ignore[method-assign]  # the test's clock stands still
        began = time.monotonic()
        while await stage.turn():
            pass
        took = time.monotonic() - began
        await publisher.close()
        await hot.close()
        return took

    took = asyncio.run(fire())
    with capsys.disabled():
        print(f"\n{MANY:,} deadlines were commands on Kafka after {took:.2f} s")
    found = records_of(settings, CASE_COMMANDS.name, MANY, 60)
    assert len({record.key for record in found}) == MANY
    assert took < 30, "5 s are promised for a machine that does nothing else"
