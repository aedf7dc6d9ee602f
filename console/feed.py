"""The live feed: one reader of the Redis streams per process, fanned out to the browsers as server-sent events.

A browser names the last cursor it has seen (`Last-Event-ID`, or `?cursor=` of its snapshot) and gets everything of its scope behind it,
without gap or duplicate; where that is no longer possible (the stream was trimmed or flushed, or the browser was too slow for its mailbox)
it gets `event: resync` and fetches its snapshot anew. No browser ever holds up another one or the reader.

News are told twenty times a second, each encoded once and filtered once per scope; in a storm four times a second, of each case the newest.
"""

import asyncio
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager, suppress

import structlog

from adapters.console_view import ConsoleView, position
from adapters.metrics import FEED_CLIENTS
from console.news import Event, News, newest_of_each, of_fact, of_presence
from incidents.errors import TryAgain
from incidents.rights import Scope

log = structlog.get_logger(__name__)

MAILBOX = 1_000
PING_S = 15.0
RETRY_MS = 2_000
BACKOFF_S = 0.5
PACE_S = 0.03
STORM = 100
"""Facts since the last look from which on only the newest of each case is told, and the next look waits for longer."""
STORM_PACE_S = 0.25

Goes = Callable[[], Awaitable[bool]]
"""Whether a person may still follow: asked with every ping."""


class Mailbox:
    """What one browser has yet to get. When it is full nothing more goes in and `overflowed` says so: the browser must resync."""

    def __init__(self, size: int) -> None:
        self.overflowed = False
        self._size = size
        self._waiting: list[Event] = []
        self._stirred = asyncio.Event()

    def put(self, events: list[Event]) -> None:
        """Lay events in, as many as fit."""
        room = self._size - len(self._waiting)
        self.overflowed = self.overflowed or len(events) > room
        self._waiting += events[:room]
        self._stirred.set()

    def refuse(self) -> None:
        """Say that something is missing."""
        self.overflowed = True
        self._stirred.set()

    async def take(self, within_s: float) -> list[Event]:
        """All that is waiting, at once; nothing when nothing came in time."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._stirred.wait(), within_s)
        self._stirred.clear()
        waiting, self._waiting = self._waiting, []
        return waiting


class Hub:
    """The one reader. `run` it as a task; `open` turns false when the process ends, and every feed ends then."""

    def __init__(self, view: ConsoleView, mailbox: int = MAILBOX) -> None:
        self.view = view
        self.working = False
        self.open = True
        self.cursor: str | None = None
        """Everything up to here is in the mailboxes."""
        self._presences = str(int(time.time() * 1000))
        self._mailbox = mailbox
        self._mailboxes: defaultdict[Scope, set[Mailbox]] = defaultdict(set)

    async def run(self) -> None:
        """Read for ever; a Redis that is away is asked again, and browsers resync when it came back with another stream."""
        while self.open:
            try:
                await asyncio.sleep(await self._step())
                self.working = True
            except TryAgain as error:
                if self.working:
                    log.warning("the feed waits for Redis", error=str(error))
                self.working = False
                await asyncio.sleep(BACKOFF_S)

    async def _step(self) -> float:
        """Read once; returns how long to wait with the next time."""
        reach = await self.view.reach() if self.cursor is None or not self.working else None
        if self.cursor is None:
            assert reach is not None
            self.cursor = reach.newest
            return 0.0
        found = await self.view.wait_after(self.cursor, self._presences)
        if found.presences:
            self._presences = found.presences[-1].cursor
        facts = [of_fact(entry) for entry in found.facts]
        storm = len(facts) > STORM
        self._tell([*(newest_of_each(facts) if storm else facts), *map(of_presence, found.presences)])
        if facts:
            self.cursor = facts[-1].cursor
            return STORM_PACE_S if storm else PACE_S
        reach = reach or await self.view.reach()
        if not reach.can_resume(self.cursor):
            self.cursor = reach.newest
            self._refuse()
        return PACE_S

    def _tell(self, news: list[News]) -> None:
        for scope, mailboxes in self._mailboxes.items():
            events = seen_by(scope, news)
            if events:
                for mailbox in mailboxes:
                    mailbox.put(events)

    def _refuse(self) -> None:
        for mailboxes in self._mailboxes.values():
            for mailbox in mailboxes:
                mailbox.refuse()

    def close(self) -> None:
        """End every feed, and the reader with its next answer."""
        self.open = False
        self._refuse()

    @property
    def clients(self) -> int:
        """Browsers that follow."""
        return sum(map(len, self._mailboxes.values()))

    @asynccontextmanager
    async def subscribed(self, scope: Scope) -> AsyncIterator[Mailbox]:
        """A mailbox that gets everything of this scope from now on."""
        mailbox = Mailbox(self._mailbox)
        self._mailboxes[scope].add(mailbox)
        FEED_CLIENTS.set(self.clients)
        try:
            yield mailbox
        finally:
            self._mailboxes[scope].discard(mailbox)
            if not self._mailboxes[scope]:
                del self._mailboxes[scope]
            FEED_CLIENTS.set(self.clients)


def seen_by(scope: Scope, news: Iterable[News]) -> list[Event]:
    """What of the news a scope is told."""
    return [event for each in news if (event := each.for_scope(scope)) is not None]


async def frames(hub: Hub, scope: Scope, cursor: str | None, ping_s: float = PING_S, goes_on: Goes | None = None) -> AsyncIterator[bytes]:
    """The body of one browser's feed, from behind the cursor (from now on without one), until it leaves, may not go on, or must resync.

    First subscribe, then read what stands behind the cursor, then pass over what the mailbox holds of that: nothing falls between.
    """
    yield b"retry: %d\n\n" % RETRY_MS
    try:
        async with hub.subscribed(scope) as mailbox:
            reach = await hub.view.reach()
            last = cursor or reach.newest
            if not reach.can_resume(last):
                yield resync("the feed no longer reaches back that far")
                return
            yield ping(reach.newest)
            while entries := await hub.view.after(last):
                last = entries[-1].cursor
                if events := seen_by(scope, map(of_fact, entries)):
                    yield b"".join(event.body for event in events)
            async for body in _live(hub, mailbox, last, ping_s):
                if goes_on is not None and body.startswith(PING) and not await goes_on():
                    return
                yield body
    except TryAgain:
        yield resync("Redis does not answer")


async def _live(hub: Hub, mailbox: Mailbox, last: str, ping_s: float) -> AsyncIterator[bytes]:
    pinged_at, is_ahead = time.monotonic(), False  # until the hub is ahead of what was read, the mailbox may hold some of that
    while hub.open:
        waiting, reached = await mailbox.take(ping_s), hub.cursor or last
        if not is_ahead:
            waiting = [event for event in waiting if event.cursor is None or position(event.cursor) > position(last)]
            is_ahead = position(reached) >= position(last)
        if waiting:
            yield b"".join([event.body for event in waiting])
        if mailbox.overflowed and hub.open:
            yield resync("this page was too slow, or the feed began anew")
            return
        if time.monotonic() - pinged_at >= ping_s:
            pinged_at = time.monotonic()
            yield ping(reached if is_ahead else last)


PING = b"event: ping\n"


def ping(cursor: str) -> bytes:
    """A sign of life with this machine's clock, so that a page knows that it is not stale; moves the browser's cursor on."""
    return PING + b'id: %s\ndata: {"now":%d,"cursor":"%s"}\n\n' % (cursor.encode(), time.time() * 1000, cursor.encode())


def resync(why: str) -> bytes:
    """Tells the page to fetch its snapshot anew."""
    return b"event: resync\ndata: %s\n\n" % why.encode()
