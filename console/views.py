"""The shapes of what the API answers about cases: explicit, without a field more, each with an example for the OpenAPI document.

Times are ISO 8601 in UTC, coordinates WGS-84 degrees, codes and keys those of the catalogue; sentences are for nobody but people and stand
only where a rule or a person wrote them.
"""

from typing import Any

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from incidents.case import Actor, CommandType, FactType, HeldBecause, Role, State
from incidents.catalogue import Channel, Severity
from incidents.deadline_story import DeadlineStory

ID = "QD-20261121-14YNDD4W6Y"
ROW: dict[str, Any] = {
    "case_id": ID,
    "state": "handling",
    "category": "road_spillage",
    "condition": "over_3m2",
    "severity": "normal",
    "channel": "low_video",
    "district": "370202",
    "subdistrict": "370202001",
    "community": "370202001-03",
    "grid": "0123-0456",
    "lon": 120.3826,
    "lat": 36.0671,
    "address": None,
    "unit": "sanitation-370202",
    "assisting": [],
    "level": "district",
    "opened_at": "2026-11-21T00:15:03Z",
    "first_seen": "2026-11-21T00:15:02Z",
    "last_seen": "2026-11-21T00:21:40Z",
    "filed_at": "2026-11-21T00:15:04Z",
    "dispatched_at": "2026-11-21T00:15:04Z",
    "accepted_at": "2026-11-21T00:19:00Z",
    "handled_at": None,
    "ended_at": None,
    "entered_at": "2026-11-21T00:19:00Z",
    "due_at": "2026-11-21T06:15:04Z",
    "stage_due_at": None,
    "overdue": False,
    "held_because": None,
    "count": 7,
    "sources": 2,
    "sequence": 6,
    "revision": 3,
    "confidence": 0.93,
    "algorithm": "road-spillage/3.2",
    "picture": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "merged_into": None,
}


class View(BaseModel):
    """An answer: no field is left out, none is added."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class CaseRow(View):
    """A case as lists, the map's drawer and exports show it."""

    model_config = ConfigDict(json_schema_extra={"examples": [ROW]})

    case_id: str
    state: State
    category: str
    condition: str | None
    severity: Severity
    channel: Channel
    district: str | None
    subdistrict: str | None
    community: str | None
    grid: str | None
    lon: float
    lat: float
    address: str | None
    unit: str | None
    assisting: list[str]
    level: str
    opened_at: AwareDatetime
    first_seen: AwareDatetime
    last_seen: AwareDatetime
    filed_at: AwareDatetime | None
    dispatched_at: AwareDatetime | None
    accepted_at: AwareDatetime | None
    handled_at: AwareDatetime | None
    ended_at: AwareDatetime | None
    entered_at: AwareDatetime = Field(description="when the present state began")
    due_at: AwareDatetime | None
    stage_due_at: AwareDatetime | None = Field(description="when the post that holds the case must have moved it")
    overdue: bool
    held_because: HeldBecause | None
    count: int = Field(description="sightings over all sources")
    sources: int
    sequence: int
    revision: int = Field(description="moves with every accepted command; what `If-Match` compares")
    confidence: float | None
    algorithm: str | None
    picture: str | None = Field(description="sha256 of the first picture")
    merged_into: str | None


class CasePage(View):
    """A page of cases; `next` is the cursor of the following one, `total` how many match the filters (exact up to a thousand)."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"cases": [ROW], "next": None, "total": 1, "at_least": False}]})

    cases: list[CaseRow]
    next: str | None
    total: int
    at_least: bool = Field(description="`total` is how many were counted; there are more")


class ActionView(View):
    """A command that this person may give now; `needs` are the names of what it must carry."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"command": "return", "needs": ["reason"], "reason_required": True}]})

    command: CommandType
    needs: list[str]
    reason_required: bool


