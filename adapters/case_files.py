"""A person's questions about cases, for the command line: the hot store answers, and `cases.latest` where it is away or being rebuilt.

One `CaseFiles` per command, in one loop; facts come from `cases.events`, which never forgets.
"""

import asyncio
import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import orjson
from kafka.partitioner.default import murmur2

from adapters import reader
from adapters.bus import Out, Publisher
from adapters.case_store import RedisCases
from adapters.clock import ClockKind, open_clock, parse_clock
from adapters.hot import HotStore, Keys, connect
from adapters.reader import Record
from config.settings import Settings
from config.topics import CASE_COMMANDS, CASE_EVENTS, CASES_LATEST
from incidents.audit import Span
from incidents.case import Case
from incidents.commands import Command, Outcome
from incidents.errors import NotReady, TryAgain
from incidents.events import CaseId, epoch_ms
from incidents.facts import encode_command

Say = Callable[[str], None]
PAGE = 500
LOOK_EVERY_S = 0.03
EARLIER = timedelta(days=1)  # facts are appended after the report's own time; more than any city accepts of reports from the future


@dataclass(frozen=True, slots=True)
class Told:
    """A fact as it stands on the log, and the sentence parts that a timeline needs."""

    type: str
    sequence: int
    at: str
    event: dict[str, Any]


class CaseFiles:
    """Reads for one command. Raises UserError when Kafka is away; Redis may be."""

    def __init__(self, settings: Settings, say: Say) -> None:
        self._settings = settings
        self._say = say

    def load(self, case_id: str) -> Case | None:
        """The case as it stands; also from its facts, when it has left the hot store and `cases.latest`."""
        try:
            found = asyncio.run(self._load(CaseId(case_id)))
        except (TryAgain, NotReady) as error:
            self._fallback(error)
            found = next((case for case in self._latest(case_id) if case.case_id == case_id), None)
        if found is None and (facts := self.facts(case_id, None)):
            found = Case.model_validate(facts[-1].event["data"]["case"])
        return found

    def every(self) -> list[Case]:
        """All cases that are not forgotten, by opening time and id."""
        try:
            found = asyncio.run(self._every())
        except (TryAgain, NotReady) as error:
            self._fallback(error)
            found = list(self._latest(None))
        return sorted(found, key=lambda case: (case.opened_at, case.case_id))

    def facts(self, case_id: str, opened_at: datetime | None) -> list[Told]:
        """The case's facts by sequence, each once; `opened_at` shortens the search where the stack runs by the real clock."""
        name, bootstrap = self._settings.named(CASE_EVENTS.name), self._settings.kafka_bootstrap
        place = partition_of(case_id, CASE_EVENTS.partitions)
        span = reader.spans(bootstrap, name)[place]
        if opened_at and parse_clock(self._settings.clock).kind is ClockKind.REAL:
            begin = reader.between(bootstrap, name, epoch_ms(opened_at - EARLIER), 1 << 60)[place].begin
            found = self._facts(case_id, {place: Span(begin, span.end)})
            if found and found[0].sequence == 1:
                return found
        return self._facts(case_id, {place: span})

    def _facts(self, case_id: str, spans: dict[int, Span]) -> list[Told]:
        found: dict[int, Told] = {}
        for record in reader.read(self._settings.kafka_bootstrap, self._settings.named(CASE_EVENTS.name), spans):
            if record.key == case_id.encode():
                event = orjson.loads(record.value or b"")
                fact = Told(event["type"].split(".")[2], event["sequence"], event["data"]["at"], event)
                found.setdefault(fact.sequence, fact)
        return [found[sequence] for sequence in sorted(found)]

    async def _load(self, case_id: CaseId) -> Case | None:
        async with hot_store(self._settings) as hot:
            return (await RedisCases(hot).load([case_id])).get(case_id)

    async def _every(self) -> list[Case]:
        async with hot_store(self._settings) as hot:
            store = RedisCases(hot)
            found, cursor = await store.page(None, PAGE)
            while cursor:
                more, cursor = await store.page(cursor, PAGE)
                found += more
            return found

    def _latest(self, case_id: str | None) -> Iterator[Case]:
        """Of `cases.latest`, the last value of each key; of the one partition where a case is named."""
        name = self._settings.named(CASES_LATEST.name)
        spans = reader.spans(self._settings.kafka_bootstrap, name)
        if case_id is not None:
            place = partition_of(case_id, CASES_LATEST.partitions)
            spans = {place: spans[place]}
        last: dict[bytes, bytes | None] = {}
        for record in reader.read(self._settings.kafka_bootstrap, name, spans):
            last[record.key or b""] = record.value
        return (Case.model_validate_json(value) for value in last.values() if value)

    def _fallback(self, error: Exception) -> None:
        self._say(f"the hot store does not answer ({error}); reading {self._settings.named(CASES_LATEST.name)} instead")


def partition_of(key: str, partitions: int) -> int:
    """Where a key's records stand, as every Kafka client's default partitioner says."""
    return int(murmur2(key.encode()) & 0x7FFFFFFF) % partitions


@asynccontextmanager
async def hot_store(settings: Settings) -> AsyncIterator[HotStore]:
    """The hot store of these settings. Raises UserError when Kafka is away; the first call raises TryAgain or NotReady as HotStore does."""
    name = settings.named(CASE_COMMANDS.name)
    cluster_id = (await asyncio.to_thread(reader.state, settings.kafka_bootstrap, name)).cluster_id
    hot = HotStore(connect(settings.redis_url), Keys(settings.namespace, settings.city), cluster_id)
    try:
        yield hot
    finally:
        await hot.close()


async def give(settings: Settings, city_code: str, command: Command, wait_s: float) -> Outcome | None:
    """Publish a command and wait for what it came to; None when nobody answered within `wait_s`.

    Raises TryAgain when Kafka or Redis is away, NotReady while the hot store is being rebuilt: before anything was published.
    """
    publisher = Publisher(settings.kafka_bootstrap)
    try:
        async with hot_store(settings) as hot:
            cases = RedisCases(hot)
            if (outcome := await cases.reply(command.id)) is not None and outcome.accepted:
                return outcome
            clock = await open_clock(settings, hot.redis, hot.keys)
            value = encode_command(command, clock.now(), city_code, settings.city)
            await publisher.publish([Out(settings.named(CASE_COMMANDS.name), command.case_id.encode(), value)])
            return await _answer(cases, command.id, wait_s)
    finally:
        await publisher.close()


async def _answer(cases: RedisCases, command_id: str, wait_s: float) -> Outcome | None:
    loop = asyncio.get_running_loop()
    give_up_at = loop.time() + wait_s
    while loop.time() < give_up_at:
        try:
            if (outcome := await cases.reply(command_id)) is not None:
                return outcome
        except (TryAgain, NotReady):
            pass  # the command is on its way; the answer may come after a rebuild
        await asyncio.sleep(LOOK_EVERY_S)
    return None


def send_again(settings: Settings, topic: str, record: Record) -> None:
    """Publish a dead letter's key, bytes and own headers on a topic, durable on return. Raises TryAgain when Kafka is away."""

    async def publish() -> None:
        publisher = Publisher(settings.kafka_bootstrap)
        try:
            headers = tuple(header for header in record.headers if not header[0].startswith(("error-", "origin-")))
            await publisher.publish([Out(settings.named(topic), record.key, record.value, headers)])
        finally:
            await publisher.close()

    asyncio.run(publish())


def new_command_id() -> str:
    """An idempotency key that nobody used before."""
    return f"cli:{uuid.uuid4().hex}"
