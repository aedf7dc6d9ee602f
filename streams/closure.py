"""The stage that is the only writer of cases: commands in, facts out; publish, then move Redis, then let the offsets be committed.

Deterministic (incidents/steps/closure.py), so that whatever dies between two of these three is done again with the same result, and a
zombie says only what was said already (ARCHITECTURE.md §3). A command that stands in another partition than its case's is sent on.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

import structlog

from adapters import metrics
from adapters.bus import Out, TopicState, partition_of
from adapters.case_store import Cases, RedisCases
from adapters.clock import CityClock
from adapters.consumer import ConsumerRecord, Records
from adapters.fault import Fault
from config.rule_sets import encode_rule_set, hash_of, rule_files
from config.settings import Settings
from config.topics import CASE_COMMANDS, REJECTED, RULE_SETS
from incidents.case import Fact, Position
from incidents.catalogue import City
from incidents.commands import Outcome
from incidents.decision import Decision
from incidents.errors import BadCommand, RejectReason
from incidents.facts import decode_command, refused_id
from incidents.refusals import Why
from incidents.vocabulary import CommandType
from streams.agents import Rebuild
from streams.app import ServiceApp, service_app
from streams.batches import Batches, Source
from streams.deps import Deps
from streams.pace import Flow
from streams.sitting import Asked, Sitting

log = structlog.get_logger(__name__)

MOST_AT_ONCE = 2_000
"""Commands per batch; between its sittings routing, clock and people, who share this loop, get theirs. 500 cost a third of the speed."""
AT_A_SITTING = 200
"""Commands decided at once (25 ms), while the ones before are being published."""


class Publishes(Protocol):
    """What closure needs of the bus."""

    async def publish(self, outs: Iterable[Out]) -> None:
        """Return when all is durable; raises TryAgain, and is then asked for the whole again."""


@dataclass(frozen=True)
class Ports:
    """What closure acts through."""

    cases: Cases
    publisher: Publishes
    clock: CityClock
    fault: Fault


@dataclass
class _Aside:
    """What a batch holds beside commands of ours: records to send on or to the dead letters, and answers to what was no command."""

    records: list[Out] = field(default_factory=list)
    answers: list[Outcome] = field(default_factory=list)


@dataclass(frozen=True)
class _Carrying:
    """What is decided and being carried out, and the records that asked for it."""

    records: Records
    sitting: Sitting
    task: asyncio.Task[None]


class ClosureStage:
    """A `streams.batches.Stage`."""

    def __init__(self, settings: Settings, city: City, ports: Ports, rules: Out | None = None) -> None:
        self._city = city
        self._ports = ports
        self._namespace = settings.namespace
        self._commands = CASE_COMMANDS.named(settings.namespace)
        self._rejected = REJECTED.named(settings.namespace)
        self._topic_id = ""
        self._partitions = CASE_COMMANDS.partitions
        self._todo: list[ConsumerRecord] = []  # at most a batch, and what is to be decided again
        self._carrying: _Carrying | None = None
        self._done: dict[int, int] = {}
        self._flow = Flow()
        self._rules: Out | None = rules  # to be kept before anything is decided by it

    async def assigned(self, starts: Mapping[int, int], topic: TopicState) -> None:
        """Begin at `starts`. Raises NotReady before anything is read from a store that is not ours."""
        if self._carrying is not None:
            await asyncio.gather(self._carrying.task, return_exceptions=True)
        self._carrying, self._todo = None, []
        await self._ports.cases.load(())
        if self._rules is not None:
            await self._ports.publisher.publish([self._rules])
            self._rules = None
        self._topic_id, self._partitions, self._done = topic.topic_id, len(topic.ends), dict(starts)

    async def take(self, batch: Mapping[int, Records]) -> None:
        """Keep the batch for `turn`."""
        for records in batch.values():
            self._todo += records
        self._flow.took(sum(map(len, batch.values())), time.monotonic())

    async def turn(self) -> None:
        """Decide what was taken; what is decided is published, and Redis moved, while the next is being read and decided.

        What could not be carried out is decided again: it gives the same facts, or none where Redis was moved.
        """
        while self._todo:
            began, records = time.monotonic(), self._todo[:AT_A_SITTING]
            sitting, aside = await self._sit(records, self._carrying.sitting if self._carrying else None)
            await self._carried()
            del self._todo[: len(records)]
            self._carrying = _Carrying(records, sitting, asyncio.create_task(self._carry_out(sitting, aside, began)))
        if self._carrying is not None and self._carrying.task.done():
            await self._carried()

    async def _carried(self) -> None:
        """Wait for what is being carried out. Raises what was in the way; it is then the next to be decided."""
        carrying, self._carrying = self._carrying, None
        if carrying is None:
            return
        try:
            await carrying.task
        except BaseException:
            self._todo[:0] = carrying.records
            raise
        self._done |= {record.partition: record.offset + 1 for record in carrying.records}
        metrics.BATCH_RECORDS.labels("closure").observe(len(carrying.records))

    async def _sit(self, records: Records, before: Sitting | None) -> tuple[Sitting, _Aside]:
        """Decide some of a batch while what was decided `before` is still being carried out: where that went further, it has the word."""
        asked: list[Asked] = []
        aside = _Aside()
        for record in records:
            self._read(record, asked, aside)
        loaded = await self._ports.cases.load({each.command.case_id for each in asked})
        sitting = Sitting(self._city, self._namespace, loaded if before is None else before.ahead_of(loaded))
        for each in asked:
            sitting.decide(each)
        return sitting, aside

    def done(self) -> Mapping[int, int]:
        """See the protocol."""
        return self._done

    def full(self) -> bool:
        """See the protocol."""
        return bool(self._todo)

    def gather_ms(self) -> int:
        """See the protocol."""
        return self._flow.gather_ms()

    async def gap(self, partition: int, begin: int, end: int) -> None:
        """Commands that retention took before anybody read them: an alarm; `sight` is told again with the next noticeable change."""
        log.error("commands were lost before they were read", partition=partition, begin=begin, end=end, lost=end - begin)
        metrics.LOST.labels(CASE_COMMANDS.name).inc(end - begin)

    async def finish(self) -> None:
        """Carry out what is decided, within two seconds."""
        if self._carrying is not None and (await asyncio.wait({self._carrying.task}, timeout=2))[0]:
            await self._carried()

    def _read(self, record: ConsumerRecord, asked: list[Asked], aside: _Aside) -> None:
        """Decode a record: a command of ours, one to send on, or a dead letter."""
        try:
            command, stated = decode_command(record.value, self._city.code)
            if stated is None and self._ports.clock.speed == 0:
                raise BadCommand(RejectReason.MISSING_FIELD, "time: on a clock of events a command must say when it was given")
        except BadCommand as error:
            aside.records.append(self._dead_letter(record, error))
            if (command_id := refused_id(record.value)) is not None:
                reason = Why.UNREADABLE.say(reason=error.reason, detail=error.detail)
                aside.answers.append(Outcome(command_id=command_id, accepted=False, reason=reason))
            return
        key = command.case_id.encode()
        if partition_of(key, self._partitions) != record.partition:
            aside.records.append(Out(self._commands, key, record.value, tuple(record.headers)))
            return
        at = self._ports.clock.at(record.timestamp, stated)
        asked.append(Asked(command, at, stated, Position(topic_id=self._topic_id, partition=record.partition, offset=record.offset)))

    async def _carry_out(self, sitting: Sitting, aside: _Aside, began: float) -> None:
        outs = [*sitting.outs(), *aside.records]
        if outs:
            await self._ports.publisher.publish(outs)
            self._tell_ages(sitting)
            self._ports.fault.reached("closure:published")
        moves, answers = sitting.moves(), [*sitting.answers, *aside.answers]
        if moves or answers:
            ahead = await self._ports.cases.apply(moves, answers)
            self._ports.fault.reached("closure:applied")
            if ahead:
                log.warning("another worker went on with these cases", cases=sorted(ahead))
        await self._ports.cases.release(sitting.unmade())
        if sitting.merges:
            targets = await self._ports.cases.alias([each.command for each in sitting.merges])
            self._ports.fault.reached("closure:aliased")
            await self._ports.publisher.publish(sitting.aimed(targets))
        _tell(sitting)
        metrics.BATCH_SECONDS.labels("closure").observe(time.monotonic() - began)

    def _tell_ages(self, sitting: Sitting) -> None:
        """How old the reports are whose cases have just become facts."""
        now_ms = time.time() * 1000
        for command, decision in sitting.decided:
            appended_ms = command.opening.appended_ms if command.opening else None
            if appended_ms is not None and decision.facts and decision.facts[0].sequence == 1:
                age_s = max(0.0, now_ms - appended_ms) / 1000
                self._flow.opened(age_s)
                metrics.REPORT_AGE_SECONDS.labels("closure").observe(age_s)

    def _dead_letter(self, record: ConsumerRecord, error: BadCommand) -> Out:
        metrics.REJECTED.labels(error.reason).inc()
        log.warning("not a command", partition=record.partition, offset=record.offset, reason=error.reason, detail=error.detail)
        headers = (
            ("error-reason", error.reason.encode()),
            ("error-detail", error.detail[:2000].encode("utf-8", "replace")),
            ("error-stage", b"closure"),
            ("origin-topic", self._commands.encode()),
            ("origin-topic-id", self._topic_id.encode()),
            ("origin-partition", str(record.partition).encode()),
            ("origin-offset", str(record.offset).encode()),
        )
        return Out(self._rejected, record.key, record.value, headers)


def _tell(sitting: Sitting) -> None:
    """Metrics, counted by batch; lines for what was refused, and at DEBUG for what moved: the record of that is `cases.events`."""
    given = Counter((command.type, _outcome(decision, command.type)) for command, decision in sitting.decided)
    for (command_type, outcome), number in given.items():
        metrics.COMMANDS.labels(command_type.value, outcome).inc(number)
    for fact_type, number in Counter(fact.type for fact in sitting.facts).items():
        metrics.FACTS.labels(fact_type.value).inc(number)
    for command, decision in sitting.decided:
        if decision.outcome is not None and not decision.outcome.accepted:
            log.info("command refused", case=command.case_id, command=command.type, actor=command.actor.id, reason=decision.outcome.reason)
        for fact in decision.facts:
            _tell_fact(fact)


def _tell_fact(fact: Fact) -> None:
    if fact.case.entered_at == fact.at:
        metrics.CASE_SECONDS.labels(fact.case.state.value).observe((fact.at - fact.case.opened_at).total_seconds())
        log.debug(
            "case",
            case=fact.case_id,
            sequence=fact.sequence,
            fact=fact.type,
            state=fact.case.state,
            category=fact.case.category,
            unit=fact.case.unit,
            actor=fact.actor.id,
            at=fact.at,
        )


def _outcome(decision: Decision, command: CommandType) -> str:
    if decision.outcome is not None and not decision.outcome.accepted:
        return "refused"
    if decision.facts or decision.forgotten:
        return "accepted"
    return "unchanged" if decision.outcome is None or command is CommandType.SIGHT else "repeated"


def build_closure(deps: Deps, rebuild: Rebuild) -> ServiceApp:
    """Closure as an app of this process."""
    settings = deps.settings
    files = rule_files(settings.config_dir / "cities" / settings.city)
    rules = Out(settings.named(RULE_SETS.name), hash_of(files).encode(), encode_rule_set(settings.city, files))
    ports = Ports(RedisCases(deps.hot), deps.publisher, deps.clock, Fault(settings.fault))
    stage = ClosureStage(settings, deps.city, ports, rules)
    source = Source(settings.kafka_bootstrap, settings.named(CASE_COMMANDS.name), settings.named("closure"), MOST_AT_ONCE)
    return service_app(settings, "closure", CASE_COMMANDS.name, Batches(source, stage, rebuild))
