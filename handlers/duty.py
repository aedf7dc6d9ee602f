"""Whoever is on duty as targets: expands a `[[receivers.duty]]` at the moment of telling into the addresses of the people it means.

Every channel of every person of the roster is a target, `duty/<person>/<kind>`, and once more as `…/urgent`. An emergency goes to all of a
person's channels at once, by voice too, and never waits; anything else to the first, with the others as its fallback, and not by voice.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from adapters.links import Links
from handlers.channel import Profile, Target
from incidents.catalogue import City
from incidents.duty import DutyCall, DutyPerson, Post, Roster, called, person_on_duty
from incidents.notices import Alert, Notice
from incidents.rights import may_command
from incidents.vocabulary import CommandType, Severity

VOICE = "voice"
Build = Callable[[str, str, Mapping[str, Any]], Target]
"""A target from its name, its kind and its section of the configuration; raises UserError."""


@dataclass(frozen=True, slots=True)
class Summons:
    """What a receiver's people are to be told, and when: `notice` has only the alerts that call them, `targets` are their addresses.

    With `at` later than asked there are no targets yet: ask again then, with this notice. `why` is for `explain`.
    """

    notice: Notice
    targets: tuple[str, ...]
    at: datetime
    why: str


class TapLinks(Mapping[str, str]):
    """The addresses by which a person acknowledges cases with one tap, by case id; signed when they are asked for."""

    def __init__(self, links: Links, person: str, console: str) -> None:
        self._links, self._person, self._console = links, person, console.rstrip("/")

    def __getitem__(self, case_id: str) -> str:
        return f"{self._console}/ack/{self._links.token(case_id, self._person)}"

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return 0


class Duty:
    """The roster at work. `calls` are the `[[receivers.duty]]` of each receiver; `targets` belong into `Receivers.targets`."""

    def __init__(self, city: City, roster: Roster, calls: Mapping[str, Sequence[DutyCall]], targets: Mapping[str, Target]) -> None:
        self._city, self._roster, self._calls = city, roster, calls
        self.targets = targets

    def targets_for(self, notice: Notice, receiver: str, at: datetime, *, send_resolved: bool | None = None) -> tuple[Summons, ...]:
        """Whom a notice to this receiver calls at a moment of the city's clock, and whom later; nothing where nobody ever has a duty.

        `send_resolved` (`incidents.notice_board.Told`) asks only those calls that want the same; None all of them.
        """
        now, later = dict[str, _Called](), dict[datetime, _Called]()
        for call in self._calls.get(receiver, ()):
            if send_resolved is not None and send_resolved is not call.send_resolved:
                continue
            for alert in notice.alerts:
                urgent = is_emergency(alert, notice.at)
                post, district = _post(alert, call), alert.labels.get("district")
                found = called(self._city, self._roster, post, district, at, waits=call.waits and not urgent)
                if found is not None and found.at > at:
                    later.setdefault(found.at, _Called()).add(alert, found.why)
                elif found is not None:
                    for name in _addresses(found.people, call, urgent):
                        now.setdefault(name, _Called()).add(alert, found.why)
        return (*_told(notice, now, at), *(_waiting(notice, each, moment) for moment, each in sorted(later.items())))


@dataclass
class _Called:
    """Alerts by fingerprint, and why they call."""

    alerts: dict[str, Alert] = field(default_factory=dict)
    why: dict[str, None] = field(default_factory=dict)

    def add(self, alert: Alert, why: str) -> None:
        self.alerts[alert.fingerprint] = alert
        self.why[why] = None


def _told(notice: Notice, now: Mapping[str, _Called], at: datetime) -> Iterator[Summons]:
    """Targets that are told of the same alerts share a summons."""
    shares: dict[tuple[str, ...], list[str]] = {}
    for name, each in now.items():
        shares.setdefault(tuple(each.alerts), []).append(name)
    for names in shares.values():
        each = now[names[0]]
        yield Summons(_narrowed(notice, each, at, notice.id), tuple(names), at, "; ".join(each.why))


def _waiting(notice: Notice, each: _Called, until: datetime) -> Summons:
    """An id of its own: the same address may be told the rest of the notice at once."""
    unique = hashlib.sha256(" ".join([notice.id, until.isoformat(), *sorted(each.alerts)]).encode()).hexdigest()[:32]
    return Summons(_narrowed(notice, each, until, f"later_{unique}"), (), until, "; ".join(each.why))


def _narrowed(notice: Notice, each: _Called, at: datetime, id_: str) -> Notice:
    alerts = tuple(alert for alert in notice.alerts if alert.fingerprint in each.alerts)
    firing = any(alert.status(at) == "firing" for alert in alerts)
    return notice.model_copy(update={"id": id_, "alerts": alerts, "status": "firing" if firing else "resolved"})


def _post(alert: Alert, call: DutyCall) -> Post:
    """Where an alert calls: its annotations say the unit, and the level it was escalated to."""
    said = alert.annotations
    return (said.get("unit", "") if call.unit == "lead" else call.unit), call.level or said.get("escalated_to") or said.get("level", "")


def _addresses(people: Sequence[DutyPerson], call: DutyCall, urgent: bool) -> Iterator[str]:
    for person in people:
        kinds = [kind for kind in person.channels if not call.channels or kind in call.channels]
        for kind in kinds if urgent else _quiet(kinds)[:1]:
            yield target_name(person.key, kind, urgent=urgent)


def _quiet(kinds: Iterable[str]) -> list[str]:
    """Channels for what is no emergency, in order; a voice call only where there is nothing else."""
    kinds = list(kinds)
    return [kind for kind in kinds if kind != VOICE] or kinds


def duty_targets(city: City, roster: Roster, build: Build, links: Links | None, console: str) -> dict[str, Target]:
    """Every address of everybody on the roster, by name. Raises what `build` does. Without `links` or an address of the console nobody
    gets a link, and neither does who may not acknowledge."""
    targets: dict[str, Target] = {}
    for person in roster.people:
        acts = links is not None and console and (person.account or may_command(person_on_duty(city, person), CommandType.ACKNOWLEDGE))
        taps = TapLinks(links, person.key, console) if links is not None and acts else {}
        for kind, section in person.channels.items():
            name = target_name(person.key, kind)
            others = [target_name(person.key, each) for each in _quiet(person.channels) if each != kind]
            plain = replace(build(name, kind, section), profile=Profile.STANDARD, fallback=tuple(others), links=taps)
            targets[name] = plain
            urgent = target_name(person.key, kind, urgent=True)
            targets[urgent] = replace(plain, name=urgent, profile=Profile.URGENT, fallback=(), send_resolved=kind != VOICE)
    return targets


def target_name(person: str, kind: str, *, urgent: bool = False) -> str:
    """Of a person's channel."""
    return f"duty/{person}/{kind}{'/urgent' if urgent else ''}"


def is_emergency(alert: Alert, at: datetime) -> bool:
    """Whether it must be heard now, whoever sleeps; by the present severity, which a person may have changed since the filing."""
    return alert.annotations.get("severity", alert.labels.get("severity")) == Severity.EMERGENCY and alert.status(at) == "firing"
