"""The processes of one `cityloop worker`: starts them, starts again what died, and ends with them.

A supervisor of sixty lines and no daemon: output passes through. A child that ends with 2 (a person must act) at its first start ends the
whole with 2 and its one message; any other end is met by a restart after a pause that doubles up to ten seconds. Children watch this
process and end within two seconds of it, should it be killed.
"""

import asyncio
import contextlib
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Sequence

import structlog

from config.settings import ROOT

log = structlog.get_logger(__name__)

MISUSE = 2
STOP_WITHIN_S = 4.5
FIRST_PAUSE_S = 0.2
LONGEST_PAUSE_S = 10.0
HEALTHY_AFTER_S = 30.0
"""A child that ran this long starts again with the first pause."""
LOOK_EVERY_S = 0.3
GRACE_S = 1.0

_START = "import sys; sys.path[:0] = sys.argv[1:2]; del sys.argv[1]; from cli.main import main; main()"
"""Starts our command line whatever the folder and the environment are."""


class Children:
    """Keeps one process per argument list running until told to stop."""

    def __init__(self, commands: Sequence[Sequence[str]]) -> None:
        self._commands = commands
        self._running: dict[int, asyncio.subprocess.Process] = {}

    async def run(self, stop: asyncio.Event) -> int:
        """Exit code: 0 when stopped, 2 when a child says that a person must act."""
        keepers = [asyncio.create_task(self._keep(at)) for at in range(len(self._commands))]
        stopped = asyncio.create_task(stop.wait())
        try:
            done, _ = await asyncio.wait([stopped, *keepers], return_when=asyncio.FIRST_COMPLETED)
            return 0 if stopped in done else MISUSE
        finally:
            for task in (stopped, *keepers):
                task.cancel()
            await asyncio.gather(stopped, *keepers, return_exceptions=True)
            await self._end()

    async def _keep(self, at: int) -> None:
        """Returns when the child asks for a person from the start; one that worked before is tried again."""
        pause, first = FIRST_PAUSE_S, True
        while True:
            began = time.monotonic()
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-P", "-c", _START, str(ROOT), *self._commands[at], "--parent", str(os.getpid()), start_new_session=True
            )
            self._running[at] = process
            code = await process.wait()
            if code == MISUSE and first:
                return
            first = False
            if time.monotonic() - began > HEALTHY_AFTER_S:
                pause = FIRST_PAUSE_S
            log.error(
                "a process of the worker ended, starting it again", command=" ".join(self._commands[at]), exit_code=code, pause_s=pause
            )
            await asyncio.sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE_S)

    def tell(self, number: signal.Signals) -> list[asyncio.subprocess.Process]:
        """Send a signal to those that live."""
        living = [process for process in self._running.values() if process.returncode is None]
        for process in living:
            _signal(process, number)
        return living

    async def _end(self) -> None:
        living = self.tell(signal.SIGTERM)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(asyncio.gather(*(process.wait() for process in living)), STOP_WITHIN_S)
        for process in living:
            if process.returncode is None:
                _signal(process, signal.SIGKILL)


def _signal(process: asyncio.subprocess.Process, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        process.send_signal(number)


def run_children(commands: Sequence[Sequence[str]], passed_on: Sequence[signal.Signals] = ()) -> int:
    """Run them until SIGTERM or Ctrl-C; returns the exit code. The signals `passed_on` are theirs."""

    async def until_told() -> int:
        stop, loop, children = asyncio.Event(), asyncio.get_running_loop(), Children(commands)
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop.set)
        for number in passed_on:
            loop.add_signal_handler(number, children.tell, number)
        return await children.run(stop)

    return asyncio.run(until_told())


def watch_parent(parent: int, end: Callable[[], None]) -> None:
    """From now on: when the parent is gone, call `end` (from a thread), and a second later this process is over in any case."""

    def look() -> None:
        while os.getppid() == parent:
            time.sleep(LOOK_EVERY_S)
        end()
        time.sleep(GRACE_S)
        os._exit(0)

    threading.Thread(target=look, name="parent", daemon=True).start()
