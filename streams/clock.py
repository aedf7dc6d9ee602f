"""Clock: claims the deadlines that are due on the city's clock and turns them into commands: remind, overdue, escalate, resume, expire.

A deadline is leased while its command is on the way; a worker that dies lets the lease run out and another one fires it again. That is
harmless: a deadline's command has the deadline's id. Closure drops the deadline when it applies the command.
"""

import time
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

import structlog
from mode import Service

from adapters import metrics
from adapters.case_store import Cases, RedisCases
from adapters.clock import STEP_BACK_S, CityClock, JumpGuard
from adapters.fault import Fault
from incidents.case import Deadline
from incidents.commands import Command
from incidents.errors import NotReady, TryAgain
from incidents.events import CaseId, epoch_ms
from incidents.steps.escalation import fired
from streams.agents import BACKOFF_S, Rebuild
from streams.app import ServiceApp, service_app
from streams.deps import Deps
from streams.routing import CommandBus, Commands

log = structlog.get_logger(__name__)

EVERY_S = 0.2
AT_ONCE = 500
"""Deadlines per turn: Redis looks into so many cases in about 5 ms."""
HELD_LOG_EVERY_S = 60.0
AUDIT_EVERY_S = 60.0
GRACE_S = 15.0
"""Three leases: a worker that died, its successor, and closure have had their time."""
PAGE, PAGES = 50, 20


class ClockStage(Service):
    """Fires deadlines. `working` is what readiness shows: engines answer, and the wall clock has not jumped."""

    def __init__(self, clock: CityClock, cases: Cases, bus: Commands, rebuild: Rebuild, fault: Fault | None = None) -> None:
        super().__init__()
        self.working = False
        self.guard = JumpGuard()
        self._fault = fault or Fault("")
        self._clock = clock
        self._cases = cases
        self._bus = bus
        self._rebuild = rebuild
        self._said_held_at: float | None = None
        self._claimed: Sequence[tuple[CaseId, Deadline]] = ()
        self._more = False
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

    @Service.task
    async def _audit(self) -> None:
        cursor: str | None = None
        while not self.should_stop:
            try:
                cursor = await self.audit(cursor)
            except (TryAgain, NotReady) as error:
                log.warning("the audit of deadlines waits", reason=str(error))
            await self.sleep(AUDIT_EVERY_S)

    async def audit(self, cursor: str | None = None) -> str | None:
        """Count what is due and unfired for longer than a fired one takes; arm what a part of the cases carry and no list holds.

        Returns where the next part begins: all cases have their turn. Raises TryAgain and NotReady.
        """
        for _ in range(PAGES):
            cases, cursor = await self._cases.page(cursor, PAGE)
            if lost := await self._cases.rearm(cases):
                log.warning("deadlines stood on no list and are armed again", deadlines=lost)
                metrics.DEADLINES_REARMED.inc(lost)
            if cursor is None:
                break
        grace = timedelta(seconds=GRACE_S * self._clock.speed)
        unfired = await self._cases.due(epoch_ms(self._clock.now() - grace))
        metrics.DEADLINES_DUE_UNFIRED.set(unfired)
        if unfired:
            log.error("deadlines are due and unfired", deadlines=unfired, act="see whether closure lags: `cityloop status`")
        return cursor

    async def turn(self) -> bool:
        """Fire what is due now; True when there may be more at once. Raises TryAgain."""
        if self.held():
            return False
        now = self._clock.now()
        try:
            if not self._waiting:
                self._claimed, self._more = await self._cases.claim_due(epoch_ms(now), int(time.time() * 1000), AT_ONCE)
                self._waiting = [(fired(case_id, deadline), now) for case_id, deadline in self._claimed]
            if self._claimed:
                self._fault.reached("clock:claimed")
            await self._bus.publish(self._waiting)
            done, self._claimed, self._waiting = self._claimed, (), []
            for _, deadline in done:
                metrics.DEADLINES_FIRED.labels(deadline.kind.value).inc()
        except NotReady as error:
            self.working = False
            log.warning("hot store not ready, deadlines wait", reason=str(error))
            await self._rebuild()
            return True
        return self._more

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
    bus = CommandBus(deps.settings, deps.city, deps.publisher)
    stage = ClockStage(deps.clock, RedisCases(deps.hot), bus, rebuild, Fault(deps.settings.fault))
    return service_app(deps.settings, "clock", "", stage)
