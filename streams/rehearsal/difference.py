"""Two rehearsals of the same reports under two sets of rules, and what of it came out differently."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from incidents.events import CaseId
from streams.rehearsal.account import NOWHERE, Account, Found, Story, ordered

SHOWN = 20
MOVED_MS = 60_000
"""A deadline that differs by less has not moved: a case opens with the last sighting that is told with its first."""
REPORT_COUNTS = ("verdicts", "merges", "holds", "rejected")
CASE_COUNTS = ("states", "deadlines", "reminders", "escalations")


@dataclass(frozen=True)
class Instead:
    """A case that only one of the rules opens, and what the other ones do with its first report: `by` is the reason of that verdict."""

    case: CaseId
    category: str
    by: str
    into: CaseId | None


@dataclass(frozen=True)
class Changed:
    """A case that both open and that differs in one thing."""

    case: CaseId
    category: str
    a: str | None
    b: str | None


@dataclass
class Difference:
    """What `b` does otherwise than `a`. Examples are the first of the file, `SHOWN` at most; the counts are of all.

    `counts` holds only what differs: name → key → the figures of a and b. `routed` and `deadlines_moved`: "from -> to" → cases, and hours.
    """

    a: Found
    b: Found
    counts: dict[str, dict[str, tuple[int, int]]] = field(default_factory=dict)
    indicators: list[dict[str, Any]] = field(default_factory=list)
    only_a: int = 0
    only_b: int = 0
    opened_only_by_a: list[Instead] = field(default_factory=list)
    opened_only_by_b: list[Instead] = field(default_factory=list)
    both: int = 0
    routed: dict[str, int] = field(default_factory=dict)
    routed_differently: list[Changed] = field(default_factory=list)
    later: int = 0
    earlier: int = 0
    deadlines_moved: list[Changed] = field(default_factory=list)
    ended: dict[str, int] = field(default_factory=dict)

    @property
    def is_none(self) -> bool:
        """Whether both do the same."""
        return not (self.counts or self.indicators or self.only_a or self.only_b or self.routed or self.later or self.earlier or self.ended)


def compared(a: tuple[Account, Found], b: tuple[Account, Found]) -> Difference:
    """Hold two rehearsals of the same file against each other."""
    (one, found_a), (other, found_b) = a, b
    made = Difference(found_a, found_b)
    made.counts = {name: counts for name in (*REPORT_COUNTS, *CASE_COUNTS) if (counts := _counts(found_a, found_b, name))}
    made.indicators = list(_indicators(found_a, found_b))
    made.opened_only_by_a, made.only_a = _only(one, other)
    made.opened_only_by_b, made.only_b = _only(other, one)
    routed, ended = Counter[str](), Counter[str]()
    for case_id, was in one.stories.items():
        now = other.stories.get(case_id)
        if now is not None:
            made.both += 1
            _cases(made, case_id, was, now)
            if was.unit != now.unit:
                routed[f"{was.unit or '-'} -> {now.unit or '-'}"] += 1
            if was.kept != now.kept:
                ended[f"{was.kept} -> {now.kept}"] += 1
    made.routed, made.ended = ordered(routed), ordered(ended)
    return made


def _cases(made: Difference, case_id: CaseId, was: Story, now: Story) -> None:
    if was.unit != now.unit and len(made.routed_differently) < SHOWN:
        made.routed_differently.append(Changed(case_id, was.category, was.unit, now.unit))
    if was.due_ms is not None and now.due_ms is not None and abs(was.due_ms - now.due_ms) >= MOVED_MS:
        made.later += now.due_ms > was.due_ms
        made.earlier += now.due_ms < was.due_ms
        if len(made.deadlines_moved) < SHOWN:
            made.deadlines_moved.append(Changed(case_id, was.category, _iso(was.due_ms), _iso(now.due_ms)))


def _only(one: Account, other: Account) -> tuple[list[Instead], int]:
    missing = [case_id for case_id in one.opener if case_id not in other.opener]
    return [_instead(case_id, one, other) for case_id in missing[:SHOWN]], len(missing)


def _instead(case_id: CaseId, one: Account, other: Account) -> Instead:
    offset = one.opener[case_id]
    number = other.case_of[offset]
    return Instead(case_id, one.stories[case_id].category, other.rule_of[offset], None if number == NOWHERE else other.ids[number])


def _counts(a: Found, b: Found, name: str) -> dict[str, tuple[int, int]]:
    one, other = getattr(a, name), getattr(b, name)
    return {key: (one.get(key, 0), other.get(key, 0)) for key in dict.fromkeys([*one, *other]) if one.get(key, 0) != other.get(key, 0)}


def _indicators(a: Found, b: Found) -> Iterator[dict[str, Any]]:
    """By key and post; the rules may have other indicators altogether."""
    one, other = ({(each["indicator"], each["post"]): each for each in found.indicators} for found in (a, b))
    for key in dict.fromkeys([*one, *other]):
        was, now = one.get(key), other.get(key)
        if _figures(was) != _figures(now):
            some = was or now or {}
            told = {"indicator": key[0], "post": key[1], "name": some.get("name")}
            yield told | {"a": _figures(was), "b": _figures(now)}


def _figures(indicator: dict[str, Any] | None) -> dict[str, Any] | None:
    return None if indicator is None else {name: indicator[name] for name in ("numerator", "denominator", "rate")}


def _iso(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1000, UTC).isoformat()
