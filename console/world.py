"""What the console's routes act through: the city's names and shapes, which never change while the process lives, and its live ports.

A router takes the fields it needs from here and from nowhere else; `console.opened` builds the real world. A new port is a new field.
"""

import asyncio
from collections.abc import Awaitable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from adapters.bus import Bus
from adapters.case_query import CaseQuery
from adapters.clock import CityClock
from adapters.database import Database
from adapters.followed import Followed, follow
from adapters.hook_view import HookView
from adapters.journal import Journal
from adapters.links import Links
from adapters.presence import Presences
from adapters.seals import Sealer, keep_expired
from adapters.signers import Signers
from adapters.silences import Silences
from adapters.told_reports import ReportLog
from config.settings import Settings
from console.access import Access
from console.alerts_in import AlertsIn
from console.answers import Answers
from console.commands import Commands
from console.counters import Counters
from console.evidence import Evidences
from console.feed import Hub
from console.figures import Figures
from console.reports import Reports
from incidents.catalogue import City
from incidents.duty import Roster
from incidents.errors import TryAgain
from incidents.hooks import Hooks
from incidents.mapping import Mapping
from incidents.places import Locate

CLOCK_EVERY_S = 1.0


@dataclass(frozen=True, kw_only=True)
class World:
    """The console's ports; made by `console.opened.open_world`."""

    settings: Settings
    city: City
    catalogue: dict[str, Any]
    outlines: dict[str, Any]
    locate: Locate
    hub: Hub
    counters: Counters
    clock: CityClock
    database: Database
    query: CaseQuery
    figures: Figures
    reports_log: ReportLog
    access: Access
    journal: Journal
    evidence: Evidences
    publisher: Bus
    sealer: Sealer
    reports: Reports
    mappings: dict[str, Mapping]
    answers: Answers
    commands: Commands
    presences: Presences
    roster: Followed[Roster]
    links: Links
    hooks: Followed[Hooks | None]
    silences: Silences
    alerts: AlertsIn
    signers: Signers
    hook_view: HookView

    def background(self) -> tuple[Awaitable[None], ...]:
        """What runs while the console serves; each runs for ever and sits out engines that are away."""
        return (
            self.hub.run(),
            self.counters.run(),
            self.answers.run(),
            _keep_time(self.clock),
            self.journal.keep_signed(),
            keep_expired(self.sealer, self.journal),
            self.evidence.keep_expired(),
            self.alerts.run(),
            follow(self.roster),
            follow(self.hooks),
        )

    async def close(self) -> None:
        """Let go of what is open, after the background has ended."""
        await self.hub.view.close()
        await self.presences.close()
        await self.hook_view.close()
        await self.publisher.close()
        await asyncio.to_thread(self.journal.close)


async def _keep_time(clock: CityClock) -> None:
    while True:
        with suppress(TryAgain):
            await clock.refresh()
        await asyncio.sleep(CLOCK_EVERY_S)
