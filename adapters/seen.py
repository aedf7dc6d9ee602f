"""What the cases count themselves, as the hot store has it: the totals per source that sifting keeps (adapters/sift_kept.lua).

The audit compares them with the fates; nothing here writes.
"""

import asyncio
from collections.abc import Sequence

from adapters.hot import HotStore, Keys, connect
from adapters.sift_layout import totals_in
from config.settings import Settings
from incidents.audit_checks import Totals

AT_ONCE = 200  # cases per call: about a millisecond of Redis
SCRIPT = """
local r, prefix = {}, KEYS[2]
for i = 2, #ARGV do
  r[i - 1] = {redis.call('GET', prefix .. 'case:' .. ARGV[i]) or '', redis.call('HVALS', prefix .. 'seen:' .. ARGV[i])}
end
return r
"""


def read_seen(settings: Settings, cluster_id: str, case_ids: Sequence[str]) -> dict[str, Totals]:
    """Totals of those cases that the hot store knows. Raises TryAgain when Redis is away, NotReady when it must be rebuilt first."""
    return asyncio.run(_read(settings, cluster_id, case_ids))


async def _read(settings: Settings, cluster_id: str, case_ids: Sequence[str]) -> dict[str, Totals]:
    hot = HotStore(connect(settings.redis_url), Keys(settings.namespace, settings.city), cluster_id)
    try:
        return await totals_of(hot, case_ids)
    finally:
        await hot.close()


async def totals_of(hot: HotStore, case_ids: Sequence[str]) -> dict[str, Totals]:
    """The same over a connection that is there."""
    found: dict[str, Totals] = {}
    for start in range(0, max(1, len(case_ids)), AT_ONCE):
        some = case_ids[start : start + AT_ONCE]
        answers: list[tuple[bytes, list[bytes]]] = await hot.run(SCRIPT, [hot.keys.sift], some)
        totals = (_totals(*answer) for answer in answers)
        found.update((case_id, total) for case_id, total in zip(some, totals, strict=True) if total.positions)
    return found


def _totals(case: bytes, more: Sequence[bytes]) -> Totals:
    """The sum over a case's sources."""
    totals = list(totals_in(case, more))
    return Totals(sum(count for count, _ in totals), tuple(last for _, last in totals))
