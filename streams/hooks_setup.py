"""What the role `hooks` works with: made from a city's hooks.toml and duty.toml, its secrets, and the stores of the stack."""

from collections.abc import Mapping, Sequence

from adapters.database import Database, open_database
from adapters.deliveries_redis import RedisDeliveries
from adapters.fault import Fault
from adapters.hook_state_redis import RedisHookState
from adapters.links import Links
from adapters.secrets import load_secrets
from adapters.silences import Silences
from config.load_duty import load_duty
from config.load_hooks import load_hooks
from config.settings import Settings
from config.topics import ALERTS_UNDELIVERED
from handlers.channel import Target, Transport
from handlers.duty import Duty, duty_targets
from handlers.engine import Engine, Rules
from handlers.mail import Mail
from handlers.outbound import Doors, Outbound
from handlers.receivers import Targets, kinds, names_of, receivers_of
from handlers.undelivered import on_topic
from incidents.catalogue import City
from incidents.hooks import Hooks
from incidents.silences import KeptSilence
from streams.deps import Deps
from streams.hooks_heartbeat import Pulse
from streams.hooks_shift import Setup
from streams.hooks_silences import SilenceWatch
from streams.hooks_telling import Telling


def open_setup(deps: Deps, rules: Rules | None = None) -> Setup | None:
    """What the role works with; None for a city without hooks.toml. Raises ConfigError, UserError: a person must put something right."""
    settings, city = deps.settings, deps.city
    hooks = load_hooks(settings, city, kinds())
    if hooks is None:
        return None
    told = open_telling(settings, city, hooks)
    queue = RedisDeliveries(deps.hot)
    bury = on_topic(deps.publisher, settings.named(ALERTS_UNDELIVERED.name))
    return Setup(
        settings=settings,
        city=city,
        rules=hooks.rules,
        telling=told,
        engine=Engine(queue, told.receivers, bury, rules, Fault(settings.fault)),
        queue=queue,
        state=RedisHookState(deps.hot),
        silences=SilenceWatch(Shelf(settings), city.time_zone, deps.clock.now),
        now=deps.clock.now,
        pulse=None if hooks.heartbeat is None else Pulse(hooks.heartbeat, told.receivers.transports),
    )


def open_telling(settings: Settings, city: City, hooks: Hooks) -> Telling:
    """Whom there is to tell. Raises UserError."""
    made = Targets(settings, city, settings.console_url)
    duty = open_duty(settings, city, hooks, made)
    targets: Mapping[str, Target] = {**made.of(hooks), **(duty.targets if duty is not None else {})}
    doors = Doors(hooks.allow)
    http, mail = Outbound(doors), Mail(doors)
    transports: dict[str, Transport] = {"http": http, "https": http, "smtp": mail, "smtps": mail}
    return Telling(receivers_of(hooks, targets, transports), names_of(hooks), hooks.subscriptions, duty)


def open_duty(settings: Settings, city: City, hooks: Hooks, made: Targets) -> Duty | None:
    """The roster at work; None where no receiver asks for it. Raises ConfigError and UserError."""
    if not hooks.calls:
        return None
    roster = load_duty(settings, city)
    links = Links(load_secrets(settings)) if settings.console_url and roster.people else None
    return Duty(city, roster, hooks.calls, duty_targets(city, roster, made.build, links, settings.console_url))


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
