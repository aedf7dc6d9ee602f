"""Routing: what a rule may decide by itself when a fact is said: verify or file what was reported, dispatch what was filed.

Pure. The commands' ids follow from the case and its sequence, so a fact read twice commands nothing twice; whether a command still fits
is closure's question, for the case may have moved on.
"""

from collections.abc import Sequence

from incidents.case import Case, Command, CommandType, FactType, State, system
from incidents.catalogue import By, Category, City, Filing, Route, Unit

ACTOR = system("routing")
LEADS_TO_FILING = frozenset(
    {FactType.OPENED, FactType.UPDATED, FactType.VERIFIED, FactType.REOPENED, FactType.UNMERGED, FactType.RECATEGORISED}
)
LEADS_TO_DISPATCH = frozenset({FactType.FILED, FactType.REOPENED, FactType.UNMERGED})


def decide(city: City, case: Case, fact: FactType) -> tuple[Command, ...]:
    """The commands that this fact calls for, `case` being the case after it; none where a person decides."""
    category = city.catalogue.get(case.category)
    if category is None:
        return ()
    if case.state is State.REPORTED and fact in LEADS_TO_FILING:
        return _filing(case, category)
    if case.state is State.FILED and fact in LEADS_TO_DISPATCH:
        return _dispatch(city, case, category)
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


def _dispatch(city: City, case: Case, category: Category) -> tuple[Command, ...]:
    if category.dispatch is not By.AUTO or (case.returned_by and case.arbitrated is None):
        return ()
    if case.arbitrated is not None:
        return (_command(case, CommandType.DISPATCH, unit=case.arbitrated, rule="arbitration"),)
    route = next((route for route in city.routes if matches(route, case, category)), None)
    lead = route.lead if route and route.lead else category.lead
    assisting = route.assisting if route and route.assisting is not None else category.assisting
    unit = unit_for(city.units, lead, case.place.district)
    if unit is None:
        return ()
    helpers = [helper.key for kind in assisting if (helper := unit_for(city.units, kind, case.place.district)) and helper.key != unit.key]
    rule = f"route:{route.key}" if route else f"category:{category.key}"
    return (_command(case, CommandType.DISPATCH, unit=unit.key, assisting=tuple(dict.fromkeys(helpers)), rule=rule),)


def matches(route: Route, case: Case, category: Category) -> bool:
    """Whether every matcher that the route gives holds."""
    wanted = (
        (route.category, category.key),
        (route.domain, category.domain),
        (route.condition, case.condition),
        (route.district, case.place.district),
        (route.channel, case.channel),
        (route.severity, case.severity),
    )
    return all(value is None or value == given for value, given in wanted)


def unit_for(units: Sequence[Unit], kind: str, district: str | None) -> Unit | None:
    """The unit of this kind in the district, else the one for the whole city, else the unit that is named so itself."""
    of_kind = [unit for unit in units if unit.kind == kind]
    for wanted in (district, None):
        for unit in of_kind:
            if unit.district == wanted:
                return unit
    return next((unit for unit in units if unit.key == kind), None)


def _command(case: Case, command: CommandType, **arguments: object) -> Command:
    head = {"id": f"{case.case_id}:{case.sequence}:route:{command}", "case_id": case.case_id, "type": command, "actor": ACTOR}
    return Command.model_validate(head | arguments)