class SourceView(View):
    """What one source said of the case so far, absolute; `statement` is a person's own words, personal data masked."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "source": "/cameras/37020200012",
                    "count": 6,
                    "first": "2026-11-21T00:15:02Z",
                    "last": "2026-11-21T00:21:40Z",
                    "channel": "low_video",
                    "reason": "opened",
                    "statement": None,
                }
            ]
        }
    )

    source: str
    count: int | None = Field(description="None for a statement whose source is not among the totals")
    first: AwareDatetime
    last: AwareDatetime
    channel: Channel | None
    reason: str | None = Field(description="why it opened the case; `GET …/reports` has the reason of every report")
    statement: dict[str, Any] | None


class MergedView(View):
    """A case that was merged into this one: its row, who did so, when and why."""

    row: CaseRow
    at: AwareDatetime | None
    actor: Actor | None
    reason: str | None


class SuggestionView(View):
    """A case that may be the same thing; distance in metres and minutes between the first sightings."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"row": ROW, "distance_m": 14, "minutes": 22, "score": None}]})

    row: CaseRow
    distance_m: int
    minutes: int
    score: float | None = Field(description="how alike the words are, 0 to 1; None where there are no words to compare")


class PresenceView(View):
    """Somebody who has the case open, believed until then."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"person": "wangfang", "name": "王芳", "doing": "handling", "until": "2026-11-21T00:22:10Z"}],
        }
    )

    person: str
    name: str
    doing: str
    until: AwareDatetime


class CaseView(View):
    """All that a case page shows."""

    case: dict[str, Any] = Field(
        description="the whole case as its last fact told it (docs/states.md); personal values stand as `{masked, match}`",
        examples=[{"case_id": ID, "state": "handling", "place": {"lon": 120.3826, "lat": 36.0671, "district": "370202"}}],
    )
    row: CaseRow
    actions: list[ActionView]
    deadline: DeadlineStory | None
    merged: list[MergedView]
    suggestions: list[SuggestionView]
    reports: list[SourceView]
    presence: list[PresenceView]


class FactView(View):
    """One thing that happened to a case; `changes` are the fields of the case that it changed, personal data masked."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "sequence": 4,
                    "type": "dispatched",
                    "at": "2026-11-21T00:15:04Z",
                    "actor": {"id": "system:routing", "role": Role.SYSTEM, "unit": None},
                    "note": None,
                    "reason": None,
                    "changes": {"unit": "sanitation-370202", "state": "dispatched"},
                }
            ]
        }
    )

    sequence: int
    type: FactType
    at: AwareDatetime
    actor: Actor
    note: str | None
    reason: str | None
    changes: dict[str, Any]


class FactPage(View):
    """Facts by sequence; `next` is what to give as `after` for the following ones, None at the end."""

    events: list[FactView]
    next: int | None


Point = tuple[str, float, float, str, State, Severity, int | None, bool, int, str | None]
POINT: list[Any] = [ID, 120.3826, 36.0671, "road_spillage", "handling", "normal", 1795241704000, False, 1795220103000, "370202"]


class MapView(View):
    """Points of the map: case, longitude, latitude, category, state, severity, due (ms since 1970), overdue, opened (ms), district."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"points": [POINT], "complete": True}]})

    points: list[Point]
    complete: bool = Field(description="false when there are more than were asked for: zoom in, or filter")


class CountsView(View):
    """How many cases stand in each tab, state and district of the person's scope."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"tabs": {"to_file": 4, "overdue": 1}, "states": {"reported": 4}, "districts": {"370202": 4}}]}
    )

    tabs: dict[str, int]
    states: dict[str, int]
    districts: dict[str, int]


class TaskView(CaseRow):
    """A case that waits for this person: why for them, what counts as done, and what they may do."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    **ROW,
                    "why": {"zh": "路面保洁归本区环卫", "en": "the district's sanitation keeps roads clean"},
                    "closing_condition": {"zh": "路面洁净", "en": "the road is clean"},
                    "actions": [{"command": "report_handled", "needs": ["evidence_or_handed_on"], "reason_required": False}],
                }
            ]
        }
    )

    why: dict[str, str] | None
    closing_condition: dict[str, str] | None
    actions: list[ActionView]


class TaskPage(View):
    """Tasks by due time, the most urgent first."""

    tasks: list[TaskView]


class SimilarPage(View):
    """Likely duplicates, the likeliest first."""

    similar: list[SuggestionView]
