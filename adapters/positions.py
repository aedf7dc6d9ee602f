"""Where units are, kept hot: the latest position of each, for routing in any worker.

The `positions` role puts what `units.positions` says; a day after a unit's last word it is deleted (what decided a dispatch stands on the
case). Not rebuilt when Redis is lost: every unit speaks again within minutes, and until then the routing table decides without them.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from adapters.hot import HotStore
from incidents.events import epoch_ms
from incidents.positions import KEPT_FOR, UnitPosition

_PUT = """
for i = 3, #ARGV, 3 do
  local known = redis.call('ZSCORE', KEYS[3], ARGV[i])
  if not known or tonumber(ARGV[i + 1]) >= tonumber(known) then
    redis.call('ZADD', KEYS[3], ARGV[i + 1], ARGV[i])
    redis.call('HSET', KEYS[2], ARGV[i], ARGV[i + 2])
  end
end
for _, unit in ipairs(redis.call('ZRANGEBYSCORE', KEYS[3], '-inf', '(' .. ARGV[2])) do
  redis.call('ZREM', KEYS[3], unit)
  redis.call('HDEL', KEYS[2], unit)
end
"""

_BETWEEN = """
local found = {}
for _, unit in ipairs(redis.call('ZRANGEBYSCORE', KEYS[3], ARGV[2], ARGV[3])) do
  found[#found + 1] = redis.call('HGET', KEYS[2], unit)
end
return found
"""


class Positions(Protocol):
    """The latest position of each unit."""

    async def put(self, positions: Sequence[UnitPosition]) -> None:
        """Keep those that are not older than what is known of their unit; forget what is a day older than the newest of them.

        Raises TryAgain and NotReady; putting the same again changes nothing.
        """

    async def between(self, begin: datetime, end: datetime) -> tuple[UnitPosition, ...]:
        """The latest positions that are of this time, both ends included, by time and unit. Raises TryAgain and NotReady."""


class RedisPositions:
    """See Positions."""

    def __init__(self, hot: HotStore) -> None:
        self._hot = hot
        self._keys = (hot.keys.positions, hot.keys.positioned)

    async def put(self, positions: Sequence[UnitPosition]) -> None:
        """See Positions."""
        if not positions:
            return
        rows = [(each.unit, epoch_ms(each.at), each.model_dump_json()) for each in positions]
        oldest = max(at for _, at, _ in rows) - _ms_kept()
        await self._hot.run(_PUT, self._keys, [oldest, *(cell for row in rows for cell in row)])

    async def between(self, begin: datetime, end: datetime) -> tuple[UnitPosition, ...]:
        """See Positions."""
        found = await self._hot.run(_BETWEEN, self._keys, [epoch_ms(begin), epoch_ms(end)])
        return tuple(UnitPosition.model_validate_json(value) for value in found)


class MemoryPositions:
    """The twin for tests and rehearsals."""

    def __init__(self) -> None:
        self._latest: dict[str, UnitPosition] = {}

    async def put(self, positions: Sequence[UnitPosition]) -> None:
        """See Positions."""
        for each in positions:
            known = self._latest.get(each.unit)
            if known is None or epoch_ms(each.at) >= epoch_ms(known.at):
                self._latest[each.unit] = each
        if positions:
            oldest = max(epoch_ms(each.at) for each in positions) - _ms_kept()
            self._latest = {unit: each for unit, each in self._latest.items() if epoch_ms(each.at) >= oldest}

    async def between(self, begin: datetime, end: datetime) -> tuple[UnitPosition, ...]:
        """See Positions."""
        found = [each for each in self._latest.values() if epoch_ms(begin) <= epoch_ms(each.at) <= epoch_ms(end)]
        return tuple(sorted(found, key=lambda each: (epoch_ms(each.at), each.unit)))


def _ms_kept() -> int:
    return int(KEPT_FOR.total_seconds() * 1000)
