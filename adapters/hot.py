"""The hot store's door: key names, and scripts that refuse to run on a Redis that is not the one we filled.

Every access of a worker is a Lua script behind the same guard: `ready` must hold `<run_id of this server>:<Kafka cluster id>:<LAYOUT>`.
An emptied, restarted, failed-over or foreign Redis fails it, and one that an older version filled; the caller gets NotReady, and the
rebuild (streams/rebuild.py) sets the key last. What a newer version filled is left to that: the caller gets TryAgain and waits. The script
asks the server for its run id itself (`INFO server` costs 2 µs), so no connection state can be stale.
"""

from collections.abc import Awaitable, Sequence
from typing import Any, cast

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.commands.core import AsyncScript
from redis.exceptions import (
    BusyLoadingError,
    ConnectionError,  # noqa: A004  # redis-py's own name
    OutOfMemoryError,
    ReadOnlyError,
    RedisError,
    ResponseError,
    TimeoutError,  # noqa: A004  # redis-py's own name
)

from incidents.errors import NotReady, TryAgain

LAYOUT = 2
"""Counts how what is kept has changed (2: totals of few sources stand with their case): older data are filled anew."""
GUARD = """
local server = string.match(redis.call('INFO', 'server'), 'run_id:(%w+)')
local ready = redis.call('GET', KEYS[1])
if ready ~= server .. ':' .. ARGV[1] then
  local theirs, ours = string.match(ready or '', '^' .. server .. ':.*:(%d+)$'), string.match(ARGV[1], '%d+$')
  if theirs and tonumber(theirs) > tonumber(ours) then
    return redis.error_reply('NEWER a newer version of cityloop keeps the hot store (layout ' .. theirs .. ', this one knows ' .. ours
      .. '): end this one; to go back to it, end the newer one and run `cityloop rebuild`')
  end
  return redis.error_reply('NOTREADY the hot store is empty, restarted, another one or of an older version')
end
"""


class Keys:
    """The names of all keys of one city in one namespace; the hash tag keeps them in one slot (ARCHITECTURE.md §3)."""

    def __init__(self, namespace: str, city: str) -> None:
        self.prefix = f"{namespace}{{{city}}}:"
        self.ready = self.prefix + "ready"
        self.clock = self.prefix + "clock"
        self.events_clock = self.prefix + "clock:events"  # hash: partition -> highest event time seen, ms
        self.rebuild_lock = self.prefix + "rebuild"
        self.sift = self.prefix + "sift:"  # private to the sift script, see sift_kept.lua
        self.case = self.prefix + "case:"  # + case id -> Case JSON
        self.cases = self.prefix + "cases"  # zset: case id by opened_at, ms
        self.deadlines = self.prefix + "deadlines"  # zset: "<case id> <deadline id>" by due time, ms on the city's clock
        self.claimed = self.prefix + "deadlines:claimed"  # zset: the same by the end of their lease, real ms
        self.aliases = self.prefix + "aliases"  # hash: case id -> "<case it is merged into, or being merged> <command id>"
        self.positions = self.prefix + "positions"  # hash: unit -> UnitPosition JSON, the latest
        self.positioned = self.prefix + "positions:at"  # zset: unit by the time of its position, ms on the city's clock
        self.reply = self.prefix + "reply:"  # + command id -> Outcome JSON, 10 min
        self.feed = self.prefix + "feed"  # stream of the console's live feed
        self.told = self.prefix + "feed:told"  # hash: case id -> last sequence in the feed, and the units it was with
        self.presences = self.prefix + "feed:presence"  # stream of who looks at which case, for the console's live feed
        self.presence = self.prefix + "presence:"  # + case id -> hash: person -> what they do and until when, 30 s
        self.hooks = self.prefix + "hooks:"  # deliveries and the dispatcher's state, see deliveries.lua and hook_state.lua
        self.asked = self.prefix + "asked:"  # + command id -> what was asked over the API and what came of it, 24 h


def connect(url: str) -> "Redis":
    """A client that reports every failure at once: retrying belongs to the caller's loop, in one place."""
    return Redis.from_url(url, retry=Retry(NoBackoff(), 0), socket_timeout=10, socket_connect_timeout=5, decode_responses=False)


class HotStore:
    """Runs guarded scripts. KEYS[1] is `ready` and ARGV[1] what it holds behind the run id; a script's own start at KEYS[2] and ARGV[2]."""

    def __init__(self, redis: "Redis", keys: Keys, cluster_id: str) -> None:
        self.redis = redis
        self.keys = keys
        self.filled = f"{cluster_id}:{LAYOUT}"
        self._scripts: dict[str, AsyncScript] = {}

    async def run(self, source: str, keys: Sequence[str] = (), args: Sequence[str | bytes | int] = ()) -> Any:
        """The script's reply. Raises NotReady behind the guard, TryAgain when Redis cannot answer or a newer version keeps it."""
        script = self._scripts.get(source)
        if script is None:
            script = self._scripts[source] = self.redis.register_script(GUARD + source)
        try:
            return await script(keys=[self.keys.ready, *keys], args=[self.filled, *args])
        except (ConnectionError, TimeoutError, BusyLoadingError, ReadOnlyError, OutOfMemoryError) as error:
            raise TryAgain(f"Redis: {error}") from error
        except ResponseError as error:
            raise refusal(error) from error

    def ready_on(self, run_id: str) -> str:
        """What the key `ready` holds on the server of this run id, once it is filled."""
        return f"{run_id}:{self.filled}"

    async def is_ready(self) -> bool:
        """Whether the guard lets scripts pass, False when the store is to be filled. Raises TryAgain like `run`."""
        try:
            await self.run("return 1")
        except NotReady:
            return False
        return True

    async def close(self) -> None:
        """Close the connections."""
        await cast(Awaitable[None], self.redis.aclose())


def refusal(error: RedisError) -> Exception:
    """The error behind a script's error reply: ours by name, engine trouble as TryAgain, anything else is a bug and stays."""
    text = str(error)
    if "NOTREADY" in text:
        return NotReady(text)
    if text.startswith("NEWER"):
        return TryAgain(text.removeprefix("NEWER "))
    if text.startswith(("LOADING", "OOM", "READONLY", "MASTERDOWN", "MISCONF", "BUSY", "CLUSTERDOWN")):
        return TryAgain(f"Redis: {text}")
    return error
