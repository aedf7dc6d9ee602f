"""The audit's figures, live: fed from `incidents.fates` as intake writes it, and from the ends of `incidents.reported`.

These are a view, not the audit: `cityloop audit` takes a cut and checks it against the cases. Kept in memory, rebuilt at every start.
"""

import asyncio

import structlog

from adapters.bus import topic_state
from adapters.fates import decode_fates
from adapters.follow import Follower
from config.settings import Settings
from config.topics import FATES, REPORTED
from incidents.audit import REFUSED, Tally
from incidents.decision import Verdict
from incidents.errors import TryAgain
from incidents.fates import Flush

log = structlog.get_logger(__name__)

POLL_S = 1.0
SAME_TOPIC_S = 30.0  # how often the id of the topic is looked at: it changes only when somebody deletes it
BACKOFF_S = 1.0


class Counters:
    """`run` it as a task; `figures` are as of the last second. `working` says whether Kafka answers."""

    def __init__(self, settings: Settings) -> None:
        self.working = False
        self._bootstrap = settings.kafka_bootstrap
        self._fates = FATES.named(settings.namespace)
        self._reported = REPORTED.named(settings.namespace)
        self._tally: Tally | None = None
        self._ends = 0

    def figures(self) -> dict[str, int]:
        """`reported = opened + merged + held + resent + rejected + lost + pending`: the last is what intake has yet to judge."""
        counts = self._tally.counts() if self._tally else dict.fromkeys(Verdict, 0)
        kept = {str(v): counts[v] for v in (Verdict.OPENED, Verdict.MERGED, Verdict.HELD, Verdict.RESENT)}
        judged = kept | {"rejected": sum(counts[v] for v in REFUSED), "lost": counts[Verdict.LOST]}
        reported = max(self._ends, sum(judged.values()))
        return {"reported": reported, **judged, "pending": reported - sum(judged.values())}

    async def run(self) -> None:
        """Follow for ever; begin anew when Kafka was away or the topic of reports is another one."""
        while True:
            follower = Follower(self._bootstrap, self._fates)
            try:
                await follower.start()
                await self._follow(follower)
            except TryAgain as error:
                log.warning("the counters wait for Kafka", error=str(error))
                self.working = False
                await asyncio.sleep(BACKOFF_S)
            finally:
                await follower.stop()

    async def _follow(self, follower: Follower) -> None:
        """Ends without an error when the topic of reports was made anew."""
        now = asyncio.get_running_loop().time
        tally = Tally((await topic_state(self._bootstrap, self._reported)).topic_id)
        counted_at, looked_at = 0.0, now()
        while now() - looked_at < SAME_TOPIC_S or await self._is_same(tally):
            looked_at = looked_at if now() - looked_at < SAME_TOPIC_S else now()
            for record in await follower.read():
                said = decode_fates(record.value)
                if isinstance(said, Flush):
                    tally.add_fates(said)
            if now() - counted_at >= POLL_S and await follower.caught_up():
                self._ends, counted_at = await follower.length(self._reported, REPORTED.partitions), now()
                self._tally, self.working = tally, True

    async def _is_same(self, tally: Tally) -> bool:
        return (await topic_state(self._bootstrap, self._reported)).topic_id == tally.topic_id
