"""What the console shows of notices: the queue of deliveries, the targets, why a case was told, how often each rule decided. It only reads.

It reads past the guard of `adapters.hot` (as adapters/console_view.py does): what it shows decides nothing, and a hot store that is being
filled again is said by `is_complete`. Every method raises TryAgain when Redis is away.
"""

from collections.abc import Iterable, Sequence
from typing import Any, cast

import orjson
from redis.exceptions import RedisError

from adapters.deliveries import Delivery, Standing, State, TargetStanding
from adapters.deliveries_redis import RedisDeliveries
from adapters.hook_state import Explained
from adapters.hook_state_redis import RedisHookState
from adapters.hot import HotStore, Keys, connect
from config.settings import Settings
from incidents.errors import TryAgain
from incidents.notice_group import Hit

AT_ONCE = 100


class _PastTheGuard(HotStore):
    """Scripts that only read, on whatever Redis this is."""

    async def run(self, source: str, keys: Sequence[str] = (), args: Sequence[str | bytes | int] = ()) -> Any:
        """The script's reply."""
        try:
            return await cast(Any, self.redis.eval(source, len(keys) + 1, self.keys.ready, *keys, self.filled, *args))
        except RedisError as error:
            raise TryAgain(f"Redis: {error}") from error


class HookView:
    """Reads for one console process."""

    def __init__(self, settings: Settings) -> None:
        self._hot = _PastTheGuard(connect(settings.redis_url), Keys(settings.namespace, settings.city), "")
        self._queue = RedisDeliveries(self._hot)
        self._state = RedisHookState(self._hot)

    async def is_complete(self) -> bool:
        """Whether somebody has filled the hot store and no rebuild is under way."""
        return bool(await self._hot.run("return redis.call('EXISTS', KEYS[1])"))

    async def dispatches(self) -> bool:
        """Whether some process of the role `hooks` decides who is told."""
        return bool(await self._hot.run("return redis.call('EXISTS', KEYS[2])", [f"{self._hot.keys.hooks}lease"]))

    async def standing(self, now: int) -> Standing:
        """The queue in numbers."""
        return await self._queue.standing(now)

    async def targets(self) -> list[TargetStanding]:
        """Every target that was ever told something."""
        return await self._queue.targets()

    async def deliveries(self, state: State, most: int) -> list[Delivery]:
        """Those that wait, the oldest first, or that were given up, the newest first."""
        found = await self._queue.listed(state, most) if state is not State.DEAD else await self._newest_dead(most)
        shown = [await self._queue.show(id_) for id_ in found]
        return [each for each in shown if each is not None]

    async def _newest_dead(self, most: int) -> list[str]:
        script = "return redis.call('ZREVRANGE', KEYS[2], 0, ARGV[2])"
        return [id_.decode() for id_ in await self._hot.run(script, [f"{self._hot.keys.hooks}dead"], [most - 1])]

    async def explained(self, case_id: str) -> list[Explained]:
        """Why a case was told to whom, or was not, the newest first."""
        return await self._state.explained(case_id)

    async def became(self, ids: Iterable[str]) -> list[Delivery]:
        """Those of these deliveries that are remembered."""
        shown = [await self._queue.show(id_) for id_ in ids]
        return [each for each in shown if each is not None]

    async def hits(self, rules: Sequence[str]) -> dict[str, Hit]:
        """How often each of these rules (`Board.hits`) has decided."""
        found: dict[str, Hit] = {}
        for at in range(0, len(rules), AT_ONCE):
            some = rules[at : at + AT_ONCE]
            script = "return redis.call('HMGET', KEYS[2], unpack(ARGV, 2))"
            values = await self._hot.run(script, [f"{self._hot.keys.hooks}board"], [f"hit/{rule}" for rule in some])
            found |= {rule: Hit() if value is None else Hit.read(orjson.loads(value)) for rule, value in zip(some, values, strict=True)}
        return found

    async def close(self) -> None:
        """Close the connections."""
        await self._hot.close()
