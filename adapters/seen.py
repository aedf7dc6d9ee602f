"""What the cases count themselves, as the hot store has it: the totals per source that sifting keeps (adapters/sift.lua, `seen:`).

The audit compares them with the fates; nothing here writes.
"""

import asyncio
from collections.abc import Mapping, Sequence

from adapters.hot import HotStore, Keys, connect
from config.settings import Settings
from incidents.audit_checks import Totals
from incidents.case import Position

AT_ONCE = 200  # keys per call: about a millisecond of Redis
SCRIPT = "local r = {} for i = 2, #KEYS do r[i - 1] = redis.call('HVALS', KEYS[i]) end return r"


def read_seen(settings: Settings, cluster_id: str, case_ids: Sequence[str]) -> dict[str, Totals]:
    """Totals of those cases that the hot store knows. Raises TryAgain when Redis is away, NotReady when it must be rebuilt first."""
    return asyncio.run(_read(settings, cluster_id, case_ids))


async def _read(settings: Settings, cluster_id: str, case_ids: Sequence[str]) -> dict[str, Totals]:
    keys = Keys(settings.namespace, settings.city)
    hot = HotStore(connect(settings.redis_url), keys, cluster_id)
    found: dict[str, Totals] = {}
    try:
        for start in range(0, max(1, len(case_ids)), AT_ONCE):
            some = case_ids[start : start + AT_ONCE]
            answers: list[list[bytes]] = await hot.run(SCRIPT, [f"{keys.sift}seen:{case_id}" for case_id in some])
            found.update(_totals(dict(zip(some, answers, strict=True))))
    finally:
        await hot.close()
    return found


def _totals(answers: Mapping[str, Sequence[bytes]]) -> dict[str, Totals]:
    return {case_id: parse_seen([value.decode() for value in values]) for case_id, values in answers.items() if values}


def parse_seen(values: Sequence[str]) -> Totals:
    """The sum over a case's sources, each `count|first|last|topic id|partition|offset`.

    >>> parse_seen(["3|0|9|T|1|17", "1|2|2|T|0|4"]).count
    4
    """
    parts = [value.split("|") for value in values]
    positions = tuple(Position(topic_id=topic, partition=int(partition), offset=int(offset)) for *_, topic, partition, offset in parts)
    return Totals(sum(int(part[0]) for part in parts), positions)
