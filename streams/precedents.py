"""What arbiters decided, as rules that routing consults first: a small table in every process, followed on `routes.precedents`.

The topic is compacted, one record per category and district, so the newest decision stands for ever and any worker has all of them soon
after its start. Routing writes each when it reads the fact `arbitrated`; a tombstone takes one back (`cityloop routes forget`).
"""

from collections.abc import Mapping, Sequence

import structlog
from mode import Service
from pydantic import ValidationError

from adapters import metrics
from adapters.bus import Out, Publisher
from adapters.follow import ConsumerRecord, Follower
from config.settings import Settings
from config.topics import PRECEDENTS
from incidents.case import Precedent
from incidents.errors import TryAgain
from incidents.route_choice import precedent_key
from streams.agents import BACKOFF_S

log = structlog.get_logger(__name__)


class Precedents(Service):
    """The table; until it has been read to the end it answers TryAgain, for a decision without it could be another one."""

    def __init__(self, settings: Settings, publisher: Publisher) -> None:
        super().__init__()
        self._bootstrap = settings.kafka_bootstrap
        self._topic = settings.named(PRECEDENTS.name)
        self._publisher = publisher
        self._table: dict[str, Precedent] = {}
        self._complete = False

    def known(self) -> Mapping[str, Precedent]:
        """All precedents by `precedent_key`. Raises TryAgain until the topic was read once."""
        if not self._complete:
            raise TryAgain(f"{self._topic} is not yet read to its end")
        return self._table

    async def keep(self, precedents: Sequence[Precedent]) -> None:
        """Publish those that are newer than what is known; returns when they are durable and known here. Raises TryAgain.

        So a fact that is read again after a crash does not bring an overruled decision back.
        """
        keyed = [(precedent_key(each.category, each.district), each) for each in precedents]
        keyed = [(key, each) for key, each in keyed if key not in (known := self.known()) or each.at >= known[key].at]
        if not keyed:
            return
        await self._publisher.publish([Out(self._topic, key.encode(), each.model_dump_json().encode()) for key, each in keyed])
        self._table.update(keyed)

    @Service.task
    async def _run(self) -> None:
        failures = 0
        while not self.should_stop:
            follower = Follower(self._bootstrap, self._topic)
            try:
                await follower.start()
                while not self.should_stop:
                    self._take(await follower.read())
                    self._complete = self._complete or await follower.caught_up()
                    failures = 0
            except TryAgain as error:
                metrics.RETRIES.labels("routing").inc()
                log.warning("precedents wait for Kafka", error=str(error))
                await self.sleep(BACKOFF_S[min(failures, len(BACKOFF_S) - 1)])
                failures += 1
            finally:
                await follower.stop()

    def _take(self, records: Sequence[ConsumerRecord]) -> None:
        for record in records:
            key = (record.key or b"").decode("utf-8", "replace")
            try:
                if record.value is None:
                    self._table.pop(key, None)
                else:
                    self._table[key] = Precedent.model_validate_json(record.value)
            except ValidationError as error:
                log.error("not a precedent, passed over", key=key, offset=record.offset, error=str(error)[:300])
