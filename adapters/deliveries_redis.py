"""The queue of deliveries in Redis (adapters/deliveries.py): each change of it is one call of deliveries.lua."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import orjson

from adapters.deliveries import Attempt, Claimed, Delivery, Late, Order, Settled, Standing, State, TargetStanding
from adapters.hot import HotStore
from incidents.notices import Notice

SCRIPT = (Path(__file__).parent / "deliveries.lua").read_text("utf-8")
TARGETS_AT_ONCE = 500


class RedisDeliveries:
    """See Deliveries."""

    def __init__(self, hot: HotStore) -> None:
        self._hot = hot
        self._keys = (hot.keys.hooks,)

    async def _do(self, what: str, now: int, *args: str | bytes | int) -> Any:
        return await self._hot.run(SCRIPT, self._keys, [what, now, *args])

    async def enqueue(self, orders: Sequence[Order], now: int) -> int:
        """See Deliveries."""
        args = [part for order in orders for part in (_row(order), order.notice.model_dump_json())]
        return int(await self._do("enqueue", now, *args)) if args else 0

    async def claim(self, now: int, most: int, lease_ms: int) -> list[Claimed]:
        """See Deliveries."""
        return [_claimed(row) for row in await self._do("claim", now, most, lease_ms)]

    async def settle(self, settled: Sequence[Settled], now: int) -> int:
        """See Deliveries."""
        return int(await self._do("settle", now, *(_end(each) for each in settled))) if settled else 0

    async def sweep(self, now: int, lost: Attempt) -> int:
        """See Deliveries."""
        return int(await self._do("sweep", now, lost.model_dump_json()))

    async def late(self, now: int) -> list[Late]:
        """See Deliveries."""
        found = await self._do("late", now)
        return [Late(id_.decode(), target.decode(), Notice.model_validate_json(notice)) for id_, target, notice in found]

    async def fell_back(self, ids: Sequence[str], now: int) -> None:
        """See Deliveries."""
        await self._do("fell_back", now, *ids)

    async def unsaid(self) -> list[Delivery]:
        """See Deliveries."""
        found = ((id_.decode(), _shown(id_.decode(), fields)) for id_, fields in await self._do("unsaid", 0))
        return [delivery for _, delivery in found if delivery is not None]

    async def said(self, ids: Sequence[str]) -> None:
        """See Deliveries."""
        await self._do("said", 0, *ids)

    async def replay(self, ids: Sequence[str], now: int) -> int:
        """See Deliveries."""
        return int(await self._do("replay", now, *ids))

    async def enable(self, target: str, now: int) -> None:
        """See Deliveries."""
        await self._do("enable", now, target)

    async def show(self, id_: str) -> Delivery | None:
        """See Deliveries."""
        return _shown(id_, await self._do("show", 0, id_))

    async def listed(self, state: State, most: int) -> list[str]:
        """See Deliveries."""
        which = "dead" if state is State.DEAD else "waiting"
        return [id_.decode() for id_ in await self._do("listed", 0, which, most)]

    async def targets(self) -> list[TargetStanding]:
        """See Deliveries."""
        names = sorted(name.decode() for name in await self._do("known", 0))
        parts = [names[at : at + TARGETS_AT_ONCE] for at in range(0, len(names), TARGETS_AT_ONCE)]
        return [_target(name, row) for part in parts for name, row in zip(part, await self._do("targets", 0, *part), strict=True)]

    async def standing(self, now: int) -> Standing:
        """See Deliveries."""
        *numbers, oldest, next_ = await self._do("standing", now)
        return Standing(*numbers, *(int(float(time)) if time else None for time in (oldest, next_)))


def _row(order: Order) -> bytes:
    return orjson.dumps(
        {
            "id": order.id,
            "target": order.target,
            "line": order.notice.group_key,
            "sequence": order.notice.sequence,
            "minute": order.minute,
            "second": order.second,
            "fallback": -1 if order.fallback_ms is None else order.fallback_ms,
        }
    )


def _claimed(row: Sequence[Any]) -> Claimed:
    id_, turn, tries, target, queued, failures, since, disabled, notices = row
    told = tuple(Notice.model_validate_json(notice) for notice in notices)
    began = int(since) if since else None
    return Claimed(id_.decode(), turn, tries, target.decode(), int(queued), told, int(failures), began, disabled.decode() or None)


def _end(end: Settled) -> bytes:
    fields: dict[str, Any] = {"id": end.id, "turn": end.turn, "outcome": end.end.value, "attempt": end.attempt.model_dump_json()}
    fields |= {"at": end.at_ms, "hold": end.hold_ms, "fault": end.fault, "early": end.early}
    return orjson.dumps(fields | ({"disable": end.disable} if end.disable else {}))


def _shown(id_: str, flat: Sequence[bytes]) -> Delivery | None:
    fields = {name.decode(): value for name, value in _pairs(flat)}
    if not fields:
        return None
    notice = fields.get("notice")
    digest = fields.get("in")
    return Delivery(
        id=id_,
        target=fields["target"].decode(),
        line=fields["line"].decode(),
        sequence=int(fields["sequence"]),
        state=State(fields["state"].decode()),
        queued_ms=int(fields["queued"]),
        tries=int(fields["tries"]),
        attempts=tuple(Attempt.model_validate(each) for each in orjson.loads(b"[" + fields.get("attempts", b"") + b"]")),
        notice=None if notice is None else Notice.model_validate_json(notice),
        ended_ms=int(fields["ended"]) if "ended" in fields else None,
        fallback_ms=int(fields["fallback"]) if "fallback" in fields else None,
        digest=None if digest is None else digest.decode(),
    )


def _target(name: str, row: Sequence[bytes | None]) -> TargetStanding:
    waiting, failures, since, hold = (None if value is None else int(float(value)) for value in row[:4])
    disabled = None if row[4] is None else row[4].decode()
    return TargetStanding(name, waiting or 0, failures or 0, since, hold, disabled)


def _pairs(flat: Sequence[bytes]) -> Iterable[tuple[bytes, bytes]]:
    return zip(flat[::2], flat[1::2], strict=True)
