"""The silences as the dispatcher has them: read from SQL once a second beside its loop, and their owners told before they end.

Without the database the last ones go on; a dispatcher that could read none for three seconds begins without: rather told than missed.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Protocol
from zoneinfo import ZoneInfo

import structlog

from adapters.silences import ending, in_force
from incidents.errors import TryAgain
from incidents.notice_decide import Silence
from incidents.silences import KeptSilence

log = structlog.get_logger(__name__)

EVERY_S = 1.0
PATIENCE_S = 3.0


class Shelf(Protocol):
    """Where silences are kept; `adapters.silences.Silences` is the real one. For threads."""

    def listed(self, *, expired: bool = True) -> list[KeptSilence]:
        """All; without `expired` those that hold or are to come. Raises TryAgain."""

    def warned(self, ids: Sequence[str]) -> None:
        """Their owners were told. Raises TryAgain."""


class SilenceWatch:
    """Asks in a thread; the loop takes what came."""

    def __init__(self, shelf: Shelf, zone: str, now: Callable[[], datetime]) -> None:
        self._shelf = shelf
        self._zone = ZoneInfo(zone)
        self._now = now
        self._kept: list[KeptSilence] = []
        self._asking: asyncio.Task[list[KeptSilence]] | None = None
        self._ask_at = 0.0
        self._warned: set[str] = set()

    async def first(self) -> None:
        """Return with silences, or without when the database is away for too long."""
        end = time.monotonic() + PATIENCE_S
        while time.monotonic() < end:
            try:
                self._kept = await asyncio.wait_for(asyncio.to_thread(self._shelf.listed, expired=False), PATIENCE_S)
            except (TryAgain, TimeoutError) as error:
                log.warning("silences cannot be read", error=str(error))
                await asyncio.sleep(EVERY_S / 4)
            else:
                return
        log.error("going on without silences until the database answers: rather told than missed")

    def look(self) -> None:
        """Take what came, ask again when it is time."""
        if self._asking is not None and self._asking.done():
            with suppress(TryAgain):
                self._kept = self._asking.result()
            self._asking = None
        if self._asking is None and time.monotonic() >= self._ask_at:
            self._ask_at = time.monotonic() + EVERY_S
            self._asking = asyncio.create_task(asyncio.to_thread(self._shelf.listed, expired=False))

    def in_force(self) -> list[Silence]:
        """For the board."""
        return in_force(self._kept, self._now(), self._zone)

    def ending(self) -> list[KeptSilence]:
        """Whose owners are to be told now."""
        return [each for each in ending(self._kept, self._now()) if each.id not in self._warned]

    async def told(self, silences: Sequence[KeptSilence]) -> None:
        """They have been; without the database it is remembered here, and perhaps said once more after a restart."""
        ids = [each.id for each in silences]
        self._warned.update(ids)
        with suppress(TryAgain):
            await asyncio.to_thread(self._shelf.warned, ids)

    async def close(self) -> None:
        """Let go of a question that is under way."""
        if self._asking is not None:
            await asyncio.gather(self._asking, return_exceptions=True)
