"""What a rehearsal comes to: fates and facts are counted as they are said, everything else is added up at its end."""

from array import array
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from msgspec import Struct

from adapters.evaluation_store import Counting
from incidents.case import Case, Fact
from incidents.catalogue import City
from incidents.evaluation import Event, Sheet
from incidents.events import CaseId, epoch_ms
from incidents.indicators import Dimension, Evaluation, figures, line, tally
from incidents.periods import ALL, Days
from incidents.vocabulary import FactType, HeldBecause, State
from streams.telling import Rejected

BAD_SHOWN = 10
NOWHERE = -1
COUNTED = {FactType.REMINDED: "reminded", FactType.OVERDUE: "overdue"}


class Story(Struct):
    """What one case came to. Moments are ms since 1970 UTC."""

    category: str
    state: str
    unit: str | None
    route: str | None
    due_ms: int | None
    kept: str  # of its deadline: met, overdue, running, or none
    escalated_to: str | None


@dataclass(frozen=True)
class Bad:
    """A report that was rejected."""

    where: str
    reason: str
    detail: str


@dataclass
class Found:
    """The answer of a rehearsal; counts by what they are counted by, the most frequent first. `as_of` is the city's time at its end."""

    city: str
    rules: str
    reports: int
    as_of: datetime | None = None
    verdicts: dict[str, int] = field(default_factory=dict)
    merges: dict[str, int] = field(default_factory=dict)
    holds: dict[str, int] = field(default_factory=dict)
    rejected: dict[str, int] = field(default_factory=dict)
    bad: list[Bad] = field(default_factory=list)
    cases: int = 0
    states: dict[str, int] = field(default_factory=dict)
    categories: dict[str, int] = field(default_factory=dict)
    routes: dict[str, int] = field(default_factory=dict)
    units: dict[str, int] = field(default_factory=dict)
    deadlines: dict[str, int] = field(default_factory=dict)
    reminders: dict[str, int] = field(default_factory=dict)
    escalations: dict[str, int] = field(default_factory=dict)
    refused: dict[str, int] = field(default_factory=dict)
    indicators: list[dict[str, Any]] = field(default_factory=list)


