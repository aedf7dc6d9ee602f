"""Who is at a case now, soft: said by the pages every twenty seconds, told over the feed, gone after thirty."""

from typing import Annotated

from fastapi import APIRouter, Path
from pydantic import BaseModel, ConfigDict

from adapters.presence import Doing, Present
from console.access import CanRead
from console.commands import CaseName
from console.problems import not_found
from console.world import World
from incidents.rights import scope_of


class Here(BaseModel):
    """What the person does with the case."""

    model_config = ConfigDict(extra="forbid")

    doing: Doing


def router(world: World) -> APIRouter:
    """`/api/v1/cases/{id}/presence`."""
    area = APIRouter(prefix="/api/v1", tags=["cases"])

    @area.post("/cases/{case_id}/presence", summary="Say that one looks at a case")
    async def be_present(case_id: Annotated[CaseName, Path()], here: Here, person: CanRead) -> Present:
        """Say that one looks at the case, or handles it, for 30 seconds; or that one has left it."""
        case = (await world.hub.view.cases_of([case_id])).get(case_id)
        if case is None or not scope_of(person).covers_case(case):
            raise not_found("case", case_id)
        return await world.presences.say(case, person.id, person.name, here.doing)

    return area
