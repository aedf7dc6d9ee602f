"""What the console reads of Redis: the live feed (a stream of frames), the cases of the hot store, where units are. It never writes.

The console may read past the guard of `adapters.hot`: it decides nothing, and a hot store that is being rebuilt is told by `is_complete`.
The stream's own ids are the cursors that browsers hold, the same on every replica of the console.
"""

from collections.abc import Awaitable, Collection, Sequence
from dataclasses import dataclass
from typing import Any, cast

from redis.asyncio import Redis
from redis.exceptions import RedisError, ResponseError

from adapters.hot import Keys, connect
from config.settings import Settings
from incidents.case import Case
from incidents.errors import NotReady, TryAgain
from incidents.positions import UnitPosition

PAGE = 500
NOTHING_YET = "0-0"
READ_TIMEOUT_MS = 5_000


@dataclass(frozen=True, slots=True)
class Entry:
    """One frame of the feed: its cursor, the JSON that the projection wrote, and the units that had the case before it."""

    cursor: str
    frame: bytes
    was: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class News:
    """What came on the two streams that the console follows."""

    facts: list[Entry]
    presences: list[Entry]


@dataclass(frozen=True, slots=True)
class Reach:
    """How far the feed reaches: the oldest entry kept, the newest ever written, and whether older ones were trimmed."""

    oldest: str
    newest: str
    trimmed: bool

    def can_resume(self, cursor: str) -> bool:
        """Whether everything behind the cursor is still there: it is not ahead of the stream (a flushed one) nor cut off by trimming."""
        at = position(cursor)
        return at <= position(self.newest) and (not self.trimmed or at >= position(self.oldest))


def position(cursor: str) -> tuple[int, int]:
    """A cursor as numbers that compare. Raises ValueError when it is none.

    >>> position("1795219200000-7")
    (1795219200000, 7)
    """
    milliseconds, _, number = cursor.partition("-")
    return int(milliseconds), int(number or 0)


class ConsoleView:
    """Reads for one console process. Every method raises TryAgain when Redis is away, loading or refuses."""

    def __init__(self, redis: "Redis", keys: Keys) -> None:
        self._redis = redis
        self._keys = keys

    @classmethod
    def open(cls, settings: Settings) -> "ConsoleView":
        """The view of this stack and city; connects on the first read."""
        return cls(connect(settings.redis_url), Keys(settings.namespace, settings.city))

    async def is_complete(self) -> bool:
        """Whether somebody has filled the hot store and no rebuild is under way."""
        return bool(await self._ask(self._redis.exists(self._keys.ready)))

    async def reach(self) -> Reach:
        """How far the feed reaches now; an empty one when nothing was ever told."""
        try:
            info = await self._redis.xinfo_stream(self._keys.feed)
        except ResponseError:
            return Reach(NOTHING_YET, NOTHING_YET, trimmed=False)
        except RedisError as error:
            raise TryAgain(f"Redis: {error}") from error
        first = info["first-entry"]
        newest = info["last-generated-id"].decode()
        return Reach(first[0].decode() if first else newest, newest, info["entries-added"] > info["length"])

    async def after(self, cursor: str, most: int = PAGE) -> list[Entry]:
        """The entries behind a cursor, oldest first."""
        return _entries(await self._ask(self._redis.xrange(self._keys.feed, min=f"({cursor}", count=most)))

    async def wait_after(self, cursor: str, presences: str) -> News:
        """The facts and the presences behind two cursors, waiting up to five seconds for the first one."""
        streams: Any = {self._keys.feed: cursor, self._keys.presences: presences}
        answer = await self._ask(self._redis.xread(streams, count=PAGE, block=READ_TIMEOUT_MS))
        found = {name.decode(): _entries(entries) for name, entries in answer}
        return News(found.get(self._keys.feed, []), found.get(self._keys.presences, []))

    async def cases_of(self, case_ids: Collection[str]) -> dict[str, Case]:
        """Those of these cases that the hot store has. Raises NotReady when one is missing while the store is being filled."""
        if not case_ids:
            return {}
        values = await self._ask(self._redis.mget([self._keys.case + case_id for case_id in case_ids]))
        found = {case.case_id: case for value in values if value for case in [Case.model_validate_json(value)]}
        if len(found) < len(case_ids) and not await self.is_complete():
            raise NotReady("the hot store is being rebuilt")
        return dict(found.items())

    async def positions(self) -> list[UnitPosition]:
        """The latest of each unit of the last day, in no order."""
        values = await self._ask(self._redis.hvals(self._keys.positions))
        return [UnitPosition.model_validate_json(value) for value in values]

    async def close(self) -> None:
        """Close the connections."""
        await cast(Awaitable[None], self._redis.aclose())

    async def _ask(self, answer: Any) -> Any:
        try:
            return await answer
        except RedisError as error:
            raise TryAgain(f"Redis: {error}") from error


def _entries(found: Sequence[tuple[bytes, dict[bytes, bytes]]]) -> list[Entry]:
    return [_entry(cursor.decode(), fields) for cursor, fields in found if b"frame" in fields]


def _entry(cursor: str, fields: dict[bytes, bytes]) -> Entry:
    was = fields.get(b"was")
    return Entry(cursor, fields[b"frame"], tuple(was.decode().split(",")) if was else ())
