"""Routing: what a rule may decide by itself when a fact is said: verify or file what was reported, dispatch what was filed.

Pure. The commands' ids follow from the case and its sequence, so a fact read twice commands nothing twice; whether a command still fits
is closure's question, for the case may have moved on.
"""

from collections.abc import Callable, Sequence
from datetime import datetime

from incidents.case import Case
from incidents.catalogue import Category, City, Unit
from incidents.commands import Command, Grounds, system
from incidents.effects import EFFECTS
from incidents.errors import MissingYear
from incidents.refusals import Why
from incidents.route_choice import NOTHING, Choice, Known, choose
from incidents.vocabulary import By, CommandType, FactType, Filing, State

ACTOR = system("routing")
ARBITRATED = Grounds(rule="arbitration", zh="本案仲裁决定", en="the arbiter decided so in this case")
LEADS_TO_FILING = frozenset(
    {FactType.OPENED, FactType.UPDATED, FactType.VERIFIED, FactType.REOPENED, FactType.UNMERGED, FactType.RECATEGORISED}
)
LEADS_TO_DISPATCH = frozenset({FactType.FILED, FactType.REOPENED, FactType.UNMERGED})


def decide(city: City, case: Case, fact: FactType, known: Known = NOTHING) -> tuple[Command, ...]:
    """The commands that this fact calls for, `case` being the case after it; none where a person decides.

    The moment of the decision is the fact's own, so that a fact read again is judged alike; positions may have moved on by then, but the
    command's id is the same, and closure takes the first.
    """
    category = city.catalogue.get(case.category)
    if category is None:
        return ()
    if case.state is State.REPORTED and fact in LEADS_TO_FILING:
        return _filing(case, category)
    if case.state is State.FILED and fact in LEADS_TO_DISPATCH:
        return _dispatch(case, category, lambda: choose(city, case, case.told_at or case.entered_at, known))
    return ()


def _filing(case: Case, category: Category) -> tuple[Command, ...]:
    how = category.filing[case.channel]
    rule = f"filing:{category.key}:{case.channel}:{how}"
    if how is Filing.REVIEW:
        return ()
    if how is Filing.VERIFY and not case.verified:
        return (_command(case, CommandType.VERIFY, rule=rule),)
    keys = [condition.key for condition in category.conditions]
    condition = case.condition if case.condition in keys else keys[0]
    return (_command(case, CommandType.FILE, rule=rule, condition=condition),)


def unfiled_because(city: City, case: Case, now: datetime) -> str | None:
    """Why a case that a rule files by itself cannot be filed now: closure's words, in Chinese and English.

    None where nothing hinders it, and where a person decides. A refused command leaves nothing with the case, so it is judged anew.
    """
    category = city.catalogue.get(case.category)
    if category is None or case.state is not State.REPORTED:
        return None
    try:
        for command in _filing(case, category):
            EFFECTS[command.type](city, case, command, now)
    except MissingYear as missing:
        return Why.MISSING_YEAR.say(year=missing.year)
    return None


def _dispatch(case: Case, category: Category, choice: Callable[[], Choice | None]) -> tuple[Command, ...]:
    if category.dispatch is not By.AUTO or (case.returned_by and case.arbitrated is None):
        return ()
    if case.arbitrated is not None:
        return (_command(case, CommandType.DISPATCH, unit=case.arbitrated, rule="arbitration", grounds=ARBITRATED),)
    made = choice()
    if made is None:
        return ()
    rule = made.grounds.rule
    return (_command(case, CommandType.DISPATCH, unit=made.unit, assisting=made.assisting, rule=rule, grounds=made.grounds),)


def unit_for(units: Sequence[Unit], kind: str, district: str | None) -> Unit | None:
    """The unit of this kind in the district, else the one for the whole city, else the unit that is named so itself."""
    of_kind = [unit for unit in units if unit.kind == kind and unit.area is None]
    for wanted in (district, None):
        for unit in of_kind:
            if unit.district == wanted:
                return unit
    return next((unit for unit in units if unit.key == kind), None)


def _command(case: Case, command: CommandType, **arguments: object) -> Command:
    head = {"id": f"{case.case_id}:{case.sequence}:route:{command}", "case_id": case.case_id, "type": command, "actor": ACTOR}
    return Command.model_validate(head | arguments)
