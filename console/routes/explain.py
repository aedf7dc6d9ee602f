"""`/api/v1/explain`: why did this report end up where it did? Reads the log of reports, within an hour of the report's time."""

from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import Field

from console.access import CanRead
from console.problems import not_found
from console.views import View
from console.wire import Moment
from console.world import World
from incidents.decision import Verdict
from incidents.rights import EVERYTHING, Scope, scope_of
from incidents.vocabulary import State

Source = Annotated[str, Query(min_length=1, max_length=256, description="the report's source", examples=["/cameras/37020200012"])]
Id = Annotated[str, Query(min_length=1, max_length=256, description="the report's id", examples=["6f0c"])]
Time = Annotated[Moment, Query(description="the report's time, to the hour", examples=["2026-11-21T08:15:02+08:00"])]


class ToldReport(View):
    """A record of a report with what intake said of it; the numbers are those that the rule compared. No verdict: not judged yet."""

    source: str | None
    id: str | None
    time: str | None = Field(description="as it was sent; None where the log no longer has it")
    category: str | None
    channel: str | None
    topic: str
    appended_at: str | None
    partition: int
    offset: int
    verdict: Verdict | None
    reason: str | None
    rule: str | None
    distance_m: int | None
    seconds: int | None
    held: str | None = Field(description="as in 2/3, while a case waits for more sightings")
    rules: str | None = Field(description="version of the rules that decided")
    case_id: str | None
    case_state: State | None
    merged_into: str | None


class Explained(View):
    """Every record of the report: one that was sent again within the hour stands there twice."""

    reports: list[ToldReport]


def router(world: World) -> APIRouter:
    """`/api/v1/explain`."""
    area = APIRouter(prefix="/api/v1", tags=["evaluation"])

    @area.get("/explain", summary="Why a report ended up where it did", responses={404: {}})
    def explain(person: CanRead, source: Source, id: Id, time: Time) -> Explained:  # noqa: A002  # the contract's name
        """The verdict with its rule and numbers, and the case. A report without a case is told to who sees the whole city."""
        told = [_seen(world, scope_of(person), each) for each in world.reports_log.report(source, id, time)]
        if not any(told):
            raise not_found("report", id)
        return Explained.model_validate({"reports": [each for each in told if each]})

    return area


def _seen(world: World, scope: Scope, story: dict[str, Any]) -> dict[str, Any] | None:
    about: dict[str, Any] = {"case_state": None, "merged_into": None}
    if story["case_id"] is None:
        return story | about if scope == EVERYTHING else None
    found = world.query.case(scope, story["case_id"])
    return None if found is None else story | {"case_state": found.row["state"], "merged_into": found.row["merged_into"]}
