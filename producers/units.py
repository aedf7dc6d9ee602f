"""What people do next with a case: the departments, desks and checkers of a simulated city, as a pure decision.

`plan` answers for the case as it is now: who will give which command, and when on the city's clock. The same seed gives the same story:
every draw hangs on the seed, the case and the visit (its state and since when), so that a sighting or a restart changes nothing. Shares
and durations follow the measured city-months of DOMAIN.md: median handling 1.4 h, few returns, fewer reworks, some late.
"""

import hashlib
import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from incidents.case import Case
from incidents.catalogue import Category, City, Unit
from incidents.commands import Command, Evidence
from incidents.events import epoch_ms
from incidents.steps.routing import unit_for
from incidents.vocabulary import By, CommandType, Filing, Role, State
from producers.units_people import CENTRE, actor_of

C = CommandType


@dataclass(frozen=True)
class Shares:
    """How often people do what; each a probability."""

    false_alarm_reviewed: float = 0.14
    false_alarm_on_site: float = 0.04
    not_found: float = 0.12
    returned: float = 0.07
    returned_again: float = 0.30
    extension: float = 0.08
    suspension: float = 0.03
    granted: float = 0.8
    failed: float = 0.07
    failed_again: float = 0.03
    late: float = 0.06


class Lane(StrEnum):
    """What goes on beside each other in one case; a lane has at most one thing to come."""

    WORK = "work"
    ASK = "ask"
    ANSWER = "answer"
    LEADER = "leader"


@dataclass(frozen=True, slots=True)
class Planned:
    """A command to be given at `due` on the city's clock; `category` is the case's, for who draws a picture of it."""

    lane: Lane
    due: datetime
    command: Command
    category: str


RETURN_REASONS = ("不属于本单位职责范围", "位置不在本单位管辖范围", "需由权属单位处理")
NOTHING_THERE = "现场未发现问题"
FALSE_ALARM_REASONS = ("误报：画面中无该问题", "误报：为正常作业", "重复画面，证据不足")
FAIL_REASONS = ("现场仍有残留", "处置照片与现场不符", "未恢复原状")
EXTENSION_REASON = "需协调管线权属单位，申请延期"
SUSPENSION_REASON = "需待材料到场，申请挂账"
RETURNS_TO_ARBITER = 2
STEPS = 0.0001
"""Degrees, about ten metres."""
DESK = frozenset({Role.SHIFT_LEAD, Role.DISPATCHER, Role.CHECKER})
PATIENCE = timedelta(hours=20)
"""Two minutes of a demo."""
SLOW_RULE_MIN = 45.0  # a rule should have acted long before: a person does


class Units:
    """The people of one city; `speed` 2.0 makes them twice as quick.

    Of `left` of the cases they leave the desk's work (file, dispatch, check, close) for `PATIENCE` to whoever sits at the console.
    """

    def __init__(self, city: City, seed: int = 1, speed: float = 1.0, shares: Shares | None = None, left: float = 0.0) -> None:
        self.city = city
        self._left = left
        self._seed = seed
        self._speed = speed
        self.shares = shares or Shares()

    def plan(self, case: Case) -> tuple[Planned, ...]:
        """What is to come of this case if nothing else happens; nothing for an ended, held or suspended one."""
        category = self.city.catalogue.get(case.category)
        if category is None:
            return ()
        visit = _Visit(self, case, category)
        return tuple(each for each in (visit.work(), visit.ask(), visit.answer(), visit.leader()) if each is not None)

    def draw(self, case: Case, what: str) -> random.Random:
        """The dice of this case for one question."""
        return random.Random(f"{self._seed}:{case.case_id}:{what}")

    def patience(self, case: Case, role: Role) -> timedelta:
        """How much longer than usual this role waits with this case."""
        is_left = role in DESK and self.draw(case, "left").random() < self._left
        return PATIENCE if is_left else timedelta()

    def minutes(self, dice: random.Random, median: float, sigma: float = 0.5) -> timedelta:
        """A log-normal duration on the city's clock."""
        return timedelta(minutes=median * dice.lognormvariate(0, sigma) / self._speed)


