"""Builders for the tests of the atomic call: groups in metres and seconds around one point, and a Redis that passes the guard."""

import itertools
from collections.abc import Awaitable
from typing import cast

from redis.asyncio import Redis

from adapters.hot import HotStore, Keys, connect
from adapters.sift import RedisSift
from incidents.steps.sifting import CM, Group, MatchRule

X, Y, COS = 1_203_826_000, 360_671_000, 808_000
T0 = 1_795_219_200_000
CLUSTER = "cluster"
serial = itertools.count(1)


def rule(**changes: object) -> MatchRule:
    """50 m, two hours, place: road spillage."""
    numbers: dict[str, object] = {
        "radius": 5000,
        "window": 7_200_000,
        "span": 0,
        "recurs": 604_800_000,
        "quiet": 86_400_000,
        "by_place": True,
        "moving": False,
        "confirm": 1,
    }
    return MatchRule(**(numbers | changes))  # type: ignore[arg-type]


def group(source: str, offsets: int | list[int], *, east_m: float = 0, s: float = 0, **changes: object) -> Group:
    """One source's reports at these offsets, `east_m` from the point, `s` seconds after T0 (one more each)."""
    where = [offsets] if isinstance(offsets, int) else offsets
    fields: dict[str, object] = {
        "source": source,
        "family": "road_spillage",
        "identity": "",
        "x": X + round(east_m * 100 / CM / COS * 1_000_000),
        "y": Y,
        "cos": COS,
        "known": True,
        "tight": True,
        "machine": True,
        "urgent": 2,
        "rule": rule(),
        "new_id": f"QD-{source}-{where[0]}",
        "opening": f'{{"by":"{source}:{where[0]}"}}',
        "category": "road_spillage",
        "offsets": where,
        "times": [T0 + round(s * 1000) + 1000 * at for at in range(len(where))],
        "keys": [next(serial) for _ in where],
        "values": [b"" for _ in where],
    }
    return Group(**(fields | changes))  # type: ignore[arg-type]


def hinted(source: str, case: str, offsets: int | list[int], **where: object) -> Group:
    """Recognised repeats: a hint, and nothing to open a case with."""
    return group(source, offsets, hint=case, new_id="", opening="", **where)  # type: ignore[arg-type]


async def ready(redis: "Redis", keys: Keys) -> None:
    """Set the key that the guard asks for."""
    run_id = await cast(Awaitable[bytes], redis.eval("return string.match(redis.call('INFO', 'server'), 'run_id:(%w+)')", 0))
    await redis.set(keys.ready, f"{run_id.decode()}:{CLUSTER}")


async def redis_sift(url: str, namespace: str) -> tuple[RedisSift, HotStore]:
    """The real store in a namespace, ready."""
    redis = connect(url)
    keys = Keys(namespace, "qingdao")
    await ready(redis, keys)
    hot = HotStore(redis, keys, CLUSTER)
    return RedisSift(hot, "r1"), hot
