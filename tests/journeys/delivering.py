"""A process that tells facts to a receiver until nothing waits; started, killed and started again by test_deliveries.py.

`python -m tests.journeys.delivering SETTINGS_JSON PORT FACTS DEAD_LETTERS`: half of the facts go to `/well`, which fails now and then; one
goes to `/dead`, which always does and has a fallback. What is given up is appended to the file.
"""

import asyncio
import sys
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

from adapters.deliveries import Delivery
from adapters.deliveries_redis import RedisDeliveries
from adapters.fault import Fault
from config.settings import Settings
from handlers.channel import Profile
from handlers.engine import Engine, Receivers, Rules
from handlers.outbound import Doors, Outbound
from handlers.schedule import Schedule
from incidents.addresses import opened
from tests.adapters.test_feed import hot_store
from tests.handlers.receiver import PlainChannel, fact, target

CASES = 20


async def main(settings: Settings, port: int, facts: int, dead_letters: Path) -> None:
    """Tell all of them."""

    async def bury(dead: Sequence[Delivery]) -> None:
        with dead_letters.open("a") as file:
            file.writelines(f"{each.id} {len(each.attempts)}\n" for each in dead)

    url = f"http://127.0.0.1:{port}"
    targets = [target("well", f"{url}/well"), target("dead", f"{url}/dead", fallback=("other",)), target("other", f"{url}/other")]
    rules = Rules({Profile.STANDARD: Schedule((0.02,) * 9)}, timedelta(seconds=0.05), timedelta(seconds=1))
    transport = Outbound(Doors(opened(["127.0.0.0/8"])))
    receivers = Receivers({each.name: each for each in targets}, {"plain": PlainChannel()}, {"http": transport})
    async with hot_store(settings) as hot:
        queue = RedisDeliveries(hot)
        stop = asyncio.Event()
        engine = Engine(queue, receivers, bury, rules, Fault(settings.fault))
        running = asyncio.create_task(engine.run(stop))
        for n in range(facts):
            await engine.tell(fact(f"c{n % CASES}", n // CASES + 1), ["well"])
        await engine.tell(fact("lost"), ["dead"])
        while not running.done() and await _busy(queue, rules.now()):  # noqa: ASYNC110  # the queue is in Redis
            await asyncio.sleep(0.02)
        stop.set()
        await running
    await transport.close()


async def _busy(queue: RedisDeliveries, now: int) -> bool:
    return bool((await queue.standing(now)).waiting or await queue.unsaid() or await queue.late(now))


if __name__ == "__main__":
    asyncio.run(main(Settings.model_validate_json(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), Path(sys.argv[4])))
