"""Who looks at which case now, soft: said by the console's pages every twenty seconds, gone by itself after thirty, never on the record."""

import time
from collections.abc import Awaitable, Collection, Sequence
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, cast

from pydantic import AwareDatetime
from redis.asyncio import Redis
from redis.exceptions import RedisError

from adapters.hot import Keys
from incidents.case import Case
from incidents.catalogue import Frozen
from incidents.errors import TryAgain
from incidents.events import CaseId

KEPT_S = 30
TOLD_KEPT = 2_000


class Doing(StrEnum):
    """What a person does with a case; `left` ends it at once."""

    VIEWING = "viewing"
    HANDLING = "handling"
    LEFT = "left"


class Present(Frozen):
    """One person at one case, believed until `until` (real time)."""

    case_id: CaseId
    person: str
    name: str
    doing: Doing
    until: AwareDatetime


class PresenceFrame(Present):
    """The same on the feed, with what decides who is told."""

    district: str | None
    subdistrict: str | None = None
    unit: str | None
    assisting: tuple[str, ...]


class Presences:
    """Those of one city. Every method raises TryAgain when Redis is away."""

    def __init__(self, redis: "Redis", keys: Keys) -> None:
        self._redis = redis
        self._keys = keys

    async def say(self, case: Case, person: str, name: str, doing: Doing) -> Present:
        """Keep it for 30 s, and tell the feed."""
        until = datetime.fromtimestamp(time.time() + KEPT_S, UTC)
        here = Present(case_id=case.case_id, person=person, name=name, doing=doing, until=until)
        where = {"district": case.place.district, "subdistrict": case.place.subdistrict, "unit": case.unit, "assisting": case.assisting}
        frame = PresenceFrame(**here.model_dump(), **where)
        key = self._keys.presence + case.case_id
        async with self._redis.pipeline(transaction=True) as pipe:
            if doing is Doing.LEFT:
                pipe.hdel(key, person)
            else:
                pipe.hset(key, person, here.model_dump_json())
                pipe.expire(key, KEPT_S)
            pipe.xadd(self._keys.presences, {"frame": frame.model_dump_json()}, maxlen=TOLD_KEPT, approximate=True)
            await _ask(pipe.execute())
        return here

    async def of(self, case_ids: Collection[str]) -> dict[str, Sequence[Present]]:
        """Who is at each of these cases now, by name; cases that nobody is at are left out."""
        async with self._redis.pipeline(transaction=False) as pipe:
            for case_id in case_ids:
                pipe.hvals(self._keys.presence + case_id)
            found = await _ask(pipe.execute())
        now = datetime.now(UTC)
        there = {case_id: [Present.model_validate_json(value) for value in values] for case_id, values in zip(case_ids, found, strict=True)}
        return {
            case_id: sorted((each for each in all_ if each.until > now), key=lambda each: (each.name, each.person))
            for case_id, all_ in there.items()
            if any(each.until > now for each in all_)
        }

    async def close(self) -> None:
        """Close the connections."""
        await cast(Awaitable[None], self._redis.aclose())


async def _ask(answer: Any) -> Any:
    try:
        return await answer
    except RedisError as error:
        raise TryAgain(f"Redis: {error}") from error
