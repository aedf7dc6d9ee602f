"""The sign of life to an address outside: while it comes, somebody dispatches and delivers; when it stays away, that address raises alarm.

Sent only by the one dispatcher, after a turn that was kept, so that a process which merely runs says nothing.
"""

import asyncio
import time
from collections.abc import Mapping

import structlog

from adapters import metrics
from handlers.channel import NotSent, Outgoing, Transport
from incidents.hooks import Heartbeat

log = structlog.get_logger(__name__)


class Pulse:
    """Sends beside the loop, one at a time; what fails is counted and not repeated. Without a heartbeat nothing is sent."""

    def __init__(self, heartbeat: Heartbeat | None, transports: Mapping[str, Transport]) -> None:
        self._heartbeat = heartbeat
        self._transports = transports
        self._sending: asyncio.Task[None] | None = None
        self._send_at = 0.0

    def beat(self) -> None:
        """The dispatcher lives."""
        if self._heartbeat is None or time.monotonic() < self._send_at or (self._sending is not None and not self._sending.done()):
            return
        self._send_at = time.monotonic() + self._heartbeat.every.total_seconds()
        self._sending = asyncio.create_task(self._send(self._heartbeat.url))

    async def change(self, heartbeat: Heartbeat | None, transports: Mapping[str, Transport]) -> None:
        """Send there from here on; returns when nothing is under way by the former transports."""
        self._heartbeat, self._transports, self._send_at = heartbeat, transports, 0.0
        if self._sending is not None:
            await asyncio.wait({self._sending})

    async def _send(self, url: str) -> None:
        scheme = url.partition(":")[0]
        try:
            answer = await self._transports[scheme].send(Outgoing("POST", url, {"content-length": "0"}, b""))
        except NotSent as error:
            why = error.detail
        else:
            why = "" if 200 <= answer.status < 300 else f"HTTP {answer.status}"
        metrics.HEARTBEATS.labels("failed" if why else "ok").inc()
        if why:
            log.error("the sign of life was not taken", why=why)

    async def close(self) -> None:
        """Let go of what is under way."""
        if self._sending is not None:
            self._sending.cancel()
            await asyncio.gather(self._sending, return_exceptions=True)
