"""What the people of a simulated city do: decided alike by seed, possible by the state machine, in realistic shares, by another party."""

import heapq
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache

import pytest

from config.load import load_city
from config.settings import Settings
from incidents.case import Case, Fact, Position
from incidents.catalogue import City
from incidents.commands import Command, Opening, Place, SourceTotal, system
from incidents.decision import Decision
from incidents.steps import closure, escalation, routing
from incidents.vocabulary import ENDED, Channel, CommandType, FactType, Role, Severity, State
from producers.units import Lane, Planned, Shares, Units

START = datetime(2026, 11, 20, 1, 0, tzinfo=UTC)
CATEGORIES = ("road_spillage", "exposed_waste", "muck_truck_uncovered", "gas_leak", "street_stall", "littering_from_height")
ENOUGH = 400


@cache
def qingdao() -> City:
    """The city as configured."""
    return load_city(Settings())


def sight(number: int, category: str, channel: Channel = Channel.LOW_VIDEO) -> Command:
    """The command that opens case `number`."""
    opening = Opening(
        state=State.REPORTED,
        category=category,
        channel=channel,
        severity=Severity.NORMAL,
        source=f"/cameras/{number}",
        report_id=str(number),
        time=START,
        place=Place(lon=120.38, lat=36.07, accuracy_m=15, district="370202"),
        reason="opened",
        rules="r1",
    )
    total = SourceTotal(count=1, first=START, last=START, topic_id="T", partition=0, offset=number)
    case_id = f"QD-20261120-{number:010d}"
    return Command.model_validate(
        {"id": f"s{number}", "case_id": case_id, "type": CommandType.SIGHT, "actor": system("intake"), "opening": opening}
        | {"totals": {opening.source: total}}
    )


@dataclass
class Story:
    """One city in memory: closure, routing, the clock and the people, over virtual time."""

    units: Units
    cases: dict[str, Case] = field(default_factory=dict)
    facts: list[Fact] = field(default_factory=list)
    refused: list[Decision] = field(default_factory=list)
    given: list[Command] = field(default_factory=list)
    _heap: list[tuple[datetime, int, Command]] = field(default_factory=list)
    _offset: int = 0

    def run(self, sights: Sequence[Command], until: timedelta) -> "Story":
        """Tell everything that happens until then."""
        for number, command in enumerate(sights):
            self._later(START + timedelta(minutes=number), command)
        while self._heap and self._heap[0][0] < START + until:
            at, _, command = heapq.heappop(self._heap)
            self._apply(command, at)
        return self

    def _later(self, at: datetime, command: Command) -> None:
        self._offset += 1
        heapq.heappush(self._heap, (at, self._offset, command))

    def _apply(self, command: Command, at: datetime) -> None:
        before = self.cases.get(command.case_id)
        if command.id.startswith("units:"):
            if before is None or command not in [planned.command for planned in self.units.plan(before)]:
                return
            self.given.append(command)
        self._offset += 1
        decision = closure.decide(self.units.city, before, command, at, Position(topic_id="T", partition=0, offset=self._offset))
        if decision.outcome is not None and not decision.outcome.accepted:
            self.refused.append(decision)
        if decision.case is None or not decision.facts:
            return
        self.cases[command.case_id] = decision.case
        self.facts += decision.facts
        self._react(decision, at)

    def _react(self, decision: Decision, at: datetime) -> None:
        city, case = self.units.city, decision.facts[-1].case
        for fact in decision.facts:
            for command in routing.decide(city, fact.case, fact.type):
                self._later(at, command)
        for deadline in case.deadlines:
            for command in escalation.decide(city, case, deadline):
                self._later(max(at, deadline.at), command)
        for planned in self.units.plan(case):
            self._later(max(at, planned.due), planned.command)


@cache
def the_story() -> Story:
    """A few hundred cases over three days, told once."""
    sights = [sight(number, CATEGORIES[number % len(CATEGORIES)], _channel(number)) for number in range(ENOUGH)]
    return Story(Units(qingdao(), seed=7)).run(sights, timedelta(days=3))


def _channel(number: int) -> Channel:
    return Channel.HOTLINE if number % 5 == 0 else Channel.LOW_VIDEO


def said(fact: FactType) -> int:
    """How often the story says it."""
    return sum(each.type is fact for each in the_story().facts)


def test_every_case_comes_to_an_end_within_days() -> None:
    states = Counter(case.state for case in the_story().cases.values())
    assert sum(states[state] for state in ENDED) >= 0.97 * ENOUGH, states
    assert states[State.CLOSED] >= 0.75 * ENOUGH, states


def test_people_command_what_the_state_machine_allows() -> None:
    refused = [
        decision.outcome for decision in the_story().refused if decision.outcome and decision.outcome.command_id.startswith("units:")
    ]
    assert len(refused) <= 0.01 * len(the_story().given), refused[:5]


