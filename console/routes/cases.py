"""Cases as people see them: a list with filters, one case whole, its facts, and its reports each with the reason that brought it there."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query, Request, Response
from pydantic import Field

from adapters.presence import Present
from console.access import CanRead
from console.case_page import CasePages
from console.commands import CaseName
from console.filters import ListAsked
from console.problems import not_found
from console.routes.explain import ToldReport
from console.views import CasePage, CaseView, FactPage, View
from console.world import World
from incidents.case import Case
from incidents.errors import TryAgain
from incidents.masking import masked
from incidents.rights import scope_of

FRESH = {"Cache-Control": "no-store"}
MOST_REPORTS = 500

Name = Annotated[CaseName, Path(description="the case's id")]
After = Annotated[int, Query(ge=0, le=2**31 - 1, description="facts behind this sequence")]
FactLimit = Annotated[int, Query(ge=1, le=500)]
ReportLimit = Annotated[int, Query(ge=1, le=MOST_REPORTS, description="what opened the case, and the newest of the others")]


class SourceTotalView(View):
    """What one source said of the case, and where its last word stands on the log."""

    source: str
    count: int
    first: str
    last: str
    partition: int
    offset: int


class ReportsView(View):
    """The reports of a case; `report_count` is how many the log has of it."""

    report_count: int
    sources: list[SourceTotalView]
    reports: list[ToldReport] = Field(description="by time; what the log no longer has is without source, id and time")


async def feed_position(request: Request) -> dict[str, str]:
    """The header `X-Cursor`: where the feed stood before the tables were read, so that what follows it misses nothing."""
    world: World = request.app.state.world
    try:
        return {"X-Cursor": (await world.hub.view.reach()).newest}
    except TryAgain:
        return {}


async def present(request: Request, case_id: Name) -> list[Present]:
    """Who is at the case; nobody while Redis is away."""
    world: World = request.app.state.world
    try:
        return list((await world.presences.of([case_id])).get(case_id, ()))
    except TryAgain:
        return []


Position = Annotated[dict[str, str], Depends(feed_position)]
CURSOR_SAID: dict[int | str, dict[str, Any]] = {
    200: {"headers": {"X-Cursor": {"description": "where the feed goes on behind this answer", "schema": {"type": "string"}}}}
}


def router(world: World) -> APIRouter:
    """`/api/v1/cases`, `/api/v1/cases/{id}`, `…/events`, `…/reports`."""
    area = APIRouter(prefix="/api/v1", tags=["cases"])
    pages = CasePages(world.city, world.query)

    @area.get("/cases", summary="Cases, page by page", responses=CURSOR_SAID)
    def cases(person: CanRead, asked: ListAsked, position: Position, response: Response) -> CasePage:
        """The cases of the person's scope that match every filter, the newest first unless sorted otherwise.

        Whatever is opened meanwhile, who follows `next` sees every case that was there once.
        """
        response.headers.update(position | FRESH)
        found = world.query.cases(scope_of(person), asked.filter(), asked.cursor, asked.limit, asked.sort)
        return CasePage.model_validate({"cases": found.rows, "next": found.next, "total": found.total, "at_least": found.at_least})

    @area.get("/cases/{case_id}", summary="One case, whole", responses=CURSOR_SAID)
    def case(
        case_id: Name, person: CanRead, position: Position, here: Annotated[list[Present], Depends(present)], response: Response
    ) -> CaseView:
        """What a case page shows, personal data masked; the ETag is the revision that `If-Match` of a command compares."""
        page = pages.page(person, case_id, here, world.clock.now())
        response.headers.update(position | FRESH | {"ETag": f'"{page.row.revision}"'})
        return page

    @area.get("/cases/{case_id}/events", summary="What happened to a case")
    def events(case_id: Name, person: CanRead, response: Response, after: After = 0, limit: FactLimit = 200) -> FactPage:
        """Its facts by sequence, personal data masked."""
        response.headers.update(FRESH)
        facts = world.query.facts(scope_of(person), case_id, after, limit)
        if facts is None:
            raise not_found("case", case_id)
        following = facts[-1]["sequence"] if len(facts) == limit else None
        return FactPage.model_validate({"events": masked(facts), "next": following})

    @area.get("/cases/{case_id}/reports", summary="The reports of a case, each with its reason")
    def reports(case_id: Name, person: CanRead, response: Response, limit: ReportLimit = 100) -> ReportsView:
        """What opened the case and what was merged into it, each with the rule and its numbers. Reads the log: slower than the case."""
        response.headers.update(FRESH)
        found = pages.found(scope_of(person), case_id)
        told = world.reports_log.of_case(Case.model_validate(found.case), limit)
        about = {"case_state": found.row["state"], "merged_into": found.row["merged_into"]}
        return ReportsView.model_validate(told | {"reports": [_whole(each) | about for each in told["reports"]]})

    return area


def _whole(report: dict[str, object]) -> dict[str, object]:
    """A row of `reports_of` as `explain` tells it; None where the record is gone."""
    return {"category": None, "channel": None, "appended_at": None, **report}
