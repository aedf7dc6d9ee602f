"""The shapes of what the API answers about cases: explicit, without a field more. Examples of them stand in console.example_values.

Times are ISO 8601 in UTC, coordinates WGS-84 degrees, codes and keys those of the catalogue; sentences are for nobody but people and stand
only where a rule or a person wrote them.
"""

from typing import Any

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from incidents.commands import Actor
from incidents.deadline_story import DeadlineStory
from incidents.vocabulary import Channel, CommandType, FactType, HeldBecause, Severity, State


class View(BaseModel):
    """An answer: no field is left out, none is added."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class CaseRow(View):
    """A case as lists, the map's drawer and exports show it."""

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

    cases: list[CaseRow]
    next: str | None
    total: int
    at_least: bool = Field(description="`total` is how many were counted; there are more")


class ActionView(View):
    """A command that this person may give now; `needs` are the names of what it must carry."""

    command: CommandType
    needs: list[str]
    reason_required: bool


class SourceView(View):
    """What one source said of the case so far, absolute; `statement` is a person's own words, personal data masked."""

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

    row: CaseRow
    distance_m: int
    minutes: int
    score: float | None = Field(description="how alike the words are, 0 to 1; None where there are no words to compare")


class PresenceView(View):
    """Somebody who has the case open, believed until then."""

    person: str
    name: str
    doing: str
    until: AwareDatetime


class CaseView(View):
    """All that a case page shows."""

    case: dict[str, Any] = Field(
        description="the whole case as its last fact told it (docs/states.md); personal values stand as `{masked, match}`"
    )
    row: CaseRow
    actions: list[ActionView]
    deadline: DeadlineStory | None
    unfiled: str | None = Field(
        description="why a case that a rule files by itself still stands in `reported`, as `中文 / English`: the calendar lacks a year"
    )
    merged: list[MergedView]
    suggestions: list[SuggestionView]
    reports: list[SourceView]
    presence: list[PresenceView]


class FactView(View):
    """One thing that happened to a case; `changes` are the fields of the case that it changed, personal data masked."""

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


class MapView(View):
    """Points of the map: case, longitude, latitude, category, state, severity, due (ms since 1970), overdue, opened (ms), district."""

    points: list[Point]
    complete: bool = Field(description="false when there are more than were asked for: zoom in, or filter")


class CountsView(View):
    """How many cases stand in each tab, state and district of the person's scope."""

    tabs: dict[str, int]
    states: dict[str, int]
    districts: dict[str, int]


class TaskView(CaseRow):
    """A case that waits for this person: why for them, what counts as done, and what they may do."""

    why: dict[str, str] | None
    closing_condition: dict[str, str] | None
    actions: list[ActionView]


class TaskPage(View):
    """Tasks by due time, the most urgent first."""

    tasks: list[TaskView]


class SimilarPage(View):
    """Likely duplicates, the likeliest first."""

    similar: list[SuggestionView]
