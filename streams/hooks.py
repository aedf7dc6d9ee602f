"""The role `hooks`: tells people. One process of it dispatches (decides who is told), every one delivers.

Who holds the lease reads the facts, lets the board decide and queues deliveries (hooks_dispatch.py); the engines of all processes take them
from the queue (handlers/engine.py).
"""

import asyncio
import signal
from collections.abc import Awaitable, Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any

import structlog
from mode import Service

from adapters import metrics
from adapters.followed import LOOK_EVERY_S, Followed
from adapters.hook_state import LeaseLost
from config.topics import CASE_EVENTS
from incidents.errors import NotReady, TryAgain
from streams.agents import BACKOFF_S, Rebuild
from streams.app import ServiceApp, service_app
from streams.deps import Deps
from streams.hooks_files import files_of
from streams.hooks_setup import open_setup
from streams.hooks_shift import Lease, Setup, Shift

log = structlog.get_logger(__name__)

STAND_BY_S = 0.5


def build_hooks(deps: Deps, rebuild: Rebuild) -> ServiceApp:
    """The role as an app of this process. Raises ConfigError and UserError for whatever a person must put right."""
    setups = Followed("hooks", files_of(deps.settings), lambda: open_setup(deps))
    return service_app(deps.settings, "hooks", CASE_EVENTS.name, Hooks(setups, rebuild))


class Hooks(Service):
    """See the module. `working` is what readiness shows: engines answer, and somebody dispatches, we or another one.

    `setups` has no value as long as the city has no hooks.toml: nobody is told then, and it is begun when there is one.
    """

    wait_for_shutdown = True
    shutdown_timeout = 3.0

    def __init__(self, setups: Followed[Setup | None], rebuild: Rebuild) -> None:
        super().__init__()
        self.working = setups.value is None  # a city that tells nobody has nothing to wait for
        self._setups = setups
        self._setup = setups.value
        self._rebuild = rebuild
        self._stop = asyncio.Event()
        self._asked = asyncio.Event()  # to read the files at once, or to stop
        self._shift: Shift | None = None

    def lag(self) -> Mapping[int, int]:
        """How far this process is behind, if it dispatches."""
        return {} if self._shift is None else self._shift.lag()

    async def on_stop(self) -> None:
        """All loops end by themselves, soon."""
        self._stop.set()
        self._asked.set()

    @Service.task
    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGHUP, self._asked.set)
        try:
            setup = await self._begun()
            if setup is not None:
                await asyncio.gather(self._deliver(setup), self._dispatch(setup), self._follow(setup))
        finally:
            loop.remove_signal_handler(signal.SIGHUP)
            if self._setup is not None:
                await _close(self._setup)
            self.set_shutdown()

    async def _begun(self) -> Setup | None:
        """What to work with, as soon as the city has a hooks.toml; None when there was none to the end."""
        if self._setup is None:
            log.warning("the city has no hooks.toml: nobody is told anything until it has one")
        while self._setup is None and not self._stop.is_set():
            await self._changed(self._setups)
            self._setup = self._setups.value
        return self._setup

    async def _follow(self, setup: Setup) -> None:
        """Read the files again when they change, or at once at SIGHUP."""
        while not self._stop.is_set():
            if await self._changed(setup.files):
                setup = await self._take_up(setup)

    async def _changed(self, files: Followed[Any]) -> bool:
        """Whether files say something else, a second later or at SIGHUP."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._asked.wait(), LOOK_EVERY_S)
        at_once = self._asked.is_set() and not self._stop.is_set()
        self._asked.clear()
        return await asyncio.to_thread(files.look, at_once=at_once)

    async def _take_up(self, former: Setup) -> Setup:
        """What the files say now; the dispatcher goes over to it between two turns."""
        said = former.files.value
        self._setup = now = replace(former, said=said)
        receivers = said.telling.receivers
        await asyncio.gather(now.engine.change(receivers), now.pulse.change(said.hooks.heartbeat, receivers.transports))
        await _close(former)
        log.info("telling by the changed files", receivers=len(said.hooks.rows), targets=len(receivers.targets))
        return now

    async def _deliver(self, setup: Setup) -> None:
        while not self._stop.is_set():
            await self._again(setup.engine.run(self._stop), 0)

    async def _dispatch(self, setup: Setup) -> None:
        lease, failures = Lease(setup.state), 0
        while not self._stop.is_set():
            held = await self._again(self._lead(self._setup or setup, lease), failures)
            failures = 0 if held else failures + 1

    async def _again(self, doing: Awaitable[None], failures: int) -> bool:
        """Whether it ended well; what does not is said, waited after, and done again by the caller."""
        try:
            await doing
        except LeaseLost as error:
            log.warning("another one dispatches", reason=str(error))
            return True
        except TryAgain as error:
            self.working = False
            if failures in (0, 10) or failures % 60 == 59:
                log.warning("an engine is away, trying again", error=str(error), failures=failures + 1)
            await self.sleep(BACKOFF_S[min(failures, len(BACKOFF_S) - 1)])
            return False
        except NotReady as error:
            self.working = False
            log.warning("hot store not ready, work stops", stage="hooks", reason=str(error))
            return await self._again(self._rebuild(), failures)
        return True

    async def _lead(self, setup: Setup, lease: Lease) -> None:
        """Dispatch for as long as the lease is ours; stand by for a moment when it is not."""
        if not await lease.take():
            self.working = True
            await self.sleep(STAND_BY_S)
            return
        self._shift = shift = Shift(setup, lease)
        keeping = asyncio.create_task(lease.keep(), name="lease")
        working = asyncio.create_task(self._work(shift), name="dispatch")
        try:
            done, _ = await asyncio.wait({keeping, working}, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            for task in (keeping, working):
                task.cancel()
            await asyncio.gather(keeping, working, return_exceptions=True)
            self._shift = None
            metrics.HOOK_DISPATCHING.set(0)
            await shift.close()
            await lease.let_go()

    async def _work(self, shift: Shift) -> None:
        await shift.begin()
        metrics.HOOK_DISPATCHING.set(1)
        while not self._stop.is_set():
            if self._setup is not None:
                await shift.follow(self._setup)
            await shift.step()
            self.working = True


async def _close(setup: Setup) -> None:
    """Its transports."""
    for transport in set(setup.said.telling.receivers.transports.values()):
        await transport.close()
