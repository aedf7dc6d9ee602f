"""Which unit takes a case, and why: precedent, routing table, owner of the part, lead of the category, fallback of the grid, in this order.

Pure and total: a function of the case, the city's rules, the moment, and what routing has learned (`Known`). Every choice says its rule and
its grounds in both languages; they stand on the `dispatched` fact and on the case (DOMAIN.md, dispatch 派遣).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from incidents.case import Case, Precedent
from incidents.catalogue import Category, City, Frozen, Named, Route, Unit
from incidents.commands import Grounds
from incidents.places import distance_m
from incidents.positions import STALE_AFTER, UnitPosition, UnitState, is_fresh
from incidents.route_match import holds, office, owner_of
from incidents.vocabulary import NearestAs


@dataclass(frozen=True)
class Known:
    """What routing has learned: precedents by `precedent_key`, and the latest position of each unit."""

    precedents: Mapping[str, Precedent] = field(default_factory=dict)
    positions: tuple[UnitPosition, ...] = ()


NOTHING = Known()


class Choice(Frozen):
    """Lead unit, assisting units, and why."""

    unit: str
    assisting: tuple[str, ...]
    grounds: Grounds


@dataclass(frozen=True, slots=True)
class _Reason:
    rule: str
    zh: str
    en: str


@dataclass(frozen=True, slots=True)
class _Near:
    """The nearest fitting unit, metres away and with a position of so many seconds."""

    unit: Unit
    distance_m: int
    age_s: int

    @property
    def told(self) -> tuple[str, str]:
        """In both languages."""
        zh = f"最近可用：{self.unit.name.zh}，相距 {self.distance_m} 米，{self.age_s} 秒前的位置"
        return zh, f"the nearest available, {self.unit.name.en}, {self.distance_m} m away by its position of {self.age_s} s ago"


def precedent_key(category: str, district: str | None) -> str:
    """What an arbiter's decision is kept under: the same category in the same district."""
    return f"{category}|{district or ''}"


def choose(city: City, case: Case, at: datetime, known: Known = NOTHING) -> Choice | None:
    """Who takes the case at this moment; None only where the city has no unit of any kind that is asked for."""
    category = city.catalogue.get(case.category)
    if category is None:
        return None
    if (found := known.precedents.get(precedent_key(case.category, case.place.district))) is not None and found.unit in city.unit_by_key:
        return _by_precedent(city, found)
    passed: list[Route] = []
    for route in city.routes:
        if holds(city, route, case, at):
            choice = _by_route(city, case, category, route, _nearest(city, case, route, at, known))
            if choice is not None:
                return _after(choice, passed)
            passed.append(route)
    standing = _made(city, case, _standing(city, case, category), category.assisting)
    return None if standing is None else _after(standing, passed)


def _after(choice: Choice, passed: list[Route]) -> Choice:
    """The choice; its grounds name the rows that held before it and found no unit to send."""
    if not passed:
        return choice
    names = [route.name or Named(zh=route.key, en=route.key) for route in passed]
    minutes = STALE_AFTER // timedelta(minutes=1)
    zh = f"“{'”“'.join(name.zh for name in names)}”：{minutes} 分钟内无合适的可用单元上报位置"
    en = f"“{'”, “'.join(name.en for name in names)}”: no fitting free unit told its position in the last {minutes} minutes"
    grounds = choice.grounds
    return choice.model_copy(update={"grounds": grounds.model_copy(update={"zh": f"{grounds.zh}；{zh}", "en": f"{grounds.en}; {en}"})})


def _by_precedent(city: City, found: Precedent) -> Choice:
    assisting = tuple(unit for unit in dict.fromkeys(found.assisting) if unit in city.unit_by_key and unit != found.unit)
    day = found.at.astimezone(city.worktime.zone).date()
    grounds = Grounds(
        rule=f"precedent:{found.case_id}",
        zh=f"先例：{day} 案件 {found.case_id} 由 {found.by} 仲裁",
        en=f"precedent: {found.by} decided so for case {found.case_id} on {day}",
    )
    return Choice(unit=found.unit, assisting=assisting, grounds=grounds)


def _by_route(city: City, case: Case, category: Category, route: Route, near: _Near | None) -> Choice | None:
    """What a row that holds decides; None when it only sends the nearest unit and there is none."""
    if near is None and is_only_nearest(route):
        return None
    lead, reason = _lead(city, case, category, route)
    kinds = category.assisting if route.assisting is None else route.assisting
    sent = () if near is None else (near.unit,)
    if near is not None and route.nearest_as is NearestAs.LEAD:
        lead, sent = near.unit, () if lead is None else (lead,)
    choice = _made(city, case, (lead, reason), kinds, sent, near)
    return choice if choice is None or near is not None or not route.nearest else _after(choice, [route])


