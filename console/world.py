"""What the console's routes act through: the city's names and shapes, which never change while the process lives, and its live ports.

A router takes the fields it needs from here and from nowhere else; `cli.console` builds the real world, tests a standing one. A new port
is a new field.
"""

import asyncio
from collections.abc import Awaitable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from adapters.clock import CityClock
from adapters.database import Database
from adapters.journal import Journal
from adapters.told_reports import ReportLog
from console.access import Access
from console.counters import Counters
from console.feed import Hub
from console.figures import Figures
from console.snapshot import Snapshots
from incidents.catalogue import City
from incidents.errors import TryAgain
from incidents.places import Locate

CLOCK_EVERY_S = 1.0


@dataclass(frozen=True)
class World:
    """The console's ports."""

    catalogue: dict[str, Any]
    outlines: dict[str, Any]
    hub: Hub
    snapshots: Snapshots
    counters: Counters
    clock: CityClock
    city: City
    locate: Locate
    database: Database
    figures: Figures
    reports_log: ReportLog
    access: Access
    journal: Journal

    def background(self) -> tuple[Awaitable[None], ...]:
        """What runs while the console serves; each runs for ever and sits out engines that are away."""
        return self.hub.run(), self.counters.run(), _keep_time(self.clock), self.journal.keep_signed()

    async def close(self) -> None:
        """Let go of what is open, after the background has ended."""
        await self.hub.view.close()
        await asyncio.to_thread(self.journal.close)


async def _keep_time(clock: CityClock) -> None:
    while True:
        with suppress(TryAgain):
            await clock.refresh()
        await asyncio.sleep(CLOCK_EVERY_S)
