"""An engine at work on the queue's twin, with times in miniature."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from adapters.deliveries import Delivery
from adapters.deliveries_memory import MemoryDeliveries
from handlers.channel import Profile, Target
from handlers.engine import Engine, Receivers, Rules
from handlers.outbound import Doors, Outbound
from handlers.schedule import Schedule
from incidents.addresses import opened
from incidents.notices import Notice
from tests.handlers.receiver import PlainChannel

QUICK = {Profile.STANDARD: Schedule((0.01,) * 9), Profile.URGENT: Schedule((0.01,) * 3, 0.05, timedelta(seconds=0.5))}


@dataclass
class Office:
    """An engine at work, and what it buried."""

    queue: MemoryDeliveries
    engine: Engine
    buried: list[Delivery] = field(default_factory=list)

    async def bury(self, dead: Sequence[Delivery]) -> None:
        """Keep them."""
        self.buried += dead

    async def until(self, condition: Callable[[], bool], within_s: float = 60) -> None:
        """Return when it holds."""
        async with asyncio.timeout(within_s):
            while not condition():  # noqa: ASYNC110  # conditions of other people's making
                await asyncio.sleep(0.005)

    async def asked_for_quiet(self, within_s: float = 60) -> None:
        """Return when a receiver's wish to be left alone has arrived."""
        async with asyncio.timeout(within_s):
            while not any(target.hold_ms for target in await self.queue.targets()):  # noqa: ASYNC110  # as above
                await asyncio.sleep(0.005)

    async def tell(self, notice: Notice, *names: str) -> None:
        """Queue it."""
        await self.engine.tell(notice, names)


@asynccontextmanager
async def office(
    targets: Sequence[Target], channel: PlainChannel | None = None, rules: Rules | None = None, operations: tuple[str, ...] = ()
) -> AsyncIterator[Office]:
    """An engine that runs."""
    plain = channel or PlainChannel()
    transport = Outbound(Doors(opened(["127.0.0.0/8"])))
    receivers = Receivers({each.name: each for each in targets}, {"plain": plain}, {"http": transport}, operations)
    queue, stop = MemoryDeliveries(), asyncio.Event()
    quick = rules or Rules(schedules=QUICK, probe=timedelta(seconds=0.1), lease=timedelta(seconds=20))
    made = Office(queue, Engine(queue, receivers, lambda dead: made.bury(dead), quick))
    running = asyncio.create_task(made.engine.run(stop))
    try:
        yield made
    finally:
        stop.set()
        await running
        await transport.close()


def play(scene: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Run it."""
    asyncio.run(scene())