def is_only_nearest(route: Route) -> bool:
    """Whether the row decides nothing when no unit fits: then the next one is asked."""
    return bool(route.nearest) and route.lead is None and route.assisting is None


def _lead(city: City, case: Case, category: Category, route: Route) -> tuple[Unit | None, _Reason]:
    """The unit that a row names, else who would lead without it."""
    zh, en = (route.name.zh, route.name.en) if route.name else (route.key, route.key)
    own = _Reason(f"route:{route.key}", f"派遣规则“{zh}”", f"routing rule “{en}”")
    if route.lead is not None:
        return office(city, route.lead, case.place), own
    unit, standing = _standing(city, case, category)
    if standing.rule.startswith("asset:"):
        own = _Reason(f"{own.rule}+{standing.rule}", f"{own.zh}；{standing.zh}", f"{own.en}; {standing.en}")
    return unit, own


def _standing(city: City, case: Case, category: Category) -> tuple[Unit | None, _Reason]:
    """Who leads where no row decides: the part's owner where the category says so, the category's lead, the grid's fallback."""
    owner = owner_of(city, case) if category.by_asset else None
    if owner is not None and case.identity is not None:
        code = case.identity.value
        return owner, _Reason(f"asset:{code}", f"部件 {code} 的权属单位", f"the owner of part {code}")
    unit = office(city, category.lead, case.place)
    if unit is not None:
        name = category.name
        return unit, _Reason(f"category:{category.key}", f"“{name.zh}”的主办单位", f"the lead of “{name.en}”")
    unit = office(city, city.fallback, case.place) if city.fallback else None
    return unit, _Reason(f"fallback:{city.fallback}", "网格兜底单位：无其他单位负责", "the grid's fallback unit: nobody else is named")


def _made(
    city: City,
    case: Case,
    decided: tuple[Unit | None, _Reason],
    kinds: tuple[str, ...],
    first: tuple[Unit, ...] = (),
    near: _Near | None = None,
) -> Choice | None:
    """The choice; `first` assist before those of `kinds`, `near` is the unit that was sent by its position."""
    lead, reason = decided
    if lead is None:
        return None
    helpers = [unit.key for unit in (*first, *_offices(city, kinds, case)) if unit.key != lead.key]
    return Choice(unit=lead.key, assisting=tuple(dict.fromkeys(helpers)), grounds=_grounds(reason, near))


def _offices(city: City, kinds: tuple[str, ...], case: Case) -> Iterator[Unit]:
    for kind in kinds:
        unit = office(city, kind, case.place)
        if unit is not None:
            yield unit


def _grounds(reason: _Reason, near: _Near | None) -> Grounds:
    if near is None:
        return Grounds(rule=reason.rule, zh=reason.zh, en=reason.en)
    zh, en = near.told
    return Grounds(
        rule=f"{reason.rule}+nearest:{near.unit.key}",
        zh=f"{reason.zh}；{zh}",
        en=f"{reason.en}; {en}",
        nearest=near.unit.key,
        distance_m=near.distance_m,
        age_s=near.age_s,
    )


def _nearest(city: City, case: Case, route: Route, at: datetime, known: Known) -> _Near | None:
    """The nearest unit that is free, fresh, of a wanted kind, fit for the category and near enough; of equals the fresher, then by key."""
    if not route.nearest or not case.place.known:
        return None
    found = (near for position in known.positions if (near := _fitting(city, case, route, at, position)) is not None)
    return min(found, key=lambda near: (near.distance_m, near.age_s, near.unit.key), default=None)


def _fitting(city: City, case: Case, route: Route, at: datetime, position: UnitPosition) -> _Near | None:
    unit = city.unit_by_key.get(position.unit)
    if unit is None or unit.kind not in route.nearest or position.state is not UnitState.AVAILABLE:
        return None
    if unit.handles and not {case.category, city.catalogue[case.category].domain} & set(unit.handles):
        return None
    if not is_fresh(position, at, city.accept_ahead):
        return None
    metres = round(distance_m(case.place.lon, case.place.lat, position.lon, position.lat))
    return _Near(unit, metres, max(0, round((at - position.at).total_seconds()))) if metres <= route.within_m else None
