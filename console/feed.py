"""The live feed: one reader of the Redis stream per process, fanned out to the browsers as server-sent events.

A browser names the last cursor it has seen (`Last-Event-ID`, or `?cursor=` of its snapshot) and gets everything behind it, without gap or
duplicate; where that is no longer possible (the stream was trimmed or flushed, or the browser was too slow for its mailbox) it gets
`event: resync` and fetches its snapshot anew. No browser ever holds up another one or the reader.
"""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import structlog

from adapters.console_view import ConsoleView, Entry, position
from adapters.metrics import FEED_CLIENTS
from incidents.errors import TryAgain

log = structlog.get_logger(__name__)

MAILBOX = 256
PING_S = 15.0
RETRY_MS = 2_000
BACKOFF_S = 0.5


class Mailbox:
    """What one browser has yet to get. When it is full nothing more goes in and `overflowed` says so: the browser must resync."""

    def __init__(self, size: int) -> None:
        self.overflowed = False
        self._waiting: asyncio.Queue[Entry] = asyncio.Queue(size)
        self._stirred = asyncio.Event()

    def put(self, entries: list[Entry]) -> None:
        """Lay entries in, as many as fit."""
        for entry in entries:
            if self._waiting.full():
                self.overflowed = True
                break
            self._waiting.put_nowait(entry)
        self._stirred.set()

    def refuse(self) -> None:
        """Say that something is missing."""
        self.overflowed = True
        self._stirred.set()

    async def take(self, within_s: float) -> list[Entry]:
        """All that is waiting, at once; nothing when nothing came in time."""
        try:
            await asyncio.wait_for(self._stirred.wait(), within_s)
        except TimeoutError:
            return []
        self._stirred.clear()
        return [self._waiting.get_nowait() for _ in range(self._waiting.qsize())]


class Hub:
    """The one reader. `run` it as a task; `open` turns false when the process ends, and every feed ends then."""

    def __init__(self, view: ConsoleView, mailbox: int = MAILBOX) -> None:
        self.view = view
        self.working = False
        self.open = True
        self._mailbox = mailbox
        self._mailboxes: set[Mailbox] = set()

    async def run(self) -> None:
        """Read for ever; a Redis that is away is asked again, and browsers resync when it came back with another stream."""
        cursor: str | None = None
        while self.open:
            try:
                cursor = await self._step(cursor)
                self.working = True
            except TryAgain as error:
                if self.working:
                    log.warning("the feed waits for Redis", error=str(error))
                self.working = False
                await asyncio.sleep(BACKOFF_S)

    async def _step(self, cursor: str | None) -> str:
        reach = await self.view.reach() if cursor is None or not self.working else None
        if cursor is None:
            assert reach is not None
            return reach.newest
        entries = await self.view.wait_after(cursor)
        if entries:
            self._tell(entries)
            return entries[-1].cursor
        reach = reach or await self.view.reach()
        if not reach.can_resume(cursor):
            self._refuse()
            return reach.newest
        return cursor

    def _tell(self, entries: list[Entry]) -> None:
        for mailbox in self._mailboxes:
            mailbox.put(entries)

    def _refuse(self) -> None:
        for mailbox in self._mailboxes:
            mailbox.refuse()

    def close(self) -> None:
        """End every feed, and the reader with its next answer."""
        self.open = False
        self._refuse()

    @property
    def clients(self) -> int:
        """Browsers that follow."""
        return len(self._mailboxes)

    @asynccontextmanager
    async def subscribed(self) -> AsyncIterator[Mailbox]:
        """A mailbox that gets everything from now on."""
        mailbox = Mailbox(self._mailbox)
        self._mailboxes.add(mailbox)
        FEED_CLIENTS.set(len(self._mailboxes))
        try:
            yield mailbox
        finally:
            self._mailboxes.discard(mailbox)
            FEED_CLIENTS.set(len(self._mailboxes))


async def frames(hub: Hub, cursor: str | None, ping_s: float = PING_S) -> AsyncIterator[bytes]:
    """The body of one browser's feed, from behind the cursor (from now on without one), until it leaves or must resync.

    First subscribe, then read what stands behind the cursor, then pass over what the mailbox holds of that: nothing falls between.
    """
    yield b"retry: %d\n\n" % RETRY_MS
    try:
        async with hub.subscribed() as mailbox:
            reach = await hub.view.reach()
            last = cursor or reach.newest
            if not reach.can_resume(last):
                yield resync("the feed no longer reaches back that far")
                return
            yield ping(reach.newest)
            while entries := await hub.view.after(last):
                last = entries[-1].cursor
                yield b"".join(map(encoded, entries))
            async for body in _live(hub, mailbox, last, ping_s):
                yield body
    except TryAgain:
        yield resync("Redis does not answer")


async def _live(hub: Hub, mailbox: Mailbox, last: str, ping_s: float) -> AsyncIterator[bytes]:
    while hub.open:
        waiting = await mailbox.take(ping_s)
        fresh = [entry for entry in waiting if position(entry.cursor) > position(last)]
        if fresh:
            last = fresh[-1].cursor
            yield b"".join(map(encoded, fresh))
        elif not waiting and not mailbox.overflowed:
            yield ping(last)
        if mailbox.overflowed and hub.open:
            yield resync("this page was too slow, or the feed began anew")
            return


def encoded(entry: Entry) -> bytes:
    """A frame as a server-sent event; the entry's cursor is its id."""
    return b"id: %s\nevent: fact\ndata: %s\n\n" % (entry.cursor.encode(), entry.frame)


def ping(cursor: str) -> bytes:
    """A sign of life with this machine's clock, so that a page knows that it is not stale."""
    return b'event: ping\ndata: {"now":%d,"cursor":"%s"}\n\n' % (time.time() * 1000, cursor.encode())


def resync(why: str) -> bytes:
    """Tells the page to fetch its snapshot anew."""
    return b"event: resync\ndata: %s\n\n" % why.encode()
