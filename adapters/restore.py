"""The other side of the guard: emptying and filling the hot store before `ready` is set. Only the rebuild (streams/rebuild.py) comes here.

What sifting needs of a case is derived from the case itself: its totals per source are its `seen` counts and the marks of its sources.
"""

import asyncio
import uuid
from collections.abc import AsyncIterator, Awaitable, Iterable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import Any, TypeVar, cast

from redis.asyncio import Redis
from redis.exceptions import RedisError

from adapters import sift_layout
from adapters.hot import HotStore
from adapters.sift import EIGHT_DAYS_S
from incidents.case import Case
from incidents.catalogue import Category
from incidents.errors import TryAgain
from incidents.vocabulary import State

Item = TypeVar("Item")
LEASE_MS = 10_000
"""A rebuilder that died is replaced after this."""
AT_ONCE = 500
"""Cases or marks in one transaction: nobody may wait long for Redis, not even now."""
_RELEASE = "if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end"
_RENEW = "if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('PEXPIRE', KEYS[1], ARGV[2]) end return 0"
_RUN_ID = "return string.match(redis.call('INFO', 'server'), 'run_id:(%w+)')"


class Vault:
    """The hot store without its guard; what is written goes through `writing`. Raises TryAgain when Redis is away."""

    def __init__(self, hot: HotStore) -> None:
        self._redis: Redis = hot.redis
        self._keys = hot.keys
        self._ready_on = hot.ready_on
        self._token = ""

    @asynccontextmanager
    async def lock(self) -> AsyncIterator[bool]:
        """Whether we are the one who rebuilds; held and renewed until the block ends, ten seconds more if we die in it."""
        token = self._token = uuid.uuid4().hex
        with _away():
            ours = bool(await self._redis.set(self._keys.rebuild_lock, token, nx=True, px=LEASE_MS))
        if not ours:
            yield False
            return
        renewing = asyncio.create_task(self._renew(token), name="rebuild-lock")
        try:
            yield True
        finally:
            renewing.cancel()
            await asyncio.gather(renewing, return_exceptions=True)
            with _away():
                await self._eval(_RELEASE, self._keys.rebuild_lock, token)

    async def _renew(self, token: str) -> None:
        while True:
            await asyncio.sleep(LEASE_MS / 3000)
            with suppress(TryAgain), _away():  # `writing` looks whether it was in time
                await self._eval(_RENEW, self._keys.rebuild_lock, token, str(LEASE_MS))

    async def _eval(self, script: str, key: str, *args: str) -> Any:
        return await self._redis.eval(script, 1, key, *args)

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[Any]:
        """A pipeline that is carried out when the block ends, if the lock is still ours: who slept in it may wake in another's store.

        Raises TryAgain when it is not, and when Redis is away.
        """
        with _away():
            async with self._redis.pipeline(transaction=True) as pipe:
                await pipe.watch(self._keys.rebuild_lock)
                if await pipe.get(self._keys.rebuild_lock) != self._token.encode():
                    raise TryAgain("Redis: another one rebuilds the hot store by now")
                pipe.multi()  # type: ignore[no-untyped-call]  # redis-py leaves it out
                yield pipe
                await pipe.execute()

    async def run_id(self) -> str:
        """Which Redis this is: another id after every start."""
        with _away():
            return str((await cast(Awaitable[bytes], self._redis.eval(_RUN_ID, 0))).decode())

    async def shut(self) -> None:
        """Nobody may work on it from now on."""
        async with self.writing() as pipe:
            pipe.delete(self._keys.ready)

    async def empty(self) -> None:
        """Forget everything of this city in this namespace but the clock's anchor, the lock, and what is on its way to receivers.

        Of notices whatever is still there counts: an older state of them tells something twice, an empty one might tell it never.
        """
        keep, hooks = {self._keys.clock.encode(), self._keys.rebuild_lock.encode()}, self._keys.hooks.encode()
        cursor = -1
        while cursor:
            with _away():
                cursor, found = await self._redis.scan(max(cursor, 0), match=self._keys.prefix + "*", count=1000)
            if gone := [key for key in cast(list[bytes], found) if key not in keep and not key.startswith(hooks)]:
                async with self.writing() as pipe:
                    pipe.unlink(*gone)

    async def restore_sifting(self, cases: Iterable[Case], catalogue: Mapping[str, Category]) -> None:
        """Fill what the atomic call looks at; `cases` are as told, forgotten ones left out."""
        marks, prefix = sift_layout.Marks(), self._keys.sift
        known = [(case, catalogue[case.category]) for case in cases if case.category in catalogue]
        for chunk in _chunks(known):
            async with self.writing() as pipe:
                for case, category in chunk:
                    self._put_case(pipe, case, category)
                    marks.add(case)
        for cells in _chunks(list(sift_layout.places(known))):
            async with self.writing() as pipe:
                for cell, entries in cells:
                    pipe.hset(prefix + cell, mapping=entries)
        with _away():
            seconds, _ = await self._redis.time()
        for some in _chunks(list(marks.values(seconds))):
            async with self.writing() as pipe:
                for key, source, mark in some:
                    pipe.hset(prefix + key, source, mark)

    def _put_case(self, pipe: Any, case: Case, category: Category) -> None:
        prefix = self._keys.sift
        pipe.set(f"{prefix}case:{case.case_id}", sift_layout.case_value(case, category, prefix))
        if more := sift_layout.more_totals(case):
            pipe.hset(f"{prefix}seen:{case.case_id}", mapping=more)
        identity = sift_layout.identity_of(case)
        if identity and case.state is not State.MERGED:
            pipe.set(f"{prefix}identity:{sift_layout.family_of(category)}:{identity}", case.case_id, ex=EIGHT_DAYS_S)

    async def set_events_clock(self, highest: Mapping[int, int]) -> None:
        """The highest event time told per partition (ms), for the `events` clock."""
        if highest:
            async with self.writing() as pipe:
                pipe.hset(self._keys.events_clock, mapping={str(partition): str(ms) for partition, ms in highest.items()})

    async def open(self, run_id: str) -> bool:
        """Let everybody in; False when this Redis is no longer the one that was filled."""
        if await self.run_id() != run_id:
            return False
        async with self.writing() as pipe:
            pipe.set(self._keys.ready, self._ready_on(run_id))
        return True


def _chunks(items: list[Item]) -> Iterator[list[Item]]:
    yield from (items[start : start + AT_ONCE] for start in range(0, len(items), AT_ONCE))


@contextmanager
def _away() -> Iterator[None]:
    try:
        yield
    except RedisError as error:
        raise TryAgain(f"Redis: {error}") from error
