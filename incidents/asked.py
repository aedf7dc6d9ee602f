"""The question that every guard answers, and the answer's shape: None, or the reason why not (`incidents.refusals`)."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from incidents.case import Case
from incidents.catalogue import City
from incidents.commands import Command
from incidents.vocabulary import Role


@dataclass(frozen=True, slots=True)
class Asked:
    """The question: may this command, given at `at` on the city's clock, move this case?"""

    city: City
    case: Case
    command: Command
    at: datetime

    @property
    def by_rule(self) -> bool:
        """Whether a rule asks and no person."""
        return self.command.actor.role is Role.SYSTEM

    def local(self, moment: datetime) -> str:
        """A moment as people of the city read it, to the minute."""
        return f"{moment.astimezone(ZoneInfo(self.city.time_zone)):%Y-%m-%d %H:%M}"


Guard = Callable[[Asked], str | None]
