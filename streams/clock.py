"""Clock: claims the deadlines that are due on the city's clock and turns them into commands: remind, overdue, escalate, resume, expire.

A deadline is leased while its command is on the way; a worker that dies lets the lease run out and another one fires it again. That is
harmless: a deadline's command has the deadline's id. Closure drops the deadline when it applies the command.
"""

import time
from collections.abc import Mapping, Sequence
from datetime import datetime

import structlog
from mode import Service

from adapters import metrics
from adapters.case_store import Cases, RedisCases
from adapters.clock import STEP_BACK_S, CityClock, JumpGuard
from incidents.case import Case, Command, Deadline
from incidents.catalogue import City
from incidents.errors import NotReady, TryAgain
from incidents.events import epoch_ms
from incidents.steps.escalation import decide
from streams.agents import BACKOFF_S, Rebuild
from streams.app import ServiceApp, service_app
from streams.deps import Deps
from streams.routing import CommandBus, Commands

log = structlog.get_logger(__name__)

EVERY_S = 0.2
AT_ONCE = 100
HELD_LOG_EVERY_S = 60.0


class ClockStage(Service):
    """Fires deadlines. `working` is what readiness shows: engines answer, and the wall clock has not jumped."""

    def __init__(self, city: City, clock: CityClock, cases: Cases, bus: Commands, rebuild: Rebuild) -> None:
        super().__init__()
        self.working = False
        self.guard = JumpGuard()
        self._city = city
        self._clock = clock
        self._cases = cases
        self._bus = bus
        self._rebuild = rebuild
        self._said_held_at: float | None = None
        self._claimed: Sequence[tuple[Case, Deadline]] = ()
        self._waiting: list[tuple[Command, datetime]] = []  # claimed, and not yet published: goes first when Kafka is back

    def lag(self) -> Mapping[int, int]:
        """It reads no topic."""
        return {}

    @Service.task
    async def _run(self) -> None:
        failures = 0
        while not self.should_stop:
            try:
                more = await self.turn()
                self.working, failures = not self.held(), 0
                pause = 0.0 if more else EVERY_S
            except TryAgain as error:
                self.working = False
                metrics.RETRIES.labels("clock").inc()
                if failures in (0, 10) or failures % 60 == 59:
                    log.warning("an engine is away, deadlines wait", error=str(error))
                pause = BACKOFF_S[min(failures, len(BACKOFF_S) - 1)]
                failures += 1
            await self.sleep(pause)

    async def turn(self) -> bool:
        """Fire what is due now; True when there may be more at once. Raises TryAgain."""
        if self.held():
            return False
        now = self._clock.now()
        try:
            if not self._waiting:
                self._claimed = await self._cases.claim_due(epoch_ms(now), int(time.time() * 1000), AT_ONCE)
                self._waiting = [(command, now) for case, deadline in self._claimed for command in decide(self._city, case, deadline)]
            await self._bus.publish(self._waiting)
            fired, self._claimed, self._waiting = self._claimed, (), []
            for _, deadline in fired:
                metrics.DEADLINES_FIRED.labels(deadline.kind.value).inc()
            metrics.DEADLINES_DUE_UNFIRED.set(await self._cases.due(epoch_ms(now)))
        except NotReady as error:
            self.working = False
            log.warning("hot store not ready, deadlines wait", reason=str(error))
            await self._rebuild()
            return True
        return len(fired) == AT_ONCE

    def held(self) -> bool:
        """Whether the wall clock went more than a minute another way than the steady one; then nothing fires until it is put right."""
        drift = self.guard.drift_s()
        held = abs(drift) > STEP_BACK_S
        metrics.CLOCK_DRIFT_SECONDS.set(drift)
        metrics.CLOCK_HELD.set(held)
        if not held:
            self._said_held_at = None
        elif self._said_held_at is None or time.monotonic() - self._said_held_at > HELD_LOG_EVERY_S:
            self._said_held_at = time.monotonic()
            log.error(
                "the wall clock jumped, no deadline fires",
                seconds=round(drift, 1),
                act="set this machine's time right; if it is right now, restart the worker",
            )
        return held


def build_clock(deps: Deps, rebuild: Rebuild) -> ServiceApp:
    """The clock stage as an app of this process."""
    stage = ClockStage(deps.city, deps.clock, RedisCases(deps.hot), CommandBus(deps.settings, deps.city, deps.publisher), rebuild)
    return service_app(deps.settings, "clock", "", stage)