class _Visit:
    """One case in one state since `entered_at`: the questions people ask themselves about it."""

    def __init__(self, units: Units, case: Case, category: Category) -> None:
        self._units = units
        self._case = case
        self._category = category
        self._at = f"{case.state}:{epoch_ms(case.entered_at)}"

    def work(self) -> Planned | None:
        """What moves the case on."""
        steps = {
            State.REPORTED: self._review,
            State.VERIFYING: self._verify,
            State.FILED: self._dispatch,
            State.DISPATCHED: self._accept,
            State.HANDLING: self._handle,
            State.CHECKING: self._check,
            State.CHECKED: self._close,
        }
        step = steps.get(self._case.state)
        return step() if step else None

    def _review(self) -> Planned | None:
        """The shift lead files what needs a look, and anything that no rule has filed for long."""
        dice, shares = self._dice("review"), self._units.shares
        needs_a_look = self._category.filing[self._case.channel] is Filing.REVIEW
        after = self._units.minutes(dice, 6 if needs_a_look else SLOW_RULE_MIN)
        if needs_a_look and self._case.channel.is_machine and dice.random() < shares.false_alarm_reviewed:
            command = C.VOID if dice.random() < 0.35 else C.NOT_FILE
            return self._give(Lane.WORK, Role.SHIFT_LEAD, command, after, reason=dice.choice(FALSE_ALARM_REASONS))
        keys = [condition.key for condition in self._category.conditions]
        condition = self._case.condition if self._case.condition in keys else keys[0]
        return self._give(Lane.WORK, Role.SHIFT_LEAD, C.FILE, after, condition=condition)

    def _verify(self) -> Planned:
        dice = self._dice("verify")
        after = self._units.minutes(dice, 14, 0.6)
        if dice.random() < self._units.shares.not_found:
            return self._give(Lane.WORK, Role.COLLECTOR, C.NOT_FOUND, after, note=NOTHING_THERE)
        return self._give(Lane.WORK, Role.COLLECTOR, C.FOUND, after, evidence=self._photo(after))

    def _dispatch(self) -> Planned | None:
        """A person dispatches what no rule may: what was returned, and what no rule has dispatched for long."""
        case, dice = self._case, self._dice("dispatch")
        if case.returned_by and self._is_false_alarm():
            return self._give(Lane.WORK, Role.SHIFT_LEAD, C.VOID, self._units.minutes(dice, 8), reason=NOTHING_THERE)
        by_rule = self._category.dispatch is By.AUTO and not case.returned_by
        after = self._units.minutes(dice, SLOW_RULE_MIN if by_rule else 6)
        unit = self._next_unit()
        if unit is None:
            return None
        if len(case.returned_by) >= RETURNS_TO_ARBITER and case.arbitrated is None:
            return self._give(Lane.WORK, Role.ARBITER, C.ARBITRATE, after * 2, unit=unit.key)
        return self._give(Lane.WORK, Role.DISPATCHER, C.DISPATCH, after, unit=case.arbitrated or unit.key)

    def _accept(self) -> Planned:
        dice = self._dice("accept")
        after = self._units.minutes(dice, 7, 0.6)
        if self._returns(dice):
            reason = NOTHING_THERE if self._is_false_alarm() else dice.choice(RETURN_REASONS)
            return self._give(Lane.WORK, Role.UNIT, C.RETURN, after, reason=reason)
        return self._give(Lane.WORK, Role.UNIT, C.ACCEPT, after)

    def _returns(self, dice: random.Random) -> bool:
        case, shares = self._case, self._units.shares
        if case.arbitrated is not None or len(case.returned_by) >= RETURNS_TO_ARBITER:
            return False
        share = shares.returned_again if case.returned_by else shares.returned
        return dice.random() < share or (not case.returned_by and self._is_false_alarm())

    def _handle(self) -> Planned:
        after = self._handling_time()
        note = "已到现场处置完毕，恢复原状"
        return self._give(Lane.WORK, Role.UNIT, C.REPORT_HANDLED, after, evidence=self._photo(after), note=note)

    def _handling_time(self) -> timedelta:
        """A share of the limit, as a city's records have it; some take longer than they may."""
        dice, case = self._dice("handle"), self._case
        limit_min = (case.limit_ms or 4 * 3_600_000) / 60_000
        quick = 0.4 if case.reworks else 1.0
        late = dice.random() < self._units.shares.late and not case.reworks and not case.suspensions
        if late and limit_min <= 240 and case.due_at is not None:
            return case.due_at - case.entered_at + timedelta(minutes=limit_min * dice.uniform(0.1, 0.9))
        return self._units.minutes(dice, quick * min(150.0, max(25.0, 0.28 * limit_min)), 0.6)

    def _check(self) -> Planned:
        dice, shares = self._dice("check"), self._units.shares
        after = self._units.minutes(dice, 12)
        if dice.random() < (shares.failed_again if self._case.reworks else shares.failed):
            return self._give(Lane.WORK, Role.CHECKER, C.FAIL_CHECK, after, reason=dice.choice(FAIL_REASONS))
        return self._give(Lane.WORK, Role.CHECKER, C.PASS_CHECK, after, evidence=self._photo(after), note="经核查，符合结案条件")

    def _close(self) -> Planned:
        return self._give(Lane.WORK, Role.SHIFT_LEAD, C.CLOSE, self._units.minutes(self._dice("close"), 8))

    def ask(self) -> Planned | None:
        """Some units ask for more time, or to put the case aside, while they handle it."""
        case, dice, shares = self._case, self._dice("ask"), self._units.shares
        if case.state is not State.HANDLING or case.extension_asked or case.suspension_asked:
            return None
        draw, after = dice.random(), self._handling_time() * dice.uniform(0.2, 0.5)
        if draw < shares.extension and not case.extensions and not case.overdue and case.due_at is not None:
            return self._give(Lane.ASK, Role.UNIT, C.REQUEST_EXTENSION, after, reason=EXTENSION_REASON)
        if shares.extension <= draw < shares.extension + shares.suspension and not case.suspensions:
            until = case.entered_at + after + timedelta(hours=dice.uniform(2, 5))
            return self._give(Lane.ASK, Role.UNIT, C.REQUEST_SUSPENSION, after, reason=SUSPENSION_REASON, until=until)
        return None

    def answer(self) -> Planned | None:
        """The dispatcher answers what a unit asked for."""
        case, dice = self._case, self._dice("answer")
        if case.state is not State.HANDLING or not (case.extension_asked or case.suspension_asked):
            return None
        granted = dice.random() < self._units.shares.granted
        after = self._since_change() + self._units.minutes(dice, 6)
        if case.extension_asked:
            command = C.GRANT_EXTENSION if granted and not case.overdue else C.DENY_EXTENSION
            return self._give(Lane.ANSWER, Role.DISPATCHER, command, after)
        return self._give(Lane.ANSWER, Role.DISPATCHER, C.GRANT_SUSPENSION if granted else C.DENY_SUSPENSION, after)

    def leader(self) -> Planned | None:
        """A leader answers for what has escalated."""
        case = self._case
        if case.escalated_to is None or case.acknowledged or case.ended_at is not None:
            return None
        after = self._since_change() + self._units.minutes(self._dice(f"leader:{case.escalated_to}"), 12)
        return self._give(Lane.LEADER, Role.LEADER, C.ACKNOWLEDGE, after, note="请主办单位立即处置并反馈")

    def _since_change(self) -> timedelta:
        return (self._case.changed.at if self._case.changed else self._case.entered_at) - self._case.entered_at

    def _next_unit(self) -> Unit | None:
        """The fitting unit that has not returned it: of the lead's kind, of those that assist, then whoever answers for the district."""
        city, district = self._units.city, self._case.place.district
        kinds = (self._category.lead, *self._category.assisting, "urban_management", CENTRE)
        return next((unit for unit in self._candidates(city, kinds, district) if unit.key not in self._case.returned_by), None)

    def _candidates(self, city: City, kinds: tuple[str, ...], district: str | None) -> Iterator[Unit]:
        for kind in kinds:
            for unit in (unit_for(city.units, kind, district), unit_for(city.units, kind, None)):
                if unit is not None:
                    yield unit

    def _is_false_alarm(self) -> bool:
        """Whether nothing was there, which shows only on site: a machine saw it once and no person reported it."""
        case = self._case
        alone = case.channel.is_machine and not case.statements and len(case.totals) < 2
        return alone and self._units.draw(case, "false").random() < self._units.shares.false_alarm_on_site

    def _dice(self, what: str) -> random.Random:
        return self._units.draw(self._case, f"{self._at}:{what}")

    def _photo(self, after: timedelta) -> tuple[Evidence, ...]:
        """A picture of a phone: taken just before it is shown, within a few steps of the case."""
        name = hashlib.sha256(f"{self._case.case_id}:{self._at}".encode()).hexdigest()
        dice, place = self._dice("photo"), self._case.place
        told = {"url": f"s3://evidence/{self._case.case_id}/{name[:16]}.jpg", "sha256": name, "media_type": "image/jpeg"}
        where = {"lon": round(place.lon + dice.uniform(-STEPS, STEPS), 6), "lat": round(place.lat + dice.uniform(-STEPS, STEPS), 6)}
        return (Evidence.model_validate(told | where | {"captured_at": self._case.entered_at + after * 0.98}),)

    def _give(self, lane: Lane, role: Role, command: CommandType, after: timedelta, **arguments: Any) -> Planned:
        case = self._case
        turn = {Lane.LEADER: f":{case.escalated_to}", Lane.ASK: f":{case.extensions}"}.get(lane, "")
        head = {"id": f"units:{case.case_id}:{self._at}{turn}:{command}", "case_id": case.case_id, "type": command}
        after += self._units.patience(case, role)
        given = Command.model_validate(head | {"actor": actor_of(self._units.city, case, role)} | arguments)
        return Planned(lane, case.entered_at + after, given, case.category)