class Account:
    """Keeps the books of one rehearsal. `case_of` says, per report, the number of its case in `ids`, or NOWHERE."""

    def __init__(self, city: City) -> None:
        self.stories: dict[CaseId, Story] = {}
        self.case_of = array("l")
        self.rule_of: list[str] = []
        self.opener: dict[CaseId, int] = {}
        self.ids: list[CaseId] = []
        self._numbers: dict[CaseId, int] = {}
        self._city = city
        self._counting = Counting.of(city)
        self._sheets: dict[CaseId, Sheet] = {}
        self._verdicts, self._merges, self._holds = Counter[str](), Counter[str](), Counter[str]()
        self._rejected, self._facts, self._escalated = Counter[str](), Counter[str](), Counter[str]()
        self._bad: list[Bad] = []

    def read(self, many: int) -> None:
        """So many reports were read."""
        self.case_of.extend([NOWHERE] * many)
        self.rule_of.extend(["rejected"] * many)

    def fates(self, rows: Iterable[Sequence[Any]]) -> None:
        """What the atomic call decided of reports: case, verdict, rule, cm, ms, offsets."""
        for case_id, verdict, rule, _, _, offsets, *_ in rows:
            self._verdicts[verdict] += len(offsets)
            if verdict == "merged":
                self._merges[rule] += len(offsets)
            elif verdict == "held":
                self._holds[HeldBecause.REFUSED_BEFORE if rule == "refused" else HeldBecause.WAITING] += 1
            number = NOWHERE if case_id is None else self._number(CaseId(case_id))
            for offset in offsets:
                self.case_of[offset] = number
                self.rule_of[offset] = rule
            if verdict in ("opened", "held"):
                self.opener[CaseId(case_id)] = offsets[0]

    def _number(self, case_id: CaseId) -> int:
        number = self._numbers.get(case_id)
        if number is None:
            number = self._numbers[case_id] = len(self.ids)
            self.ids.append(case_id)
        return number

    def rejects(self, rejected: Rejected, where: str) -> None:
        """A record that is no report."""
        self._verdicts["rejected"] += 1
        self._rejected[rejected.error.reason] += 1
        if len(self._bad) < BAD_SHOWN:
            self._bad.append(Bad(where, rejected.error.reason, rejected.error.detail))

    def fact(self, fact: Fact) -> None:
        """A case moved."""
        case = fact.case
        sheet = self._sheets.get(case.case_id)
        if sheet is None:
            sheet = self._sheets[case.case_id] = Sheet(case.case_id)
        was_held = sheet.state == State.HELD
        sheet.take(event_of(fact), self._counting.limits)
        if was_held and case.state is not State.HELD:
            self._holds["expired" if case.state is State.NOT_FILED else "lifted"] += 1
        if fact.type in COUNTED:
            self._facts[COUNTED[fact.type]] += 1
        elif fact.type is FactType.ESCALATED:
            self._escalated[str(case.escalated_to)] += 1

    def ended(self, case: Case, at_ms: int) -> None:
        """This is what a case came to: it is forgotten, or the rehearsal is over."""
        self.stories[case.case_id] = Story(
            case.category,
            case.state,
            case.unit,
            case.route,
            None if case.due_at is None else epoch_ms(case.due_at),
            _kept(case, at_ms),
            case.escalated_to,
        )

    def found(self, at_ms: int, evaluation: Evaluation, refused: Counter[str]) -> Found:
        """Everything as of the end."""
        stories = self.stories.values()
        return Found(
            city=self._city.key,
            rules=self._city.rules,
            reports=len(self.case_of),
            as_of=datetime.fromtimestamp(at_ms / 1000, UTC),
            verdicts=ordered(self._verdicts),
            merges=ordered(self._merges),
            holds=ordered(self._holds),
            rejected=ordered(self._rejected),
            bad=self._bad,
            cases=len(stories),
            states=ordered(Counter(story.state for story in stories)),
            categories=ordered(Counter(story.category for story in stories)),
            routes=ordered(Counter(story.route for story in stories if story.route)),
            units=ordered(Counter(story.unit for story in stories if story.unit)),
            deadlines=ordered(Counter(story.kept for story in stories)),
            reminders=ordered(self._facts),
            escalations={level: self._escalated[level] for level in reversed(self._city.levels) if level in self._escalated},
            refused=ordered(refused),
            indicators=self._indicators(at_ms, evaluation),
        )

    def _indicators(self, at_ms: int, evaluation: Evaluation) -> list[dict[str, Any]]:
        days = Days(self._city.time_zone)
        lines = (line(sheet, self._counting.limits, days) for sheet in self._sheets.values())
        counts = tally(lines, ALL, at_ms, (Dimension.CITY,))
        wanted = ("indicator", "rule", "post", "numerator", "denominator", "rate")
        return [
            {name: value for name, value in figure.as_dict().items() if name in wanted} | {"name": figure.indicator.name.model_dump()}
            for figure in figures(evaluation.indicators, counts, Dimension.CITY)
        ]


def ordered(counts: Counter[str]) -> dict[str, int]:
    """The most frequent first, then by name: the same file gives the same bytes."""
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def _kept(case: Case, at_ms: int) -> str:
    """What became of a case's deadline until a moment."""
    if case.due_at is None:
        return "none"
    if case.overdue or (case.handled_at is not None and case.handled_at > case.due_at):
        return "overdue"
    if case.handled_at is not None:
        return "met"
    if case.ended_at is not None:
        return "none"
    return "overdue" if epoch_ms(case.due_at) < at_ms and case.state is not State.SUSPENDED else "running"


def event_of(fact: Fact) -> Event:
    """A fact as far as the evaluation reads it (`incidents.evaluation.Sheet`), without the way through JSON: a tenth of the time."""
    case = fact.case
    place = case.place
    return {
        "type": f"city.case.{fact.type}.v1",
        "data": {
            "case_id": case.case_id,
            "sequence": fact.sequence,
            "at": fact.at.isoformat(),
            "actor": {"role": fact.actor.role},
            "case": {
                "state": str(case.state),
                "opened_at": case.opened_at.isoformat(),
                "filed_at": _iso(case.filed_at),
                "due_at": _iso(case.due_at),
                "handled_at": _iso(case.handled_at),
                "ended_at": _iso(case.ended_at),
                "suspended_at": _iso(case.suspended_at),
                "unit": case.unit,
                "level": case.level,
                "recurs": case.recurs,
                "rating": case.rating,
                "appeal_upheld": case.appeal_upheld,
                "unanswered": case.unanswered,
                "returned_by": case.returned_by,
                "arbitrated": case.arbitrated,
                "category": case.category,
                "condition": case.condition,
                "channel": str(case.channel),
                "severity": str(case.severity),
                "place": {
                    "district": place.district,
                    "subdistrict": place.subdistrict,
                    "community": place.community,
                    "grid": place.grid,
                    "lon": place.lon,
                    "lat": place.lat,
                },
            },
        },
    }


def _iso(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat()
