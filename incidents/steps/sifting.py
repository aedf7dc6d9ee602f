"""The second step of a report: does it belong to a known case, or does it open one? (ARCHITECTURE.md §4)

The verdict is reached inside Redis by `adapters/sift.lua`, one atomic call for many groups. This file is the same rule as a pure
function: the in-memory twin runs it, and the contract suite holds the script to it. Integers only: milliseconds, 1e-7 degrees, centimetres.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from typing import Any

from incidents.catalogue import Category
from incidents.places import METRES_PER_DEGREE
from incidents.vocabulary import Match, Nature, State

CM = METRES_PER_DEGREE / 100_000
"""Centimetres in 1e-7 degrees of latitude."""
CROWD = 64
"""Cases in one cell of the place index; of more, a quarter leaves: the ended first, then the inexact, then the least lately seen."""
CASES = 4
"""Cases that the mark of a source remembers, the last one first: one for each family that it reports."""
PAGE = 64
"""Totals of other sources that a sight brings at least; of more, the next sight brings the next ones."""


class Rule(StrEnum):
    """Which rule joined a report to its case; the first word of a verdict's reason."""

    OPENED = "opened"
    SAME_SOURCE = "same_source"
    SAME_PLATE = "same_plate"
    SAME_BUILDING = "same_building"
    SAME_PART = "same_part"
    SAME_PLACE = "same_place"
    LATE = "late"
    RECURRED = "recurred"
    SERIES = "series"
    HELD = "held"
    REFUSED_BEFORE = "refused_before"
    RESENT = "resent"


class Fit(StrEnum):
    """How a group stands to a case: only `join` and `late` make it a sighting of that case."""

    JOIN = "join"
    LATE = "late"
    RECURRED = "recurred"
    SERIES = "series"
    REFUSED = "refused"
    NO = "no"


@dataclass(slots=True)
class Group:
    """Reports of one source about one thing, in order, that share a verdict. Forgotten when its call is answered.

    The reports stand in parallel lists: `offsets`, `times` (ms), `keys` (crc32 of id and time: tells a resend from another report of the
    same moment) and `values`, the original records, kept so that they can be looked at again.
    """

    source: str
    family: str
    identity: str  # "plate:鲁B12345", "" for none
    x: int
    y: int
    cos: int  # 1e6 * cos(latitude)
    known: bool  # the place is known
    tight: bool  # accurate enough to be merged by place
    machine: bool
    urgent: int  # 0 emergency … 3 minor
    rule: "MatchRule"
    hint: str = ""
    new_id: str = ""
    opening: str = ""
    held: bool = False
    notable: bool = False
    category: str = ""
    spread: int = 0  # cm from the group's place to its farthest report
    newest: int = 0  # the stated time of the newest report, ms: may lie ahead of its append, which `times` never do
    offsets: list[int] = field(default_factory=list)
    times: list[int] = field(default_factory=list)
    keys: list[int] = field(default_factory=list)
    values: list[bytes] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class MatchRule:
    """The numbers of a category's match rule as integers; see `incidents.catalogue.Category`."""

    radius: int  # cm
    window: int  # ms
    span: int  # ms; 0: none
    recurs: int  # ms
    quiet: int  # ms
    by_place: bool
    moving: bool  # a plate: its place does not matter
    confirm: int


def match_rule(category: Category) -> MatchRule:
    """The category's rule in the script's units."""
    instant = category.nature is Nature.INSTANT
    span = category.max_span or (category.window if instant else None)
    return MatchRule(
        radius=category.radius_m * 100,
        window=_ms(category.window),
        span=_ms(span) if span else 0,
        recurs=_ms(category.recurs_within),
        quiet=_ms(category.quiet_after_refusal),
        by_place=Match.PLACE in category.match,
        moving=Match.PLATE in category.match,
        confirm=category.confirm,
    )


def _ms(span: timedelta) -> int:
    return round(span.total_seconds() * 1000)


