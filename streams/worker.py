"""Runs roles in this process until it is told to stop: one loop, one set of shared resources, one Faust app per role.

Probe and heart start first, so that /readyz says who is waiting for what while Kafka or Redis is still away. A crash of a role ends the
process with 70, a wrong setting with 2 and one message; the parent (adapters/children.py) starts it again in the first case only.
"""

import asyncio
import contextlib
import functools
import gc
import os
import pkgutil
import signal
import threading
import time
from collections.abc import Callable, Sequence
from datetime import date, datetime
from pathlib import Path

import structlog
import uvloop

from adapters import metrics
from adapters.children import watch_parent
from adapters.clock import EPOCH, CityClock
from adapters.log import configure_logging
from adapters.probe import Probe
from config.settings import Settings
from incidents.catalogue import City
from incidents.clocks import missing_years
from incidents.errors import TryAgain
from incidents.events import epoch_ms
from streams.agents import BUG, Rebuild
from streams.app import RoleApp
from streams.deps import Deps, open_deps
from streams.rebuild import rebuild
from streams.topology import Process, Role, names_of

log = structlog.get_logger(__name__)

Build = Callable[[Deps, Rebuild], RoleApp]
"""Makes a role's app; the second argument is what a stage awaits when the hot store is not ready."""
BEAT_S = 0.25
STOP_WITHIN_S = 3.5
"""After this a stopping process ends as it is: whatever is not acknowledged is read again."""
LEFTOVERS_S = 0.3
"""What threads get that still ask an engine which is away, when all else has stopped."""

GIVES_WAY = 6
SHOWING_GIVES_WAY = 8
"""Niceness of a worker's processes. Where processors are short Kafka and Redis go first, for which all wait: at 10,000 reports/s on two
full cores Redis worked 0.37 of its time and stood in line for 0.46; now 0.28 (docs/benchmarks.md). What only shows what happened gives
way to reports and cases by a third of a share; by two thirds the tables fell twice as far behind, and people see a case only there."""


class Heart:
    """The pulse of one process: shows that its loop turns, keeps the city's clock and the gauges up to date, and notices a crash."""

    def __init__(self, roles: Sequence[str]) -> None:
        self.ready = dict.fromkeys(roles, False)
        self.apps: Sequence[RoleApp] = ()
        self.clock: CityClock | None = None
        self.city: City | None = None
        self._calendar_seen: date | None = None
        self._lags: set[tuple[str, str, int]] = set()

    async def run(self, beat: Callable[[], None]) -> None:
        """Beat for ever. Raises RoleCrashed, and UserError when the stack's clock turned out to be another one."""
        due = time.monotonic()
        while True:
            metrics.LOOP_LAG_SECONDS.observe(max(0.0, time.monotonic() - due))
            beat()
            self.look()
            if self.clock is not None:
                await self._hear(self.clock)
            due = time.monotonic() + BEAT_S
            await asyncio.sleep(BEAT_S)

    def look(self) -> None:
        """Show how the roles are. Raises RoleCrashed."""
        for app in self.apps:
            if app.crashed:
                raise RoleCrashed(app.role) from app.crash_reason
            self.ready[app.role] = app.working
        self._show_lags()
        for role, working in self.ready.items():
            metrics.READY.labels(role).set(working)

    def _show_lags(self) -> None:
        """A partition that went to another worker is that worker's to show."""
        lags = {(app.role, topic, partition): behind for app in self.apps for (topic, partition), behind in app.lag().items()}
        for labels, behind in lags.items():
            metrics.LAG.labels(*labels).set(behind)
        for labels in self._lags - lags.keys():
            metrics.LAG.remove(*labels)
        self._lags = set(lags)

    async def _hear(self, clock: CityClock) -> None:
        with contextlib.suppress(TryAgain):  # the roles themselves say that Redis is away; the clock runs on as it is
            await clock.refresh()
        metrics.CITY_CLOCK_SECONDS.set(epoch_ms(clock.now()) / 1000)
        if self.city is not None and clock.now() > EPOCH:
            self._look_ahead(self.city, clock.now())

    def _look_ahead(self, city: City, now: datetime) -> None:
        """Once a day of the city's clock: does the calendar know the years to come?"""
        today = city.worktime.day_of(now)
        if today == self._calendar_seen:
            return
        self._calendar_seen, missing = today, missing_years(city, now)
        metrics.CALENDAR_MISSING_YEARS.set(len(missing))
        if missing:
            log.warning("the calendar does not know years that deadlines need", city=city.key, years=missing, act="add them: docs/city.md")


