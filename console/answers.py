"""Waits for closure's answers to commands: one reader per process, however many people wait.

While anybody waits, Redis is asked for all of them in one call, fifty times a second; while nobody does, it is not asked at all.
"""

import asyncio
from contextlib import suppress

import structlog

from adapters.asked import AskedCommands
from incidents.commands import Outcome
from incidents.errors import TryAgain

log = structlog.get_logger(__name__)

LOOK_EVERY_S = 0.02
BACKOFF_S = 0.5


class Answers:
    """`run` it as a task."""

    def __init__(self, asked: AskedCommands) -> None:
        self._asked = asked
        self._waiting: dict[str, list[asyncio.Future[Outcome]]] = {}
        self._somebody = asyncio.Event()

    async def wait(self, command_id: str, within_s: float) -> Outcome | None:
        """What the command came to; None when nobody answered in time."""
        answer: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(command_id, []).append(answer)
        self._somebody.set()
        try:
            with suppress(TimeoutError):
                return await asyncio.wait_for(answer, within_s)
            return None
        finally:
            waiting = self._waiting.get(command_id, [])
            if answer in waiting:
                waiting.remove(answer)
            if not waiting:
                self._waiting.pop(command_id, None)

    async def run(self) -> None:
        """Look for ever; a Redis that is away is asked again, and who waits runs out of time."""
        while True:
            await self._somebody.wait()
            try:
                self._tell(await self._asked.answered(list(self._waiting)))
                await asyncio.sleep(LOOK_EVERY_S)
            except TryAgain as error:
                log.warning("answers to commands wait for Redis", error=str(error))
                await asyncio.sleep(BACKOFF_S)
            if not self._waiting:
                self._somebody.clear()

    def _tell(self, outcomes: dict[str, Outcome]) -> None:
        for command_id, outcome in outcomes.items():
            for answer in self._waiting.pop(command_id, ()):
                if not answer.done():
                    answer.set_result(outcome)
