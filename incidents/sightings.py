"""What `sight` brings to a case: the first opens it, every later one is merged per source by what is newer.

Totals are absolute, so a sight said twice, late or again after a crash changes nothing (ARCHITECTURE.md §3, telling). Whether anybody
would notice was judged by intake before it told; here everything that changes the case at all is said.
"""

from datetime import datetime
from typing import Any, TypeVar

from incidents.case import Case
from incidents.catalogue import City
from incidents.commands import Command, Evidence, Opening, Personal, SourceTotal, Statement
from incidents.vocabulary import HeldBecause, Severity, State

AFTER_HANDLING = frozenset({State.CHECKING, State.CHECKED})
LIFTED_BY_COUNT = frozenset({None, HeldBecause.WAITING})
LIFTED_BY_ANOTHER = LIFTED_BY_COUNT | {HeldBecause.STORM, HeldBecause.REFUSED_BEFORE}

Item = TypeVar("Item", bound=Evidence | Statement | Personal)


def opened(city: City, command: Command, opening: Opening, at: datetime) -> Case:
    """The case that this first sight opens, before its first fact (sequence 0)."""
    totals = dict(command.totals)
    firsts, lasts = [total.first for total in totals.values()], [total.last for total in totals.values()]
    told = opening.model_dump(exclude={"statement", "personal", "evidence", "place", "identity", "time", "severity", "appended_ms"})
    said = ((opening.statement,) if opening.statement else ()) + command.statements
    return Case(
        **told,
        severity=most_urgent(opening.severity, command.severity),
        place=opening.place,
        identity=opening.identity,
        case_id=command.case_id,
        city=city.code,
        origin=city.key,
        evidence=_joined(opening.evidence, command.seen_evidence),
        statements=_joined((), said),
        personal=_joined((), ((opening.personal,) if opening.personal else ()) + command.personal),
        totals=totals,
        opened_at=at,
        entered_at=at,
        told_at=at,
        first_seen=min(firsts, default=opening.time),
        last_seen=max(lasts, default=opening.time),
        level=first_level(city, opening.place.district),
    )


def first_level(city: City, district: str | None) -> str:
    """Where a case begins: with its district's centre where there is one below the city, else with the city."""
    return city.levels[1] if district is not None and len(city.levels) > 1 else city.levels[0]


def seen(case: Case, command: Command) -> dict[str, Any]:
    """The new field values that this sight brings; empty when nothing in it is newer than what the case knows."""
    newer = {source: total for source, total in command.totals.items() if is_newer(total, case.totals.get(source))}
    values: dict[str, Any] = {}
    if newer:
        values["totals"] = {**case.totals, **newer}
        values["first_seen"] = min(case.first_seen, *(total.first for total in newer.values()))
        values["last_seen"] = max(case.last_seen, *(total.last for total in newer.values()))
        if case.state in AFTER_HANDLING and case.handled_at and any(total.last > case.handled_at for total in newer.values()):
            values["seen_after_handling"] = True
    if command.severity is not None:
        values["severity"] = most_urgent(case.severity, command.severity)
    values["evidence"] = _joined(case.evidence, command.seen_evidence)
    values["statements"] = _joined(case.statements, command.statements)
    values["personal"] = _joined(case.personal, command.personal)
    return {name: value for name, value in values.items() if value != getattr(case, name)}


def lifts(case: Case) -> bool:
    """Whether what a held case has gathered makes it everybody's: enough sightings, a second source, or a person's words."""
    if case.state is not State.HELD:
        return False
    if case.held_because in LIFTED_BY_COUNT and case.count >= case.confirm:
        return True
    return case.held_because in LIFTED_BY_ANOTHER and (len(case.totals) > 1 or bool(case.statements))


SCALE = tuple(Severity)  # most urgent first


def most_urgent(*severities: Severity | None) -> Severity:
    """The most urgent of those given; at least one is."""
    return min((severity for severity in severities if severity is not None), key=SCALE.index)


def is_newer(told: SourceTotal, known: SourceTotal | None) -> bool:
    """Whether what is told of a source goes beyond what is known. A source may come to stand in another partition: the topic got more."""
    if known is None:
        return True
    if told.topic_id == known.topic_id and told.partition == known.partition:
        return told.offset > known.offset
    return (told.last, told.count) > (known.last, known.count)


def _joined(known: tuple[Item, ...], told: tuple[Item, ...]) -> tuple[Item, ...]:
    """Both, each item once, in the order they came."""
    names = {_name(item) for item in known}
    new: list[Item] = []
    for item in told:
        if _name(item) not in names:
            names.add(_name(item))
            new.append(item)
    return (*known, *new)


def _name(item: Evidence | Statement | Personal) -> tuple[str | None, ...]:
    if isinstance(item, Evidence):
        return (item.sha256 or item.url,)
    if isinstance(item, Personal):
        return (item.source, item.id)
    return (item.source, item.id, item.time.isoformat())


def sift_state(case: Case) -> str:
    """The state as sifting knows it: a held case that nobody confirmed is no refusal, so it has a word of its own."""
    return "expired" if case.state is State.NOT_FILED and case.held_because is HeldBecause.EXPIRED else case.state
