"""The catalogue and the rest of a city's folder as values: what may be reported, how it is matched, filed, limited, routed and closed.

Loaded by `config.load`, read by every step. Codes and limits differ by city and year, so they are rows here and never constants in code
(DOMAIN.md). Durations are `timedelta`, distances metres, codes strings.
"""

from datetime import datetime, timedelta
from functools import cached_property
from typing import Annotated, Any, Self
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, model_validator

from incidents.geography import Boundaries
from incidents.limit_words import ClockKind as ClockKind
from incidents.limit_words import limit_of
from incidents.vocabulary import By, Channel, Closes, Days, Filing, Grade, Match, Nature, NearestAs, Severity
from incidents.workcalendar import WorkCalendar
from incidents.worktime import WorkTime


class Frozen(BaseModel):
    """A value: no field changes after construction, no unknown field is let in."""

    model_config = ConfigDict(frozen=True, extra="forbid")


SYSTEM, WARNING = "system", "warning"
"""Keys of the categories of what other systems say of themselves (alerts of Prometheus) and of warnings of authorities (CAP)."""
OUTSIDE_INDICATORS = frozenset({SYSTEM, WARNING})
"""No city is judged by how well its monitoring is: these cases count in no indicator."""


class Named(Frozen):
    """A name in the two languages an operator reads."""

    zh: str
    en: str


class Condition(Frozen):
    """A filing condition: the limit belongs to it, not to the category."""

    key: str
    name: Named
    clock: ClockKind
    limit: float = Field(gt=0, strict=True, description="in units of the clock: hours or days")
    grade: Grade = Grade.B
    severity: Severity | None = None

    @model_validator(mode="before")
    @classmethod
    def _in_words(cls, row: Any) -> Any:
        if not isinstance(row, dict) or not isinstance(row.get("limit"), str):
            return row
        if "clock" in row:
            raise ValueError(f"limit = {row['limit']!r} beside clock = {row['clock']!r}: a limit in words names its clock itself")
        clock, limit = limit_of(row["limit"])
        return {**row, "clock": clock, "limit": limit}

    @model_validator(mode="after")
    def _whole_days(self) -> Self:
        if self.clock in (ClockKind.WORK_DAY, ClockKind.NATURAL_DAY) and self.limit % 1:
            raise ValueError(f"limit {self.limit:g} {self.clock}: days of a calendar are whole; use an hour clock for parts of one")
        return self


class Category(Frozen):
    """One row of the catalogue; key = (catalogue version, domain, code)."""

    key: str
    code: str
    domain: str
    name: Named
    nature: Nature
    match: tuple[Match, ...]
    radius_m: int = Field(gt=0, le=5000)
    window: timedelta
    max_span: timedelta | None = None
    family: str = ""
    severity: Severity = Severity.NORMAL
    filing: dict[Channel, Filing]
    dispatch: By = By.AUTO
    close: Closes = Closes.AUTO
    confirm: int = Field(default=1, ge=1, description="machine sightings needed before anybody's queue shows the case")
    trust: float = Field(default=0.0, ge=0, le=1, description="confidence under which a machine's sighting is held")
    recurs_within: timedelta = timedelta(days=7)
    quiet_after_refusal: timedelta = timedelta(hours=24)
    held_for: timedelta = timedelta(hours=24)
    lead: str
    by_asset: bool = Field(default=False, description="the owner of the part (assets.csv) leads, where the part is known")
    assisting: tuple[str, ...] = ()
    conditions: tuple[Condition, ...] = Field(min_length=1)
    closing_condition: Named

    @model_validator(mode="after")
    def _every_channel_has_its_filing(self) -> Self:
        missing = [channel for channel in Channel if channel not in self.filing]
        if missing:
            raise ValueError(f"filing says nothing of channel {', '.join(missing)}")
        return self

    def condition(self, key: str | None) -> Condition:
        """The named condition, the first one when none is named. Raises KeyError for an unknown key."""
        if key is None:
            return self.conditions[0]
        for condition in self.conditions:
            if condition.key == key:
                return condition
        raise KeyError(key)


class Unit(Frozen):
    """Who handles: an office of a level, for a district, a part of one, or the whole city. `kind` is what routes name.

    `area` is the code of a subdistrict, community or grid that the office is for. `handles` names the categories and domains that a patrol
    vehicle, drone or crew is fit for (none: all); it is dispatched as the nearest one where a route says so.
    """

    key: str
    kind: str
    name: Named
    level: str
    district: str | None = None
    area: str | None = None
    parent: str | None = None
    handles: tuple[str, ...] = ()
    home: tuple[float, float] | None = Field(default=None, description="longitude, latitude of the middle of its beat, WGS-84")

    @property
    def subdistrict(self) -> str | None:
        """Of the area, as codes of subdistricts and communities tell it; None for an office of a grid, a district or the city."""
        return self.area.partition("-")[0] if self.area and self.area.startswith(self.district or "?") else None


class Zone(Frozen):
    """A place that routes name: a polygon of (longitude, latitude) in WGS-84, closed by itself."""

    key: str
    name: Named
    polygon: tuple[tuple[float, float], ...] = Field(min_length=3)


