"""What people asked of cases over the API, and what came of it, in Redis: so that the same request twice is one command with one answer.

A record per command id, kept for 24 hours: a print of what was asked, and the outcome once it is known; closure's own answer (ten minutes)
fills it. A flush forgets them: then a repeated command is decided again, and closure still knows the last ones that a case accepted.
"""

from collections.abc import Collection, Sequence
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import RedisError

from adapters.hot import Keys
from incidents.catalogue import Frozen
from incidents.commands import Outcome
from incidents.errors import TryAgain
from incidents.events import CaseId

KEPT_S = 24 * 3600


class Asked(Frozen):
    """One command as it was asked; `print` is a hash of all that was said, `outcome` None until somebody knows it."""

    command_id: str
    case_id: CaseId
    print: str
    outcome: Outcome | None = None


class AskedCommands:
    """The records of one city. Every method raises TryAgain when Redis is away."""

    def __init__(self, redis: "Redis", keys: Keys) -> None:
        self._redis = redis
        self._keys = keys

    async def begin(self, asked: Sequence[Asked]) -> list[Asked | None]:
        """Keep those that are new; of the others what was kept, in the same order."""
        async with self._redis.pipeline(transaction=False) as pipe:
            for each in asked:
                pipe.set(self._keys.asked + each.command_id, each.model_dump_json(), ex=KEPT_S, nx=True, get=True)
            found = await _ask(pipe.execute())
        return [None if value is None else Asked.model_validate_json(value) for value in found]

    async def one(self, command_id: str) -> Asked | None:
        """What was asked under this id; with closure's answer, where it is known."""
        value, reply = await _ask(self._redis.mget(self._keys.asked + command_id, self._keys.reply + command_id))
        if value is None:
            return None
        asked = Asked.model_validate_json(value)
        if asked.outcome is None and reply is not None:
            return asked.model_copy(update={"outcome": Outcome.model_validate_json(reply)})
        return asked

    async def answered(self, command_ids: Collection[str]) -> dict[str, Outcome]:
        """Closure's answers to these commands, as far as there are any; one call however many are asked for."""
        if not command_ids:
            return {}
        values = await _ask(self._redis.mget([self._keys.reply + each for each in command_ids]))
        outcomes = (Outcome.model_validate_json(value) for value in values if value)
        return {outcome.command_id: outcome for outcome in outcomes}

    async def keep(self, asked: Sequence[Asked]) -> None:
        """Keep what came of them."""
        async with self._redis.pipeline(transaction=False) as pipe:
            for each in asked:
                pipe.set(self._keys.asked + each.command_id, each.model_dump_json(), xx=True, keepttl=True)
            await _ask(pipe.execute())


async def _ask(answer: Any) -> Any:
    try:
        return await answer
    except RedisError as error:
        raise TryAgain(f"Redis: {error}") from error
