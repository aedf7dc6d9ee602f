"""A feed on a real Redis, written by the tests themselves as the projection writes it, and read as a browser does."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import orjson

from adapters.console_view import ConsoleView
from adapters.hot import Keys, connect
from config.settings import Settings
from console.feed import MAILBOX, Hub, frames
from incidents.rights import EVERYTHING


def a_frame(number: int, **changes: object) -> dict[str, object]:
    """A frame as `adapters.feed` tells it: the first fact of case `number`."""
    frame: dict[str, object] = {
        "case_id": f"QD-20261121-{number:010d}",
        "sequence": 1,
        "fact": "opened",
        "at": "2026-11-21T00:00:00Z",
        "state": "reported",
        "category": "road_spillage",
        "severity": "normal",
        "district": "370202",
        "lon": 120.38,
        "lat": 36.07,
        "unit": None,
        "count": 1,
        "reason": None,
    }
    return frame | changes


@dataclass
class Desk:
    """One test's feed: `write` tells frames, `hub` is the console's reader."""

    settings: Settings
    mailbox: int = MAILBOX
    view: ConsoleView = field(init=False)
    hub: Hub = field(init=False)
    keys: Keys = field(init=False)

    def __post_init__(self) -> None:
        self.view = ConsoleView.open(self.settings)
        self.hub = Hub(self.view, self.mailbox)
        self.keys = Keys(self.settings.namespace, self.settings.city)
        self.redis = connect(self.settings.redis_url)

    async def write(self, first: int, last: int) -> None:
        """Tell the frames `first` to `last`, that one too."""
        for number in range(first, last + 1):
            await self.redis.xadd(self.keys.feed, {"frame": orjson.dumps(a_frame(number))})

    async def trim(self, left: int) -> None:
        """Keep only the newest frames."""
        await self.redis.xtrim(self.keys.feed, maxlen=left, approximate=False)

    async def newest(self) -> str:
        """Where the feed ends now."""
        return (await self.view.reach()).newest

    @asynccontextmanager
    async def running(self) -> AsyncIterator["Desk"]:
        """With the hub's task."""
        task = asyncio.create_task(self.hub.run())
        try:
            await come_true(lambda: self.hub.working)
            yield self
        finally:
            self.hub.close()
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            await self.redis.delete(self.keys.feed)
            await self.redis.aclose()
            await self.view.close()


@dataclass
class Browser:
    """What one browser got: the numbers of the cases of its facts, the last cursor, and whether it was told to resync."""

    numbers: list[int] = field(default_factory=list)
    cursor: str | None = None
    resynced: bool = False
    pings: int = 0

    def take(self, body: bytes) -> None:
        """Read a piece of the feed, which holds whole events."""
        for event in body.decode().split("\n\n"):
            lines = dict(line.split(": ", 1) for line in event.splitlines())
            if lines.get("event") == "fact":
                self.cursor = lines["id"]
                self.numbers.append(int(orjson.loads(lines["data"])["case_id"][-10:]))
            self.resynced = self.resynced or lines.get("event") == "resync"
            self.pings += lines.get("event") == "ping"


async def read(desk: Desk, browser: Browser, until: int, ping_s: float = 15.0) -> Browser:
    """Follow the feed from the browser's cursor until it has the case `until`, must resync, or a minute is over."""
    feed = frames(desk.hub, EVERYTHING, browser.cursor, ping_s)
    try:
        async with asyncio.timeout(60):
            async for body in feed:
                browser.take(body)
                if browser.resynced or (browser.numbers and browser.numbers[-1] >= until):
                    break
    finally:
        await feed.aclose()  # type: ignore[attr-defined]  # an async generator, though its type is the iterator
    return browser


async def come_true(condition: Callable[[], object]) -> None:
    """Returns when the condition holds; fails after a minute."""
    async with asyncio.timeout(60):
        while not condition():  # noqa: ASYNC110  # any condition, not one of our own events
            await asyncio.sleep(0.01)
