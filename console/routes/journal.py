"""`GET /api/v1/journal`: who did what, and who opened what, for auditors."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import AwareDatetime, BaseModel, Field

from adapters.journal_reading import Wanted, entries
from console.access import CanReadJournal
from console.problems import invalid
from console.wire import Moment
from console.world import World
from incidents.journal import Kind, iso
from incidents.rights import scope_of

MOST = 500
NAME = r"^[\w:.-]{1,100}$"


class Entry(BaseModel):
    """One entry, as it is chained."""

    sequence: int
    at: AwareDatetime
    kind: str
    person: str = Field(description="the account, or `token:<id>`")
    what: dict[str, Any] = Field(description="what was done; never what was opened")
    hash: str


class Entries(BaseModel):
    """The newest entries first."""

    entries: list[Entry]
    next: int | None = Field(description="`before` of the next page")


def router(world: World) -> APIRouter:
    """The journal's reading side."""
    area = APIRouter(prefix="/api/v1", tags=["people"])

    @area.get("/journal", summary="Who did what, and who opened what")
    def journal(  # noqa: PLR0913  # one parameter per filter of the interface
        person: CanReadJournal,
        case: Annotated[str | None, Query(pattern=NAME, description="of this case")] = None,
        who: Annotated[str | None, Query(alias="person", pattern=NAME, description="by this account or token")] = None,
        kind: Annotated[Kind | None, Query()] = None,
        since: Annotated[Moment | None, Query()] = None,
        until: Annotated[Moment | None, Query()] = None,
        before: Annotated[int | None, Query(ge=1, le=2**62, description="entries numbered below this")] = None,
        limit: Annotated[int, Query(ge=1, le=MOST)] = 100,
    ) -> Entries:
        """Sign-ins, commands, unsealings, exports; a district's auditor sees those that concern the district."""
        wanted = Wanted(case, who, kind, _moment(since), _moment(until), before)
        found = entries(world.database, world.journal.city, scope_of(person), wanted, limit)
        return Entries(entries=[Entry(**each) for each in found], next=found[-1]["sequence"] if len(found) == limit else None)

    return area


def _moment(at: datetime | None) -> str | None:
    try:
        return None if at is None else iso(at)
    except OverflowError:
        raise invalid(f"{at} is beyond the calendar in UTC: give a time between the years 2 and 9998") from None
