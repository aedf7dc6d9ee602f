"""What the dispatcher keeps (adapters/hook_state.py) in Redis: each change is one call of hook_state.lua."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from adapters.hook_state import LEASE_MS, Escalation, Explained, Kept, LeaseLost, Turn
from adapters.hot import HotStore

SCRIPT = (Path(__file__).parent / "hook_state.lua").read_text("utf-8")
_LOAD = "return redis.call('HSCAN', KEYS[2], ARGV[2], 'COUNT', 2000)"
_WHY = "return redis.call('LRANGE', KEYS[2], 0, -1)"

Args = list[str | bytes | int]


class RedisHookState:
    """See HookState."""

    def __init__(self, hot: HotStore) -> None:
        self._hot = hot
        self._prefix = hot.keys.hooks

    async def _do(self, what: str, token: str, *args: str | bytes | int) -> bool:
        return bool(await self._hot.run(SCRIPT, (self._prefix,), [what, token, *args]))

    async def take(self, token: str) -> bool:
        """See HookState."""
        return await self._do("take", token, LEASE_MS)

    async def renew(self, token: str) -> bool:
        """See HookState."""
        return await self._do("renew", token, LEASE_MS)

    async def release(self, token: str) -> None:
        """See HookState."""
        await self._do("release", token)

    async def load(self) -> Kept:
        """See HookState."""
        records, offsets = await self._hash("board"), await self._hash("offsets")
        topic = offsets.pop("topic", None)
        escalations = {id_: Escalation.model_validate_json(value) for id_, value in (await self._hash("escalations")).items()}
        return Kept(records, {int(partition): int(offset) for partition, offset in offsets.items()}, topic, escalations)

    async def _hash(self, name: str) -> dict[str, str]:
        found: dict[str, str] = {}
        cursor = "0"
        while True:
            after, flat = await self._hot.run(_LOAD, (self._prefix + name,), [cursor])
            texts = [part.decode() for part in flat]
            found.update(zip(texts[::2], texts[1::2], strict=True))
            if (cursor := after.decode()) == "0":
                return found

    async def forget(self, token: str) -> None:
        """See HookState."""
        if not await self._do("forget", token):
            raise LeaseLost

    async def write(self, token: str, turn: Turn) -> None:
        """See HookState."""
        offsets = {str(partition): str(offset) for partition, offset in turn.offsets.items()} | (
            {"topic": turn.topic} if turn.topic else {}
        )
        escalations = {id_: None if each is None else each.model_dump_json() for id_, each in turn.escalations.items()}
        told = [(case, f"{each.marker}\n{each.model_dump_json()}") for case, each in turn.told]
        parts = (turn.records.items(), offsets.items(), escalations.items(), told)
        if not await self._do("write", token, *(arg for part in parts for arg in _flat(part))):
            raise LeaseLost

    async def explained(self, case_id: str) -> list[Explained]:
        """See HookState."""
        found: list[bytes] = await self._hot.run(_WHY, (f"{self._prefix}why:{case_id}",))
        return [Explained.model_validate_json(each.partition(b"\n")[2]) for each in found]


def _flat(pairs: Iterable[tuple[str, str | None]]) -> Args:
    known: list[Any] = [part or "" for pair in pairs for part in pair]
    return [len(known) // 2, *known]
