"""The SQL tables beside the projection: prepared before its first batch, and filled with what they lack of the log.

They lack something when they are new, of another version, or came back from a backup; then facts of now are kept at once, and the older
ones come beside, in no group, from positions that stand in the database itself. `cityloop rebuild --tables` is the same, by hand.
"""

import asyncio
import time
from collections.abc import Callable, Sequence

import structlog
from mode import Service

from adapters import metrics
from adapters.bus import topic_state
from adapters.case_keeper import CaseTables
from adapters.case_rows import Told, read_fact
from adapters.database import Database
from adapters.fact_log import FactLog
from config.settings import Settings
from config.topics import CASE_EVENTS
from incidents.audit import Span
from incidents.errors import BadCommand, TryAgain, UserError
from streams.agents import BACKOFF_S

log = structlog.get_logger(__name__)

AT_ONCE = 500
WAIT_MS = 500
LOOK_EVERY_S = 2.0
TIDY_EVERY_S = 3_600.0
REST = 2.0
"""Older facts may wait, people may not: after a batch the filling rests for twice as long as it took, for closure runs in this process."""


class Filler:
    """Fills gaps of the tables from the log. One loop only."""

    def __init__(self, bootstrap: str, topic: str, tables: CaseTables) -> None:
        self._bootstrap = bootstrap
        self._topic = topic
        self._tables = tables
        self._log: FactLog | None = None
        self._at: dict[int, Span] = {}

    async def turn(self) -> int | None:
        """Fill in a batch; returns how many records it was, None when there is no gap. Raises TryAgain."""
        gaps = await asyncio.to_thread(self._tables.gaps)
        metrics.TABLES_LACK.set(sum(gap.end - gap.begin for gap in gaps.values()))
        if not gaps:
            await self.close()
            return None
        if self._log is None or gaps != self._at:  # another filler has been further
            await self.close()
            self._log, self._at = FactLog(self._bootstrap, self._topic), gaps
            await self._log.start({partition: gap.begin for partition, gap in gaps.items()})
        records = [each for each in await self._log.read(AT_ONCE, WAIT_MS) if each.partition in gaps]
        filled = {each.partition: Span(min(each.offset + 1, gaps[each.partition].end), gaps[each.partition].end) for each in records}
        wanted = [each for each in records if each.offset < gaps[each.partition].end]
        facts = [fact for each in wanted if (fact := _fact(each.value, each.partition, each.offset)) is not None]
        await asyncio.to_thread(self._tables.fill, facts, filled)
        self._at = {partition: span for partition, span in (gaps | filled).items() if span.begin < span.end}
        return len(wanted)

    async def close(self) -> None:
        """Let go of the broker."""
        facts, self._log = self._log, None
        if facts is not None:
            await facts.stop()


def _fact(value: bytes | None, partition: int, offset: int) -> Told | None:
    """None for what is no fact: the projection put it on the dead letters when it came by."""
    try:
        return read_fact(value, partition, offset)
    except BadCommand:
        return None


class TablesKeeper(Service):
    """Readies the tables for the projection and fills their gaps; ends with it."""

    def __init__(self, settings: Settings, database: Database) -> None:
        super().__init__()
        self._bootstrap, self._topic = settings.kafka_bootstrap, settings.named(CASE_EVENTS.name)
        self._group = settings.named("cityloop-projection")
        self._database = database
        self._tables = CaseTables(database)
        self._filler = Filler(self._bootstrap, self._topic, self._tables)
        self._preparing = asyncio.Lock()
        self._prepared = False
        self._tidy_at = 0.0

    async def take(self, facts: Sequence[Told]) -> None:
        """Keep a batch. Raises TryAgain while the database is away or not to be used."""
        await self._prepare()
        await asyncio.to_thread(self._tables.take, facts)
        metrics.TABLED.inc(len(facts))

    async def _prepare(self) -> None:
        async with self._preparing:
            if self._prepared:
                return
            state = await topic_state(self._bootstrap, self._topic, self._group)
            read = {partition: Span(start, state.committed.get(partition, (start, ""))[0]) for partition, start in state.starts.items()}
            try:
                await asyncio.to_thread(self._tables.prepare, state.topic_id, read)
            except UserError as error:  # a person must act, and closure goes on meanwhile
                raise TryAgain(str(error)) from error
            self._prepared = True

    @Service.task
    async def _fill(self) -> None:
        failures = 0
        while not self.should_stop:
            began = time.monotonic()
            try:
                await self._prepare()
                filled = await self._filler.turn()
                await self._tidy(filled)
                pause = LOOK_EVERY_S if filled is None else (time.monotonic() - began) * REST
                failures = 0
            except TryAgain as error:
                if failures in (0, 10) or failures % 60 == 59:
                    log.warning("the tables wait", error=str(error))
                await self._filler.close()
                pause = BACKOFF_S[min(failures, len(BACKOFF_S) - 1)]
                failures += 1
            await self.sleep(pause)

    async def _tidy(self, filled: int | None) -> None:
        """SQLite counts no values by itself, and without counts it chooses poor indices once there is more than a day of cases."""
        if self._database.is_sqlite and filled is None and time.monotonic() > self._tidy_at:
            self._tidy_at = time.monotonic() + TIDY_EVERY_S
            await asyncio.to_thread(self._database.tidy)

    async def on_stop(self) -> None:
        """Let go of the broker and the database."""
        await self._filler.close()
        self._database.close()


async def refill(settings: Settings, database: Database, progress: Callable[[int], None]) -> None:
    """Make the tables anew from the whole log, or go on where an earlier call was broken off; `progress` is told records by batch.

    Raises TryAgain when Kafka or the database is away, UserError when the database is a newer program's.
    """
    topic = settings.named(CASE_EVENTS.name)
    state = await topic_state(settings.kafka_bootstrap, topic)
    tables = CaseTables(database)
    whole = {partition: Span(start, state.ends[partition]) for partition, start in state.starts.items()}
    await asyncio.to_thread(tables.start_anew, state.topic_id, whole)
    filler = Filler(settings.kafka_bootstrap, topic, tables)
    try:
        while (filled := await filler.turn()) is not None:
            progress(filled)
    finally:
        await filler.close()