class Route(Frozen):
    """One row of the routing table: the first whose every given matcher holds decides (None matches everything).

    `area` is a code of any level; `hours` are local, `22:00-06:00` runs past midnight; `owner` is the kind or key of the unit that owns the
    part. `nearest` names kinds of which the nearest fitting unit within `within_m` is sent. A row of which nothing remains when none is
    found (`nearest` without `lead` and `assisting`) is passed over.
    """

    key: str
    name: Named | None = None
    category: str | None = None
    domain: str | None = None
    condition: str | None = None
    district: str | None = None
    area: str | None = None
    zone: str | None = None
    hours: Annotated[str, Field(pattern=r"^([01]\d|2[0-3]):[0-5]\d-(([01]\d|2[0-3]):[0-5]\d|24:00)$")] | None = None
    days: Days | None = None
    channel: Channel | None = None
    severity: Severity | None = None
    owner: str | None = None
    lead: str | None = None
    assisting: tuple[str, ...] | None = None
    nearest: tuple[str, ...] = ()
    nearest_as: NearestAs = NearestAs.LEAD
    within_m: int = Field(default=3000, gt=0, le=100_000)


class Bounds(Frozen):
    """The box a report of this city must lie in, WGS-84 degrees."""

    west: float
    south: float
    east: float
    north: float


class StageLimits(Frozen):
    """How long a post may hold a case before it is reminded (DOMAIN.md: continuous minutes); None switches the limit off."""

    accept: timedelta | None = timedelta(minutes=15)
    dispatch: timedelta | None = timedelta(minutes=15)
    verify: timedelta | None = timedelta(minutes=30)
    check: timedelta | None = timedelta(minutes=30)
    close: timedelta | None = timedelta(minutes=15)
    arbitrate: timedelta | None = timedelta(hours=1)


class Escalation(Frozen):
    """When a running deadline speaks up, and how far up the levels it climbs."""

    remind_at: float = Field(default=0.8, gt=0, lt=1, description="share of the limit after which the unit is reminded")
    every: float = Field(default=0.5, gt=0, description="share of the limit between two levels once overdue")
    enabled: bool = True


class DistrictName(Frozen):
    """A district's code (GB/T 2260) and names; `subdistricts` are its streets and towns by code.

    `centre` (longitude, latitude, WGS-84) is where a city without shapes draws the district: schematic, the nearest centre wins.
    """

    code: str
    name: Named
    subdistricts: tuple[tuple[str, Named], ...] = ()
    centre: tuple[float, float] | None = None


class Domain(Frozen):
    """A part of the catalogue, one file each: gas, lighting, muck trucks; `code` of a category is unique in it."""

    key: str
    name: Named


class City(Frozen):
    """Everything a city's folder says, checked; `rules` is the hash that every verdict names."""

    key: str
    code: str
    name: Named
    time_zone: str
    bounds: Bounds
    levels: tuple[str, ...] = Field(min_length=1)
    accept_past: timedelta | None
    accept_ahead: timedelta
    accuracy_m: dict[Channel, int]
    default_geocodes: tuple[tuple[float, float], ...] = ()
    reopen_within: timedelta = timedelta(days=7)
    evidence_within_m: int = Field(default=200, gt=0, description="how far from the case a picture of the check may be taken, metres")
    stages: StageLimits = StageLimits()
    escalation: Escalation = Escalation()
    districts: tuple[DistrictName, ...]
    categories: tuple[Category, ...]
    units: tuple[Unit, ...]
    routes: tuple[Route, ...] = ()
    zones: tuple[Zone, ...] = ()
    fallback: str | None = Field(default=None, description="kind whose office of the grid takes what nobody else is named for")
    assets: dict[str, str] = Field(default_factory=dict, description="code of a part -> key of the unit that owns it")
    domains: tuple[Domain, ...] = ()
    boundaries: Boundaries = Boundaries()
    calendar: WorkCalendar | None = None
    catalogue_version: str
    rules: str

    @cached_property
    def catalogue(self) -> dict[str, Category]:
        """Category by key."""
        return {category.key: category for category in self.categories}

    @cached_property
    def own_categories(self) -> tuple[Category, ...]:
        """What happens in the city, without what systems say of themselves."""
        return tuple(category for category in self.categories if category.key not in OUTSIDE_INDICATORS)

    @cached_property
    def unit_by_key(self) -> dict[str, Unit]:
        """Unit by key."""
        return {unit.key: unit for unit in self.units}

    @cached_property
    def offices(self) -> dict[tuple[str, str | None], Unit]:
        """The unit of a kind for a cell of the city, None for all of it; of several the first."""
        return {(unit.kind, unit.area or unit.district): unit for unit in reversed(self.units)}

    @cached_property
    def zone_by_key(self) -> dict[str, Zone]:
        """Zone by key."""
        return {zone.key: zone for zone in self.zones}

    @cached_property
    def worktime(self) -> WorkTime:
        """Counts in the city's working time."""
        return WorkTime(self.calendar, ZoneInfo(self.time_zone))

    def may_have_happened(self, at: datetime, appended: datetime) -> bool:
        """Whether a report of `at` may stand in a record appended (on the city's clock) at `appended`."""
        if at > appended + self.accept_ahead:
            return False
        return self.accept_past is None or at >= appended - self.accept_past
