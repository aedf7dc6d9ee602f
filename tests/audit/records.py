"""Hand-written records of one small, whole history: what intake, closure and the dead letters say of a few reports."""

import asyncio
from collections.abc import Sequence

from adapters.bus import Out, Publisher
from config.settings import Settings


def publish(settings: Settings, outs: Sequence[Out]) -> None:
    """All of them, durable on return."""

    async def run() -> None:
        publisher = Publisher(settings.kafka_bootstrap)
        await publisher.publish(outs)
        await publisher.close()

    asyncio.run(run())
