"""A bench for the closure stage: a log of commands, a publisher that notes, the in-memory cases; it dies where a test wants it to."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence

from aiokafka.structs import ConsumerRecord

from adapters.bus import Out, TopicState, partition_of
from adapters.case_memory import MemoryCases
from adapters.case_store import Cases
from adapters.clock import RealClock
from adapters.fault import Fault
from config.settings import Settings
from incidents.case import Case, Fact
from incidents.commands import Command
from incidents.errors import TryAgain
from incidents.events import CaseId, epoch_ms
from incidents.facts import decode_fact, encode_command
from streams.closure import ClosureStage, Ports
from tests.incidents.closing import CITY, START

PARTITIONS = 8
BEGIN_MS = epoch_ms(START)


class Died(Exception):
    """The process is gone."""


class DiesAt(Fault):
    """Raises instead of killing, at its point, once."""

    def __init__(self, point: str = "") -> None:
        super().__init__("")
        self.point = point

    def reached(self, point: str) -> None:
        if point == self.point:
            self.point = ""
            raise Died(point)


class Bench:
    """Everything that survives a worker: the log, what was published, the store, the committed offsets."""

    def __init__(self, cases: Cases | None = None) -> None:
        self.cases = cases or MemoryCases()
        self.log: list[list[ConsumerRecord]] = [[] for _ in range(PARTITIONS)]
        self.published: list[Out] = []
        self.committed = dict.fromkeys(range(PARTITIONS), 0)
        self.fail_publishing = 0
        self.fault = DiesAt()

    # -- Kafka

    def append(self, key: bytes | None, value: bytes | None, partition: int | None = None) -> ConsumerRecord:
        """A record on `cases.commands`, one second after the one before."""
        where = partition_of(key or b"", PARTITIONS) if partition is None else partition
        at = BEGIN_MS + 1000 * sum(map(len, self.log))
        record = ConsumerRecord("cases.commands", where, len(self.log[where]), at, 1, key, value, None, 0, 0, ())
        self.log[where].append(record)
        return record

    def give(self, *commands: Command) -> None:
        """Put commands where they belong."""
        for command in commands:
            self.append(command.case_id.encode(), encode_command(command, START, "QD", "qingdao"))

    async def publish(self, outs: Iterable[Out]) -> None:
        """The publisher: what goes to `cases.commands` stands on the log again."""
        told = list(outs)
        if self.fail_publishing:
            self.fail_publishing -= 1
            self.published += told[: len(told) // 2]
            raise TryAgain("Kafka: away")
        self.published += told
        for out in told:
            if out.topic == "cases.commands":
                self.append(out.key, out.value)

    # -- a worker

    def work(self, batch: int = 100) -> None:
        """A new worker reads from the committed offsets to the end, `batch` records at a time. Raises Died."""
        asyncio.run(self._work(batch))

    def stage(self) -> ClosureStage:
        """The stage of a new worker."""
        return ClosureStage(Settings(namespace=""), CITY, Ports(self.cases, self, RealClock(), self.fault))

    async def assign(self, stage: ClosureStage) -> None:
        """It has all partitions, from the committed offsets on."""
        ends = dict.fromkeys(range(PARTITIONS), 0)
        await stage.assigned(self.committed, TopicState("t1", "cluster", ends, ends, {}))

    async def _work(self, batch: int) -> None:
        stage = self.stage()
        await self.assign(stage)
        read = dict(stage.done())
        while read != stage.done() or self._waiting(read, batch):
            if not stage.full():
                waiting = self._waiting(read, batch)
                await stage.take(waiting)
                read |= {partition: records[-1].offset + 1 for partition, records in waiting.items()}
            try:
                await stage.turn()
            except TryAgain:
                continue
            await asyncio.sleep(0)
        self.committed = dict(stage.done())

    def _waiting(self, read: Mapping[int, int], batch: int) -> dict[int, Sequence[ConsumerRecord]]:
        rest = {partition: self.log[partition][read[partition] : read[partition] + batch] for partition in range(PARTITIONS)}
        return {partition: records for partition, records in rest.items() if records}

    # -- what came of it

    def facts(self, case_id: CaseId) -> list[Fact]:
        """All facts of a case, as published, repeated ones too."""
        own = [out for out in self.published if out.topic == "cases.events" and out.key == case_id.encode()]
        return [decode_fact(out.value) for out in own]

    def bytes_of(self, case_id: CaseId) -> list[bytes]:
        """The values of its facts, each once in the order of first saying."""
        own = [out.value for out in self.published if out.topic == "cases.events" and out.key == case_id.encode()]
        return list(dict.fromkeys(value for value in own if value is not None))

    def latest(self, case_id: CaseId) -> Case | None:
        """What compaction leaves of it on `cases.latest`."""
        values = [out.value for out in self.published if out.topic == "cases.latest" and out.key == case_id.encode()]
        return Case.model_validate_json(values[-1]) if values and values[-1] is not None else None

    def stored(self, case_id: CaseId) -> Case | None:
        """What the store holds."""
        return asyncio.run(self.cases.load([case_id])).get(case_id)

    def on(self, topic: str) -> list[Out]:
        """What was published on a topic."""
        return [out for out in self.published if out.topic == topic]
