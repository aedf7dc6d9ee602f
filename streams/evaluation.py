"""Evaluation: keeps every case's evaluation sheet as the facts come, for the figures of the command line and the console.

It reads all of `cases.events` by itself, in no group: rows and positions are moved together in one file (adapters/evaluation_store.py), so
each worker has the whole city, and a lost file is made anew from the facts. Figures may wait, people may not: after a batch it rests for
twice as long as the batch took, for it shares a process with closure, and for a second when that was nearly all there was.
"""

import asyncio
import time
from collections.abc import Mapping

import structlog
from mode import Service

from adapters import metrics
from adapters.bus import topic_state
from adapters.evaluation_store import Counting, Sheets, evaluation_file
from adapters.fact_log import FactLog
from config.topics import CASE_EVENTS
from incidents.errors import TryAgain
from streams.agents import BACKOFF_S, Rebuild
from streams.app import ServiceApp, service_app
from streams.deps import Deps

log = structlog.get_logger(__name__)

AT_ONCE = 500
WAIT_MS = 500
REST = 2.0
GATHER_S = 1.0
"""Nobody waits for a figure for less: of the three facts with which a case begins one row is written, not three."""


class EvaluationStage(Service):
    """Folds facts into the kept sheets. `working` is what readiness shows: Kafka answers and the file is ours."""

    def __init__(self, bootstrap: str, topic: str, sheets: Sheets) -> None:
        super().__init__()
        self.working = False
        self._bootstrap = bootstrap
        self._topic = topic
        self._sheets = sheets
        self._next: dict[int, int] = {}
        self._log: FactLog | None = None

    def lag(self) -> Mapping[int, int]:
        """Records not yet folded in, by partition."""
        ends = self._log.ends() if self._log else {}
        return {partition: max(0, end - self._next.get(partition, 0)) for partition, end in ends.items()}

    @Service.task
    async def _run(self) -> None:
        failures = 0
        while not self.should_stop:
            try:
                pause = await self.turn()
                self.working, failures = True, 0
            except TryAgain as error:
                self.working = False
                await self._let_go()
                metrics.RETRIES.labels("evaluation").inc()
                if failures in (0, 10) or failures % 60 == 59:
                    log.warning("an engine is away, the figures wait", error=str(error))
                pause = BACKOFF_S[min(failures, len(BACKOFF_S) - 1)]
                failures += 1
            await self.sleep(pause)

    async def turn(self) -> float:
        """Fold in what has come; returns the seconds to rest after that. Raises TryAgain."""
        facts = self._log or await self._open()
        records = await facts.read(AT_ONCE, WAIT_MS)
        began = time.monotonic()
        if records:
            read_to = {record.partition: record.offset + 1 for record in records}
            taken = await asyncio.to_thread(self._sheets.take, [record.value for record in records], read_to)
            self._next |= read_to
            metrics.EVALUATED.inc(taken.new)
            if taken.unreadable:
                log.error("not a fact, passed over", stage="evaluation", records=taken.unreadable)
        rest = (time.monotonic() - began) * REST
        return rest if sum(self.lag().values()) >= AT_ONCE else max(rest, GATHER_S)

    async def _open(self) -> FactLog:
        topic = await topic_state(self._bootstrap, self._topic)
        kept = await asyncio.to_thread(self._sheets.positions, topic.topic_id)
        self._next = {partition: max(start, kept.get(partition, 0)) for partition, start in topic.starts.items()}
        self._log = FactLog(self._bootstrap, self._topic)
        await self._log.start(self._next)
        return self._log

    async def _let_go(self) -> None:
        facts, self._log = self._log, None
        if facts is not None:
            await facts.stop()

    async def on_stop(self) -> None:
        """Let go of the broker and the file."""
        await self._let_go()
        self._sheets.close()


def build_evaluation(deps: Deps, rebuild: Rebuild) -> ServiceApp:
    """The evaluation as an app of this process."""
    settings = deps.settings
    sheets = Sheets(evaluation_file(settings), Counting.of(deps.city))
    stage = EvaluationStage(settings.kafka_bootstrap, settings.named(CASE_EVENTS.name), sheets)
    return service_app(settings, "evaluation", CASE_EVENTS.name, stage)