class RoleCrashed(Exception):
    """A role ended by itself: a bug."""


async def serve(settings: Settings, roles: Sequence[Role], stop: asyncio.Event) -> None:
    """Run the roles until `stop` is set. Raises UserError for a wrong setting, RoleCrashed when a role ended by itself."""
    heart = Heart([role.name for role in roles])
    probe = Probe(settings.metrics_host, settings.metrics_port, lambda: heart.ready)
    probe.start()
    beating = asyncio.create_task(heart.run(probe.beat), name="heart")
    stopped = asyncio.create_task(stop.wait(), name="stop")
    working = asyncio.create_task(_work(settings, roles, heart), name="work")
    try:
        done, _ = await asyncio.wait({beating, stopped, working}, return_when=asyncio.FIRST_COMPLETED)
        for task in done - {stopped}:
            task.result()
    finally:
        last_resort = _end_within(STOP_WITHIN_S, 0 if stop.is_set() else BUG)
        for task in (beating, stopped, working):
            task.cancel()
        await asyncio.gather(beating, stopped, working, return_exceptions=True)
        probe.stop()
        last_resort.cancel()


async def _work(settings: Settings, roles: Sequence[Role], heart: Heart) -> None:
    async with open_deps(settings) as deps:
        apps = [_built(role, deps) for role in roles]
        try:
            await _start(apps)
            heart.apps, heart.clock, heart.city = apps, deps.clock, deps.city
            log.info("working", roles=[app.role for app in apps], city=deps.city.key, clock=settings.clock)
            _tame_the_collector()
            await asyncio.Event().wait()
        finally:
            await asyncio.gather(*(app.stop() for app in apps), return_exceptions=True)


def _built(role: Role, deps: Deps) -> RoleApp:
    build: Build = pkgutil.resolve_name(role.app)
    return build(deps, functools.partial(rebuild, deps))


async def _start(apps: Sequence[RoleApp]) -> None:
    found = await asyncio.gather(*(app.start() for app in apps), return_exceptions=True)
    for app, failed in zip(apps, found, strict=True):
        if isinstance(failed, BaseException):
            raise RoleCrashed(app.role) from failed


def _tame_the_collector() -> None:
    """What is loaded by now stays; reports, commands and facts die by reference count, so the collector need not look every 700 objects."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(500_000, 20, 100)


def run_worker(settings: Settings, roles: Sequence[Role], parent: int | None = None) -> int:
    """Run the roles in this process; returns its exit code. With `parent`, ends when that process is no longer there.

    Raises UserError for a wrong setting.
    """
    whole = next((process for process in Process if {role.name for role in roles} == set(names_of(process))), None)
    configure_logging(settings, whole or "+".join(role.name for role in roles))
    _give_way(SHOWING_GIVES_WAY if whole is Process.TABLES else GIVES_WAY)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(_until_told(settings, roles, parent))


def _give_way(niceness: int) -> None:
    """Take less of a processor that others want too. Where Linux shares it among sessions first, that is said of ours (sched(7))."""
    os.nice(niceness)
    if os.getsid(0) == os.getpid():
        with contextlib.suppress(OSError):
            Path("/proc/self/autogroup").write_text(str(niceness))


async def _until_told(settings: Settings, roles: Sequence[Role], parent: int | None) -> int:
    loop, stop = asyncio.get_running_loop(), asyncio.Event()

    def end() -> None:
        _end_within(STOP_WITHIN_S, 0)
        stop.set()

    def orphaned() -> None:
        loop.call_soon_threadsafe(end)

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, end)
    if parent is not None:
        watch_parent(parent, orphaned)
    try:
        await serve(settings, roles, stop)
    except RoleCrashed:
        log.critical("a role crashed, this process ends", exc_info=True)
        os._exit(BUG)
    log.info("stopped")
    _end_within(LEFTOVERS_S, 0)
    return 0


def _end_within(seconds: float, code: int) -> threading.Timer:
    """A last resort beside the loop: an engine that is away may hold threads and connections longer than a stop may take."""
    timer = threading.Timer(seconds, os._exit, (code,))
    timer.daemon = True
    timer.start()
    return timer
