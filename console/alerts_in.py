"""Carries on what other systems' alerts want: their reports become durable, updates and ends reach their cases.

Everything posted stands in SQL first (adapters/posted.py). What is due is told here, by whichever console looks first, and told again until
it is durable; a second time changes nothing. A case is commanded only once closure knows it, so nothing overtakes its opening.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import structlog

from adapters.bus import Bus, Out
from adapters.clock import CityClock
from adapters.console_view import ConsoleView
from adapters.posted import KeptAlert, Message, PostedAlerts
from config.settings import Settings
from config.topics import CASE_COMMANDS
from console.reports import Reports
from incidents.case import Case
from incidents.catalogue import City
from incidents.commands import Command, system
from incidents.errors import NotReady, TryAgain, UserError
from incidents.events import CaseId
from incidents.facts import encode_command
from incidents.posted import Occurrence, Posted, occurrence
from incidents.vocabulary import ENDED, Closes, CommandType

log = structlog.get_logger(__name__)

LOOK_EVERY_S = 1.0
GIVEN_UP_AFTER = timedelta(days=1)
"""A case that nobody has heard of so long after its alert's end was refused by intake, or is long forgotten."""
ACTOR = system("alerts")


@dataclass(frozen=True)
class Ways:
    """What alerts go through."""

    reports: Reports
    publisher: Bus
    view: ConsoleView
    clock: CityClock


def _utc_now() -> datetime:
    return datetime.now(UTC)


class AlertsIn:
    """Takes alerts in; one per process. `now` is the real time, by which senders date their alerts."""

    def __init__(self, settings: Settings, city: City, store: PostedAlerts, ways: Ways, now: Callable[[], datetime] = _utc_now) -> None:
        self._topic = settings.named(CASE_COMMANDS.name)
        self._city = city
        self._store = store
        self._ways = ways
        self.now = now

    async def take(self, alerts: Sequence[Posted], message: Message | None = None) -> bool:
        """They are durable on return, and mostly told already. False for a message that was taken before.

        Raises UserError when the city's catalogue has no such category, TryAgain without the database.
        """
        for category in {alert.category for alert in alerts} - self._city.catalogue.keys():
            raise UserError(f"the city's catalogue has no category {category!r} for alerts: add it to catalogue/ (docs/hooks.md)")
        taken = await asyncio.to_thread(self._store.put, alerts, self.now(), self._opens, message)
        try:
            await self.settle()
        except (TryAgain, NotReady) as error:  # it stands in SQL, and `run` goes on with it
            log.warning("posted alerts wait", error=str(error))
        return taken

    async def firing(self) -> list[KeptAlert]:
        """What is posted and not over."""
        return await asyncio.to_thread(self._store.firing, self.now())

    async def find(self, messages: Sequence[Message]) -> KeptAlert | None:
        """What one of these messages was about."""
        return await asyncio.to_thread(self._store.find, messages)

    async def run(self) -> None:
        """Tell what is due, for ever; engines that are away are asked again."""
        while True:
            try:
                await self.settle()
            except (TryAgain, NotReady) as error:
                log.warning("posted alerts wait", error=str(error))
            await asyncio.sleep(LOOK_EVERY_S)

    async def settle(self) -> None:
        """Tell what is due now. Raises TryAgain with nothing lost."""
        now = self.now()
        due = await asyncio.to_thread(self._store.due, now)
        await self._report([each for each in due if each.report is not None])
        waiting = [each for each in due if each.report is None]
        if waiting:
            cases = await self._ways.view.cases_of({each.case_id for each in waiting})
            await self._command(waiting, cases, now)

    def _opens(self, alert: Posted) -> Occurrence:
        return occurrence(alert, self._city, self._ways.clock.now())

    async def _report(self, due: Sequence[KeptAlert]) -> None:
        if not due:
            return
        looked = await self._ways.reports.take([each.report or b"" for each in due], partial=True)
        refused = {each.index: each.detail for each in looked.refused}
        for at, detail in refused.items():
            log.error("an alert makes no report", case=due[at].case_id, detail=detail)
        await asyncio.to_thread(self._store.reported, [each.case_id for each in due])

    async def _command(self, due: Sequence[KeptAlert], cases: dict[str, Case], now: datetime) -> None:
        """The orders of each case that closure knows, and its end."""
        outs: list[Out] = []
        ordered: list[CaseId] = []
        ended: list[CaseId] = []
        for each in due:
            case, over = cases.get(each.case_id), not each.alert.fires(now)
            if case is None:
                ended += [each.case_id] if over and each.alert.ends_at < now - GIVEN_UP_AFTER else []
                continue
            if case.state not in ENDED:
                wanted = (*each.orders, *([self._end(each, case)] if over else []))
                outs += [self._out(command) for command in wanted]
            (ended if over else ordered).append(each.case_id)
        if outs:
            await self._ways.publisher.publish(outs)
        await asyncio.to_thread(self._store.ordered, ordered)
        await asyncio.to_thread(self._store.ended, ended, now, self._opens)

    def _end(self, kept: KeptAlert, case: Case) -> Command:
        """Close it, where its category ends so; otherwise say it, and leave the case to whoever handles it."""
        category = self._city.catalogue.get(case.category)
        by_source = category is not None and category.close is Closes.SOURCE
        what = "nobody repeated it in time" if kept.alert.timed_out else "its source says that it is over"
        return Command(
            id=f"alerts:{case.case_id}:{'close' if by_source else 'over'}",
            case_id=case.case_id,
            type=CommandType.CLOSE if by_source else CommandType.NOTE,
            actor=ACTOR,
            note=f"{what}: {kept.alert.ends_at.isoformat(timespec='seconds')}",
            rule="close:source",
        )

    def _out(self, command: Command) -> Out:
        value = encode_command(command, self._ways.clock.now(), self._city.code, self._city.key)
        return Out(self._topic, command.case_id.encode(), value)