@pytest.mark.parametrize(
    ("fact", "least", "most"),
    [
        (FactType.RETURNED, 0.04, 0.25),
        (FactType.CHECK_FAILED, 0.02, 0.15),
        (FactType.NOT_FILED, 0.005, 0.15),
        (FactType.VOIDED, 0.002, 0.12),
        (FactType.OVERDUE, 0.01, 0.20),
        (FactType.EXTENDED, 0.01, 0.15),
        (FactType.SUSPENDED, 0.003, 0.08),
        (FactType.RESUMED, 0.003, 0.08),
        (FactType.NOT_FOUND, 0.005, 0.10),
        (FactType.ARBITRATED, 0.002, 0.08),
        (FactType.ACKNOWLEDGED, 0.002, 0.20),
    ],
)
def test_what_goes_wrong_happens_in_a_realistic_share(fact: FactType, least: float, most: float) -> None:
    assert least <= said(fact) / ENOUGH <= most, f"{fact}: {said(fact)} of {ENOUGH}"


def test_handling_takes_an_hour_or_two_in_the_middle() -> None:
    took = sorted(
        case.handled_at - case.accepted_at
        for case in the_story().cases.values()
        if case.handled_at and case.accepted_at and not case.reworks
    )
    assert timedelta(minutes=20) < took[len(took) // 2] < timedelta(hours=3)


def test_the_checker_is_never_of_the_unit_that_handled() -> None:
    checks = [fact for fact in the_story().facts if fact.type is FactType.CHECK_PASSED]
    assert checks
    for fact in checks:
        assert fact.case.handler is not None
        assert fact.actor.id != fact.case.handler.id
        assert fact.actor.unit not in (fact.case.handler.unit, fact.case.unit)


@pytest.mark.parametrize("centre", ["command_center-city", "command_center-370202"])
def test_what_a_centre_handled_itself_another_one_checks(centre: str) -> None:
    units = Units(qingdao())
    case = open_case(units, sight(1, "road_spillage")).model_copy(update={"state": State.CHECKING, "unit": centre, "entered_at": START})
    checker = only(units.plan(case)).command.actor
    assert checker.unit != centre
    assert checker.unit in qingdao().unit_by_key


def test_a_unit_that_returned_a_case_does_not_get_it_again() -> None:
    for fact in the_story().facts:
        if fact.type is FactType.DISPATCHED and fact.case.arbitrated is None:
            assert fact.case.unit not in fact.case.returned_by


def test_people_have_names_and_a_unit_of_theirs() -> None:
    people = {command.actor for command in the_story().given}
    assert len(people) > 10
    for actor in people:
        office, name = actor.id.split(":")
        assert len(name) in (2, 3)
        assert actor.role is not Role.SYSTEM
        assert actor.unit == office


def test_the_same_seed_tells_the_same_story_and_another_seed_another_one() -> None:
    def told(seed: int) -> list[tuple[str, str, datetime]]:
        sights = [sight(number, "road_spillage") for number in range(30)]
        story = Story(Units(qingdao(), seed=seed)).run(sights, timedelta(days=1))
        return [(fact.case_id, fact.type, fact.at) for fact in story.facts]

    assert told(1) == told(1)
    assert told(1) != told(2)


def open_case(units: Units, *commands: Command) -> Case:
    """A case as it is after these commands."""
    case: Case | None = None
    for number, command in enumerate(commands):
        case = closure.decide(units.city, case, command, START, Position(topic_id="T", partition=0, offset=number)).case
    assert case is not None
    return case


def only(planned: tuple[Planned, ...], lane: Lane = Lane.WORK) -> Planned:
    """What is planned in this lane."""
    [found] = [each for each in planned if each.lane is lane]
    return found


def test_a_sighting_changes_nothing_that_is_planned() -> None:
    units = Units(qingdao())
    first = sight(1, "muck_truck_uncovered")
    again = first.model_copy(update={"totals": {"/cameras/2": first.totals["/cameras/1"]}})
    before, after = open_case(units, first), open_case(units, first, again)
    assert after.sequence > before.sequence
    assert units.plan(after) == units.plan(before)


def test_what_waits_for_review_is_filed_by_a_shift_lead_or_refused_with_a_reason() -> None:
    seen = Counter[CommandType]()
    for seed in range(200):
        command = only(Units(qingdao(), seed).plan(open_case(Units(qingdao()), sight(1, "muck_truck_uncovered")))).command
        assert command.actor.role is Role.SHIFT_LEAD
        assert command.type is CommandType.FILE or command.reason
        seen[command.type] += 1
    assert 0.75 < seen[CommandType.FILE] / 200 < 0.95
    assert seen[CommandType.NOT_FILE] > seen[CommandType.VOID] > 0


def test_people_twice_as_quick_take_half_the_time() -> None:
    case = open_case(Units(qingdao()), sight(1, "muck_truck_uncovered"))
    usual, quick = (only(Units(qingdao(), speed=speed).plan(case)).due - START for speed in (1.0, 2.0))
    assert abs(usual / quick - 2) < 0.01


def test_without_returns_and_mistakes_every_case_is_closed() -> None:
    nobody_errs = Shares(0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0)
    sights = [sight(number, CATEGORIES[number % len(CATEGORIES)]) for number in range(30)]
    story = Story(Units(qingdao(), shares=nobody_errs)).run(sights, timedelta(days=3))
    assert {case.state for case in story.cases.values()} == {State.CLOSED}


def test_nothing_is_planned_of_an_ended_case() -> None:
    ended = [case for case in the_story().cases.values() if case.state in ENDED]
    assert all(not Units(qingdao()).plan(case) for case in ended)
