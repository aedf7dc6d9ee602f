"""What a city's hooks.toml and duty.toml say, at work: the rules of the board, whom there is to tell, and the sign of life.

Read at the start of the role `hooks`, and again whenever the files change (adapters/followed.py).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from adapters.clock import parse_clock
from adapters.followed import Followed
from adapters.links import Links
from adapters.secrets import load_secrets
from config.load import city_folder
from config.load_duty import FILES as DUTY_FILES
from config.load_duty import load_duty
from config.load_hooks import FILE, load_hooks
from config.settings import Settings
from handlers.channel import Target, Transport
from handlers.duty import Duty, duty_targets
from handlers.mail import Mail
from handlers.outbound import Doors, Outbound
from handlers.receivers import Targets, kinds, names_of, receivers_of
from incidents.catalogue import City
from incidents.errors import UserError
from incidents.hooks import Hooks
from streams.hooks_telling import Telling


@dataclass(frozen=True)
class Said:
    """The files as they were read, with open transports."""

    hooks: Hooks
    telling: Telling


def files_of(settings: Settings) -> list[Path]:
    """Those that are followed, hooks.toml first."""
    folder = city_folder(settings)
    return [folder / name for name in (FILE, *DUTY_FILES)]


def follow_files(settings: Settings, city: City) -> Followed[Said] | None:
    """What they say now and from here on; None for a city without hooks.toml. Raises ConfigError, UserError: a person must put something
    right."""
    files = files_of(settings)
    return Followed("hooks", files, lambda: _said(settings, city)) if files[0].is_file() else None


def _said(settings: Settings, city: City) -> Said:
    hooks = load_hooks(settings, city, kinds())
    if hooks is None:
        raise UserError(f"{FILE} of {city.key} is gone; put it back, or stop `cityloop hooks run` to tell nobody any more")
    return Said(hooks, open_telling(settings, city, hooks))


def open_telling(settings: Settings, city: City, hooks: Hooks) -> Telling:
    """Whom there is to tell. Raises UserError."""
    made = Targets(settings, city, settings.console_url)
    duty = open_duty(settings, city, hooks, made)
    targets: Mapping[str, Target] = {**made.of(hooks), **(duty.targets if duty is not None else {})}
    doors = Doors(hooks.allow)
    http, mail = Outbound(doors), Mail(doors)
    transports: dict[str, Transport] = {"http": http, "https": http, "smtp": mail, "smtps": mail}
    receivers = receivers_of(hooks, targets, transports, limited=parse_clock(settings.clock).speed <= 1)
    return Telling(receivers, names_of(hooks), hooks.subscriptions, duty)


def open_duty(settings: Settings, city: City, hooks: Hooks, made: Targets) -> Duty | None:
    """The roster at work; None where no receiver asks for it. Raises ConfigError and UserError."""
    if not hooks.calls:
        return None
    roster = load_duty(settings, city)
    links = Links(load_secrets(settings)) if settings.console_url and roster.people else None
    return Duty(city, roster, hooks.calls, duty_targets(city, roster, made.build, links, settings.console_url))