@dataclass(slots=True)
class Seen:
    """What sifting keeps of a case; forgotten with the case."""

    case_id: str
    family: str
    identity: str
    x: int
    y: int
    known: bool
    tight: bool
    first: int
    last: int
    urgent: int
    state: State
    handled: int | None = None
    ended: int | None = None
    into: str = ""
    count: int = 0
    told_count: int = 0
    told_last: int = 0
    told_after: bool = False
    opening: dict[str, Any] = field(default_factory=dict)  # what opens the case, until closure knows it
    opened_by: int = 0  # the partition of the report that opened it
    cursor: int = 0  # the page of sources that its next sight brings
    sources: dict[str, tuple[int, int, int, str, int, int]] = field(default_factory=dict)  # count first last topic partition offset


def distance_cm(group: Group, other: "Group | Seen") -> int:
    """Centimetres between a group and a case or another group: the one distance formula in integers, equirectangular at its latitude."""
    return apart_cm(group, other.x, other.y)


def apart_cm(group: Group, x: int, y: int) -> int:
    """The same to a point in 1e-7 degrees."""
    east = (group.x - x) * CM * group.cos / 1_000_000
    north = (group.y - y) * CM
    return math.floor(math.sqrt(east * east + north * north))


def fits(group: Group, seen: Seen, time: int, emergency: bool) -> tuple[Fit, int, int]:
    """How the group (its first fresh report at `time`) stands to the case, with the distance in cm and the gap in ms."""
    gap = max(0, time - seen.last, seen.first - time)
    apart = distance_cm(group, seen)
    if not _same_thing(group, seen, apart):
        return Fit.NO, apart, gap
    if seen.state in (State.NOT_FILED, State.VOID):
        refused = group.machine and not emergency and group.source in seen.sources and seen.ended is not None
        quiet = refused and seen.ended is not None and time - seen.ended <= group.rule.quiet
        return (Fit.REFUSED if quiet else Fit.NO), apart, gap
    if seen.state is State.CLOSED:
        if seen.handled is not None and time <= seen.handled:
            return (Fit.LATE if gap <= group.rule.window else Fit.NO), apart, gap
        again = seen.ended is not None and time - seen.ended <= group.rule.recurs
        return (Fit.RECURRED if again else Fit.NO), apart, gap
    if gap > group.rule.window:
        return Fit.NO, apart, gap
    if group.rule.span and max(time, seen.last) - min(time, seen.first) > group.rule.span:
        return Fit.SERIES, apart, gap
    if seen.handled is not None and time <= seen.handled:
        return Fit.LATE, apart, gap
    return Fit.JOIN, apart, gap


def _same_thing(group: Group, seen: Seen, apart: int) -> bool:
    if group.family != seen.family:
        return False
    if group.identity and seen.identity:
        return group.identity == seen.identity
    if not group.rule.by_place or not group.known or not seen.known:
        return False
    return apart <= group.rule.radius


def waits(group: Group, stuck: Group) -> bool:
    """Whether a group must wait for an earlier one that found no answer: of its source, or perhaps of the same case."""
    if group.source == stuck.source:
        return True
    if group.family != stuck.family:
        return False
    if group.identity and group.identity == stuck.identity:
        return True
    placed = all(each.rule.by_place and each.known for each in (group, stuck))
    return placed and distance_cm(group, stuck) <= 2 * group.rule.radius + group.spread + stuck.spread


def mixed(group: Group, seen: Seen, apart: int, times: Sequence[int]) -> bool:
    """Whether some report of the group, made at `times`, might be judged otherwise than its first, which joins it `apart` cm off."""
    if group.hint and seen.case_id != group.hint:
        return True
    if seen.handled is not None and min(times) <= seen.handled < max(times):
        return True
    return not group.hint and not group.identity and apart + group.spread > group.rule.radius


def edge(radius: int) -> int:
    """Edge of the place index's cells in 1e-7 degrees for a radius in cm: a power of two, so that a new radius seldom asks for new cells.

    >>> edge(5000), edge(1000), edge(100)
    (8192, 1024, 1024)
    """
    return max(1024, 1 << (round(2 * radius / CM).bit_length() - 1))


def cell(family: str, radius: int, x: int, y: int) -> str:
    """Where the place index keeps a case of this family and radius (cm) that lies at this point."""
    width = edge(radius)
    return f"place:{family}:{width}:{x // width}:{y // width}"
