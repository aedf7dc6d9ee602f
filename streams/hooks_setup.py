"""What the role `hooks` works with: what its files say (hooks_files.py), and the stores of the stack."""

from collections.abc import Sequence

from adapters.database import Database, open_database
from adapters.deliveries_redis import RedisDeliveries
from adapters.fault import Fault
from adapters.hook_state_redis import RedisHookState
from adapters.silences import Silences
from config.settings import Settings
from config.topics import ALERTS_UNDELIVERED
from handlers.engine import Engine, Rules
from handlers.undelivered import on_topic
from incidents.silences import KeptSilence
from streams.deps import Deps
from streams.hooks_files import follow_files
from streams.hooks_heartbeat import Pulse
from streams.hooks_shift import Setup
from streams.hooks_silences import SilenceWatch


def open_setup(deps: Deps, rules: Rules | None = None) -> Setup | None:
    """What the role works with; None for a city without hooks.toml. Raises ConfigError, UserError: a person must put something right."""
    settings, city = deps.settings, deps.city
    files = follow_files(settings, city)
    if files is None:
        return None
    said, queue = files.value, RedisDeliveries(deps.hot)
    bury = on_topic(deps.publisher, settings.named(ALERTS_UNDELIVERED.name))
    return Setup(
        settings=settings,
        city=city,
        files=files,
        said=said,
        engine=Engine(queue, said.telling.receivers, bury, rules, Fault(settings.fault)),
        queue=queue,
        state=RedisHookState(deps.hot),
        silences=SilenceWatch(Shelf(settings), city.time_zone, deps.clock.now),
        now=deps.clock.now,
        pulse=Pulse(said.hooks.heartbeat, said.telling.receivers.transports),
    )


class Shelf:
    """The silences as the dispatcher reads them: the database is brought up to date before the first time."""

    def __init__(self, settings: Settings) -> None:
        self._database: Database = open_database(settings)
        self._silences = Silences(self._database, settings.named(settings.city))
        self._upgraded = False

    def listed(self, *, expired: bool = True) -> list[KeptSilence]:
        """See hooks_silences.Shelf."""
        if not self._upgraded:
            self._database.upgrade()
            self._upgraded = True
        return self._silences.listed(expired=expired)

    def warned(self, ids: Sequence[str]) -> None:
        """See hooks_silences.Shelf."""
        self._silences.warned(ids)
